//! Resolution alone: the candidates of a target, in the order in which they would be tried.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::course::HostCourse;
use crate::error::Goal;
use crate::race::{Candidates, Course as _, Entries, Loss, Machine};
use crate::{
    Address, BoxError, Connector, Error, Phase, Policy, Report, Resolver, TargetError, Timer,
};

pin_project! {
    /// A lookup in progress: see [`Dialer::resolve`](crate::Dialer::resolve).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup.
    ///
    /// # Panics
    ///
    /// When polled after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct Lookup<R, C, T>
    where
        R: Resolver,
        T: Timer,
    {
        #[pin]
        course: Option<HostCourse<R, C, ()>>,
        #[pin]
        alarm: Option<T::Sleep>,
        timer: T,
        policy: Policy,
        invalid: Option<TargetError>,
        machine: Option<(Machine, Instant)>,
    }
}

impl<R: Resolver, C, T: Timer> Lookup<R, C, T> {
    pub(crate) fn new(
        course: Result<HostCourse<R, C, ()>, TargetError>,
        timer: T,
        policy: Policy,
    ) -> Self {
        let (course, invalid) = match course {
            Ok(course) => (Some(course), None),
            Err(error) => (None, Some(error)),
        };
        Self { course, alarm: None, timer, policy, invalid, machine: None }
    }
}

impl<R, C, T> Future for Lookup<R, C, T>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    T: Timer,
{
    type Output = Result<(Vec<R::Address>, Report<R::Address>), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let now = this.timer.now();
        let Some(mut course) = this.course.as_mut().as_pin_mut() else {
            let error = this.invalid.take().expect("a lookup was polled after it had ended");
            return Poll::Ready(Err(error.into()));
        };
        let (machine, start) =
            this.machine.get_or_insert_with(|| (Machine::new(this.policy.clone(), now), now));
        let elapsed = now.saturating_duration_since(*start);
        let mut found = Candidates::new();
        let loss = loop {
            found.clear();
            match course.as_mut().poll_news(cx, elapsed, &mut found) {
                Poll::Ready(Some(answer)) => {
                    answer.events(&found).for_each(|event| machine.handle(event, now));
                }
                Poll::Ready(None) if machine.waiting() == 0 => break Some(Loss::NoCandidates),
                Poll::Ready(None) => break None,
                Poll::Pending => match this.policy.timeout.map(|timeout| *start + timeout) {
                    None => return Poll::Pending,
                    // The clock decides; the alarm only wakes.
                    Some(deadline) if deadline <= now => {
                        let known = machine.waiting() > 0;
                        let phase = if known { Phase::Waiting } else { Phase::Resolving };
                        break Some(Loss::TimedOut(phase));
                    }
                    Some(deadline) => {
                        if this.alarm.is_none() {
                            this.alarm.set(Some(this.timer.sleep_until(deadline)));
                        }
                        let alarm = this.alarm.as_mut().as_pin_mut();
                        if alarm.is_some_and(|alarm| alarm.poll(cx).is_ready()) {
                            this.alarm.set(None);
                            cx.waker().wake_by_ref();
                        }
                        return Poll::Pending;
                    }
                },
            }
        };
        this.alarm.set(None);
        course.as_mut().close();
        let addresses = machine.upcoming().map(|id| course.address(id).clone()).collect();
        let untried: Vec<_> = machine.upcoming().collect();
        let report = course.as_mut().report(Entries::new(), &untried, elapsed);
        let target = course.project().target.take();
        this.course.set(None);
        Poll::Ready(match loss {
            None => Ok((addresses, report)),
            Some(loss) => Err(Error::new(
                Goal::Addresses,
                loss,
                target,
                this.policy.timeout,
                report.into_text(),
            )),
        })
    }
}

impl<R: Resolver, C, T: Timer> fmt::Debug for Lookup<R, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.course.as_ref().and_then(|course| course.target.as_ref());
        f.debug_struct("Lookup")
            .field("target", &target)
            .field("invalid", &self.invalid)
            .finish_non_exhaustive()
    }
}
