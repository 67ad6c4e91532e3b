//! Resolvers one after another, until one has addresses.

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

/// How many answers without addresses a resolver may give in one lookup before it counts as one
/// that has none: a hostile one stays cheap. The number is ours; an honest one gives three at most.
const MAX_EMPTY: usize = 64;

/// A resolver that asks several, one after another, until one has addresses.
///
/// The next is asked when the one before it has ended without any address, be it that it failed or
/// that it knows of none. One that has found an address is the last to be asked, even if one of
/// its lookups fails. So a resolver that is silent holds up the rest: put a
/// [`ResolverTimeout`](crate::resolve::ResolverTimeout) round each but the last. To ask all at once there is
/// [`Fastest`](crate::resolve::Fastest).
///
/// Nothing that a resolver says is lost. Of one that is passed over every failure and every
/// negative answer is answered when it has ended, as [provisional](Answer::with_provisional), so that they are
/// in the report and the race waits for the next resolver no less than for the first. Until then
/// they are held back, for only then is it known that they are not the last word; they are lost if
/// the connect is given up while that resolver is still silent about the rest. What the last one
/// says is passed on at once.
///
/// All resolvers are of one type, for which a [`BoxResolver`](crate::boxed::BoxResolver) can stand. There
/// is no clock in this, so the report has every question asked at the beginning. Without any
/// resolver every record is answered negatively. The rules are ours.
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
    /// Asks these resolvers in this order.
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
    /// What a [`Fallback`] answers.
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
        // How many resolvers have been asked.
        asked: usize,
        // Of the one asked last.
        #[pin]
        answers: Option<R::Answers>,
        // It has found an address.
        found: bool,
        // What it has said without having found one.
        held: VecDeque<Answer<R::Address, R::Error>>,
        // What is to be passed on before anybody is polled again.
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
                // Nothing can follow what ends the race.
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
