//! One lookup: the addresses of one record, at the end of all aliases.

use std::future::Future;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hickory_proto::rr::Name;
use pin_project_lite::pin_project;
use stagger::Timer;
use stagger::resolve::{Families, Record};
use stagger_net::lookup::Localhost;
use stagger_net::reactor::ReactorMark;

use crate::client::{Ask, Client};
use crate::error::{Cause, DnsError, Trouble};
use crate::message::{Chain, Verdict};
use crate::network::Network;
use crate::question::{Question, shown};
use crate::special::Special;

/// The addresses that a lookup found, and how long they may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// At least one address.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) ttl: Duration,
    /// The server that answered, if one did.
    pub(crate) server: Option<SocketAddr>,
    /// How much of the resolution delay is spent. Not remembered.
    pub(crate) delay_spent: Duration,
}

impl Found {
    /// Addresses of no server, with nothing of the resolution delay spent.
    pub(crate) fn new(addresses: Vec<IpAddr>, ttl: Duration) -> Self {
        Self { addresses, ttl, server: None, delay_spent: Duration::ZERO }
    }
}

/// How a lookup ended. An outcome without addresses is an error, which may have a TTL.
pub(crate) type Outcome = Result<Found, DnsError>;

/// Begins lookups. A source that joins equal lookups, or remembers their outcomes, wraps another
/// source.
pub(crate) trait Lookups {
    type Lookup: Future<Output = Outcome>;

    /// Begins the lookup of `question`. It does nothing before it is polled, and dropping it
    /// abandons it.
    fn look_up(&self, question: &Question) -> Self::Lookup;

    /// The outcome, if it is remembered.
    fn known(&self, question: &Question) -> Option<Outcome>;

    /// Marks the reactor that would have the sockets of a lookup polled now.
    fn reactor(&self) -> ReactorMark;
}

impl<N: Network, T: Timer> Lookups for Client<N, T> {
    type Lookup = Lookup<N, T>;

    fn look_up(&self, question: &Question) -> Lookup<N, T> {
        Lookup {
            client: self.clone(),
            chain: Chain::new(question.name.clone()),
            question: question.clone(),
            ask: None,
            has_begun: false,
        }
    }

    fn known(&self, _: &Question) -> Option<Outcome> {
        None
    }

    fn reactor(&self) -> ReactorMark {
        self.reactor()
    }
}

pin_project! {
    /// One lookup over the network.
    ///
    /// Aliases are followed within each reply, and where a reply ends in one, by asking for that
    /// name.
    pub(crate) struct Lookup<N, T>
    where
        N: Network,
        T: Timer,
    {
        client: Client<N, T>,
        question: Question,
        chain: Chain,
        #[pin]
        ask: Option<Ask<N, T>>,
        has_begun: bool,
    }
}

impl<N: Network, T: Timer> Future for Lookup<N, T> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut this = self.project();
        let question = &*this.question;
        if !mem::replace(this.has_begun, true)
            && let Some(error) = this.client.known_failure(question)
        {
            return Poll::Ready(Err(error));
        }
        loop {
            if this.ask.is_none() {
                // An alias leads to a name that is never asked for.
                if this.chain.aliases() > 0
                    && let Some(outcome) = special(this.chain.last(), question)
                {
                    return Poll::Ready(outcome);
                }
                let next = Question::new(this.chain.last().clone(), question.record);
                this.ask.set(Some(this.client.ask(next)));
            }
            let mut ask = this.ask.as_mut().as_pin_mut().expect("it was set");
            let reply = match ready!(ask.as_mut().poll_reply(cx)) {
                Ok(reply) => reply,
                Err(servers) => {
                    let error = DnsError::servers_failed(question, servers);
                    this.client.note_failure(question, &error);
                    return Poll::Ready(Err(error));
                }
            };
            let outcome = match reply.follow(this.chain) {
                Verdict::Found { addresses, ttl } => Ok(Found::new(addresses, ttl)),
                Verdict::NotFound { ttl } => {
                    Err(DnsError::negative(question, Cause::NotFound, ttl))
                }
                Verdict::NoAddress { ttl } => {
                    Err(DnsError::negative(question, Cause::NoAddress, ttl))
                }
                Verdict::Circle => Err(DnsError::new(question, Cause::Circle)),
                Verdict::TooLong => Err(DnsError::new(question, Cause::TooManyAliases)),
                Verdict::AskOn => {
                    ask.accept();
                    this.ask.set(None);
                    continue;
                }
                Verdict::TooMuch => {
                    ask.fail(Trouble::Malformed("it has too many records"));
                    continue;
                }
            };
            let server = Some(ask.accept());
            this.client.note_answer(question);
            this.ask.set(None);
            return Poll::Ready(outcome.map(|found| Found { server, ..found }));
        }
    }
}

/// The outcome of a lookup that an alias leads to `name`, if no server may be asked for that:
/// `localhost` and what is below it (RFC 6761 §6.3), or a name that does not exist in DNS.
fn special(name: &Name, question: &Question) -> Option<Outcome> {
    let text = shown(name).to_ascii_lowercase();
    if Localhost::of(&text).is_some() {
        let families = match question.record {
            Record::A => Families::Ipv4,
            _ => Families::Ipv6,
        };
        let addresses = Localhost::addresses(families).collect();
        return Some(Ok(Found::new(addresses, Duration::ZERO)));
    }
    let error = || DnsError::new(question, Cause::NotFound);
    (Special::of(&format!("{text}.")) == Some(Special::Nothing)).then(|| Err(error()))
}
