//! Answers put in the order of RFC 6724.

use std::cell::OnceCell;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::Answer;
use crate::Resolver;
use crate::resolve::Query;
use crate::sort::{AnswerSorter, Sorter, SourceAddress, SourceAddresses};

/// A resolver that sorts what another answers by RFC 6724 §6.
///
/// It is for a resolver that asks name servers itself, whose addresses stand in no order that means
/// anything. Each answer is sorted by itself, as it comes, and is [sorted](Answer::with_sorted) then. An
/// answer that is sorted already, as the system's are, passes untouched; so does one of service
/// bindings, whose order only the resolver knows (RFC 9460 §2.4.1). Nothing waits for anything.
///
/// Where A and AAAA are answered apart, the one that comes second also says which family leads:
/// that of the first address of both, sorted together. So IPv4 leads where IPv6 has no route,
/// though IPv6 is preferred. What has already been tried by then has been.
///
/// Put it round a [`CachedResolver`](crate::resolve::CachedResolver) and not into one: the order is for the
/// routes of the moment, and what is kept would keep it when they have changed. Round
/// [`Fastest`](crate::resolve::Fastest) it compares A of one resolver with AAAA of another.
///
/// Where the source addresses come from is a seam, [`SourceAddresses`]. Each lookup has its own, made when
/// its first address comes, so a lookup never uses what an earlier lookup found out. They are asked
/// once for each address, in the poll in which its answer comes.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use stagger::sort::SourceAddress;
/// use stagger::Dialer;
/// use stagger::resolve::{Record, SortedResolver};
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
///
/// // No IPv6 beyond the machine's own link.
/// let sources = |destination: &SocketAddr| {
///     let source = if destination.is_ipv6() { "fe80::1" } else { "198.51.100.117" };
///     Some(SourceAddress::new(source.parse().unwrap()))
/// };
/// let ledger = Ledger::new(&Clock::new());
/// let found = ["[2001:db8::1]:443", "192.0.2.1:443"].map(|text| text.parse::<SocketAddr>().unwrap());
/// let inner = ScriptedResolver::<SocketAddr>::new(&ledger).finds(ms(5), Record::Addresses, found);
/// let connector = ScriptedConnector::new(&ledger).at("192.0.2.1:443", Fate::connects(ms(10)));
/// let resolver = SortedResolver::new(inner, || sources);
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
///
/// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
/// assert_eq!(ledger.starts(), [(ms(5), "192.0.2.1:443")]);
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone)]
pub struct SortedResolver<R, F> {
    resolver: R,
    sorter: Arc<Sorter>,
    sources: F,
}

impl<R, F> SortedResolver<R, F> {
    /// Sorts what this resolver answers with the default table. `sources` makes the source
    /// addresses of a lookup.
    pub fn new(resolver: R, sources: F) -> Self {
        Self { resolver, sorter: Arc::default(), sources }
    }

    /// Sorts with this sorter: with another table, say.
    pub fn with_sorter(mut self, sorter: Sorter) -> Self {
        self.sorter = Arc::new(sorter);
        self
    }

    /// The sorter.
    pub fn sorter(&self) -> &Sorter {
        &self.sorter
    }
}

impl<R: fmt::Debug, F> fmt::Debug for SortedResolver<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SortedResolver")
            .field("resolver", &self.resolver)
            .field("sorter", &self.sorter)
            .finish_non_exhaustive()
    }
}

impl<R, F, S> Resolver for SortedResolver<R, F>
where
    R: Resolver<Address = SocketAddr>,
    F: Fn() -> S + Clone,
    S: SourceAddresses,
{
    type Address = SocketAddr;
    type Error = R::Error;
    type Answers = SortedAnswers<R::Answers, LazySourceAddresses<F, S>>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let answers = self.resolver.resolve(query);
        let sources = LazySourceAddresses { make: self.sources.clone(), made: OnceCell::new() };
        let lookup = AnswerSorter::new(sources);
        SortedAnswers { answers, sorter: Arc::clone(&self.sorter), lookup }
    }
}

/// The source addresses of one lookup of a [`SortedResolver`], made when they are first asked.
#[derive(Clone)]
pub struct LazySourceAddresses<F, S> {
    make: F,
    made: OnceCell<S>,
}

impl<F: Fn() -> S, S: SourceAddresses> SourceAddresses for LazySourceAddresses<F, S> {
    fn source(&self, destination: &SocketAddr) -> Option<SourceAddress> {
        self.made.get_or_init(&self.make).source(destination)
    }
}

impl<F, S> fmt::Debug for LazySourceAddresses<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazySourceAddresses").finish_non_exhaustive()
    }
}

pin_project! {
    /// What a [`SortedResolver`] answers.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup.
    #[must_use = "streams do nothing unless polled"]
    pub struct SortedAnswers<A, S> {
        #[pin]
        answers: A,
        sorter: Arc<Sorter>,
        lookup: AnswerSorter<S>,
    }
}

impl<A, S, E> Stream for SortedAnswers<A, S>
where
    A: Stream<Item = Answer<SocketAddr, E>>,
    S: SourceAddresses,
{
    type Item = Answer<SocketAddr, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let Some(answer) = ready!(this.answers.poll_next(cx)) else { return Poll::Ready(None) };
        Poll::Ready(Some(this.lookup.sort(answer, this.sorter)))
    }
}

impl<A, S> fmt::Debug for SortedAnswers<A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SortedAnswers").field("sorter", &self.sorter).finish_non_exhaustive()
    }
}
