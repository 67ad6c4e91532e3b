//! What a named race runs on: the answers of a resolver, or a literal that needs none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use pin_project_lite::pin_project;
use smallvec::SmallVec;

use crate::race::{Candidates, Course, CourseTypes, Entrant, Entries, Id, News, Note};
use crate::report::{AttemptReport, Outcome, QueryReport, UnwantedFamily};
use crate::{
    Address, Answer, Binding, BoxError, Candidate, Connector, Families, Observer, Policy, Progress,
    Query, Record, Report, Resolver, Target, Wanted,
};

/// How many addresses all answers of one connect may hold, duplicates counted, before the rest is
/// left unread: a hostile resolver stays cheap. The number is ours; it is 256 for each address that
/// may be tried by default.
const MAX_READ: usize = 16_384;

/// How many answers of one connect are read before resolution is taken as ended. The number is
/// ours; an honest resolver gives a handful.
const MAX_ANSWERS: usize = 1024;

pin_project! {
    pub(crate) struct HostCourse<R, C, O>
    where
        R: Resolver,
    {
        #[pin]
        answers: Option<R::Answers>,
        literal: Option<R::Address>,
        connector: C,
        pub(crate) observer: O,
        limits: Limits,
        // What has been asked, and when it was answered.
        queries: SmallVec<[QueryReport<R::Address>; 1]>,
        // The records that are still awaited.
        awaited: Wanted,
        asked: bool,
        // What was asked for; none for a list of addresses.
        pub(crate) target: Option<Target>,
        // Every candidate, by its id.
        candidates: SmallVec<[R::Address; 2]>,
        // What service bindings say of candidates.
        bindings: Vec<(Id, Arc<Binding>)>,
        skipped: Vec<AttemptReport<R::Address, BoxError>>,
    }
}

struct Limits {
    families: Families,
    per_family: usize,
    unread: usize,
}

impl<R: Resolver, C, O> HostCourse<R, C, O> {
    /// A course over what the resolver answers to this query.
    pub(crate) fn query(
        query: Query,
        answers: R::Answers,
        connector: C,
        observer: O,
        policy: &Policy,
    ) -> Self {
        let wanted = query.wanted();
        let target = Some(query.into_target());
        Self::new(target, wanted, Some(answers), None, connector, observer, policy)
    }

    /// A course to one address, without a query.
    pub(crate) fn literal(
        target: Target,
        address: R::Address,
        connector: C,
        observer: O,
        policy: &Policy,
    ) -> Self {
        let target = Some(target);
        Self::new(target, Wanted::NONE, None, Some(address), connector, observer, policy)
    }

    fn new(
        target: Option<Target>,
        awaited: Wanted,
        answers: Option<R::Answers>,
        literal: Option<R::Address>,
        connector: C,
        observer: O,
        policy: &Policy,
    ) -> Self {
        let per_family = policy.max_addresses.unwrap_or(usize::MAX);
        let unread = if policy.max_addresses.is_some() { MAX_READ } else { usize::MAX };
        Self {
            asked: false,
            answers,
            literal,
            connector,
            observer,
            limits: Limits { families: policy.families, per_family, unread },
            queries: SmallVec::new(),
            awaited,
            target,
            candidates: SmallVec::new(),
            bindings: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// A candidate's address.
    pub(crate) fn address(&self, id: Id) -> &R::Address {
        &self.candidates[id.0]
    }
}

impl<R, C, O> HostCourse<R, C, O>
where
    R: Resolver<Address: Address>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    O: Observer<R::Address>,
{
    /// Reads as much of an answer as may be read, for the record.
    fn read(
        self: Pin<&mut Self>,
        answer: Answer<R::Address, R::Error>,
        elapsed: Duration,
    ) -> QueryReport<R::Address>
    where
        R::Error: Into<BoxError>,
    {
        let this = self.project();
        let (record, started) = (answer.record(), answer.asked_after().min(elapsed));
        let (found, error) = match answer.into_outcome() {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error.into())),
        };
        let unread = &mut this.limits.unread;
        let read = found.len().min(*unread);
        *unread -= read;
        let addresses = found.into_iter().take(read).collect();
        let answer = QueryReport { record, started, ended: Some(elapsed), addresses, error };
        this.observer.answered(elapsed, &answer);
        answer
    }

    /// Gives an address its id, or notes why it is skipped.
    fn admit(
        self: Pin<&mut Self>,
        address: R::Address,
        binding: Option<&Arc<Binding>>,
        elapsed: Duration,
        news: &mut Candidates,
    ) {
        let this = self.project();
        let address = address.canonical();
        let family = address.family();
        if let Some(known) = this.candidates.iter().position(|known| *known == address) {
            if !news.iter().any(|entrant| entrant.id.0 == known) {
                news.push(Entrant::new(Id(known), family));
            }
            return;
        }
        let mut candidate = Candidate::new(address);
        if let Some(target) = this.target {
            candidate = candidate.with_target(target.clone());
        }
        if let Some(binding) = binding {
            candidate = candidate.with_binding(Arc::clone(binding));
        }
        let wanted = match family {
            Some(family) if !this.limits.families.contains(family) => {
                Err(UnwantedFamily(family).into())
            }
            _ => this.connector.accepts(&candidate).map_err(Into::into),
        };
        let address = candidate.into_address();
        let alike = |other: &&Entrant| other.family == family;
        let most = this.limits.per_family;
        match wanted {
            Ok(()) if news.iter().filter(alike).count() < most => {
                let id = Id(this.candidates.len());
                news.push(Entrant::new(id, family));
                this.candidates.push(address);
                this.bindings.extend(binding.map(|binding| (id, Arc::clone(binding))));
            }
            Err(reason)
                if this.skipped.len() < most
                    && !this.skipped.iter().any(|skipped| skipped.address == address) =>
            {
                this.observer.skipped(elapsed, &address, &reason);
                this.skipped.push(AttemptReport {
                    address,
                    started: elapsed,
                    ended: elapsed,
                    outcome: Outcome::Skipped(reason),
                });
            }
            _ => {}
        }
    }
}

