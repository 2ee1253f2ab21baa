//! The order of a trial's steps. `gate ab` carries them out with real processes, a
//! replay with recorded ones.

/// The steps of a trial.
pub trait Steps {
    /// The benchmarks that are still undecided.
    type Suspects;
    /// Why a step could not be carried out.
    type Error;

    /// Measures every benchmark.
    fn screen(&mut self) -> Result<(), Self::Error>;

    /// The benchmarks that are undecided so far; `None` if all are decided.
    fn suspects(&mut self) -> Option<Self::Suspects>;

    /// Rising numbers of confirming pairs at which a decision is tried, for these suspects.
    fn looks(&mut self, suspects: &Self::Suspects) -> Vec<u32>;

    /// Measures suspects until there are `look` confirming pairs. Returns whether that
    /// number was reached.
    fn confirm(&mut self, look: u32, suspects: Self::Suspects) -> Result<bool, Self::Error>;
}

/// Screens, then measures the undecided benchmarks again up to each look. Ends when all
/// are decided, after the last look, or when a look is not reached.
pub fn carry_out<S: Steps>(steps: &mut S) -> Result<(), S::Error> {
    steps.screen()?;
    let mut suspects = steps.suspects();
    let looks = suspects.as_ref().map_or_else(Vec::new, |suspects| steps.looks(suspects));
    for (at, look) in looks.iter().enumerate() {
        if at > 0 {
            suspects = steps.suspects();
        }
        let Some(suspects) = suspects.take() else { break };
        if !steps.confirm(*look, suspects)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records the steps, and has the given numbers of suspects.
    struct Recorder {
        suspects: Vec<u32>,
        reached: u32,
        steps: Vec<String>,
    }

    impl Steps for Recorder {
        type Suspects = u32;
        type Error = String;

        fn screen(&mut self) -> Result<(), String> {
            self.steps.push("screen".to_owned());
            Ok(())
        }

        fn suspects(&mut self) -> Option<u32> {
            self.suspects.pop()
        }

        fn looks(&mut self, _: &u32) -> Vec<u32> {
            vec![14, 28, 80]
        }

        fn confirm(&mut self, look: u32, suspects: u32) -> Result<bool, String> {
            self.steps.push(format!("{suspects} to {look}"));
            if suspects == 0 { Err("none".to_owned()) } else { Ok(look <= self.reached) }
        }
    }

    fn steps(suspects: &[u32], reached: u32) -> (Result<(), String>, Vec<String>) {
        let suspects = suspects.iter().rev().copied().collect();
        let mut recorder = Recorder { suspects, reached, steps: Vec::new() };
        let outcome = carry_out(&mut recorder);
        (outcome, recorder.steps)
    }

    #[test]
    fn a_trial_goes_on_while_anything_is_undecided() {
        assert_eq!(steps(&[], 80).1, ["screen"]);
        assert_eq!(steps(&[5, 2], 80).1, ["screen", "5 to 14", "2 to 28"]);
        assert_eq!(steps(&[5, 2, 1, 1], 80).1, ["screen", "5 to 14", "2 to 28", "1 to 80"]);
    }

    #[test]
    fn a_trial_ends_at_a_look_that_is_not_reached_and_at_an_error() {
        assert_eq!(steps(&[5, 2, 1], 14).1, ["screen", "5 to 14", "2 to 28"]);
        let (outcome, steps) = steps(&[5, 0, 1], 80);
        assert_eq!((outcome, steps.len()), (Err("none".to_owned()), 3));
    }
}
