//! A diagnosis as text for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::plain;
use crate::doctor::{Diagnosis, Status};

/// Each check on a line, with its remedy below it, and the number of each status.
pub fn diagnosis(diagnosis: &Diagnosis) -> String {
    let dim = Style::new().dimmed();
    let width = diagnosis.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for check in &diagnosis.checks {
        let style = match check.status {
            Status::Ok => AnsiColor::Green.on_default(),
            Status::Warning => AnsiColor::Yellow.on_default().bold(),
            Status::Problem => AnsiColor::Red.on_default().bold(),
        };
        let (status, name) = (check.status.as_str(), plain(&check.name));
        let _ = writeln!(out, "{style}{status:7}{style:#}  {name:width$}  {}", plain(&check.found));
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(out, "{:7}  {:width$}  {dim}remedy: {}{dim:#}", "", "", plain(remedy));
        }
    }
    let of = |status, noun| match diagnosis.count(status) {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    let _ = writeln!(
        out,
        "\n{}, {}, {} ok",
        of(Status::Problem, "problem"),
        of(Status::Warning, "warning"),
        diagnosis.count(Status::Ok)
    );
    out
}
