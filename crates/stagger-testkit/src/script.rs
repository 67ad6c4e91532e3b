//! A race as a script of lines, on the pure machine.

use std::time::{Duration, Instant};

use stagger::Policy;
use stagger::address::{Address, Family};
use stagger::race::{Action, Answered, Entrant, Event, Id, Loss, Machine};
use stagger::resolve::{Record, Update};

use crate::{Place, ms};

/// A race as a script of lines: the event at each millisecond, and what the machine must do. It
/// drives [`Machine`] directly, without a future or a clock.
///
/// A candidate's name shows its family, like the name of a [`Place`]. Within one instant, script
/// the events first and then the machine's actions. The test fails if the machine does anything
/// else. It also fails if an action is due at a time that the script skips.
///
/// # Panics
///
/// Every method panics if the machine does not do what the script says.
///
/// # Examples
///
/// ```
/// use stagger_testkit::Script;
///
/// let mut race = Script::new(["v6", "v4"]);
/// race.at(0).starts("v6");
/// race.at(249).waits_until(250);
/// race.at(250).starts("v4");
/// race.at(290).wins("v4").drops(["v6"]);
/// ```
#[derive(Debug)]
pub struct Script {
    machine: Machine,
    start: Instant,
    now: Duration,
    /// By id.
    names: Vec<&'static str>,
    in_flight: Vec<&'static str>,
    connected: bool,
}

impl Script {
    /// Creates a race of the default policy between these candidates. One lookup answers with all
    /// of them at 0.
    #[track_caller]
    pub fn new(candidates: impl IntoIterator<Item = &'static str>) -> Self {
        Self::racing(Policy::new(), candidates)
    }

    /// Creates a race of this policy between these candidates. One lookup answers with all of them
    /// at 0.
    #[track_caller]
    pub fn racing(policy: Policy, candidates: impl IntoIterator<Item = &'static str>) -> Self {
        let mut script = Self::unresolved(policy);
        script.at(0).answers(Record::Addresses, candidates).ends();
        script
    }

    /// Creates a race that begins at 0 without any answer.
    pub fn unresolved(policy: Policy) -> Self {
        let start = Instant::now();
        Self {
            machine: Machine::new(policy, start),
            start,
            now: Duration::ZERO,
            names: Vec::new(),
            in_flight: Vec::new(),
            connected: false,
        }
    }

    /// Goes on to this millisecond since the race began. The previous instant must be complete, and
    /// nothing may have been due in between.
    #[track_caller]
    pub fn at(&mut self, milliseconds: u64) -> Moment<'_> {
        let now = ms(milliseconds);
        assert!(now >= self.now, "at {:?}: the script goes back to {now:?}", self.now);
        if now > self.now {
            self.advances_to(None);
            if let Some(due) = self.due().filter(|due| *due < now) {
                panic!("at {now:?}: the script has leapt over {due:?}, when something was due");
            }
            self.now = now;
        }
        Moment(self)
    }

    /// When the machine wants to be called again.
    fn due(&self) -> Option<Duration> {
        self.machine.deadline().map(|deadline| deadline - self.start)
    }

    fn id(&mut self, name: &'static str) -> Id {
        let known = self.names.iter().position(|known| *known == name);
        Id(known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        }))
    }

    fn handle(&mut self, event: Event<'_>) {
        self.machine.handle(event, self.start + self.now);
    }

    #[track_caller]
    fn advances_to(&mut self, expected: Option<Action>) {
        let action = self.machine.advance(self.start + self.now);
        if action == expected {
            return;
        }
        let (expected, action) = (self.describe(expected), self.describe(action));
        panic!("at {:?}: the machine should {expected}, but would {action}", self.now);
    }

    fn describe(&self, action: Option<Action>) -> String {
        match action {
            Some(Action::Start(id)) => format!("start {}", self.names[id.0]),
            Some(Action::TimeOut(id)) => format!("time out {}", self.names[id.0]),
            Some(Action::Win(id)) => format!("win with {}", self.names[id.0]),
            Some(Action::Lose(loss)) => format!("lose, {loss:?}"),
            None => "do nothing".into(),
        }
    }

    fn ended(&mut self, name: &str) {
        self.in_flight.retain(|running| *running != name);
    }
}

/// Fails the test if the last instant is not complete.
impl Drop for Script {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.advances_to(None);
        }
    }
}

/// One instant of a [`Script`]: first the events, and then what the machine must do.
#[derive(Debug)]
pub struct Moment<'a>(&'a mut Script);

