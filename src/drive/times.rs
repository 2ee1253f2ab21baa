//! The times that criterion is asked for.

use std::time::Duration;

/// How long criterion takes for a benchmark. What a bench sets for a group of
/// its own wins over these. The default is refused, as criterion would.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CriterionTimes {
    /// `--warm-up-time`, more than 0.
    pub warm_up: Duration,
    /// `--measurement-time`, more than 0.
    pub measurement: Duration,
    /// `--sample-size`, at least 10.
    pub samples: u32,
    /// `--nresamples`, at least 1: for criterion's own intervals. Its default of
    /// 100,000 costs about as much time as a short measurement.
    pub resamples: u32,
}

impl CriterionTimes {
    /// Refuses what criterion itself would refuse.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.samples < 10 {
            return Err(format!("{} samples: criterion takes no less than 10", self.samples));
        }
        if self.resamples == 0 {
            return Err("0 resamples: criterion takes no less than 1".to_owned());
        }
        if self.warm_up.is_zero() || self.measurement.is_zero() {
            return Err("warm-up and measurement time must be more than 0 s".to_owned());
        }
        Ok(())
    }

    /// The times, rounded up to whole seconds: criterion 0.3 and 0.4 accept no
    /// others.
    #[must_use]
    pub(crate) fn in_whole_seconds(self) -> Self {
        let whole = |time: Duration| {
            Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
        };
        Self { warm_up: whole(self.warm_up), measurement: whole(self.measurement), ..self }
    }

    pub(super) fn arguments(&self) -> [String; 8] {
        [
            "--warm-up-time".to_owned(),
            self.warm_up.as_secs_f64().to_string(),
            "--measurement-time".to_owned(),
            self.measurement.as_secs_f64().to_string(),
            "--sample-size".to_owned(),
            self.samples.to_string(),
            "--nresamples".to_owned(),
            self.resamples.to_string(),
        ]
    }
}
