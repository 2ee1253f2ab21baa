//! Lines that a set-up prints and that only look like a list of benchmarks.

use std::time::Duration;

use super::listing::list_once;
use super::process::ProcessError;
use super::{BenchExecutable, Filter, Harness, Interrupt, Listed, Listing, list};

/// A name that no benchmark has.
const NO_BENCHMARK: &str = "benchgate: a name that no benchmark has";

/// The benchmarks that an executable lists for a filter, without those whose lines it
/// also prints if it has no benchmark to list: then a set-up prints them.
///
/// An executable that prints its whole list whatever the filter does not heed filters, or
/// has no benchmarks: its list stays as it is.
///
/// # Errors
/// This process was interrupted, or the executable could not be waited for.
pub(super) fn without_look_alikes(
    listed: Vec<Listed>,
    executable: &BenchExecutable,
    filter: Option<&Filter>,
    time_limit: Duration,
    interrupt: &Interrupt,
) -> Result<Vec<Listed>, ProcessError> {
    let harness = Harness::Criterion;
    let none = Filter::exactly(NO_BENCHMARK);
    let Listing::Benchmarks { listed: printed, .. } =
        list_once(executable, harness, &none, time_limit, interrupt)?
    else {
        return Ok(listed);
    };
    let kept = remove(listed.clone(), &printed);
    if !kept.is_empty() {
        return Ok(kept);
    }
    let heeds_filters = filter.is_some()
        && match list(executable, harness, None, time_limit, interrupt)? {
            Listing::Benchmarks { listed, .. } => !remove(listed, &printed).is_empty(),
            Listing::Garbage { .. } | Listing::Failed { .. } => false,
        };
    Ok(if heeds_filters { kept } else { listed })
}

/// Removes a benchmark for each that was printed: a benchmark may have the name, too.
fn remove(mut listed: Vec<Listed>, printed: &[Listed]) -> Vec<Listed> {
    for line in printed {
        if let Some(at) = listed.iter().position(|benchmark| benchmark == line) {
            listed.remove(at);
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_takes_one_benchmark_of_its_name_away() {
        let listed = |names: &[&str]| -> Vec<Listed> {
            names.iter().map(|name| Listed { name: (*name).into(), cut: false }).collect()
        };
        let all = listed(&["ghost", "first", "twice", "twice"]);
        let printed = listed(&["twice", "ghost", "other"]);
        assert_eq!(remove(all.clone(), &printed), listed(&["first", "twice"]));
        assert_eq!(remove(all.clone(), &[]), all);
    }
}
