//! The input of a race for a name: the answers of a resolver, or given addresses. It has some lines
//! past 600, because admitting addresses, recording steps and observing them read the same state.

use std::fmt;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use pin_project_lite::pin_project;
use smallvec::SmallVec;

use crate::address::{Address, Family};
use crate::boxed::BoxError;
use crate::connect::{Binding, Progress};
use crate::error::SharedError;
use crate::history::{Attempted, Ending};
use crate::observe::Step;
use crate::observe::{Log, Parent};
use crate::policy::Limit;
use crate::race::{
    Begun, Candidates, Course, CourseTypes, Entrant, Id, News, Note, Reading, Standing,
};
use crate::report::connect::{UnwantedFamily, is_timed_out, is_unreachable};
use crate::report::{AttemptOutcome, End, QueryReport};
use crate::resolve::{Families, Query, Record, Wanted};
use crate::sort::Unusable;
use crate::target::Host;
use crate::{
    Answer, Candidate, Connector, Error, History, Observer, Policy, Report, Resolver, Target,
};

/// The answers of one connect may hold at most this many addresses, including duplicates: 16,384.
/// The rest is not read, so a hostile resolver stays cheap. The number is ours. It is 256 for each
/// address that may be tried by default.
pub(crate) const MAX_READ: usize = 16_384;

/// At most this many answers of one connect are read: 1024. Then resolution counts as ended. The
/// number is ours; an honest resolver returns a few.
const MAX_ANSWERS: usize = 1024;

/// For each address that may be tried, at most this many different addresses are known: 4. New
/// addresses are ignored after that, because each new address is compared with all known addresses.
/// The number is ours. Addresses beyond it would count only if three quarters of the earlier
/// addresses had been replaced.
const KNOWN_PER_TRIED: usize = 4;

/// The range of the number of known addresses. The number of addresses that may be tried is a lower
/// bound as well. The bounds are ours.
const KNOWN_RANGE: RangeInclusive<usize> = 256..=1024;

pin_project! {
    #[project = HostCourseProjection]
    pub(crate) struct HostCourse<R, C, O>
    where
        R: Resolver,
    {
        #[pin]
        answers: Option<R::Answers>,
        given: Given<R::Address>,
        // The only candidate is the address of a literal, which must still be admitted.
        is_literal: bool,
        connector: C,
        observer: O,
        // The attempt within which this race runs, if its steps are wanted there.
        parent: Option<Parent>,
        families: Families,
        // The number of addresses that may be tried.
        most: Limit,
        // What earlier connects say.
        history: Option<History>,
        // The number of changes of its network when the race began.
        changes: u16,
        // The number of addresses read so far.
        read: u16,
        // The records that the query asks for.
        wanted: Wanted,
        asked: bool,
        // A report is wanted even if the race is won.
        reported: bool,
        // The requested target. Absent for a list of addresses.
        pub(crate) target: Option<Target>,
        // All candidates by id.
        candidates: SmallVec<[R::Address; 2]>,
        // The service bindings of candidates.
        bindings: Option<Box<Bindings>>,
        log: Log<R::Address>,
    }
}

type Bindings = Vec<(Id, Arc<Binding>)>;

/// Addresses that need no resolver. The address of a literal is stored where the first candidate
/// will be.
#[allow(clippy::box_collection, reason = "a third of the size in every connect")]
pub(crate) type Given<A> = Option<Box<Vec<A>>>;

impl<R: Resolver, C, O> HostCourse<R, C, O> {
    /// Creates a course from the resolver's answers to this query.
    pub(crate) fn query(
        query: Query,
        answers: R::Answers,
        connector: C,
        observer: O,
        policy: &Policy,
    ) -> Self {
        let mut course = Self::given(None, connector, observer, policy);
        course.wanted = query.wanted();
        course.target = Some(query.into_target());
        course.answers = Some(answers);
        course
    }

    /// Creates a course from these addresses, without a query.
    pub(crate) fn given(
        given: Given<R::Address>,
        connector: C,
        observer: O,
        policy: &Policy,
    ) -> Self {
        Self {
            answers: None,
            given,
            is_literal: false,
            connector,
            observer,
            parent: None,
            families: policy.families,
            most: policy.max_addresses,
            history: None,
            changes: 0,
            read: 0,
            wanted: Wanted::NONE,
            asked: false,
            reported: false,
            target: None,
            candidates: SmallVec::new(),
            bindings: None,
            log: Log::new(),
        }
    }

