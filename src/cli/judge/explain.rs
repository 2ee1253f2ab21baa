//! `gate explain CODE`

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::judge::{explained, explanation};

/// Columns of prose if stdout is not a terminal.
const TEXT_WIDTH: u16 = 80;

/// Longer lines are hard to read, however wide the terminal.
const WIDEST_TEXT: u16 = 100;

/// Explain a finding, an outcome or the exit codes
///
///   gate explain                 all codes and outcomes, and the exit codes
///   gate explain suite-shift     a code that a report shows
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Explain {
    /// Explain this code of a report [default: list them all]
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { code } = self;
        let width = context.shell.width().unwrap_or(TEXT_WIDTH).min(WIDEST_TEXT);
        let Some(code) = code else {
            let codes = explained().map(|name| {
                let text = explanation(name).unwrap_or_default();
                let first = text.split(". ").next().unwrap_or(text).trim_end_matches('.');
                [name.to_owned(), first.to_owned()]
            });
            let exits = Exit::ALL.map(|exit| [exit.code().to_string(), exit.meaning().to_owned()]);
            let text =
                format!("{}\n\nExit codes:\n\n{}\n", wrapped(codes, width), wrapped(exits, width));
            context.shell.data(&text)?;
            return Ok(Exit::Pass);
        };
        match explanation(&code) {
            Some(text) => {
                let text = wrapped([[text.to_owned()]], width);
                context.shell.data(&format!("{code}\n\n{text}\n"))?;
                Ok(Exit::Pass)
            }
            None => Err(Failed::usage(anyhow::anyhow!(
                "there is no code `{code}`; `gate explain` lists them all"
            ))),
        }
    }
}

/// Columns of prose, broken between words.
fn wrapped<const N: usize>(rows: impl IntoIterator<Item = [String; N]>, width: u16) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}
