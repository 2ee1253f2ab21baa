//! The plots: a figure of a row with its runs above and its change below, and a
//! small bar of a change for a table.
//!
//! Colours name the parts of a plot: the style sheet maps each to a real colour for
//! light and for dark. Impossible numbers of a damaged report are not drawn.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::judge::{Change, Row, Side};
use crate::model::Unit;
use crate::report::text::cut;
use crate::report::{plain, vocabulary};

/// The parts of a plot, as colours that the style sheet replaces.
const TEXT: RGBColor = RGBColor(1, 0, 0);
const AXIS: RGBColor = RGBColor(2, 0, 0);
const BASELINE: RGBColor = RGBColor(3, 0, 0);
const CANDIDATE: RGBColor = RGBColor(4, 0, 0);
const LIMIT: RGBColor = RGBColor(5, 0, 0);
const WORSE: RGBColor = RGBColor(6, 0, 0);
const INTERVAL: RGBColor = RGBColor(7, 0, 0);
const PAIR: RGBColor = RGBColor(8, 0, 0);

/// The size of a figure in pixels.
const FIGURE: (u32, u32) = (420, 212);

/// The height of the runs in pixels; the rest of the figure is for the change.
const RUNS_HEIGHT: u32 = 106;

/// The size of a bar in pixels.
const BAR: (u32, u32) = (88, 16);

/// Pixels at the left of a plot for the names of its lines.
const LABELS: u32 = 74;

/// The least pixels at the right of a plot.
const RIGHT: u32 = 28;

/// The most dots of a side: more dots would hide each other.
const MOST_DOTS: usize = 100;

/// The most characters of a label, because a unit may have any name.
const LONGEST_LABEL: usize = 20;

/// Measurements beyond this are impossible.
const LARGEST: f64 = 1e18;

/// The largest change that is drawn: a tenfold value.
const LARGEST_CHANGE: f64 = 9.0;

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An SVG of the runs of both sides and of the change; `None` if neither can be drawn.
pub(in super::super) fn figure(row: &Row) -> Option<String> {
    let sides = [row.baseline.as_ref(), row.candidate.as_ref()];
    let span = span(sides)?;
    let height = if row.change.is_some() { FIGURE.1 } else { RUNS_HEIGHT };
    svg((FIGURE.0, height), |area| {
        let (upper, lower) = area.split_vertically(RUNS_HEIGHT);
        runs(&upper, row, span)?;
        row.change.map_or(Ok(()), |change| self::change(&lower, row, change))
    })
}

/// An SVG of a change and its interval, from `-scale` to `scale`.
pub(in super::super) fn bar(change: &Change, scale: f64) -> Option<String> {
    if !change.estimate.is_finite() {
        return None;
    }
    let (width, height) = (f64::from(BAR.0), BAR.1.cast_signed());
    let x = |change: f64| {
        let at = (change / scale).clamp(-1.0, 1.0).mul_add(0.5, 0.5) * (width - 8.0) + 4.0;
        pixel(at)
    };
    svg(BAR, |area| {
        let middle = height / 2;
        area.draw(&PathElement::new([(x(0.0), 0), (x(0.0), height)], AXIS))?;
        if let (Some(lower), Some(upper)) = (change.lower, change.upper) {
            let line = INTERVAL.stroke_width(3);
            area.draw(&PathElement::new([(x(lower), middle), (x(upper), middle)], line))?;
        }
        let (at, filled) = (x(change.estimate), CANDIDATE.filled());
        if change.estimate.abs() > scale {
            // Beyond the scale: an arrow.
            let inwards = if change.estimate > 0.0 { -8 } else { 8 };
            let tip = at - inwards / 2;
            let corners = [(tip, middle), (tip + inwards, 2), (tip + inwards, height - 2)];
            area.draw(&Polygon::new(corners, filled))?;
        } else {
            area.draw(&Circle::new((at, middle), 4, filled))?;
        }
        Ok(())
    })
}

#[expect(clippy::cast_possible_truncation, reason = "within a plot's few hundred pixels")]
fn pixel(at: f64) -> i32 {
    at.round() as i32
}

/// Parts of an SVG that HTML does not need: the name space, defaults, line ends.
const NEEDLESS: [&str; 4] =
    [" xmlns=\"http://www.w3.org/2000/svg\"", " opacity=\"1\"", " stroke-width=\"1\"", "\n"];

