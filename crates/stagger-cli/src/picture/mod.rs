//! The race as a picture: a bar over time for each query and each candidate.
//!
//! [`chart`] has the content, [`text`] and [`svg`] draw it.

mod axis;
mod chart;
mod glyph;
mod ink;
mod line;
mod remark;
mod svg;
mod text;

pub(crate) use self::axis::spelled;
pub(crate) use self::ink::Ink;
pub(crate) use self::line::Line;
pub(crate) use self::svg::svg;
pub(crate) use self::text::{Look, Picture};

use self::chart::Chart;
use crate::race::Race;

/// The picture of a race, line by line.
pub(crate) fn picture(race: &Race, look: &Look) -> Picture {
    text::draw(&Chart::of(race), look)
}

/// The picture of a race as text. The last line has the winner, if there is one.
pub(crate) fn timeline(race: &Race, look: &Look) -> String {
    picture(race, look).lines().iter().map(|line| line.printed(look.color) + "\n").collect()
}

impl Picture {
    /// All lines, with an empty line before the sentence.
    pub(crate) fn lines(self) -> Vec<Line> {
        let Self { head, rows, sentence } = self;
        let drawn = !rows.is_empty();
        let gap = (drawn && sentence.is_some()).then(Line::default);
        head.into_iter().chain(rows).chain(gap).chain(sentence).collect()
    }
}

#[cfg(test)]
mod tests;
