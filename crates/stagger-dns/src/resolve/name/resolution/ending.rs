//! How a resolution ends, and which answers it returns.

use std::net::SocketAddr;

use stagger::Answer;
use stagger::resolve::Record;
use stagger_net::lookup::Localhost;

use super::{NameResolution, NoResult, ResolutionStep};
use crate::config::FileError;
use crate::dns_error::{Cause, DnsError};
use crate::lookup::LookupResult;
use crate::question::{Question, name_of};
use crate::resolve::answer::{answer, failed};
use crate::resolve::name::search::RecordResult;
use crate::resolve::query_records::records;
use crate::special_name::SpecialName;

impl NameResolution {
    /// Takes a result that replaces the result of servers.
    pub(super) fn take(&mut self, record: Record, result: LookupResult) {
        let last = result.as_ref().err().map(DnsError::kind);
        self.take_result(RecordResult { record, result, last });
    }

    /// Holds a result of servers, or makes it an answer.
    pub(super) fn take_result(&mut self, result: RecordResult) {
        if self.holds {
            self.held.push(result);
        } else {
            self.ready.push_back(answer(result.record, result.result, self.port));
        }
    }

    /// Ends without a result, although a source had one.
    pub(super) fn discard(&mut self) {
        self.held.clear();
        self.search = None;
        let error = self.unlisted(Cause::Merge);
        self.take(self.record(), Err(error));
        self.release_held();
    }

    /// Ends with the results of servers. If there are none, it ends with the first of these:
    ///
    /// 1. this machine, for a name below `localhost` that the hosts file does not have;
    /// 2. the fixed result of a special name;
    /// 3. `no_result`.
    pub(super) fn end(&mut self, no_result: NoResult) {
        let is_listed = matches!(no_result, NoResult::Negative(Cause::NoAddress));
        if self.localhost.is_some() && !is_listed {
            if let NoResult::Unreadable(error) = no_result {
                self.push_provisional(error);
            }
            return self.push_loopback(Vec::new());
        }
        if self.held.is_empty() && !self.take_special_name() {
            let error = match no_result {
                NoResult::Negative(cause) => self.unlisted(cause),
                NoResult::Unreadable(error) => self.unreadable(error),
            };
            self.take(self.record(), Err(error));
        } else if let NoResult::Unreadable(error) = no_result {
            self.push_provisional(error);
        }
        self.release_held();
    }

    /// Takes the fixed result of a special name. Returns whether the name has one.
    pub(super) fn take_special_name(&mut self) -> bool {
        let Some(special) = self.special else { return false };
        if !matches!(special, SpecialName::Nonexistent(_) | SpecialName::SingleLabel(_)) {
            return false;
        }
        let name = name_of(self.name()).expect("a target's name fits in DNS");
        for record in records(self.families()) {
            let question = Question::new(name.clone(), record);
            self.take(record, Err(DnsError::new(&question, Cause::NeverAsked(special))));
        }
        true
    }

    /// Returns the held results as answers. If lookups still run, it waits for them.
    pub(super) fn release_held(&mut self) {
        self.holds = false;
        for result in std::mem::take(&mut self.held) {
            self.take_result(result);
        }
        self.step = match self.search {
            Some(_) => ResolutionStep::AwaitLookups,
            None => ResolutionStep::Done,
        };
    }

    /// Returns the held failures as provisional answers, because the hosts file has the name.
    pub(super) fn release_held_failures(&mut self) {
        for RecordResult { record, result, .. } in std::mem::take(&mut self.held) {
            if result.as_ref().is_err_and(|error| !error.kind().is_negative()) {
                self.ready.push_back(answer(record, result, self.port).with_provisional(true));
            }
        }
    }

    /// Returns the failure to read a file as a provisional answer. Another source may have the
    /// name.
    pub(super) fn push_provisional(&mut self, error: FileError) {
        let error = self.unreadable(error);
        self.ready.push_back(failed(self.record(), error).with_provisional(true));
    }

    pub(super) fn unreadable(&self, error: FileError) -> DnsError {
        DnsError::unreadable(self.query.target().to_string(), error)
    }

    pub(super) fn unlisted(&self, cause: Cause) -> DnsError {
        let name = name_of(self.name()).expect("a target's name fits in DNS");
        DnsError::unlisted(&name, self.record(), cause)
    }

    /// Returns the addresses of this machine, and then `listed`. They have no TTL, because the
    /// hosts file may change.
    pub(super) fn push_loopback(&mut self, listed: Vec<SocketAddr>) {
        let own = Localhost::addresses(self.families()).map(|ip| SocketAddr::new(ip, self.port));
        let mut all: Vec<_> = own.collect();
        for addr in listed {
            if !all.contains(&addr) {
                all.push(addr);
            }
        }
        for record in records(self.families()) {
            let is_of = |addr: &&SocketAddr| addr.is_ipv6() == (record == Record::Aaaa);
            self.ready.push_back(Answer::found(record, all.iter().filter(is_of).copied()));
        }
        self.step = ResolutionStep::Done;
    }
}
