//! Resolution without a connect: the addresses of a target, in the order in which a race tries
//! them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::address::Address;
use crate::boxed::BoxError;
use crate::connect::course::HostCourse;
use crate::error::Phase;
use crate::error::connect::Goal;
use crate::race::{Candidates, Course as _, Loss, Machine, Note, Reading};
use crate::report::End;
use crate::target::TargetError;
use crate::{Connector, Error, Policy, Report, Resolver, Timer};

pin_project! {
    /// A lookup in progress: see [`Dialer::resolve`](crate::Dialer::resolve) and
    /// [`Dialer::resolve_all`](crate::Dialer::resolve_all).
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup.
    #[must_use = "futures do nothing unless polled"]
    pub struct Resolve<R, C, T>
    where
        R: Resolver,
        T: Timer,
    {
        #[pin]
        course: Option<HostCourse<R, C, ()>>,
        #[pin]
        alarm: Option<T::Sleep>,
        alarm_at: Option<Instant>,
        timer: T,
        policy: Policy,
        extent: Extent,
        invalid: Option<TargetError>,
        machine: Option<(Machine, Instant)>,
        // Addresses wait for the preferred family's answer.
        waiting: bool,
    }
}

/// How long a lookup waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Until a race would begin.
    Race,
    /// Until every lookup has ended.
    All,
}

impl<R: Resolver, C, T: Timer> Resolve<R, C, T> {
    pub(crate) fn new(
        course: Result<HostCourse<R, C, ()>, TargetError>,
        extent: Extent,
        timer: T,
        policy: Policy,
    ) -> Self {
        let (course, invalid) = match course {
            Ok(course) => (Some(course), None),
            Err(error) => (None, Some(error)),
        };
        let (alarm, alarm_at, machine) = (None, None, None);
        let waiting = false;
        Self { course, alarm, alarm_at, timer, policy, extent, invalid, machine, waiting }
    }
}

impl<R, C, T> Future for Resolve<R, C, T>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    T: Timer,
{
    type Output = Result<(Vec<R::Address>, Report<R::Address>), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(mut course) = this.course.as_mut().as_pin_mut() else {
            let error = this.invalid.take().expect("a lookup was polled after it had ended");
            return Poll::Ready(Err(error.into()));
        };
        let mut found = Candidates::new();
        let (loss, elapsed) = loop {
            let now = this.timer.now();
            let (machine, start) =
                this.machine.get_or_insert_with(|| (Machine::new(this.policy.clone(), now), now));
            let elapsed = now.saturating_duration_since(*start);
            found.clear();
            let reading = Reading { now, elapsed };
            let ended = match course.as_mut().poll_news(cx, reading, &mut found) {
                Poll::Ready(Some(answer)) if answer.gave_up => {
                    break (Some(Loss::GaveUp), elapsed);
                }
                Poll::Ready(Some(answer)) => {
                    answer.events(&found).for_each(|event| machine.handle(event, now));
                    for id in machine.outranked() {
                        course.as_mut().note_outranked(reading, id);
                    }
                    continue;
                }
                Poll::Ready(None) => true,
                Poll::Pending => false,
            };
            if ended && machine.waiting() == 0 {
                break (Some(Loss::NoCandidates), elapsed);
            }
            // The deadline comes before a start, and so before what a start would report.
            let deadline = this.policy.timeout.get().map(|timeout| *start + timeout);
            if deadline.is_some_and(|deadline| deadline <= now) {
                let known = machine.waiting() > 0;
                let phase = if known { Phase::Waiting } else { Phase::Resolving };
                break (Some(Loss::TimedOut(phase)), elapsed);
            }
            let early = *this.extent == Extent::Race;
            if ended || early && machine.may_begin(now) {
                break (None, elapsed);
            }
            if let Some(until) = machine.waits_until().filter(|_| !*this.waiting) {
                *this.waiting = true;
                let until = until.saturating_duration_since(*start);
                course.as_mut().note(elapsed, Note::Waiting(until));
            }
            let begins = machine.waits_until().filter(|_| early);
            let Some(due) = [deadline, begins].into_iter().flatten().min() else {
                return Poll::Pending;
            };
            // The clock decides; the alarm only wakes.
            if *this.alarm_at != Some(due) {
                this.alarm.set(Some(this.timer.sleep_until(due)));
                *this.alarm_at = Some(due);
            }
            let alarm = this.alarm.as_mut().as_pin_mut();
            ready!(alarm.expect("an alarm is set").poll(cx));
            this.alarm.set(None);
            *this.alarm_at = None;
            if this.timer.now() < due {
                // It woke too early, so the alarm is set again.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        };
        this.alarm.set(None);
        course.as_mut().close();
        let (machine, _) = this.machine.as_mut().expect("a lookup that ran has a machine");
        let order: Vec<_> = machine.upcoming().collect();
        let addresses = order.iter().map(|id| course.address(*id).clone()).collect();
        for id in order {
            course.as_mut().note(elapsed, Note::Untried(id));
        }
        let end = if loss.is_none() { End::Resolved } else { End::Lost };
        let report = course.as_mut().report(elapsed, end);
        this.course.set(None);
        Poll::Ready(match loss {
            None => Ok((addresses, report)),
            Some(loss) => Err(Error::new(
                Goal::Addresses,
                loss,
                this.policy.timeout.get(),
                report.into_text(),
            )),
        })
    }
}

impl<R: Resolver, C, T: Timer> fmt::Debug for Resolve<R, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.course.as_ref().and_then(|course| course.target.as_ref());
        f.debug_struct("Resolve")
            .field("target", &target)
            .field("invalid", &self.invalid)
            .finish_non_exhaustive()
    }
}
