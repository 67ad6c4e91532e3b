//! A second implementation of the race's rules. From the events so far, it computes what the
//! machine may do now, what it must do, and when it has to wake. It uses nothing from the machine.
//! For example it keeps no queue: it computes the next candidate from the answers each time. The
//! file is longer than 400 lines because every rule reads the same history.

use std::collections::BTreeSet;

use stagger::address::Family;
use stagger::error::Phase;
use stagger::policy::Order;
use stagger::race::{Action, Id, Loss, Standing};
use stagger::resolve::{Families, Record, Update};

use crate::rules::Rules;

/// Microseconds since the race began.
pub(crate) type Time = u64;

/// A time that may be before the race.
fn signed(time: Time) -> i64 {
    i64::try_from(time).expect("a race lasts for less than an age")
}

/// The smallest gap between two starts while an attempt is in flight.
const FLOOR: Time = 10_000;

/// How long a second attempt waits after the failure if the policy has no delay.
const PATIENCE: Time = 250_000;

/// Progress postpones a start at most until this long after the last start.
const LONGEST: Time = 2_000_000;

/// The broken rule, and the details.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    pub(crate) detail: String,
}

pub(crate) type Checked<T = ()> = Result<T, Violation>;

/// Fails with the rule's name unless the condition holds.
macro_rules! rule {
    ($name:literal, $holds:expr, $($detail:tt)+) => {
        if !$holds {
            return Err($crate::oracle::Violation { rule: $name, detail: format!($($detail)+) });
        }
    };
}
pub(crate) use rule;

/// A candidate of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Candidate {
    pub(crate) id: Id,
    pub(crate) family: Option<Family>,
    pub(crate) standing: Standing,
}

/// The candidates of an answer, in the resolver's order.
pub(crate) type Held = Vec<Candidate>;

/// The shortest and the longest delay of an attempt's own.
const PACES: (Time, Time) = (10_000, 2_000_000);

/// What a lookup answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub(crate) record: Record,
    pub(crate) group: u32,
    pub(crate) update: Update,
    pub(crate) held: Held,
    /// The spent part of the resolution delay.
    pub(crate) spent: Time,
}

/// An event, as the driver of a machine would pass it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum News {
    Answered(Answer),
    /// The family of the first of all known candidates, sorted together.
    Leads(Family),
    /// The family that routes prefer.
    Prefers(Family),
    ResolutionEnded,
    Progressed(Id),
    /// The attempt has a delay of its own.
    Paced(Id, Time),
    Connected(Id),
    Failed(Id),
    /// It failed because of a local shortage.
    RanShort(Id),
    GaveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    Failed,
    TimedOut,
    Dropped,
    Won,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    id: Id,
    candidate: Candidate,
    at: Time,
    end: Option<End>,
    /// When it first reported progress in flight, whether or not it counted.
    progressed: Option<Time>,
    /// Its own delay, which replaces the policy's.
    pace: Option<Time>,
    /// It has connected, and the machine has not named the winner yet.
    connected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shortage {
    id: Id,
    at: Time,
    /// The number of attempts that had started by then.
    starts: usize,
}

/// The history of one race.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Oracle {
    /// The candidates of each record of each group, in the order of their first answers.
    answers: Vec<(Record, u32, Held)>,
    /// The earliest, over the answers with addresses: when the answer came, less the spent part of
    /// the resolution delay.
    delay_began: Option<i64>,
    /// The last leading family.
    leader: Option<Family>,
    /// The last family that routes prefer.
    routes: Option<Family>,
    resolution_ended: bool,
    gave_up: bool,
    /// In start order.
    attempts: Vec<Attempt>,
    failed_since_start: bool,
    /// Each candidate's first failure because of a local shortage, in order.
    shortages: Vec<Shortage>,
    outcome: Option<Action>,
}

impl Oracle {
    pub(crate) fn outcome(&self) -> Option<Action> {
        self.outcome
    }

