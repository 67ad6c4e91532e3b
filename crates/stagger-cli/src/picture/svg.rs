//! A chart as an SVG file.
//!
//! Words are above their bar, at both ends of the line, so that the width of a font does not
//! matter. Every meaning has its own shape.

use super::axis::Axis;
use super::chart::{Bar, Chart, Kind, Mark, Row};
use super::ink::Ink;
use crate::escape::printable;
use crate::race::Race;
use crate::wrap::wrap;

/// All lengths are in pixels at the picture's own size.
const WIDTH: usize = 960;
const MARGIN: usize = 24;

/// The distance of the axis from the margin, so that marks at its ends are whole.
const LEFT: usize = MARGIN + 8;
const LENGTH: usize = WIDTH - 2 * LEFT;

/// The space above the first row, and the height of a row without its detail.
const HEAD: usize = 96;
const ROW: usize = 42;

/// From the top of a row to its words, and to the middle of its bar.
const WORDS: usize = 14;
const MIDDLE: usize = 26;

/// How far a row inside an attempt is indented, for each level.
const LEVEL: usize = 16;

/// The height of a line of detail, and the letters that fit in it. At a letter height of 13 pixels
/// the widest font has room for more.
const LINE: usize = 17;
const LETTERS: usize = 96;

/// The greatest width of a letter where labels must not touch.
const LETTER: usize = 8;

