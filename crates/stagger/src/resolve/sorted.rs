//! A resolver that sorts answers in the order of RFC 6724.

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

/// A resolver that sorts the answers of another resolver by RFC 6724 §6.
///
/// Use it around a resolver that asks name servers, because their addresses have no meaningful
/// order. Each answer is sorted separately when it comes, and is then marked as [sorted](Answer::with_sorted). No
/// answer waits for another. Two kinds of answers pass unchanged:
///
/// - an answer that is already sorted, as the system's answers are;
/// - an answer of service bindings, because only the resolver knows their order (RFC 9460 §2.4.1).
///
/// If A and AAAA come in separate answers, the second answer also sets the leading family. It is
/// the family of the first address when both answers are sorted together. So IPv4 leads if IPv6 has
/// no route, although IPv6 is preferred. Attempts that have already started are not affected.
///
/// Put it around a [`CachedResolver`](crate::resolve::CachedResolver) and not inside. The order depends on the current routes,
/// and a cache would keep it after they have changed. Around [`Fastest`](crate::resolve::Fastest) it compares A of one
/// resolver with AAAA of another.
///
/// The seam [`SourceAddresses`] gives the source addresses. Each lookup makes its own when its
/// first address comes, so it never uses the results of an earlier lookup. It is called once for
/// each address, in the poll in which the address's answer comes.
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
    /// Creates a resolver that sorts this resolver's answers with the default table. `sources`
    /// makes the source addresses of a lookup.
    pub fn new(resolver: R, sources: F) -> Self {
        Self { resolver, sorter: Arc::default(), sources }
    }

    /// Sets the sorter, for example a sorter with another table.
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

/// The source addresses of one lookup of a [`SortedResolver`], made at the first call.
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
    /// The answers of a [`SortedResolver`].
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
