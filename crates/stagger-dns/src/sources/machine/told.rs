//! What is told, and how a lookup ends.

use std::net::SocketAddr;

use stagger::Answer;
use stagger::resolve::Record;
use stagger_net::lookup::Localhost;

use super::{Machine, Miss, Step};
use crate::FileError;
use crate::error::{Cause, DnsError};
use crate::lookup::Outcome;
use crate::question::name_of;
use crate::sources::answer::answer;
use crate::sources::failed;
use crate::sources::walk::Said;
use crate::wanted::records;

impl Machine {
    /// Takes an outcome in the place of what servers would say.
    pub(super) fn take(&mut self, record: Record, outcome: Outcome) {
        let last = outcome.as_ref().err().map(DnsError::kind);
        self.take_said(Said { record, outcome, last });
    }

    pub(super) fn take_said(&mut self, said: Said) {
        if self.holds {
            self.held.push(said);
        } else {
            self.ready.push_back(answer(said.record, said.outcome, self.port));
        }
    }

    /// Ends without a result, although a source had one.
    pub(super) fn lose(&mut self) {
        self.held.clear();
        self.walk = None;
        let error = self.unlisted(Cause::Merge);
        self.take(self.record(), Err(error));
        self.tell_held();
    }

    /// Ends with what servers said. If they said nothing, the result is the first of these:
    ///
    /// 1. this machine, for a name below `localhost` that the hosts file does not have;
    /// 2. what is fixed by decree;
    /// 3. this miss.
    pub(super) fn end(&mut self, miss: Miss) {
        let is_listed = matches!(miss, Miss::Negative(Cause::NoAddress));
        if self.localhost.is_some() && !is_listed {
            if let Miss::Unreadable(error) = miss {
                self.tell_provisional(error);
            }
            return self.tell_loopback(Vec::new());
        }
        if self.held.is_empty() && !self.decree() {
            let error = match miss {
                Miss::Negative(cause) => self.unlisted(cause),
                Miss::Unreadable(error) => self.unreadable(error),
            };
            self.take(self.record(), Err(error));
        } else if let Miss::Unreadable(error) = miss {
            self.tell_provisional(error);
        }
        self.tell_held();
    }

    /// Takes what is fixed by decree, if the name is one of those.
    pub(super) fn decree(&mut self) -> bool {
        let Some(special) = self.special else { return false };
        let mut exists = true;
        for record in records(self.families()) {
            if let Some(error) = special.error(self.name(), record) {
                self.take(record, Err(error));
                exists = false;
            }
        }
        !exists
    }

    /// Tells what servers said and, if they are still asked, goes on to tell what they say.
    pub(super) fn tell_held(&mut self) {
        self.holds = false;
        for said in std::mem::take(&mut self.held) {
            self.take_said(said);
        }
        self.step = if self.walk.is_some() { Step::Hear } else { Step::Done };
    }

    /// Of what servers said, tells the failures. They are provisional, because the hosts file has
    /// the name.
    pub(super) fn tell_held_failures(&mut self) {
        for Said { record, outcome, .. } in std::mem::take(&mut self.held) {
            if outcome.as_ref().is_err_and(|error| !error.kind().is_negative()) {
                self.ready.push_back(answer(record, outcome, self.port).with_provisional(true));
            }
        }
    }

    /// Tells that a file can't be read, where another source may still have the name.
    pub(super) fn tell_provisional(&mut self, error: FileError) {
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

    /// Tells the addresses of this machine, and these behind them. They have no TTL, because the
    /// hosts file may change.
    pub(super) fn tell_loopback(&mut self, listed: Vec<SocketAddr>) {
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
        self.step = Step::Done;
    }
}
