//! What the sources say, one after another.
//!
//! nsswitch.conf(5) knows one lookup of a name with one result, and here two families are answered,
//! each when it is known. What that comes to:
//!
//! - Name servers have succeeded as soon as one family has an address. Unless the hosts file is
//!   asked even then, that answer is told at once, and the other family's when it comes.
//! - That a family has none is told when nothing else can be asked after it. Otherwise it waits for
//!   the other family, with which all may be said; but if there is no such name for A, there is none
//!   for AAAA either (RFC 8020 §2), and nothing is waited for.
//! - They have not found the name when both families say so. If either failed they are unavailable.
//!   glibc goes by the reply that happens to come first.
//! - The hosts file has the name if it has an address of a family that is wanted, and then answers
//!   for both. Where it is joined with servers it adds to each family's answer.
//! - What is fixed by decree is in the place of what servers would say, and holds as well where no
//!   server is asked and nothing else is found.

use std::future::Future as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream as _;
use stagger::{
    Answer, BoxError, Families, Family, Host, LookupErrorKind, Query, Record, Resolver, Timer,
};
use stagger_net::Connectivity;

use super::{Step, UnsortedProjection};
use crate::error::{Cause, DnsError};
use crate::plan::{Next, Place, Plan};
use crate::question::name_of;
use crate::search::Candidates;
use crate::setup::Setup;
use crate::special::Special;
use crate::told::{DnsAnswer, failed};
use crate::walk::{Said, Walk};
use crate::wanted::{addresses, records};
use crate::{FileError, Hosts, Network, Parsed, Status, Switch};

