//! What a history says about an address: the delay after an attempt at it, and its place.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Knowledge, Mode};
use crate::race::Standing;
use crate::text::Span;

/// The delay after an attempt at a demoted address: 10 ms, the shortest that RFC 8305 §5 allows.
const DEMOTED: Duration = Duration::from_millis(10);

/// The range of the delay at a known address: 100 ms to 2 s (RFC 8305 §8: the minimum recommended,
/// and the maximum).
const KNOWN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The least that is added to a round-trip time: 20 ms. The number is ours.
const MARGIN: Duration = Duration::from_millis(20);

/// The longest delay at an unknown address of a known family: 250 ms, the default of RFC 8305 §8.
const FAMILY: Duration = Duration::from_millis(250);

/// Delays are rounded up to whole steps of 10 ms, so that a server learns less. The number is ours.
const STEP: u32 = 10_000_000;

/// Round-trip times are compared in steps of 50 ms for the order. The number is ours. Smaller
/// differences would change the order too often.
const RANK: Duration = Duration::from_millis(50);

/// What a history knows about an address at one time.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
/// use stagger::History;
///
/// let recall = History::new().recall("192.0.2.1".parse().unwrap(), Instant::now());
/// assert_eq!((recall.pace(), recall.is_demoted()), (None, false));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    pace: Option<Pace>,
    standing: Standing,
    round_trip: Option<Duration>,
    demoted_for: Option<Duration>,
}

/// How long the next start waits after the start of an attempt, because of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Pace {
    /// The delay, in whole steps of 10 ms.
    pub delay: Duration,
    /// What the delay follows from.
    pub reason: Reason,
}

/// Why a history sets a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The address was silent before: 10 ms.
    Silent,
    /// Its family was silent before, at two different prefixes: 10 ms.
    SilentFamily,
    /// The address has connected before: its round-trip time, and four times the variance or more,
    /// kept within 100 ms and 2 s.
    RoundTrip,
    /// Its family has connected before: twice the round-trip time, kept within 100 and 250 ms.
    FamilyRoundTrip,
}

impl Recall {
    /// Combines what is known about a prefix and about its family.
    ///
    /// 1. A demoted prefix counts first, and then a demoted family. Any success of the family ends
    ///    its demotion, so a demoted family is newer knowledge than any round-trip time in it.
    /// 2. Then the round-trip time of the prefix counts, and then that of the family.
    pub(super) fn of(
        prefix: Option<&Knowledge>,
        family: Option<&Knowledge>,
        mode: Mode,
        now: Instant,
    ) -> Self {
        let demoted = |entry: Option<&Knowledge>| entry.and_then(|entry| entry.demoted_for(now));
        let (by_prefix, by_family) = (demoted(prefix), demoted(family));
        let round_trip = prefix.and_then(|entry| entry.round_trip().zip(entry.variance()));
        let pace = if by_prefix.is_some() {
            Some((DEMOTED, Reason::Silent))
        } else if by_family.is_some() {
            Some((DEMOTED, Reason::SilentFamily))
        } else if let Some((smoothed, variance)) = round_trip {
            let margin = (variance * 4).max(smoothed / 4).max(MARGIN);
            Some(((smoothed + margin).clamp(KNOWN.0, KNOWN.1), Reason::RoundTrip))
        } else {
            let smoothed = family.and_then(Knowledge::round_trip);
            smoothed.map(|it| ((it * 2).clamp(KNOWN.0, FAMILY), Reason::FamilyRoundTrip))
        };
        let demoted_for = by_prefix.max(by_family);
        let standing = match (demoted_for, round_trip) {
            (Some(_), _) if mode == Mode::Order => Standing::demoted(),
            (None, Some((smoothed, _))) => Standing::ranked(rank(smoothed)),
            _ => Standing::default(),
        };
        let pace = pace.map(|(delay, reason)| Pace { delay: rounded(delay), reason });
        let round_trip = round_trip.map(|(smoothed, _)| smoothed);
        Self { pace, standing, round_trip, demoted_for }
    }

    /// How long the next start waits after an attempt at the address. It is `None` if nothing is
    /// known. Then the policy's delay applies.
    pub fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// Where the address stands in the order.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The smoothed round-trip time of the address's prefix, if it has connected before. The
    /// [standing](Self::standing) follows from it unless the address is demoted.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Whether the address or its family was silent before, and that is not over.
    pub fn is_demoted(&self) -> bool {
        self.demoted_for.is_some()
    }

    /// How much longer it is demoted, if it is.
    pub fn demoted_for(&self) -> Option<Duration> {
        self.demoted_for
    }
}

fn rank(smoothed: Duration) -> u8 {
    u8::try_from(smoothed.as_millis() / RANK.as_millis()).unwrap_or(Standing::MAX_RANK)
}

fn rounded(delay: Duration) -> Duration {
    let nanos = u32::try_from(delay.as_nanos()).expect("a delay is at most 2 s");
    Duration::from_nanos(nanos.next_multiple_of(STEP).into())
}

/// One line without a full stop: `10 ms, because the address was silent before`.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use stagger::History;
/// use stagger::address::Family;
/// use stagger::history::{Knowledge, Key, Memory, NetworkKey};
///
/// let memory = Memory::new();
/// let family = Knowledge::new().with_round_trip(Duration::from_millis(61), Duration::ZERO);
/// memory.restore([(Key::new(NetworkKey::default(), Family::Ipv4), family)]);
/// let history = History::new().with_store(memory);
/// let pace = history.recall("192.0.2.1".parse().unwrap(), Instant::now()).pace().unwrap();
/// assert_eq!(pace.to_string(), "130 ms, because its family has connected before");
/// ```
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, because {}", Span(self.delay), self.reason)
    }
}

