//! A resolver made from an async function.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::Answer;
use crate::Resolver;
use crate::resolve::{Query, Record};

/// A resolver made from an async function: see [`lookup_fn`].
#[derive(Clone, Copy)]
pub struct LookupFn<F>(F);

/// Makes a [`Resolver`] from an async function that takes a query and returns addresses.
///
/// The addresses are one answer of [`Record::Addresses`], in the function's order of preference. An
/// error is a failed answer. HTTPS records are answered negatively if the query
/// [asks](Query::https) for them, so no race waits for them.
///
/// The function is called at the first poll of the answers, not by [`Resolver::resolve`]. If the
/// answers come one by one, use [`resolver_fn`](crate::resolve::resolver_fn).
///
/// # Cancel safety
///
/// Dropping the answers drops the function's future.
///
/// # Examples
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
///
/// use stagger::Dialer;
/// use stagger::resolve::{Query, lookup_fn};
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ms};
///
/// /// Asks the program's own directory of services.
/// async fn directory(name: String) -> io::Result<Vec<SocketAddr>> {
///     match &*name {
///         "db" => Ok(vec!["[2001:db8::1]:5432".parse().unwrap(), "192.0.2.1:5432".parse().unwrap()]),
///         _ => Err(io::Error::new(io::ErrorKind::NotFound, "the directory has no such service")),
///     }
/// }
///
/// let resolver = lookup_fn(|query: Query| directory(query.target().host().to_string()));
///
/// let ledger = Ledger::new(&Clock::new());
/// let connector = ScriptedConnector::new(&ledger)
///     .at("[2001:db8::1]:5432", Fate::silent())
///     .at("192.0.2.1:5432", Fate::connects(ms(5)));
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
///
/// let connection = ledger.clock().run(dialer.connect("db:5432"))?;
/// assert_eq!(connection.name(), "192.0.2.1:5432");
///
/// let error = ledger.clock().run(dialer.connect("mail:25")).unwrap_err();
/// assert!(error.to_string().contains("the directory has no such service"));
/// # Ok::<_, stagger::Error>(())
/// ```
pub fn lookup_fn<F, L, I, E>(lookup: F) -> LookupFn<F>
where
    F: Fn(Query) -> L + Clone,
    L: Future<Output = Result<I, E>>,
    I: IntoIterator,
{
    LookupFn(lookup)
}

impl<F, L, I, E> Resolver for LookupFn<F>
where
    F: Fn(Query) -> L + Clone,
    L: Future<Output = Result<I, E>>,
    I: IntoIterator,
{
    type Address = I::Item;
    type Error = E;
    type Answers = LookupFnAnswers<F, L>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let state = State::Due { lookup: self.0.clone(), query: query.clone() };
        LookupFnAnswers { state, https: query.https() }
    }
}

impl<F> fmt::Debug for LookupFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupFn").finish_non_exhaustive()
    }
}

pin_project! {
    /// The answers of a [`lookup_fn`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the function's future.
    #[must_use = "streams do nothing unless polled"]
    pub struct LookupFnAnswers<F, L> {
        #[pin]
        state: State<F, L>,
        // Whether HTTPS records must still be answered.
        https: bool,
    }
}

pin_project! {
    #[project = StateProjection]
    #[project_replace = StateReplaced]
    enum State<F, L> {
        Due { lookup: F, query: Query },
        Running { #[pin] lookup: L },
        Over,
    }
}

impl<F, L, I, E> Stream for LookupFnAnswers<F, L>
where
    F: Fn(Query) -> L,
    L: Future<Output = Result<I, E>>,
    I: IntoIterator,
{
    type Item = Answer<I::Item, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let StateProjection::Due { .. } = this.state.as_mut().project() {
            let due = this.state.as_mut().project_replace(State::Over);
            let StateReplaced::Due { lookup, query } = due else { unreachable!("it was due") };
            this.state.set(State::Running { lookup: lookup(query) });
        }
        if std::mem::take(this.https) {
            return Poll::Ready(Some(Answer::negative(Record::Https)));
        }
        let StateProjection::Running { lookup } = this.state.as_mut().project() else {
            return Poll::Ready(None);
        };
        let outcome = ready!(lookup.poll(cx));
        this.state.set(State::Over);
        Poll::Ready(Some(match outcome {
            Ok(addresses) => Answer::found(Record::Addresses, addresses),
            Err(error) => Answer::failed(Record::Addresses, error),
        }))
    }
}

impl<F, L> fmt::Debug for LookupFnAnswers<F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupFnAnswers").finish_non_exhaustive()
    }
}
