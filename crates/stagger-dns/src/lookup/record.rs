//! One lookup: the addresses of one record, at the end of all aliases.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hickory_proto::rr::Name;
use pin_project_lite::pin_project;
use stagger::Timer;
use stagger::resolve::{Families, Record};
use stagger_net::lookup::Localhost;
use stagger_net::reactor::ReactorMark;

use super::service::{FoundAddresses, LookupResult, LookupService};
use crate::client::{AskServers, Client};
use crate::dns_error::{Cause, DnsError, Trouble};
use crate::message::{AliasChain, ChainResult};
use crate::network::seam::Network;
use crate::question::{Question, shown};
use crate::special_name::SpecialName;

impl<N: Network, T: Timer> LookupService for Client<N, T> {
    type Lookup = RecordLookup<N, T>;

    fn look_up(&self, question: &Question) -> RecordLookup<N, T> {
        RecordLookup {
            client: self.clone(),
            chain: AliasChain::new(question.name.clone()),
            question: question.clone(),
            ask: None,
            has_begun: false,
        }
    }

    fn known(&self, _: &Question) -> Option<LookupResult> {
        None
    }

    fn reactor(&self) -> ReactorMark {
        self.reactor()
    }
}

pin_project! {
    /// One lookup over the network.
    ///
    /// It follows the aliases within each reply. If a reply ends in an alias, it asks for that
    /// name.
    pub(crate) struct RecordLookup<N, T>
    where
        N: Network,
        T: Timer,
    {
        client: Client<N, T>,
        question: Question,
        chain: AliasChain,
        #[pin]
        ask: Option<AskServers<N, T>>,
        has_begun: bool,
    }
}

impl<N: Network, T: Timer> Future for RecordLookup<N, T> {
    type Output = LookupResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LookupResult> {
        let mut this = self.project();
        let question = &*this.question;
        if !mem::replace(this.has_begun, true)
            && let Some(error) = this.client.known_failure(question)
        {
            return Poll::Ready(Err(error));
        }
        loop {
            if this.ask.is_none() {
                // Names that an alias leads to may be ones that are never asked for.
                if this.chain.aliases() > 0
                    && let Some(result) = special(this.chain.last(), question)
                {
                    return Poll::Ready(result);
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
            let result = match reply.follow(this.chain) {
                ChainResult::Found { addresses, ttl } => Ok(FoundAddresses::new(addresses, ttl)),
                ChainResult::NotFound { ttl } => {
                    Err(DnsError::negative(question, Cause::NotFound, ttl))
                }
                ChainResult::NoAddress { ttl } => {
                    Err(DnsError::negative(question, Cause::NoAddress, ttl))
                }
                ChainResult::Circle => Err(DnsError::new(question, Cause::Circle)),
                ChainResult::TooLong => Err(DnsError::new(question, Cause::TooManyAliases)),
                ChainResult::AskOn => {
                    ask.accept();
                    this.ask.set(None);
                    continue;
                }
                ChainResult::TooMuch => {
                    ask.fail(Trouble::Malformed("it has too many records"));
                    continue;
                }
            };
            let server = Some(ask.accept());
            this.client.note_answer(question);
            this.ask.set(None);
            return Poll::Ready(result.map(|found| FoundAddresses { server, ..found }));
        }
    }
}

/// The result of a lookup whose alias leads to `name`, if no server may be asked for `name`.
///
/// These names are `localhost`, the names below it (RFC 6761 §6.3), and names that do not exist in
/// DNS.
fn special(name: &Name, question: &Question) -> Option<LookupResult> {
    let text = shown(name).to_ascii_lowercase();
    if Localhost::of(&text).is_some() {
        let families = match question.record {
            Record::A => Families::Ipv4,
            _ => Families::Ipv6,
        };
        let addresses = Localhost::addresses(families).collect();
        return Some(Ok(FoundAddresses::new(addresses, Duration::ZERO)));
    }
    match SpecialName::of(&format!("{text}.")) {
        Some(special @ SpecialName::Nonexistent(_)) => {
            Some(Err(DnsError::new(question, Cause::NeverAsked(special))))
        }
        _ => None,
    }
}
