//! The race as a pure machine: events and `now` go in, actions and one deadline come out. Past
//! 400 lines: every rule reads the same state, and is easiest to follow beside the others.

use std::time::{Duration, Instant};

use smallvec::{SmallVec, smallvec};

use super::event::{Action, Answered, Entrant, Event, Id, Loss};
use super::order::alternate;
use super::queue::{PutBack, Queue};
use crate::Policy;
use crate::address::Family;
use crate::error::Phase;
use crate::policy::Order;
use crate::resolve::{Record, Update};

/// Decides everything about one race, and waits for nothing.
///
/// Feed it every event of an instant with [`handle`](Self::handle), carry out what
/// [`advance`](Self::advance) says until it says no more, then wait for the next event or for
/// [`deadline`](Self::deadline). The same events at the same instants make the same actions,
/// always. It can be driven by a future, by a thread, or by a test.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use stagger::race::{Action, Answered, Entrant, Event, Id, Machine};
/// use stagger::Policy;
/// use stagger::address::Family;
/// use stagger::resolve::Record;
///
/// let start = Instant::now();
/// let mut machine = Machine::new(Policy::new(), start);
/// let found = [
///     Entrant::new(Id(0), Some(Family::Ipv6)),
///     Entrant::new(Id(1), Some(Family::Ipv4)),
/// ];
/// machine.handle(Event::Answered(Answered::new(Record::Addresses, &found)), start);
/// machine.handle(Event::ResolutionEnded, start);
/// assert_eq!(machine.advance(start), Some(Action::Start(Id(0))));
/// assert_eq!(machine.advance(start), None);
///
/// let later = start + Duration::from_millis(250);
/// assert_eq!(machine.deadline(), Some(later));
/// assert_eq!(machine.advance(later), Some(Action::Start(Id(1))));
/// machine.handle(Event::Connected(Id(1)), later);
/// assert_eq!(machine.advance(later), Some(Action::Win(Id(1))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    policy: Policy,
    began: Instant,
    /// What each record of each group has brought, in order of their first answers.
    lists: SmallVec<[List; 1]>,
    /// The family of the first of all candidates, if that has been said.
    leader: Option<Family>,
    /// The family that routes prefer, if that has been said.
    preferred: Option<Family>,
    /// By id: the family and where the candidate stands.
    candidates: SmallVec<[(Option<Family>, State); 8]>,
    /// What is left to start, next first.
    queue: Queue,
    /// What is in flight, in start order.
    running: SmallVec<[(Id, Instant); 2]>,
    /// How many attempts were started.
    starts: u32,
    /// How many candidates they were at: one that was put back counts once.
    tried: u32,
    last_start: Option<Instant>,
    /// When the attempt that started last has got further.
    progressed: Option<Instant>,
    /// An attempt has failed since the last start.
    hurried: bool,
    /// Since when the resolution delay counts: when the first addresses came, or before that what
    /// an answer says is spent of it.
    delay_began: Option<Instant>,
    resolution_ended: bool,
    begun: bool,
    gave_up: bool,
    connected: Option<Id>,
    over: bool,
}

/// What one record of one group has brought.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct List {
    record: Record,
    group: u32,
    ids: SmallVec<[Id; 4]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// No answer holds it, or none any more.
    Unknown,
    Waiting,
    /// It has been started once.
    Started,
    /// It has failed for want of something local, and was put back. That happens once.
    PutBack,
}

impl Machine {
    /// A race that begins now; the overall deadline counts from here.
    pub fn new(policy: Policy, now: Instant) -> Self {
        Self {
            began: now,
            policy,
            lists: SmallVec::new(),
            leader: None,
            preferred: None,
            candidates: SmallVec::new(),
            queue: Queue::default(),
            running: SmallVec::new(),
            starts: 0,
            tried: 0,
            last_start: None,
            progressed: None,
            hurried: false,
            delay_began: None,
            resolution_ended: false,
            begun: false,
            gave_up: false,
            connected: None,
            over: false,
        }
    }

    /// A race that began then with this one candidate, which started at once. No answer will come.
    pub(crate) fn alone(policy: Policy, family: Option<Family>, began: Instant) -> Self {
        let mut machine = Self::new(policy, began);
        let only = [Entrant::new(Id(0), family)];
        machine.handle(Event::Answered(Answered::new(Record::Addresses, &only)), began);
        machine.handle(Event::ResolutionEnded, began);
        let begun = [machine.advance(began), machine.advance(began)];
        assert_eq!(begun, [Some(Action::Start(Id(0))), None], "the only candidate starts at once");
        machine
    }

    /// The [`deadline`](Self::deadline) of a race [`alone`](Self::alone), before anything happens.
    pub(crate) fn deadline_alone(policy: &Policy, began: Instant) -> Option<Instant> {
        let [all, attempt] = [policy.timeout.get(), policy.attempt_timeout.get()];
        let first = match (all, attempt) {
            (Some(all), Some(attempt)) => all.min(attempt),
            (all, attempt) => all.or(attempt)?,
        };
        Some(began + first)
    }