impl<N, T, L> UnsortedProjection<'_, N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    /// Takes the next step of the lookup of a name, when all that is ready has been told. It may be
    /// an answer already.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<DnsAnswer>> {
        let setup = &**self.setup;
        let now = || setup.upstream.timer().now();
        match self.step {
            Step::Begin => *self.step = Step::Switch(setup.switch.read(now())),
            Step::Switch(switch) => {
                let Poll::Ready(switch) = Pin::new(switch).poll(cx) else {
                    // Meanwhile the other files are looked at, so that all take no longer than one,
                    // though the switch may then have no use for them.
                    if let Some(hosts) = &setup.hosts {
                        let _ = Pin::new(&mut hosts.read(now())).poll(cx);
                    }
                    let _ = Pin::new(&mut setup.config.read(now())).poll(cx);
                    return Poll::Pending;
                };
                let has_hosts = setup.hosts.is_some();
                *self.plan = match switch {
                    Ok(switch) => Plan::new(&switch.value, has_hosts),
                    // glibc takes one that it can't read for an empty one; here it is told.
                    Err(error) => {
                        self.tell_interim(error);
                        Plan::new(&Switch::default(), has_hosts)
                    }
                };
                match self.plan.first {
                    Some(first) => *self.step = Step::Ask(first),
                    None => self.end(Miss::Negative(Cause::NoSource)),
                }
            }
            Step::Ask(Place::Hosts) => {
                let hosts = setup.hosts.as_ref().expect("a plan asks a hosts file that there is");
                *self.step = Step::Hosts(hosts.read(now()));
            }
            Step::Hosts(hosts) => {
                let hosts = ready!(Pin::new(hosts).poll(cx));
                self.hear_hosts(hosts);
            }
            Step::Ask(Place::Servers) => {
                let config = setup.config.read(now());
                if self.decree() {
                    self.conclude();
                } else {
                    *self.step = Step::Config(config);
                }
            }
            Step::Config(config) => match ready!(Pin::new(config).poll(cx)) {
                Ok(config) => {
                    let (search, ndots) = (config.value.search(), config.value.ndots());
                    let candidates = Candidates::new(name(self.query), search, ndots);
                    let source = setup.upstream.of(&config);
                    let (families, preferred) = by_routes(self.query.families(), setup);
                    *self.preferred = preferred;
                    *self.walk = Some(Walk::new(source, candidates, records(families)));
                    *self.step = Step::Servers { settled: self.are_last() };
                }
                Err(error) => {
                    let error = self.unreadable(error);
                    self.told.put_aside(self.record(), Err(error));
                    self.conclude();
                }
            },
            Step::Servers { settled } => {
                let settled = *settled;
                return self.poll_servers(cx, settled);
            }
            Step::Done => {}
        }
        Poll::Ready(None)
    }

    /// Hears servers once.
    fn poll_servers(&mut self, cx: &mut Context<'_>, settled: bool) -> Poll<Option<DnsAnswer>> {
        let walk = self.walk.as_mut().expect("servers are asked by a walk");
        match ready!(Pin::new(&mut *walk).poll_next(cx)) {
            None => {
                *self.walk = None;
                if settled {
                    self.told.tell_listed();
                    *self.step = Step::Done;
                } else {
                    self.conclude();
                }
            }
            Some(Said { record, outcome, .. }) if settled => {
                let port = port(*self.port);
                let answer = self.told.join_outcome(record, outcome, port);
                if self.told.is_empty() {
                    return Poll::Ready(Some(answer));
                }
                self.told.tell(answer);
            }
            Some(Said { record, outcome: Ok(found), .. }) => {
                self.told.put_aside(record, Ok(found));
                self.conclude();
            }
            // What is told of it may be of a name before the last, which another record may have.
            Some(Said { record, outcome: Err(error), last }) => {
                let is_over = record == Record::A && last == Some(LookupErrorKind::NotFound);
                if is_over {
                    for (other, kept) in walk.abandon() {
                        // Either its lookups of the names before have said something, or A has said
                        // of each name that it does not exist.
                        let said = kept.unwrap_or_else(|| Err(error.also_of(other)));
                        self.told.put_aside_of(other, said, last);
                    }
                    *self.walk = None;
                }
                self.told.put_aside_of(record, Err(error), last);
                if is_over {
                    self.conclude();
                }
            }
        }
        Poll::Ready(None)
    }

    /// Goes on from what servers said, which is known as far as it matters.
    fn conclude(&mut self) {
        let said = self.told.aside();
        let no_name = Some(LookupErrorKind::NotFound);
        let status = if said.iter().any(|said| said.outcome.is_ok()) {
            Status::Success
        } else if said.iter().any(|said| said.record == Record::A && said.last == no_name)
            || said.iter().all(|said| said.last.is_some_and(LookupErrorKind::is_negative))
        {
            Status::NotFound
        } else {
            Status::Unavailable
        };
        match self.next(Place::Servers, status) {
            Next::End => self.settle(),
            Next::Other => {
                if status == Status::Success {
                    self.told.forget_aside();
                    *self.walk = None;
                }
                *self.step = Step::Ask(Place::Hosts);
            }
            // What else servers say is heard after the hosts file.
            Next::Join => *self.step = Step::Ask(Place::Hosts),
        }
    }

    /// Goes on from what the hosts file says.
    fn hear_hosts(&mut self, hosts: Result<Arc<Parsed<Hosts>>, FileError>) {
        let mut is_missing = false;
        let found = match hosts {
            Ok(hosts) => {
                is_missing = hosts.value.is_missing();
                let (hosts, name) = (&hosts.value, name(self.query));
                let listed = hosts.addresses(name, self.query.families(), port(*self.port));
                match Vec::from_iter(listed) {
                    listed if !listed.is_empty() => Ok(listed),
                    _ if hosts.contains(name) => Err(Miss::Negative(Cause::NoAddress)),
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
        let is_first = self.plan.first == Some(Place::Hosts);
        match (self.next(Place::Hosts, status), found) {
            (Next::End, Ok(listed)) => {
                if self.told.aside().iter().any(|said| said.outcome.is_ok()) {
                    self.told.join(listed, is_first);
                    self.settle();
                } else {
                    self.told.tell_failures(port(*self.port));
                    self.told.tell(Answer::found(self.record(), listed));
                    *self.step = Step::Done;
                }
            }
            (Next::End, Err(miss)) => self.end(miss),
            (Next::Join, Ok(listed)) => {
                self.told.join(listed, is_first);
                *self.step = Step::Ask(Place::Servers);
            }
            (Next::Other | Next::Join, found) => {
                // Servers may know the name all the same.
                if let Err(Miss::Unreadable(error)) = found {
                    self.tell_interim(error);
                }
                *self.step = Step::Ask(Place::Servers);
            }
        }
    }

    /// Ends with what servers said. If they said nothing, it is what is fixed by decree, and else
    /// this.
    fn end(&mut self, miss: Miss) {
        if self.told.aside().is_empty() && !self.decree() {
            let error = match miss {
                Miss::Negative(cause) => {
                    let name = name_of(name(self.query)).expect("a target's name fits in DNS");
                    DnsError::unlisted(&name, self.record(), cause)
                }
                Miss::Unreadable(error) => self.unreadable(error),
            };
            self.told.put_aside(self.record(), Err(error));
        } else if let Miss::Unreadable(error) = miss {
            self.tell_interim(error);
        }
        self.settle();
    }

    /// Tells what is fixed by decree, if the name is one of those, or puts it aside.
    fn decree(&mut self) -> bool {
        let name = name(self.query);
        let Some(special) = Special::of(name) else { return false };
        let are_last = self.are_last();
        for record in records(self.query.families()) {
            let outcome = special.outcome(name, record);
            match are_last {
                true => self.told.tell_outcome(record, outcome, port(*self.port)),
                false => self.told.put_aside(record, outcome),
            }
        }
        true
    }

    /// Whether what servers say can be told at once, for nobody can be asked after them.
    fn are_last(&self) -> bool {
        self.plan.first != Some(Place::Servers) || self.plan.ends_with_first()
    }

    /// Tells what servers said and, if they are still asked, goes on to tell what they say.
    fn settle(&mut self) {
        self.told.tell_aside(port(*self.port));
        *self.step = if self.walk.is_some() {
            Step::Servers { settled: true }
        } else {
            self.told.tell_listed();
            Step::Done
        };
    }

    /// What follows from a result of this source.
    fn next(&self, place: Place, status: Status) -> Next {
        if self.plan.first == Some(place) { self.plan.next(status) } else { Next::End }
    }

    /// What is asked for when it is asked for in one.
    fn record(&self) -> Record {
        addresses(self.query.families())
    }

    /// That a file can't be read.
    fn unreadable(&self, error: FileError) -> DnsError {
        DnsError::unreadable(self.query.target().to_string(), error)
    }

    /// Tells that a file can't be read, where that is not the last word.
    fn tell_interim(&mut self, error: FileError) {
        let error = self.unreadable(error);
        self.told.tell(failed(self.record(), error).interim());
    }
}

/// Why the hosts file, or nobody at all, has an address.
enum Miss {
    Negative(Cause),
    Unreadable(FileError),
}

/// The name that is looked up.
fn name(query: &Query) -> &str {
    match query.target().host() {
        Host::Name(name) => name.ascii(),
        Host::Ipv4(_) | Host::Ipv6 { .. } => unreachable!("a literal is left to another resolver"),
    }
}

/// Which families to ask servers for, and which of them the routes prefer. A query for one of them
/// stays what it is.
fn by_routes<N: Network, T: Timer>(
    families: Families,
    setup: &Setup<N, T>,
) -> (Families, Option<Family>) {
    if families != Families::Any {
        return (families, None);
    }
    match (setup.only_connected, setup.route_preference) {
        (true, is_wanted) => {
            let now = Connectivity::now();
            (now.worth_asking(), now.preferred().filter(|_| is_wanted))
        }
        (false, true) => (families, Connectivity::preferred_now()),
        (false, false) => (families, None),
    }
}

/// The port, which is found before the name is looked for.
fn port(port: Option<u16>) -> u16 {
    port.expect("a name is looked for when its port is known")
}
