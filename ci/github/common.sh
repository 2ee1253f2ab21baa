# Functions that the scripts in this directory source.
# shellcheck shell=bash

# A workflow command ends with its line, so these take only our own text, on one line.
# They go to stderr, which the runner reads and nothing captures.
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

# A word that nobody else can predict.
word() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# output NAME VALUE: a step's output. A value may have several lines, so an
# unpredictable word marks its end.
output() {
    local end
    end="end-$(word)"
    printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}

# summary WORDS: a paragraph of the job's summary.
summary() { printf '%s\n\n' "$*" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"; }

# unheard COMMAND...: prints the command's output so that the runner takes no workflow
# commands from it.
unheard() {
    local end code=0
    end=$(word)
    printf '::stop-commands::%s\n' "$end"
    # On one stream, so that no output can overtake the line above.
    "$@" 2>&1 || code=$?
    # On its own line, whatever was printed before.
    printf '\n::%s::\n' "$end"
    return "$code"
}

# The meaning of gate's exit code in a word; any other code means that gate was stopped.
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

# conclude COMMAND CODE REPORT [WORD]: outputs the verdict of a gate that ended with CODE and
# wrote its report to the directory REPORT, with annotations and the job's summary. WORD
# is the verdict of exit code 0: pass by default.
conclude() {
    local command=$1 code=$2 report=$3 verdict
    if [ -f "$report/report.json" ]; then
        # Annotations, and the job's summary.
        "$GATE_EXE" report "$report/report.json" --format github
    elif [ "$code" -eq 0 ]; then
        # Nothing was judged, so nothing has passed.
        code=1
    fi
    verdict=$(verdict_of "$code")
    [ "$verdict" != pass ] || verdict=${4:-pass}
    if [ ! -f "$report/report.json" ]; then
        error "gate ended with $code ($verdict) and wrote no report: see the end of the log"
        summary "❌ **No report**: \`$command\` ended with $code ($verdict). The log of the job says why."
    fi
    output verdict "$verdict"
    output exit-code "$code"
    output report "$(realpath -m -- "$report")"
}
