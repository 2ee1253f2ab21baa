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
        "The candidate breaks an absolute limit of the policy ([[budget]]). For a clock the mean \
         of the runs lies beyond the limit by more than its 95% interval; for a count, any run \
         does. Mend the cause, or change the budget in gate.toml with a reason.";
    /// An absolute limit that the runs neither keep nor break surely.
    BudgetUndecided = "budget-undecided", Undecided,
        "The mean of the runs lies beyond the budget, but the runs vary too much to be sure of \
         it. Measure more runs (--repeat), or give the budget room.";
    /// An absolute limit on nothing.
    BudgetUnmatched = "budget-unmatched", NothingCompared,
        "A budget limits a benchmark or metric that was not measured, or is written in another \
         unit than the metric's. A limit without a value is not met. Correct its bench, metric \
         or unit, or find out why the benchmark did not run.";
    /// Nothing that the policy requires was measured.
    RequiredMissing = "required-missing", NothingCompared,
        "A glob of the policy's verdict.require matches nothing that was measured. The list of \
         what was not run often says why: a service or a tool was not there.";
    /// The baseline has it, the candidate does not.
    BenchmarkMissing = "benchmark-missing", NothingCompared,
        "The baseline holds a benchmark that the candidate lacks: it was removed or renamed, its \
         target did not run, or a service was not there. verdict.missing sets what that does. \
         After a removal on purpose, save the baseline anew.";
    /// A benchmark is there, one of its metrics is not.
    MetricMissing = "metric-missing", NothingCompared,
        "Both sides have the benchmark, but the candidate lacks one of its metrics, or measures \
         it in another unit or direction than the baseline: a tool was not there (valgrind), or \
         the benchmark records something else now. verdict.missing sets what that does. After a \
         change on purpose, save the baseline anew.";
    /// A missing and a new benchmark look alike.
    BenchmarkRenamed = "benchmark-renamed", Undecided,
        "A benchmark is missing and a new one has almost the same name. They are not compared: \
         save the baseline anew, or keep the name.";
    /// The candidate has it, the baseline does not.
    BenchmarkNew = "benchmark-new", NothingCompared,
        "The baseline does not know this benchmark yet, so nothing is said about it. It is \
         compared once a baseline holds it. verdict.new sets what that does.";
    /// A bench program broke.
    BenchmarkFailed = "benchmark-failed", Failure,
        "A bench program crashed, hung or printed nonsense, so its benchmarks are not measured. \
         Others are judged all the same. verdict.unreadable sets what that does.";
    /// A result cannot be read.
    UnreadableResult = "unreadable-result", Failure,
        "A result file is missing, truncated, or holds what no measurement gives: NaN, a \
         negative time, zero iterations. The benchmark is not compared; others are. \
         verdict.unreadable sets what that does. Remove the directory and measure again.";
    /// Two results claim one benchmark.
    DuplicateResult = "duplicate-result", Failure,
        "Two results claim the same benchmark, so neither can be trusted to be it. Give the \
         benchmarks different names. verdict.duplicate sets what that does.";
    /// A result of an earlier run.
    StaleResult = "stale-result", Failure,
        "A result was left behind by an earlier run: its benchmark may be gone. It is not \
         compared. Remove the directory, or measure with `gate run`, which always starts from \
         an empty one. verdict.stale sets what that does.";
    /// Something was left out.
    NotRun = "not-run", NothingCompared,
        "Something was left out because a service or a tool was not there; the message says \
         which and how to get it. To insist on a benchmark, name it in verdict.require.";
    /// The two environments differ.
    EnvironmentDiffers = "environment-differs", Undecided,
        "The baseline was measured in another environment. Wall times are undecided where the \
         processor, the kernel, the toolchain, the flags or another field that moves a clock \
         differs; instruction counts where the toolchain, the C library, the processor's level \
         or valgrind does. Fields: cpu_model cores cpu_level governor memory_bytes os kernel \
         libc container virtual_machine rustc target profile flags features valgrind runner \
         services. Save a baseline for this environment, or allow a field to differ with \
         environment.ignore.";
    /// Nothing is known of an environment.
    EnvironmentUnknown = "environment-unknown", Undecided,
        "One side does not say where it was measured (a critcmp export, another tool's \
         directory). It is compared, on your word that both come from the same machine and \
         toolchain.";
    /// Most times moved alike.
    SuiteShift = "suite-shift", Regression,
        "The median change of ten or more times is beyond noise: most benchmarks became slower, \
         or faster, by about as much. Either the machine did, or a change of the code touches \
         them all; the clock alone cannot tell. It is subtracted from each row, which is then \
         judged by what is left, and both changes are shown. A row is a regression or an \
         improvement only where the change as it was seen is one too. Instruction counts tell \
         the machine from the code: where those of most rows moved the same way, nothing is \
         subtracted. verdict.suite_shift sets what it does; one for the better warns at most. \
         `gate ab` measures both sides in turn and has no such shift.";
    /// Nothing says how much sessions differ.
    SessionsUnknown = "sessions-unknown", Undecided,
        "Two saved snapshots come from two sessions, which differ by more than the runs of each \
         show: another hour, other neighbours. How much they differ here is not known for these \
         rows, so their intervals and their chance of error cover only the runs' own noise. \
         `gate calibrate` with the same code at three or more different times measures it; each \
         further one makes smaller changes visible. `gate ab` does not need it.";
    /// A single run cannot show how much runs differ.
    SingleRun = "single-run", Undecided,
        "Wall times with one run on a side are undecided, however many the other has: samples \
         within a process say nothing about how much processes differ, and a lone run may be an \
         odd one. Measure with `gate run`, --repeat 5 or more; or let `gate calibrate` keep what \
         twenty earlier runs of the benchmark showed, which then stand in for it.";
    /// Functions lie elsewhere in the other build.
    LayoutFree = "layout-free", Undecided,
        "`gate ab` links both sides once more with the functions that did not change at the same \
         place, as where code lies alone moves times: neutral rebuilds moved small loops by 5% \
         and more. Here that was not possible, the message says why. Clocks are judged all the \
         same, but one that is slower with the same instructions only warns \
         (`slower_clock_unpinned`). It needs LLVM's linker, rustc's own on x86_64 Linux, and \
         symbols (`strip = \"none\"` in [profile.bench]). ab.pin_layout turns it off.";
    /// A count that its own runs do not repeat.
    UnsteadyCount = "unsteady-count", Undecided,
        "Equal programs gave different counts, so something in the benchmark varies: a hash \
         seed, an address, a clock, the order of threads. Its tolerance is raised to three \
         times the spread, readings of the two sides that overlap are never a change, and \
         where that raises its tolerance it is no second witness to the clock. Fix the seed to make it exact.";
    /// A ratio to zero.
    ZeroBaseline = "zero-baseline", Undecided,
        "A value is zero, and a change from or to zero has no percentage. Counts are judged by \
         their floor alone; clocks stay undecided.";
    /// A rule that applies to nothing.
    RuleUnmatched = "rule-unmatched", Undecided,
        "A rule of the policy matches no benchmark and metric of either side, so it protects or \
         allows nothing: its glob may be misspelt, or its benchmark gone.";
    /// The base of a trial does not build or run.
    BaseBroken = "base-broken", Undecided,
        "The base of `gate ab` does not build, or a program of it crashed, hung or wrote what \
         cannot be read. If nothing of it runs, nothing can be said of the head: undecided (exit \
         4), or exit 1 with base_broken = \"fail\" under [ab]. Name a base that works with --base \
         REV, or mend the branch that the change is held against.";
    /// The base held against itself shows changes.
    ControlAlarmed = "control-alarmed", Undecided,
        "The control of `gate ab --control` is the base held against itself, by the same rules. A \
         change found there is none, so what the head shows on this machine proves nothing \
         either: a pass or a failure becomes undecided. By chance that happens to one trial in a \
         hundred in each direction (verdict.alpha); measure again on a quieter machine.";
    /// Other programs kept the machine busy.
    MachineBusy = "machine-busy", Undecided,
        "Other programs took more than a fifth of the machine's processors while `gate ab` \
         measured. Bursts of such load hit the two sides unequally, widen intervals and can hide \
         a change: 5% was once called unchanged. So what the clock alone calls unchanged is \
         undecided; changes that are proven stand, and so does what the instructions witness. \
         ab.machine_busy sets that. All pairs are kept. Close other programs, or measure on a \
         runner that does nothing else.";
    /// Processes mostly prepare.
    SetUpDominates = "set-up-dominates", Undecided,
        "More than half of each process of a bench target goes into something else than warming up \
         and measuring: starting services, filling databases, criterion's analysis. What is \
         measured in each process is then measured for longer than asked for, up to five times. \
         Make the set-up smaller, share it between benchmarks, or do it inside of the benchmark's \
         own closure, which runs only where that benchmark does.";
    /// An accepted regression.
    Waived = "waived", Undecided,
        "A regression is accepted by a waiver of the policy, up to its ceiling and until its day.";
    /// A waiver's ceiling is too low.
    WaiverExceeded = "waiver-exceeded", Undecided,
        "The regression is larger than its waiver allows, so it counts in full.";
    /// A waiver is out of date.
    WaiverExpired = "waiver-expired", Undecided,
        "A waiver's last day is over; the regression counts again. Mend the cause, or renew the \
         waiver with a reason.";
    /// A waiver without a regression.
    WaiverUnused = "waiver-unused", Undecided,
        "A waiver names a row that did not regress, or does not exist. Remove it, or correct \
         its bench and metric; both are exact names.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
