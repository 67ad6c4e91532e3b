//! A resolver that asks several at once, and takes the first with addresses.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::Answer;
use crate::Resolver;
use crate::address::{Address, Family};
use crate::resolve::{Query, Record, Wanted};

/// At most this many useless answers of one resolver are read in one lookup: 64. Then its lookup is
/// dropped, so a hostile resolver stays cheap. The number is ours; an honest resolver returns at
/// most three.
const MAX_IDLE: usize = 64;

/// A resolver that asks several resolvers at once. It takes each record from the first resolver
/// that has addresses of it.
///
/// - The first resolver with addresses of a record **owns** it. Later answers of that record count
///   only if they come from its owner. So A may come from one resolver, and AAAA from another. If
///   two resolvers answer at the same moment, the earlier resolver in the list wins.
/// - An answer of all families ([`Record::Addresses`]) with addresses takes A and AAAA, unless
///   another resolver owns them. It also takes the addresses without a family. Addresses of a
///   family that another resolver owns are removed from it.
/// - An answer without addresses, such as a failure, is returned at once. While another resolver
///   may still have addresses, the answer is [provisional](Answer::with_provisional), so the race keeps waiting. The last
///   such answer is not provisional.
/// - A record that no resolver has answered is answered negatively when no resolver can answer it
///   any more. No resolver should leave a record out.
/// - Once a record has an owner, the failures of other resolvers are returned for the report. Their
///   negative answers are ignored.
/// - When every wanted record has an owner, the lookups of all other resolvers are dropped. The
///   answers end when the answers of the owners end.
///
/// Each connect costs a lookup from each resolver, and every resolver learns every name. If only
/// one resolver may know a name, use [`Routes`](crate::resolve::Routes). To ask another resolver only after the first has
/// failed, use [`Fallback`](crate::resolve::Fallback).
///
/// All resolvers have one type, which can be [`BoxResolver`](crate::boxed::BoxResolver). Without any resolver every record
/// is answered negatively. The rules are ours.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::resolve::{Fastest, Record};
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
    /// Creates a resolver that asks these resolvers at once.
    pub fn new(resolvers: impl IntoIterator<Item = R>) -> Self {
        Self { resolvers: resolvers.into_iter().collect() }
    }
}

impl<R: Resolver<Address: Address>> Resolver for Fastest<R> {
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
            owners: Owners::default(),
            wanted: query.wanted(),
            awaited: query.wanted(),
        }
    }
}

/// The answers of a [`Fastest`].
///
/// # Cancel safety
///
/// Dropping it drops every lookup.
#[must_use = "streams do nothing unless polled"]
pub struct FastestAnswers<S> {
    lanes: Vec<Lane<S>>,
    owners: Owners,
    wanted: Wanted,
    /// The records without a final answer or a failure.
    awaited: Wanted,
}

/// The lane that owns each part of the found addresses. The parts are IPv4, IPv6, the addresses
/// without a family, and HTTPS records. Only an answer of all families has addresses without a
/// family.
#[derive(Clone, Copy, Debug, Default)]
struct Owners([Option<usize>; 4]);

impl Owners {
    /// The parts that an answer of this record may have.
    fn parts(record: Record) -> Range<usize> {
        match record {
            Record::A => 0..1,
            Record::Aaaa => 1..2,
            Record::Addresses => 0..3,
            Record::Https => 3..4,
        }
    }

    /// The part that holds an address of this record.
    fn part<A: Address>(record: Record, address: &A) -> usize {
        match (record, address.clone().canonical().family()) {
            (Record::Addresses, Some(Family::Ipv4)) => 0,
            (Record::Addresses, Some(Family::Ipv6)) => 1,
            (Record::Addresses, None) => 2,
            _ => Self::parts(record).start,
        }
    }

    /// Whether no other lane owns the part that holds the address.
    fn admit<A: Address>(&self, record: Record, lane: usize, address: &A) -> bool {
        self.0[Self::part(record, address)].is_none_or(|owner| owner == lane)
    }

    /// Gives the lane all parts of this record that have no owner.
    fn claim(&mut self, record: Record, lane: usize) {
        for owner in &mut self.0[Self::parts(record)] {
            owner.get_or_insert(lane);
        }
    }

    /// Whether the lane owns a part of this record.
    fn has(&self, record: Record, lane: usize) -> bool {
        self.0[Self::parts(record)].contains(&Some(lane))
    }

    /// Whether this record has an owner for each of its families.
    fn is_settled(&self, record: Record) -> bool {
        match record {
            Record::Addresses => self.is_settled(Record::A) && self.is_settled(Record::Aaaa),
            record => self.0[Self::parts(record)].iter().all(Option::is_some),
        }
    }
}

/// The lookup of one resolver.
struct Lane<S> {
    /// Absent once it has ended or has been dropped.
    answers: Option<Pin<Box<S>>>,
    answered: Vec<Record>,
    idle: usize,
}

impl<S> Lane<S> {
    /// Whether it may still return addresses of this record.
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
    /// Returns the part of an answer from this lane that the race should have.
    fn heed<A: Address, E>(&mut self, lane: usize, answer: Answer<A, E>) -> Option<Answer<A, E>> {
        let record = answer.record();
        if !answer.is_provisional() && !self.lanes[lane].answered.contains(&record) {
            self.lanes[lane].answered.push(record);
        }
        let owners = self.owners;
        let answer = answer.map_found(|mut found| {
            found.retain(|address| owners.admit(record, lane, address));
            found
        });
        if !answer.is_empty() {
            self.owners.claim(record, lane);
            if self.wanted.records().all(|record| self.owners.is_settled(record)) {
                self.drop_losers();
            }
            return Some(answer);
        }
        self.lanes[lane].idle += 1;
        if self.lanes[lane].idle > MAX_IDLE {
            self.lanes[lane].answers = None;
        }
        if owners.has(record, lane) {
            Some(answer)
        } else if owners.is_settled(record) {
            answer.error().is_some().then(|| answer.with_provisional(true))
        } else {
            let open = self.lanes.iter().any(|lane| lane.may_answer(record));
            Some(if open { answer.with_provisional(true) } else { answer })
        }
    }

    /// Returns a record that no resolver has answered and no resolver will answer. The record is
    /// then no longer awaited.
    fn take_unanswered(&mut self) -> Option<Record> {
        let mut unanswered = Wanted::NONE;
        for record in [Record::A, Record::Aaaa, Record::Https] {
            let is_open = || self.lanes.iter().any(|lane| lane.may_answer(record));
            if self.awaited.contains(record) && !is_open() {
                unanswered.insert(record);
            }
        }
        let record = unanswered.records().next()?;
        self.awaited.remove(record);
        Some(record)
    }

    fn drop_losers(&mut self) {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if !self.owners.0.contains(&Some(index)) {
                lane.answers = None;
            }
        }
    }
}

impl<S, A, E> Stream for FastestAnswers<S>
where
    S: Stream<Item = Answer<A, E>>,
    A: Address,
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
                            // A failure is not followed by a negative answer later.
                            if !answer.is_provisional() || answer.error().is_some() {
                                self.awaited.remove(answer.record());
                            }
                            return Poll::Ready(Some(answer));
                        }
                    }
                }
            }
        }
        if let Some(record) = self.take_unanswered() {
            return Poll::Ready(Some(Answer::negative(record)));
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
            .field("owners", &self.owners)
            .finish_non_exhaustive()
    }
}