    /// Takes in what happened. Late news is normal: an event for an attempt that is not in flight,
    /// or after the race is over, changes nothing.
    pub fn handle(&mut self, event: Event<'_>, now: Instant) {
        if self.over {
            return;
        }
        match event {
            Event::Answered(answered) => {
                self.answered(answered);
                if !answered.candidates.is_empty() {
                    self.spend(answered.delay_spent, now);
                }
            }
            Event::Leads(family) => {
                self.leader = Some(family);
                self.reorder();
            }
            Event::Prefers(family) => {
                self.preferred = Some(family);
                self.reorder();
            }
            Event::ResolutionEnded => self.resolution_ended = true,
            Event::Progressed(id) => {
                let last = self.running.last().filter(|(_, at)| Some(*at) == self.last_start);
                if last.is_some_and(|(last, _)| *last == id) && self.progressed.is_none() {
                    self.progressed = Some(now);
                }
            }
            Event::Connected(id) => {
                // Of two successes of one instant the earlier start wins.
                let place = |id| self.running.iter().position(|(running, _)| *running == id);
                if let Some(at) = place(id) {
                    if self.connected.and_then(place).is_none_or(|earlier| at < earlier) {
                        self.connected = Some(id);
                    }
                }
            }
            Event::Failed(id) => {
                if self.connected != Some(id) {
                    self.end(id);
                }
            }
            Event::RanShort(id) => {
                if self.connected != Some(id) && self.end(id) {
                    self.put_back(id, now);
                }
            }
            Event::GaveUp => self.gave_up = true,
        }
    }

    /// Says the next thing to do at `now`; none when there is nothing more to do before the next
    /// event or the [`deadline`](Self::deadline).
    ///
    /// What falls on one instant is handled in this order: a success, failures and time-outs,
    /// giving up, the overall deadline, starts.
    pub fn advance(&mut self, now: Instant) -> Option<Action> {
        if self.over {
            return None;
        }
        if let Some(id) = self.connected {
            self.over = true;
            return Some(Action::Win(id));
        }
        if let Some(id) = self.expired(now) {
            self.end(id);
            return Some(Action::TimeOut(id));
        }
        if let Some(loss) = self.loss(now) {
            self.over = true;
            return Some(Action::Lose(loss));
        }
        self.begun = self.begun || self.may_begin(now);
        if self.next_start().is_none_or(|due| due > now) {
            return None;
        }
        let id = match self.queue.pop() {
            Some(id) => {
                self.candidates[id.0].1 = State::Started;
                self.tried += 1;
                id
            }
            None => {
                let PutBack { id, .. } = self.next_put_back()?;
                self.queue.take_back(id);
                id
            }
        };
        self.running.push((id, now));
        self.starts += 1;
        self.last_start = Some(now);
        self.progressed = None;
        self.hurried = false;
        Some(Action::Start(id))
    }

    /// When [`advance`](Self::advance) is to be called again if nothing happens before; none while
    /// only an event can change anything. Ask after `advance` has nothing more to say.
    pub fn deadline(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let attempt = self
            .policy
            .attempt_timeout
            .get()
            .and_then(|timeout| self.running.first().map(|(_, started)| *started + timeout));
        [self.ends_at(), self.waits_until(), attempt, self.next_start()].into_iter().flatten().min()
    }

    /// Until when candidates wait for a further answer before the first attempt starts; none if
    /// nothing waits for that. Ask after [`advance`](Self::advance) has nothing more to say.
    pub fn waits_until(&self) -> Option<Instant> {
        if self.over || self.begun || self.queue.is_empty() {
            return None;
        }
        self.delay_began.map(|began| began + self.policy.resolution_delay())
    }

    /// When the race began.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// The overall deadline.
    fn ends_at(&self) -> Option<Instant> {
        self.policy.timeout.get().map(|timeout| self.began + timeout)
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.policy.timeout.get()
    }

    /// Whether fewer than `ahead` candidates are left to start and a further one could be.
    pub(crate) fn wants(&self, ahead: usize) -> bool {
        self.queue.len() < ahead && !self.has_tried_all()
    }

