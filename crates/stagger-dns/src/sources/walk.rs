//! The way of a name's records through the search list, side by side.
//!
//! It is a plain value. Whoever has one begins the lookups of its [questions](Walk::questions),
//! reports their outcomes, and asks what [follows](Walk::next).
//!
//! Every record is looked up for a name of the list before the next name is tried. The walk goes on
//! to the next name only when no record has found an address. A host with only IPv4 in the first
//! domain must not be mixed with a namesake that has IPv6 in the second.
//!
//! An outcome is told as soon as nothing that may still come can change it:
//!
//! - When a record has found an address, every outcome of this name is told when it comes.
//! - At the last name, every outcome is told when it comes.
//!
//! When no record has found an address, the next step is that of glibc (`__res_context_search`):
//!
//! 1. If a lookup failed in another way than below, as without an answer in time, the walk skips
//!    the rest of the list. It still tries the name as it was written, if that comes later.
//! 2. If the name does not exist (NXDOMAIN) or has no address (NODATA), the walk tries the next
//!    name. glibc goes on after NODATA because a wildcard for another type must not hide a later
//!    name.
//! 3. If a server failed (SERVFAIL), the walk tries the next name.
//!
//! When no name has an address, each record tells the first of these that it has:
//!
//! 1. the outcome of the name as it was written, if that was tried first;
//! 2. that a name has no address;
//! 3. that a server failed;
//! 4. its last outcome.
//!
//! glibc waits for every lookup of a name. The walk goes on as soon as A says that the name does
//! not exist, because it then exists for no type (RFC 8020 §2). An NXDOMAIN for another record does
//! not count alone: some servers send it for AAAA of names that have A records (RFC 4074 §4.2).

use hickory_proto::rr::Name;
use stagger::error::LookupErrorKind;
use stagger::resolve::Record;

use crate::cache::MAX_NEGATIVE_TTL;
use crate::error::{Cause, DnsError};
use crate::lookup::Outcome;
use crate::question::Question;
use crate::search::Candidates;

/// The outcomes of a name, one for each record.
pub(super) struct Walk {
    candidates: Candidates,
    /// The index of the current name.
    at: usize,
    /// Whether outcomes are told when they come.
    settled: bool,
    /// In the order in which they are asked for.
    lanes: Vec<Lane>,
}

/// One record.
struct Lane {
    record: Record,
    /// The record that is asked for in its place: A for AAAA, where no AAAA may be asked for.
    asked: Record,
    /// Whether the lookup of the current name runs.
    runs: bool,
    /// The outcome for the current name, until it is told.
    outcome: Option<Outcome>,
    /// The outcome that is told if no name has an address, and its rank.
    kept: Option<(u8, Outcome)>,
}

/// What follows from the outcomes so far.
pub(super) enum Heard {
    /// This is known of a record.
    Said(Said),
    /// The lookups of the next name begin, in place of those that run.
    Begin,
    /// Nothing before another lookup ends.
    Nothing,
    /// All is said.
    Over,
}

/// What is known of one record.
pub(super) struct Said {
    pub(super) record: Record,
    pub(super) outcome: Outcome,
    /// Why the last name that was asked for has no address, if it has none. The outcome may belong
    /// to an earlier name.
    pub(super) last: Option<LookupErrorKind>,
}

impl Walk {
    /// Looks up the records of `candidates`, of which there must be one. With `no_aaaa` the lookup
    /// of A says of AAAA whether the name exists.
    pub(super) fn new(
        candidates: Candidates,
        records: impl IntoIterator<Item = Record>,
        no_aaaa: bool,
    ) -> Self {
        let lane = |record| {
            let asked = if no_aaaa { Record::A } else { record };
            Lane { record, asked, runs: true, outcome: None, kept: None }
        };
        let lanes: Vec<_> = records.into_iter().map(lane).collect();
        let settled = candidates.get(1).is_none();
        Self { candidates, at: 0, settled, lanes }
    }

    /// What to look up for the current name.
    pub(super) fn questions(&self) -> impl Iterator<Item = Question> {
        let name = self.candidates.get(self.at).expect("a walk goes no further than the list");
        let is_first =
            |at: usize| !self.lanes[..at].iter().any(|lane| lane.asked == self.lanes[at].asked);
        let lanes = self.lanes.iter().enumerate().filter(move |(at, _)| is_first(*at));
        lanes.map(|(_, lane)| Question::new(name.clone(), lane.asked))
    }

