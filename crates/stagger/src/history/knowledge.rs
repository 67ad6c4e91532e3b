//! What is known about a prefix or a family, and the rules by which that changes.

use std::time::{Duration, Instant};

use super::Subnet;

/// A time in microseconds. Arithmetic with it is fast, and every connect needs some.
type Micros = u32;

/// Times above this are shortened to it: 1 min. The number is ours, so that sums never overflow. No
/// delay depends on times that long.
const LONGEST: Duration = Duration::from_secs(60);

fn micros(time: Duration) -> Micros {
    let time = time.min(LONGEST);
    time.as_secs() as Micros * 1_000_000 + time.subsec_micros()
}

/// A sample above this is the time of a lost packet: 900 ms, if the smoothed time is below
/// [`FAST`]. The first packet is sent again after 1 s (RFC 6298 §2.1). The number is ours.
const LOST: Micros = 900_000;

/// See [`LOST`]: 300 ms. The number is ours.
const FAST: Micros = 300_000;

/// How long the first silence demotes: 1 min. The number is ours. The simulation confirms it, see
/// `docs/history.md`: 15 s and 5 min change little.
const FIRST_DEMOTION: Duration = Duration::from_secs(60);

/// How long any silence demotes at most: 10 min. The number is ours. The simulation chose it, see
/// `docs/history.md`: with 1 h, five times as many connects pass until a healed family leads again.
const LONGEST_DEMOTION: Duration = Duration::from_secs(600);

/// What is known about a prefix or a family.
///
/// A history makes and changes it. A program makes it only to put back what it has saved.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use stagger::history::Knowledge;
///
/// let now = Instant::now();
/// let entry = Knowledge::new()
///     .with_round_trip(Duration::from_millis(40), Duration::from_millis(5))
///     .with_silences(2, now, Duration::from_secs(90));
/// assert_eq!(entry.round_trip(), Some(Duration::from_millis(40)));
/// assert_eq!(entry.silences(), 2);
/// assert_eq!(entry.demoted_for(now), Some(Duration::from_secs(90)));
/// assert_eq!(entry.demoted_for(now + Duration::from_secs(90)), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// The smoothed round-trip time and its variance.
    round_trip: Option<(Micros, Micros)>,
    silences: u32,
    /// Since when it is demoted, and for how long.
    demoted: Option<(Instant, Duration)>,
    /// Of a family: the first prefix that was silent since the last success.
    silent: Option<Subnet>,
}

impl Knowledge {
    /// Creates an entry that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the smoothed round-trip time and its variance. A time above 1 min counts as 1 min.
    pub fn with_round_trip(mut self, smoothed: Duration, variance: Duration) -> Self {
        self.round_trip = Some((micros(smoothed), micros(variance)));
        self
    }

    /// Removes the round-trip time.
    pub fn without_round_trip(mut self) -> Self {
        self.round_trip = None;
        self
    }

    /// Sets the number of silences, and for how long it is demoted from `now` on. The time is
    /// shortened to the longest that so many silences can cause. Without silences nothing is
    /// demoted.
    pub fn with_silences(mut self, silences: u32, now: Instant, demoted_for: Duration) -> Self {
        self.silences = silences;
        let demoted_for = demoted_for.min(demotion(silences));
        self.demoted = (!demoted_for.is_zero()).then_some((now, demoted_for));
        self
    }

    /// Sets the silent prefix of a family. The family counts as silent once another prefix falls
    /// silent. In the entry of a prefix it changes nothing, and neither does a prefix of the other
    /// family.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::history::{Knowledge, Subnet};
    ///
    /// let prefix = Subnet::of("2001:db8::1".parse().unwrap());
    /// let family = Knowledge::new().with_silent_subnet(prefix);
    /// assert_eq!(family.silent_subnet(), Some(prefix));
    /// assert_eq!(family.without_silent_subnet(), Knowledge::new());
    /// ```
    pub fn with_silent_subnet(mut self, prefix: Subnet) -> Self {
        self.silent = Some(prefix);
        self
    }

    /// Removes the silent prefix.
    pub fn without_silent_subnet(mut self) -> Self {
        self.silent = None;
        self
    }

