//! A chart as text: with bars if there is room for them, else without.

use super::axis::Axis;
use super::chart::{Chart, Mark, Row};
use super::glyph::Glyphs;
use super::ink::Ink;
use super::line::Line;
use crate::wrap::wrap;

/// The columns before a row and between its parts.
const INDENT: usize = 2;
const GAP: usize = 2;

/// How far a row inside an attempt is indented, for each level.
const LEVEL: usize = 2;

/// The part of the width that indentation may take: a quarter.
const INDENTED: usize = 4;

/// The fewest columns in which bars can be read.
const MIN_BARS: usize = 20;

/// The fewest columns for labels, if one is so long: an IPv4 address with its port.
const MIN_LABELS: usize = 21;

/// The part of the width that an outcome may take with its detail beside it: a quarter.
const DETAILED: usize = 4;

/// The columns of a mark before an outcome.
const MARK: usize = 2;

/// The look of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// In columns.
    pub(crate) width: usize,
    pub(crate) color: bool,
    /// Beyond ASCII, for bars and marks.
    pub(crate) unicode: bool,
}

/// The lines of a chart.
#[derive(Debug)]
pub(crate) struct Picture {
    /// The axis; empty if there are no bars.
    pub(crate) head: Vec<Line>,
    pub(crate) rows: Vec<Line>,
    /// The last line, if there is one.
    pub(crate) sentence: Option<Line>,
}

/// Draws a chart. No line except the sentence is wider than the look allows.
pub(crate) fn draw(chart: &Chart, look: &Look) -> Picture {
    let glyphs = Glyphs::of(look.unicode);
    let numbers = Numbers::of(chart);
    let (head, rows) = match Columns::of(chart, &numbers, look) {
        // Without rows an axis has no use.
        _ if chart.rows.is_empty() => (Vec::new(), Vec::new()),
        Some(columns) => {
            let rows = chart.rows.iter().zip(&numbers.rows);
            let rows = rows.flat_map(|(row, numbers)| {
                columns.row(row, numbers, &chart.axis, glyphs, look.width)
            });
            (columns.head(chart, glyphs), rows.collect())
        }
        None => (Vec::new(), plain(chart, &numbers, glyphs, look.width)),
    };
    let sentence = chart.sentence.as_ref().map(|sentence| {
        let mut line = Line::default();
        line.push(Ink::Plain, sentence);
        line
    });
    Picture { head, rows, sentence }
}

/// When each row started and ended, as text, and how wide these columns are.
struct Numbers {
    rows: Vec<[String; 2]>,
    width: [usize; 2],
}

impl Numbers {
    fn of(chart: &Chart) -> Self {
        let number = |time| Option::map_or(time, String::new(), |time| chart.axis.number(time));
        let rows = chart.rows.iter().map(|row| [number(row.started), number(row.ended)]);
        let rows: Vec<_> = rows.collect();
        let widest = |column: usize| rows.iter().map(|row| row[column].len()).max();
        // As wide as their headings.
        let mut width =
            [0, 1].map(|column| widest(column).unwrap_or(0).max(HEADINGS[column].len()));
        // Wide enough for later times, so that the bars of a running race keep their length.
        width[1] = width[1].max(chart.axis.number(chart.axis.end()).len());
        Self { rows, width }
    }

    fn total(&self) -> usize {
        self.width[0] + GAP + self.width[1]
    }
}

const HEADINGS: [&str; 2] = ["start", "end"];

/// Where each part of a row begins, and how long it is.
struct Columns {
    label: usize,
    bars: usize,
    numbers: [usize; 2],
    outcome: usize,
    /// The most columns of an outcome.
    room: usize,
}