/// The SVG that `draw` draws, as part of an HTML page.
fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let drawn = draw(&area).and_then(|()| area.present().map_err(Into::into));
    drop(area);
    drawn.ok()?;
    Some(NEEDLESS.iter().fold(text, |text, needless| text.replace(needless, "")))
}

/// The range of the runs, with some room at both ends.
fn span(sides: [Option<&Side>; 2]) -> Option<[f64; 2]> {
    let values: Vec<f64> = sides
        .iter()
        .flatten()
        .flat_map(|side| side.runs.iter().copied().chain([side.value]))
        .collect();
    let [least, most] = vocabulary::range(&values);
    if least.abs().max(most.abs()) > LARGEST || least > most {
        return None;
    }
    let room = match most - least {
        // Both sides are exact.
        0.0 => (least.abs() * 0.01).max(1e-9),
        span => (span * 0.08).max(least.abs() * 1e-6),
    };
    Some([least - room, most + room])
}

/// The label of an axis's tick without trailing zeros: `2 µs` next to `1.8 µs`.
fn tick(label: &str) -> String {
    let end = label.find(|c: char| !c.is_ascii_digit() && !"+-.,<>".contains(c));
    let (number, unit) = label.split_at(end.unwrap_or(label.len()));
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    format!("{number}{unit}")
}

fn label(size: f64, colour: RGBColor, h_pos: HPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour).pos(Pos::new(h_pos, VPos::Center))
}

/// The place of a point of the whole SVG within its area.
fn within(area: &Area<'_>, at: (i32, i32)) -> (i32, i32) {
    let base = area.get_base_pixel();
    (at.0 - base.0, at.1 - base.1)
}

/// The most pixels of a character in an axis's label.
const CHARACTER: u32 = 8;

/// Each run as a dot, each side's value as a line.
fn runs(area: &Area<'_>, row: &Row, [from, to]: [f64; 2]) -> Drawn {
    let unit = Unit::from(row.unit.as_str());
    let tick = |value: f64| tick(&cut(&plain(&unit.show(value)), LONGEST_LABEL));
    // Half of the last label is beyond the axis, and labels must not touch.
    let longest = [from, to].map(|value| tick(value).chars().count()).into_iter().max();
    let label_width = u32::try_from(longest.unwrap_or(0))? * CHARACTER;
    let right = RIGHT.max(label_width / 2);
    let labels = (FIGURE.0 - LABELS - right) / (label_width + 2 * CHARACTER);
    let mut chart = ChartBuilder::on(area)
        .margin_right(right)
        .margin_top(4)
        .x_label_area_size(22)
        .margin_left(LABELS)
        .build_cartesian_2d(from..to, 0.0..2.0)?;
    chart
        .configure_mesh()
        .disable_y_axis()
        .disable_mesh()
        .x_labels(labels.clamp(2, 4) as usize)
        .axis_style(AXIS)
        .x_label_style(label(13.0, TEXT, HPos::Center))
        .x_label_formatter(&|value| tick(*value))
        .draw()?;
    let plot = chart.plotting_area();
    for (side, name, level, colour) in
        [(&row.baseline, "baseline", 1.5, BASELINE), (&row.candidate, "candidate", 0.5, CANDIDATE)]
    {
        let at = within(area, plot.map_coordinate(&(from, level)));
        area.draw(&Text::new(
            name,
            (LABELS.cast_signed() - 8, at.1),
            label(14.0, colour, HPos::Right),
        ))?;
        let Some(side) = side else { continue };
        for (index, run) in side.runs.iter().take(MOST_DOTS).enumerate() {
            // Dots that would hide each other are moved apart, the same way each time.
            let offset = ((index * 7 % 11) as f64 - 5.0) * 0.055;
            let style = if colour == CANDIDATE { colour.filled() } else { colour.stroke_width(1) };
            plot.draw(&Circle::new((*run, level + offset), 3, style))?;
        }
        let line = [(side.value, level - 0.42), (side.value, level + 0.42)];
        plot.draw(&PathElement::new(line, colour.stroke_width(2)))?;
    }
    Ok(())
}

