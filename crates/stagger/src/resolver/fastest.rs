//! Resolvers side by side, of which the first with addresses counts.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Resolver;
use crate::{Answer, Query, Record, Wanted};

/// How many answers of one resolver may go unheeded or be empty in one lookup before it is asked
/// no more: a hostile one stays cheap. The number is ours; an honest one gives three at most.
const MAX_IDLE: usize = 64;

/// A resolver that asks several at once, and of each record takes the answers of the first that has
/// addresses.
///
/// - The first answer *with addresses* of a record counts, and later ones of that record from the
///   same resolver; those of others are left aside. So A may be one resolver's and AAAA another's.
///   An answer of all families stands for both. Of two that are there in one moment, that of the
///   earlier resolver in the list counts.
/// - An answer without addresses, a failure among them, is passed on at once, but as
///   [interim](Answer::interim) as long as another resolver may still have addresses: the race
///   waits. The last is the last word; if a resolver ends without one, which none should, the race
///   may wait for the rest of its resolution delay. Once a record has addresses, others' failures are passed on
///   for the report, and their negative answers are left aside.
/// - When all that the query asks for has addresses, every resolver that has part in none is
///   dropped; the answers end when the others have.
///
/// The cost is a lookup from each resolver for each connect, and every resolver learns every name:
/// where only one may know a name there is [`Routes`](crate::Routes), and to ask another only in
/// need, [`Fallback`](crate::Fallback). All resolvers are of one type, for which a
/// [`BoxResolver`](crate::BoxResolver) can stand. Without any there are no answers. The rules are
/// ours.
///
/// # Examples
///
/// ```
/// use stagger::{Record, Dialer, Fastest};
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock();
/// let slow = ScriptedResolver::<Place>::new(&ledger).finds(ms(900), Record::Addresses, ["v4 slow"]);
/// let quick = ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v4"]);
/// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
/// let dialer = Dialer::new(Fastest::new([slow, quick]), connector, clock.clone());
///
/// clock.run(dialer.connect("example.com:443"))?.hand_over();
/// assert_eq!(ledger.starts(), [(ms(5), "v4")]);
/// assert_eq!(clock.elapsed(), ms(35));
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fastest<R> {
    resolvers: Vec<R>,
}

impl<R> Fastest<R> {
    /// Asks these resolvers.
    pub fn new(resolvers: impl IntoIterator<Item = R>) -> Self {
        Self { resolvers: resolvers.into_iter().collect() }
    }
}

impl<R: Resolver> Resolver for Fastest<R> {
    type Address = R::Address;
    type Error = R::Error;
    type Answers = FastestAnswers<R::Answers>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let lane = |resolver: &R| Lane {
            answers: Some(Box::pin(resolver.resolve(query))),
            answered: Vec::new(),
            idle: 0,
        };
        FastestAnswers {
            lanes: self.resolvers.iter().map(lane).collect(),
            found: Vec::new(),
            wanted: query.wanted(),
        }
    }
}

/// What [`Fastest`] answers.
///
/// # Cancel safety
///
/// Dropping it drops every lookup.
#[must_use = "streams do nothing unless polled"]
pub struct FastestAnswers<S> {
    lanes: Vec<Lane<S>>,
    /// The records that have addresses, and from which lane.
    found: Vec<(Record, usize)>,
    wanted: Wanted,
}

/// One resolver's lookup.
struct Lane<S> {
    /// None once it has ended or been dropped.
    answers: Option<Pin<Box<S>>>,
    answered: Vec<Record>,
    idle: usize,
}

impl<S> Lane<S> {
    /// Whether it may still have addresses of this record.
    fn may_answer(&self, record: Record) -> bool {
        let answered = |record| self.answered.contains(&record);
        let known = match record {
            Record::Https => answered(Record::Https),
            Record::Addresses => {
                answered(Record::Addresses) || answered(Record::A) && answered(Record::Aaaa)
            }
            Record::A | Record::Aaaa => answered(Record::Addresses) || answered(record),
        };
        self.answers.is_some() && !known
    }
}

impl<S> FastestAnswers<S> {
    /// The lane whose addresses of this record count.
    fn lane_of(&self, record: Record) -> Option<usize> {
        let of = |record| self.found.iter().find(|(own, _)| *own == record).map(|(_, lane)| *lane);
        match record {
            Record::Https => of(Record::Https),
            Record::Addresses => {
                of(Record::Addresses).or_else(|| of(Record::A).and_then(|_| of(Record::Aaaa)))
            }
            Record::A | Record::Aaaa => of(Record::Addresses).or_else(|| of(record)),
        }
    }

    /// What is to be passed on of an answer from this lane.
    fn heed<A, E>(&mut self, lane: usize, answer: Answer<A, E>) -> Option<Answer<A, E>> {
        let record = answer.record();
        let (owner, empty) = (self.lane_of(record), answer.is_empty());
        if !answer.is_interim() && !self.lanes[lane].answered.contains(&record) {
            self.lanes[lane].answered.push(record);
        }
        if empty || owner.is_some_and(|owner| owner != lane) {
            self.lanes[lane].idle += 1;
            if self.lanes[lane].idle > MAX_IDLE {
                self.lanes[lane].answers = None;
            }
        }
        match owner {
            Some(owner) if owner == lane => Some(answer),
            Some(_) => answer.error().is_some().then(|| answer.interim()),
            None if empty => {
                let open = self.lanes.iter().any(|lane| lane.may_answer(record));
                Some(if open { answer.interim() } else { answer })
            }
            None => {
                self.found.push((record, lane));
                let mut open = self.wanted;
                for record in [Record::A, Record::Aaaa, Record::Https] {
                    if self.lane_of(record).is_some() {
                        open.remove(record);
                    }
                }
                if open.is_empty() {
                    self.drop_losers();
                }
                Some(answer)
            }
        }
    }

    fn drop_losers(&mut self) {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if self.found.iter().all(|(_, owner)| *owner != index) {
                lane.answers = None;
            }
        }
    }
}

impl<S, A, E> Stream for FastestAnswers<S>
where
    S: Stream<Item = Answer<A, E>>,
{
    type Item = Answer<A, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        for lane in 0..self.lanes.len() {
            while let Some(answers) = &mut self.lanes[lane].answers {
                match answers.as_mut().poll_next(cx) {
                    Poll::Pending => break,
                    Poll::Ready(None) => self.lanes[lane].answers = None,
                    Poll::Ready(Some(answer)) => {
                        if let Some(answer) = self.heed(lane, answer) {
                            return Poll::Ready(Some(answer));
                        }
                    }
                }
            }
        }
        let ended = self.lanes.iter().all(|lane| lane.answers.is_none());
        if ended { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl<S> fmt::Debug for FastestAnswers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.lanes.iter().filter(|lane| lane.answers.is_some()).count();
        f.debug_struct("FastestAnswers")
            .field("open", &open)
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}
