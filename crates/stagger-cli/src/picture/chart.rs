//! The content of a picture: rows on one time axis. Text and SVG draw it. The file is longer than
//! 400 lines because all kinds of rows are here.

use std::ptr;
use std::time::Duration;

use stagger::report::{AttemptOutcome, AttemptReport, End, QueryReport};
use stagger::{Report, Target};

use super::axis::{Axis, spelled};
use super::ink::Ink;
use super::remark::{moved, remembered};
use crate::escape::printable;
use crate::race::{Race, attempt_error, queries, query_error};

/// The most rows for addresses that were not tried.
const MAX_UNTRIED: usize = 8;

/// How many levels of races inside attempts are drawn. Deeper levels are one row for each attempt,
/// because a terminal has no room to indent them.
const MAX_LEVELS: usize = 4;

/// A race to be drawn. All its text is escaped.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) axis: Axis,
    pub(crate) rows: Vec<Row>,
    /// The names of the two parts of an attempt's bar, if there is or may be a bar with both.
    pub(crate) legend: Option<[(Kind, &'static str); 2]>,
    /// The winner, or how long the race has run; none if it was lost.
    pub(crate) sentence: Option<String>,
    /// How many letters a label and an outcome may soon have. So the bars of a running race keep
    /// their place.
    pub(crate) room_for: [usize; 2],
}

/// The expected letters of an outcome that is not there yet: as in `4 addresses`.
const USUAL_OUTCOME: usize = 11;

/// A query, a candidate, or a race inside an attempt.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: String,
    /// How far the label is indented: more than 0 inside an attempt.
    pub(crate) depth: usize,
    pub(crate) bars: Vec<Bar>,
    pub(crate) mark: Mark,
    /// The moment of the mark on the axis, if it has one.
    pub(crate) marked: Option<Duration>,
    /// When the transport was up and a handshake began.
    pub(crate) progressed: Option<Duration>,
    pub(crate) started: Option<Duration>,
    pub(crate) ended: Option<Duration>,
    /// A word or two.
    pub(crate) outcome: String,
    pub(crate) detail: Option<Detail>,
}

/// More about the outcome, of any length, and the text that joins the two on one line.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) joint: &'static str,
    pub(crate) text: String,
}

/// A bar from one moment to another.
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
    /// The part of an attempt in which its transport is up and a handshake runs.
    Handshake,
    /// A race inside an attempt.
    Inside,
}

/// The result of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Answered,
    Unanswered,
    Running,
    Won,
    /// A race inside an attempt has connected.
    Through,
    Failed,
    Dropped,
    Skipped,
    Untried,
}

impl Mark {
    pub(crate) fn ink(self) -> Ink {
        match self {
            Self::Answered | Self::Running | Self::Through => Ink::Open,
            Self::Unanswered => Ink::Wait,
            Self::Won => Ink::Won,
            Self::Failed => Ink::Failed,
            Self::Dropped | Self::Skipped | Self::Untried => Ink::Faint,
        }
    }
}

impl Chart {
    pub(crate) fn of(race: &Race) -> Self {
        let report = &race.report;
        let running = !report.is_over();
        let mut rows = Vec::new();
        let handshake = if race.over_tls { "TLS" } else { "handshake" };
        let timed_out = race.timed_out;
        Level { report, depth: 0, level: 0, running, timed_out, handshake }.push(&mut rows);
        let has_both = report.attempts().iter().any(|attempt| attempt.progressed.is_some());
        // A running race has it from the start, so that its bars keep their place. Through a proxy
        // or a host the first part of a bar is not TCP alone.
        let legend = (race.over_tls && race.via.is_direct() && (running || has_both))
            .then_some([(Kind::Attempt, "TCP"), (Kind::Handshake, handshake)]);
        let (elapsed, untried) = (report.elapsed(), report.untried());
        let axis = if running { Axis::beyond(elapsed) } else { Axis::to(elapsed) };
        let labels = untried.iter().map(|address| printable(address).chars().count());
        let room_for = match running {
            true => [labels.max().unwrap_or(0), USUAL_OUTCOME],
            false => [0, 0],
        };
        Self { axis, rows, legend, sentence: sentence(race), room_for }
    }
}

/// The winner, or how long the race has run without one.
fn sentence(race: &Race) -> Option<String> {
    let report = &race.report;
    if !report.is_over() {
        return Some(format!("connecting for {}", spelled(report.elapsed())));
    }
    let ends = race.ends?;
    let peer = match (ends.peer, &race.via.ssh, report.winner()) {
        (Some(peer), ..) => peer.to_string(),
        (None, Some(host), _) => printable(host),
        (None, None, Some(winner)) => printable(&winner.address),
        (None, None, None) => "an unknown address".to_owned(),
    };
    let elapsed = spelled(report.elapsed());
    if let (false, Some(target)) = (race.via.is_direct(), report.target()) {
        let target = printable(&target.to_string());
        return Some(format!("connected to {target} through {peer} in {elapsed}"));
    }
    let from = ends.local.map(|local| format!(" (from {local})"));
    Some(format!("connected to {peer} in {elapsed}{}", from.unwrap_or_default()))
}