impl Moment<'_> {
    /// A lookup answers with these candidates, which add to its earlier answers.
    pub fn answers(
        self,
        record: Record,
        candidates: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        self.answered(record, Update::Add, 0, candidates)
    }

    /// A lookup answers with these candidates, and this many milliseconds of the resolution delay
    /// are already spent.
    pub fn answers_late(
        self,
        record: Record,
        spent: u64,
        candidates: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        self.answered(record, Update::Add, spent, candidates)
    }

    /// A lookup answers with these candidates, which replace its earlier answers.
    pub fn replaces(
        self,
        record: Record,
        candidates: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        self.answered(record, Update::Replace, 0, candidates)
    }

    fn answered(
        self,
        record: Record,
        update: Update,
        spent: u64,
        candidates: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let candidates = candidates.into_iter();
        let candidates: Vec<_> =
            candidates.map(|name| Entrant::new(self.0.id(name), Place(name).family())).collect();
        let answered = Answered::new(record, &candidates).with_update(update);
        self.0.handle(Event::Answered(answered.with_delay_spent(ms(spent))));
        self
    }

    /// The attempt brings a delay of its own, in milliseconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::Script;
    ///
    /// let mut race = Script::new(["v6", "v4"]);
    /// race.at(0).starts("v6").paces("v6", 10).waits_until(10);
    /// race.at(10).starts("v4");
    /// ```
    pub fn paces(self, name: &'static str, milliseconds: u64) -> Self {
        let id = self.0.id(name);
        self.0.handle(Event::Paced(id, ms(milliseconds)));
        self
    }

    /// The machine's routes prefer this family.
    pub fn prefers(self, family: Family) -> Self {
        self.0.handle(Event::Prefers(family));
        self
    }

    /// Of all candidates so far, sorted together, the first is of this family.
    pub fn leads(self, family: Family) -> Self {
        self.0.handle(Event::Leads(family));
        self
    }

    /// An attempt reports progress.
    pub fn progresses(self, name: &'static str) -> Self {
        let id = self.0.id(name);
        self.0.handle(Event::Progressed(id));
        self
    }

    /// An attempt fails for good, so all others are pointless.
    pub fn fails_for_good(self, name: &'static str) -> Self {
        self.fails(name).gives_up()
    }

    /// A resolver makes all attempts pointless.
    pub fn gives_up(self) -> Self {
        self.0.handle(Event::GaveUp);
        self
    }

    /// Resolution ends.
    pub fn ends(self) -> Self {
        self.0.handle(Event::ResolutionEnded);
        self
    }

    /// An attempt fails.
    pub fn fails(self, name: &'static str) -> Self {
        let id = self.0.id(name);
        self.0.handle(Event::Failed(id));
        self.0.ended(name);
        self
    }

    /// An attempt fails because of a local shortage.
    pub fn runs_short(self, name: &'static str) -> Self {
        let id = self.0.id(name);
        self.0.handle(Event::RanShort(id));
        self.0.ended(name);
        self
    }

    /// An attempt connects. A separate line has the attempt that [`wins`](Self::wins).
    pub fn connects(self, name: &'static str) -> Self {
        let id = self.0.id(name);
        self.0.handle(Event::Connected(id));
        // The machine ignores an attempt that is gone, and so must `wins`.
        self.0.connected |= self.0.in_flight.contains(&name);
        self
    }

    /// The machine's next action is to start this attempt.
    #[track_caller]
    pub fn starts(self, name: &'static str) -> Self {
        let id = self.0.id(name);
        self.0.advances_to(Some(Action::Start(id)));
        self.0.in_flight.push(name);
        self
    }

    /// The machine's next action is to time out this attempt.
    #[track_caller]
    pub fn times_out(self, name: &'static str) -> Self {
        let id = self.0.id(name);
        self.0.advances_to(Some(Action::TimeOut(id)));
        self.0.ended(name);
        self
    }

    /// This attempt wins the race. It connects here, unless an attempt [`connects`](Self::connects) in an earlier
    /// line.
    #[track_caller]
    pub fn wins(mut self, name: &'static str) -> Self {
        if !self.0.connected {
            self = self.connects(name);
        }
        let id = self.0.id(name);
        self.0.advances_to(Some(Action::Win(id)));
        self.0.ended(name);
        self
    }

    /// The race is lost.
    #[track_caller]
    pub fn loses(self, loss: Loss) -> Self {
        self.0.advances_to(Some(Action::Lose(loss)));
        self
    }

    /// The race is over, and exactly these attempts are still in flight, in start order. The driver
    /// drops them.
    #[track_caller]
    pub fn drops(self, names: impl IntoIterator<Item = &'static str>) -> Self {
        assert!(self.0.machine.is_over(), "at {:?}: the race is not over", self.0.now);
        let names: Vec<_> = names.into_iter().collect();
        assert_eq!(self.0.in_flight, names, "at {:?}: in flight, and told", self.0.now);
        self
    }

    /// The machine does nothing more now, and wants to be called again at this millisecond.
    #[track_caller]
    pub fn waits_until(self, milliseconds: u64) -> Self {
        self.waits(Some(ms(milliseconds)))
    }

    /// The machine does nothing more before the next event.
    #[track_caller]
    pub fn waits_for_events(self) -> Self {
        self.waits(None)
    }

    #[track_caller]
    fn waits(self, until: Option<Duration>) -> Self {
        self.0.advances_to(None);
        assert_eq!(self.0.due(), until, "at {:?}: the deadline, and the told one", self.0.now);
        self
    }
}
