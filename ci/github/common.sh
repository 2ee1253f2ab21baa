# What the scripts beside this one share; they source it.
# shellcheck shell=bash

# Workflow commands end with their line: what is passed here is ours, on one line.
# The runner hears them on stderr too, and there nothing captures them.
error() { printf '::error title=benchgate::%s\n' "$*" >&2; }
warning() { printf '::warning title=benchgate::%s\n' "$*" >&2; }
notice() { printf '::notice title=benchgate::%s\n' "$*" >&2; }

# die CODE WORDS: the codes are those of gate (src/exit.rs).
die() {
    local code=$1
    shift
    error "$*"
    exit "$code"
}

# A word that nobody else can know beforehand.
word() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# output NAME VALUE: a step's output. A value may have several lines, so its end
# is marked by a word that cannot be in it.
output() {
    local end
    end="end-$(word)"
    printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}

# summary WORDS: a paragraph of the job's summary.
summary() { printf '%s\n\n' "$*" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"; }

# unheard COMMAND...: what it prints is text, and none of it a workflow command.
unheard() {
    local end code=0
    end=$(word)
    printf '::stop-commands::%s\n' "$end"
    # On one stream, or what is printed could overtake the line above.
    "$@" 2>&1 || code=$?
    # On a line of its own, whatever was printed before.
    printf '\n::%s::\n' "$end"
    return "$code"
}

# What gate's exit code means, in a word; any other code is a gate that was stopped.
verdict_of() {
    case $1 in
    0) echo pass ;;
    2) echo usage ;;
    3) echo regression ;;
    4) echo undecided ;;
    5) echo nothing-compared ;;
    *) echo incomplete ;;
    esac
}
