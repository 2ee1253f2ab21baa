//! The building blocks of the project's HTML pages: badges, tables, plots.
//!
//! A component gets values and returns markup. It does not know the page around it. Every
//! text is escaped here. `report.css` styles the classes, and `report.js` sorts and filters
//! tables.

mod badge;
mod breakable;
mod plot;
mod table;

pub(super) use badge::{Tone, badge};
pub(super) use breakable::{Breakable, breakable};
pub(super) use plot::{bar, figure};
pub(super) use table::{Cell, Column, Line, Sort, table};
