//! The one future that polls the seams and feeds the machine. It decides nothing.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use smallvec::SmallVec;

use super::course::{Begun, Candidates, Course, CourseTypes, Note};
use super::event::{Action, Event, Id, Loss};
use super::machine::Machine;
use super::slot::Slots;
use crate::{Policy, Progress, Timer};

/// How many rounds of starts and answers one poll makes before it lets others run. Attempts that
/// end without ever waiting would otherwise keep the thread for themselves. The number is ours.
const ROUNDS: usize = 64;

/// How many answers are taken in before attempts are looked at again. The number is ours.
const ANSWERS: usize = 32;

/// An attempt in flight.
struct Live {
    id: Id,
    progress: Progress,
    slot: u32,
    /// Its place in the course's record.
    place: u32,
}

impl Live {
    /// Its place in the slots.
    fn slot(&self) -> usize {
        self.slot as usize
    }

    fn place(&self) -> usize {
        self.place as usize
    }
}

pin_project! {
    pub(crate) struct Driver<K, T>
    where
        K: CourseTypes,
        T: Timer,
    {
        #[pin]
        course: K,
        #[pin]
        slots: Slots<K::Attempt>,
        #[pin]
        alarm: Option<T::Sleep>,
        alarm_at: Option<Instant>,
        timer: T,
        state: State,
        over: bool,
        // The end has been told, or there is nobody to tell.
        told: bool,
        elapsed: Duration,
        // What is in flight, in start order.
        live: SmallVec<[Live; 2]>,
        ended: bool,
        waiting: bool,
    }
}

#[allow(clippy::large_enum_variant, reason = "every race begins, and a box would be an allocation")]
enum State {
    /// Nothing has been done yet: the race begins with the first poll.
    Ready(Policy),
    /// When it is over, the machine still tells what was left to try.
    Begun(Machine),
}

impl<K: Course, T: Timer> Driver<K, T> {
    pub(crate) fn new(course: K, timer: T, policy: Policy) -> Self {
        Self {
            course,
            slots: Slots::new(),
            alarm: None,
            alarm_at: None,
            timer,
            state: State::Ready(policy),
            over: false,
            told: false,
            elapsed: Duration::ZERO,
            live: SmallVec::new(),
            ended: false,
            waiting: false,
        }
    }

