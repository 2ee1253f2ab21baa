//! `[[measure.command]]`: programs that are measured like bench targets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::values::{Fault, duration};

/// The longest name of a command, in bytes: it names files.
const MOST_NAME: usize = 100;

/// Characters that mean something to a shell. Commands are started without one.
const SHELL: [char; 17] =
    ['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~'];

/// The variables that the gate sets for a command by itself begin with this.
const RESERVED: &str = "BENCHGATE_";

/// A program that records its results, and is measured like a bench target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name: that of its bench target in reports.
    pub name: String,
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The program and the arguments that build it, if it needs to be built.
    pub build: Option<Vec<String>>,
    /// Where both run: a relative path that does not leave the project.
    pub directory: PathBuf,
    /// Variables that both get.
    pub environment: BTreeMap<String, String>,
    /// The longest time that a process may take; that of `[measure]` if `None`.
    pub time_limit: Option<Duration>,
}

/// A program that records its results, and is measured like a bench target.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RawCommand")]
pub(super) struct RawCommand {
    /// The name in reports: letters, digits, `-`, `_` and `.`.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// The program and its arguments: a list, or a text that is split at blanks. It is
    /// started without a shell.
    #[schemars(with = "RawWords")]
    command: Spanned<RawWords>,
    /// Built by this before it is measured, once on each side.
    #[schemars(with = "Option<RawWords>")]
    build: Option<Spanned<RawWords>>,
    /// Where both run, from the directory of the policy [default: that directory].
    #[schemars(with = "Option<String>")]
    directory: Option<Spanned<String>>,
    /// Variables that both get.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    environment: Option<Spanned<BTreeMap<String, String>>>,
    /// The longest time that a process may take: "10m" [default: that of `[measure]`].
    #[schemars(with = "Option<String>")]
    time_limit: Option<Spanned<String>>,
}

/// A text, or a list of words.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
enum RawWords {
    /// Split at blanks.
    Text(String),
    /// The program and its arguments.
    List(Vec<String>),
}

/// As `untagged` would do it, but with an error that names the alternatives.
impl<'de> Deserialize<'de> for RawWords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = RawWords;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of words such as [\"python3\", \"bench.py\"], or a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(RawWords::Text(text.to_owned()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(RawWords::List)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The checked commands of a policy, no two of which have the same name.
pub(super) fn commands(raw: &[RawCommand]) -> Result<Vec<Command>, Fault> {
    let mut names = BTreeSet::new();
    raw.iter()
        .map(|raw| {
            let command = command(raw)?;
            if !names.insert(command.name.clone()) {
                return Err(Fault::at(&raw.name, "another command has this name already"));
            }
            Ok(command)
        })
        .collect()
}

fn command(raw: &RawCommand) -> Result<Command, Fault> {
    let RawCommand { name, command, build, directory, environment, time_limit } = raw;
    Ok(Command {
        name: self::name(name)?,
        words: words(command)?,
        build: build.as_ref().map(words).transpose()?,
        directory: directory.as_ref().map(self::directory).transpose()?.unwrap_or_default(),
        environment: environment.as_ref().map(self::environment).transpose()?.unwrap_or_default(),
        time_limit: time_limit.as_ref().map(duration).transpose()?,
    })
}

fn name(value: &Spanned<String>) -> Result<String, Fault> {
    let name = value.get_ref();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(fits) {
        let message = format!(
            "the name of a command has 1 to {MOST_NAME} letters, digits, `-`, `_` and `.`: it \
             names files"
        );
        return Err(Fault::at(value, message));
    }
    Ok(name.clone())
}

fn words(value: &Spanned<RawWords>) -> Result<Vec<String>, Fault> {
    let words: Vec<String> = match value.get_ref() {
        RawWords::List(words) => words.clone(),
        RawWords::Text(text) => {
            if let Some(special) = text.chars().find(|c| SHELL.contains(c)) {
                let message = format!(
                    "`{special}` would need a shell, and commands are started without one: write a \
                     list of words, such as [\"python3\", \"bench.py\"], or start a shell yourself: \
                     [\"sh\", \"-c\", \"…\"]"
                );
                return Err(Fault::at(value, message));
            }
            text.split_whitespace().map(str::to_owned).collect()
        }
    };
    if words.first().is_none_or(String::is_empty) {
        return Err(Fault::at(value, "the first word names a program"));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Fault::at(value, "a word of a command cannot contain a NUL character"));
    }
    Ok(words)
}

fn directory(value: &Spanned<String>) -> Result<PathBuf, Fault> {
    let path = Path::new(value.get_ref());
    let is_inside =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_inside || value.get_ref().contains('\0') {
        return Err(Fault::at(
            value,
            "the directory of a command is a path inside the project, without `..`: `gate ab` runs \
             the command in a checkout of each side",
        ));
    }
    Ok(path.to_owned())
}

fn environment(
    value: &Spanned<BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, Fault> {
    let variables = value.get_ref();
    for (name, text) in variables {
        if name.is_empty() || name.contains(['=', '\0']) || text.contains('\0') {
            let message = format!("{name:?} cannot be a variable of the environment");
            return Err(Fault::at(value, message));
        }
        if name.starts_with(RESERVED) {
            let message = format!("the gate itself sets the variables that begin with {RESERVED}");
            return Err(Fault::at(value, message));
        }
    }
    Ok(variables.clone())
}