impl Columns {
    /// None if there is no room for bars.
    fn of(chart: &Chart, numbers: &Numbers, look: &Look) -> Option<Self> {
        let most = look.width / DETAILED;
        let outcome = |row: &Row| {
            let detailed = length(&outcome(row, true));
            if detailed <= most { detailed } else { length(&outcome(row, false)) }
        };
        let [label, usual] = chart.room_for;
        let room = chart.rows.iter().map(outcome).max().unwrap_or(0).max(MARK + usual);
        let fixed = INDENT + GAP + GAP + numbers.total() + GAP + room;
        let free = look.width.checked_sub(fixed)?;
        let of = |row: &Row| indent(row, look.width) + length(&row.label);
        let legend = legend(chart, Glyphs::of(look.unicode)).map_or(0, |text| length(&text));
        let lengths = || chart.rows.iter().map(of).chain([label, legend]);
        let least = lengths().max().unwrap_or(0).min(MIN_LABELS);
        let labels = free.checked_sub(MIN_BARS).filter(|labels| *labels >= least)?;
        // A label that is too long has its own line, and does not shorten the bars.
        let label = lengths().filter(|label| *label <= labels).max().unwrap_or(0);
        let bars = INDENT + label + GAP;
        let started = bars + (free - label) + GAP + numbers.width[0];
        let ended = started + GAP + numbers.width[1];
        Some(Self {
            label,
            bars: free - label,
            numbers: [started, ended],
            outcome: ended + GAP,
            room,
        })
    }

    fn bars_begin(&self) -> usize {
        INDENT + self.label + GAP
    }

    /// The axis with its labels above. Before it are the names of the parts of a bar.
    fn head(&self, chart: &Chart, glyphs: &Glyphs) -> Vec<Line> {
        let axis = &chart.axis;
        let begin = self.bars_begin();
        let mut labels = Line::default();
        labels.push_right(Ink::Faint, axis.unit(), begin - GAP);
        let [start, line, tick] = glyphs.axis;
        let mut cells = vec![line; self.bars];
        for (index, mark) in axis.ticks(self.bars, 1).iter().enumerate() {
            let place = axis.place(mark.at, self.bars);
            cells[place] = if index == 0 { start } else { tick };
            // Centred on its tick, except the last one without room.
            let half = (length(&mark.label) - 1) / 2;
            let left = (begin + place).saturating_sub(half);
            labels.fill(left.min(begin + self.bars - length(&mark.label)));
            labels.push(Ink::Faint, &mark.label);
        }
        for (heading, column) in HEADINGS.into_iter().zip(self.numbers) {
            labels.push_right(Ink::Faint, heading, column);
        }
        let mut ruler = Line::default();
        if let Some(legend) = legend(chart, glyphs) {
            ruler.fill(INDENT);
            ruler.push(Ink::Faint, &legend);
        }
        ruler.fill(begin);
        ruler.push(Ink::Faint, &String::from_iter(cells));
        vec![labels, ruler]
    }

    /// The line of a row, and more lines if a part is too long.
    fn row(
        &self,
        row: &Row,
        numbers: &[String; 2],
        axis: &Axis,
        glyphs: &Glyphs,
        width: usize,
    ) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut line = Line::default();
        let indent = indent(row, width);
        if indent + length(&row.label) > self.label {
            lines.extend(below(&row.label, INDENT + indent, width));
        } else {
            line.fill(INDENT + indent);
            line.push(Ink::Plain, &row.label);
        }
        line.fill(self.bars_begin());
        for (ink, cell) in self.cells(row, axis, glyphs) {
            line.push(ink, cell.encode_utf8(&mut [0; 4]));
        }
        for (number, column) in numbers.iter().zip(self.numbers) {
            line.push_right(Ink::Plain, number, column);
        }
        line.fill(self.outcome);
        let beside = length(&outcome(row, true)) <= self.room;
        push_outcome(&mut line, row, glyphs, beside);
        lines.push(line);
        if let Some(detail) = row.detail.as_ref().filter(|_| !beside) {
            lines.extend(below(&detail.text, self.bars_begin(), width));
        }
        lines
    }

    /// The bars of a row with its mark.
    fn cells(&self, row: &Row, axis: &Axis, glyphs: &Glyphs) -> Vec<(Ink, char)> {
        let mut cells = vec![(Ink::Plain, ' '); self.bars];
        // The wait begins where the query ends, and must not hide that.
        for bar in row.bars.iter().rev() {
            let range = axis.place(bar.from, self.bars)..=axis.place(bar.to, self.bars);
            cells[range].fill((row.ink(bar), glyphs.bar(bar.kind)));
        }
        if let Some(at) = row.progressed {
            cells[axis.place(at, self.bars)] = (row.mark.ink(), glyphs.progress);
        }
        if let Some(at) = row.marked {
            cells[axis.place(at, self.bars)] = (row.mark.ink(), glyphs.mark(row.mark));
        }
        cells
    }
}

