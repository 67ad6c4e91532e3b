//! Questions on which all servers failed, and for how long that is remembered (RFC 9520 §3.2).

use std::hash::RandomState;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hashlink::LruCache;

use crate::dns_error::DnsError;
use crate::question::Question;

/// How many questions are remembered: 1024. The number is ours. It is bounded because an attacker
/// may choose the names of lookups that fail.
const CAPACITY: usize = 1024;

/// How long the first failure is remembered: 1 s, the least that RFC 9520 §3.2 allows.
const FIRST: Duration = Duration::from_secs(1);

/// How long a failure is remembered at most: 60 s, within the 5 minutes of RFC 9520 §3.2.
const LONGEST: Duration = Duration::from_secs(60);

/// How long it is remembered at most that no server answered in time: 5 s. Such a failure says
/// nothing about the name.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// The address of this machine from which messages leave, for each server.
pub(super) type LocalAddresses = Vec<Option<IpAddr>>;

pub(super) struct FailureCache {
    entries: LruCache<Question, CachedFailure, RandomState>,
    /// How many answers servers have given.
    answers: u64,
}

struct CachedFailure {
    error: DnsError,
    until: Instant,
    lasted: Duration,
    sources: LocalAddresses,
    /// The number of answers before this failure, if no server answered in time.
    silent_since: Option<u64>,
}

impl FailureCache {
    pub(super) fn new() -> Self {
        Self { entries: LruCache::with_hasher(CAPACITY, RandomState::new()), answers: 0 }
    }

    /// Whether the failure of an equal question may still be remembered.
    pub(super) fn may_know(&self, question: &Question, now: Instant) -> bool {
        self.entries.peek(question).is_some_and(|failure| now < failure.until)
    }

    /// Returns the failure of an equal question and its remaining time, if it is still remembered.
    pub(super) fn recall(
        &mut self,
        question: &Question,
        now: Instant,
        sources: &LocalAddresses,
    ) -> Option<(DnsError, Duration)> {
        let failure = self.entries.get(question)?;
        let left = failure.until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        // A clock that jumps back does not prolong it.
        let left = left.min(failure.lasted);
        let is_silence_over = failure.silent_since.is_some_and(|answers| answers != self.answers);
        if is_silence_over || failure.sources != *sources {
            self.entries.remove(question);
            return None;
        }
        Some((failure.error.clone(), left))
    }

    /// Records that all servers failed on a question.
    ///
    /// It is remembered for twice as long as the last failure, if that was not long ago.
    pub(super) fn note(
        &mut self,
        question: &Question,
        error: &DnsError,
        sources: LocalAddresses,
        is_silence: bool,
        now: Instant,
    ) {
        let longest = if is_silence { LONGEST_SILENCE } else { LONGEST };
        let before = self.entries.peek(question);
        let before =
            before.filter(|failure| failure.sources == sources && now <= failure.until + LONGEST);
        let lasts = before.map_or(FIRST, |failure| (failure.lasted * 2).min(longest));
        let failure = CachedFailure {
            error: error.clone(),
            until: now + lasts,
            lasted: lasts,
            sources,
            silent_since: is_silence.then_some(self.answers),
        };
        self.entries.insert(question.clone(), failure);
    }

    /// Records that a server has answered this question.
    pub(super) fn answered(&mut self, question: &Question) {
        self.answers += 1;
        if !self.entries.is_empty() {
            self.entries.remove(question);
        }
    }
}

#[cfg(test)]
mod tests {
    use stagger::resolve::Record;

    use super::*;
    use crate::question::name_of;

    fn question(name: &str) -> Question {
        Question::new(name_of(name).unwrap(), Record::A)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn error() -> DnsError {
        DnsError::servers_failed(&question("a.example"), Vec::new())
    }

    /// Records a failure. Returns how long it is remembered.
    fn lasts(failures: &mut FailureCache, is_silence: bool, now: Instant) -> Duration {
        let question = question("a.example");
        failures.note(&question, &error(), Vec::new(), is_silence, now);
        let (_, left) = failures.recall(&question, now, &Vec::new()).unwrap();
        assert!(failures.recall(&question, now + left, &Vec::new()).is_none());
        assert!(failures.recall(&question, now + left - seconds(1) / 1000, &Vec::new()).is_some());
        left
    }

    #[test]
    fn a_failure_is_remembered_for_a_second_and_each_one_after_it_twice_as_long_up_to_a_minute() {
        let mut failures = FailureCache::new();
        let mut now = Instant::now();
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let left = lasts(&mut failures, false, now);
            assert_eq!(left, seconds(expected));
            now += left;
        }
        // After a minute without a failure it begins with 1 s again.
        now += seconds(60) + seconds(1) / 1000;
        assert_eq!(lasts(&mut failures, false, now), seconds(1));
    }

    #[test]
    fn silence_is_remembered_for_five_seconds_at_the_most_and_until_any_server_answers() {
        let mut failures = FailureCache::new();
        let mut now = Instant::now();
        for expected in [1, 2, 4, 5, 5] {
            let left = lasts(&mut failures, true, now);
            assert_eq!(left, seconds(expected));
            now += left;
        }
        lasts(&mut failures, true, now);
        failures.answered(&question("other.example"));
        assert!(failures.recall(&question("a.example"), now, &Vec::new()).is_none());
    }

    #[test]
    fn a_failure_is_forgotten_when_its_name_is_found_and_not_when_another_is() {
        let mut failures = FailureCache::new();
        let now = Instant::now();
        lasts(&mut failures, false, now);
        failures.answered(&question("other.example"));
        assert!(failures.recall(&question("a.example"), now, &Vec::new()).is_some());
        failures.answered(&question("a.example"));
        assert!(failures.recall(&question("a.example"), now, &Vec::new()).is_none());
        assert_eq!(lasts(&mut failures, false, now), seconds(1));
    }

    #[test]
    fn a_failure_is_forgotten_when_messages_leave_from_another_source() {
        let mut failures = FailureCache::new();
        let now = Instant::now();
        lasts(&mut failures, false, now);
        let moved = vec![Some(IpAddr::from([192, 0, 2, 1]))];
        assert!(failures.recall(&question("a.example"), now, &moved).is_none());
    }

    #[test]
    fn a_clock_that_jumps_back_prolongs_nothing() {
        let mut failures = FailureCache::new();
        let now = Instant::now() + seconds(1000);
        lasts(&mut failures, false, now);
        let (_, left) =
            failures.recall(&question("a.example"), now - seconds(500), &Vec::new()).unwrap();
        assert_eq!(left, seconds(1));
    }

    #[test]
    fn of_more_failures_than_there_is_room_for_the_oldest_go() {
        let mut failures = FailureCache::new();
        let now = Instant::now();
        for number in 0..CAPACITY + 1 {
            let question = question(&format!("n{number}.example"));
            failures.note(&question, &error(), Vec::new(), false, now);
        }
        assert_eq!(failures.entries.len(), CAPACITY);
        assert!(failures.recall(&question("n0.example"), now, &Vec::new()).is_none());
        assert!(failures.recall(&question("n1.example"), now, &Vec::new()).is_some());
    }
}
