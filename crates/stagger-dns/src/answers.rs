//! The answers to one query, as they come.

use std::future::Future as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::{
    Answer, BoxError, Class, Families, Family, Host, Query, Resolver, Service, Target, Timer,
};
use stagger_net::Connectivity;

use crate::error::{DnsError, DnsErrorKind};
use crate::lookup::{Found, Outcome};
use crate::origin::{Content, Origin};
use crate::question::class_of;
use crate::search::Candidates;
use crate::special::Special;
use crate::upstream::{Source, Upstream};
use crate::walk::Walk;
use crate::{Config, FileError, Hosts, Network, Parsed};

type DnsAnswer = Answer<SocketAddr, DnsError>;

/// What a resolver knows of the machine, and whom it asks.
pub(crate) struct Setup<N: Network, T: Timer> {
    pub(crate) config: Origin<Config>,
    pub(crate) hosts: Option<Origin<Hosts>>,
    /// Whether to ask for no family that leads nowhere.
    pub(crate) only_connected: bool,
    pub(crate) upstream: Arc<Upstream<N, T>>,
}

impl<N: Network, T: Timer> Clone for Setup<N, T> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            hosts: self.hosts.clone(),
            only_connected: self.only_connected,
            upstream: Arc::clone(&self.upstream),
        }
    }
}

pin_project! {
    /// The answers to one query, in no order that means anything.
    pub(crate) struct Unsorted<N, T, L>
    where
        N: Network,
        T: Timer,
        L: Resolver,
    {
        setup: Setup<N, T>,
        query: Query,
        // None before it is looked up.
        port: Option<u16>,
        step: Step,
        // What is known without asking, the last first.
        known: Vec<DnsAnswer>,
        #[pin]
        literals: Option<L::Answers>,
        #[pin]
        walk: Option<Walk<Source<N, T>>>,
    }
}

/// What is to be done before anything is asked.
enum Step {
    Begin,
    Hosts(Content<Hosts>),
    /// What is known of some names whatever anybody says.
    Decree,
    Config(Content<Config>),
    Done,
}

impl<N, T, L> Unsorted<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    pub(crate) fn new(setup: Setup<N, T>, literals: &L, query: &Query) -> Self {
        let target = query.target();
        let literals = match (target.host(), target.service()) {
            (Host::Name(_), Service::Port(_)) => None,
            (Host::Name(_), Service::Name(service)) => {
                let target = Target::new("127.0.0.1", service).expect("its parts have been read");
                let query = Query::new(target).with_transport(query.transport());
                Some(literals.resolve(&query))
            }
            (Host::Ipv4(_) | Host::Ipv6 { .. }, _) => Some(literals.resolve(query)),
        };
        Self {
            setup,
            query: query.clone(),
            port: target.port(),
            step: Step::Begin,
            known: Vec::new(),
            literals,
            walk: None,
        }
    }

    /// Hears the resolver of literals: of a literal all that it says, of a service the port.
    fn poll_literals(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DnsAnswer>> {
        let mut this = self.project();
        let target = this.query.target();
        let is_name = matches!(target.host(), Host::Name(_));
        while let Some(literals) = this.literals.as_mut().as_pin_mut() {
            let answer = ready!(literals.poll_next(cx));
            if !is_name {
                if answer.is_none() {
                    this.literals.set(None);
                    *this.step = Step::Done;
                }
                return Poll::Ready(answer.map(|answer| translate(answer, target)));
            }
            match answer.map(Answer::into_outcome) {
                Some(Ok(found)) => match found.first() {
                    None => continue,
                    Some(first) => *this.port = Some(first.address.port()),
                },
                failed => {
                    let error = match failed {
                        Some(Err(error)) => error.into(),
                        _ => "no port was found for the service".into(),
                    };
                    let error = DnsError::incomplete(target.to_string(), error);
                    this.known.push(Answer::failed(class(this.query.families()), error));
                    *this.step = Step::Done;
                }
            }
            this.literals.set(None);
        }
        Poll::Ready(None)
    }

    /// Goes as far as can be gone before there is something to tell or to ask.
    fn poll_step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Host::Name(name) = this.query.target().host() else { return Poll::Ready(()) };
        let (name, families) = (name.ascii(), this.query.families());
        let setup = &*this.setup;
        loop {
            match this.step {
                Step::Begin => {
                    *this.step = match &setup.hosts {
                        Some(hosts) => Step::Hosts(hosts.read(setup.upstream.timer().now())),
                        None => Step::Decree,
                    };
                }
                Step::Hosts(hosts) => {
                    let hosts = ready!(Pin::new(hosts).poll(cx));
                    *this.step = Step::Decree;
                    match listed(&hosts, this.query, *this.port) {
                        Ok(None) => {}
                        Ok(Some(answer)) => {
                            this.known.push(answer);
                            *this.step = Step::Done;
                        }
                        // Name servers may know the name all the same.
                        Err(error) => this.known.push(unreadable(this.query, &error).interim()),
                    }
                }
                Step::Decree => {
                    *this.step = if special(name, families, *this.port, this.known) {
                        Step::Done
                    } else {
                        Step::Config(setup.config.read(setup.upstream.timer().now()))
                    };
                }
                Step::Config(config) => {
                    if !this.known.is_empty() {
                        return Poll::Ready(());
                    }
                    match ready!(Pin::new(config).poll(cx)) {
                        Ok(config) => {
                            let (search, ndots) = (config.value.search(), config.value.ndots());
                            let candidates = Candidates::new(name, search, ndots);
                            let source = setup.upstream.of(&config);
                            let families = worth_asking(families, setup.only_connected);
                            this.walk.set(Some(Walk::new(source, candidates, families)));
                        }
                        Err(error) => this.known.push(unreadable(this.query, &error)),
                    }
                    *this.step = Step::Done;
                }
                Step::Done => return Poll::Ready(()),
            }
        }
    }
}

