//! The resolver over DNS.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::{
    Answer, BoxError, Class, Families, Family, Host, Query, Resolver, Service, Target, Timer,
};

use crate::client::Client;
use crate::error::{DnsError, DnsErrorKind};
use crate::joined::Joining;
use crate::lookup::{Found, Outcome};
use crate::numeric::Numeric;
use crate::question::class_of;
use crate::search::Candidates;
use crate::special::Special;
use crate::walk::Walk;
use crate::{Network, Settings};

/// Resolves names by DNS, over a [`Network`] and a [`Timer`].
///
/// AAAA and A are asked for back to back, in one poll, and each is answered the moment its reply is
/// there, also if the reply is that there is nothing: a slow one holds the other up in nothing. A
/// name that does not exist and a lookup that failed are answered with their [`DnsError`], a name
/// without addresses of a family with a negative answer. An answer has its TTL, a negative one too
/// if it may be kept. The addresses are not sorted; the order is that of the reply.
///
/// A name that does not end in a dot is looked for in the search list of the [`Settings`]. Both
/// families take every step together, so that all addresses belong to one and the same name.
///
/// Some names never go out: `localhost` and all below it are this machine (RFC 6761 §6.3), `invalid`
/// (RFC 6761 §6.4) and `onion` (RFC 7686 §2) do not exist.
///
/// Nor do literals. They are left to the resolver of [`with_literals`](Self::with_literals), and so
/// is the port of a service given by its name, which is found before anything is asked for.
///
/// Lookups in flight are shared: who asks for the same name and family as another, of this resolver
/// or a clone, gets the same answer and nothing is sent.
///
/// # Cancel safety
///
/// Dropping the answers abandons the lookups and closes their sockets, unless others share them.
///
/// # Runtime
///
/// Nothing is spawned. The answers can be polled by any executor on which the network and the timer
/// work, and are `Send` if the futures of these are.
pub struct DnsResolver<N, T, L = Numeric>
where
    N: Network,
    T: Timer,
{
    settings: Arc<Settings>,
    source: Joining<Client<N, T>>,
    literals: L,
}

impl<N: Network, T: Timer> DnsResolver<N, T> {
    /// A resolver that asks the servers of these settings.
    pub fn new(settings: Settings, network: N, timer: T) -> Self {
        let settings = Arc::new(settings);
        let client = Client::new(Arc::clone(&settings), network, timer);
        Self { settings, source: Joining::new(client), literals: Numeric }
    }
}

impl<N: Network, T: Timer, L> DnsResolver<N, T, L> {
    /// Leaves literals to this resolver, and asks it for the port of a service: it is given the
    /// address `127.0.0.1` with the service, and the port is that of its first answer. The system's
    /// own resolver is the right one, for it knows the names of services and zones; of names of
    /// hosts it hears nothing.
    ///
    /// Unless set, it is [`Numeric`], for which a service or a zone by name is an error.
    pub fn with_literals<M>(self, literals: M) -> DnsResolver<N, T, M>
    where
        M: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
    {
        DnsResolver { settings: self.settings, source: self.source, literals }
    }

    /// Which servers are asked, and how.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl<N, T, L> Resolver for DnsResolver<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    type Address = SocketAddr;
    type Error = DnsError;
    type Answers = DnsAnswers<N, T, L>;

    fn resolve(&self, query: &Query) -> DnsAnswers<N, T, L> {
        let target = query.target();
        let literals = match (target.host(), target.service()) {
            (Host::Name(_), Service::Port(_)) => None,
            (Host::Name(_), Service::Name(service)) => {
                let target = Target::new("127.0.0.1", service).expect("its parts have been read");
                let query = Query::new(target).with_transport(query.transport());
                Some(self.literals.resolve(&query))
            }
            (Host::Ipv4(_) | Host::Ipv6 { .. }, _) => Some(self.literals.resolve(query)),
        };
        DnsAnswers {
            source: self.source.clone(),
            settings: Arc::clone(&self.settings),
            query: query.clone(),
            port: target.port(),
            known: Vec::new(),
            begun: false,
            literals,
            walk: None,
        }
    }
}

