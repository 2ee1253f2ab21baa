//! The picture of false alarms and detected slowdowns.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::peers::Peer;
use crate::replay::{Found, Point};

/// Its file name, next to the page.
pub const FILE: &str = "accuracy.svg";

const SIZE: (u32, u32) = (820, 600);
/// The approximate width of a letter and height of a line, in pixels.
const LETTER: i32 = 7;
const LINE: i32 = 16;
/// The gate's default level.
const SHIPPED: f64 = 0.01;

/// Colours that do not rely on red and green; after B. Wong, "Points of view: Color
/// blindness", Nature Methods 8, 2011.
fn colour(peer: Peer) -> RGBColor {
    match peer {
        Peer::Criterion => RGBColor(213, 94, 0),
        Peer::RankSum => RGBColor(230, 159, 0),
        Peer::Z => RGBColor(86, 180, 233),
        Peer::Ratio => RGBColor(120, 120, 120),
    }
}
const OURS: RGBColor = RGBColor(0, 90, 160);

/// The picture as SVG.
pub fn picture(found: &Found) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw(found, &area).map_err(|error| anyhow!("cannot draw: {error}"))?;
        area.present().map_err(|error| anyhow!("cannot draw: {error}"))?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(found: &Found, area: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .caption("A slowdown of 3% found, against false alarms", ("sans-serif", 20))
        .x_label_area_size(48)
        .y_label_area_size(60)
        .build_cartesian_2d(-0.02..1.02, -0.02..1.02)?;
    let share = |value: &f64| format!("{:.0}%", value * 100.0);
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.1))
        .x_labels(11)
        .y_labels(11)
        .x_desc("A/A suites with a false alarm")
        .y_desc("+3% found in one benchmark at a time")
        .x_label_formatter(&share)
        .y_label_formatter(&share)
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .draw()?;
    let mut labels = Vec::new();
    for (peer, points) in &found.peer_points {
        let colour = colour(*peer);
        if let Some(curve) = found.peer_curves.get(peer) {
            let curve: Vec<(f64, f64)> = curve.iter().map(|[x, y]| (*x, *y)).collect();
            chart.draw_series(LineSeries::new(curve, colour.stroke_width(2)))?;
        }
        for Point { name, pairs, at: [x, y] } in points {
            let single = *pairs == 1;
            let style = if single { colour.stroke_width(2) } else { colour.filled() };
            chart.draw_series([Circle::new((*x, *y), 5, style)])?;
            let name = if single { format!("{name}, one process") } else { (*name).to_owned() };
            labels.push((chart.backend_coord(&(*x, *y)), name, colour));
        }
        chart
            .draw_series(std::iter::empty::<Circle<(f64, f64), i32>>())?
            .label(peer.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    let curve: Vec<(f64, f64)> =
        found.curve.iter().map(|(_, [x, y])| (x.share(), y.share())).collect();
    chart
        .draw_series(LineSeries::new(curve, OURS.stroke_width(3)))?
        .label("benchgate, by its level α")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], OURS.stroke_width(3)));
    for (level, [x, y]) in &found.curve {
        let at = (x.share(), y.share());
        let shipped = *level == SHIPPED;
        chart.draw_series([Circle::new(at, if shipped { 7 } else { 3 }, OURS.filled())])?;
        if shipped {
            labels.push((chart.backend_coord(&at), "benchgate (α = 1%)".to_owned(), OURS));
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 14))
        .draw()?;
    label(area, labels)
}

/// Labels the points, moving labels that would overlap.
fn label(
    area: &Area<'_>,
    mut labels: Vec<((i32, i32), String, RGBColor)>,
) -> Result<(), Box<dyn std::error::Error>> {
    labels.sort_by(|a, b| (a.0.1, a.0.0, &a.1).cmp(&(b.0.1, b.0.0, &b.1)));
    let mut placed: Vec<(i32, i32, i32)> = Vec::new();
    for ((x, y), name, colour) in labels {
        let width = LETTER * name.chars().count() as i32;
        // To the left of what is at the right end.
        let left = if x + 12 + width > SIZE.0 as i32 - 16 { x - 12 - width } else { x + 12 };
        let covers = |at: i32| {
            placed.iter().any(|(other, wide, line)| {
                left < other + wide && *other < left + width && (at - line).abs() < LINE
            })
        };
        // Away from the nearer edge.
        let step = if y > SIZE.1 as i32 / 2 { -1 } else { 1 };
        let mut line = y;
        while covers(line) {
            line += step;
        }
        let font = ("sans-serif", 13).into_font().color(&colour);
        let font = font.pos(Pos::new(HPos::Left, VPos::Center));
        if line != y {
            let to = (if left > x { left - 2 } else { left + width + 2 }, line);
            area.draw(&PathElement::new([(x, y), to], colour.mix(0.4).stroke_width(1)))?;
        }
        area.draw(&Text::new(name, (left, line), font))?;
        placed.push((left, width, line));
    }
    Ok(())
}
