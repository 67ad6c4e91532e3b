//! A race seen while it runs: what the observer of a connect has been told so far.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use stagger::{Address, BoxError, Error, Families, MAX_ADDRESSES, Observer, Outcome, Record};
use stagger::{QueryReport, Target};

use crate::race::{Attempt, End, Query, Race, Wait, causes};

/// How many addresses that are yet to be tried are remembered: as many as can be tried of both
/// families. A hostile resolver finds thousands.
const MAX_FOUND: usize = 2 * MAX_ADDRESSES;

/// Keeps what it is told of one connect. Clones are one and the same, so that the one which the
/// dialer has can be read from outside.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    families: Families,
    /// A resolver has been asked.
    asked: bool,
    queries: Vec<Query>,
    attempts: Vec<Attempt>,
    found: Vec<String>,
    /// Since when addresses wait for the preferred family's answer.
    waits_from: Option<Duration>,
    over: Option<Duration>,
    error: Option<String>,
}

impl Watch {
    /// A watch over a connect that wants these families, and has not begun.
    pub(crate) fn new(families: Families) -> Self {
        Self(Rc::new(RefCell::new(State {
            families,
            asked: false,
            queries: Vec::new(),
            attempts: Vec::new(),
            found: Vec::new(),
            waits_from: None,
            over: None,
            error: None,
        })))
    }

    /// The race as it stands `now` after its beginning. Once the connect has ended this is the race
    /// of its report, but for two things that nobody is told: that the resolver had no more to say,
    /// and the order in which untried addresses would have come.
    pub(crate) fn race(&self, now: Duration) -> Race {
        let state = self.0.borrow();
        let elapsed = state.over.unwrap_or(now);
        let mut queries = state.queries.clone();
        if state.asked {
            queries.extend(awaited(&queries, state.families).map(|record| Query {
                record: record.as_str(),
                started: Duration::ZERO,
                ended: None,
                addresses: Vec::new(),
                error: None,
            }));
        }
        let mut attempts = state.attempts.clone();
        for attempt in attempts.iter_mut().filter(|attempt| attempt.end == End::Running) {
            attempt.ended = elapsed;
        }
        // As a report has them: of one instant, what was skipped comes first.
        attempts.sort_by_key(|attempt| (attempt.started, attempt.end != End::Skipped));
        let tried = |address: &&String| attempts.iter().any(|tried| tried.address == **address);
        let untried = state.found.iter().filter(|address| !tried(address)).cloned().collect();
        let race = Race {
            running: state.over.is_none(),
            ends: None,
            elapsed,
            queries,
            attempts,
            untried,
            wait: None,
            error: state.error.clone(),
        };
        drop(state);
        self.complete(race)
    }

    /// Adds to the race of a report what the report does not tell.
    pub(crate) fn complete(&self, mut race: Race) -> Race {
        race.wait = self.0.borrow().waits_from.map(|from| {
            let tried = race.attempts.iter().filter(|attempt| attempt.end != End::Skipped);
            let to = tried.map(|attempt| attempt.started).min();
            Wait { from, to: to.unwrap_or(race.elapsed) }
        });
        race
    }

    fn ends<A: Address>(&self, at: Duration, address: &A, end: End, error: Option<String>) {
        let mut state = self.0.borrow_mut();
        let address = address.to_string();
        let mut running = state.attempts.iter_mut().filter(|attempt| attempt.end == End::Running);
        if let Some(attempt) = running.find(|attempt| attempt.address == address) {
            (attempt.ended, attempt.end, attempt.error) = (at, end, error);
        }
    }

    fn begins<A: Address>(&self, at: Duration, address: &A, end: End, error: Option<String>) {
        let address = address.to_string();
        let attempt = Attempt { address, started: at, ended: at, end, error };
        self.0.borrow_mut().attempts.push(attempt);
    }
}

impl<A: Address> Observer<A> for Watch {
    fn began(&mut self, target: &Target) {
        // The dialer asks nobody for an address that it can make of a literal.
        self.0.borrow_mut().asked = target.literal().and_then(A::from_literal).is_none();
    }

    fn answered(&mut self, at: Duration, answer: &QueryReport<A>) {
        let mut state = self.0.borrow_mut();
        for address in &answer.addresses {
            if state.found.len() == MAX_FOUND {
                break;
            }
            let address = address.clone().canonical().to_string();
            if !state.found.contains(&address) {
                state.found.push(address);
            }
        }
        state.queries.push(Query {
            record: answer.record.as_str(),
            started: answer.started,
            ended: Some(at),
            addresses: answer.addresses.iter().map(ToString::to_string).collect(),
            error: answer.error.as_ref().map(|error| causes(&**error)),
        });
    }

    fn waiting(&mut self, at: Duration, _: Duration) {
        self.0.borrow_mut().waits_from = Some(at);
    }

    fn skipped(&mut self, at: Duration, address: &A, reason: &BoxError) {
        self.begins(at, address, End::Skipped, Some(causes(&**reason)));
    }

    fn started(&mut self, at: Duration, address: &A) {
        self.begins(at, address, End::Running, None);
    }

    fn failed(&mut self, at: Duration, address: &A, error: &BoxError) {
        self.ends(at, address, End::Failed, Some(causes(&**error)));
    }

    fn timed_out(&mut self, at: Duration, address: &A) {
        let cause = Outcome::TimedOut.cause().map(causes);
        self.ends(at, address, End::TimedOut, cause);
    }

    fn dropped(&mut self, at: Duration, address: &A) {
        self.ends(at, address, End::Dropped, None);
    }

    fn connected(&mut self, at: Duration, address: &A) {
        self.ends(at, address, End::Connected, None);
        self.0.borrow_mut().over = Some(at);
    }

    fn lost(&mut self, at: Duration, error: &Error) {
        let mut state = self.0.borrow_mut();
        state.over = Some(at);
        state.error = Some(error.to_string());
    }

    fn cancelled(&mut self, at: Duration, _: &Target) {
        self.0.borrow_mut().over = Some(at);
    }
}

/// The records that are still to be answered, as far as those that were answered tell.
fn awaited(queries: &[Query], families: Families) -> impl Iterator<Item = Record> + use<> {
    let answered = |record: Record| queries.iter().any(|query| query.record == record.as_str());
    let record = match (families, answered(Record::A), answered(Record::Aaaa)) {
        _ if answered(Record::Addresses) => None,
        (Families::Any, false, false) => Some(Record::Addresses),
        (Families::Any | Families::Ipv6, _, false) => Some(Record::Aaaa),
        (Families::Any | Families::Ipv4, false, _) => Some(Record::A),
        _ => None,
    };
    record.into_iter()
}

#[cfg(test)]
mod tests;
