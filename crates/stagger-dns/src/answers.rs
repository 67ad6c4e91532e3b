//! The answers to one query, as they come.

mod source;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::{
    Answer, BoxError, Family, Host, LookupErrorKind, Query, Resolver, Service, Target, Timer,
};

use crate::error::DnsError;
use crate::origin::Content;
use crate::plan::{Place, Plan};
use crate::setup::Setup;
use crate::told::{DnsAnswer, Told, failed};
use crate::upstream::Source;
use crate::walk::Walk;
use crate::{Config, Hosts, Network, Switch, wanted};

pin_project! {
    /// The answers to one query, in no order that means anything.
    #[project = UnsortedProjection]
    pub(crate) struct Unsorted<N, T, L>
    where
        N: Network,
        T: Timer,
        L: Resolver,
    {
        setup: Arc<Setup<N, T>>,
        query: Query,
        // None before it is looked up.
        port: Option<u16>,
        step: Step,
        plan: Plan,
        told: Told,
        // The family that the routes prefer, if answers set it. `None` before servers are asked.
        preferred: Option<Family>,
        #[pin]
        literals: Option<L::Answers>,
        walk: Option<Walk<Source<N, T>>>,
    }
}

/// What is done next, when all that is ready has been told.
enum Step {
    Begin,
    Switch(Content<Switch>),
    Ask(Place),
    Hosts(Content<Hosts>),
    Config(Content<Config>),
    /// Hears servers; `settled` if the hosts file has no word in it any more.
    Servers {
        settled: bool,
    },
    Done,
}

impl<N, T, L> Unsorted<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    pub(crate) fn new(setup: Arc<Setup<N, T>>, literals: &L, query: &Query) -> Self {
        let mut told = Told::default();
        if let Some(answer) = wanted::unknown(query) {
            told.tell(answer);
        }
        let query = wanted::known(query);
        let target = query.target();
        let literals = match (target.host(), target.service()) {
            (Host::Name(_), Service::Port(_)) => None,
            (Host::Name(_), Service::Name(service)) => {
                let target = Target::new("127.0.0.1", service).expect("its parts have been read");
                let query = Query::new(target).with_transport(query.transport());
                Some(literals.resolve(&query))
            }
            (Host::Ipv4(_) | Host::Ipv6 { .. }, _) => Some(literals.resolve(&query)),
        };
        Self {
            setup,
            port: target.port(),
            query,
            step: Step::Begin,
            plan: Plan::default(),
            told,
            preferred: None,
            literals,
            walk: None,
        }
    }

    /// The next answer, as the sources have it.
    fn poll_answer(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DnsAnswer>> {
        if let Some(answer) = self.as_mut().project().told.next() {
            return Poll::Ready(Some(answer));
        }
        if let Some(answer) = ready!(self.as_mut().poll_literals(cx)) {
            return Poll::Ready(Some(answer));
        }
        let mut this = self.project();
        loop {
            if let Some(answer) = this.told.next() {
                return Poll::Ready(Some(answer));
            }
            if let Step::Done = this.step {
                return Poll::Ready(None);
            }
            if let Some(answer) = ready!(this.poll_step(cx)) {
                return Poll::Ready(Some(answer));
            }
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
            let kind = answer.as_ref().and_then(Answer::kind);
            match answer.map(Answer::into_outcome) {
                Some(Ok(found)) => match found.first() {
                    None => continue,
                    Some(first) => *this.port = Some(first.port()),
                },
                unknown => {
                    let error = match unknown {
                        Some(Err(error)) => error.into(),
                        _ => "no port was found for the service".into(),
                    };
                    let kind = kind.unwrap_or(LookupErrorKind::UnknownService);
                    let error = DnsError::incomplete(target.to_string(), kind, error);
                    this.told.tell(failed(wanted::addresses(this.query.families()), error));
                    *this.step = Step::Done;
                }
            }
            this.literals.set(None);
        }
        Poll::Ready(None)
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
        let answer = ready!(self.as_mut().poll_answer(cx));
        Poll::Ready(match (answer, *self.project().preferred) {
            (Some(answer), Some(family)) => Some(answer.prefers(family)),
            (answer, _) => answer,
        })
    }
}

/// Another resolver's answer of a literal, as ours. It keeps its kind.
fn translate<E: Into<BoxError>>(answer: Answer<SocketAddr, E>, target: &Target) -> DnsAnswer {
    let kind = answer.kind().unwrap_or(LookupErrorKind::Other);
    answer.map_error(|error| DnsError::incomplete(target.to_string(), kind, error.into()))
}
