//! Asks for the prefixes of the network's NAT64 (RFC 7050).

use std::net::{Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream as _;
use stagger::boxed::BoxResolver;
use stagger::drivers::lock;
use stagger::error::SharedError;
use stagger::resolve::{Families, Query, Record};
use stagger::{Resolver, Target};

use super::{Nat64, Nat64Prefix};

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
    answers: Option<Answers>,
}

impl Discovery {
    pub(super) fn new(nat64: Nat64) -> Self {
        Self { nat64, answers: None }
    }

    /// Yields the prefixes.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Nat64Prefix>> {
        loop {
            if let Some(known) = self.nat64.known() {
                return Poll::Ready(known);
            }
            let answers = self.answers.get_or_insert_with(|| {
                let resolver = self.nat64.setup.discovery.as_ref();
                let target = Target::new(NAME, "80").expect("the name is valid");
                let query = Query::new(target).with_families(Families::Ipv6);
                resolver.expect("the prefixes are known without a discovery").resolve(&query)
            });
            lock(&self.nat64.memory).wait(cx.waker());
            let (addrs, ttl) = match ready!(Pin::new(answers).poll_next(cx)) {
                Some(answer) if answer.is_provisional() => continue,
                Some(answer) if answer.record() == Record::Https => continue,
                Some(answer) => (ipv6(answer.addresses()), answer.ttl()),
                None => (Vec::new(), None),
            };
            return Poll::Ready(self.end(addrs, ttl));
        }
    }

    fn end(&mut self, addrs: Vec<Ipv6Addr>, ttl: Option<Duration>) -> Vec<Nat64Prefix> {
        let prefixes = Nat64Prefix::discovered(addrs);
        self.nat64.keep(prefixes.clone(), ttl);
        prefixes
    }
}

fn ipv6<'a>(addrs: impl Iterator<Item = &'a SocketAddr>) -> Vec<Ipv6Addr> {
    let ipv6 = addrs.filter_map(|addr| match addr {
        SocketAddr::V6(v6) => Some(*v6.ip()),
        SocketAddr::V4(_) => None,
    });
    ipv6.take(MAX_READ).collect()
}
