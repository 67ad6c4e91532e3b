//! The record of one race, as far as its report needs it. It is longer than 400 lines because a
//! race, its observers' steps and the races inside it fill the same record.

use std::time::Duration;

use smallvec::SmallVec;

use super::kind::{Kind, join, split};
use super::{ChildStep, Step};
use crate::address::Address;
use crate::error::SharedError;
use crate::history::{CompactPace, Pace};
use crate::race::Id;
use crate::report::{AttemptOutcome, AttemptReport, End, Outranked, QueryReport, Wait};
use crate::resolve::{Record, Wanted};
use crate::{Report, Target};

/// A time in nanoseconds, half as large as a [`Duration`]; it lasts for 584 years.
#[derive(Clone, Copy)]
struct Nanos(u64);

/// The value for an absent time.
const NEVER: Nanos = Nanos(u64::MAX);

impl From<Duration> for Nanos {
    fn from(time: Duration) -> Self {
        let nanos = time.as_secs().saturating_mul(1_000_000_000);
        Self(nanos.saturating_add(time.subsec_nanos().into()).min(u64::MAX - 1))
    }
}

impl Nanos {
    fn get(self) -> Option<Duration> {
        (self.0 != NEVER.0).then(|| Duration::from_nanos(self.0))
    }
}

/// The value for an absent place.
const NO_PLACE: u32 = u32::MAX;

/// One attempt, or one candidate that was skipped.
#[derive(Clone)]
struct Entry<A, E> {
    address: A,
    started: Nanos,
    progressed: Nanos,
    ended: Nanos,
    /// How it ended, apart from its error.
    kind: Kind,
    pace: CompactPace,
    error: Option<E>,
    /// In a box, because most attempts have none.
    #[allow(clippy::box_collection, reason = "a third of the size in every entry")]
    children: Option<Box<Vec<Child>>>,
}

/// A race inside an attempt.
#[derive(Clone)]
struct Child {
    /// The number of the child within its attempt.
    number: usize,
    target: Option<Target>,
    began: Duration,
    log: Log<String>,
}

/// The candidates that a race has left, or that a history has moved back.
#[derive(Clone)]
struct Left<A> {
    untried: Vec<A>,
    demoted: Vec<A>,
    outranked: Vec<Outranked<A>>,
    /// Whether the candidate of each number is in `outranked`. A child does not have numbers.
    outranked_ids: Vec<bool>,
}

impl<A> Default for Left<A> {
    fn default() -> Self {
        Self {
            untried: Vec::new(),
            demoted: Vec::new(),
            outranked: Vec::new(),
            outranked_ids: Vec::new(),
        }
    }
}

/// The record of one race. Most races need at most one answer and two attempts, which are stored
/// inline.
#[derive(Clone)]
pub(crate) struct Log<A, E = SharedError> {
    queries: SmallVec<[QueryReport<A, E>; 1]>,
    attempts: SmallVec<[Entry<A, E>; 2]>,
    /// In a box, because few races leave untried candidates or move any back.
    left: Option<Box<Left<A>>>,
    /// The records without a final answer.
    awaited: Wanted,
    /// The time since which addresses wait for the preferred family's answer.
    waits_from: Nanos,
    /// The time and the way of the race's end.
    ended: Nanos,
    end: Option<End>,
    /// The place of the attempt whose failure ended the race, or [`NO_PLACE`].
    final_attempt: u32,
}

impl<A, E> Log<A, E> {
    pub(crate) fn new() -> Self {
        Self {
            queries: SmallVec::new(),
            attempts: SmallVec::new(),
            left: None,
            awaited: Wanted::NONE,
            waits_from: NEVER,
            ended: NEVER,
            end: None,
            final_attempt: NO_PLACE,
        }
    }

    pub(crate) fn asked(&mut self, wanted: Wanted) {
        self.awaited = wanted;
    }

    /// The number of answers so far.
    pub(crate) fn answers(&self) -> usize {
        self.queries.len()
    }

    pub(crate) fn answered(&mut self, answer: QueryReport<A, E>) -> &QueryReport<A, E> {
        if !answer.provisional {
            self.awaited.remove(answer.record);
        }
        self.queries.push(answer);
        self.queries.last().expect("one was pushed")
    }

    /// The last answer.
    pub(crate) fn last_answer(&self) -> &QueryReport<A, E> {
        self.queries.last().expect("an answer has come")
    }

    /// Records that no further answer will come.
    pub(crate) fn resolved(&mut self) {
        self.awaited = Wanted::NONE;
    }

    /// Records that addresses wait for the preferred family's answer.
    pub(crate) fn waits(&mut self, at: Duration) {
        self.waits_from = at.into();
    }

    /// Records a start. Returns the attempt's place.
    pub(crate) fn started(&mut self, at: Duration, address: A, pace: Option<Pace>) -> usize {
        let place = self.push(at, NEVER, address, AttemptOutcome::Running);
        self.attempts[place].pace = pace.into();
        place
    }

