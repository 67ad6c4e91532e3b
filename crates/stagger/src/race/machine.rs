//! The race as a pure machine: it takes events and `now`, and returns actions and one deadline. It
//! is longer than 400 lines because every rule reads the same state, and is easiest to follow next
//! to the others.

use std::time::{Duration, Instant};

use smallvec::{SmallVec, smallvec};

use super::event::{Action, Answered, Entrant, Event, Id, Loss, Standing};
use super::order::{Listed, alternate, moved_back, sort_by_rank};
use super::queue::{PutBack, Queue};
use crate::Policy;
use crate::address::Family;
use crate::error::Phase;
use crate::policy::Order;
use crate::resolve::{Record, Update};

/// Decides everything about one race, and waits for nothing.
///
/// Use it in this order:
///
/// 1. Pass every event of an instant to [`handle`](Self::handle).
/// 2. Perform the actions of [`advance`](Self::advance) until it returns `None`.
/// 3. Wait for the next event or for the [`deadline`](Self::deadline).
///
/// The same events at the same instants always produce the same actions. A future, a thread or a
/// test can drive it.
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
    /// The candidates of each record of each group, in the order of their first answers.
    lists: SmallVec<[List; 1]>,
    /// The family of the first of all candidates, if an event has set it.
    leader: Option<Family>,
    /// The family that routes prefer, if an event has set it.
    preferred: Option<Family>,
    /// The candidates by id.
    candidates: SmallVec<[Known; 8]>,
    /// The candidates to start, the next one first.
    queue: Queue,
    /// The attempts in flight, in start order.
    running: SmallVec<[(Id, Instant); 2]>,
    /// The number of attempts started.
    starts: u32,
    /// The number of different candidates among them: a candidate that was put back counts once.
    tried: u32,
    last_start: Option<Instant>,
    /// When the attempt that started last made progress.
    progressed: Option<Instant>,
    /// The own delay of the attempt that started last.
    paced: Paced,
    /// An attempt has failed since the last start.
    hurried: bool,
    /// When the resolution delay began: when the first addresses came, or earlier if an answer has
    /// spent part of the delay.
    delay_began: Option<Instant>,
    resolution_ended: bool,
    begun: bool,
    gave_up: bool,
    /// A candidate has had a standing.
    has_standings: bool,
    /// The number of the candidate that has connected, or [`NOTHING`].
    connected: u32,
    over: bool,
}

/// The value for an absent candidate, half as large as an option.
const NOTHING: u32 = u32::MAX;

/// What the machine knows of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Known {
    family: Option<Family>,
    state: State,
    standing: Standing,
}

/// The delay that an attempt brought, in nanoseconds. It is zero if the policy's delay applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Paced(u32);

/// The candidates of one record of one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct List {
    record: Record,
    group: u32,
    ids: SmallVec<[Id; 4]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// No answer contains it, or no answer does any more.
    Unknown,
    Waiting,
    /// It has been started once.
    Started,
    /// It has failed because of a local shortage, and was put back. That happens once.
    PutBack,
}