/// A race and its place in the picture.
#[derive(Clone, Copy)]
struct Level<'a> {
    report: &'a Report<String>,
    /// How far its labels are indented.
    depth: usize,
    /// How many attempts it runs inside.
    level: usize,
    running: bool,
    /// The overall deadline ended it. This is not known of a race inside an attempt.
    timed_out: bool,
    /// What follows once the transport of an attempt is up, in a word.
    handshake: &'static str,
}

impl Level<'_> {
    /// Adds the rows of the race: its queries, its attempts with what runs inside them, and the
    /// candidates that were not tried.
    fn push(self, rows: &mut Vec<Row>) {
        let report = self.report;
        // If several answers came at one instant, the last started the wait.
        let begun = report.wait().map(|wait| wait.from);
        let waiting = report.queries().iter().rposition(|query| {
            begun.is_some() && query.ended == begun && !query.addresses.is_empty()
        });
        let waiting = waiting.map(|index| &report.queries()[index]);
        for query in queries(report) {
            let waits = waiting.is_some_and(|waiting| ptr::eq(waiting, query));
            rows.push(self.query(query, waits));
        }
        let mut before: Option<&AttemptReport<String>> = None;
        for attempt in report.attempts() {
            let mut row = self.attempt(attempt);
            for remark in remembered(report, before, attempt) {
                row.remark(&remark);
            }
            rows.push(row);
            if !matches!(attempt.outcome, AttemptOutcome::Skipped(_)) {
                before = Some(attempt);
            }
            self.push_children(attempt, rows);
        }
        self.push_untried(rows);
    }

    /// Adds the rows of the races inside an attempt, each below a row for its target.
    fn push_children(self, attempt: &AttemptReport<String>, rows: &mut Vec<Row>) {
        let depth = self.depth + 1;
        let children = &attempt.children;
        if self.level == MAX_LEVELS {
            if let (Some(first), Some(last)) = (children.first(), children.last()) {
                let label = match children.len() {
                    1 => "1 race inside".to_owned(),
                    count => format!("{count} races inside"),
                };
                rows.push(Row { depth, ..Row::inside(label, first.began(), last, attempt) });
            }
            return;
        }
        for report in children {
            let target = report.target().map(Target::to_string);
            // The target of a dialer that is a connector is the attempt's address.
            let named = target.filter(|target| *target != attempt.address);
            let mut child = Level {
                report,
                depth,
                level: self.level + 1,
                running: self.running && !report.is_over(),
                timed_out: false,
                handshake: "handshake",
            };
            if let Some(target) = named {
                let label = format!("to {}", printable(&target));
                rows.push(Row { depth, ..Row::inside(label, report.began(), report, attempt) });
                child.depth += 1;
            }
            child.push(rows);
        }
    }

    /// Adds a row for each address that was not tried. A running race has one row for all, because
    /// their order is not known yet.
    fn push_untried(self, rows: &mut Vec<Row>) {
        let Self { report, depth, .. } = self;
        let count = report.untried().len();
        let row = |label, known, outcome| Row { depth, ..Row::untried(label, known, outcome) };
        if self.running {
            if count > 0 {
                rows.push(row(format!("{count} more"), None, "not yet"));
            }
            return;
        }
        for address in report.untried().iter().take(MAX_UNTRIED) {
            let queries = report.queries().iter();
            let of = queries.filter(|query| query.addresses.contains(address));
            let known = of.filter_map(|query| query.ended).min();
            let mut row = row(printable(address), known, "not tried");
            for remark in moved(report, address) {
                row.remark(&remark);
            }
            rows.push(row);
        }
        if count > MAX_UNTRIED {
            rows.push(row(format!("{} more", count - MAX_UNTRIED), None, "not tried"));
        }
    }

    fn query(self, query: &QueryReport<String>, waits: bool) -> Row {
        let report = self.report;
        let (mark, outcome) = match (&query.error, query.ended, query.addresses.len()) {
            (Some(_), ..) => (Mark::Failed, "failed".to_owned()),
            (None, None, _) if self.running => (Mark::Running, "asking".to_owned()),
            (None, None, _) => (Mark::Unanswered, "no answer".to_owned()),
            (None, Some(_), 0) => (Mark::Answered, "no addresses".to_owned()),
            (None, Some(_), 1) => (Mark::Answered, "1 address".to_owned()),
            (None, Some(_), count) => (Mark::Answered, format!("{count} addresses")),
        };
        let to = query.ended.unwrap_or_else(|| end(report));
        let mut bars = vec![Bar { kind: Kind::Query, from: query.started, to }];
        let mut detail = query_error(query).map(|error| Detail::cause(&error));
        if let Some(wait) = report.wait().filter(|_| waits) {
            bars.push(Bar { kind: Kind::Wait, from: wait.from, to: wait.to });
            let waits = self.running && report.attempts().is_empty();
            let waited = if waits { "waits" } else { "waited" };
            let time = spelled(wait.to.saturating_sub(wait.from));
            let text = format!("{waited} {time} for the preferred family");
            detail = Some(Detail { joint: ", ", text });
        }
        Row {
            label: format!("query {}", query.record),
            depth: self.depth,
            bars,
            mark,
            marked: Some(to),
            progressed: None,
            started: Some(query.started),
            ended: query.ended,
            outcome,
            detail,
        }
    }

    fn attempt(self, attempt: &AttemptReport<String>) -> Row {
        let (mark, outcome) = match attempt.outcome {
            AttemptOutcome::Running if attempt.progressed.is_some() => {
                (Mark::Running, self.handshake)
            }
            AttemptOutcome::Running => (Mark::Running, "running"),
            AttemptOutcome::Connected => (Mark::Won, "won"),
            AttemptOutcome::Failed(_) => (Mark::Failed, "failed"),
            AttemptOutcome::TimedOut => (Mark::Failed, "timed out"),
            AttemptOutcome::Skipped(_) => (Mark::Skipped, "skipped"),
            AttemptOutcome::Dropped if self.timed_out => (Mark::Dropped, "time was up"),
            _ => (Mark::Dropped, "dropped"),
        };
        let made = !matches!(attempt.outcome, AttemptOutcome::Skipped(_));
        let over = made && !matches!(attempt.outcome, AttemptOutcome::Running);
        let AttemptReport { started, progressed, ended, .. } = *attempt;
        let first = Bar { kind: Kind::Attempt, from: started, to: progressed.unwrap_or(ended) };
        let mut bars = if made { vec![first] } else { Vec::new() };
        bars.extend(progressed.map(|from| Bar { kind: Kind::Handshake, from, to: ended }));
        let handshake = progressed.filter(|_| over);
        let handshake = handshake.map(|at| format!("{} from {}", self.handshake, spelled(at)));
        let detail = match (attempt_error(attempt), handshake) {
            (Some(error), Some(handshake)) => {
                Some(Detail::cause(&format!("{error} ({handshake})")))
            }
            (Some(error), None) => Some(Detail::cause(&error)),
            (None, handshake) => handshake.map(|text| Detail { joint: ", ", text }),
        };
        Row {
            label: printable(&attempt.address),
            depth: self.depth,
            bars,
            mark,
            marked: Some(ended),
            progressed,
            started: made.then_some(started),
            ended: over.then_some(ended),
            outcome: outcome.to_owned(),
            detail,
        }
    }
}