    /// The smoothed round-trip time, if it has connected.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.map(|(smoothed, _)| Duration::from_micros(smoothed.into()))
    }

    /// The variance of the round-trip time, if it has connected.
    pub fn variance(&self) -> Option<Duration> {
        self.round_trip.map(|(_, variance)| Duration::from_micros(variance.into()))
    }

    /// The number of silences since it connected last.
    pub fn silences(&self) -> u32 {
        self.silences
    }

    /// The first prefix of a family that was silent since the family connected last. The entry of a
    /// prefix has none. A program that saves entries saves it too, because a family counts as
    /// silent only after silences at two different prefixes.
    pub fn silent_subnet(&self) -> Option<Subnet> {
        self.silent
    }

    /// For how long it is still demoted. It is `None` if it is not, or if `now` is before the
    /// silence, because the clock has been set back.
    pub fn demoted_for(&self, now: Instant) -> Option<Duration> {
        let (since, length) = self.demoted?;
        let passed = now.checked_duration_since(since)?;
        length.checked_sub(passed).filter(|left| !left.is_zero())
    }

    /// Notes a connection after this time. The silences are over.
    pub(super) fn connected(&mut self, took: Duration) {
        (self.silences, self.demoted, self.silent) = (0, None, None);
        let took = micros(took);
        self.round_trip = Some(match self.round_trip {
            // The first sample, and the later ones (RFC 6298 §2.2 and §2.3).
            None => (took, took / 2),
            Some(known @ (smoothed, _)) if took > LOST && smoothed < FAST => known,
            Some((smoothed, variance)) => {
                ((smoothed * 7 + took) / 8, (variance * 3 + smoothed.abs_diff(took)) / 4)
            }
        });
    }

    /// Notes a silence at `now`, of an attempt that started `age` earlier. It changes nothing if
    /// the attempt started before the last silence, because overlapping races meet the same
    /// silence. This rule is ours.
    pub(super) fn silenced(&mut self, now: Instant, age: Duration) {
        let is_demoted = self.demoted_for(now).is_some();
        let since = self.demoted.filter(|_| is_demoted).map(|(since, _)| since);
        if since.is_some_and(|since| now.saturating_duration_since(since) < age) {
            return;
        }
        self.silences = self.silences.saturating_add(1);
        self.demoted = Some((now, demotion(self.silences)));
    }

    /// Notes a silent prefix of this family. Returns whether the family counts as silent, which
    /// needs two different prefixes.
    pub(super) fn prefix_silenced(&mut self, prefix: Subnet) -> bool {
        // A prefix that was put back may be of the other family.
        let known = self.silent.filter(|known| known.family() == prefix.family());
        self.silent = known.or(Some(prefix));
        self.silences > 0 || self.silent != Some(prefix)
    }
}