    /// How many candidates are left to start, those that were put back included.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.waiting_again().count()
    }

    /// How many attempts are in flight.
    pub fn in_flight(&self) -> usize {
        self.running.len()
    }

    /// Whether the race has been won or lost.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The candidates left to start, in the order in which they would be, those that were put back
    /// included.
    pub fn upcoming(&self) -> impl Iterator<Item = Id> {
        self.queue.iter().chain(self.waiting_again().map(|put_back| put_back.id))
    }

    /// Takes out what was never started when the race is over, one after another.
    pub(crate) fn take_upcoming(&mut self) -> Option<Id> {
        self.queue.pop()
    }

    fn answered(&mut self, answered: Answered<'_>) {
        let Answered { record, group, update, candidates, .. } = answered;
        let known = |list: &List| list.record == record && list.group == group;
        let (place, appends) = match self.lists.iter().position(known) {
            Some(place) => (place, place + 1 == self.lists.len()),
            None => {
                self.lists.push(List { record, group, ids: SmallVec::new() });
                (self.lists.len() - 1, true)
            }
        };
        if update == Update::Replace {
            for id in std::mem::take(&mut self.lists[place].ids) {
                let state = &mut self.candidates[id.0].1;
                if *state == State::Waiting {
                    *state = State::Unknown;
                }
            }
        }
        // One candidate has no order. It is what every literal makes.
        let sole = self.candidates.is_empty() && candidates.len() == 1;
        let ordered = sole || self.policy.order == Order::Resolver;
        let appends = appends && update == Update::Add && ordered;
        for Entrant { id, family, .. } in candidates {
            if self.candidates.len() <= id.0 {
                self.candidates.resize(id.0 + 1, (None, State::Unknown));
            }
            let candidate = &mut self.candidates[id.0];
            let unknown = candidate.1 == State::Unknown;
            if unknown {
                *candidate = (*family, State::Waiting);
            }
            self.lists[place].ids.push(*id);
            if appends && unknown && !self.is_full() {
                self.queue.push(*id);
            }
        }
        if !appends {
            self.reorder();
        }
    }

    /// Addresses have come, and so much of the resolution delay is spent: never more than all of it.
    /// It may be more than the race has lasted, because a resolver learns from earlier races.
    fn spend(&mut self, spent: Duration, now: Instant) {
        let began = now.checked_sub(spent.min(self.policy.resolution_delay())).unwrap_or(now);
        self.delay_began = Some(self.delay_began.map_or(began, |earlier| earlier.min(began)));
    }

    /// Whether appending to the queue would break the limit on addresses.
    fn is_full(&self) -> bool {
        self.policy.max_addresses.get().is_some_and(|max| self.tried() + self.queue.len() >= max)
    }

    /// Sorts the complete list anew, attempted candidates included, and leaves what has not
    /// started in the queue (draft-ietf-happy-happyeyeballs-v3 §7).
    fn reorder(&mut self) {
        for (_, state) in &mut self.candidates {
            if *state == State::Waiting {
                *state = State::Unknown;
            }
        }
        let max = self.policy.max_addresses.get().unwrap_or(usize::MAX);
        let room = max.saturating_sub(self.tried());
        let order = self.order();
        self.queue.clear();
        for id in order {
            let state = &mut self.candidates[id.0].1;
            if !state.is_tried() && self.queue.len() < room {
                *state = State::Waiting;
                self.queue.push(id);
            }
        }
    }

    /// Every candidate that an answer holds or that was tried, each once, in the order of the
    /// policy.
    fn order(&self) -> SmallVec<[Id; 8]> {
        let mut seen: SmallVec<[bool; 16]> = smallvec![false; self.candidates.len()];
        let mut list: SmallVec<[(Id, Option<Family>); 8]> = SmallVec::new();
        let mut collect = |ids: &[Id]| {
            for id in ids {
                if !std::mem::replace(&mut seen[id.0], true) {
                    list.push((*id, self.candidates[id.0].0));
                }
            }
        };
        // A lookup of all families at once knows best how they compare.
        let resolver_order = self.policy.order == Order::Resolver;
        let whole = |list: &&List| list.record == Record::Addresses && !resolver_order;
        for list in self.lists.iter().filter(whole) {
            collect(&list.ids);
        }
        for list in self.lists.iter().filter(|list| !whole(list)) {
            collect(&list.ids);
        }
        // What was tried and then replaced away has had its family's turn.
        let all = self.candidates.iter().zip(&seen).enumerate();
        let tried = all.filter(|(_, ((_, state), seen))| state.is_tried() && !**seen);
        list.insert_many(0, tried.map(|(id, ((family, _), _))| (Id(id), *family)));
        let leader = match self.policy.order {
            Order::Resolver => return list.into_iter().map(|(id, _)| id).collect(),
            Order::Ipv6First => Some(Family::Ipv6),
            Order::Alternate => {
                let sorted = self.lists.iter().filter(whole).find_map(|list| list.ids.first());
                match sorted {
                    Some(id) => self.candidates[id.0].0,
                    None => Some(self.leader.unwrap_or_else(|| self.preferred())),
                }
            }
        };
        alternate(&list, leader, self.policy.first_family_count())
    }

    /// Whether attempts may begin: there is an address, and the answers that count have come or
    /// have been waited for (draft-ietf-happy-happyeyeballs-v3 §4.2).
    pub(crate) fn may_begin(&self, now: Instant) -> bool {
        let own = |list: &&List| list.group == 0;
        let answered =
            |record| self.lists.iter().filter(own).any(|list: &List| list.record == record);
        let preferred = Record::from(self.preferred());
        let complete = self.resolution_ended
            || (answered(Record::Addresses) || answered(preferred))
                && (!self.policy.https || answered(Record::Https));
        let waited = |began| now.saturating_duration_since(began) >= self.policy.resolution_delay();
        !self.queue.is_empty() && (complete || self.delay_began.is_some_and(waited))
    }

    /// The family whose answer is waited for, and which leads where no answer says who does.
    fn preferred(&self) -> Family {
        self.policy.preferred(self.preferred)
    }

    /// When the next attempt is due; none if none is left, if none may run beside those in
    /// flight, or before attempts have begun.
    fn next_start(&self) -> Option<Instant> {
        let full = self.policy.max_in_flight.get().is_some_and(|max| self.running.len() >= max);
        if !self.begun || full {
            return None;
        }
        if !self.queue.is_empty() {
            return self.turn();
        }
        let PutBack { not_before, .. } = self.next_put_back()?;
        self.turn().map(|turn| turn.max(not_before))
    }

    /// When the next attempt is due if its candidate was not put back.
    fn turn(&self) -> Option<Instant> {
        // Before the first start the race is due since its addresses came.
        let Some(last) = self.last_start else {
            return self.delay_began;
        };
        if self.running.is_empty() {
            return Some(last);
        }
        let delay = self.policy.delay_after(self.starts as usize)?;
        if self.hurried {
            return Some(last + delay.min(Policy::ATTEMPT_FLOOR));
        }
        // Progress moves the start back, and never beyond the longest delay (v3 §6.1).
        let handshake = self.progressed.zip(self.policy.handshake_delay.get());
        let moved = handshake
            .map(|(at, delay)| (at + delay).min(last + *Policy::ATTEMPT_DELAY_RANGE.end()));
        let due = last + delay;
        Some(moved.map_or(due, |moved| moved.max(due)))
    }

    /// The first attempt in flight that has run for the attempt timeout.
    fn expired(&self, now: Instant) -> Option<Id> {
        let timeout = self.policy.attempt_timeout.get()?;
        let (id, started) = self.running.first()?;
        (now.saturating_duration_since(*started) >= timeout).then_some(*id)
    }

    fn loss(&self, now: Instant) -> Option<Loss> {
        if self.gave_up {
            return Some(Loss::GaveUp);
        }
        let left = !self.queue.is_empty() || self.next_put_back().is_some();
        let idle = self.running.is_empty() && !left;
        if idle && (self.resolution_ended || self.has_tried_all()) {
            return Some(if self.starts == 0 { Loss::NoCandidates } else { Loss::AllFailed });
        }
        if self.ends_at().is_none_or(|deadline| deadline > now) {
            return None;
        }
        Some(Loss::TimedOut(if self.starts > 0 {
            Phase::Connecting
        } else if self.queue.is_empty() {
            Phase::Resolving
        } else {
            Phase::Waiting
        }))
    }

    /// Ends an attempt without a connection. Returns whether it was in flight.
    fn end(&mut self, id: Id) -> bool {
        let place = self.running.iter().position(|(running, _)| *running == id);
        if let Some(at) = place {
            self.running.remove(at);
            self.hurried = true;
        }
        place.is_some()
    }

    /// Puts a candidate back if it has not been before. Its second attempt waits for the attempt
    /// delay, even where nothing is in flight: the shortage must have time to pass. Where attempts
    /// run one after another the policy has no delay, and the default one holds.
    fn put_back(&mut self, id: Id, now: Instant) {
        let state = &mut self.candidates[id.0].1;
        if *state == State::Started {
            *state = State::PutBack;
            let delay =
                self.policy.delay_after(self.starts as usize).unwrap_or(Policy::ATTEMPT_DELAY);
            self.queue.push_back(PutBack { id, not_before: now + delay });
        }
    }

    /// What was put back and waits, in order. It does not while no answer holds it.
    fn waiting_again(&self) -> impl Iterator<Item = PutBack> {
        let held = |id| self.lists.iter().any(|list| list.ids.contains(&id));
        self.queue.put_back().iter().copied().filter(move |put_back| held(put_back.id))
    }

    fn next_put_back(&self) -> Option<PutBack> {
        self.waiting_again().next()
    }

    fn tried(&self) -> usize {
        self.tried as usize
    }

    fn has_tried_all(&self) -> bool {
        self.policy.max_addresses.get().is_some_and(|max| self.tried() >= max)
    }
}

impl State {
    fn is_tried(self) -> bool {
        matches!(self, Self::Started | Self::PutBack)
    }
}
