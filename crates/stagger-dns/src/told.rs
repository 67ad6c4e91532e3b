//! How what the sources said is told.

use std::collections::VecDeque;
use std::net::SocketAddr;

use stagger::{Address as _, Answer, Family, LookupErrorKind, Record};

use crate::error::DnsError;
use crate::lookup::{Found, Outcome};
use crate::question::record_of;

pub(crate) type DnsAnswer = Answer<SocketAddr, DnsError>;

/// The answers that are ready, and what waits for the word of another source.
#[derive(Default)]
pub(crate) struct Told {
    ready: VecDeque<DnsAnswer>,
    /// Apart, for hardly any lookup has it.
    held: Option<Box<Held>>,
}

#[derive(Default)]
struct Held {
    /// What name servers said, as long as the hosts file may have another word.
    aside: Vec<Aside>,
    /// What the hosts file says, to be joined with what name servers say.
    listed: Vec<SocketAddr>,
    /// Whether that is told before what servers say.
    listed_first: bool,
}

/// What name servers said of a record.
pub(crate) struct Aside {
    pub(crate) record: Record,
    pub(crate) outcome: Outcome,
    /// Why the last name that was asked for has no address, if it has none.
    pub(crate) last: Option<LookupErrorKind>,
}

/// The answer that a failure is, with its kind.
pub(crate) fn failed(record: Record, error: DnsError) -> DnsAnswer {
    let kind = error.kind();
    Answer::failed(record, error).with_kind(kind)
}

/// The answer that an outcome is.
pub(crate) fn answer(record: Record, outcome: Outcome, port: u16) -> DnsAnswer {
    match outcome {
        Ok(Found { addresses, ttl }) => {
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, port));
            Answer::found(record, addresses).with_ttl(ttl)
        }
        Err(error) => {
            let ttl = error.ttl();
            let answer = match error.kind() {
                LookupErrorKind::NoAddress => {
                    Answer::negative(record).with_kind(LookupErrorKind::NoAddress)
                }
                _ => failed(record, error),
            };
            ttl.into_iter().fold(answer, Answer::with_ttl)
        }
    }
}

impl Told {
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// The next answer that is ready.
    pub(crate) fn next(&mut self) -> Option<DnsAnswer> {
        self.ready.pop_front()
    }

    /// Tells an answer as it is.
    pub(crate) fn tell(&mut self, answer: DnsAnswer) {
        self.ready.push_back(answer);
    }

    /// Keeps what servers said.
    pub(crate) fn put_aside(&mut self, record: Record, outcome: Outcome) {
        let last = outcome.as_ref().err().map(DnsError::kind);
        self.put_aside_of(record, outcome, last);
    }

    /// Keeps what servers said, `last` of the last name that they were asked for.
    pub(crate) fn put_aside_of(
        &mut self,
        record: Record,
        outcome: Outcome,
        last: Option<LookupErrorKind>,
    ) {
        self.held.get_or_insert_default().aside.push(Aside { record, outcome, last });
    }

    pub(crate) fn aside(&self) -> &[Aside] {
        self.held.as_ref().map_or(&[], |held| &held.aside)
    }

    /// Forgets what servers said, for it counts no more.
    pub(crate) fn forget_aside(&mut self) {
        drop(self.take_aside());
    }

    /// Of what servers said, tells the failures: they are not the last word, for the hosts file
    /// has the name.
    pub(crate) fn tell_failures(&mut self, port: u16) {
        for Aside { record, outcome, .. } in self.take_aside() {
            if outcome.as_ref().is_err_and(|error| !error.kind().is_negative()) {
                self.tell(answer(record, outcome, port).interim());
            }
        }
    }

    /// Joins addresses of the hosts file with whatever is told of servers from now on.
    pub(crate) fn join(&mut self, listed: Vec<SocketAddr>, first: bool) {
        let held = self.held.get_or_insert_default();
        held.listed = listed;
        held.listed_first = first;
    }

    /// Tells all that was put aside.
    pub(crate) fn tell_aside(&mut self, port: u16) {
        for Aside { record, outcome, .. } in self.take_aside() {
            self.tell_outcome(record, outcome, port);
        }
    }

    fn take_aside(&mut self) -> Vec<Aside> {
        self.held.as_mut().map(|held| std::mem::take(&mut held.aside)).unwrap_or_default()
    }

    /// Tells what servers said of a record, with what the hosts file has of it.
    pub(crate) fn tell_outcome(&mut self, record: Record, outcome: Outcome, port: u16) {
        let answer = self.join_outcome(record, outcome, port);
        self.tell(answer);
    }

    /// The answer that an outcome is with what the hosts file has of its record. It comes after all
    /// that is ready.
    pub(crate) fn join_outcome(
        &mut self,
        record: Record,
        outcome: Outcome,
        port: u16,
    ) -> DnsAnswer {
        let (listed, listed_first) = self.take_listed(record);
        if listed.is_empty() {
            return answer(record, outcome, port);
        }
        match outcome {
            Ok(Found { addresses, ttl }) => {
                let found = addresses.into_iter().map(|address| SocketAddr::new(address, port));
                let addresses: Vec<_> = match listed_first {
                    true => listed.into_iter().chain(found).collect(),
                    false => found.chain(listed).collect(),
                };
                Answer::found(record, addresses).with_ttl(ttl)
            }
            Err(error) => {
                if !error.kind().is_negative() {
                    self.tell(failed(record, error).interim());
                }
                Answer::found(record, listed)
            }
        }
    }

    /// Tells what is left of the hosts file's addresses: those of a family of which no server was
    /// asked.
    pub(crate) fn tell_listed(&mut self) {
        for record in [Family::Ipv6, Family::Ipv4].map(record_of) {
            let (listed, _) = self.take_listed(record);
            if !listed.is_empty() {
                self.tell(Answer::found(record, listed));
            }
        }
    }

    /// The hosts file's addresses of a record, and whether they come first.
    fn take_listed(&mut self, record: Record) -> (Vec<SocketAddr>, bool) {
        let Some(held) = &mut self.held else { return (Vec::new(), false) };
        let is_of = |addr: &SocketAddr| {
            record == Record::Addresses
                || addr.family().is_some_and(|family| record_of(family) == record)
        };
        let (taken, rest) = std::mem::take(&mut held.listed).into_iter().partition(is_of);
        held.listed = rest;
        (taken, held.listed_first)
    }
}