    /// Records that a history puts this address behind all others. Returns whether that is new.
    pub(crate) fn demoted(&mut self, address: &A) -> bool
    where
        A: Clone + PartialEq,
    {
        let demoted = &mut self.left.get_or_insert_default().demoted;
        let is_new = !demoted.contains(address);
        if is_new {
            demoted.push(address.clone());
        }
        is_new
    }

    /// Records that a history puts this address behind others of its family.
    pub(crate) fn outranked(&mut self, address: A, round_trip: Duration) {
        let left = self.left.get_or_insert_default();
        left.outranked.push(Outranked { address, round_trip });
    }

    /// Whether this candidate is the first of its number here. Numbers are compared, because a
    /// hostile answer may outrank a thousand candidates again and again.
    pub(crate) fn is_newly_outranked(&mut self, Id(id): Id) -> bool {
        let ids = &mut self.left.get_or_insert_default().outranked_ids;
        if ids.len() <= id {
            ids.resize(id + 1, false);
        }
        !std::mem::replace(&mut ids[id], true)
    }

    /// Records a skip. Returns its place.
    pub(crate) fn skipped(&mut self, at: Duration, address: A, reason: E) -> usize {
        self.push(at, at.into(), address, AttemptOutcome::Skipped(reason))
    }

    fn push(
        &mut self,
        at: Duration,
        ended: Nanos,
        address: A,
        outcome: AttemptOutcome<E>,
    ) -> usize {
        let (started, progressed, children) = (at.into(), NEVER, None);
        let (pace, (kind, error)) = (CompactPace::default(), split(outcome));
        let entry = Entry { address, started, progressed, ended, kind, pace, error, children };
        self.attempts.push(entry);
        self.attempts.len() - 1
    }

    pub(crate) fn progressed(&mut self, at: Duration, attempt: usize) {
        if let Some(entry) = self.attempts.get_mut(attempt) {
            entry.progressed = at.into();
        }
    }

    pub(crate) fn ended(&mut self, at: Duration, attempt: usize, outcome: AttemptOutcome<E>) {
        if let Some(entry) = self.attempts.get_mut(attempt) {
            entry.ended = at.into();
            (entry.kind, entry.error) = split(outcome);
        }
    }

    /// Records that this attempt's failure ends the race. Only the first one counts.
    pub(crate) fn final_attempt(&mut self, attempt: usize) {
        if self.final_attempt == NO_PLACE {
            self.final_attempt = u32::try_from(attempt).unwrap_or(NO_PLACE);
        }
    }

    /// Records a step of a race inside an attempt. Times of the step count from the beginning of
    /// that race, and `at` is the time in this race.
    pub(crate) fn child(&mut self, at: Duration, attempt: usize, step: &ChildStep) {
        let Some(entry) = self.attempts.get_mut(attempt) else { return };
        let children = entry.children.get_or_insert_default();
        let (number, target) = (step.child(), step.target());
        let known = children.iter().position(|child| child.number == number);
        let place = known.unwrap_or_else(|| {
            let began = at.saturating_sub(step.at());
            children.push(Child { number, target: None, began, log: Log::new() });
            children.len() - 1
        });
        let child = &mut children[place];
        child.target = child.target.take().or(target);
        child.log.step(child.began, step.at(), step.step());
    }

    pub(crate) fn untried(&mut self, address: A) {
        self.left.get_or_insert_default().untried.push(address);
    }

    /// Records the end of the race.
    pub(crate) fn over(&mut self, at: Duration, end: End) {
        (self.ended, self.end) = (at.into(), Some(end));
    }

    pub(crate) fn address(&self, attempt: usize) -> &A {
        &self.attempts[attempt].address
    }

