//! What is decided about one name, given what each source says.

mod told;

use std::collections::VecDeque;
use std::net::SocketAddr;

use stagger::Answer;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Query, Record};
use stagger::target::Host;
use stagger_net::lookup::Localhost;

use super::DnsAnswer;
use super::plan::{self, Place, Plan};
use super::walk::{Heard, Said, Walk};
use crate::error::Cause;
use crate::lookup::Outcome;
use crate::question::Question;
use crate::search::Candidates;
use crate::special::Special;
use crate::wanted::{addresses, records};
use crate::{Config, FileError, Hosts, Status, Switch};

/// The lookup of one name, as a plain value. [`next`](Self::next) says what to do, and the method
/// that its step names takes what came of it.
pub(super) struct Machine {
    query: Query,
    port: u16,
    /// Whether the name is this machine by its text.
    localhost: Option<Localhost>,
    special: Option<Special>,
    has_hosts: bool,
    step: Step,
    plan: Plan,
    /// The number of the turn in the plan.
    turn: usize,
    walk: Option<Walk>,
    /// Whether what servers say is held back, because another source may have the last word.
    holds: bool,
    /// What servers said and is held back.
    held: Vec<Said>,
    /// The answers that are ready.
    ready: VecDeque<DnsAnswer>,
}

/// What is done next.
pub(super) enum Next {
    /// This answer is told.
    Tell(DnsAnswer),
    Do(Step),
}

/// What is done when all that is ready has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What is known of the hosts file without reading it is looked at, for
    /// [`Machine::this_machine`].
    Peek,
    /// The switch is read, for [`Machine::switch`].
    Switch,
    /// The hosts file is read, for [`Machine::hosts`].
    Hosts,
    /// It is read whom to ask, for [`Machine::config`] or [`Machine::config_failed`].
    Config,
    /// The lookups of [`Machine::begin`] begin, in place of those that run.
    Begin,
    /// A lookup has to end, for [`Machine::hear`].
    Hear,
    /// Nothing: all is told.
    Done,
}

/// Why the hosts file, or no source at all, has an address.
enum Miss {
    Negative(Cause),
    Unreadable(FileError),
}

