//! The answers to one query, in the order in which they come.
//!
//! A name is looked up when its port is known.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::boxed::BoxError;
use stagger::error::LookupErrorKind;
use stagger::resolve::Query;
use stagger::target::{Host, Service};
use stagger::{Answer, Resolver, Target, Timer};

use super::answer::{DnsAnswer, failed};
use super::name::name_answers::NameAnswers;
use super::query_records;
use super::setup::Setup;
use crate::dns_error::DnsError;
use crate::network::seam::Network;

pin_project! {
    /// The answers to one query, in the order in which they come.
    pub(super) struct UnsortedAnswers<N, T, L>
    where
        N: Network,
        T: Timer,
        L: Resolver,
    {
        setup: Arc<Setup<N, T>>,
        query: Query,
        // The answer for the records that this crate does not support.
        unsupported: Option<DnsAnswer>,
        // The answers for a literal, or for the port of a service.
        #[pin]
        literals: Option<L::Answers>,
        // The answers for a name, when its port is known.
        name: Option<NameAnswers<N, T>>,
    }
}

impl<N, T, L> UnsortedAnswers<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    pub(super) fn new(setup: Arc<Setup<N, T>>, literals: &L, query: &Query) -> Self {
        let unsupported = query_records::unsupported(query);
        let query = query_records::supported(query);
        let target = query.target();
        let (literals, name) = match (target.host(), target.service()) {
            (Host::Name(_), Service::Port(port)) => {
                (None, Some(NameAnswers::new(Arc::clone(&setup), query.clone(), *port)))
            }
            (Host::Name(_), Service::Name(service)) => {
                let target = Target::new("127.0.0.1", service).expect("its parts have been read");
                let query = Query::new(target).with_transport(query.transport());
                (Some(literals.resolve(&query)), None)
            }
            (Host::Ipv4(_) | Host::Ipv6 { .. }, _) => (Some(literals.resolve(&query)), None),
        };
        Self { setup, query, unsupported, literals, name }
    }

    /// The current time.
    pub(super) fn now(&self) -> Instant {
        self.setup.upstream.timer().now()
    }
}

impl<N, T, L> Stream for UnsortedAnswers<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    type Item = DnsAnswer;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DnsAnswer>> {
        let mut this = self.project();
        if let Some(answer) = this.unsupported.take() {
            return Poll::Ready(Some(answer));
        }
        let target = this.query.target();
        let is_name = matches!(target.host(), Host::Name(_));
        while let Some(literals) = this.literals.as_mut().as_pin_mut() {
            let answer = ready!(literals.poll_next(cx));
            if !is_name {
                if answer.is_none() {
                    this.literals.set(None);
                }
                return Poll::Ready(answer.map(|answer| translate(answer, target)));
            }
            let kind = answer.as_ref().and_then(Answer::kind);
            let error = match answer.map(Answer::into_outcome) {
                Some(Ok(found)) => {
                    let Some(first) = found.first() else { continue };
                    let (setup, query) = (Arc::clone(this.setup), this.query.clone());
                    *this.name = Some(NameAnswers::new(setup, query, first.port()));
                    this.literals.set(None);
                    break;
                }
                Some(Err(error)) => error.into(),
                None => "no port was found for the service".into(),
            };
            this.literals.set(None);
            let kind = kind.unwrap_or(LookupErrorKind::UnknownService);
            let error = DnsError::incomplete(target.to_string(), kind, error);
            return Poll::Ready(Some(failed(
                query_records::addresses(this.query.families()),
                error,
            )));
        }
        match this.name {
            Some(name) => Pin::new(name).poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

/// Turns the answer of the resolver for literals into an answer of this crate. It keeps its kind.
fn translate<E: Into<BoxError>>(answer: Answer<SocketAddr, E>, target: &Target) -> DnsAnswer {
    let kind = answer.kind().unwrap_or(LookupErrorKind::Other);
    answer.map_err(|error| DnsError::incomplete(target.to_string(), kind, error.into()))
}
