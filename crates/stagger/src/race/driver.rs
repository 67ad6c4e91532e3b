//! The one future that polls the seams and feeds the machine. It decides nothing.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use smallvec::SmallVec;

use super::course::{Candidates, Course, CourseTypes, Note};
use super::event::{Action, Event, Id, Loss};
use super::machine::Machine;
use super::slot::Slots;
use crate::report::Outcome;
use crate::{Policy, Progress, Timer};

/// How many rounds of starts and answers one poll makes before it lets others run. Attempts that
/// end without ever waiting would otherwise keep the thread for themselves. The number is ours.
const ROUNDS: usize = 64;

/// How many answers are taken in before attempts are looked at again. The number is ours.
const ANSWERS: usize = 32;

/// One attempt, as the driver keeps it.
pub(crate) struct Entry<E> {
    pub(crate) id: Id,
    pub(crate) started: Duration,
    pub(crate) ended: Option<Duration>,
    pub(crate) outcome: Outcome<E>,
    slot: usize,
    progress: Progress,
}

/// Attempts in start order. Most races need no more than two, which are part of the driver.
pub(crate) type Entries<E> = SmallVec<[Entry<E>; 2]>;

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
        elapsed: Duration,
        // Every attempt in start order.
        entries: Entries<K::Error>,
        // Which entries are in flight, in start order.
        live: SmallVec<[usize; 2]>,
        ended: bool,
        waiting: bool,
    }
}

#[allow(clippy::large_enum_variant, reason = "every race begins, and a box would be an allocation")]
enum State {
    /// Nothing has been done yet: the race begins with the first poll.
    Ready(Policy),
    /// When it is over, the machine still tells what was left to try.
    Begun(Machine, Instant),
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
            elapsed: Duration::ZERO,
            entries: SmallVec::new(),
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
            State::Begun(machine, _) => machine.timeout(),
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

    /// What was left to try when the race ended, in the order in which it would have been.
    pub(crate) fn untried(&self) -> Vec<Id> {
        match &self.state {
            State::Begun(machine, _) => machine.upcoming().collect(),
            State::Ready(_) => Vec::new(),
        }
    }

    /// The course, and every attempt, for the report.
    pub(crate) fn parts(self: Pin<&mut Self>) -> (Pin<&mut K>, &mut Entries<K::Error>) {
        let this = self.project();
        (this.course, this.entries)
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
                    self.as_mut().close();
                    self.as_mut().note(Note::Ended(id, &Outcome::Connected));
                    let connection = connection.expect("only an attempt that connected can win");
                    return Poll::Ready(Ok((id, connection)));
                }
                Acted::Lost(loss) => {
                    self.as_mut().close();
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
    fn begin(self: Pin<&mut Self>) -> Option<Instant> {
        let this = self.project();
        assert!(!*this.over, "a connect was polled after it had ended");
        match this.state {
            State::Ready(policy) => {
                let now = this.timer.now();
                *this.state = State::Begun(Machine::new(policy.clone(), now), now);
                Some(now)
            }
            State::Begun(..) => None,
        }
    }

    fn tick(self: Pin<&mut Self>) -> Instant {
        let this = self.project();
        let now = this.timer.now();
        let (_, start) = this.state.racing();
        *this.elapsed = now.saturating_duration_since(start);
        now
    }

    /// Polls every attempt in flight, in start order, and feeds what became of them. The first
    /// that has connected is handed back; others of the same instant are closed.
    fn poll_attempts(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Option<K::Connection> {
        let mut this = self.project();
        let (machine, _) = this.state.racing();
        let mut winner = None;
        let entries = this.entries;
        this.live.retain(|index| {
            let entry = &mut entries[*index];
            let attempt = this.slots.as_mut().future(entry.slot);
            let attempt = attempt.expect("an attempt in flight has its place");
            let polled = attempt.poll(cx);
            if entry.progress.take_made() {
                machine.handle(Event::Progressed(entry.id), now);
            }
            let Poll::Ready(result) = polled else {
                return true;
            };
            this.slots.as_mut().remove(entry.slot);
            entry.ended = Some(*this.elapsed);
            match result {
                Ok(connection) if winner.is_none() => {
                    winner = Some(connection);
                    entry.outcome = Outcome::Connected;
                    machine.handle(Event::Connected(entry.id), now);
                }
                // Closed here; the end of the race drops it, and tells so.
                Ok(late) => {
                    drop(late);
                    return true;
                }
                Err(failure) => {
                    let is_final = this.course.is_final(&failure);
                    entry.outcome = Outcome::Failed(K::keep(failure));
                    machine.handle(Event::Failed(entry.id), now);
                    if is_final {
                        machine.handle(Event::GaveUp, now);
                    }
                    let note = Note::Ended(entry.id, &entry.outcome);
                    this.course.as_mut().note(*this.elapsed, note);
                }
            }
            false
        });
        winner
    }

    /// Feeds every answer that is there and wanted; says whether there may be more.
    fn poll_course(self: Pin<&mut Self>, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut this = self.project();
        let (machine, _) = this.state.racing();
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
        let (machine, _) = this.state.racing();
        let mut acted = Acted::Nothing;
        while let Some(action) = machine.advance(now) {
            match action {
                Action::Start(id) => {
                    let (attempt, progress) = this.course.as_mut().begin(id);
                    this.live.push(this.entries.len());
                    this.entries.push(Entry {
                        id,
                        started: *this.elapsed,
                        ended: None,
                        outcome: Outcome::Dropped,
                        slot: this.slots.as_mut().insert(attempt),
                        progress,
                    });
                    this.course.as_mut().note(*this.elapsed, Note::Started(id));
                    acted = Acted::Started;
                }
                Action::TimeOut(id) => {
                    let entries = &mut *this.entries;
                    this.live.retain(|index| {
                        let entry = &mut entries[*index];
                        if entry.id != id {
                            return true;
                        }
                        this.slots.as_mut().remove(entry.slot);
                        entry.ended = Some(*this.elapsed);
                        entry.outcome = Outcome::TimedOut;
                        let note = Note::Ended(id, &entry.outcome);
                        this.course.as_mut().note(*this.elapsed, note);
                        false
                    });
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
        let (machine, start) = this.state.racing();
        if let Some(until) = machine.waits_until().filter(|_| !*this.waiting) {
            *this.waiting = true;
            let until = until.saturating_duration_since(start);
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

    /// Gives a race up that has begun and is not over: drops everything it holds. Says whether
    /// there was one.
    pub(crate) fn cancel(mut self: Pin<&mut Self>) -> bool {
        let racing = !self.over && !self.is_ready();
        if racing {
            self.as_mut().tick();
            self.close();
        }
        racing
    }

    fn close(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.slots.as_mut().clear();
        this.course.as_mut().close();
        this.alarm.set(None);
        for index in this.live.drain(..) {
            let entry = &mut this.entries[index];
            entry.ended = Some(*this.elapsed);
            this.course.as_mut().note(*this.elapsed, Note::Ended(entry.id, &entry.outcome));
        }
        *this.over = true;
    }

    fn note(self: Pin<&mut Self>, note: Note<'_, K::Error>) {
        let this = self.project();
        this.course.note(*this.elapsed, note);
    }
}

enum Acted {
    Nothing,
    Started,
    Won(Id),
    Lost(Loss),
}

impl State {
    fn racing(&mut self) -> (&mut Machine, Instant) {
        match self {
            Self::Begun(machine, start) => (machine, *start),
            Self::Ready(_) => unreachable!("a race is polled after it has begun"),
        }
    }
}
