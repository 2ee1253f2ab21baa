//! The plots: one SVG for a row, its runs above and its change below, and a
//! small bar of the change for the table.
//!
//! Colours name parts, not looks: the style sheet gives each its colour for
//! light and dark. A number from a damaged report draws nothing rather than
//! something wrong.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::text::cut;
use super::super::{plain, words};
use crate::judge::{Change, Row, Side};
use crate::model::Unit;

/// What is drawn, as the colour that the style sheet knows it by (report.css).
const TEXT: RGBColor = RGBColor(1, 0, 0);
const AXIS: RGBColor = RGBColor(2, 0, 0);
const BASELINE: RGBColor = RGBColor(3, 0, 0);
const CANDIDATE: RGBColor = RGBColor(4, 0, 0);
const LIMIT: RGBColor = RGBColor(5, 0, 0);
const WORSE: RGBColor = RGBColor(6, 0, 0);
const INTERVAL: RGBColor = RGBColor(7, 0, 0);
const PAIR: RGBColor = RGBColor(8, 0, 0);

/// A figure's size in pixels.
const FIGURE: (u32, u32) = (460, 212);

/// Of it, what the runs take; the change has the rest.
const RUNS_HEIGHT: u32 = 106;

/// A bar's size in pixels.
const BAR: (u32, u32) = (120, 16);

/// Room at the left of a plot for the names of its lines.
const LABELS: u32 = 74;

/// More dots of a side than this say nothing more.
const MOST_DOTS: usize = 200;

/// A unit's name may be any text.
const LONGEST_LABEL: usize = 20;

/// Numbers beyond this are no measurement's.
const LARGEST: f64 = 1e18;

/// Changes are drawn up to a tenfold value.
const LARGEST_CHANGE: f64 = 9.0;

/// Half the scale of a bar in targets of its row.
const TARGETS: f64 = 3.0;

/// Half the scale of a row without limits.
const UNJUDGED: f64 = 0.1;

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The runs of both sides and the change; nothing where neither can be drawn.
pub(super) fn figure(row: &Row) -> Option<String> {
    let sides = [row.baseline.as_ref(), row.candidate.as_ref()];
    let span = span(sides)?;
    let height = if row.change.is_some() { FIGURE.1 } else { RUNS_HEIGHT };
    svg((FIGURE.0, height), |area| {
        let (upper, lower) = area.split_vertically(RUNS_HEIGHT);
        runs(&upper, row, span)?;
        row.change.map_or(Ok(()), |change| self::change(&lower, row, change))
    })
}

/// The change and its interval on the scale of the row's own target.
pub(super) fn bar(row: &Row) -> Option<String> {
    let change = row.change.filter(|change| change.estimate.is_finite())?;
    let target = row.judgement.as_ref().map(|judgement| judgement.limits.target);
    let scale = target.filter(|target| *target > 0.0).map_or(UNJUDGED, |target| target * TARGETS);
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
            // Beyond the scale: it points out of it.
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

/// What `draw` draws, as text that may stand in HTML.
fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let drawn = draw(&area).and_then(|()| area.present().map_err(Into::into));
    drop(area);
    drawn.ok()?;
    // Within HTML it needs no name space, nor any space.
    Some(
        text.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "")
            .replace(" opacity=\"1\"", "")
            .replace('\n', ""),
    )
}

/// From where to where the runs reach, with some room.
fn span(sides: [Option<&Side>; 2]) -> Option<[f64; 2]> {
    let values: Vec<f64> = sides
        .iter()
        .flatten()
        .flat_map(|side| side.runs.iter().copied().chain([side.value]))
        .collect();
    let [least, most] = words::range(&values);
    if least.abs().max(most.abs()) > LARGEST || least > most {
        return None;
    }
    let room = match most - least {
        // Exact on both sides.
        0.0 => (least.abs() * 0.01).max(1e-9),
        span => (span * 0.08).max(least.abs() * 1e-6),
    };
    Some([least - room, most + room])
}

fn label(size: f64, colour: RGBColor, h_pos: HPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour).pos(Pos::new(h_pos, VPos::Center))
}

/// Where in the area a point of its plot lies: plots count from the whole SVG.
fn within(area: &Area<'_>, at: (i32, i32)) -> (i32, i32) {
    let base = area.get_base_pixel();
    (at.0 - base.0, at.1 - base.1)
}

/// Each run as a dot, each side's value as a line.
fn runs(area: &Area<'_>, row: &Row, [from, to]: [f64; 2]) -> Drawn {
    let unit = Unit::from(row.unit.as_str());
    let mut chart = ChartBuilder::on(area)
        .margin_right(28)
        .margin_top(4)
        .x_label_area_size(22)
        .margin_left(LABELS)
        .build_cartesian_2d(from..to, 0.0..2.0)?;
    chart
        .configure_mesh()
        .disable_y_axis()
        .disable_mesh()
        .x_labels(4)
        .axis_style(AXIS)
        .x_label_style(label(13.0, TEXT, HPos::Center))
        .x_label_formatter(&|value| cut(&plain(&unit.show(*value)), LONGEST_LABEL))
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
            // Dots that would hide each other are moved apart, always alike.
            let offset = ((index * 7 % 11) as f64 - 5.0) * 0.055;
            let style = if colour == CANDIDATE { colour.filled() } else { colour.stroke_width(1) };
            plot.draw(&Circle::new((*run, level + offset), 3, style))?;
        }
        let line = [(side.value, level - 0.42), (side.value, level + 0.42)];
        plot.draw(&PathElement::new(line, colour.stroke_width(2)))?;
    }
    Ok(())
}

/// The change with its interval against nothing, the tolerance and the target,
/// and the change of each pair.
fn change(area: &Area<'_>, row: &Row, change: Change) -> Drawn {
    let drawn = |change: f64| change.clamp(-1.0, LARGEST_CHANGE);
    let worse = if row.higher_is_better { -1.0 } else { 1.0 };
    let limits: Vec<(&str, f64)> = row.judgement.as_ref().map_or_else(Vec::new, |judgement| {
        let limits = &judgement.limits;
        let mut shown = vec![("tolerance", limits.tolerance)];
        // A count's are often one.
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
    let [least, most] = words::range(&shown);
    let room = ((most - least) * 0.08).max(1e-4);
    let (from, to) = (least - room, most + room);
    let mut chart = ChartBuilder::on(area)
        .margin_right(28)
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
        .x_label_formatter(&|change| words::signed((change * 1e9).round() / 1e9))
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
        plot.draw(&PathElement::new([(*limit, 0.0), (*limit, 1.0)], style))?;
        let level = if index == 0 { 0.93 } else { 0.76 };
        let (at_x, at_y) = within(area, plot.map_coordinate(&(*limit, level)));
        // Towards where there is more room.
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
