//! The plot of `docs/history.md`: which part of all connects loses more than a time.

use std::fmt::Write as _;

use crate::{Outcome, Strategy};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// Where the axes are: left, top, right and bottom.
const FRAME: [f64; 4] = [64.0, 20.0, 540.0, 310.0];
/// The ends of the horizontal axis, in milliseconds.
const TIMES: (f64, f64) = (1.0, 4000.0);
/// The ends of the vertical axis, as parts of all connects.
const PARTS: (f64, f64) = (0.0005, 0.5);
/// Colours that differ without hue too, because they get darker.
const COLORS: [&str; 6] = ["#b35806", "#e08214", "#8073ac", "#999999", "#01665e", "#2166ac"];

/// Draws the outcomes, with both axes logarithmic.
pub fn plot(outcomes: &[Outcome], shares: &[u32; 10]) -> String {
    let [left, top, right, bottom] = FRAME;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>The part of all connects that loses more than a time</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <g stroke=\"#ddd\" fill=\"#444\">\n"
    );
    let mut add = |text: String| svg.push_str(&(text + "\n"));
    for time in [1, 10, 100, 250, 1000] {
        let x = across(f64::from(time));
        add(format!("<path d=\"M{x:.1} {top}V{bottom}\"/>"));
        let y = bottom + 16.0;
        add(format!(
            "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\" stroke=\"none\">{time} ms</text>"
        ));
    }
    for (part, label) in
        [(0.5, "50 %"), (0.1, "10 %"), (0.05, "5 %"), (0.01, "1 %"), (0.001, "0.1 %")]
    {
        let y = up(part);
        add(format!("<path d=\"M{left} {y:.1}H{right}\"/>"));
        let x = left - 8.0;
        let y = y + 4.0;
        add(format!(
            "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\" stroke=\"none\">{label}</text>"
        ));
    }
    add("</g>".to_owned());
    for (place, (outcome, color)) in outcomes.iter().zip(COLORS).enumerate() {
        let dash = match outcome.strategy {
            Strategy::History(_) => "",
            Strategy::Fixed(_) | Strategy::Doubling => " stroke-dasharray=\"6 3\"",
        };
        let line = curve(outcome, shares);
        add(format!(
            "<path d=\"{line}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{dash}/>"
        ));
        let y = top + 12.0 + 22.0 * place as f64;
        let (from, text) = (right + 12.0, right + 42.0);
        let name = outcome.strategy.name().replace('`', "");
        add(format!(
            "<path d=\"M{from} {y}h24\" stroke=\"{color}\" stroke-width=\"2\"{dash}/>\
             <text x=\"{text}\" y=\"{}\" fill=\"#222\">{name}</text>",
            y + 4.0
        ));
    }
    let (middle, below) = ((left + right) / 2.0, HEIGHT - 12.0);
    add(format!(
        "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\" fill=\"#222\">\
         connects that lose more than this time</text>\n</svg>"
    ));
    svg
}

fn curve(outcome: &Outcome, shares: &[u32; 10]) -> String {
    let mut line = String::new();
    let mut time = TIMES.0;
    while time <= TIMES.1 {
        let part = outcome.above(shares, time as usize).clamp(PARTS.0, PARTS.1);
        let command = if line.is_empty() { 'M' } else { 'L' };
        write!(line, "{command}{:.1} {:.1}", across(time.floor()), up(part))
            .expect("a string takes everything");
        time = (time * 1.03).max(time.floor() + 1.0);
    }
    line
}

fn across(time: f64) -> f64 {
    let [left, _, right, _] = FRAME;
    left + (right - left) * (time / TIMES.0).ln() / (TIMES.1 / TIMES.0).ln()
}

fn up(part: f64) -> f64 {
    let [_, top, _, bottom] = FRAME;
    bottom - (bottom - top) * (part / PARTS.0).ln() / (PARTS.1 / PARTS.0).ln()
}
