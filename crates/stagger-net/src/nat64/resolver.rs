//! A resolver that turns synthesised addresses back into IPv4.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::drivers::lock;
use stagger::resolve::{Families, Query};
use stagger::sort::{AnswerSorter, Sorter};
use stagger::target::Host;
use stagger::{Answer, Resolver};

use super::discovery::Discovery;
use super::known::synthesised;
use super::{Nat64, Nat64Prefix, Sources};
use crate::lookup::Localhost;

/// A resolver that turns synthesised addresses back into IPv4. Where a [`Nat64`] is needed, it
/// makes lookups ask for A.
///
/// - An IPv6 address inside a known prefix, or inside the well-known one, becomes the IPv4 address
///   in it. An address with a bit set after the IPv4 address is native, and stays as it is. If the
///   answer is sorted, its addresses are sorted again by RFC 6724, or by
///   [`with_sorter`](Self::with_sorter). The race takes equal addresses of A and AAAA as one.
/// - If the machine needs a NAT64, the prefixes are discovered in the same poll as the first query,
///   and the query has [`Query::nat64`]. Later queries have it too, also after a failed discovery:
///   the error of the attempt at an IPv4 address has the cause.
/// - A query for IPv6 alone passes unchanged, and so do its answers. Its synthesised addresses
///   would otherwise be of the wrong family.
///
/// Put it around the resolver that asks name servers, and inside a
/// [`SortedResolver`](stagger::resolve::SortedResolver).
///
/// # Cancel safety
///
/// Dropping the answers abandons the lookup and the discovery.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use futures_lite::StreamExt as _;
/// use stagger::resolve::{Query, Record};
/// use stagger::{Resolver as _, Target};
/// use stagger_net::nat64::{Nat64, Nat64Resolver};
/// use stagger_testkit::{Clock, Ledger, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock().clone();
/// let found: [SocketAddr; 1] = ["[64:ff9b::c000:221]:443".parse()?];
/// let inner = ScriptedResolver::new(&ledger).finds(ms(5), Record::Aaaa, found);
///
/// let resolver = Nat64Resolver::new(inner, Nat64::new(clock.clone()));
/// let query = Query::new(Target::parse("example.com:443")?);
/// let answer = clock.run(resolver.resolve(&query).next()).unwrap();
/// assert!(answer.addresses().eq([&"192.0.2.33:443".parse()?]));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Nat64Resolver<R> {
    /// Shared, because it is asked at the first poll.
    resolver: Arc<R>,
    nat64: Nat64,
    sorter: Arc<Sorter>,
}

impl<R> Nat64Resolver<R> {
    /// Puts a NAT64 around this resolver.
    pub fn new(resolver: R, nat64: Nat64) -> Self {
        Self { resolver: Arc::new(resolver), nat64, sorter: Arc::default() }
    }

    /// Sets the sorter for sorted answers that have changed, in place of RFC 6724's.
    pub fn with_sorter(mut self, sorter: Sorter) -> Self {
        self.sorter = Arc::new(sorter);
        self
    }

    /// The sorter for sorted answers that have changed.
    pub fn sorter(&self) -> &Sorter {
        &self.sorter
    }

    /// The inner resolver.
    pub fn resolver(&self) -> &R {
        &self.resolver
    }

    /// The NAT64.
    pub fn nat64(&self) -> &Nat64 {
        &self.nat64
    }
}

impl<R> Clone for Nat64Resolver<R> {
    fn clone(&self) -> Self {
        Self {
            resolver: Arc::clone(&self.resolver),
            nat64: self.nat64.clone(),
            sorter: Arc::clone(&self.sorter),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Nat64Resolver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nat64Resolver")
            .field("resolver", &self.resolver)
            .field("nat64", &self.nat64)
            .finish_non_exhaustive()
    }
}

impl<R: Resolver<Address = SocketAddr>> Resolver for Nat64Resolver<R> {
    type Address = SocketAddr;
    type Error = R::Error;
    type Answers = Nat64Answers<R>;

