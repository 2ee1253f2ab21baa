//! The picture: false alarms against slower benchmarks found.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::peers::Peer;
use crate::replay::Found;

/// Its name, beside the page.
pub const FILE: &str = "accuracy.svg";

const SIZE: (u32, u32) = (820, 600);
/// The level that the gate ships with.
const SHIPPED: f64 = 0.01;

/// Colours that are told apart without red and green; after B. Wong, "Points of
/// view: Color blindness", Nature Methods 8, 2011.
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
    let small = |colour: RGBColor| {
        ("sans-serif", 13).into_font().color(&colour).pos(Pos::new(HPos::Left, VPos::Center))
    };
    for (peer, curve) in &found.peer_curves {
        let colour = colour(*peer);
        let points: Vec<(f64, f64)> = curve.iter().map(|[x, y]| (*x, *y)).collect();
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(peer.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        for (name, [x, y]) in &found.peer_points[peer] {
            chart.draw_series([EmptyElement::at((*x, *y))
                + Circle::new((0, 0), 5, colour.filled())
                + Text::new((*name).to_owned(), (9, 0), small(colour))])?;
        }
    }
    let curve: Vec<(f64, f64)> =
        found.curve.iter().map(|(_, [x, y])| (x.share(), y.share())).collect();
    chart
        .draw_series(LineSeries::new(curve, OURS.stroke_width(3)))?
        .label("benchgate, by its level α")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], OURS.stroke_width(3)));
    for (level, [x, y]) in &found.curve {
        let shipped = *level == SHIPPED;
        let at = (x.share(), y.share());
        chart.draw_series([Circle::new(at, if shipped { 7 } else { 3 }, OURS.filled())])?;
        if shipped {
            let text = "benchgate (α = 1%)".to_owned();
            chart.draw_series([EmptyElement::at(at) + Text::new(text, (12, 0), small(OURS))])?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}