impl Machine {
    /// Creates a race that begins now. The overall deadline counts from here.
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
            paced: Paced::default(),
            hurried: false,
            delay_began: None,
            resolution_ended: false,
            begun: false,
            gave_up: false,
            has_standings: false,
            connected: NOTHING,
            over: false,
        }
    }

    /// Creates a race that began at `began` with this one candidate, which started at once. No
    /// answer will come.
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

    /// Handles an event. An event for an attempt that is not in flight changes nothing. After the
    /// end of the race, no event changes anything.
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
                if self.is_last(id) && self.progressed.is_none() {
                    self.progressed = Some(now);
                }
            }
            Event::Paced(id, delay) => {
                if self.is_last(id) {
                    self.paced = Paced::new(delay);
                }
            }
            Event::Connected(id) => {
                // If two attempts succeed at the same instant, the earlier start wins.
                let place = |id| self.running.iter().position(|(running, _)| *running == id);
                if let Some(at) = place(id) {
                    if self.connected().and_then(place).is_none_or(|earlier| at < earlier) {
                        self.connected = u32::try_from(id.0).expect("ids have no gaps");
                    }
                }
            }
            Event::Failed(id) => {
                if self.connected() != Some(id) {
                    self.end(id);
                }
            }
            Event::RanShort(id) => {
                if self.connected() != Some(id) && self.end(id) {
                    self.put_back(id, now);
                }
            }
            Event::GaveUp => self.gave_up = true,
        }
    }

    /// Returns the next action at `now`, or `None` when nothing is left to do before the next event
    /// or the [`deadline`](Self::deadline).
    ///
    /// Events of one instant are handled in this order:
    ///
    /// 1. a success;
    /// 2. failures and timeouts;
    /// 3. a final failure;
    /// 4. the overall deadline;
    /// 5. starts.
    pub fn advance(&mut self, now: Instant) -> Option<Action> {
        if self.over {
            return None;
        }
        if let Some(id) = self.connected() {
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
                self.candidates[id.0].state = State::Started;
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
        self.paced = Paced::default();
        self.hurried = false;
        Some(Action::Start(id))
    }

    /// When to call [`advance`](Self::advance) again if no event comes before. It is `None` if only an event can
    /// change anything. Call it after `advance` has returned `None`.
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

    /// Until when candidates wait for a further answer before the first attempt starts, or `None`
    /// if nothing waits for an answer. Call it after [`advance`](Self::advance) has returned `None`.
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

    /// Whether fewer than `ahead` candidates are left to start, and one more could start.
    pub(crate) fn wants(&self, ahead: usize) -> bool {
        self.queue.len() < ahead && !self.has_tried_all()
    }

    /// The number of candidates left to start, including candidates that were put back.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.waiting_again().count()
    }

    /// The number of attempts in flight.
    pub fn in_flight(&self) -> usize {
        self.running.len()
    }

    /// Whether the race has been won or lost.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The candidates left to start, in start order, including candidates that were put back.
    pub fn upcoming(&self) -> impl Iterator<Item = Id> {
        self.queue.iter().chain(self.waiting_again().map(|put_back| put_back.id))
    }

    /// The candidates that were not started and are later in their family than the answers list
    /// them, because others have a lower [rank](Standing::ranked). They are in the order of their
    /// ranks in each family. Candidates beyond the limit on addresses count too.
    ///
    /// It sorts all candidates again, so ask only where the result is used.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Instant;
    /// use stagger::race::{Answered, Entrant, Event, Id, Machine, Standing};
    /// use stagger::Policy;
    /// use stagger::address::Family;
    /// use stagger::resolve::Record;
    ///
    /// let now = Instant::now();
    /// let mut machine = Machine::new(Policy::new(), now);
    /// let ranked = |id, rank| {
    ///     Entrant::new(Id(id), Some(Family::Ipv4)).with_standing(Standing::ranked(rank))
    /// };
    /// let found = [ranked(0, 6), ranked(1, 0)];
    /// machine.handle(Event::Answered(Answered::new(Record::A, &found)), now);
    /// assert!(machine.upcoming().eq([Id(1), Id(0)]));
    /// assert!(machine.outranked().eq([Id(0)]));
    /// ```
    pub fn outranked(&self) -> impl Iterator<Item = Id> {
        let sorts = self.has_standings && self.policy.order != Order::Resolver;
        let moved = if sorts { self.moved_back() } else { SmallVec::new() };
        moved.into_iter()
    }

    fn moved_back(&self) -> SmallVec<[Id; 8]> {
        let is_new = |it: &Listed| !self.candidates[it.id.0].state.is_tried();
        let mut list = self.listed();
        list.retain(|it| !it.standing.is_demoted());
        let mut sorted = list.clone();
        sort_by_rank(&mut sorted);
        list.retain(|it| is_new(it));
        sorted.retain(|it| is_new(it));
        moved_back(&list, &sorted)
    }

    /// Removes and returns the next candidate that was never started, when the race is over.
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
                let state = &mut self.candidates[id.0].state;
                if *state == State::Waiting {
                    *state = State::Unknown;
                }
            }
        }
        // A single candidate needs no sorting. Every literal makes one.
        let sole = self.candidates.is_empty() && candidates.len() == 1;
        self.has_standings |= candidates.iter().any(|entrant| entrant.standing.is_known());
        let ordered = sole || self.policy.order == Order::Resolver && !self.has_standings;
        let appends = appends && update == Update::Add && ordered;
        for Entrant { id, family, standing, .. } in candidates {
            if self.candidates.len() <= id.0 {
                self.candidates.resize(id.0 + 1, Known::NOTHING);
            }
            let candidate = &mut self.candidates[id.0];
            let unknown = candidate.state == State::Unknown;
            if unknown {
                let state = State::Waiting;
                *candidate = Known { family: *family, state, standing: *standing };
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

    /// Records that addresses have come, and that this much of the resolution delay is spent, up to
    /// all of it. It may be more than the race has lasted, because a resolver learns from earlier
    /// races.
    fn spend(&mut self, spent: Duration, now: Instant) {
        let began = now.checked_sub(spent.min(self.policy.resolution_delay())).unwrap_or(now);
        self.delay_began = Some(self.delay_began.map_or(began, |earlier| earlier.min(began)));
    }

    /// Whether appending to the queue would break the limit on addresses.
    fn is_full(&self) -> bool {
        self.policy.max_addresses.get().is_some_and(|max| self.tried() + self.queue.len() >= max)
    }

    /// Sorts the complete list again, including attempted candidates. The candidates that have not
    /// started form the queue (draft-ietf-happy-happyeyeballs-v3 §7).
    fn reorder(&mut self) {
        for Known { state, .. } in &mut self.candidates {
            if *state == State::Waiting {
                *state = State::Unknown;
            }
        }
        let max = self.policy.max_addresses.get().unwrap_or(usize::MAX);
        let room = max.saturating_sub(self.tried());
        let order = self.order();
        self.queue.clear();
        for id in order {
            let state = &mut self.candidates[id.0].state;
            if !state.is_tried() && self.queue.len() < room {
                *state = State::Waiting;
                self.queue.push(id);
            }
        }
    }

    /// Every candidate that is in an answer or was tried, each once, before ranks, demotions and
    /// families change the order.
    fn listed(&self) -> SmallVec<[Listed; 8]> {
        let mut seen: SmallVec<[bool; 16]> = smallvec![false; self.candidates.len()];
        let mut list: SmallVec<[Listed; 8]> = SmallVec::new();
        let mut collect = |ids: &[Id]| {
            for id in ids {
                if !std::mem::replace(&mut seen[id.0], true) {
                    list.push(self.candidates[id.0].listed(*id));
                }
            }
        };
        // A lookup of all families at once has the best order between them.
        for list in self.lists.iter().filter(|list| self.leads(list)) {
            collect(&list.ids);
        }
        for list in self.lists.iter().filter(|list| !self.leads(list)) {
            collect(&list.ids);
        }
        // A candidate that was tried and then replaced has used its family's turn, whatever its
        // rank.
        let all = self.candidates.iter().zip(&seen).enumerate();
        let tried = all.filter(|(_, (known, seen))| known.state.is_tried() && !**seen);
        list.insert_many(0, tried.map(|(id, (known, _))| known.unranked(Id(id))));
        list
    }

    /// Whether a list has the order between the families.
    fn leads(&self, list: &List) -> bool {
        list.record == Record::Addresses && self.policy.order != Order::Resolver
    }

    /// Every candidate that is in an answer or was tried, each once, in the order of the policy.
    fn order(&self) -> SmallVec<[Id; 8]> {
        let list = self.listed();
        let leader = match self.policy.order {
            Order::Resolver => None,
            Order::Ipv6First => Some(Family::Ipv6),
            Order::Alternate => {
                let mut sorted = self.lists.iter().filter(|list| self.leads(list));
                match sorted.find_map(|list| list.ids.first()) {
                    Some(id) => self.candidates[id.0].family,
                    None => Some(self.leader.unwrap_or_else(|| self.preferred())),
                }
            }
        };
        let arrange = |list: &[Listed]| match self.policy.order {
            Order::Resolver => list.iter().map(|it| it.id).collect(),
            _ => alternate(list, leader, self.policy.first_family_count()),
        };
        if !self.has_standings {
            return arrange(&list);
        }
        let (mut first, demoted): (SmallVec<[Listed; 8]>, SmallVec<[Listed; 8]>) =
            list.into_iter().partition(|it| !it.standing.is_demoted());
        if self.policy.order != Order::Resolver {
            sort_by_rank(&mut first);
        }
        let mut order = arrange(&first);
        order.extend(arrange(&demoted));
        order
    }

    /// Whether attempts may begin: there is an address, and the answers that count have come or the
    /// wait for them is over (draft-ietf-happy-happyeyeballs-v3 §4.2).
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

    /// The family whose answer the race waits for. It leads if no answer sets a leading family.
    fn preferred(&self) -> Family {
        self.policy.preferred(self.preferred)
    }

    /// When the next attempt is due. It is `None` if no candidate is left, if no attempt may start
    /// while others run, or before attempts have begun.
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
        // Before the first start, the race is due since its addresses came.
        let Some(last) = self.last_start else {
            return self.delay_began;
        };
        if self.running.is_empty() {
            return Some(last);
        }
        let delay = self.policy.delay_after(self.starts as usize)?;
        let delay = self.paced.get().unwrap_or(delay);
        if self.hurried {
            return Some(last + delay.min(Policy::ATTEMPT_FLOOR));
        }
        // Progress postpones the start, but never beyond the longest delay (v3 §6.1).
        let handshake = self.progressed.zip(self.policy.handshake_delay.get());
        let moved = handshake
            .map(|(at, delay)| (at + delay).min(last + *Policy::ATTEMPT_DELAY_RANGE.end()));
        let due = last + delay;
        Some(moved.map_or(due, |moved| moved.max(due)))
    }

    /// Whether this attempt started last and is in flight.
    fn is_last(&self, id: Id) -> bool {
        let last = self.running.last().filter(|(_, at)| Some(*at) == self.last_start);
        last.is_some_and(|(last, _)| *last == id)
    }

    /// The first attempt that has connected at this instant.
    fn connected(&self) -> Option<Id> {
        (self.connected != NOTHING).then_some(Id(self.connected as usize))
    }

    /// The first attempt in flight that has reached the attempt timeout.
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

    /// Puts a candidate back if it was not put back before. Its second attempt waits for the
    /// attempt delay, even if nothing is in flight, so that the shortage has time to pass. If
    /// attempts run one after another, the policy has no delay, and the default delay applies.
    fn put_back(&mut self, id: Id, now: Instant) {
        let state = &mut self.candidates[id.0].state;
        if *state == State::Started {
            *state = State::PutBack;
            let delay =
                self.policy.delay_after(self.starts as usize).unwrap_or(Policy::ATTEMPT_DELAY);
            self.queue.push_back(PutBack { id, not_before: now + delay });
        }
    }

    /// The candidates that were put back and wait, in order. A candidate does not wait while no
    /// answer contains it.
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

impl Known {
    const NOTHING: Self = Self { family: None, state: State::Unknown, standing: Standing::NONE };

    /// The candidate in a list to arrange.
    fn listed(self, id: Id) -> Listed {
        Listed { id, family: self.family, standing: self.standing }
    }

    /// The same without its rank.
    fn unranked(self, id: Id) -> Listed {
        let standing =
            if self.standing.is_demoted() { Standing::demoted() } else { Standing::NONE };
        Listed { standing, ..self.listed(id) }
    }
}

impl Paced {
    /// The same delay, kept within the range of attempt delays. The longest is 2 s, which fits.
    fn new(delay: Duration) -> Self {
        let range = Policy::ATTEMPT_DELAY_RANGE;
        let delay = delay.clamp(*range.start(), *range.end());
        Self(u32::try_from(delay.as_nanos()).expect("it is at most 2 s"))
    }

    fn get(self) -> Option<Duration> {
        (self.0 != 0).then(|| Duration::from_nanos(self.0.into()))
    }
}

impl State {
    fn is_tried(self) -> bool {
        matches!(self, Self::Started | Self::PutBack)
    }
}
