//! Rules that the help of every command follows.

use super::definition;

/// Every command and sub-command, by its full name.
fn commands() -> Vec<(String, clap::Command)> {
    fn collect(name: &str, command: &clap::Command, all: &mut Vec<(String, clap::Command)>) {
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = format!("{name} {}", command.get_name());
            collect(&name, command, all);
            all.push((name, command.clone()));
        }
    }
    let mut definition = definition("gate");
    definition.build();
    let mut all = Vec::new();
    collect("gate", &definition, &mut all);
    assert!(all.len() > 20, "{} commands", all.len());
    all
}

/// Words that help texts begin with. Add a verb here if a new text needs it.
const VERBS: [&str; 41] = [
    "Accept", "Build", "Change", "Check", "Compare", "Copy", "Count", "Explain", "Export", "Give",
    "Import", "Judge", "Keep", "Learn", "Leave", "List", "Listen", "Measure", "Print", "Read",
    "Record", "Remove", "Render", "Replace", "Run", "Save", "Score", "Seed", "Show", "Stop",
    "Suppress", "Take", "Use", "Waive", "Wait", "Write", "Log", "Allow", "Answer", "Open", "Call",
];

#[test]
fn every_help_text_begins_with_a_verb() {
    let mut faults = Vec::new();
    for (name, command) in commands() {
        let mut texts = vec![(name.clone(), command.get_about().map(ToString::to_string))];
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            if !["help", "version"].contains(&arg.get_id().as_str()) {
                let text = arg.get_help().map(ToString::to_string);
                texts.push((format!("{name} {}", arg.get_id()), text));
            }
        }
        for (place, text) in texts {
            let text = text.unwrap_or_default();
            let first = text.split([' ', ':', ',']).next().unwrap_or_default();
            if !VERBS.contains(&first) {
                faults.push(format!("{place}: {text}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `--option VALUE` that may be left out, and without a default that clap shows.
#[test]
fn every_option_names_its_default() {
    let mut faults = Vec::new();
    for (name, command) in commands() {
        let options = command.get_arguments().filter(|arg| {
            arg.get_action().takes_values()
                && !arg.is_required_set()
                && !arg.is_hide_set()
                && arg.get_default_values().is_empty()
        });
        for arg in options {
            let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
            // These only ever add something.
            let adds = ["criterion", "callgrind", "record", "from", "features"];
            if !text.contains("[default: ") && !adds.contains(&arg.get_id().as_str()) {
                faults.push(format!("{name} {}: {text}", arg.get_id()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_command_shows_an_example() {
    for (name, command) in commands() {
        if name.split(' ').count() == 2 {
            let text = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            assert!(text.contains(&format!("\n  {name}")), "{name}: {text}");
        }
    }
}

#[test]
fn the_grouped_help_lists_every_command_once_and_fits_eighty_columns() {
    let help = definition("gate").render_help().to_string();
    let grouped = help.split("Options:").next().unwrap_or_default();
    for (name, _) in commands().iter().filter(|(name, _)| name.split(' ').count() == 2) {
        let name = name.trim_start_matches("gate ");
        let lines = grouped.lines().filter(|line| line.starts_with(&format!("  {name} ")));
        assert_eq!(lines.count(), 1, "{name} in\n{help}");
    }
    for title in ["Measure:", "Judge:", "Keep:", "Project:"] {
        assert_eq!(grouped.matches(&format!("\n{title}\n")).count(), 1, "{title} in\n{help}");
    }
    let widest = grouped.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns:\n{help}");
}