    /// The number of attempts and skips.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.len()
    }

    /// The delay that a history set after this attempt.
    pub(crate) fn pace(&self, attempt: usize) -> Option<Pace> {
        self.attempts[attempt].pace.get()
    }

    /// How long an attempt has run, or until now if it has not ended.
    pub(crate) fn ran(&self, attempt: usize, now: Duration) -> Duration {
        let Entry { started, ended, .. } = &self.attempts[attempt];
        ended.get().unwrap_or(now).saturating_sub(started.get().unwrap_or(now))
    }

    /// How long ago an attempt started.
    pub(crate) fn age(&self, attempt: usize, now: Duration) -> Duration {
        now.saturating_sub(self.attempts[attempt].started.get().unwrap_or(now))
    }

    pub(crate) fn outcome(&self, attempt: usize) -> AttemptOutcome<&E> {
        let entry = &self.attempts[attempt];
        join(entry.kind, entry.error.as_ref())
    }

    /// The error of an attempt that has failed, or of a skip.
    pub(crate) fn error(&self, attempt: usize) -> &E {
        self.attempts[attempt].error.as_ref().expect("a failure and a skip have an error")
    }

    /// Whether this address was skipped, and the number of skips.
    pub(crate) fn skips(&self, address: &A) -> (bool, usize)
    where
        A: PartialEq,
    {
        let skips = self.attempts.iter().filter(|entry| entry.kind == Kind::Skipped);
        (skips.clone().any(|entry| entry.address == *address), skips.count())
    }

    /// Records the addresses that were found and not tried so far, of a race that is not over.
    pub(crate) fn note_found(&mut self, most: usize)
    where
        A: Address,
    {
        if self.ended.get().is_some() {
            return;
        }
        let found = self.queries.iter().filter(|query| !query.provisional);
        for address in found.flat_map(|query| &query.addresses) {
            let address = address.clone().canonical();
            let tried = self.attempts.iter().any(|entry| entry.address == address);
            let untried = &mut self.left.get_or_insert_default().untried;
            if !tried && untried.len() < most && !untried.contains(&address) {
                untried.push(address);
            }
        }
    }

    /// Converts the record into a report at this time.
    pub(crate) fn into_report(
        self,
        target: Option<Target>,
        began: Duration,
        at: Duration,
    ) -> Report<A, E> {
        let ended = self.ended.get().unwrap_or(at);
        let mut queries = self.queries.into_vec();
        let awaited = |record: Record| QueryReport {
            record,
            started: began,
            ended: None,
            addresses: Vec::new(),
            error: None,
            kind: None,
            provisional: false,
            is_final: false,
        };
        queries.extend(self.awaited.records().map(awaited));
        let final_attempt = self.final_attempt as usize;
        let attempt = |(place, entry): (usize, Entry<A, E>)| {
            let attempt_ended = entry.ended.get().unwrap_or(ended);
            // Most attempts have no children, and then nothing is collected.
            let children = entry.children.map_or_else(Vec::new, |children| {
                children.into_iter().map(|child| child.into_report(attempt_ended)).collect()
            });
            AttemptReport {
                address: entry.address,
                started: entry.started.get().unwrap_or(ended),
                progressed: entry.progressed.get(),
                ended: attempt_ended,
                outcome: join(entry.kind, entry.error),
                pace: entry.pace.get(),
                is_final: place == final_attempt,
                children,
            }
        };
        let wait = self.waits_from.get().map(|from| {
            let first = self.attempts.iter().find(|entry| entry.kind != Kind::Skipped);
            Wait { from, to: first.and_then(|entry| entry.started.get()).unwrap_or(ended) }
        });
        let Left { untried, demoted, outranked, .. } =
            self.left.map_or_else(Left::default, |left| *left);
        let end = self.end;
        let attempts = self.attempts.into_iter().enumerate().map(attempt).collect();
        let elapsed = ended.saturating_sub(began);
        Report { target, began, elapsed, queries, attempts, untried, demoted, outranked, wait, end }
    }
}

impl Child {
    fn into_report(self, at: Duration) -> Report<String> {
        self.log.into_report(self.target, self.began, at)
    }
}

impl<A: Clone + PartialEq> Log<A> {
    /// Records an observer's step, of a race that began this long after the outermost race.
    pub(crate) fn step(&mut self, began: Duration, at: Duration, step: Step<'_, A>) {
        let at = began + at;
        match step {
            Step::Began { .. } => {}
            Step::Resolved => self.resolved(),
            Step::Waiting { .. } => self.waits(at),
            Step::Asked { wanted } => self.asked(wanted),
            Step::Answered(answer) => {
                let mut answer = answer.clone();
                answer.started += began;
                answer.ended = answer.ended.map(|ended| began + ended);
                self.answered(answer);
            }
            Step::Skipped { address, reason, .. } => {
                self.skipped(at, address.clone(), reason.clone());
            }
            Step::Demoted { address, .. } => {
                self.demoted(address);
            }
            Step::Outranked { address, round_trip } => {
                self.outranked(address.clone(), round_trip);
            }
            Step::Started { address, pace, .. } => {
                self.started(at, address.clone(), pace);
            }
            Step::Progressed { attempt, .. } => self.progressed(at, attempt),
            Step::Child { attempt, step, .. } => self.child(at, attempt, step),
            Step::Failed { attempt, error, is_final, .. } => {
                self.ended(at, attempt, AttemptOutcome::Failed(error.clone()));
                if is_final {
                    self.final_attempt(attempt);
                }
            }
            Step::TimedOut { attempt, .. } => self.ended(at, attempt, AttemptOutcome::TimedOut),
            Step::Dropped { attempt, .. } => self.ended(at, attempt, AttemptOutcome::Dropped),
            Step::Untried { address } => self.untried(address.clone()),
            Step::Connected { attempt, .. } => {
                self.ended(at, attempt, AttemptOutcome::Connected);
                self.over(at, End::Connected);
            }
            Step::Lost { .. } => self.over(at, End::Lost),
            Step::Cancelled => self.over(at, End::Cancelled),
        }
    }
}