    /// Creates a course from the address of a literal.
    #[inline(always)]
    pub(crate) fn literal(
        address: R::Address,
        target: Target,
        connector: C,
        observer: O,
        policy: &Policy,
        history: Option<History>,
    ) -> Self {
        let mut candidates = SmallVec::new();
        candidates.push(address);
        Self {
            answers: None,
            given: None,
            is_literal: true,
            connector,
            observer,
            parent: None,
            families: policy.families,
            most: policy.max_addresses,
            history,
            changes: 0,
            read: 0,
            wanted: Wanted::NONE,
            asked: false,
            reported: false,
            target: Some(target),
            candidates,
            bindings: None,
            log: Log::new(),
        }
    }

    /// Sets the target.
    pub(crate) fn with_target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Sets the attempt of an outer race within which this race runs, if that race wants its steps.
    pub(crate) fn within(mut self, progress: &Progress) -> Self {
        self.parent = Parent::new(progress);
        self
    }

    /// Sets what earlier connects say.
    pub(crate) fn with_history(mut self, history: Option<History>) -> Self {
        self.history = history;
        self
    }

    /// Keeps the data that only a report needs.
    pub(crate) fn with_report(&mut self) {
        self.reported = true;
    }

    /// A candidate's address.
    pub(crate) fn address(&self, id: Id) -> &R::Address {
        &self.candidates[id.0]
    }
}

impl<R, C, O> HostCourse<R, C, O>
where
    R: Resolver<Address: Address>,
    O: Observer<R::Address>,
{
    pub(crate) fn tell_cancelled(self: Pin<&mut Self>, at: Duration) {
        let this = self.project();
        tell(this.observer, this.parent, at, Step::Cancelled);
    }

    pub(crate) fn tell_lost(self: Pin<&mut Self>, at: Duration, error: &Error) {
        let this = self.project();
        tell(this.observer, this.parent, at, Step::Lost { error });
    }

    /// Moves everything that is known at this time into a report.
    pub(crate) fn report(self: Pin<&mut Self>, at: Duration, end: End) -> Report<R::Address> {
        let this = self.project();
        let mut log = std::mem::replace(this.log, Log::new());
        log.over(at, end);
        log.into_report(this.target.clone(), Duration::ZERO, at)
    }
}

/// Makes a step from an attempt's number and address.
type OfAttempt<A> = fn(usize, &A) -> Step<'_, A>;

/// Passes a step to the outer race, and then to the observer.
fn tell<A, O>(observer: &mut O, parent: &Option<Parent>, at: Duration, step: Step<'_, A>)
where
    A: fmt::Display,
    O: Observer<A>,
{
    if let Some(parent) = parent {
        parent.tell(at, step);
    }
    observer.step(at, step);
}

impl<R, C, O> HostCourse<R, C, O>
where
    R: Resolver<Address: Address>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    O: Observer<R::Address>,
{
    /// Reads an answer up to the limits, for the record. Returns what it means for the race.
    fn read(
        self: Pin<&mut Self>,
        answer: Answer<R::Address, R::Error>,
        reading: Reading,
        news: &mut Candidates,
    ) -> News
    where
        R::Error: Into<BoxError>,
    {
        let mut this = self.project();
        let elapsed = reading.elapsed;
        let (record, provisional) = (answer.record(), answer.is_provisional());
        let counts = (record, answer.group(), answer.update(), answer.delay_spent());
        let said = News {
            answered: (!provisional).then_some(counts),
            leader: answer.leader().filter(|_| !provisional),
            preferred: answer.preferred_family(),
            gave_up: answer.is_final(),
        };
        let (started, kind) = (answer.asked_after().min(elapsed), answer.kind());
        let binding = answer.binding().cloned();
        let (mut addresses, error) = match answer.into_outcome() {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(SharedError::new(error))),
        };
        if this.most.get().is_some() {
            addresses.truncate(MAX_READ - usize::from(*this.read));
            *this.read += u16::try_from(addresses.len()).expect("it is at most MAX_READ");
        }
        let ended = Some(elapsed);
        let is_final = said.gave_up;
        let answer =
            QueryReport { record, started, ended, addresses, error, kind, provisional, is_final };
        let answer = this.log.answered(answer);
        let found = answer.addresses.len();
        tell(this.observer, this.parent, elapsed, Step::Answered(answer));
        if !provisional {
            let named = this.target.as_ref().is_some_and(|it| matches!(it.host(), Host::Name(_)));
            // The record keeps the addresses in the order of the answer.
            for place in 0..found {
                let address = this.log.last_answer().addresses[place].clone();
                this.admit(address, binding.as_ref(), named, reading, news);
            }
        }
        said
    }
}