/// When a race ended, or its report was made, on the clock of the outermost race.
fn end(report: &Report<String>) -> Duration {
    report.began() + report.elapsed()
}

impl Row {
    /// Races inside an attempt, from the start of the first to the result of the last.
    fn inside(
        label: String,
        began: Duration,
        last: &Report<String>,
        attempt: &AttemptReport<String>,
    ) -> Self {
        let ended = end(last);
        // A race without a recorded end lasted as long as the attempt.
        let is_over = last.is_over() || !matches!(attempt.outcome, AttemptOutcome::Running);
        let (mark, outcome) = match last.end() {
            Some(End::Connected) => (Mark::Through, "connected"),
            Some(End::Lost) => (Mark::Failed, "failed"),
            None if !is_over => (Mark::Running, "running"),
            _ => (Mark::Dropped, "dropped"),
        };
        Self {
            label,
            depth: 0,
            bars: vec![Bar { kind: Kind::Inside, from: began, to: ended }],
            mark,
            marked: Some(ended),
            progressed: None,
            started: Some(began),
            ended: is_over.then_some(ended),
            outcome: outcome.to_owned(),
            detail: None,
        }
    }

    fn untried(label: String, known: Option<Duration>, outcome: &str) -> Self {
        Self {
            label,
            depth: 0,
            bars: Vec::new(),
            mark: Mark::Untried,
            marked: known,
            progressed: None,
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
            Kind::Query | Kind::Attempt | Kind::Handshake | Kind::Inside => self.mark.ink(),
        }
    }
}

impl Detail {
    fn cause(error: &str) -> Self {
        Self { joint: ": ", text: printable(error) }
    }
}
