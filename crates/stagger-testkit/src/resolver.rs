//! A resolver whose answers are scripted by time.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use stagger::resolve::{Query, Record};
use stagger::{Answer, Resolver, Timer};

use crate::clock::Sleep;
use crate::life::Life;
use crate::{Clock, Ledger, LedgerStep, Place, ScriptedError};

/// A [`Resolver`] that gives every query the same answers, each at its time after the lookup's
/// first poll. The answers end with the last answer, unless the script sets another end.
///
/// Its addresses are [`Place`]s unless its type has others, such as [`SocketAddr`](std::net::SocketAddr).
///
/// # Examples
///
/// ```
/// use stagger::resolve::Record;
/// use stagger_testkit::{Clock, Ledger, ScriptedResolver, ms};
///
/// // AAAA comes first, A later; then nothing more is said, but no end either.
/// let resolver: ScriptedResolver = ScriptedResolver::new(&Ledger::new(&Clock::new()))
///     .finds(ms(3), Record::Aaaa, ["v6a", "v6b"])
///     .finds(ms(20), Record::A, ["v4"])
///     .never_ends();
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedResolver<A = Place> {
    ledger: Ledger,
    /// The answers in order of time.
    answers: VecDeque<(Duration, Answer<A, ScriptedError>)>,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    WithLastAnswer,
    At(Duration),
    Never,
}

impl<A> ScriptedResolver<A> {
    /// Creates a resolver on the ledger's clock, without answers: its lookups end at once.
    pub fn new(ledger: &Ledger) -> Self {
        Self { ledger: ledger.clone(), answers: VecDeque::new(), end: End::WithLastAnswer }
    }

    /// Adds an answer with addresses, or a negative answer if the list is empty.
    pub fn finds<I>(self, after: Duration, record: Record, addresses: I) -> Self
    where
        I: IntoIterator<Item: Into<A>>,
    {
        let addresses = addresses.into_iter().map(Into::<A>::into);
        self.answers(after, Answer::found(record, addresses))
    }

    /// Adds a failed answer of this record. The text of its error is `<record> lookup failed`.
    pub fn fails(self, after: Duration, record: Record) -> Self {
        let error = ScriptedError(format!("{record} lookup failed"));
        self.answers(after, Answer::failed(record, error))
    }

    /// Adds any answer. Two answers of one time come in the order in which they were added.
    pub fn answers(mut self, after: Duration, answer: Answer<A, ScriptedError>) -> Self {
        let place = self.answers.partition_point(|(time, _)| *time <= after);
        self.answers.insert(place, (after, answer));
        self
    }

    /// Makes the answers end at this time, or with the last answer if that is later.
    pub fn ends_at(mut self, after: Duration) -> Self {
        self.end = End::At(after);
        self
    }

    /// Makes the lookup hang after its last answer.
    pub fn never_ends(mut self) -> Self {
        self.end = End::Never;
        self
    }
}

impl<A: Clone> Resolver for ScriptedResolver<A> {
    type Address = A;
    type Error = ScriptedError;
    type Answers = ScriptedAnswers<A>;

    fn resolve(&self, query: &Query) -> ScriptedAnswers<A> {
        self.ledger.record_query(query);
        let name = query.target().to_string();
        ScriptedAnswers {
            clock: self.ledger.clock().clone(),
            answers: self.answers.clone(),
            end: self.end,
            begun: None,
            sleep: None,
            life: Some(Life::begin(
                &self.ledger,
                &name,
                LedgerStep::Queried,
                LedgerStep::Abandoned,
            )),
        }
    }
}

/// The answers of a [`ScriptedResolver`].
///
/// # Panics
///
/// Panics if it is polled after its end. No driver may do that.
#[must_use = "a lookup does nothing unless it is polled"]
pub struct ScriptedAnswers<A> {
    clock: Clock,
    answers: VecDeque<(Duration, Answer<A, ScriptedError>)>,
    end: End,
    begun: Option<Instant>,
    /// The sleep until the next answer or the end.
    sleep: Option<Sleep>,
    /// Absent after its end.
    life: Option<Life>,
}

// No field is pinned: addresses are only moved out.
impl<A> Unpin for ScriptedAnswers<A> {}

impl<A> Stream for ScriptedAnswers<A> {
    type Item = Answer<A, ScriptedError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(life) = &this.life else { panic!("a lookup was polled after its end") };
        let begun = *this.begun.get_or_insert_with(|| {
            life.record(LedgerStep::Polled);
            this.clock.now()
        });
        let due = match (this.answers.front(), this.end) {
            (Some((after, _)), _) => begun + *after,
            (None, End::At(after)) => begun + after,
            (None, End::WithLastAnswer) => this.clock.now(),
            (None, End::Never) => return Poll::Pending,
        };
        let sleep = this.sleep.get_or_insert_with(|| this.clock.sleep_until(due));
        ready!(Pin::new(sleep).poll(context));
        this.sleep = None;
        let answer = this.answers.pop_front().map(|(_, answer)| answer);
        if answer.is_some() {
            life.record(LedgerStep::Answered);
        } else if let Some(life) = this.life.take() {
            life.end(LedgerStep::Ended);
        }
        Poll::Ready(answer)
    }
}