impl<R, C, O> HostCourse<R, C, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    O: Observer<R::Address>,
{
    /// The progress for an attempt. It is not watched if the connector never reports progress.
    fn progress(&self) -> Progress {
        match self.connector.reports_progress() {
            true => Progress::watched(self.is_recorded()),
            false => Progress::default(),
        }
    }
}

impl<R, C, O> HostCourseProjection<'_, R, C, O>
where
    R: Resolver<Address: Address>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    O: Observer<R::Address>,
{
    /// Takes the address of a literal, which must still be admitted.
    fn take_literal(&mut self) -> R::Address {
        *self.is_literal = false;
        self.candidates.pop().expect("a literal waits to be admitted")
    }

    /// Checks whether the policy and the connector allow this candidate.
    fn check(
        &self,
        family: Option<Family>,
        usable: Result<(), Unusable>,
        candidate: &Candidate<R::Address>,
    ) -> Result<(), SharedError> {
        match (family, usable) {
            (Some(family), _) if !self.families.contains(family) => {
                Err(SharedError::new(UnwantedFamily(family)))
            }
            (_, Err(reason)) => Err(SharedError::new(reason)),
            (_, Ok(())) => self.connector.accepts(candidate).map_err(SharedError::new),
        }
    }

    /// Records why an address is skipped, once for each address.
    fn skip(&mut self, elapsed: Duration, address: R::Address, reason: SharedError) {
        let (known, skips) = self.log.skips(&address);
        if known || skips >= self.most.get().unwrap_or(usize::MAX) {
            return;
        }
        let attempt = self.log.skipped(elapsed, address, reason);
        let (address, reason) = (self.log.address(attempt), self.log.error(attempt));
        let step = Step::Skipped { attempt, address, reason };
        tell(self.observer, self.parent, elapsed, step);
    }

    /// Gives an address its id, or records why it is skipped. An address from a lookup must be
    /// usable as a destination. A given address need not be.
    fn admit(
        &mut self,
        address: R::Address,
        binding: Option<&Arc<Binding>>,
        named: bool,
        reading: Reading,
        news: &mut Candidates,
    ) {
        let address = address.canonical();
        let family = address.family();
        if let Some(known) = self.candidates.iter().position(|known| *known == address) {
            if !news.iter().any(|entrant| entrant.id.0 == known) {
                let standing = self.standing(&address, reading);
                news.push(Entrant::new(Id(known), family).with_standing(standing));
            }
            return;
        }
        let usable = if named { address.check_destination() } else { Ok(()) };
        // The target is moved into the candidate, because a clone costs as much as the rest of
        // this.
        let target = self.target.take();
        let candidate = Candidate::of(address, target, binding.cloned());
        let wanted = self.check(family, usable, &candidate);
        let (address, target) = candidate.into_parts();
        *self.target = target;
        let alike = |other: &&Entrant| other.family == family;
        let most = self.most.get().unwrap_or(usize::MAX);
        let known = most.saturating_mul(KNOWN_PER_TRIED);
        let known = known.clamp(*KNOWN_RANGE.start(), *KNOWN_RANGE.end()).max(most);
        match wanted {
            Ok(()) if self.candidates.len() < known && news.iter().filter(alike).count() < most => {
                let id = Id(self.candidates.len());
                let standing = self.standing(&address, reading);
                news.push(Entrant::new(id, family).with_standing(standing));
                self.candidates.push(address);
                if let Some(binding) = binding {
                    self.bindings.get_or_insert_default().push((id, Arc::clone(binding)));
                }
            }
            Ok(()) => {}
            Err(reason) => self.skip(reading.elapsed, address, reason),
        }
    }

    /// Where the history puts an address. Records that it goes behind all others.
    fn standing(&mut self, address: &R::Address, reading: Reading) -> Standing {
        let Some(history) = &*self.history else { return Standing::default() };
        let recall = address.ip().map(|ip| history.recall(ip, reading.now)).unwrap_or_default();
        let standing = recall.standing();
        if let Some(demoted_for) = recall.demoted_for().filter(|_| standing.is_demoted()) {
            if (*self.reported || self.parent.is_some() || self.observer.is_listening())
                && self.log.demoted(address)
            {
                let step = Step::Demoted { address, demoted_for };
                tell(self.observer, self.parent, reading.elapsed, step);
            }
        }
        standing
    }

    /// Notes the race in the history: the attempt at this place has connected.
    fn remember(&mut self, reading: Reading, winner: usize) {
        let Some(history) = &*self.history else { return };
        let Some(ip) = self.log.address(winner).ip() else { return };
        let took = self.log.ran(winner, reading.elapsed);
        let others = (0..self.log.attempts()).filter(|place| *place != winner);
        let others = others.filter_map(|place| {
            let ending = match self.log.outcome(place) {
                AttemptOutcome::Dropped | AttemptOutcome::TimedOut => {
                    Ending::Pending(self.log.ran(place, reading.elapsed))
                }
                AttemptOutcome::Failed(error) if is_unreachable(error) => Ending::Unreachable,
                AttemptOutcome::Failed(error) if is_timed_out(error) => {
                    Ending::Pending(self.log.ran(place, reading.elapsed))
                }
                _ => return None,
            };
            let age = self.log.age(place, reading.elapsed);
            Some(Attempted { ip: self.log.address(place).ip()?, age, ending })
        });
        history.note(*self.changes, (ip, took), others, reading.now);
    }
}

