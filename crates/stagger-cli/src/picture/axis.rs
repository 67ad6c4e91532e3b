//! The time axis: its unit, its ticks, and the place of a moment on it.

use std::time::Duration;

/// The fewest letters from one tick to the next.
const MIN_SPACING: usize = 8;

/// The most parts of an axis: more do not help, however long it is.
const MAX_PARTS: usize = 8;

/// The length from which seconds are easier to read than milliseconds.
const SECONDS_FROM: Duration = Duration::from_secs(10);

/// The shortest axis. A race of no length has this one.
const SHORTEST: Duration = Duration::from_micros(100);

/// The shortest axis of a race that is still running: a race is rarely longer.
const SHORTEST_RUNNING: Duration = Duration::from_millis(500);

/// From 0 to the end of a race, or to a round time after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    end: Duration,
}

/// A round time and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) at: Duration,
    pub(crate) label: String,
}

impl Axis {
    /// The axis of a race of this length.
    pub(crate) fn to(elapsed: Duration) -> Self {
        Self { end: elapsed.max(SHORTEST) }
    }

    /// The axis of a race that has run for this time. It has room for more, so that it changes
    /// seldom.
    pub(crate) fn beyond(elapsed: Duration) -> Self {
        let ends = round_times().find(|round| *round > elapsed.max(SHORTEST_RUNNING / 2));
        Self { end: ends.unwrap_or(elapsed) }
    }

    /// The last moment on it.
    pub(crate) fn end(&self) -> Duration {
        self.end
    }

    /// The place of a moment on an axis of `length` places: from 0 to `length - 1`.
    pub(crate) fn place(&self, at: Duration, length: usize) -> usize {
        let last = length.saturating_sub(1);
        let end = self.end.as_nanos();
        let place = (at.min(self.end).as_nanos() * last as u128 + end / 2) / end;
        usize::try_from(place).map_or(last, |place| place.min(last))
    }

    /// The name of the unit in which every time is written.
    pub(crate) fn unit(&self) -> &'static str {
        if self.in_seconds() { "s" } else { "ms" }
    }

    /// A time in the axis's unit, as exact as the axis is long.
    pub(crate) fn number(&self, time: Duration) -> String {
        let decimals = match () {
            () if self.in_seconds() => 2,
            () if self.end < Duration::from_millis(1) => 3,
            () => 1,
        };
        self.written(time, decimals)
    }

    /// Round times from 0 to the end: as many as fit if a letter takes `letter` of the `length`.
    pub(crate) fn ticks(&self, length: usize, letter: usize) -> Vec<Tick> {
        let roomy = |step: &Duration| {
            let decimals = self.decimals(*step);
            let label = self.written(self.end, decimals).chars().count();
            let spacing = (label + 3).max(MIN_SPACING) * letter.max(1);
            self.place(*step, length) >= spacing.max(length / MAX_PARTS)
        };
        let step = round_times().take_while(|step| *step <= self.end).find(roomy);
        let step = step.unwrap_or(self.end + Duration::from_nanos(1));
        let decimals = self.decimals(step);
        std::iter::successors(Some(Duration::ZERO), |at| at.checked_add(step))
            .take_while(|at| *at <= self.end)
            .map(|at| Tick { at, label: self.written(at, if at.is_zero() { 0 } else { decimals }) })
            .collect()
    }

    fn in_seconds(&self) -> bool {
        self.end >= SECONDS_FROM
    }

    fn written(&self, time: Duration, decimals: usize) -> String {
        let seconds = time.as_secs_f64();
        let number = if self.in_seconds() { seconds } else { seconds * 1000.0 };
        format!("{number:.decimals$}")
    }

    /// How many decimals a round time needs in the axis's unit.
    fn decimals(&self, step: Duration) -> usize {
        let one = if self.in_seconds() { 1_000_000_000 } else { 1_000_000 };
        (0..6).find(|decimals| step.as_nanos() >= one / 10_u128.pow(*decimals)).unwrap_or(6)
            as usize
    }
}

/// A length of time in words: milliseconds, or seconds if it is long.
pub(crate) fn spelled(time: Duration) -> String {
    if time >= SECONDS_FROM {
        format!("{:.2} s", time.as_secs_f64())
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    }
}

/// 1, 2 and 5 times each power of ten, from a microsecond to some decades.
fn round_times() -> impl Iterator<Item = Duration> {
    let powers = (0..15).map(|power| 10_u64.pow(power));
    powers.flat_map(|power| [1, 2, 5].map(|times| Duration::from_micros(times * power)))
}

#[cfg(test)]
mod tests {
    use stagger_testkit::ms;

    use super::*;

    fn ticks(axis: Axis, length: usize) -> Vec<String> {
        axis.ticks(length, 1).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_and_have_room() {
        assert_eq!(ticks(Axis::to(ms(303)), 31), ["0", "100", "200", "300"]);
        assert_eq!(ticks(Axis::to(ms(303)), 147).len(), 7);
        assert_eq!(ticks(Axis::to(ms(7)), 31), ["0", "2", "4", "6"]);
        assert_eq!(ticks(Axis::to(ms(9_999)), 30), ["0", "5000"]);
        assert_eq!(ticks(Axis::to(ms(300_000)), 45), ["0", "100", "200", "300"]);
        assert_eq!(ticks(Axis::to(Duration::from_micros(340)), 40), ["0", "0.1", "0.2", "0.3"]);
        // An axis without room for two ticks has one.
        assert_eq!(ticks(Axis::to(ms(303)), 5), ["0"]);
        assert_eq!(ticks(Axis::to(Duration::ZERO), 20), ["0", "0.05", "0.10"]);
    }

    #[test]
    fn the_ends_of_an_axis_are_its_first_and_last_place() {
        let axis = Axis::to(ms(300));
        assert_eq!([0, 1, 150, 300, 900].map(|at| axis.place(ms(at), 31)), [0, 0, 15, 30, 30]);
        assert_eq!(axis.place(ms(300), 1), 0);
        assert_eq!(axis.place(ms(300), 0), 0);
        assert_eq!(Axis::to(Duration::MAX).place(Duration::MAX, 200), 199);
    }

    #[test]
    fn the_axis_of_a_running_race_ends_at_a_round_time_ahead() {
        for (elapsed, end) in [(0, 500), (499, 500), (500, 1_000), (4_000, 5_000), (5_000, 10_000)]
        {
            assert_eq!(Axis::beyond(ms(elapsed)).end, ms(end));
        }
    }

    #[test]
    fn a_time_is_as_exact_as_the_axis_is_long() {
        for (end, unit, number) in [
            (Duration::from_micros(340), "ms", "0.123"),
            (ms(340), "ms", "0.1"),
            (ms(9_999), "ms", "0.1"),
            (ms(10_000), "s", "0.00"),
        ] {
            let axis = Axis::to(end);
            assert_eq!((axis.unit(), &axis.number(Duration::from_micros(123))[..]), (unit, number));
        }
        assert_eq!(spelled(ms(303)), "303.0 ms");
        assert_eq!(spelled(ms(300_000)), "300.00 s");
    }
}
