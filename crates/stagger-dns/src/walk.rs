//! Records of a name on their way through the search list, side by side.
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

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use stagger::{LookupErrorKind, Record};

use crate::lookup::{Lookups, Outcome};
use crate::question::Question;
use crate::search::Candidates;

/// The outcomes of a name, one for each record.
pub(crate) struct Walk<S: Lookups> {
    source: S,
    candidates: Candidates,
    /// The index of the current name. `None` before the first poll.
    at: Option<usize>,
    /// Whether outcomes are told when they come.
    settled: bool,
    /// In the order in which they are asked for.
    lanes: Vec<Lane<S::Lookup>>,
}

/// One record.
struct Lane<F> {
    record: Record,
    lookup: Option<F>,
    /// The outcome for the current name, until it is told.
    outcome: Option<Outcome>,
    /// The outcome that is told if no name has an address, and its rank.
    kept: Option<(u8, Outcome)>,
}

/// What is told of one record.
pub(crate) struct Said {
    pub(crate) record: Record,
    pub(crate) outcome: Outcome,
    /// Why the last name that was asked for has no address, if it has none. The outcome may belong
    /// to an earlier name.
    pub(crate) last: Option<LookupErrorKind>,
}

impl<S: Lookups> Walk<S> {
    /// Looks up the records of `candidates`, of which there must be one.
    pub(crate) fn new(
        source: S,
        candidates: Candidates,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        let lane = |record| Lane { record, lookup: None, outcome: None, kept: None };
        let lanes = records.into_iter().map(lane).collect();
        Self { source, candidates, at: None, settled: false, lanes }
    }

    /// Ends the lookups that run. Yields their records, each with the outcome that it would tell if
    /// no name had an address, if there is one yet.
    pub(crate) fn abandon(&mut self) -> impl Iterator<Item = (Record, Option<Outcome>)> {
        self.lanes.iter_mut().filter(|lane| lane.lookup.is_some()).map(|lane| {
            lane.lookup = None;
            (lane.record, lane.kept.take().map(|(_, outcome)| outcome))
        })
    }

    /// Begins the lookups of a name.
    fn begin(&mut self, at: usize) {
        let name = self.candidates.get(at).expect("a walk goes no further than the list");
        self.at = Some(at);
        self.settled = self.candidates.get(at + 1).is_none();
        for lane in &mut self.lanes {
            let question = Question::new(name.clone(), lane.record);
            lane.lookup = Some(self.source.look_up(&question));
            lane.outcome = None;
        }
    }

    /// The index of the name to try after one that has no address. `None` at the end.
    fn next(&self, at: usize) -> Option<usize> {
        let failed = |lane: &Lane<_>| match &lane.outcome {
            Some(Err(error)) => !(error.kind().is_negative() || error.is_server_failure()),
            _ => false,
        };
        if self.lanes.iter().any(failed) {
            Some(self.candidates.as_written()).filter(|written| *written > at)
        } else {
            Some(at + 1)
        }
    }
}

impl<S: Lookups<Lookup: Unpin> + Unpin> Stream for Walk<S> {
    type Item = Said;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let mut at = match this.at {
            Some(at) => at,
            None => {
                this.begin(0);
                0
            }
        };
        loop {
            let written_first = at == 0 && this.candidates.as_written() == 0;
            for lane in &mut this.lanes {
                lane.poll(cx, written_first);
            }
            this.settled |= this.lanes.iter().any(Lane::has_found);
            let runs = this.lanes.iter().any(|lane| lane.lookup.is_some());
            if this.settled {
                return match this.lanes.iter_mut().find_map(Lane::tell) {
                    Some(said) => Poll::Ready(Some(said)),
                    None if runs => Poll::Pending,
                    None => Poll::Ready(None),
                };
            }
            if runs && !this.lanes.iter().any(Lane::rules_out_all) {
                return Poll::Pending;
            }
            match this.next(at) {
                Some(next) => {
                    at = next;
                    this.begin(next);
                }
                None => this.settled = true,
            }
        }
    }
}

impl<F: Future<Output = Outcome> + Unpin> Lane<F> {
    fn poll(&mut self, cx: &mut Context<'_>, written_first: bool) {
        let Some(lookup) = &mut self.lookup else { return };
        let Poll::Ready(outcome) = Pin::new(lookup).poll(cx) else { return };
        self.lookup = None;
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
}

impl<F> Lane<F> {
    fn has_found(&self) -> bool {
        matches!(self.outcome, Some(Ok(_)))
    }

    /// Whether this is A and says that there is no such name, for any record.
    fn rules_out_all(&self) -> bool {
        let error = self.outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
        self.record == Record::A
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
