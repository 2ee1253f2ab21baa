//! The wording of progress.

use std::time::Duration;

use crate::measure::Event;

/// How a process failed. It quotes a program's output.
pub(super) fn failed(target: &str, failure: &str) -> String {
    let failure: String = failure.chars().filter(|c| !c.is_control()).collect();
    format!("{}: {failure}", shown(target))
}

/// Why a target takes much longer than others.
pub(super) fn whole_seconds(event: &Event<'_>) -> String {
    let Event::WholeSeconds { target, asked, taken } = event else { return String::new() };
    format!(
        "{}: criterion 0.3 and 0.4 accept only whole seconds: {} s for each benchmark instead of \
         {} s; criterion 0.5 and later are quicker",
        shown(target),
        taken.as_secs_f64(),
        asked.as_secs_f64()
    )
}

/// How long the trial will take.
pub(super) fn estimate(event: &Event<'_>) -> String {
    let Event::Estimated { screening, most } = event else { return String::new() };
    let (screening, most) = (length(*screening), length(*most));
    format!(
        "screening takes about {screening}; the whole trial up to {most} if every benchmark is a \
         suspect"
    )
}

/// The phase of a pair, the remaining time and the suspects.
pub(super) fn pair(event: &Event<'_>) -> (&'static str, String) {
    let Event::Pair { suspects, left, .. } = event else { return ("", String::new()) };
    let left = format!("about {} left", length(*left));
    match suspects {
        None => ("screening", left),
        Some(names) => {
            let count = names.len();
            let word = if count == 1 { "suspect" } else { "suspects" };
            ("confirming", format!("{left}, {count} {word}: {}", list(names)))
        }
    }
}

/// As many names as fit, and the number of the others.
pub(super) fn list(names: &[&str]) -> String {
    const WIDTH: usize = 60;
    let mut text = String::new();
    for (at, name) in names.iter().map(|name| shown(name)).enumerate() {
        if at > 0 && text.chars().count() + name.chars().count() > WIDTH {
            return format!("{text} and {} more", names.len() - at);
        }
        text += if at > 0 { ", " } else { "" };
        text += &name;
    }
    text
}

/// A duration, rounded as suits an estimate.
pub(super) fn length(time: Duration) -> String {
    match time.as_secs() {
        0 => "1 s".to_owned(),
        seconds @ 1..100 => {
            format!("{} s", if time.subsec_millis() < 500 { seconds } else { seconds + 1 })
        }
        seconds @ 100..5400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A name that is safe on a terminal: names come from programs' output.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}