impl<N: Network, T: Timer, L: Clone> Clone for DnsResolver<N, T, L> {
    fn clone(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            source: self.source.clone(),
            literals: self.literals.clone(),
        }
    }
}

impl<N: Network, T: Timer, L> fmt::Debug for DnsResolver<N, T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsResolver").field("settings", &self.settings).finish_non_exhaustive()
    }
}

pin_project! {
    /// What a [`DnsResolver`] answers: once for each family asked for.
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the lookups, as [`DnsResolver`] says.
    #[must_use = "streams do nothing unless polled"]
    pub struct DnsAnswers<N, T, L>
    where
        N: Network,
        T: Timer,
        L: Resolver,
    {
        source: Joining<Client<N, T>>,
        settings: Arc<Settings>,
        query: Query,
        // None before it is looked up.
        port: Option<u16>,
        // What is known without asking, the last first.
        known: Vec<Answer<SocketAddr, DnsError>>,
        begun: bool,
        #[pin]
        literals: Option<L::Answers>,
        #[pin]
        walk: Option<Walk<Joining<Client<N, T>>>>,
    }
}

impl<N, T, L> Stream for DnsAnswers<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    type Item = Answer<SocketAddr, DnsError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let mut this = self.as_mut().project();
            if let Some(literals) = this.literals.as_mut().as_pin_mut() {
                let answer = ready!(literals.poll_next(cx));
                let target = this.query.target();
                if !matches!(target.host(), Host::Name(_)) {
                    if answer.is_none() {
                        this.literals.set(None);
                        *this.begun = true;
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
                        *this.begun = true;
                    }
                }
                this.literals.set(None);
            }
            if !*this.begun {
                *this.begun = true;
                self.as_mut().begin();
                continue;
            }
            if let Some(answer) = this.known.pop() {
                return Poll::Ready(Some(answer));
            }
            let Some(walk) = this.walk.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            return Poll::Ready(match ready!(walk.poll_next(cx)) {
                None => {
                    this.walk.set(None);
                    None
                }
                Some((family, outcome)) => {
                    let port = this.port.expect("a name is looked up when its port is known");
                    Some(answer(family, outcome, port))
                }
            });
        }
    }
}

impl<N: Network, T: Timer, L: Resolver> DnsAnswers<N, T, L> {
    /// Says what is known of the name, or sets out to look it up.
    fn begin(self: Pin<&mut Self>) {
        let mut this = self.project();
        let Host::Name(name) = this.query.target().host() else {
            unreachable!("a literal is left to the other resolver")
        };
        let families = this.query.families();
        if let Some(special) = Special::of(name.ascii()) {
            let port = this.port.expect("what needs no lookup is told when its port is known");
            for family in [Family::Ipv4, Family::Ipv6] {
                if families.contains(family) {
                    let outcome = special.outcome(name.ascii(), family);
                    this.known.push(answer(family, outcome, port));
                }
            }
            return;
        }
        let Settings { search, ndots, .. } = &**this.settings;
        let candidates = Candidates::new(name.ascii(), search, *ndots);
        this.walk.set(Some(Walk::new(this.source.clone(), candidates, families)));
    }
}

impl<N: Network, T: Timer, L: Resolver> fmt::Debug for DnsAnswers<N, T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsAnswers").field("query", &self.query).finish_non_exhaustive()
    }
}

/// The answer that an outcome is.
fn answer(family: Family, outcome: Outcome, port: u16) -> Answer<SocketAddr, DnsError> {
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
fn translate<E: Into<BoxError>>(
    answer: Answer<SocketAddr, E>,
    target: &Target,
) -> Answer<SocketAddr, DnsError> {
    let (class, ttl, sorted) = (answer.class(), answer.ttl(), answer.is_sorted());
    let mut ours = match answer.into_outcome() {
        Ok(found) => Answer::found(class, found),
        Err(error) => Answer::failed(class, DnsError::incomplete(target.to_string(), error.into())),
    };
    if sorted {
        ours = ours.sorted();
    }
    ttl.into_iter().fold(ours, Answer::with_ttl)
}

/// What is asked for when it is asked for in one.
fn class(families: Families) -> Class {
    match families {
        Families::Any => Class::All,
        Families::Ipv4 => Class::A,
        Families::Ipv6 => Class::Aaaa,
    }
}