impl<R: Resolver, C: Connector<R::Address>, O> CourseTypes for HostCourse<R, C, O> {
    type Connection = C::Connection;
    type Failure = C::Error;
    type Attempt = C::Attempt;
}

impl<R, C, O> Course for HostCourse<R, C, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    O: Observer<R::Address>,
{
    const LOOKAHEAD: usize = usize::MAX;

    fn has_only(&self) -> bool {
        self.is_literal
    }

    fn begin_only(mut self: Pin<&mut Self>) -> Option<(Option<Family>, Begun<C::Attempt>)> {
        if !self.has_only() {
            return None;
        }
        let progress = self.progress();
        let mut this = self.as_mut().project();
        let address = this.take_literal().canonical();
        let family = address.family();
        let candidate = Candidate::of(address.clone(), this.target.clone(), None);
        match this.check(family, Ok(()), &candidate) {
            Ok(()) => {
                this.candidates.push(address.clone());
                let attempt = this.connector.connect(candidate.with_progress(progress.clone()));
                // No other candidate can come, so that no delay matters.
                let place = this.log.started(Duration::ZERO, address, None);
                Some((family, Begun { attempt, progress, place, delay: None }))
            }
            Err(reason) => {
                this.skip(Duration::ZERO, address, reason);
                None
            }
        }
    }

    fn poll_news(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        reading: Reading,
        news: &mut Candidates,
    ) -> Poll<Option<News>> {
        let elapsed = reading.elapsed;
        let mut this = self.as_mut().project();
        if *this.is_literal {
            let literal = this.take_literal();
            this.admit(literal, None, false, reading, news);
            return Poll::Ready(Some(Record::Addresses.into()));
        }
        if let Some(list) = this.given.take() {
            for address in *list {
                this.admit(address, None, false, reading, news);
            }
            return Poll::Ready(Some(Record::Addresses.into()));
        }
        if !*this.asked && this.answers.is_some() {
            *this.asked = true;
            let wanted = *this.wanted;
            this.log.asked(wanted);
            tell(this.observer, this.parent, elapsed, Step::Asked { wanted });
        }
        loop {
            let mut this = self.as_mut().project();
            let answer = match this.answers.as_mut().as_pin_mut() {
                Some(answers) if this.log.answers() < MAX_ANSWERS => ready!(answers.poll_next(cx)),
                _ => None,
            };
            let Some(answer) = answer else {
                let was_asked = this.answers.is_some();
                this.answers.set(None);
                if was_asked {
                    this.log.resolved();
                    tell(this.observer, this.parent, elapsed, Step::Resolved);
                }
                return Poll::Ready(None);
            };
            let said = self.as_mut().read(answer, reading, news);
            if said.counts() {
                return Poll::Ready(Some(said));
            }
            // Only the record uses it; the race keeps waiting.
        }
    }

    fn begin(self: Pin<&mut Self>, reading: Reading, id: Id) -> Begun<C::Attempt> {
        let progress = self.progress();
        let this = self.project();
        let address = this.candidates[id.0].clone();
        let mut bindings = this.bindings.iter().flat_map(|bindings| bindings.iter());
        let binding = bindings.find(|(known, _)| *known == id);
        let binding = binding.map(|(_, binding)| Arc::clone(binding));
        let candidate = Candidate::of(address, this.target.clone(), binding);
        let attempt = this.connector.connect(candidate.with_progress(progress.clone()));
        let address = this.candidates[id.0].clone();
        let pace = match &*this.history {
            Some(history) => address.ip().and_then(|ip| history.recall(ip, reading.now).pace()),
            None => None,
        };
        let place = this.log.started(reading.elapsed, address, pace);
        Begun { attempt, progress, place, delay: pace.map(|pace| pace.delay) }
    }

