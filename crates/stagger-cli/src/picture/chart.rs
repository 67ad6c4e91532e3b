//! What there is to draw of a race, whatever it is drawn with: rows on one axis of time.

use std::time::Duration;

use super::axis::{Axis, spelled};
use super::ink::Ink;
use crate::escape::printable;
use crate::race::{Attempt, End, Query, Race};

/// How many addresses that were never tried have a row each.
const MAX_UNTRIED: usize = 8;

/// A race to be drawn. All its text is escaped.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) axis: Axis,
    pub(crate) rows: Vec<Row>,
    /// Who won, or for how long the race has run; none if it was lost.
    pub(crate) sentence: Option<String>,
    /// How many letters a label and an outcome will soon have, so that the bars of a running race
    /// keep their place.
    pub(crate) room_for: [usize; 2],
}

/// How many letters an outcome that is yet to come has: as many as `4 addresses`.
const USUAL_OUTCOME: usize = 11;

/// A query or a candidate.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) bars: Vec<Bar>,
    pub(crate) mark: Mark,
    /// Where the mark stands on the axis, if it does.
    pub(crate) marked: Option<Duration>,
    pub(crate) started: Option<Duration>,
    pub(crate) ended: Option<Duration>,
    /// A word or two.
    pub(crate) outcome: String,
    pub(crate) detail: Option<Detail>,
}

/// What is said beyond the outcome, of any length, and what joins the two on one line.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) joint: &'static str,
    pub(crate) text: String,
}

/// What lasted from one moment to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) kind: Kind,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Query,
    /// Addresses wait for the preferred family's answer.
    Wait,
    Attempt,
}

/// What a row comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Answered,
    Unanswered,
    Running,
    Won,
    Failed,
    Dropped,
    Skipped,
    Untried,
}

impl Mark {
    pub(crate) fn ink(self) -> Ink {
        match self {
            Self::Answered | Self::Running => Ink::Open,
            Self::Unanswered => Ink::Wait,
            Self::Won => Ink::Won,
            Self::Failed => Ink::Failed,
            Self::Dropped | Self::Skipped | Self::Untried => Ink::Faint,
        }
    }
}

impl Chart {
    pub(crate) fn of(race: &Race) -> Self {
        let mut rows = Vec::new();
        // Of several answers of one instant the last set off the wait.
        let begun = race.wait.map(|wait| wait.from);
        let waiting = race.queries.iter().rposition(|query| {
            begun.is_some() && query.ended == begun && !query.addresses.is_empty()
        });
        for (index, query) in race.queries.iter().enumerate() {
            rows.push(Row::query(query, race, waiting == Some(index)));
        }
        rows.extend(race.attempts.iter().map(|attempt| Row::attempt(attempt, race)));
        rows.extend(untried(race));
        let axis = if race.running { Axis::beyond(race.elapsed) } else { Axis::to(race.elapsed) };
        let labels = race.untried.iter().map(|address| printable(address).chars().count());
        let room_for = match race.running {
            true => [labels.max().unwrap_or(0), USUAL_OUTCOME],
            false => [0, 0],
        };
        Self { axis, rows, sentence: sentence(race), room_for }
    }
}

/// Who won, or for how long nobody has.
fn sentence(race: &Race) -> Option<String> {
    if race.running {
        return Some(format!("connecting for {}", spelled(race.elapsed)));
    }
    let ends = race.ends?;
    let peer = match (ends.peer, race.winner()) {
        (Some(peer), _) => peer.to_string(),
        (None, Some(winner)) => printable(&winner.address),
        (None, None) => "an unknown address".to_owned(),
    };
    let from = ends.local.map(|local| format!(" (from {local})"));
    let from = from.unwrap_or_default();
    Some(format!("connected to {peer} in {}{from}", spelled(race.elapsed)))
}