impl Machine {
    /// The lookup of a query for a name at this port, where there is a hosts file or none.
    pub(super) fn new(query: Query, port: u16, has_hosts: bool) -> Self {
        let (localhost, special) = (Localhost::of(name(&query)), Special::of(name(&query)));
        let step = match localhost {
            Some(Localhost::Itself) => Step::Peek,
            Some(Localhost::Below) | None => Step::Switch,
        };
        Self {
            query,
            port,
            localhost,
            special,
            has_hosts,
            step,
            plan: Plan::default(),
            turn: 0,
            walk: None,
            holds: false,
            held: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// The families that the query asks for.
    pub(super) fn families(&self) -> Families {
        self.query.families()
    }

    /// What is done when all that is ready has been told.
    pub(super) fn step(&self) -> Step {
        self.step
    }

    /// What is done next.
    pub(super) fn next(&mut self) -> Next {
        match self.ready.pop_front() {
            Some(answer) => Next::Tell(answer),
            None => Next::Do(self.step),
        }
    }

    /// Takes the hosts file, if it is known without reading it, for `localhost`. The file adds
    /// addresses and takes none away, so that a service on `::1` stays in reach.
    pub(super) fn this_machine(&mut self, hosts: Option<&Hosts>) {
        let listed = hosts.map(|hosts| self.listed(hosts)).unwrap_or_default();
        self.tell_loopback(listed);
    }

    /// The addresses that the hosts file has for the name.
    fn listed(&self, hosts: &Hosts) -> Vec<SocketAddr> {
        hosts.addresses(self.name(), self.families(), self.port).collect()
    }

    /// Takes the switch. glibc takes one that it can't read for an empty one. Here that is told, and
    /// the switch is the default.
    pub(super) fn switch(&mut self, switch: Result<&Switch, FileError>) {
        let places: &[_] = match (self.has_hosts, self.localhost) {
            (true, None) => &[Place::Hosts, Place::Servers],
            (false, None) => &[Place::Servers],
            // No such name is asked for on the network.
            (true, Some(_)) => &[Place::Hosts],
            (false, Some(_)) => &[],
        };
        self.plan = match switch {
            Ok(switch) => Plan::new(switch, places),
            Err(error) => {
                self.tell_provisional(error);
                Plan::new(&Switch::default(), places)
            }
        };
        self.take_turn();
    }

    /// Begins the turn of the next source.
    fn take_turn(&mut self) {
        let Some(turn) = self.plan.turn(self.turn) else {
            return self.end(Miss::Negative(Cause::NoSource));
        };
        match turn.place {
            Place::Hosts => self.step = Step::Hosts,
            Place::Servers => {
                self.holds = !turn.is_last();
                if self.special == Some(Special::Nothing) && self.decree() {
                    self.conclude();
                } else {
                    self.step = Step::Config;
                }
            }
        }
    }

    /// What follows from a result of the current turn.
    fn follows(&self, status: Status) -> plan::Next {
        self.plan.turn(self.turn).map_or(plan::Next::End, |turn| turn.next(status))
    }

    /// Takes the hosts file.
    pub(super) fn hosts(&mut self, hosts: Result<&Hosts, FileError>) {
        let mut is_missing = false;
        let found = match hosts {
            Ok(hosts) => {
                is_missing = hosts.is_missing();
                match self.listed(hosts) {
                    listed if !listed.is_empty() => Ok(listed),
                    _ if hosts.contains(self.name()) => Err(Miss::Negative(Cause::NoAddress)),
                    _ => Err(Miss::Negative(Cause::NotListed)),
                }
            }
            Err(error) => Err(Miss::Unreadable(error)),
        };
        let status = match &found {
            Ok(_) => Status::Success,
            Err(Miss::Negative(_)) if !is_missing => Status::NotFound,
            Err(_) => Status::Unavailable,
        };
        match (self.follows(status), found) {
            (plan::Next::End, Ok(listed)) => {
                self.tell_held_failures();
                self.ready.push_back(Answer::found(self.record(), listed));
                self.step = Step::Done;
            }
            (plan::Next::End, Err(miss)) => self.end(miss),
            (plan::Next::Lost, _) => self.lose(),
            (plan::Next::Turn, found) => {
                if let Err(Miss::Unreadable(error)) = found {
                    self.tell_provisional(error);
                }
                self.turn += 1;
                self.take_turn();
            }
        }
    }

    /// Takes whom to ask. Servers are asked for these families.
    pub(super) fn config(&mut self, config: &Config, families: Families) {
        let name = self.name();
        if self.special == Some(Special::Local)
            && self.plan.has_multicast()
            && !config.is_unicast(name)
        {
            let error = self.unlisted(Cause::Multicast);
            self.take(self.record(), Err(error));
            return self.conclude();
        }
        let search = match self.special {
            Some(Special::Absolute) => &[],
            _ => config.search(),
        };
        let mut candidates = Candidates::new(name, search, config.ndots());
        if self.special == Some(Special::Label) || leaves_written_out(name, config) {
            candidates = candidates.without_written();
        }
        if candidates.is_empty() {
            self.decree();
            return self.conclude();
        }
        // Without AAAA a machine with IPv6 alone is asked for A all the same, as by glibc.
        let families = match families {
            Families::Ipv6 if config.no_aaaa() => self.families(),
            families => families,
        };
        self.walk = Some(Walk::new(candidates, records(families), config.no_aaaa()));
        self.step = Step::Begin;
    }

    /// Takes that the file can't be read that says whom to ask.
    pub(super) fn config_failed(&mut self, error: FileError) {
        let error = self.unreadable(error);
        self.take(self.record(), Err(error));
        self.conclude();
    }

    /// The lookups that begin, in place of those that run.
    pub(super) fn begin(&mut self) -> impl Iterator<Item = Question> {
        self.step = Step::Hear;
        self.walk.as_ref().expect("lookups are those of a walk").questions()
    }

    /// Takes the outcomes of lookups. Returns whether there is any.
    pub(super) fn hear(&mut self, outcomes: impl Iterator<Item = (Record, Outcome)>) -> bool {
        let walk = self.walk.as_mut().expect("lookups are those of a walk");
        let mut any = false;
        for (record, outcome) in outcomes {
            walk.hear(record, outcome);
            any = true;
        }
        while any && let Some(walk) = &mut self.walk {
            match walk.next() {
                Heard::Nothing => break,
                Heard::Begin => {
                    self.step = Step::Begin;
                    break;
                }
                Heard::Over => {
                    self.walk = None;
                    self.conclude();
                }
                Heard::Said(said) => self.hear_said(said),
            }
        }
        any
    }

    /// Takes what servers said of a record.
    fn hear_said(&mut self, said: Said) {
        let Said { record, outcome: Err(error), last } = &said else {
            let succeeds = self.holds;
            self.take_said(said);
            if succeeds {
                self.conclude();
            }
            return;
        };
        // There is no such name for any record, so that the others need not be waited for.
        let no_name = *record == Record::A && *last == Some(LookupErrorKind::NotFound);
        if self.holds
            && no_name
            && let Some(walk) = self.walk.take()
        {
            let last = *last;
            for (other, kept) in walk.abandon() {
                // Either its lookups of the names before have said something, or A has said of each
                // name that it does not exist.
                let outcome = kept.unwrap_or_else(|| Err(error.also_of(other)));
                self.held.push(Said { record: other, outcome, last });
            }
            self.take_said(said);
            self.conclude();
        } else {
            self.take_said(said);
        }
    }

    /// Goes on from what servers said, which is known as far as it matters.
    fn conclude(&mut self) {
        if !self.holds {
            return self.tell_held();
        }
        let no_name = Some(LookupErrorKind::NotFound);
        let status = if self.held.iter().any(|said| said.outcome.is_ok()) {
            Status::Success
        } else if self.held.iter().any(|said| said.record == Record::A && said.last == no_name)
            || self.held.iter().all(|said| said.last.is_some_and(LookupErrorKind::is_negative))
        {
            Status::NotFound
        } else {
            Status::Unavailable
        };
        match self.follows(status) {
            plan::Next::End => self.tell_held(),
            plan::Next::Turn => {
                if status == Status::Success {
                    self.held.clear();
                }
                self.walk = None;
                self.turn += 1;
                self.take_turn();
            }
            plan::Next::Lost => self.lose(),
        }
    }

    /// What is asked for when it is asked for in one.
    fn record(&self) -> Record {
        addresses(self.families())
    }

    fn name(&self) -> &str {
        name(&self.query)
    }
}

/// Whether a name is not asked for as it is, because it has no dot. It is if it comes first, or by
/// the search list, or if there is no such list (`__res_context_search` in glibc).
fn leaves_written_out(name: &str, config: &Config) -> bool {
    let has_list = !config.search().is_empty() && !config.search().iter().any(|name| name == ".");
    config.no_tld_query() && !name.contains('.') && config.ndots() > 0 && has_list
}

/// The name that is looked up, in lower case.
fn name(query: &Query) -> &str {
    match query.target().host() {
        Host::Name(name) => name.ascii(),
        Host::Ipv4(_) | Host::Ipv6 { .. } => unreachable!("a literal is left to another resolver"),
    }
}

#[cfg(test)]
mod tests;