impl<R: Resolver, C: Connector<R::Address>, O> CourseTypes for HostCourse<R, C, O> {
    type Connection = C::Connection;
    type Failure = C::Error;
    type Error = BoxError;
    type Attempt = C::Attempt;
}

impl<R, C, O> Course for HostCourse<R, C, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    O: Observer<R::Address>,
{
    const LOOKAHEAD: usize = usize::MAX;

    fn poll_news(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        elapsed: Duration,
        news: &mut Candidates,
    ) -> Poll<Option<News>> {
        if let Some(literal) = self.as_mut().project().literal.take() {
            self.admit(literal, None, elapsed, news);
            return Poll::Ready(Some(Record::Addresses.into()));
        }
        let this = self.as_mut().project();
        if !*this.asked && this.answers.is_some() {
            *this.asked = true;
            this.observer.asked(elapsed);
        }
        loop {
            let mut this = self.as_mut().project();
            let answer = match this.answers.as_mut().as_pin_mut() {
                Some(answers) if this.queries.len() < MAX_ANSWERS => ready!(answers.poll_next(cx)),
                _ => None,
            };
            let Some(answer) = answer else {
                this.answers.set(None);
                *this.awaited = Wanted::NONE;
                return Poll::Ready(None);
            };
            let (record, group, update) = (answer.record(), answer.group(), answer.update());
            let (is_interim, delay_spent) = (answer.is_interim(), answer.delay_spent());
            let mut said = News {
                answered: None,
                leader: answer.leader().filter(|_| !is_interim),
                preferred: answer.preferred_family(),
                gave_up: answer.ends_race(),
            };
            let binding = answer.binding().cloned();
            let answer = self.as_mut().read(answer, elapsed);
            if !is_interim {
                said.answered = Some((record, group, update, delay_spent));
                for address in &answer.addresses {
                    self.as_mut().admit(address.clone(), binding.as_ref(), elapsed, news);
                }
            }
            let this = self.as_mut().project();
            this.queries.push(answer);
            if !is_interim {
                this.awaited.remove(record);
            }
            if said.counts() {
                return Poll::Ready(Some(said));
            }
            // It is for the record alone; the race waits on.
        }
    }

    fn begin(self: Pin<&mut Self>, id: Id) -> (C::Attempt, Progress) {
        let this = self.project();
        let reports = this.connector.reports_progress();
        let progress = if reports { Progress::watched() } else { Progress::default() };
        let address = this.candidates[id.0].clone();
        let mut to = Candidate::new(address).with_progress(progress.clone());
        if let Some(target) = this.target {
            to = to.with_target(target.clone());
        }
        if let Some((_, binding)) = this.bindings.iter().find(|(known, _)| *known == id) {
            to = to.with_binding(Arc::clone(binding));
        }
        (this.connector.connect(to), progress)
    }

    fn is_final(&self, failure: &C::Error) -> bool {
        self.connector.is_final(failure)
    }

    fn keep(failure: C::Error) -> BoxError {
        failure.into()
    }

    fn close(self: Pin<&mut Self>) {
        self.project().answers.set(None);
    }

    fn note(self: Pin<&mut Self>, at: Duration, note: Note<'_, BoxError>) {
        let this = self.project();
        let address = |id: Id| &this.candidates[id.0];
        match note {
            Note::Waiting(until) => this.observer.waiting(at, until),
            Note::Started(id) => this.observer.started(at, address(id)),
            Note::Ended(id, outcome) => match outcome {
                Outcome::Connected => this.observer.connected(at, address(id)),
                Outcome::Failed(error) => this.observer.failed(at, address(id), error),
                Outcome::TimedOut => this.observer.timed_out(at, address(id)),
                Outcome::Dropped => this.observer.dropped(at, address(id)),
                Outcome::Skipped(_) => unreachable!("what is skipped never starts"),
            },
        }
    }
}

impl<R, C, O> HostCourse<R, C, O>
where
    R: Resolver<Address: Clone>,
{
    /// Moves all that is known into a report.
    pub(crate) fn report(
        self: Pin<&mut Self>,
        entries: Entries<BoxError>,
        untried: &[Id],
        elapsed: Duration,
    ) -> Report<R::Address> {
        let this = self.project();
        let mut queries = std::mem::take(this.queries).into_vec();
        let awaited = this.awaited.records().map(|record| QueryReport {
            record,
            started: Duration::ZERO,
            ended: None,
            addresses: Vec::new(),
            error: None,
        });
        queries.extend(awaited);
        let mut attempts = std::mem::take(this.skipped);
        attempts.extend(entries.into_iter().map(|entry| AttemptReport {
            address: this.candidates[entry.id.0].clone(),
            started: entry.started,
            ended: entry.ended.unwrap_or(elapsed),
            outcome: entry.outcome,
        }));
        attempts.sort_by_key(|attempt| attempt.started);
        let untried = untried.iter().map(|id| this.candidates[id.0].clone()).collect();
        Report { elapsed, queries, attempts, untried }
    }
}
