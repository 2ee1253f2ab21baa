//! The order of a trial's steps, whoever carries them out: `gate ab` with
//! processes, a replay with recorded ones.

/// What can be screened, judged, and measured again.
pub trait Steps {
    /// What is still undecided.
    type Suspects;
    /// Why a step could not be carried out.
    type Error;

    /// Measures everything.
    fn screen(&mut self) -> Result<(), Self::Error>;

    /// What is undecided by all that was measured so far; nothing where all is decided.
    fn suspects(&mut self) -> Option<Self::Suspects>;

    /// Measures suspects again, until `look` pairs are there that did not screen;
    /// whether it came that far.
    fn confirm(&mut self, look: u32, suspects: Self::Suspects) -> Result<bool, Self::Error>;
}

/// Screens, then measures again at each look what is still undecided. It ends when
/// nothing is, after the last look, or when one could not be reached.
pub fn carry_out<S: Steps>(looks: &[u32], steps: &mut S) -> Result<(), S::Error> {
    steps.screen()?;
    for look in looks {
        let Some(suspects) = steps.suspects() else { break };
        if !steps.confirm(*look, suspects)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it was asked for, and has as many suspects as it is told.
    struct Told {
        suspects: Vec<u32>,
        reached: u32,
        said: Vec<String>,
    }

    impl Steps for Told {
        type Suspects = u32;
        type Error = String;

        fn screen(&mut self) -> Result<(), String> {
            self.said.push("screen".to_owned());
            Ok(())
        }

        fn suspects(&mut self) -> Option<u32> {
            self.suspects.pop()
        }

        fn confirm(&mut self, look: u32, suspects: u32) -> Result<bool, String> {
            self.said.push(format!("{suspects} to {look}"));
            if suspects == 0 { Err("none".to_owned()) } else { Ok(look <= self.reached) }
        }
    }

    fn said(suspects: &[u32], reached: u32) -> (Result<(), String>, Vec<String>) {
        let suspects = suspects.iter().rev().copied().collect();
        let mut told = Told { suspects, reached, said: Vec::new() };
        let outcome = carry_out(&[14, 28, 80], &mut told);
        (outcome, told.said)
    }

    #[test]
    fn it_goes_on_while_anything_is_undecided() {
        assert_eq!(said(&[], 80).1, ["screen"]);
        assert_eq!(said(&[5, 2], 80).1, ["screen", "5 to 14", "2 to 28"]);
        assert_eq!(said(&[5, 2, 1, 1], 80).1, ["screen", "5 to 14", "2 to 28", "1 to 80"]);
    }

    #[test]
    fn it_ends_at_a_look_that_is_not_reached_and_at_an_error() {
        assert_eq!(said(&[5, 2, 1], 14).1, ["screen", "5 to 14", "2 to 28"]);
        let (outcome, steps) = said(&[5, 0, 1], 80);
        assert_eq!((outcome, steps.len()), (Err("none".to_owned()), 3));
    }
}
