#!/bin/bash
# b.sh NAME SEED EXTRA-LINK-ARGS...
name=$1; seed=$2; shift 2
args=(); for a in "$@"; do args+=(-C "link-arg=-Wl,$a"); done
touch /tmp/bg/evaluate/scripts/evaluation/subjects/src/lib.rs
cd /tmp/bg/evaluate/scripts/evaluation/subjects
NEUTRAL_SEED=$seed CARGO_TARGET_DIR=/tmp/bg/exp/build nice cargo rustc --locked --profile bench --bench subjects --message-format json -- "${args[@]}" 2>/tmp/bg/exp/err | python3 -c "
import sys,json
for l in sys.stdin:
    try: j=json.loads(l)
    except: continue
    if j.get('executable'): print(j['executable'])" | tail -1 | xargs -I{} cp {} /tmp/bg/exp/$name
tail -2 /tmp/bg/exp/err
