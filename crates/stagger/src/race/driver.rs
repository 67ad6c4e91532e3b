//! The one future that polls the seams and feeds the machine. It decides nothing. It is longer than
//! 400 lines because every method moves the same pinned fields.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use smallvec::SmallVec;

use super::course::{Begun, Candidates, Course, CourseTypes, Note, Reading};
use super::event::{Action, Event, Id, Loss};
use super::machine::Machine;
use super::slot::Slots;
use super::state::{Alone, State};
use crate::connect::Progress;
use crate::{Policy, Timer};

/// How many rounds of starts and answers one poll makes before it returns to the executor: 64.
/// Attempts that end without ever waiting would otherwise block the thread. The number is ours.
const ROUNDS: usize = 64;

/// How many answers are read before attempts are polled again: 32. The number is ours.
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
        // The end has been reported, or nothing needs to be reported.
        told: bool,
        // The time of the last poll. Absent before the first poll.
        now: Option<Instant>,
        // The attempts in flight, in start order.
        live: SmallVec<[Live; 2]>,
        ended: bool,
        waiting: bool,
    }
}

impl<K: Course, T: Timer> Driver<K, T> {
    #[inline(always)]
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
            now: None,
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
            State::Alone(alone) => alone.policy.timeout.get(),
            State::Begun(machine) => machine.timeout(),
        }
    }

    /// How long the race had run at the last poll.
    pub(crate) fn elapsed(&self) -> Duration {
        let Some(now) = self.now else { return Duration::ZERO };
        self.state.since_began(now)
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

    /// The course of a race that is not pinned yet.
    pub(crate) fn course_unpolled(&mut self) -> &mut K {
        &mut self.course
    }

    /// The course, for reading or changing.
    pub(crate) fn course_mut(self: Pin<&mut Self>) -> Pin<&mut K> {
        self.project().course
    }

    /// Runs the race. When it is ready, the losing attempts, the resolver and the alarm have been
    /// dropped.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Id, K::Connection), Loss>> {
        let mut began = self.as_mut().begin();
        if matches!(self.state, State::Alone(_)) {
            if let Some(polled) = self.as_mut().poll_alone(cx, began.take().is_some()) {
                return polled.map(Ok);
            }
        }
        self.poll_rounds(cx, began)
    }

    /// Polls everything and lets the machine decide, until nothing is left to do except wait. It is
    /// separate from [`poll`](Self::poll), so that a single attempt has a short path.
    #[inline(never)]
    fn poll_rounds(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut began: Option<Instant>,
    ) -> Poll<Result<(Id, K::Connection), Loss>> {
        for _ in 0..ROUNDS {
            let now = began.take().unwrap_or_else(|| self.as_mut().tick());
            let connection = self.as_mut().poll_attempts(cx, now);
            let more = connection.is_none() && self.as_mut().poll_course(cx, now);
            match self.as_mut().act(connection.is_some(), now) {
                Acted::Won(id) => {
                    let connection = connection.expect("only an attempt that connected can win");
                    self.win(id);
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

    /// Begins the race if it has not begun. Returns the time if this call began it.
    fn begin(mut self: Pin<&mut Self>) -> Option<Instant> {
        let this = self.as_mut().project();
        assert!(!*this.over, "a connect was polled after it had ended");
        let mut began = None;
        if let State::Ready(policy) = this.state {
            let now = this.timer.now();
            (began, *this.now) = (Some(now), Some(now));
            *this.state = match this.course.has_only() {
                true => State::Alone(Alone::new(policy.clone(), now)),
                false => State::Begun(Machine::new(policy.clone(), now)),
            };
            this.course.note_began();
        }
        if matches!(self.state, State::Alone(_)) && !self.ended {
            self.begin_alone();
        }
        began
    }

    /// Starts the only candidate, unless it is skipped.
    fn begin_alone(mut self: Pin<&mut Self>) {
        let this = self.as_mut().project();
        let only = this.course.begin_only();
        let State::Alone(alone) = this.state else { return };
        match only {
            Some((family, begun)) => {
                alone.family = family;
                *this.ended = true;
                self.start(Id(0), begun);
            }
            None => *this.state = State::Begun(Machine::new(alone.policy.clone(), alone.began)),
        }
    }

    /// Polls the only attempt. Returns `None` if the machine must decide something.
    fn poll_alone(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_first: bool,
    ) -> Option<Poll<(Id, K::Connection)>> {
        let mut this = self.as_mut().project();
        let live = this.live.first().filter(|live| !live.progress.is_watched())?;
        let slot = live.slot();
        match this.slots.as_mut().future(slot)?.poll(cx) {
            Poll::Ready(Ok(connection)) => {
                // Only an observer, a report or a history needs the time.
                if this.course.is_timed() {
                    self.as_mut().tick();
                }
                self.win(Id(0));
                return Some(Poll::Ready((Id(0), connection)));
            }
            Poll::Ready(Err(failure)) => {
                this.slots.remove(slot);
                let now = self.as_mut().tick();
                self.failed(0, failure, now);
                return None;
            }
            Poll::Pending => {}
        }
        let State::Alone(Alone { deadline, .. }) = self.state else { return None };
        // The deadline cannot come in the poll that begins the race. If it has come later, the
        // attempt is polled once more after the clock was read.
        if !is_first && deadline.is_some_and(|deadline| deadline <= self.as_mut().tick()) {
            return None;
        }
        self.poll_alarm(cx).is_pending().then_some(Poll::Pending)
    }

    /// Ends the race with this attempt as the winner.
    fn win(mut self: Pin<&mut Self>, id: Id) {
        self.as_mut().close(Some(id));
        self.as_mut().end(false);
        self.as_mut().telling_end();
        let winner = self.as_mut().project().live.pop();
        let place = winner.expect("the winner is in flight").place();
        // The clock is not read for a single attempt, unless something needs the time.
        let mut reading = self.reading();
        if matches!(self.state, State::Alone(_)) && !self.course.is_timed() {
            reading.elapsed = Duration::ZERO;
        }
        self.project().course.note_connected(reading, place);
    }

    /// The time of the last poll.
    fn reading(&self) -> Reading {
        let now = self.now.expect("a race that has begun was polled");
        Reading { now, elapsed: self.state.since_began(now) }
    }

    fn tick(self: Pin<&mut Self>) -> Instant {
        let this = self.project();
        let now = this.timer.now();
        *this.now = Some(now);
        now
    }

    /// Polls every attempt in flight, in start order, and feeds the results to the machine. Returns
    /// the first that has connected. Other connections of the same instant are closed.
    fn poll_attempts(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Option<K::Connection> {
        let mut winner = None;
        let mut next = 0;
        while next < self.live.len() {
            let mut this = self.as_mut().project();
            let live = &this.live[next];
            // An attempt that has connected together with the winner is dropped with the race.
            let Some(attempt) = this.slots.as_mut().future(live.slot()) else {
                next += 1;
                continue;
            };
            let polled = attempt.poll(cx);
            if polled.is_pending() && !live.progress.is_watched() {
                next += 1;
                continue;
            }
            let elapsed = this.state.since_began(now);
            let (id, place) = (live.id, live.place());
            if live.progress.is_watched() {
                if live.progress.take_made() {
                    this.state.racing().handle(Event::Progressed(id), now);
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
                    if let State::Begun(machine) = this.state {
                        machine.handle(Event::Connected(id), now);
                    }
                    // An inner race may have ended when the attempt was dropped.
                    for step in live.progress.close() {
                        this.course.as_mut().note(elapsed, Note::Child(place, step.into()));
                    }
                    next += 1;
                }
                // It is closed here. The end of the race drops the attempt and reports that.
                Ok(late) => {
                    drop(late);
                    next += 1;
                }
                Err(failure) => self.as_mut().failed(next, failure, now),
            }
        }
        winner
    }

    /// Feeds the failure of the attempt at this index of the attempts in flight, and removes it.
    #[inline(never)]
    fn failed(self: Pin<&mut Self>, place: usize, failure: K::Failure, now: Instant) {
        let mut this = self.project();
        let is_final = this.course.is_final(&failure);
        let is_short = this.course.is_local_shortage(&failure);
        let Live { id, progress, place, .. } = this.live.remove(place);
        let machine = this.state.racing();
        machine.handle(if is_short { Event::RanShort(id) } else { Event::Failed(id) }, now);
        if is_final {
            machine.handle(Event::GaveUp, now);
        }
        let elapsed = this.state.since_began(now);
        for step in progress.close() {
            this.course.as_mut().note(elapsed, Note::Child(place as usize, step.into()));
        }
        this.course.as_mut().note(elapsed, Note::Failed(place as usize, failure, is_final));
    }

    /// Feeds every wanted answer that is ready. Returns whether more may be ready.
    fn poll_course(self: Pin<&mut Self>, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut this = self.project();
        if *this.ended {
            return false;
        }
        let reading = Reading { now, elapsed: this.state.since_began(now) };
        let machine = this.state.racing();
        for _ in 0..ANSWERS {
            if *this.ended || !machine.wants(K::LOOKAHEAD) {
                return false;
            }
            let mut candidates = Candidates::new();
            match this.course.as_mut().poll_news(cx, reading, &mut candidates) {
                Poll::Pending => return false,
                Poll::Ready(Some(answer)) => {
                    answer.events(&candidates).for_each(|event| machine.handle(event, now));
                    if this.course.is_recorded() {
                        for id in machine.outranked() {
                            this.course.as_mut().note_outranked(reading, id);
                        }
                    }
                }
                Poll::Ready(None) => {
                    *this.ended = true;
                    machine.handle(Event::ResolutionEnded, now);
                }
            }
        }
        true
    }

    /// Performs the machine's actions.
    fn act(mut self: Pin<&mut Self>, has_connected: bool, now: Instant) -> Acted {
        if let State::Alone(alone) = &self.state {
            if has_connected {
                return Acted::Won(Id(0));
            }
            if alone.deadline.is_none_or(|deadline| deadline > now) {
                return Acted::Nothing;
            }
        }
        let mut acted = Acted::Nothing;
        while let Some(action) = self.as_mut().project().state.racing().advance(now) {
            match action {
                Action::Start(id) => {
                    let reading = self.reading();
                    let begun = self.as_mut().project().course.begin(reading, id);
                    if let Some(delay) = begun.delay {
                        let machine = self.as_mut().project().state.racing();
                        machine.handle(Event::Paced(id, delay), now);
                    }
                    self.as_mut().start(id, begun);
                    acted = Acted::Started;
                }
                Action::TimeOut(id) => {
                    let elapsed = self.elapsed();
                    let mut this = self.as_mut().project();
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

    /// Adds an attempt that has begun.
    fn start(self: Pin<&mut Self>, id: Id, begun: Begun<K::Attempt>) {
        let elapsed = self.elapsed();
        let mut this = self.project();
        let Begun { attempt, progress, place, .. } = begun;
        let slot = this.slots.as_mut().insert(attempt);
        let narrow = |place: usize| u32::try_from(place).expect("fewer attempts");
        this.live.push(Live { id, progress, slot: narrow(slot), place: narrow(place) });
        this.course.note_started(elapsed, place);
    }

    /// Waits for the machine's deadline. It is ready when the deadline has come.
    fn poll_alarm(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = match &self.state {
            State::Alone(alone) => alone.deadline,
            _ => self.as_mut().deadline(),
        };
        let mut this = self.project();
        let Some(deadline) = deadline else {
            this.alarm.set(None);
            *this.alarm_at = None;
            return Poll::Pending;
        };
        // The clock shows that the deadline is still to come; the alarm only wakes the task. If the
        // deadline has come since, the alarm is ready at once.
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

    /// The machine's deadline. Reports once that candidates wait for a further answer.
    fn deadline(self: Pin<&mut Self>) -> Option<Instant> {
        let elapsed = self.elapsed();
        let mut this = self.project();
        let machine = this.state.racing();
        if let Some(until) = machine.waits_until().filter(|_| !*this.waiting) {
            *this.waiting = true;
            let until = until.saturating_duration_since(machine.began());
            this.course.as_mut().note(elapsed, Note::Waiting(until));
        }
        machine.deadline()
    }

    /// Cancels a race that has begun and whose end has not been reported: drops everything that it
    /// holds. Returns whether it cancelled a race.
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

    /// Marks the end as reported, because the caller reports it now.
    pub(crate) fn telling_end(self: Pin<&mut Self>) {
        *self.project().told = true;
    }

    /// Drops everything that the race holds, and then reports each dropped attempt. The winner
    /// stays, because its end is not reported yet.
    fn close(mut self: Pin<&mut Self>, winner: Option<Id>) {
        let mut this = self.as_mut().project();
        *this.over = true;
        this.slots.as_mut().clear();
        this.course.as_mut().close();
        this.alarm.set(None);
        if this.live.iter().all(|live| Some(live.id) == winner) {
            return;
        }
        let elapsed = self.elapsed();
        let mut this = self.project();
        while let Some(next) = this.live.iter().position(|live| Some(live.id) != winner) {
            // It is removed before the report, so that nothing is reported twice after a panic.
            let live = this.live.remove(next);
            for step in live.progress.close() {
                this.course.as_mut().note(elapsed, Note::Child(live.place(), step.into()));
            }
            this.course.as_mut().note(elapsed, Note::Dropped(live.place()));
        }
    }

    /// Reports the untried candidates at the end, in the order in which the race would have tried
    /// them.
    fn end(self: Pin<&mut Self>, lost: bool) {
        if !lost && !self.course.is_recorded() {
            return;
        }
        let elapsed = self.elapsed();
        let mut this = self.project();
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
