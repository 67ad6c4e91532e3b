//! The lookups of one name through the search list, for all its records at the same time.
//!
//! It is a plain value. Its owner begins the lookups of its [questions](Search::questions), reports
//! their results, and asks for the [next](Search::next) event.
//!
//! Every record is looked up for a name of the list before the next name is tried. The search goes
//! on to the next name only when no record has found an address. A host with only IPv4 in the first
//! domain must not be mixed with a namesake that has IPv6 in the second.
//!
//! A result is final in these cases, because no later result can change it:
//!
//! - When a record has found an address, every result of this name is final.
//! - At the last name, every result is final.
//!
//! When no record has found an address, the next step is that of glibc (`__res_context_search`):
//!
//! 1. If a lookup failed in another way than below, such as by a timeout, the search skips the rest
//!    of the list. It still tries the name as it was written, if that comes later.
//! 2. If the name does not exist (NXDOMAIN) or has no address (NODATA), the search tries the next
//!    name. glibc goes on after NODATA because a wildcard for another type must not hide a later
//!    name.
//! 3. If a server failed (SERVFAIL), the search tries the next name.
//!
//! When no name has an address, the result of each record is the first of these that it has:
//!
//! 1. the result of the name as it was written, if that was tried first;
//! 2. a name without an address;
//! 3. a failure of a server;
//! 4. its last result.
//!
//! glibc waits for every lookup of a name. This search goes on as soon as A says that the name does
//! not exist, because it then exists for no type (RFC 8020 §2). An NXDOMAIN for another record does
//! not count alone. Some servers send it for AAAA of names that have A records (RFC 4074 §4.2).

use hickory_proto::rr::Name;
use stagger::error::LookupErrorKind;
use stagger::resolve::Record;

use super::search_names::SearchNames;
use crate::cache::MAX_NEGATIVE_TTL;
use crate::dns_error::{Cause, DnsError};
use crate::lookup::LookupResult;
use crate::question::Question;

/// The lookups of one name through the search list.
pub(super) struct Search {
    names: SearchNames,
    /// The index of the current name.
    at: usize,
    /// Whether every result of the current name is final.
    settled: bool,
    /// In the order in which they are asked for.
    records: Vec<RecordSearch>,
}

/// The lookups of one record.
struct RecordSearch {
    record: Record,
    /// The record that is asked for in its place. It is A for AAAA if AAAA may not be asked for.
    asked: Record,
    /// Whether the lookup of the current name runs.
    runs: bool,
    /// The result for the current name, until it is returned.
    result: Option<LookupResult>,
    /// The result that is final if no name has an address, and its rank.
    kept: Option<(u8, LookupResult)>,
}

/// What follows from the results so far.
pub(super) enum SearchEvent {
    /// The result of a record is final.
    Result(RecordResult),
    /// The lookups of the next name begin. The lookups that run are dropped.
    BeginLookups,
    /// Nothing follows before another lookup ends.
    Pending,
    /// The search has returned all results.
    Done,
}

/// The final result of one record.
pub(super) struct RecordResult {
    pub(super) record: Record,
    pub(super) result: LookupResult,
    /// Why the last name that was asked for has no address, if it has none. The result may belong
    /// to an earlier name.
    pub(super) last: Option<LookupErrorKind>,
}

impl Search {
    /// Searches the records of `names`, of which there must be one. With `no_aaaa` the lookup of A
    /// also says whether the name exists for AAAA.
    pub(super) fn new(
        names: SearchNames,
        records: impl IntoIterator<Item = Record>,
        no_aaaa: bool,
    ) -> Self {
        let search = |record| {
            let asked = if no_aaaa { Record::A } else { record };
            RecordSearch { record, asked, runs: true, result: None, kept: None }
        };
        let records: Vec<_> = records.into_iter().map(search).collect();
        let settled = names.get(1).is_none();
        Self { names, at: 0, settled, records }
    }

    /// The lookups of the current name.
    pub(super) fn questions(&self) -> impl Iterator<Item = Question> {
        let name = self.names.get(self.at).expect("a search stays within its list");
        let is_first = |at: usize| {
            let asked = self.records[at].asked;
            !self.records[..at].iter().any(|earlier| earlier.asked == asked)
        };
        let records = self.records.iter().enumerate().filter(move |(at, _)| is_first(*at));
        records.map(|(_, search)| Question::new(name.clone(), search.asked))
    }