    pub(crate) fn resolution_ended(&self) -> bool {
        self.resolution_ended
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = Id> {
        self.attempts.iter().filter(|attempt| attempt.end.is_none()).map(|attempt| attempt.id)
    }

    /// Whether progress of this attempt counts now: it started last, it is in flight,
    /// and it has reported no progress.
    pub(crate) fn may_progress(&self, id: Id) -> bool {
        let last = self.attempts.last();
        last.is_some_and(|last| last.id == id && last.end.is_none() && last.progressed.is_none())
    }

    /// Whether a delay of this attempt's own counts now: it started last, and it is in flight.
    pub(crate) fn may_be_paced(&self, id: Id) -> bool {
        self.attempts.last().is_some_and(|last| last.id == id && last.end.is_none())
    }

    /// Whether an attempt is in flight and has reported nothing yet.
    pub(crate) fn is_awaited(&self, id: Id) -> bool {
        self.attempts.iter().any(|own| own.id == id && own.end.is_none() && !own.connected)
    }

    /// Records an event, whatever the machine makes of it.
    pub(crate) fn note(&mut self, news: &News, now: Time) {
        match news {
            News::Answered(answer) => self.answered(answer, now),
            News::Leads(family) => self.leader = Some(*family),
            News::Prefers(family) => self.routes = Some(*family),
            News::ResolutionEnded => self.resolution_ended = true,
            News::GaveUp => self.gave_up = true,
            News::Progressed(id) => {
                let own = self.attempts.iter_mut().find(|own| own.id == *id && own.end.is_none());
                if let Some(attempt) = own {
                    attempt.progressed.get_or_insert(now);
                }
            }
            News::Paced(id, delay) => {
                if self.may_be_paced(*id) {
                    let (shortest, longest) = PACES;
                    self.attempt(*id).pace = Some((*delay).max(shortest).min(longest));
                }
            }
            News::Connected(id) if self.is_awaited(*id) => self.attempt(*id).connected = true,
            News::Failed(id) if self.is_awaited(*id) => self.fail(*id, End::Failed),
            News::RanShort(id) if self.is_awaited(*id) => {
                let (id, starts) = (*id, self.attempts.len());
                self.fail(id, End::Failed);
                if self.starts_of(id) == 1 {
                    self.shortages.push(Shortage { id, at: now, starts });
                }
            }
            News::Connected(_) | News::Failed(_) | News::RanShort(_) => {}
        }
    }

    fn answered(&mut self, answer: &Answer, now: Time) {
        let Answer { record, group, update, held, spent } = answer;
        let alike = |(known, of, _): &(Record, u32, Held)| known == record && of == group;
        let place = self.answers.iter().position(alike).unwrap_or_else(|| {
            self.answers.push((*record, *group, Vec::new()));
            self.answers.len() - 1
        });
        let list = &mut self.answers[place].2;
        if *update == Update::Replace {
            list.clear();
        }
        for candidate in held {
            if list.iter().all(|known| known.id != candidate.id) {
                list.push(*candidate);
            }
        }
        if !held.is_empty() {
            let began = [self.delay_began, Some(signed(now) - signed(*spent))];
            self.delay_began = began.into_iter().flatten().min();
        }
    }

    /// Checks an action of the machine.
    pub(crate) fn act(&mut self, rules: &Rules, action: Action, now: Time) -> Checked {
        rule!(
            "a race has one outcome",
            self.outcome.is_none(),
            "{action:?} after {:?}",
            self.outcome
        );
        let success = self.successes().next();
        if !matches!(action, Action::Win(_)) {
            rule!("a success comes first", success.is_none(), "{action:?}, {success:?} connected");
        }
        match action {
            Action::Start(id) => self.start(rules, id, now),
            Action::TimeOut(id) => {
                let started = self.attempts.iter().find(|own| own.id == id && own.end.is_none());
                rule!("only what is in flight times out", started.is_some(), "{id:?}");
                let expiry = started.zip(rules.attempt_timeout).map(|(own, run)| own.at + run);
                let due = expiry.is_some_and(|expiry| expiry <= now);
                rule!("no attempt is cut short", due, "{id:?} at {now}, due {expiry:?}");
                self.fail(id, End::TimedOut);
                Ok(())
            }
            Action::Win(id) => {
                rule!(
                    "the winner is the earliest start among the successes of its instant",
                    success == Some(id),
                    "{id:?} won, {success:?} should have"
                );
                self.attempt(id).end = Some(End::Won);
                self.finish(action);
                Ok(())
            }
            Action::Lose(loss) => {
                let expiry = self.expiry(rules).filter(|expiry| *expiry <= now);
                rule!("a time-out comes before a loss", expiry.is_none(), "{loss:?}, {expiry:?}");
                let expected = self.loss(rules, now);
                rule!(
                    "a loss is told as it is",
                    Some(loss) == expected,
                    "{loss:?}, not {expected:?}"
                );
                self.finish(action);
                Ok(())
            }
        }
    }

    /// Checks a machine that has nothing more to do now and must wake at `deadline`.
    pub(crate) fn rest(&self, rules: &Rules, deadline: Option<Time>, now: Time) -> Checked {
        if self.outcome.is_some() {
            rule!("no deadline is left after the end", deadline.is_none(), "{deadline:?}");
            let open = self.in_flight().next();
            rule!("every attempt has ended when the race has", open.is_none(), "{open:?}");
            return Ok(());
        }
        let success = self.successes().next();
        rule!("a success ends the race at once", success.is_none(), "{success:?}");
        let loss = self.loss(rules, now);
        rule!(
            "the last failure, a final one and the deadline end the race at once",
            loss.is_none(),
            "{loss:?}"
        );
        let expiry = self.expiry(rules);
        let overdue = expiry.is_some_and(|expiry| expiry <= now);
        rule!("no attempt outlives the attempt timeout", !overdue, "{expiry:?}");
        let due = self.due(rules, now);
        let idle = due.is_some_and(|due| due <= now);
        rule!("nothing waits once its time has come", !idle, "{:?}", self.left(rules).first());

        let past = deadline.is_some_and(|deadline| deadline <= now);
        rule!("no deadline lies in the past", !past, "{deadline:?} at {now}");
        let expected = [rules.timeout, expiry, due].into_iter().flatten().min();
        let needless = deadline.is_some() && expected.is_none();
        rule!("no deadline is armed for nothing", !needless, "{deadline:?}");
        rule!(
            "the machine wakes when there is something to do",
            deadline == expected,
            "{deadline:?}, not {expected:?}"
        );
        Ok(())
    }

    /// The candidates to start, the next one first: first those never tried, then those put back.
    pub(crate) fn left(&self, rules: &Rules) -> Vec<Id> {
        let room = rules.max_addresses.map_or(usize::MAX, |max| max - self.tried());
        let order = self.order(rules, true).into_iter().map(|candidate| candidate.id);
        let new = order.filter(|id| self.starts_of(*id) == 0).take(room);
        new.chain(self.put_back().map(|shortage| shortage.id)).collect()
    }

    /// The candidates that were never tried and have more of their family before them than they
    /// would have if nothing had a rank.
    pub(crate) fn outranked(&self, rules: &Rules) -> BTreeSet<Id> {
        let before = |id: Id, order: &[Candidate]| {
            let own = order.iter().find(|own| own.id == id).expect("it is in both orders").family;
            let earlier = order.iter().take_while(|other| other.id != id);
            earlier.filter(|other| other.family == own).count()
        };
        let untried = |ranked: bool| {
            let mut order = self.order(rules, ranked);
            order.retain(|it| self.starts_of(it.id) == 0 && !it.standing.is_demoted());
            order
        };
        let (ranked, plain) = (untried(true), untried(false));
        let ids = ranked.iter().map(|candidate| candidate.id);
        ids.filter(|id| before(*id, &ranked) > before(*id, &plain)).collect()
    }

    /// The candidates that were tried once, had a shortage, and are still in an answer.
    fn put_back(&self) -> impl Iterator<Item = Shortage> {
        let waits = |it: &Shortage| self.starts_of(it.id) == 1 && self.holds(it.id);
        self.shortages.iter().copied().filter(waits)
    }

    fn holds(&self, id: Id) -> bool {
        self.answers.iter().any(|(.., list)| list.iter().any(|own| own.id == id))
    }

    fn starts_of(&self, id: Id) -> usize {
        self.attempts.iter().filter(|attempt| attempt.id == id).count()
    }

    /// The number of candidates that were tried.
    fn tried(&self) -> usize {
        self.attempts.iter().map(|attempt| attempt.id).collect::<BTreeSet<_>>().len()
    }

    /// Until when candidates wait for a further answer before any of them starts.
    pub(crate) fn waits_until(&self, rules: &Rules) -> Option<Time> {
        let waits = self.attempts.is_empty() && !self.left(rules).is_empty();
        self.gate(rules).filter(|_| waits)
    }

    fn start(&mut self, rules: &Rules, id: Id, now: Time) -> Checked {
        let before = self.starts_of(id);
        let short = self.shortages.iter().find(|shortage| shortage.id == id);
        let first = before == 0;
        let again = before == 1 && short.is_some();
        rule!("only what ran short is started twice, and nothing thrice", first || again, "{id:?}");
        rule!("only what an answer holds is started", self.holds(id), "{id:?}");
        let tried = self.tried();
        let allowed = again || rules.max_addresses.is_none_or(|max| tried < max);
        rule!("no more addresses are tried than allowed", allowed, "{id:?} after {tried}");
        if let Some(short) = short {
            let passed = now >= Self::passes(rules, *short);
            rule!("a shortage has time to pass", passed, "{id:?} at {now}, {short:?}");
        }
        let running = self.in_flight().count();
        let allowed = rules.max_in_flight.is_none_or(|max| running < max);
        rule!("no more attempts run than allowed", allowed, "{id:?} beside {running}");
        let over = rules.timeout.is_some_and(|timeout| timeout <= now);
        rule!("the overall deadline beats a start", !over, "{id:?} at {now}");
        rule!("giving up beats a start", !self.gave_up, "{id:?} at {now}");
        let next = self.left(rules).first().copied();
        rule!(
            "candidates start in the order of the policy",
            next == Some(id),
            "{id:?}, not {next:?}"
        );
        match self.attempts.last() {
            None => {
                let open = self.gate(rules).is_some_and(|opens| opens <= now);
                rule!("nothing starts before the answers that count", open, "{id:?} at {now}");
            }
            Some(last) if running > 0 => {
                let twice = last.at == now;
                rule!("attempts in flight let no two start at one instant", !twice, "{id:?}");
                let alone = rules.delays.is_empty();
                rule!("one after another means alone", !alone, "{id:?} beside {running}");
                let turn = self.turn(rules, last);
                rule!(
                    "starts keep their distance from the last one",
                    now >= turn,
                    "{id:?} at {now}, last {}, not before {turn}",
                    last.at
                );
            }
            Some(_) => {}
        }
        let mut held = self.answers.iter().flat_map(|(.., held)| held);
        let candidate = *held.find(|own| own.id == id).expect("an answer holds it");
        let (end, progressed, pace, connected) = (None, None, None, false);
        self.attempts.push(Attempt { id, candidate, at: now, end, progressed, pace, connected });
        self.failed_since_start = false;
        Ok(())
    }

    /// When the next start is due, or `None` if only an event can cause a start.
    fn due(&self, rules: &Rules, now: Time) -> Option<Time> {
        let next = *self.left(rules).first()?;
        let Some(last) = self.attempts.last() else { return self.gate(rules) };
        let patience = self.put_back().find(|shortage| shortage.id == next);
        let patience = patience.map_or(0, |shortage| Self::passes(rules, shortage));
        let running = self.in_flight().count();
        if running == 0 {
            return Some(now.max(patience));
        }
        if rules.delays.is_empty() || rules.max_in_flight.is_some_and(|max| running >= max) {
            return None;
        }
        Some(self.turn(rules, last).max(patience))
    }

    /// When a second attempt may start, as far as the shortage matters.
    fn passes(rules: &Rules, shortage: Shortage) -> Time {
        let Shortage { at, starts, .. } = shortage;
        at + if rules.delays.is_empty() { PATIENCE } else { rules.delay(starts) }
    }

    /// When the next attempt may start while others run. `last` is the attempt that started last.
    fn turn(&self, rules: &Rules, last: &Attempt) -> Time {
        if self.failed_since_start {
            return last.at + FLOOR;
        }
        let mut gap = last.pace.unwrap_or_else(|| rules.delay(self.attempts.len()));
        if let (Some(progressed), Some(handshake)) = (last.progressed, rules.handshake_delay) {
            let handshake = progressed - last.at + handshake;
            gap = gap.max(if handshake > LONGEST { LONGEST } else { handshake });
        }
        last.at + gap
    }

    /// When the first attempt may start, or `None` before there is an address.
    fn gate(&self, rules: &Rules) -> Option<Time> {
        let came = self.delay_began?;
        // Answers for other names do not end the wait for the target's own.
        let answered = |record| {
            let own = |(known, group, _): &(Record, u32, Held)| *known == record && *group == 0;
            self.answers.iter().any(own)
        };
        let preferred =
            if self.preferred(rules) == Family::Ipv6 { Record::Aaaa } else { Record::A };
        let addresses = answered(Record::Addresses) || answered(preferred);
        let bindings = answered(Record::Https) || !rules.https;
        let wait = if self.resolution_ended || (addresses && bindings) {
            0
        } else {
            rules.resolution_delay
        };
        // The delay may be over before the race begins.
        Some(Time::try_from(came + signed(wait)).unwrap_or(0))
    }

    /// The preferred family: the only one asked for, or the policy's, or the routes', or IPv6.
    fn preferred(&self, rules: &Rules) -> Family {
        let only = match rules.families {
            Families::Any => None,
            Families::Ipv4 => Some(Family::Ipv4),
            Families::Ipv6 => Some(Family::Ipv6),
        };
        let said = [only, rules.preferred, self.routes, Some(Family::Ipv6)];
        said.into_iter().flatten().next().expect("IPv6 is always there")
    }

    fn expiry(&self, rules: &Rules) -> Option<Time> {
        let oldest = self.attempts.iter().find(|attempt| attempt.end.is_none())?;
        Some(oldest.at + rules.attempt_timeout?)
    }

    fn loss(&self, rules: &Rules, now: Time) -> Option<Loss> {
        if self.gave_up {
            return Some(Loss::GaveUp);
        }
        let started = self.attempts.len();
        let left = !self.left(rules).is_empty();
        let more = !self.resolution_ended && rules.max_addresses != Some(self.tried());
        if !left && !more && self.in_flight().next().is_none() {
            return Some(if started > 0 { Loss::AllFailed } else { Loss::NoCandidates });
        }
        rules.timeout.filter(|timeout| *timeout <= now)?;
        Some(Loss::TimedOut(match (started, left) {
            (0, false) => Phase::Resolving,
            (0, true) => Phase::Waiting,
            _ => Phase::Connecting,
        }))
    }

    /// Every candidate that is in an answer or was tried. Each gets a place on a line. In the
    /// leading family the n-th takes place n until the first of the others come, and then every
    /// second place. Demoted candidates have a line of their own, behind. Ranks count if they
    /// are wanted.
    fn order(&self, rules: &Rules, ranked: bool) -> Vec<Candidate> {
        let resolver = rules.order == Order::Resolver;
        let mut lists: Vec<_> = self.answers.iter().collect();
        // The full lookup has the best order of its addresses.
        lists.sort_by_key(|(record, ..)| resolver || *record != Record::Addresses);
        let mut seen = BTreeSet::new();
        let held: Vec<Candidate> = lists
            .iter()
            .flat_map(|(.., held)| held)
            .copied()
            .filter(|candidate| seen.insert(candidate.id))
            .collect();
        // A candidate that was tried and then replaced has used its family's turn, whatever its
        // rank.
        let without_rank = |it: Candidate| Candidate {
            standing: Some(it.standing).filter(|own| own.is_demoted()).unwrap_or_default(),
            ..it
        };
        let tried = self.attempts.iter().map(|attempt| without_rank(attempt.candidate));
        let tried = tried.filter(|candidate| seen.insert(candidate.id));
        let list: Vec<Candidate> = tried.chain(held).collect();
        let full = lists
            .iter()
            .filter(|(record, ..)| *record == Record::Addresses)
            .find_map(|(.., held)| held.first());
        let leader = match (rules.order, full) {
            (Order::Alternate, Some(first)) => first.family,
            (Order::Alternate, None) => Some(self.leader.unwrap_or_else(|| self.preferred(rules))),
            _ => Some(Family::Ipv6),
        };
        let mut places: Vec<(bool, usize, Candidate)> = Vec::new();
        // Per line: how many of the leading family and of the others have a place.
        let mut counts = [(0, 0); 2];
        for place in 0..list.len() {
            let kept = resolver || !ranked;
            let turn = if kept { list[place] } else { Self::turn_at(&list, place) };
            let Candidate { family, standing, .. } = turn;
            let behind = standing.is_demoted();
            let (leading, others) = &mut counts[usize::from(behind)];
            let count = rules.first_family_count;
            let place = if resolver {
                0
            } else if family == leader {
                *leading += 1;
                if *leading <= count { *leading } else { 2 * *leading - count }
            } else {
                *others += 1;
                count + 2 * *others - 1
            };
            places.push((behind, place, turn));
        }
        places.sort_by_key(|(behind, place, _)| (*behind, *place));
        places.into_iter().map(|(.., candidate)| candidate).collect()
    }

    /// The candidate whose turn it is at this place of the list. At the n-th place of a family's
    /// candidates with a rank, it is the n-th of them by rank.
    fn turn_at(list: &[Candidate], place: usize) -> Candidate {
        let here = list[place];
        if here.standing.rank().is_none() {
            return here;
        }
        let alike =
            |other: &&Candidate| other.family == here.family && other.standing.rank().is_some();
        let before = list[..place].iter().filter(alike).count();
        let mut ranked: Vec<&Candidate> = list.iter().filter(alike).collect();
        ranked.sort_by_key(|other| other.standing.rank());
        *ranked[before]
    }

    /// The attempts that have connected at this instant, in start order.
    pub(crate) fn successes(&self) -> impl Iterator<Item = Id> {
        self.attempts.iter().filter(|own| own.connected && own.end.is_none()).map(|own| own.id)
    }

    /// The last attempt at a candidate.
    fn attempt(&mut self, id: Id) -> &mut Attempt {
        self.attempts.iter_mut().rfind(|attempt| attempt.id == id).expect("it was started")
    }

    fn fail(&mut self, id: Id, end: End) {
        self.attempt(id).end = Some(end);
        self.failed_since_start = true;
    }

    fn finish(&mut self, outcome: Action) {
        self.outcome = Some(outcome);
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.end.is_none()) {
            attempt.end = Some(End::Dropped);
        }
    }
}
