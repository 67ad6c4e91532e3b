//! The characters of a picture. Each has one meaning in every colour.

use super::chart::{Kind, Mark};

/// The characters that bars, marks and the axis are made of.
#[derive(Debug)]
pub(super) struct Glyphs {
    query: char,
    wait: char,
    attempt: char,
    handshake: char,
    inside: char,
    /// The start of a handshake.
    pub(super) progress: char,
    /// The start, the line and a tick of the axis.
    pub(super) axis: [char; 3],
    answered: char,
    unanswered: char,
    running: char,
    won: char,
    through: char,
    failed: char,
    dropped: char,
    skipped: char,
    untried: char,
}

const UNICODE: Glyphs = Glyphs {
    query: '─',
    wait: '·',
    attempt: '━',
    handshake: '═',
    inside: '╌',
    progress: '╪',
    axis: ['├', '─', '┼'],
    answered: '┤',
    unanswered: '?',
    running: '▸',
    won: '✓',
    through: '■',
    failed: '✗',
    dropped: '╱',
    skipped: '⊘',
    untried: '◦',
};

const ASCII: Glyphs = Glyphs {
    query: '-',
    wait: '.',
    attempt: '=',
    handshake: '~',
    inside: ':',
    progress: '#',
    axis: ['|', '-', '+'],
    answered: '|',
    unanswered: '?',
    running: '>',
    won: '*',
    through: '@',
    failed: 'x',
    dropped: '/',
    skipped: '%',
    untried: 'o',
};

impl Glyphs {
    /// With characters beyond ASCII, or without.
    pub(super) fn of(unicode: bool) -> &'static Self {
        if unicode { &UNICODE } else { &ASCII }
    }

    pub(super) fn bar(&self, kind: Kind) -> char {
        match kind {
            Kind::Query => self.query,
            Kind::Wait => self.wait,
            Kind::Attempt => self.attempt,
            Kind::Handshake => self.handshake,
            Kind::Inside => self.inside,
        }
    }

    pub(super) fn mark(&self, mark: Mark) -> char {
        match mark {
            Mark::Answered => self.answered,
            Mark::Unanswered => self.unanswered,
            Mark::Running => self.running,
            Mark::Won => self.won,
            Mark::Through => self.through,
            Mark::Failed => self.failed,
            Mark::Dropped => self.dropped,
            Mark::Skipped => self.skipped,
            Mark::Untried => self.untried,
        }
    }
}