    /// Takes the outcome of a lookup of the current name.
    pub(super) fn hear(&mut self, record: Record, outcome: Outcome) {
        let written_first = self.at == 0 && self.candidates.as_written() == Some(0);
        let name = self.candidates.get(self.at);
        for lane in self.lanes.iter_mut().filter(|lane| lane.asked == record) {
            let name = name.expect("a walk goes no further than the list");
            lane.hear(lane.own(&outcome, name), written_first);
        }
    }

    /// What follows now. It is asked for again until it is `Nothing` or `Over`, or the walk is
    /// given up.
    pub(super) fn next(&mut self) -> Heard {
        self.settled |= self.lanes.iter().any(Lane::has_found);
        let runs = self.lanes.iter().any(|lane| lane.runs);
        if !self.settled {
            if runs && !self.lanes.iter().any(Lane::rules_out_all) {
                return Heard::Nothing;
            }
            match self.next_name() {
                Some(next) => {
                    self.go_to(next);
                    return Heard::Begin;
                }
                None => self.settled = true,
            }
        }
        match self.lanes.iter_mut().find_map(Lane::tell) {
            Some(said) => Heard::Said(said),
            None if runs => Heard::Nothing,
            None => Heard::Over,
        }
    }

    /// Gives up the lookups that run. Yields their records, each with the outcome that it would tell
    /// if no name had an address, if there is one yet.
    pub(super) fn abandon(self) -> impl Iterator<Item = (Record, Option<Outcome>)> {
        let running = self.lanes.into_iter().filter(|lane| lane.runs);
        running.map(|lane| (lane.record, lane.kept.map(|(_, outcome)| outcome)))
    }

    /// Makes the lookups those of another name.
    fn go_to(&mut self, at: usize) {
        self.at = at;
        self.settled = self.candidates.get(at + 1).is_none();
        for lane in &mut self.lanes {
            lane.runs = true;
            lane.outcome = None;
        }
    }

    /// The index of the name to try after one that has no address. `None` at the end.
    fn next_name(&self) -> Option<usize> {
        let failed = |lane: &Lane| match &lane.outcome {
            Some(Err(error)) => !(error.kind().is_negative() || error.is_server_failure()),
            _ => false,
        };
        if self.lanes.iter().any(failed) {
            self.candidates.as_written().filter(|written| *written > self.at)
        } else {
            Some(self.at + 1).filter(|next| self.candidates.get(*next).is_some())
        }
    }
}

impl Lane {
    fn hear(&mut self, outcome: Outcome, written_first: bool) {
        self.runs = false;
        if let Err(error) = &outcome {
            let rank = match error.kind() {
                _ if written_first => 3,
                LookupErrorKind::NoAddress => 2,
                _ if error.is_server_failure() => 1,
                _ => 0,
            };
            if self.kept.as_ref().is_none_or(|(kept, _)| *kept <= rank) {
                self.kept = Some((rank, outcome.clone()));
            }
        }
        self.outcome = Some(outcome);
    }

    /// What the outcome of the record that was asked for says of this one.
    fn own(&self, asked: &Outcome, name: &Name) -> Outcome {
        match asked {
            outcome if self.asked == self.record => outcome.clone(),
            Ok(found) => {
                let question = Question::new(name.clone(), self.record);
                let ttl = found.ttl.min(MAX_NEGATIVE_TTL);
                Err(DnsError::negative(&question, Cause::NoAddress, Some(ttl)))
            }
            Err(error) if error.kind().is_negative() => Err(error.also_of(self.record)),
            Err(error) => Err(error.clone()),
        }
    }

    fn has_found(&self) -> bool {
        matches!(self.outcome, Some(Ok(_)))
    }

    /// Whether this is A and says that there is no such name, for any record.
    fn rules_out_all(&self) -> bool {
        let error = self.outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
        self.asked == Record::A
            && error.is_some_and(|error| error.kind() == LookupErrorKind::NotFound)
    }

    /// The outcome, once: the addresses, or the kept failure with the reason for the last name.
    fn tell(&mut self) -> Option<Said> {
        let (outcome, last) = match self.outcome.take()? {
            Ok(found) => (Ok(found), None),
            Err(error) => (self.kept.take()?.1, Some(error.kind())),
        };
        Some(Said { record: self.record, outcome, last })
    }
}
