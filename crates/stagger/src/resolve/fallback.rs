//! A resolver that asks others in order, until one has addresses.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::Answer;
use crate::Resolver;
use crate::resolve::Query;

/// At most this many answers without addresses are read from a resolver in one lookup: 64. Then it
/// counts as a resolver without addresses, so a hostile resolver stays cheap. The number is ours;
/// an honest resolver returns at most three.
const MAX_EMPTY: usize = 64;

/// A resolver that asks several resolvers in order, until one has addresses. The rules are ours:
///
/// 1. The next resolver is asked when the one before it has ended without any address. It may have
///    failed, or have found no address.
/// 2. A resolver that has found an address is the last resolver to be asked, even if one of its
///    lookups fails.
/// 3. Failures and negative answers of a passed resolver are returned when it has ended, as
///    [provisional](Answer::with_provisional) answers. So the report has them, and the race waits for the next resolver as
///    it waited for the first.
/// 4. Until then they are held, because nothing shows earlier that another resolver will be asked.
///    They are lost if the connect ends while that resolver is still silent about the rest.
/// 5. Answers of the last resolver are returned at once.
///
/// A silent resolver delays the rest. Put a [`ResolverTimeout`](crate::resolve::ResolverTimeout) around each resolver except the
/// last. To ask all resolvers at once, use [`Fastest`](crate::resolve::Fastest).
///
/// All resolvers have one type, which can be [`BoxResolver`](crate::boxed::BoxResolver). This resolver has no clock, so the
/// report shows every query as sent at the beginning. Without any resolver every record is answered
/// negatively.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::resolve::{Fallback, Record};
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock();
/// let first = ScriptedResolver::<Place>::new(&ledger).fails(ms(20), Record::Addresses);
/// let second = ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v4"]);
/// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
/// let dialer = Dialer::new(Fallback::new([first, second]), connector, clock.clone());
///
/// let connect = dialer.connect("example.com:443").with_report();
/// let (_, report) = clock.run(connect)?;
/// assert_eq!(ledger.starts(), [(ms(25), "v4")]);
/// let failure = report.queries()[0].error.as_ref().unwrap();
/// assert_eq!(failure.to_string(), "all lookup failed");
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fallback<R> {
    resolvers: Arc<[R]>,
}

impl<R> Fallback<R> {
    /// Creates a resolver that asks these resolvers in this order.
    pub fn new(resolvers: impl IntoIterator<Item = R>) -> Self {
        Self { resolvers: resolvers.into_iter().collect() }
    }
}

impl<R: Resolver> Resolver for Fallback<R> {
    type Address = R::Address;
    type Error = R::Error;
    type Answers = FallbackAnswers<R>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let mut told = VecDeque::new();
        if self.resolvers.is_empty() {
            told.extend(query.wanted().records().map(Answer::negative));
        }
        FallbackAnswers {
            resolvers: Arc::clone(&self.resolvers),
            query: query.clone(),
            asked: 0,
            answers: None,
            found: false,
            held: VecDeque::new(),
            told,
        }
    }
}

pin_project! {
    /// The answers of a [`Fallback`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup in progress.
    #[must_use = "streams do nothing unless polled"]
    pub struct FallbackAnswers<R>
    where
        R: Resolver,
    {
        resolvers: Arc<[R]>,
        query: Query,
        // The number of resolvers that have been asked.
        asked: usize,
        // The answers of the last resolver that was asked.
        #[pin]
        answers: Option<R::Answers>,
        // It has found an address.
        found: bool,
        // Its answers so far, if none of them has an address.
        held: VecDeque<Answer<R::Address, R::Error>>,
        // The answers to return before any resolver is polled again.
        told: VecDeque<Answer<R::Address, R::Error>>,
    }
}

impl<R: Resolver> Stream for FallbackAnswers<R> {
    type Item = Answer<R::Address, R::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(answer) = this.told.pop_front() {
                return Poll::Ready(Some(answer));
            }
            let is_last = *this.found || *this.asked == this.resolvers.len();
            let Some(answers) = this.answers.as_mut().as_pin_mut() else {
                if is_last {
                    return Poll::Ready(None);
                }
                this.answers.set(Some(this.resolvers[*this.asked].resolve(this.query)));
                *this.asked += 1;
                continue;
            };
            match ready!(answers.poll_next(cx)) {
                // No answer can follow a final failure.
                Some(answer) if is_last || answer.is_final() => {
                    return Poll::Ready(Some(answer));
                }
                Some(answer) if answer.is_empty() && this.held.len() < MAX_EMPTY => {
                    this.held.push_back(answer);
                }
                Some(answer) if !answer.is_empty() => {
                    *this.found = true;
                    this.told.append(this.held);
                    this.told.push_back(answer);
                }
                _ => {
                    this.answers.set(None);
                    this.told
                        .extend(this.held.drain(..).map(|answer| answer.with_provisional(true)));
                }
            }
        }
    }
}

impl<R: Resolver> fmt::Debug for FallbackAnswers<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackAnswers")
            .field("asked", &self.asked)
            .field("of", &self.resolvers.len())
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}