/// A row for each address that was not tried, or one for all while they may be yet: in which order
/// they come is not known before.
fn untried(race: &Race) -> Vec<Row> {
    let count = race.untried.len();
    if race.running {
        let row = || Row::untried(format!("{count} more"), None, "not yet");
        return (count > 0).then(row).into_iter().collect();
    }
    let shown = race.untried.iter().take(MAX_UNTRIED);
    let known = |address: &String| {
        let of = race.queries.iter().filter(|query| query.addresses.contains(address));
        of.filter_map(|query| query.ended).min()
    };
    let row = |address: &String| Row::untried(printable(address), known(address), "not tried");
    let mut rows: Vec<_> = shown.map(row).collect();
    if count > MAX_UNTRIED {
        let more = format!("{} more", count - MAX_UNTRIED);
        rows.push(Row::untried(more, None, "not tried"));
    }
    rows
}

impl Row {
    fn query(query: &Query, race: &Race, waits: bool) -> Self {
        let (mark, outcome) = match (&query.error, query.ended, query.addresses.len()) {
            (Some(_), ..) => (Mark::Failed, "failed".to_owned()),
            (None, None, _) if race.running => (Mark::Running, "asking".to_owned()),
            (None, None, _) => (Mark::Unanswered, "no answer".to_owned()),
            (None, Some(_), 0) => (Mark::Answered, "no addresses".to_owned()),
            (None, Some(_), 1) => (Mark::Answered, "1 address".to_owned()),
            (None, Some(_), count) => (Mark::Answered, format!("{count} addresses")),
        };
        let to = query.ended.unwrap_or(race.elapsed);
        let mut bars = vec![Bar { kind: Kind::Query, from: query.started, to }];
        let mut detail = query.error.as_deref().map(Detail::cause);
        if let Some(wait) = race.wait.filter(|_| waits) {
            bars.push(Bar { kind: Kind::Wait, from: wait.from, to: wait.to });
            let waited = if race.running && race.attempts.is_empty() { "waits" } else { "waited" };
            let time = spelled(wait.to.saturating_sub(wait.from));
            let text = format!("{waited} {time} for the preferred family");
            detail = Some(Detail { joint: ", ", text });
        }
        Self {
            label: format!("query {}", query.record),
            bars,
            mark,
            marked: Some(to),
            started: Some(query.started),
            ended: query.ended,
            outcome,
            detail,
        }
    }

    fn attempt(attempt: &Attempt, race: &Race) -> Self {
        let (mark, outcome) = match attempt.end {
            End::Running => (Mark::Running, "running"),
            End::Connected => (Mark::Won, "won"),
            End::Failed => (Mark::Failed, "failed"),
            End::TimedOut => (Mark::Failed, "timed out"),
            End::Dropped if race.error.is_some() => (Mark::Dropped, "time was up"),
            End::Dropped => (Mark::Dropped, "dropped"),
            End::Skipped => (Mark::Skipped, "skipped"),
        };
        let made = attempt.end != End::Skipped;
        let over = made && attempt.end != End::Running;
        let bar = Bar { kind: Kind::Attempt, from: attempt.started, to: attempt.ended };
        Self {
            label: printable(&attempt.address),
            bars: if made { vec![bar] } else { Vec::new() },
            mark,
            marked: Some(attempt.ended),
            started: made.then_some(attempt.started),
            ended: over.then_some(attempt.ended),
            outcome: outcome.to_owned(),
            detail: attempt.error.as_deref().map(Detail::cause),
        }
    }

    fn untried(label: String, known: Option<Duration>, outcome: &str) -> Self {
        Self {
            label,
            bars: Vec::new(),
            mark: Mark::Untried,
            marked: known,
            started: None,
            ended: None,
            outcome: outcome.to_owned(),
            detail: None,
        }
    }

    /// The ink of one of its bars.
    pub(crate) fn ink(&self, bar: &Bar) -> Ink {
        match bar.kind {
            Kind::Wait => Ink::Wait,
            Kind::Query | Kind::Attempt => self.mark.ink(),
        }
    }
}

impl Detail {
    fn cause(error: &str) -> Self {
        Self { joint: ": ", text: printable(error) }
    }
}
