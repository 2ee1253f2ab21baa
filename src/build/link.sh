#!/bin/sh
# Started by cargo in place of rustc, with rustc's path and its arguments. Where
# an order of functions is kept for the executable that is to be linked, the
# linker is told to use it; everything else goes to rustc as it is.
here=${0%/*}
name='' kind='' previous=''
for argument; do
    case $previous in
    --crate-name) name=$argument ;;
    --crate-type) kind=$argument ;;
    esac
    previous=$argument
done
order=$here/order/$CARGO_PKG_NAME.$name
# Without a kind it is a program: cargo names none for benches.
if [ "${kind:-bin}" = bin ] && [ -f "$order" ]; then
    # Code on pages of its own: what precedes it in the file does not move it.
    for option in --symbol-ordering-file="$order" --no-warn-symbol-ordering -z separate-code; do
        set -- "$@" -C link-arg=-Xlinker -C link-arg="$option"
    done
fi
# A wrapper of the user's own.
if [ -n "$BENCHGATE_WRAPPED" ]; then
    set -- "$BENCHGATE_WRAPPED" "$@"
fi
exec "$@"
