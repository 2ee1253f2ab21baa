//! Renderers of reports: what goldens (tests/cmd/report.md) cannot show.

mod browser;
mod made;
mod read;
mod text;
mod xml;
