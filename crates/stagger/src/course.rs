//! What a named race runs on: the answers of a resolver, or a literal that needs none.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use pin_project_lite::pin_project;
use smallvec::SmallVec;

use crate::query::awaited;
use crate::race::{Candidates, Course, CourseTypes, Entries, Id, News, Note};
use crate::report::{AttemptReport, Outcome, QueryReport, UnwantedFamily};
use crate::{
    Address, Answer, BoxError, Connector, Families, Family, Observer, Policy, Record, Report,
    Resolver,
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
        // The records on which the last word has been said.
        answered: SmallVec<[Record; 4]>,
        asked: bool,
        unanswered: bool,
        // Every candidate, by its id.
        candidates: SmallVec<[R::Address; 2]>,
        skipped: Vec<AttemptReport<R::Address, BoxError>>,
    }
}

struct Limits {
    families: Families,
    https: bool,
    per_family: usize,
    unread: usize,
}

impl<R: Resolver, C, O> HostCourse<R, C, O> {
    /// A course over what the resolver answers.
    pub(crate) fn query(answers: R::Answers, connector: C, observer: O, policy: &Policy) -> Self {
        Self::new(Some(answers), None, connector, observer, policy)
    }

    /// A course to one address, without a query.
    pub(crate) fn literal(address: R::Address, connector: C, observer: O, policy: &Policy) -> Self {
        Self::new(None, Some(address), connector, observer, policy)
    }

    fn new(
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
            unanswered: answers.is_some(),
            answers,
            literal,
            connector,
            observer,
            limits: Limits { families: policy.families, https: policy.https, per_family, unread },
            queries: SmallVec::new(),
            answered: SmallVec::new(),
            candidates: SmallVec::new(),
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
        let addresses = found.into_iter().take(read).map(|candidate| candidate.address).collect();
        let answer = QueryReport { record, started, ended: Some(elapsed), addresses, error };
        this.observer.answered(elapsed, &answer);
        answer
    }

    /// Gives an address its id, or notes why it is skipped.
    fn admit(self: Pin<&mut Self>, address: R::Address, elapsed: Duration, news: &mut Candidates) {
        let this = self.project();
        let address = address.canonical();
        let family = address.family();
        if let Some(known) = this.candidates.iter().position(|known| *known == address) {
            if !news.iter().any(|(id, _)| id.0 == known) {
                news.push((Id(known), family));
            }
            return;
        }
        let wanted = match family {
            Some(family) if !this.limits.families.contains(family) => {
                Err(UnwantedFamily(family).into())
            }
            _ => this.connector.accepts(&address).map_err(Into::into),
        };
        let alike = |(_, other): &&(Id, Option<Family>)| *other == family;
        let most = this.limits.per_family;
        match wanted {
            Ok(()) if news.iter().filter(alike).count() < most => {
                news.push((Id(this.candidates.len()), family));
                this.candidates.push(address);
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
            self.admit(literal, elapsed, news);
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
                *this.unanswered = false;
                return Poll::Ready(None);
            };
            let (record, interim) = (answer.record(), answer.is_interim());
            let (update, delay_spent, leader) =
                (answer.update(), answer.delay_spent(), answer.leader());
            let answer = self.as_mut().read(answer, elapsed);
            if interim {
                // It is for the record alone; the race waits on.
                self.as_mut().project().queries.push(answer);
                continue;
            }
            for address in &answer.addresses {
                self.as_mut().admit(address.clone(), elapsed, news);
            }
            let this = self.project();
            this.queries.push(answer);
            if !this.answered.contains(&record) {
                this.answered.push(record);
            }
            return Poll::Ready(Some(News { record, update, delay_spent, leader }));
        }
    }

    fn begin(self: Pin<&mut Self>, id: Id) -> C::Attempt {
        self.connector.connect(self.candidates[id.0].clone())
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
        if *this.unanswered {
            let Limits { families, https, .. } = *this.limits;
            let awaited = awaited(families, https, |record| this.answered.contains(&record));
            queries.extend(awaited.map(|record| QueryReport {
                record,
                started: Duration::ZERO,
                ended: None,
                addresses: Vec::new(),
                error: None,
            }));
        }
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
