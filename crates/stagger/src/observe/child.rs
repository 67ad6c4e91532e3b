//! The steps of a race inside an attempt, on their way to the outer race.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Step;
use crate::connect::progress::{Progress, Shared};
use crate::error::SharedError;
use crate::history::Pace;
use crate::report::QueryReport;
use crate::resolve::Wanted;
use crate::{Error, Target};

/// A step of a race inside an attempt, with addresses as text.
///
/// [`at`](Self::at) counts from the first poll of the inner connect.
#[derive(Clone, Debug)]
pub struct ChildStep {
    child: usize,
    at: Duration,
    step: Owned,
}

/// A [`Step`] that borrows nothing.
#[derive(Clone, Debug)]
enum Owned {
    Began(Option<Target>),
    Asked(Wanted),
    Answered(QueryReport<String>),
    Resolved,
    Waiting(Duration),
    Skipped(usize, String, SharedError),
    Demoted(String, Duration),
    Outranked(String, Duration),
    Started(usize, String, Option<Pace>),
    Progressed(usize, String),
    Child(usize, String, Box<ChildStep>),
    Failed(usize, String, SharedError, bool),
    TimedOut(usize, String),
    Dropped(usize, String),
    Untried(String),
    Connected(usize, String),
    Lost(Error),
    Cancelled,
}

impl ChildStep {
    /// The number of the race inside the attempt: 0 for the first race that began, and so on.
    pub fn child(&self) -> usize {
        self.child
    }

    /// How long after the first poll of the inner connect the step came.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// The step.
    pub fn step(&self) -> Step<'_, String> {
        match &self.step {
            Owned::Began(target) => Step::Began { target: target.as_ref() },
            Owned::Asked(wanted) => Step::Asked { wanted: *wanted },
            Owned::Answered(answer) => Step::Answered(answer),
            Owned::Resolved => Step::Resolved,
            Owned::Waiting(until) => Step::Waiting { until: *until },
            Owned::Skipped(attempt, address, reason) => {
                Step::Skipped { attempt: *attempt, address, reason }
            }
            Owned::Demoted(address, demoted_for) => {
                Step::Demoted { address, demoted_for: *demoted_for }
            }
            Owned::Outranked(address, round_trip) => {
                Step::Outranked { address, round_trip: *round_trip }
            }
            Owned::Started(attempt, address, pace) => {
                Step::Started { attempt: *attempt, address, pace: *pace }
            }
            Owned::Progressed(attempt, address) => Step::Progressed { attempt: *attempt, address },
            Owned::Child(attempt, address, step) => {
                Step::Child { attempt: *attempt, address, step }
            }
            Owned::Failed(attempt, address, error, is_final) => {
                Step::Failed { attempt: *attempt, address, error, is_final: *is_final }
            }
            Owned::TimedOut(attempt, address) => Step::TimedOut { attempt: *attempt, address },
            Owned::Dropped(attempt, address) => Step::Dropped { attempt: *attempt, address },
            Owned::Untried(address) => Step::Untried { address },
            Owned::Connected(attempt, address) => Step::Connected { attempt: *attempt, address },
            Owned::Lost(error) => Step::Lost { error },
            Owned::Cancelled => Step::Cancelled,
        }
    }

    /// The target of the inner race, if this step has it.
    pub(super) fn target(&self) -> Option<Target> {
        match &self.step {
            Owned::Began(target) => target.clone(),
            _ => None,
        }
    }

    fn new<A: fmt::Display>(child: usize, at: Duration, step: Step<'_, A>) -> Self {
        let text = |address: &A| address.to_string();
        let step = match step {
            Step::Began { target } => Owned::Began(target.cloned()),
            Step::Asked { wanted } => Owned::Asked(wanted),
            Step::Answered(answer) => Owned::Answered(QueryReport {
                record: answer.record,
                started: answer.started,
                ended: answer.ended,
                addresses: answer.addresses.iter().map(text).collect(),
                error: answer.error.clone(),
                kind: answer.kind,
                provisional: answer.provisional,
                is_final: answer.is_final,
            }),
            Step::Resolved => Owned::Resolved,
            Step::Waiting { until } => Owned::Waiting(until),
            Step::Skipped { attempt, address, reason } => {
                Owned::Skipped(attempt, text(address), reason.clone())
            }
            Step::Demoted { address, demoted_for } => Owned::Demoted(text(address), demoted_for),
            Step::Outranked { address, round_trip } => Owned::Outranked(text(address), round_trip),
            Step::Started { attempt, address, pace } => {
                Owned::Started(attempt, text(address), pace)
            }
            Step::Progressed { attempt, address } => Owned::Progressed(attempt, text(address)),
            Step::Child { attempt, address, step } => {
                Owned::Child(attempt, text(address), Box::new(step.clone()))
            }
            Step::Failed { attempt, address, error, is_final } => {
                Owned::Failed(attempt, text(address), error.clone(), is_final)
            }
            Step::TimedOut { attempt, address } => Owned::TimedOut(attempt, text(address)),
            Step::Dropped { attempt, address } => Owned::Dropped(attempt, text(address)),
            Step::Untried { address } => Owned::Untried(text(address)),
            Step::Connected { attempt, address } => Owned::Connected(attempt, text(address)),
            Step::Lost { error } => Owned::Lost(error.clone()),
            Step::Cancelled => Owned::Cancelled,
        };
        Self { child, at, step }
    }
}

/// The attempt within which a race runs.
pub(crate) struct Parent {
    progress: Arc<Shared>,
    child: usize,
}

impl Parent {
    /// Creates a parent from this progress, if the race of its attempt takes inner steps.
    pub(crate) fn new(progress: &Progress) -> Option<Self> {
        let progress = progress.shared()?;
        let child = progress.enroll()?;
        Some(Self { progress: Arc::clone(progress), child })
    }

    /// Passes a step to the outer race. If a step was lost because there was no room, only the end
    /// is passed on. The steps between would be about attempts that the outer race does not know.
    pub(crate) fn tell<A: fmt::Display>(&self, at: Duration, step: Step<'_, A>) {
        let is_end = matches!(step, Step::Connected { .. } | Step::Lost { .. } | Step::Cancelled);
        if self.progress.is_listening(is_end) {
            self.progress.hand_up(ChildStep::new(self.child, at, step));
        }
    }
}
