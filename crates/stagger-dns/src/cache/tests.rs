use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_answer_is_there_until_its_ttl_is_over_and_no_longer() {
    let start = Instant::now();
    let mut cache = Cache::new(10);
    cache.insert("a", 1, 10 * SECOND, start);
    let ttl = |cache: &mut Cache<&str, i32>, time| cache.get("a", time).map(|hit| hit.ttl);
    assert_eq!(ttl(&mut cache, start), Some(10 * SECOND));
    let last = start + 10 * SECOND - Duration::from_nanos(1);
    assert_eq!(ttl(&mut cache, last), Some(Duration::from_nanos(1)));
    assert_eq!(ttl(&mut cache, start + 10 * SECOND), None);
    // It was dropped, and does not come back at an earlier time.
    assert_eq!((ttl(&mut cache, start), cache.len()), (None, 0));
}

#[test]
fn an_answer_does_not_hold_longer_at_a_time_before_it_was_stored() {
    let start = Instant::now();
    let mut cache = Cache::new(10);
    cache.insert("a", 1, 10 * SECOND, start + 100 * SECOND);
    assert_eq!(cache.get("a", start).unwrap().ttl, 10 * SECOND);
}

#[test]
fn positive_and_negative_answers_are_capped_each_to_its_own() {
    let now = Instant::now();
    let mut cache = Cache::new(10);
    cache.insert("positive", 1, Duration::MAX, now);
    cache.insert_negative("negative", 2, Duration::MAX, now);
    let hit = cache.get("positive", now).unwrap();
    assert_eq!(hit, Hit { value: &1, ttl: MAX_TTL, is_negative: false });
    let hit = cache.get("negative", now).unwrap();
    assert_eq!(hit, Hit { value: &2, ttl: MAX_NEGATIVE_TTL, is_negative: true });
}

#[test]
fn an_answer_without_a_ttl_is_not_kept_and_what_it_replaces_is_gone() {
    let now = Instant::now();
    let mut cache = Cache::new(10);
    cache.insert("a", 1, 10 * SECOND, now);
    cache.insert("a", 2, Duration::ZERO, now);
    assert_eq!(cache.get("a", now), None);
    cache.insert("a", 1, 10 * SECOND, now);
    cache.insert_negative("a", 2, Duration::ZERO, now);
    assert!(cache.is_empty());
}

#[test]
fn the_one_not_asked_for_the_longest_goes_when_it_is_full() {
    let now = Instant::now();
    let mut cache = Cache::new(2);
    cache.insert("a", 1, SECOND, now);
    cache.insert("b", 2, SECOND, now);
    cache.get("a", now);
    cache.insert("c", 3, SECOND, now);
    assert_eq!(["a", "b", "c"].map(|key| cache.get(key, now).is_some()), [true, false, true]);
}

#[test]
fn with_a_capacity_of_0_nothing_is_kept() {
    let now = Instant::now();
    let mut cache = Cache::new(0);
    cache.insert("a", 1, SECOND, now);
    cache.insert_negative("b", 1, SECOND, now);
    assert_eq!(cache.len(), 0);
    assert_eq!(cache.get("a", now), None);
}

#[test]
fn a_capacity_takes_no_room_before_it_is_used() {
    let now = Instant::now();
    let mut cache = Cache::new(usize::MAX);
    cache.insert(1, 1, SECOND, now);
    assert_eq!(cache.len(), 1);
}

#[test]
fn a_negative_ttl_is_the_lesser_of_the_soa_records_ttl_and_minimum() {
    for (ttl, minimum, seconds) in [(60, 300, 60), (300, 60, 60), (0, 60, 0), (60, 0, 0)] {
        assert_eq!(negative_ttl(ttl, minimum).as_secs(), seconds);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert { key: u8, ttl: u64, is_negative: bool },
    Get { key: u8 },
    Wait { seconds: u64 },
    RemoveExpired,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    // Some TTLs are above the caps, and some waits are as long as the caps.
    let long = prop_oneof![Just(3 * 3600_u64), Just(86_400), Just(86_399), 0..200_000_u64];
    let ttl = prop_oneof![3 => 0..6_u64, 1 => long.clone()];
    let seconds = prop_oneof![6 => 0..3_u64, 1 => long];
    prop_oneof![
        6 => (0..6_u8, ttl, any::<bool>())
            .prop_map(|(key, ttl, is_negative)| Step::Insert { key, ttl, is_negative }),
        6 => (0..6_u8).prop_map(|key| Step::Get { key }),
        4 => seconds.prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::RemoveExpired),
        1 => Just(Step::Clear),
    ]
}

/// The model: a list in the order of use, the oldest first. Times are in seconds.
struct Model {
    capacity: usize,
    /// Key, value, end, and whether it is negative.
    entries: Vec<(u8, usize, u64, bool)>,
}

impl Model {
    fn insert(&mut self, key: u8, value: usize, ttl: u64, is_negative: bool, now: u64) {
        let ttl = ttl.min(if is_negative { 10_800 } else { 86_400 });
        self.entries.retain(|entry| entry.0 != key);
        if ttl > 0 && self.capacity > 0 {
            self.entries.push((key, value, now + ttl, is_negative));
            if self.entries.len() > self.capacity {
                self.entries.remove(0);
            }
        }
    }

    fn get(&mut self, key: u8, now: u64) -> Option<(usize, u64, bool)> {
        let index = self.entries.iter().position(|entry| entry.0 == key)?;
        let entry = self.entries.remove(index);
        let (_, value, end, is_negative) = entry;
        if end <= now {
            return None;
        }
        self.entries.push(entry);
        Some((value, end - now, is_negative))
    }
}

proptest! {
    #[test]
    fn it_does_what_a_plain_list_would(
        capacity in 0..5_usize,
        steps in vec(step(), 0..100),
    ) {
        let start = Instant::now();
        let mut now = 0;
        let mut cache = Cache::new(capacity);
        let mut model = Model { capacity, entries: Vec::new() };
        for (value, step) in steps.into_iter().enumerate() {
            let time = start + Duration::from_secs(now);
            match step {
                Step::Insert { key, ttl, is_negative } => {
                    let length = Duration::from_secs(ttl);
                    if is_negative {
                        cache.insert_negative(key, value, length, time);
                    } else {
                        cache.insert(key, value, length, time);
                    }
                    model.insert(key, value, ttl, is_negative, now);
                }
                Step::Get { key } => {
                    let hit = cache.get(&key, time);
                    let found = hit.map(|hit| (*hit.value, hit.ttl.as_secs(), hit.is_negative));
                    prop_assert_eq!(found, model.get(key, now));
                }
                Step::Wait { seconds } => now += seconds,
                Step::RemoveExpired => {
                    cache.remove_expired(time);
                    model.entries.retain(|entry| entry.2 > now);
                }
                Step::Clear => {
                    cache.clear();
                    model.entries.clear();
                }
            }
            prop_assert_eq!(cache.len(), model.entries.len());
            prop_assert!(cache.len() <= capacity);
        }
    }
}