/// A clause for a sentence: `the address was silent before`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "the address was silent before",
            Self::SilentFamily => "its family was silent before",
            Self::RoundTrip => "the address has connected before",
            Self::FamilyRoundTrip => "its family has connected before",
        })
    }
}

/// An optional pace in two bytes, because every attempt has one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CompactPace(u16);

impl CompactPace {
    pub(crate) fn get(self) -> Option<Pace> {
        let reason = match self.0 & 3 {
            0 => Reason::Silent,
            1 => Reason::SilentFamily,
            2 => Reason::RoundTrip,
            _ => Reason::FamilyRoundTrip,
        };
        let delay = Duration::from_nanos(u64::from(self.0 >> 2) * u64::from(STEP));
        (self.0 != 0).then_some(Pace { delay, reason })
    }
}

impl From<Option<Pace>> for CompactPace {
    fn from(pace: Option<Pace>) -> Self {
        let Some(Pace { delay, reason }) = pace else { return Self(0) };
        let reason = match reason {
            Reason::Silent => 0,
            Reason::SilentFamily => 1,
            Reason::RoundTrip => 2,
            Reason::FamilyRoundTrip => 3,
        };
        // A delay has at least one step and at most 200.
        let steps = delay.as_nanos() / u128::from(STEP);
        Self((steps as u16) << 2 | reason)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn known(rtt: u64, variance: u64) -> Knowledge {
        Knowledge::new().with_round_trip(MS(rtt), MS(variance))
    }

    fn silent(now: Instant) -> Knowledge {
        Knowledge::new().with_silences(1, now, MS(60_000))
    }

    fn delay(prefix: Option<Knowledge>, family: Option<Knowledge>) -> Option<(u64, Reason)> {
        let pace = Recall::of(prefix.as_ref(), family.as_ref(), Mode::Delay, Instant::now()).pace();
        pace.map(|pace| (u64::try_from(pace.delay.as_millis()).unwrap(), pace.reason))
    }

    #[test]
    fn the_delay_at_a_known_address_is_its_round_trip_time_and_a_margin_within_a_range() {
        for (rtt, variance, expected) in [
            // Twenty milliseconds, a quarter, or four times the variance: whatever is most.
            (90, 0, 120),
            (79, 0, 100),
            (200, 0, 250),
            (200, 30, 320),
            (201, 30, 330),
            (3, 1, 100),
            (1900, 200, 2000),
            (60_000, 60_000, 2000),
        ] {
            let told = delay(Some(known(rtt, variance)), Some(known(1, 1)));
            assert_eq!(told, Some((expected, Reason::RoundTrip)), "{rtt} {variance}");
        }
    }

    #[test]
    fn the_delay_at_an_unknown_address_is_twice_the_round_trip_time_of_its_family_within_a_range() {
        for (rtt, expected) in [(3, 100), (61, 130), (120, 240), (400, 250), (60_000, 250)] {
            let told = delay(None, Some(known(rtt, 500)));
            assert_eq!(told, Some((expected, Reason::FamilyRoundTrip)), "{rtt}");
            let unknown = delay(Some(Knowledge::new()), Some(known(rtt, 500)));
            assert_eq!(unknown, told);
        }
        assert_eq!(delay(None, None), None);
        assert_eq!(delay(Some(Knowledge::new()), Some(Knowledge::new())), None);
    }

    #[test]
    fn a_demotion_counts_before_a_round_trip_time_and_that_of_the_prefix_first() {
        let now = Instant::now();
        let demoted = |rtt| silent(now).with_round_trip(MS(rtt), MS(0));
        assert_eq!(delay(Some(demoted(300)), Some(known(1, 1))), Some((10, Reason::Silent)));
        assert_eq!(delay(Some(demoted(300)), Some(demoted(1))), Some((10, Reason::Silent)));
        assert_eq!(delay(Some(known(300, 0)), Some(demoted(1))), Some((10, Reason::SilentFamily)));
        assert_eq!(delay(None, Some(demoted(1))), Some((10, Reason::SilentFamily)));
    }

    #[test]
    fn ranks_go_in_steps_of_50_ms_and_only_the_mode_order_demotes() {
        let now = Instant::now();
        let standing =
            |entry: &Knowledge, mode| Recall::of(Some(entry), None, mode, now).standing();
        for (rtt, rank) in [(0, 0), (49, 0), (50, 1), (99, 1), (300, 6), (60_000, 253)] {
            assert_eq!(standing(&known(rtt, 0), Mode::Delay), Standing::ranked(rank), "{rtt}");
            assert_eq!(standing(&known(rtt, 0), Mode::Order), Standing::ranked(rank), "{rtt}");
        }
        let time = |entry: &Knowledge| Recall::of(Some(entry), None, Mode::Order, now).round_trip();
        assert_eq!((time(&known(310, 5)), time(&Knowledge::new())), (Some(MS(310)), None));
        let demoted = silent(now).with_round_trip(MS(30), MS(0));
        assert_eq!(time(&demoted), Some(MS(30)));
        assert_eq!(standing(&demoted, Mode::Delay), Standing::default());
        assert_eq!(standing(&demoted, Mode::Order), Standing::demoted());
        assert_eq!(standing(&Knowledge::new(), Mode::Order), Standing::default());
    }

    #[test]
    fn a_pace_in_two_bytes_is_the_same_pace() {
        assert_eq!(CompactPace::from(None).get(), None);
        let reasons =
            [Reason::Silent, Reason::SilentFamily, Reason::RoundTrip, Reason::FamilyRoundTrip];
        for (delay, reason) in [10, 100, 250, 2000].into_iter().zip(reasons) {
            let pace = Some(Pace { delay: MS(delay), reason });
            assert_eq!(CompactPace::from(pace).get(), pace);
        }
    }
}