/// The change with its interval next to zero, the tolerance and the target, and the
/// change of each pair.
fn change(area: &Area<'_>, row: &Row, change: Change) -> Drawn {
    let drawn = |change: f64| change.clamp(-1.0, LARGEST_CHANGE);
    let worse = if row.higher_is_better { -1.0 } else { 1.0 };
    let limits: Vec<(&str, f64)> = row.judgement.as_ref().map_or_else(Vec::new, |judgement| {
        let limits = &judgement.limits;
        let mut shown = vec![("tolerance", limits.tolerance)];
        // A count often has the same tolerance and target.
        if limits.target > limits.tolerance {
            shown.push(("target", limits.target));
        }
        shown.into_iter().map(|(name, limit)| (name, drawn(worse * limit))).collect()
    });
    let estimate = drawn(change.estimate);
    let ends = [change.lower, change.upper].map(|end| end.map(drawn));
    let pairs: Vec<f64> = row.pairs.iter().take(MOST_DOTS).copied().map(drawn).collect();
    let mut shown = vec![0.0, estimate];
    shown.extend(ends.iter().flatten());
    shown.extend(limits.iter().map(|(_, limit)| limit));
    shown.extend(&pairs);
    let [least, most] = vocabulary::range(&shown);
    let room = ((most - least) * 0.08).max(1e-4);
    let (from, to) = (least - room, most + room);
    let mut chart = ChartBuilder::on(area)
        .margin_right(RIGHT)
        .margin_top(4)
        .x_label_area_size(22)
        .margin_left(LABELS)
        .build_cartesian_2d(from..to, 0.0..1.0)?;
    if let Some((_, tolerance)) = limits.first() {
        let edge = if worse > 0.0 { to } else { from };
        let beyond = Rectangle::new([(*tolerance, 0.0), (edge, 1.0)], WORSE.filled());
        chart.plotting_area().draw(&beyond)?;
    }
    chart
        .configure_mesh()
        .disable_y_axis()
        .disable_mesh()
        .x_labels(5)
        .axis_style(AXIS)
        .x_label_style(label(13.0, TEXT, HPos::Center))
        .x_label_formatter(&|change| tick(&vocabulary::signed((change * 1e9).round() / 1e9)))
        .draw()?;
    let plot = chart.plotting_area();
    let at = within(area, plot.map_coordinate(&(from, 0.45)));
    area.draw(&Text::new(
        "change",
        (LABELS.cast_signed() - 8, at.1),
        label(14.0, TEXT, HPos::Right),
    ))?;
    plot.draw(&PathElement::new([(0.0, 0.0), (0.0, 1.0)], AXIS.stroke_width(2)))?;
    for (index, (name, limit)) in limits.iter().enumerate() {
        let style = LIMIT.stroke_width(1);
        // The second line ends below the name of the first.
        let (level, end) = if index == 0 { (0.93, 1.0) } else { (0.76, 0.82) };
        plot.draw(&PathElement::new([(*limit, 0.0), (*limit, end)], style))?;
        let (at_x, at_y) = within(area, plot.map_coordinate(&(*limit, level)));
        // On the side that has more room.
        let (h_pos, gap) =
            if (limit - from) < (to - limit) { (HPos::Left, 4) } else { (HPos::Right, -4) };
        area.draw(&Text::new(*name, (at_x + gap, at_y), label(12.0, LIMIT, h_pos)))?;
    }
    for (index, pair) in pairs.iter().enumerate() {
        let offset = ((index * 7 % 11) as f64 - 5.0) * 0.014;
        plot.draw(&Circle::new((*pair, 0.16 + offset), 2, PAIR.stroke_width(1)))?;
    }
    if let [Some(lower), Some(upper)] = ends {
        plot.draw(&PathElement::new([(lower, 0.45), (upper, 0.45)], INTERVAL.stroke_width(4)))?;
        for end in [lower, upper] {
            plot.draw(&PathElement::new([(end, 0.36), (end, 0.54)], INTERVAL.stroke_width(2)))?;
        }
    }
    plot.draw(&Circle::new((estimate, 0.45), 5, CANDIDATE.filled()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_no_trailing_zeros() {
        for (label, shown) in
            [("1.800 µs", "1.8 µs"), ("2 µs", "2 µs"), ("+5.0%", "+5%"), ("10,000", "10,000")]
        {
            assert_eq!(tick(label), shown);
        }
    }
}
