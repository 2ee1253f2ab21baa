//! The codes of findings, and what each means.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $exit:ident, $text:literal;)*) => {
        /// The kinds of findings. Their names are stable: scripts may rely on them.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Code {
            /// All of them, in the order in which they are listed.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The exit code that one of severity `fail` asks for.
            pub fn exit(self) -> Exit {
                match self { $(Self::$variant => Exit::$exit,)* }
            }

            /// What it means, and what helps.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// An absolute limit is broken.
    BudgetExceeded = "budget-exceeded", Regression,
        "The candidate breaks an absolute limit of the policy ([[budget]]). A clock breaks it if \
         the mean of the runs is beyond the limit by more than its 95% interval, a count if any \
         run is beyond it. Fix the cause, or change the budget in gate.toml and give a reason.";
    /// The runs are too noisy to tell whether a limit is kept.
    BudgetUndecided = "budget-undecided", Undecided,
        "The mean of the runs is beyond the budget, but the runs vary too much to be sure. \
         Measure more runs (--repeat), or leave more room in the budget.";
    /// A limit applies to nothing that was measured.
    BudgetUnmatched = "budget-unmatched", NothingCompared,
        "A budget names a benchmark or metric that was not measured, or uses another unit than \
         the metric. A limit without a value is not met. Correct its bench, metric or unit, or \
         find out why the benchmark did not run.";
    /// The candidate is beyond an absolute limit.
    TargetMissed = "target-missed", Regression,
        "The candidate is beyond a limit of the policy ([[target]]): the mean of the runs by more \
         than its 95% interval, or any run of a count. The target's severity sets the effect: \
         critical and high fail, medium warns, low is only shown. Fix the cause, or change the \
         target in gate.toml and give a reason.";
    /// A quantile has too few observations to be compared with its limit.
    TargetUnsupported = "target-unsupported", Regression,
        "The target limits a quantile, and the runs hold fewer than ten observations beyond it. \
         Such a quantile is not a number that can be trusted, so the target is not met: it fails \
         as if it was missed. Record more observations, or limit a lower quantile.";
    /// The runs show neither that a target is met nor that it is missed.
    TargetUndecided = "target-undecided", Undecided,
        "The limit is inside the 95% interval of the runs' mean, or there is a single run. The \
         target counts as not met. It blocks (exit 4) if its severity is critical, or high with \
         verdict.undecided = \"block\". Measure more runs (--repeat), or leave more room.";
    /// A value keeps its limit, but is beyond the value that warns.
    TargetNear = "target-near", Regression,
        "The target is met, but the candidate is proven to be beyond its warn_at. This is a \
         warning before the limit is reached.";
    /// A target names nothing that was measured.
    TargetUnmatched = "target-unmatched", NothingCompared,
        "A target names a benchmark or metric that was not measured, or uses another unit than \
         the metric. It is shown as not measured and counts as not met. It fails if it is \
         `required` or its unit does not fit. Correct its bench, metric or unit, or find out why \
         the benchmark did not run.";
    /// A required benchmark was not measured.
    RequiredMissing = "required-missing", NothingCompared,
        "A glob in the policy's verdict.require matches no measured benchmark. The list of \
         benchmarks that did not run often gives the reason: a service or a tool was missing.";
    /// The baseline has a benchmark that the candidate does not have.
    BenchmarkMissing = "benchmark-missing", NothingCompared,
        "The baseline has a benchmark that the candidate does not have: it was removed or \
         renamed, its target did not run, or a service was missing. verdict.missing sets the \
         severity. After an intended removal, save the baseline again.";
    /// A benchmark is present, but one of its metrics is not.
    MetricMissing = "metric-missing", NothingCompared,
        "Both sides have the benchmark, but the candidate lacks one of its metrics, or measures \
         it in another unit or direction than the baseline: a tool (valgrind) was missing, or the \
         benchmark records something else now. verdict.missing sets the severity. After an \
         intended change, save the baseline again.";
    /// A missing and a new benchmark have similar names.
    BenchmarkRenamed = "benchmark-renamed", Undecided,
        "A benchmark is missing and a new one has almost the same name. The two are not compared. \
         Save the baseline again, or keep the name.";
    /// The candidate has a benchmark that the baseline does not have.
    BenchmarkNew = "benchmark-new", NothingCompared,
        "The baseline does not have this benchmark yet, so it is not compared. It will be once a \
         baseline has it. verdict.new sets the severity.";
    /// A bench program failed.
    BenchmarkFailed = "benchmark-failed", Failure,
        "A bench program crashed, hung or printed output that cannot be read, so its benchmarks \
         are not measured. Other benchmarks are still judged. verdict.unreadable sets the \
         severity.";
    /// A result cannot be read.
    UnreadableResult = "unreadable-result", Failure,
        "A result file is missing or truncated, or it contains a number that no measurement \
         gives: NaN, a negative time, zero iterations. The benchmark is not compared, but others \
         are. verdict.unreadable sets the severity. Remove the directory and measure again.";
    /// Two results have the name of one benchmark.
    DuplicateResult = "duplicate-result", Failure,
        "Two results claim to be the same benchmark, so neither can be trusted. Give the \
         benchmarks different names. verdict.duplicate sets the severity.";
    /// A result is from an earlier run.
    StaleResult = "stale-result", Failure,
        "A result is left over from an earlier run, so its benchmark may no longer exist. It is \
         not compared. Remove the directory, or measure with `gate run`, which always starts with \
         an empty one. verdict.stale sets the severity.";
    /// A benchmark was skipped.
    NotRun = "not-run", NothingCompared,
        "A benchmark was skipped because a service or a tool was missing. The message names it \
         and says how to get it. To insist on a benchmark, name it in verdict.require.";
    /// The environments of the two sides differ.
    EnvironmentDiffers = "environment-differs", Undecided,
        "The baseline was measured in another environment. Wall times are undecided if the \
         processor, the kernel, the toolchain, the flags or another field that affects a clock \
         differs; instruction counts if the toolchain, the C library, the processor's level or \
         valgrind does. Fields: cpu_model cores cpu_level governor memory_bytes os kernel libc \
         container virtual_machine rustc target profile flags features valgrind runner services. \
         Save a baseline for this environment, or allow a field to differ with \
         environment.ignore.";
    /// The environment of a side is not known.
    EnvironmentUnknown = "environment-unknown", Undecided,
        "One side does not record where it was measured: it is a critcmp export, or another \
         tool's directory. The sides are compared as if both were measured on the same machine \
         with the same toolchain. Only you can know whether they were.";
    /// Most times changed alike.
    SuiteShift = "suite-shift", Regression,
        "The median change of ten or more times is beyond noise: most benchmarks became slower, \
         or faster, by about as much. Either the machine changed, or the code that all of them \
         use; the clock alone cannot tell. The shift is subtracted from each row, the rest is \
         judged, and both changes are shown. A row is a regression or an improvement only if the \
         measured change is one too. Instruction counts tell the machine from the code: if most \
         of them moved the same way, nothing is subtracted. verdict.suite_shift sets the \
         severity. A shift no larger than sessions of equal code differ is only a note; a shift \
         for the better, and one of a machine whose sessions are not known, is at most a \
         warning. `gate ab` measures both sides in turn, so it has no such shift.";
    /// The noise between sessions is not known.
    SessionsUnknown = "sessions-unknown", Undecided,
        "Two saved snapshots come from two sessions. Sessions differ by more than the runs within \
         each show: another hour, other load on the host. For these rows it is not known by how \
         much, so the policy's assumption ([sessions] common and own) takes its place. It is of \
         another machine, so a slower clock only warns; counts still fail. `gate calibrate` with \
         the same code at three or more different times measures how much sessions differ, and \
         each further session makes smaller changes visible. `gate ab` does not need it.";
    /// A single run does not show how much runs differ.
    SingleRun = "single-run", Undecided,
        "Wall times with a single run on a side are undecided, however many the other side has: \
         samples within a process do not show how much processes differ, and a single run may be \
         an outlier. Measure with `gate run`, --repeat 5 or more. Or let `gate calibrate` record \
         twenty earlier runs of the benchmark, which then replace the missing spread.";
    /// The two builds place functions differently.
    LayoutFree = "layout-free", Undecided,
        "`gate ab` relinks both sides so that unchanged functions are at the same addresses, \
         because code placement alone changes times: neutral rebuilds moved small loops by 5% and \
         more. Here that was not possible; the message gives the reason. Clocks are still judged, \
         but a slower clock with the same instructions only warns (`slower_clock_unpinned`). \
         Relinking needs LLVM's linker, which is rustc's own on x86_64 Linux, and symbols (`strip \
         = \"none\"` in [profile.bench]). ab.pin_layout turns it off.";
    /// The time budget of a trial ended.
    TimeBudgetEnded = "time-budget-ended", Undecided,
        "`gate ab` starts no pair that would end after its budget (--budget, ab.budget). \
         Benchmarks that still looked changed are judged by the pairs that they had, at the level \
         of the look that they did not reach; those without any fresh pair are undecided. Give \
         more time, or measure fewer benchmarks (--filter).";
    /// The time budget of a trial ended before the clocks of some benchmarks were measured.
    NotReached = "not-reached", Undecided,
        "`gate ab` counts instructions first. If the budget (--budget, ab.budget) does not cover \
         all benchmarks, it measures those whose instructions or code changed first, then the \
         others while time remains. The rest are undecided rows: nothing is known of their clocks. \
         verdict.undecided sets whether they block. Give more time, measure fewer benchmarks \
         (--filter), or name those that must be measured in verdict.require.";
    /// Benchmarks can reach only the same code on both sides, so their clocks were not measured.
    SameCodeExecuted = "same-code-executed", Undecided,
        "The functions that these benchmarks executed while their instructions were counted, \
         set-up included, and everything that can be reached from them, whether it ran or not, \
         are the same on both sides, and the counts are equal. They are called unchanged, and \
         their clocks are not measured. This is weaker than identical code: code that only other \
         benchmarks of the target execute may differ. ab.same_code_clock = \"measure\" measures \
         these clocks as well.";
    /// A count differs between runs of the same program.
    UnsteadyCount = "unsteady-count", Undecided,
        "Equal programs gave different counts, so something in the benchmark varies: a hash seed, \
         an address, a clock, the order of threads. The tolerance of the count is raised to three \
         times the spread. Readings of the two sides that overlap are never a change. If the \
         raise is needed, the count is not a second witness for the clock. Fix the seed to make \
         the count exact. A count that includes system calls, several threads or an unknown \
         memory allocator is not exact either, even if every run repeats it; the reason of its \
         row says so.";
    /// An iteration does another amount of work.
    WorkChanged = "work-changed", Undecided,
        "The benchmark declares another throughput than in the baseline: an iteration now handles \
         more or fewer elements or bytes. Its time and its instructions are compared per iteration, \
         so they change with the amount of work even if the code is as fast as before. Rename the \
         benchmark, or save a new baseline.";
    /// A change from or to zero has no percentage.
    ZeroBaseline = "zero-baseline", Undecided,
        "A value is zero, and a change from or to zero has no percentage. Counts are judged by \
         their floor alone; clocks stay undecided.";
    /// A rule matches nothing.
    RuleUnmatched = "rule-unmatched", Undecided,
        "A rule of the policy matches no benchmark and metric of either side, so it has no \
         effect. Its glob may be misspelt, or its benchmark removed.";
    /// The base of a trial does not build or run.
    BaseBroken = "base-broken", Undecided,
        "The base of `gate ab` does not build, or one of its programs crashed, hung or wrote \
         output that cannot be read. If none of it runs, the head cannot be judged: the verdict \
         is undecided (exit 4), or exit 1 with base_broken = \"fail\" under [ab]. Name a base \
         that works with --base REV, or fix the branch that the change is compared with.";
    /// The head and the base are the same files.
    HeadIsBase = "head-is-base", NothingCompared,
        "The two sides of `gate ab` have the same files, so there is no change to judge: HEAD is \
         its own base, as after a push to the default branch, or its changes were reverted. Name \
         an earlier revision with --base HEAD~1. ab.head_is_base sets the severity.";
    /// Both sides use inputs that are not part of the commits.
    SharedInput = "shared-input", Undecided,
        "A clone would not have these inputs, so both sides use the same: a Cargo.lock that is not \
         committed, a path dependency outside the repository, a file that git ignores or does not \
         track and that benchmarks read. A change in them is not measured. Commit them, or list \
         in ab.extra_files which files may be copied.";
    /// The base compared with itself shows changes.
    ControlAlarmed = "control-alarmed", Undecided,
        "The control of `gate ab --control` compares the base with itself, by the same rules. A \
         change found there is a false alarm, so changes of the head prove nothing on this \
         machine either: a pass or a failure becomes undecided. By chance this happens to one \
         trial in a hundred in each direction (verdict.alpha). Measure again on a quieter \
         machine.";
    /// Other programs kept the machine busy.
    MachineBusy = "machine-busy", Undecided,
        "Other programs used more than 20% of the machine's processors while `gate ab` measured. \
         Bursts of such load hit the two sides unequally, widen intervals and can hide a change: \
         a change of 5% was once called unchanged. So rows that only the clock calls unchanged \
         are undecided. Proven changes remain, and so do rows that the instructions support. \
         ab.machine_busy sets this. All pairs are kept. Close other programs, or measure on a \
         dedicated runner.";
    /// Processes mostly prepare.
    SetUpDominates = "set-up-dominates", Undecided,
        "More than half of the time of each process of a bench target is spent on something other \
         than warming up and measuring: starting services, filling databases, criterion's \
         analysis. Each process then measures longer than asked for, up to five times. Make the \
         set-up smaller, share it between benchmarks, or move it into the benchmark's own \
         closure, which runs only if that benchmark does.";
    /// Only a part of the suite was measured.
    Shard = "shard", Undecided,
        "`gate ab --shard` measured one part of the suite. Its rows show how far the sides are \
         apart, and none is judged: how strict a test has to be depends on all shards. `gate \
         merge`, given every shard's report, judges them as one family and gives the verdict.";
    /// A regression is accepted.
    Waived = "waived", Undecided,
        "A waiver of the policy accepts this regression, up to its ceiling and until its last \
         day.";
    /// A regression is larger than its waiver allows.
    WaiverExceeded = "waiver-exceeded", Undecided,
        "The regression is larger than its waiver allows, so it counts in full.";
    /// A waiver is out of date.
    WaiverExpired = "waiver-expired", Undecided,
        "A waiver's last day has passed, so the regression counts again. Fix the cause, or renew \
         the waiver with a reason.";
    /// A waiver has no regression to accept.
    WaiverUnused = "waiver-unused", Undecided,
        "A waiver names a row that did not regress or does not exist. Remove it, or correct its \
         bench and metric; both are exact names.";
}

impl Code {
    /// Whether it is about an absolute limit, which the table of targets also shows.
    pub fn is_of_target(self) -> bool {
        matches!(
            self,
            Self::BudgetExceeded
                | Self::BudgetUndecided
                | Self::BudgetUnmatched
                | Self::TargetMissed
                | Self::TargetUnsupported
                | Self::TargetUndecided
                | Self::TargetNear
                | Self::TargetUnmatched
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
