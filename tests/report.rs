//! Renderers of reports: what goldens (tests/cmd/report.md) cannot show.

#[path = "report/browser.rs"]
mod browser;
#[path = "report/made.rs"]
mod made;
#[path = "report/read.rs"]
mod read;
#[path = "report/text.rs"]
mod text;
#[path = "report/xml.rs"]
mod xml;