/// How long so many silences demote.
fn demotion(silences: u32) -> Duration {
    match silences.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => (FIRST_DEMOTION * (1 << doublings.min(4))).min(LONGEST_DEMOTION),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;
    const MIN: fn(u64) -> Duration = |minutes| Duration::from_secs(60 * minutes);

    fn sampled(samples: &[u64]) -> Knowledge {
        let mut entry = Knowledge::new();
        samples.iter().for_each(|sample| entry.connected(MS(*sample)));
        entry
    }

    #[test]
    fn the_round_trip_time_is_smoothed_by_one_eighth_and_its_variance_by_one_quarter() {
        let entry = sampled(&[300, 310, 305]);
        assert_eq!(entry.round_trip, Some((301_718, 87_187)));
    }

    #[test]
    fn a_sample_above_900_ms_is_ignored_while_the_smoothed_time_is_below_300_ms() {
        assert_eq!(sampled(&[40, 1045]), sampled(&[40]));
        assert_eq!(sampled(&[299, 901]), sampled(&[299]));
        assert_ne!(sampled(&[299, 900]), sampled(&[299]));
        assert_ne!(sampled(&[300, 901]), sampled(&[300]));
    }

    #[test]
    fn a_success_ends_the_silences_even_if_its_sample_is_ignored() {
        let now = Instant::now();
        let mut entry = sampled(&[40]);
        entry.silenced(now, MS(0));
        assert!(entry.demoted_for(now).is_some());
        entry.connected(MS(1045));
        assert_eq!(entry, sampled(&[40]));
    }

    #[test]
    fn each_silence_doubles_the_demotion_up_to_10_min_and_no_count_overflows() {
        let now = Instant::now();
        let mut entry = Knowledge::new();
        let mut told = Vec::new();
        for _ in 0..8 {
            entry.silenced(now, MS(0));
            told.push(entry.demoted_for(now).unwrap());
        }
        assert_eq!(told, [1, 2, 4, 8, 10, 10, 10, 10].map(MIN));
        let mut entry = Knowledge::new().with_silences(u32::MAX, now, MIN(10));
        entry.silenced(now, MS(0));
        assert_eq!((entry.silences(), entry.demoted_for(now)), (u32::MAX, Some(MIN(10))));
    }

    #[test]
    fn an_attempt_that_started_before_the_last_silence_adds_none() {
        let start = Instant::now();
        let mut entry = Knowledge::new();
        entry.silenced(start + MS(290), MS(290));
        let first = entry.clone();
        // It started 1 ms before the silence was known, and lasted longer.
        entry.silenced(start + MS(700), MS(411));
        assert_eq!(entry, first);
        // It started when the silence was known.
        entry.silenced(start + MS(700), MS(410));
        assert_eq!((entry.silences(), entry.demoted_for(start + MS(700))), (2, Some(MIN(2))));
        // After the demotion every silence counts, however long it lasted.
        entry.silenced(start + MS(700) + MIN(2), MIN(3));
        assert_eq!(entry.silences(), 3);
    }

    #[test]
    fn a_demotion_ends_on_time_and_does_not_apply_on_a_clock_that_was_set_back() {
        let now = Instant::now() + MIN(600);
        let mut entry = Knowledge::new();
        entry.silenced(now, MS(0));
        assert_eq!(entry.demoted_for(now + MIN(1) - MS(1)), Some(MS(1)));
        assert_eq!(entry.demoted_for(now + MIN(1)), None);
        assert_eq!(entry.demoted_for(now + MIN(60 * 24 * 365)), None);
        assert_eq!(entry.demoted_for(now - MS(1)), None);
    }

    #[test]
    fn what_is_put_back_is_shortened_to_what_can_have_been_learned() {
        let now = Instant::now();
        let entry = Knowledge::new().with_round_trip(Duration::MAX, Duration::MAX);
        assert_eq!((entry.round_trip(), entry.variance()), (Some(MIN(1)), Some(MIN(1))));
        let entry = Knowledge::new().with_silences(2, now, Duration::MAX);
        assert_eq!(entry.demoted_for(now), Some(MIN(2)));
        let entry = Knowledge::new().with_silences(0, now, Duration::MAX);
        assert_eq!(entry.demoted_for(now), None);
        let mut entry = Knowledge::new().with_round_trip(Duration::MAX, Duration::MAX);
        entry.connected(Duration::MAX);
        assert!(entry.round_trip() <= Some(MIN(1)));
        assert_eq!(entry.without_round_trip(), Knowledge::new());
    }

    #[test]
    fn a_family_counts_as_silent_from_two_different_prefixes_on() {
        let [one, two] = ["192.0.2.1", "192.0.3.1"].map(|text| Subnet::of(text.parse().unwrap()));
        let mut entry = Knowledge::new();
        assert!(!entry.prefix_silenced(one));
        assert!(!entry.prefix_silenced(one));
        assert!(entry.prefix_silenced(two));
        entry.silenced(Instant::now(), MS(0));
        assert!(entry.prefix_silenced(one));
        entry.connected(MS(10));
        assert!(!entry.prefix_silenced(two));
    }

    #[test]
    fn a_silent_prefix_that_is_put_back_counts_only_in_its_own_family() {
        let [one, two, other] =
            ["192.0.2.1", "192.0.3.1", "2001:db8::1"].map(|text| Subnet::of(text.parse().unwrap()));
        assert!(Knowledge::new().with_silent_subnet(one).prefix_silenced(two));
        let mut entry = Knowledge::new().with_silent_subnet(other);
        assert!(!entry.prefix_silenced(one));
        assert_eq!(entry.silent_subnet(), Some(one));
        assert!(entry.prefix_silenced(two));
    }
}