/// Rows without bars, for a narrow terminal: in columns if they fit, else over several lines.
fn plain(chart: &Chart, numbers: &Numbers, glyphs: &Glyphs, width: usize) -> Vec<Line> {
    let unit = chart.axis.unit();
    let label = chart.rows.iter().map(|row| indent(row, width) + length(&row.label));
    let label = label.max().unwrap_or(0);
    let room = chart.rows.iter().map(|row| length(&outcome(row, false))).max().unwrap_or(0);
    let times = numbers.total() + 1 + unit.len();
    let in_columns = INDENT + label + GAP + times + GAP + room <= width;
    let mut lines = Vec::new();
    for (row, numbers_of_row) in chart.rows.iter().zip(&numbers.rows) {
        let mut line = Line::default();
        let own = INDENT + indent(row, width);
        line.fill(own);
        let mut begin = INDENT + label + GAP;
        if in_columns {
            line.push(Ink::Plain, &row.label);
        } else {
            lines.extend(below(&row.label, own, width));
            begin = own + GAP;
        }
        line.fill(begin);
        // Without columns the outcome has no column to align with.
        let timed = in_columns || row.started.is_some();
        let mut column = begin;
        for (number, wide) in numbers_of_row.iter().zip(numbers.width).filter(|_| timed) {
            column += wide;
            line.push_right(Ink::Plain, number, column);
            column += GAP;
        }
        if row.started.is_some() {
            line.push(Ink::Plain, &format!(" {unit}"));
        }
        let after = if timed { begin + times + GAP } else { begin };
        if after + length(&outcome(row, false)) > width {
            lines.push(line);
            line = Line::default();
            line.fill(begin);
        } else {
            line.fill(after);
        }
        push_outcome(&mut line, row, glyphs, false);
        lines.push(line);
        if let Some(detail) = &row.detail {
            lines.extend(below(&detail.text, own + GAP, width));
        }
    }
    lines.into_iter().map(|line| line.clipped(width)).collect()
}

/// The names of the parts of a bar, each after its line.
fn legend(chart: &Chart, glyphs: &Glyphs) -> Option<String> {
    let named = |(kind, name): &(_, _)| format!("{} {name}", glyphs.bar(*kind));
    chart.legend.as_ref().map(|parts| parts.each_ref().map(named).join("  "))
}

/// A text as separate lines that start at this column.
fn below(text: &str, column: usize, width: usize) -> impl Iterator<Item = Line> {
    wrap(text, width.saturating_sub(column)).into_iter().map(move |text| {
        let mut line = Line::default();
        line.fill(column);
        line.push(Ink::Plain, &text);
        line
    })
}

/// The outcome as text, after a mark, with its detail or without.
fn outcome(row: &Row, detailed: bool) -> String {
    match row.detail.as_ref().filter(|_| detailed) {
        Some(detail) => format!("? {}{}{}", row.outcome, detail.joint, detail.text),
        None => format!("? {}", row.outcome),
    }
}

fn push_outcome(line: &mut Line, row: &Row, glyphs: &Glyphs, detailed: bool) {
    line.push(row.mark.ink(), glyphs.mark(row.mark).encode_utf8(&mut [0; 4]));
    let words = outcome(row, detailed);
    let ink = match row.mark {
        Mark::Won | Mark::Failed | Mark::Dropped | Mark::Skipped | Mark::Untried => row.mark.ink(),
        Mark::Answered | Mark::Unanswered | Mark::Running | Mark::Through => Ink::Plain,
    };
    let bare = outcome(row, false);
    line.push(ink, &words[1..bare.len()]);
    line.push(Ink::Plain, &words[bare.len()..]);
}

/// How many columns a row's label is indented on an output of this width.
fn indent(row: &Row, width: usize) -> usize {
    (LEVEL * row.depth).min(width / INDENTED)
}

fn length(text: &str) -> usize {
    text.chars().count()
}