    fn is_final(&self, failure: &C::Error) -> bool {
        self.connector.is_final(failure)
    }

    fn is_local_shortage(&self, failure: &C::Error) -> bool {
        self.connector.is_local_shortage(failure)
    }

    fn close(self: Pin<&mut Self>) {
        self.project().answers.set(None);
    }

    fn is_recorded(&self) -> bool {
        self.reported || self.parent.is_some() || self.observer.is_listening()
    }

    fn is_timed(&self) -> bool {
        self.history.is_some() || self.is_recorded()
    }

    fn note_outranked(self: Pin<&mut Self>, reading: Reading, id: Id) {
        let this = self.project();
        let address = &this.candidates[id.0];
        let Some((history, ip)) = this.history.as_ref().zip(address.ip()) else { return };
        if !this.log.is_newly_outranked(id) {
            return;
        }
        // The time is absent only if another thread has changed the history meanwhile.
        if let Some(round_trip) = history.recall(ip, reading.now).round_trip() {
            this.log.outranked(address.clone(), round_trip);
            let step = Step::Outranked { address, round_trip };
            tell(this.observer, this.parent, reading.elapsed, step);
        }
    }

    fn note_began(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(history) = &*this.history {
            *this.changes = history.changes();
        }
        let step = Step::Began { target: this.target.as_ref() };
        tell(this.observer, this.parent, Duration::ZERO, step);
    }

    fn note_started(self: Pin<&mut Self>, at: Duration, attempt: usize) {
        let this = self.project();
        let (address, pace) = (this.log.address(attempt), this.log.pace(attempt));
        let step = Step::Started { attempt, address, pace };
        tell(this.observer, this.parent, at, step);
    }

    fn note_connected(self: Pin<&mut Self>, reading: Reading, attempt: usize) {
        let mut this = self.project();
        let at = reading.elapsed;
        this.remember(reading, attempt);
        // The report of an error has no attempt that has connected.
        if *this.reported {
            this.log.ended(at, attempt, AttemptOutcome::Connected);
        }
        let step = Step::Connected { attempt, address: this.log.address(attempt) };
        tell(this.observer, this.parent, at, step);
    }

    fn note(self: Pin<&mut Self>, at: Duration, note: Note<C::Error>) {
        let this = self.project();
        let log = this.log;
        // The record comes first, so that it is complete even if an observer panics.
        let (attempt, step): (usize, OfAttempt<R::Address>) = match note {
            Note::Waiting(until) => {
                log.waits(at);
                return tell(this.observer, this.parent, at, Step::Waiting { until });
            }
            Note::Untried(id) => {
                let address = &this.candidates[id.0];
                log.untried(address.clone());
                return tell(this.observer, this.parent, at, Step::Untried { address });
            }
            Note::Child(attempt, step) => {
                // An outer race keeps it too, and would keep it once for each level in between.
                if *this.reported || this.parent.is_none() {
                    log.child(at, attempt, &step);
                }
                let (address, step) = (log.address(attempt), &step);
                let step = Step::Child { attempt, address, step };
                return tell(this.observer, this.parent, at, step);
            }
            Note::Failed(attempt, failure, is_final) => {
                log.ended(at, attempt, AttemptOutcome::Failed(SharedError::new(failure)));
                if is_final {
                    log.final_attempt(attempt);
                }
                let (address, error) = (log.address(attempt), log.error(attempt));
                let step = Step::Failed { attempt, address, error, is_final };
                return tell(this.observer, this.parent, at, step);
            }
            Note::Progressed(attempt) => {
                log.progressed(at, attempt);
                (attempt, |attempt, address| Step::Progressed { attempt, address })
            }
            Note::TimedOut(attempt) => {
                log.ended(at, attempt, AttemptOutcome::TimedOut);
                (attempt, |attempt, address| Step::TimedOut { attempt, address })
            }
            Note::Dropped(attempt) => {
                log.ended(at, attempt, AttemptOutcome::Dropped);
                (attempt, |attempt, address| Step::Dropped { attempt, address })
            }
        };
        tell(this.observer, this.parent, at, step(attempt, log.address(attempt)));
    }
}
