//! Asks for the prefixes of the network's NAT64 (RFC 7050).

use std::net::{Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream as _;
use stagger::boxed::BoxResolver;
use stagger::drivers::lock;
use stagger::error::SharedError;
use stagger::resolve::{Families, Query, Record};
use stagger::{Resolver, Target};

use super::known::Moment;
use super::memory::Known;
use super::{Nat64, Nat64Prefix, NoPrefixShown};

/// The name that only synthesised AAAA have. The dot at its end keeps search lists away (RFC 7050
/// §3).
const NAME: &str = "ipv4only.arpa.";

/// How many of the AAAA are looked at: 64. The number is ours.
const MAX_READ: usize = 64;

type Answers = <BoxResolver<SocketAddr, SharedError> as Resolver>::Answers;

/// One discovery. It ends when the prefixes are known, also by another task's discovery.
pub(super) struct Discovery {
    nat64: Nat64,
    /// Absent before the first poll.
    asked: Option<Asked>,
    /// Whether the network changed during a first query.
    is_second: bool,
}

/// A query, and when it was sent.
struct Asked {
    answers: Answers,
    moment: Moment,
    /// The last failure that did not end the discovery.
    passing: Option<SharedError>,
}

impl Discovery {
    pub(super) fn new(nat64: Nat64) -> Self {
        Self { nat64, asked: None, is_second: false }
    }

    /// Yields the prefixes, or why there are none.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Known> {
        loop {
            if let Some(known) = self.nat64.known() {
                return Poll::Ready(known);
            }
            let asked = self.asked.get_or_insert_with(|| ask(&self.nat64));
            let displaced = lock(&self.nat64.memory).wait(cx.waker());
            drop(displaced);
            let (addrs, ttl, failure) = match ready!(Pin::new(&mut asked.answers).poll_next(cx)) {
                // A resolver may answer more than was asked.
                Some(answer)
                    if answer.is_provisional()
                        || !matches!(answer.record(), Record::Aaaa | Record::Addresses) =>
                {
                    if let Some(error) = answer.error() {
                        asked.passing = Some(error.clone());
                    }
                    continue;
                }
                Some(answer) => (ipv6(answer.addresses()), answer.ttl(), answer.error().cloned()),
                None => (Vec::new(), None, asked.passing.take()),
            };
            let prefixes = Nat64Prefix::discovered(addrs);
            let error = match prefixes.is_empty() {
                true => Some(failure.unwrap_or_else(|| SharedError::new(NoPrefixShown))),
                false => None,
            };
            let known = Known { prefixes, error };
            // The prefixes of the network before a change are not those of the next. A second
            // change ends the discovery, so it asks at most twice.
            if self.nat64.keep(known.clone(), ttl, &asked.moment) || self.is_second {
                return Poll::Ready(known);
            }
            (self.asked, self.is_second) = (None, true);
        }
    }
}

fn ask(nat64: &Nat64) -> Asked {
    let resolver = nat64.setup.discovery.as_ref();
    let resolver = resolver.expect("the prefixes are known without a discovery");
    let target = Target::new(NAME, "80").expect("the name is valid");
    let query = Query::new(target).with_families(Families::Ipv6);
    let moment = nat64.moment();
    Asked { answers: resolver.resolve(&query), moment, passing: None }
}

fn ipv6<'a>(addrs: impl Iterator<Item = &'a SocketAddr>) -> Vec<Ipv6Addr> {
    let ipv6 = addrs.filter_map(|addr| match addr {
        SocketAddr::V6(v6) => Some(*v6.ip()),
        SocketAddr::V4(_) => None,
    });
    ipv6.take(MAX_READ).collect()
}