impl<A> fmt::Debug for ScriptedAnswers<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedAnswers")
            .field("left", &self.answers.len())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::{Ipv6Addr, SocketAddr};
    use std::pin::pin;

    use stagger::Target;

    use super::*;
    use crate::ms;

    fn kit() -> (Clock, Ledger) {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        (clock, ledger)
    }

    fn query() -> Query {
        Query::new(Target::parse("example.com:443").unwrap())
    }

    /// Every answer with its time, and the time of the end.
    async fn collect<A: fmt::Display>(
        clock: Clock,
        mut answers: ScriptedAnswers<A>,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let answer = poll_fn(|context| Pin::new(&mut answers).poll_next(context)).await;
            let time = clock.elapsed();
            let Some(answer) = answer else {
                lines.push(format!("{time:?} end"));
                return lines;
            };
            let text = match answer.error() {
                Some(error) => error.to_string(),
                None => answer.addresses().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            };
            lines.push(format!("{time:?} {}: {text}", answer.record()));
        }
    }

    #[test]
    fn answers_come_at_their_times_whatever_the_order_of_the_script() {
        let (clock, ledger) = kit();
        let resolver: ScriptedResolver = ScriptedResolver::new(&ledger)
            .finds(ms(20), Record::A, ["v4"])
            .finds(ms(3), Record::Aaaa, ["v6a", "v6b"])
            .fails(ms(20), Record::Https);
        let lines = clock.run(collect(clock.clone(), resolver.resolve(&query())));
        let expected = ["3ms AAAA: v6a v6b", "20ms A: v4", "20ms HTTPS: HTTPS lookup failed"];
        assert_eq!(lines[..3], expected);
        assert_eq!(lines[3], "20ms end");
        assert_eq!(ledger.queries(), [query()]);
        assert_eq!(
            ledger.to_string(),
            "0ns queried example.com:443\n\
             0ns polled example.com:443\n\
             3ms answered example.com:443\n\
             20ms answered example.com:443\n\
             20ms answered example.com:443\n\
             20ms ended example.com:443\n",
        );
        ledger.assert_clean();
    }

    #[test]
    fn a_resolver_without_answers_ends_at_once_at_its_first_poll() {
        let (clock, ledger) = kit();
        let resolver: ScriptedResolver = ScriptedResolver::new(&ledger);
        assert_eq!(clock.run(collect(clock.clone(), resolver.resolve(&query()))), ["0ns end"]);
        assert_eq!(clock.polls(), 1);
    }

    #[test]
    fn the_end_may_come_later_but_never_before_the_last_answer() {
        let (clock, ledger) = kit();
        let resolver: ScriptedResolver =
            ScriptedResolver::new(&ledger).finds(ms(10), Record::Addresses, ["v6"]);
        let late = resolver.clone().ends_at(ms(90)).resolve(&query());
        assert_eq!(clock.run(collect(clock.clone(), late)), ["10ms all: v6", "90ms end"]);
        let early = resolver.ends_at(ms(5)).resolve(&query());
        assert_eq!(clock.run(collect(clock.clone(), early)), ["100ms all: v6", "100ms end"]);
    }

    #[test]
    fn answers_dropped_before_their_end_are_abandoned() {
        let (clock, ledger) = kit();
        let resolver: ScriptedResolver =
            ScriptedResolver::new(&ledger).finds(ms(10), Record::A, ["v4"]).never_ends();
        let mut lookup = Box::pin(collect(clock.clone(), resolver.resolve(&query())));
        assert!(clock.run_until(ms(5), lookup.as_mut()).is_pending());
        assert_eq!((clock.timers(), ledger.open()), (1, vec!["example.com:443".into()]));
        assert!(clock.run_until(ms(50), lookup.as_mut()).is_pending());
        assert_eq!(clock.timers(), 0);
        drop(lookup);
        assert_eq!(ledger.all(LedgerStep::Abandoned), [(ms(50), "example.com:443")]);
        ledger.assert_clean();
    }

    #[test]
    fn answers_may_hold_socket_addresses() {
        let (clock, ledger) = kit();
        let resolver = ScriptedResolver::<SocketAddr>::new(&ledger)
            .finds(ms(0), Record::Aaaa, [(Ipv6Addr::LOCALHOST, 443)])
            .answers(ms(0), Answer::negative(Record::A));
        let lines = clock.run(collect(clock.clone(), resolver.resolve(&query())));
        assert_eq!(lines, ["0ns AAAA: [::1]:443", "0ns A: ", "0ns end"]);
    }

    #[test]
    #[should_panic(expected = "a lookup was polled after its end")]
    fn polling_after_the_end_is_a_mistake() {
        let (clock, ledger) = kit();
        let mut answers = pin!(ScriptedResolver::<Place>::new(&ledger).resolve(&query()));
        assert!(clock.run(poll_fn(|context| answers.as_mut().poll_next(context))).is_none());
        let _ = clock.run(poll_fn(|context| answers.as_mut().poll_next(context)));
    }
}
