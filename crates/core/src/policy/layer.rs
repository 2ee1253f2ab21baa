//! The tables of a policy file, in which every key may be absent.

use std::time::Duration;

use super::command::Command;
use super::limits::{Gate, Limits, Witness};
use super::quantity::Quantity;
use super::settings::{
    AbRules, BaseBroken, CalibrateRules, ExtraFiles, Level, MachineBusy, MeasureRules, OnUndecided,
    ProcessRules, SameCodeClock, SessionRules, VerdictRules,
};
use super::target::GradeRules;
use crate::model::Pattern;

/// A key that the built-in policy lacks.
#[derive(Debug, thiserror::Error)]
#[error("the key `{0}` is missing")]
pub(super) struct MissingKey(String);

impl MissingKey {
    pub(super) fn of(table: &str, key: &str) -> Self {
        Self(format!("{table}.{key}"))
    }
}

/// Defines the layer of a settings type: the same keys, each of them optional.
macro_rules! layer {
    (
        $Layer:ident of $Settings:ident { $($key:ident: $Value:ty,)* }
        $(with $part:ident: $PartLayer:ident)?
    ) => {
        #[derive(Clone, Debug, Default)]
        pub(super) struct $Layer {
            $(pub(super) $key: Option<$Value>,)*
            $(pub(super) $part: $PartLayer,)?
        }

        impl $Layer {
            /// The settings, with the values of `base` for keys that this layer lacks.
            pub(super) fn over(self, base: $Settings) -> $Settings {
                $Settings {
                    $($key: self.$key.unwrap_or(base.$key),)*
                    $($part: self.$part.over(base.$part),)?
                }
            }

            /// The settings of a layer that has every key; else the first key that
            /// is missing from that table.
            pub(super) fn complete(self, table: &str) -> Result<$Settings, MissingKey> {
                Ok($Settings {
                    $($key: self.$key.ok_or_else(|| MissingKey::of(table, stringify!($key)))?,)*
                    $($part: self.$part.complete(table)?,)?
                })
            }
        }
    };
}

layer! {
    VerdictLayer of VerdictRules {
        alpha: f64,
        undecided: OnUndecided,
        nothing_compared: Level,
        missing: Level,
        new: Level,
        unreadable: Level,
        duplicate: Level,
        stale: Level,
        suite_shift: Level,
        require: Vec<Pattern>,
    }
}

layer! {
    SessionLayer of SessionRules {
        common: f64,
        own: f64,
    }
}

layer! {
    ProcessLayer of ProcessRules {
        warm_up: Duration,
        time: Duration,
        samples: u32,
    }
}

layer! {
    MeasureLayer of MeasureRules {
        repeat: u32,
        counts: u32,
        uncounted: Vec<Pattern>,
        time_limit: Duration,
        command: Vec<Command>,
    } with process: ProcessLayer
}

layer! {
    AbLayer of AbRules {
        screening: u32,
        looks: Vec<u32>,
        budget: Duration,
        counts: u32,
        pin_layout: bool,
        control: bool,
        head_is_base: Level,
        extra_files: ExtraFiles,
        base_broken: BaseBroken,
        machine_busy: MachineBusy,
        same_code_clock: SameCodeClock,
    } with process: ProcessLayer
}

layer! {
    CalibrateLayer of CalibrateRules {
        pairs: u32,
        budget: Duration,
    }
}

layer! {
    GradeLayer of GradeRules {
        a_plus: f64,
        a: f64,
        b_plus: f64,
        b: f64,
        c: f64,
    }
}

layer! {
    LimitsLayer of Limits {
        tolerance: f64,
        target: f64,
        warn: f64,
        fail: f64,
        floor: Quantity,
        gate: Gate,
        witness: Witness,
        slower_clock: Gate,
        slower_clock_unpinned: Gate,
        slower_clock_tolerance: f64,
        slower_clock_ceiling: f64,
    }
}
