//! Renderers of reports: tests of what goldens (tests/cmd/report.md) cannot show.

mod browser;
mod layout;
mod made;
mod read;
mod text;
mod xml;