    /// Whether nothing has been done yet.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    /// The overall timeout of a race that has begun.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match &self.state {
            State::Ready(_) => None,
            State::Begun(machine) => machine.timeout(),
        }
    }

    /// How long the race has run, as of the last poll.
    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// What is raced.
    pub(crate) fn course(&self) -> &K {
        &self.course
    }

    /// Changes the policy of a race that has not begun.
    pub(crate) fn set_policy(&mut self, policy: Policy) {
        if let State::Ready(ready) = &mut self.state {
            *ready = policy;
        }
    }

    /// The course of a race that nobody has pinned yet.
    pub(crate) fn course_unpolled(&mut self) -> &mut K {
        &mut self.course
    }

    /// The course, to be asked or changed.
    pub(crate) fn course_mut(self: Pin<&mut Self>) -> Pin<&mut K> {
        self.project().course
    }

    /// Runs the race. When it is ready all attempts but the winner's connection, the resolver and
    /// the alarm have been dropped.
    ///
    /// # Panics
    ///
    /// When polled after it was ready.
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Id, K::Connection), Loss>> {
        let mut began = self.as_mut().begin();
        for _ in 0..ROUNDS {
            let now = began.take().unwrap_or_else(|| self.as_mut().tick());
            let connection = self.as_mut().poll_attempts(cx, now);
            let more = connection.is_none() && self.as_mut().poll_course(cx, now);
            match self.as_mut().act(now) {
                Acted::Won(id) => {
                    let connection = connection.expect("only an attempt that connected can win");
                    self.as_mut().close(Some(id));
                    self.as_mut().end(false);
                    self.as_mut().telling_end();
                    let winner = self.as_mut().project().live.pop();
                    let place = winner.expect("the winner is in flight").place();
                    let this = self.as_mut().project();
                    this.course.note_connected(*this.elapsed, place);
                    return Poll::Ready(Ok((id, connection)));
                }
                Acted::Lost(loss) => {
                    self.as_mut().close(None);
                    self.as_mut().end(true);
                    return Poll::Ready(Err(loss));
                }
                Acted::Started => continue,
                Acted::Nothing if more => continue,
                Acted::Nothing => {}
            }
            if self.as_mut().poll_alarm(cx).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Begins the race if it has not begun; says when it has, if only now.
    fn begin(mut self: Pin<&mut Self>) -> Option<Instant> {
        let this = self.as_mut().project();
        assert!(!*this.over, "a connect was polled after it had ended");
        match this.state {
            State::Ready(policy) => {
                let now = this.timer.now();
                *this.state = State::Begun(Machine::new(policy.clone(), now));
                self.course_mut().note_began();
                Some(now)
            }
            State::Begun(_) => None,
        }
    }

    fn tick(self: Pin<&mut Self>) -> Instant {
        let this = self.project();
        let now = this.timer.now();
        *this.elapsed = now.saturating_duration_since(this.state.racing().began());
        now
    }

    /// Polls every attempt in flight, in start order, and feeds what became of them. The first
    /// that has connected is handed back; others of the same instant are closed.
    fn poll_attempts(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Option<K::Connection> {
        let mut winner = None;
        let mut next = 0;
        while next < self.live.len() {
            let mut this = self.as_mut().project();
            let machine = this.state.racing();
            let (elapsed, live) = (*this.elapsed, &this.live[next]);
            let (id, place) = (live.id, live.place());
            // One that has connected beside the winner is dropped with the race.
            let Some(attempt) = this.slots.as_mut().future(live.slot()) else {
                next += 1;
                continue;
            };
            let polled = attempt.poll(cx);
            if live.progress.is_watched() {
                if live.progress.take_made() {
                    machine.handle(Event::Progressed(id), now);
                    this.course.as_mut().note(elapsed, Note::Progressed(place));
                }
                for step in live.progress.take_steps() {
                    this.course.as_mut().note(elapsed, Note::Child(place, step.into()));
                }
            }
            let Poll::Ready(result) = polled else {
                next += 1;
                continue;
            };
            this.slots.as_mut().remove(live.slot());
            match result {
                Ok(connection) if winner.is_none() => {
                    winner = Some(connection);
                    machine.handle(Event::Connected(id), now);
                    // A race inside may have ended when the attempt was dropped.
                    for step in live.progress.close() {
                        this.course.as_mut().note(elapsed, Note::Child(place, step.into()));
                    }
                    next += 1;
                }
                // Closed here; the end of the race drops it, and tells so.
                Ok(late) => {
                    drop(late);
                    next += 1;
                }
                Err(failure) => {
                    let is_final = this.course.is_final(&failure);
                    let is_short = this.course.is_local_shortage(&failure);
                    let live = this.live.remove(next);
                    let failed = if is_short { Event::RanShort(id) } else { Event::Failed(id) };
                    machine.handle(failed, now);
                    if is_final {
                        machine.handle(Event::GaveUp, now);
                    }
                    for step in live.progress.close() {
                        this.course.as_mut().note(elapsed, Note::Child(place, step.into()));
                    }
                    this.course.as_mut().note(elapsed, Note::Failed(place, failure, is_final));
                }
            }
        }
        winner
    }

    /// Feeds every answer that is there and wanted; says whether there may be more.
    fn poll_course(self: Pin<&mut Self>, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut this = self.project();
        let machine = this.state.racing();
        for _ in 0..ANSWERS {
            if *this.ended || !machine.wants(K::LOOKAHEAD) {
                return false;
            }
            let mut candidates = Candidates::new();
            match this.course.as_mut().poll_news(cx, *this.elapsed, &mut candidates) {
                Poll::Pending => return false,
                Poll::Ready(Some(answer)) => {
                    answer.events(&candidates).for_each(|event| machine.handle(event, now));
                }
                Poll::Ready(None) => {
                    *this.ended = true;
                    machine.handle(Event::ResolutionEnded, now);
                }
            }
        }
        true
    }

    /// Carries out what the machine says.
    fn act(self: Pin<&mut Self>, now: Instant) -> Acted {
        let mut this = self.project();
        let machine = this.state.racing();
        let mut acted = Acted::Nothing;
        while let Some(action) = machine.advance(now) {
            match action {
                Action::Start(id) => {
                    let elapsed = *this.elapsed;
                    let begun = this.course.as_mut().begin(elapsed, id);
                    let Begun { attempt, progress, place } = begun;
                    let slot = this.slots.as_mut().insert(attempt);
                    let narrow = |place: usize| u32::try_from(place).expect("fewer attempts");
                    let (slot, narrow_place) = (narrow(slot), narrow(place));
                    this.live.push(Live { id, progress, slot, place: narrow_place });
                    acted = Acted::Started;
                    this.course.as_mut().note_started(elapsed, place);
                }
                Action::TimeOut(id) => {
                    let elapsed = *this.elapsed;
                    let at = this.live.iter().position(|live| live.id == id);
                    let live = this.live.remove(at.expect("what times out is in flight"));
                    this.slots.as_mut().remove(live.slot());
                    for step in live.progress.close() {
                        this.course.as_mut().note(elapsed, Note::Child(live.place(), step.into()));
                    }
                    this.course.as_mut().note(elapsed, Note::TimedOut(live.place()));
                }
                Action::Win(id) => return Acted::Won(id),
                Action::Lose(loss) => return Acted::Lost(loss),
            }
        }
        acted
    }

    /// Waits for the machine's deadline; ready when it has come.
    fn poll_alarm(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let machine = this.state.racing();
        if let Some(until) = machine.waits_until().filter(|_| !*this.waiting) {
            *this.waiting = true;
            let until = until.saturating_duration_since(machine.began());
            this.course.as_mut().note(*this.elapsed, Note::Waiting(until));
        }
        let Some(deadline) = machine.deadline() else {
            this.alarm.set(None);
            *this.alarm_at = None;
            return Poll::Pending;
        };
        // The clock decides; the alarm only wakes.
        if deadline <= this.timer.now() {
            return Poll::Ready(());
        }
        if *this.alarm_at != Some(deadline) {
            this.alarm.set(Some(this.timer.sleep_until(deadline)));
            *this.alarm_at = Some(deadline);
        }
        let alarm = this.alarm.as_mut().as_pin_mut();
        let poll = alarm.expect("an alarm has just been set").poll(cx);
        if poll.is_ready() {
            this.alarm.set(None);
            *this.alarm_at = None;
        }
        poll
    }

    /// Gives a race up that has begun and whose end has not been told: drops everything it holds.
    /// Says whether there was one.
    pub(crate) fn cancel(mut self: Pin<&mut Self>) -> bool {
        if self.told || self.is_ready() {
            return false;
        }
        if !self.over {
            self.as_mut().tick();
        }
        self.as_mut().close(None);
        self.as_mut().end(false);
        true
    }

    /// The end is told now, by whoever made an error of it or cancels.
    pub(crate) fn telling_end(self: Pin<&mut Self>) {
        *self.project().told = true;
    }

    /// Drops everything that the race holds, and then tells of each attempt that was dropped. The
    /// winner stays, for its end is not told yet.
    fn close(self: Pin<&mut Self>, winner: Option<Id>) {
        let mut this = self.project();
        *this.over = true;
        this.slots.as_mut().clear();
        this.course.as_mut().close();
        this.alarm.set(None);
        let elapsed = *this.elapsed;
        while let Some(next) = this.live.iter().position(|live| Some(live.id) != winner) {
            // Taken out before anybody is told, so that nobody is told again after a panic.
            let live = this.live.remove(next);
            for step in live.progress.close() {
                this.course.as_mut().note(elapsed, Note::Child(live.place(), step.into()));
            }
            this.course.as_mut().note(elapsed, Note::Dropped(live.place()));
        }
    }

    /// Tells what was left to try when the race ended, in the order in which it would have been.
    fn end(self: Pin<&mut Self>, lost: bool) {
        let mut this = self.project();
        if !lost && !this.course.is_recorded() {
            return;
        }
        let elapsed = *this.elapsed;
        if let State::Begun(machine) = this.state {
            while let Some(id) = machine.take_upcoming() {
                this.course.as_mut().note(elapsed, Note::Untried(id));
            }
        }
    }
}

enum Acted {
    Nothing,
    Started,
    Won(Id),
    Lost(Loss),
}

impl State {
    fn racing(&mut self) -> &mut Machine {
        match self {
            Self::Begun(machine) => machine,
            Self::Ready(_) => unreachable!("a race is polled after it has begun"),
        }
    }
}