impl<N, T, L> Stream for Unsorted<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    type Item = DnsAnswer;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DnsAnswer>> {
        if let Some(answer) = ready!(self.as_mut().poll_literals(cx)) {
            return Poll::Ready(Some(answer));
        }
        ready!(self.as_mut().poll_step(cx));
        let mut this = self.project();
        if let Some(answer) = this.known.pop() {
            return Poll::Ready(Some(answer));
        }
        let Some(walk) = this.walk.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        match ready!(walk.poll_next(cx)) {
            Some((family, outcome)) => {
                let port = this.port.expect("a name is looked up when its port is known");
                Poll::Ready(Some(answer(family, outcome, port)))
            }
            None => {
                this.walk.set(None);
                Poll::Ready(None)
            }
        }
    }
}

/// Which families to ask servers for. A query for one of them stays what it is.
fn worth_asking(families: Families, only_connected: bool) -> Families {
    match families {
        Families::Any if only_connected => Connectivity::now().worth_asking(),
        families => families,
    }
}

/// What the hosts file says, if it has an address of a family that is wanted.
fn listed(
    hosts: &Result<Arc<Parsed<Hosts>>, FileError>,
    query: &Query,
    port: Option<u16>,
) -> Result<Option<DnsAnswer>, FileError> {
    let hosts = &hosts.as_ref().map_err(Clone::clone)?.value;
    let Host::Name(name) = query.target().host() else { return Ok(None) };
    let port = port.expect("a name is looked for when its port is known");
    let mut found = hosts.addresses(name.ascii(), query.families(), port).peekable();
    let any = found.peek().is_some();
    Ok(any.then(|| Answer::found(class(query.families()), found)))
}

/// What is fixed by decree, the last first; nothing of other names.
fn special(name: &str, families: Families, port: Option<u16>, known: &mut Vec<DnsAnswer>) -> bool {
    let Some(special) = Special::of(name) else { return false };
    let port = port.expect("what needs no lookup is told when its port is known");
    let wanted = [Family::Ipv4, Family::Ipv6].into_iter().filter(|it| families.contains(*it));
    known.extend(wanted.map(|family| answer(family, special.outcome(name, family), port)));
    true
}

/// That a file can't be read.
fn unreadable(query: &Query, error: &FileError) -> DnsAnswer {
    let error = DnsError::unreadable(query.target().to_string(), error.clone());
    Answer::failed(class(query.families()), error)
}

/// The answer that an outcome is.
fn answer(family: Family, outcome: Outcome, port: u16) -> DnsAnswer {
    let class = class_of(family);
    match outcome {
        Ok(Found { addresses, ttl }) => {
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, port));
            Answer::found(class, addresses).with_ttl(ttl)
        }
        Err(error) => {
            let ttl = error.ttl();
            let answer = match error.kind() {
                DnsErrorKind::NoAddress => Answer::negative(class),
                _ => Answer::failed(class, error),
            };
            ttl.into_iter().fold(answer, Answer::with_ttl)
        }
    }
}

/// Another resolver's answer of a literal, as ours.
fn translate<E: Into<BoxError>>(answer: Answer<SocketAddr, E>, target: &Target) -> DnsAnswer {
    answer.map_error(|error| DnsError::incomplete(target.to_string(), error.into()))
}

/// What is asked for when it is asked for in one.
fn class(families: Families) -> Class {
    match families {
        Families::Any => Class::All,
        Families::Ipv4 => Class::A,
        Families::Ipv6 => Class::Aaaa,
    }
}