    fn resolve(&self, query: &Query) -> Nat64Answers<R> {
        let lookup = AnswerSorter::new(self.nat64.setup.sources.clone());
        Nat64Answers {
            due: Some((Arc::clone(&self.resolver), query.clone())),
            answers: None,
            discovery: None,
            awaits_prefix: false,
            reading: Reading {
                nat64: self.nat64.clone(),
                families: query.families(),
                sorter: Arc::clone(&self.sorter),
                lookup,
            },
        }
    }
}

/// Whether a query may lead to an IPv4 address beyond this machine.
fn may_need(query: &Query) -> bool {
    let Host::Name(name) = query.target().host() else { return false };
    let name = name.ascii();
    let absolute = name.strip_suffix('.').unwrap_or(name);
    // The discovery may use a resolver that is wrapped itself.
    query.families() != Families::Ipv6
        && Localhost::of(name).is_none()
        && absolute != "ipv4only.arpa"
}

pin_project! {
    /// The answers of a [`Nat64Resolver`].
    ///
    /// The answers end after the discovery if the lookup finds an IPv4 address that needs a prefix.
    /// An attempt at such an address waits for the discovery.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup and the discovery.
    #[must_use = "streams do nothing unless polled"]
    pub struct Nat64Answers<R>
    where
        R: Resolver,
    {
        // Present before the first poll.
        due: Option<(Arc<R>, Query)>,
        // Absent before the first poll, and after the lookup's end.
        #[pin]
        answers: Option<R::Answers>,
        discovery: Option<Discovery>,
        awaits_prefix: bool,
        reading: Reading,
    }
}

/// Reads the answers of one lookup.
struct Reading {
    nat64: Nat64,
    families: Families,
    sorter: Arc<Sorter>,
    lookup: AnswerSorter<Sources>,
}

impl Reading {
    /// Whether an attempt at this address waits for the discovery.
    fn awaits_prefix(&self, addr: &SocketAddr) -> bool {
        match addr {
            SocketAddr::V4(ipv4) => {
                !self.nat64.is_native(*ipv4) && self.nat64.synthesise(*ipv4, &[]).is_none()
            }
            SocketAddr::V6(_) => false,
        }
    }

    fn read<E>(&mut self, answer: Answer<SocketAddr, E>) -> Answer<SocketAddr, E> {
        if self.families == Families::Ipv6 || answer.is_empty() {
            return answer;
        }
        let known = self.nat64.prefixes();
        let was_sorted = answer.is_sorted();
        let mut has_changed = false;
        let answer = answer.map_addresses(|addr| match ipv4_inside(&addr, &known) {
            Some((ipv4, prefix)) => {
                has_changed = true;
                lock(&self.nat64.memory).mark(*ipv4.ip(), prefix);
                ipv4.into()
            }
            None => addr,
        });
        match (was_sorted, has_changed) {
            (false, _) => answer,
            // It is noted, for the family that leads.
            (true, false) => self.lookup.sort(answer, &self.sorter),
            (true, true) => self.lookup.sort(answer.with_sorted(false), &self.sorter),
        }
    }
}

fn ipv4_inside(addr: &SocketAddr, known: &[Nat64Prefix]) -> Option<(SocketAddrV4, Nat64Prefix)> {
    let SocketAddr::V6(v6) = addr else { return None };
    let (ipv4, prefix) = synthesised(*v6.ip(), known)?;
    Some((SocketAddrV4::new(ipv4, v6.port()), prefix))
}

impl<R: Resolver<Address = SocketAddr>> Stream for Nat64Answers<R> {
    type Item = Answer<SocketAddr, R::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some((resolver, query)) = this.due.take() {
            let nat64 = &this.reading.nat64;
            let known = (may_need(&query) && nat64.is_needed()).then(|| nat64.known());
            let needs_a = known.as_ref().is_some_and(|known| {
                known.as_ref().is_none_or(|known| {
                    // After a failed discovery, the attempt at the IPv4 address fails with the
                    // cause. Without A, the error would be that the name has no address.
                    !known.prefixes.is_empty() || known.error.is_some()
                })
            });
            *this.discovery = matches!(known, Some(None)).then(|| Discovery::new(nat64.clone()));
            this.answers.set(Some(resolver.resolve(&query.with_nat64(needs_a))));
        }
        // It comes first, because it may bring the prefix of an answer.
        if this.discovery.as_mut().is_some_and(|it| it.poll(cx).is_ready()) {
            *this.discovery = None;
        }
        if let Some(answers) = this.answers.as_mut().as_pin_mut() {
            match answers.poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(answer)) => {
                    let answer = this.reading.read(answer);
                    *this.awaits_prefix |= this.discovery.is_some()
                        && answer.addresses().any(|addr| this.reading.awaits_prefix(addr));
                    return Poll::Ready(Some(answer));
                }
                Poll::Ready(None) => this.answers.set(None),
            }
        }
        match this.discovery {
            Some(_) if *this.awaits_prefix => Poll::Pending,
            _ => Poll::Ready(None),
        }
    }
}

impl<R: Resolver> fmt::Debug for Nat64Answers<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let discovers = self.discovery.is_some();
        f.debug_struct("Nat64Answers").field("discovers", &discovers).finish_non_exhaustive()
    }
}