    /// Takes the result of a lookup of the current name.
    pub(super) fn lookup_ended(&mut self, record: Record, result: LookupResult) {
        let written_first = self.at == 0 && self.names.as_written() == Some(0);
        let name = self.names.get(self.at);
        for search in self.records.iter_mut().filter(|search| search.asked == record) {
            let name = name.expect("a search stays within its list");
            search.lookup_ended(search.own_result(&result, name), written_first);
        }
    }

    /// Returns the next event. The caller calls it until it returns `Pending` or `Done`, or
    /// abandons the search.
    pub(super) fn next(&mut self) -> SearchEvent {
        self.settled |= self.records.iter().any(RecordSearch::has_found);
        let runs = self.records.iter().any(|search| search.runs);
        if !self.settled {
            if runs && !self.records.iter().any(RecordSearch::rules_out_all) {
                return SearchEvent::Pending;
            }
            match self.next_name() {
                Some(next) => {
                    self.go_to(next);
                    return SearchEvent::BeginLookups;
                }
                None => self.settled = true,
            }
        }
        match self.records.iter_mut().find_map(RecordSearch::take_result) {
            Some(result) => SearchEvent::Result(result),
            None if runs => SearchEvent::Pending,
            None => SearchEvent::Done,
        }
    }

    /// Drops the lookups that run. Returns their records. Each has the result that would be final
    /// if no name had an address, if there is one yet.
    pub(super) fn abandon(self) -> impl Iterator<Item = (Record, Option<LookupResult>)> {
        let running = self.records.into_iter().filter(|search| search.runs);
        running.map(|search| (search.record, search.kept.map(|(_, result)| result)))
    }

    /// Makes another name the current one.
    fn go_to(&mut self, at: usize) {
        self.at = at;
        self.settled = self.names.get(at + 1).is_none();
        for search in &mut self.records {
            search.runs = true;
            search.result = None;
        }
    }

    /// The index of the name to try after a name without an address. It is `None` at the end.
    fn next_name(&self) -> Option<usize> {
        let failed = |search: &RecordSearch| match &search.result {
            Some(Err(error)) => !(error.kind().is_negative() || error.is_server_failure()),
            _ => false,
        };
        if self.records.iter().any(failed) {
            self.names.as_written().filter(|written| *written > self.at)
        } else {
            Some(self.at + 1).filter(|next| self.names.get(*next).is_some())
        }
    }
}

impl RecordSearch {
    fn lookup_ended(&mut self, result: LookupResult, written_first: bool) {
        self.runs = false;
        if let Err(error) = &result {
            let rank = match error.kind() {
                _ if written_first => 3,
                LookupErrorKind::NoAddress => 2,
                _ if error.is_server_failure() => 1,
                _ => 0,
            };
            if self.kept.as_ref().is_none_or(|(kept, _)| *kept <= rank) {
                self.kept = Some((rank, result.clone()));
            }
        }
        self.result = Some(result);
    }

    /// The result of this record, made of the result of the record that was asked for.
    fn own_result(&self, asked: &LookupResult, name: &Name) -> LookupResult {
        match asked {
            result if self.asked == self.record => result.clone(),
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
        matches!(self.result, Some(Ok(_)))
    }

    /// Whether this is A, and the name does not exist for any record.
    fn rules_out_all(&self) -> bool {
        let error = self.result.as_ref().and_then(|result| result.as_ref().err());
        self.asked == Record::A
            && error.is_some_and(|error| error.kind() == LookupErrorKind::NotFound)
    }

    /// Takes the final result: the addresses, or the kept failure with the reason for the last
    /// name.
    fn take_result(&mut self) -> Option<RecordResult> {
        let (result, last) = match self.result.take()? {
            Ok(found) => (Ok(found), None),
            Err(error) => (self.kept.take()?.1, Some(error.kind())),
        };
        Some(RecordResult { record: self.record, result, last })
    }
}
