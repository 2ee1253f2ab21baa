//! Single values of a policy file: each is checked, and every error names its place.

use std::ops::Range;
use std::time::Duration;

use jiff::SignedDuration;
use toml::Spanned;

use super::quantity::{self, Quantity};
use crate::model::Pattern;

/// A value that is wrong: its place in the file, and what is wrong with it.
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn at<T>(value: &Spanned<T>, message: impl Into<String>) -> Self {
        Self { span: value.span(), message: message.into() }
    }
}

/// The checked value of a key, if the file has it.
pub(super) fn each<T, U>(
    value: Option<&Spanned<T>>,
    check: impl FnOnce(&Spanned<T>) -> Result<U, Fault>,
) -> Result<Option<U>, Fault> {
    value.map(check).transpose()
}

/// The checked values of a list, if the file has it.
pub(super) fn all<U, C: FromIterator<U>>(
    values: Option<&Vec<Spanned<String>>>,
    check: impl Fn(&Spanned<String>) -> Result<U, Fault>,
) -> Result<Option<C>, Fault> {
    values.map(|values| values.iter().map(check).collect()).transpose()
}

pub(super) fn in_range(value: &Spanned<u32>, least: u32, most: u32) -> Result<u32, Fault> {
    let number = *value.get_ref();
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(Fault::at(value, format!("{number} is not between {least} and {most}")))
    }
}

pub(super) fn percentage(value: &Spanned<String>) -> Result<f64, Fault> {
    quantity::percentage(value.get_ref()).map_err(|message| Fault::at(value, message))
}

pub(super) fn quantity(value: &Spanned<String>) -> Result<Quantity, Fault> {
    value.get_ref().parse().map_err(|message: String| Fault::at(value, message))
}

/// A duration above 0.
pub(super) fn duration(value: &Spanned<String>) -> Result<Duration, Fault> {
    let text = value.get_ref();
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| {
            Fault::at(
                value,
                format!("\"{text}\" is not a duration: write \"500ms\", \"2s\" or \"10m\""),
            )
        })
}

pub(super) fn pattern(value: &Spanned<String>) -> Result<Pattern, Fault> {
    Pattern::new(value.get_ref()).map_err(|message| Fault::at(value, message))
}