/// The colours of GitHub's two themes: all of them are easy to read on their background.
const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif }
.title { font-size: 17px; font-weight: 600 }
.small { font-size: 11px }
.paper { fill: #ffffff }
text { fill: #1f2328; stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
text.won { font-weight: 600 }
.line { fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
.grid { stroke: #d1d9e0; stroke-width: 1 }
text.faint { fill: #59636e } .line.faint { stroke: #818b98 } .solid.faint { fill: #818b98 }
text.open { fill: #0969da } .line.open { stroke: #0969da } .solid.open { fill: #0969da }
text.wait { fill: #9a6700 } .line.wait { stroke: #9a6700 } .solid.wait { fill: #9a6700 }
text.won { fill: #1a7f37 } .line.won { stroke: #1a7f37 } .solid.won { fill: #1a7f37 }
text.failed { fill: #d1242f } .line.failed { stroke: #d1242f } .solid.failed { fill: #d1242f }
.cut { stroke: #ffffff }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 }
text { fill: #e6edf3; stroke: #0d1117 }
.grid { stroke: #3d444d }
text.faint { fill: #9198a1 } .line.faint { stroke: #656c76 } .solid.faint { fill: #656c76 }
text.open { fill: #4493f8 } .line.open { stroke: #4493f8 } .solid.open { fill: #4493f8 }
text.wait { fill: #d29922 } .line.wait { stroke: #d29922 } .solid.wait { fill: #d29922 }
text.won { fill: #3fb950 } .line.won { stroke: #3fb950 } .solid.won { fill: #3fb950 }
text.failed { fill: #f85149 } .line.failed { stroke: #f85149 } .solid.failed { fill: #f85149 }
.cut { stroke: #0d1117 }
}
";

/// The picture of a race to this target, as an SVG file.
pub(crate) fn svg(target: &str, race: &Race) -> String {
    let chart = Chart::of(race);
    let mut body = String::new();
    let mut top = HEAD;
    for row in &chart.rows {
        top += self::row(&mut body, row, &chart.axis, top);
    }
    let sentence = chart.sentence.clone().or_else(|| race.error.as_deref().map(printable));
    let height = top + MARGIN;
    let title = format!("Race to {}", printable(target));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"title summary\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"summary\">{}</desc>\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n",
        escaped(&title),
        escaped(&summary(&chart, sentence.as_deref())),
    );
    // The legend is at the right of the title.
    words(&mut svg, "title", (MARGIN, 34), &short(&printable(target), 2 * LETTERS / 3));
    if let Some(line) = sentence.as_deref().map(|sentence| short(sentence, LETTERS + 20)) {
        words(&mut svg, "plain", (MARGIN, 56), &line);
    }
    if let Some(parts) = &chart.legend {
        legend(&mut svg, parts);
    }
    ruler(&mut svg, &chart.axis, height);
    svg + &body + "</svg>\n"
}

/// The whole chart in words.
fn summary(chart: &Chart, sentence: Option<&str>) -> String {
    let unit = chart.axis.unit();
    let rows = chart.rows.iter().map(|row| {
        let inside = if row.depth > 0 { "inside, " } else { "" };
        format!("{inside}{}: {}.", row.label, said(row, chart, unit))
    });
    let sentence = sentence.map(|sentence| format!("{sentence}."));
    sentence.into_iter().chain(rows).collect::<Vec<_>>().join(" ")
}

fn said(row: &Row, chart: &Chart, unit: &str) -> String {
    let detail = row.detail.as_ref();
    let detail = detail.map(|detail| format!("{}{}", detail.joint, detail.text));
    format!("{}{}{}", row.outcome, times(row, &chart.axis, unit), detail.unwrap_or_default())
}

/// The start and the end, as a text that goes on.
fn times(row: &Row, axis: &Axis, unit: &str) -> String {
    match (row.started, row.ended) {
        (Some(started), Some(ended)) => {
            format!(", {} to {} {unit}", axis.number(started), axis.number(ended))
        }
        (Some(started), None) => format!(", from {} {unit} on", axis.number(started)),
        (None, _) => String::new(),
    }
}

/// The width of a part in the legend, of the bar in it, and the height of its middle: at the right,
/// on the line of the title.
const PART: usize = 76;
const SAMPLE: usize = 28;
const LEGEND: usize = 29;

/// The names of the parts of a bar, each after a short bar.
fn legend(svg: &mut String, parts: &[(Kind, &str)]) {
    let begin = WIDTH - MARGIN - PART * parts.len();
    for (index, (kind, name)) in parts.iter().enumerate() {
        let x = begin + PART * index;
        bar_between(svg, *kind, Ink::Faint, (x, x + SAMPLE), LEGEND);
        words(svg, "faint", (x + SAMPLE + 8, LEGEND + 5), name);
    }
}

/// The ticks, each with a line through all rows.
fn ruler(svg: &mut String, axis: &Axis, height: usize) {
    let bottom = height - MARGIN / 2;
    for tick in axis.ticks(LENGTH, LETTER) {
        let x = LEFT + axis.place(tick.at, LENGTH);
        let unit = if tick.at.is_zero() { format!(" {}", axis.unit()) } else { String::new() };
        *svg += &format!("<path class=\"grid\" d=\"M{x} {}V{bottom}\"/>\n", HEAD - 12);
        let label = escaped(&(tick.label + &unit));
        *svg += &format!(
            "<text class=\"small faint\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>\n",
            HEAD - 16
        );
    }
}

/// Draws a row from `top` on, and returns its height.
fn row(svg: &mut String, row: &Row, axis: &Axis, top: usize) -> usize {
    let left = MARGIN + LEVEL * row.depth;
    words(svg, "plain", (left, top + WORDS), &short(&row.label, 2 * LETTERS / 3));
    let outcome = format!("{}{}", row.outcome, times(row, axis, axis.unit()));
    let class = match row.mark {
        Mark::Answered | Mark::Unanswered | Mark::Running | Mark::Through => Ink::Plain,
        mark => mark.ink(),
    };
    *svg += &format!(
        "<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
        class.class(),
        WIDTH - MARGIN,
        top + WORDS,
        escaped(&outcome),
    );
    let middle = top + MIDDLE;
    for bar in &row.bars {
        self::bar(svg, bar, row.ink(bar), axis, middle);
    }
    if let Some(at) = row.progressed {
        let (x, class) = (LEFT + axis.place(at, LENGTH), row.mark.ink().class());
        *svg +=
            &format!("<path class=\"line {class}\" d=\"M{x} {}V{}\"/>\n", middle - 8, middle + 8);
    }
    if let Some(at) = row.marked {
        mark(svg, row.mark, LEFT + axis.place(at, LENGTH), middle);
    }
    let Some(detail) = &row.detail else { return ROW };
    let lines = wrap(&detail.text, LETTERS);
    for (index, line) in lines.iter().enumerate() {
        words(svg, "faint", (left + 16, top + ROW + 4 + index * LINE), line);
    }
    ROW + 4 + lines.len() * LINE
}

fn bar(svg: &mut String, bar: &Bar, ink: Ink, axis: &Axis, y: usize) {
    let from = LEFT + axis.place(bar.from, LENGTH);
    // A bar of no length must be visible too.
    let to = (LEFT + axis.place(bar.to, LENGTH)).max(from + 1);
    bar_between(svg, bar.kind, ink, (from, to), y);
}

fn bar_between(svg: &mut String, kind: Kind, ink: Ink, (from, to): (usize, usize), y: usize) {
    let class = ink.class();
    *svg += &match kind {
        Kind::Attempt => {
            let (top, length) = (y - 4, to - from);
            format!(
                "<rect class=\"solid {class}\" x=\"{from}\" y=\"{top}\" width=\"{length}\" \
                 height=\"8\" rx=\"2\"/>\n"
            )
        }
        Kind::Handshake => {
            let (top, length) = (y - 3, to - from);
            format!(
                "<rect class=\"line {class}\" x=\"{from}\" y=\"{top}\" width=\"{length}\" \
                 height=\"6\" rx=\"2\"/>\n"
            )
        }
        Kind::Inside => format!(
            "<path class=\"line {class}\" stroke-dasharray=\"6 5\" d=\"M{from} {y}H{to}\"/>\n"
        ),
        Kind::Query => format!("<path class=\"line {class}\" d=\"M{from} {y}H{to}\"/>\n"),
        Kind::Wait => format!(
            "<path class=\"line {class}\" stroke-dasharray=\"0.1 6\" d=\"M{from} {y}H{to}\"/>\n"
        ),
    };
}

/// A shape for every meaning.
fn mark(svg: &mut String, mark: Mark, x: usize, y: usize) {
    let class = mark.ink().class();
    let disc = format!("<circle class=\"solid {class}\" cx=\"{x}\" cy=\"{y}\" r=\"8\"/>");
    let ring = format!("<circle class=\"line {class}\" cx=\"{x}\" cy=\"{y}\" r=\"6\"/>");
    let line = |class: &str, path: &str| {
        format!("<path class=\"line {class}\" transform=\"translate({x} {y})\" d=\"{path}\"/>")
    };
    let shape = match mark {
        Mark::Answered => line(class, "M0-7V7"),
        Mark::Unanswered => line(class, "M-3-7H3M0-7V7M-3 7H3"),
        Mark::Running => line(class, "M-5-6L1 0L-5 6"),
        Mark::Won => disc + &line("cut", "M-4 0L-1 3L4-3"),
        Mark::Through => format!("<circle class=\"solid {class}\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>"),
        Mark::Failed => disc + &line("cut", "M-3-3L3 3M-3 3L3-3"),
        Mark::Dropped => line(class, "M-3 8L3-8"),
        Mark::Skipped => ring + &line(class, "M-4 4L4-4"),
        Mark::Untried => ring,
    };
    *svg += &format!("{shape}\n");
}

fn words(svg: &mut String, class: &str, (x, y): (usize, usize), text: &str) {
    *svg += &format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>\n", escaped(text));
}

/// A text, cut to this many letters.
fn short(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A text as content or as an attribute's value. A character that XML cannot hold (XML 1.0 §2.2)
/// is a replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
