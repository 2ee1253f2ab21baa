//! Tests of the renderers that goldens (tests/cmd/report.md) cannot express.

mod browser;
mod layout;
mod made;
mod read;
mod text;
mod xml;
