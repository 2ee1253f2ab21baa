//! The help of the program itself: commands in groups, and the first steps.

use std::fmt::Write as _;

use clap::builder::StyledStr;

/// The definition with a help text that lists the commands by group. Each group is
/// a definition with just that group's commands.
pub(super) fn grouped(
    definition: clap::Command,
    groups: &[(&str, clap::Command)],
) -> clap::Command {
    let styles = definition.get_styles().clone();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let names = groups.iter().flat_map(|(_, group)| group.get_subcommands());
    let width = names.map(|command| command.get_name().len()).max().unwrap_or_default();
    let mut template = StyledStr::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (title, group) in groups {
        let _ = write!(template, "\n{header}{title}:{header:#}\n");
        for command in group.get_subcommands() {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(template, "  {literal}{name:width$}{literal:#}  {about}");
        }
    }
    let _ = write!(
        template,
        "\n{header}Options:{header:#}\n{{options}}\n\n\
         `{{bin}} help COMMAND` describes a command, with examples and all its options.{{after-help}}"
    );
    definition.help_template(template)
}

/// The text for someone who calls the program without a command.
pub(super) fn first_steps(program: &str) -> String {
    let steps = [
        ("init", "write a first gate.toml and GitHub workflows"),
        ("ab", "compare your working tree with its base"),
        ("run --save main", "measure, and keep the results as a baseline"),
    ];
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let mut text = "gate measures benchmarks, and fails a pipeline only on a real regression.\n\n\
                    Start in your project with:\n\n"
        .to_owned();
    for (command, purpose) in steps {
        let _ = writeln!(text, "  {program} {command:width$}  {purpose}");
    }
    let _ = write!(text, "\n`{program} --help` lists all commands.\n");
    text
}
