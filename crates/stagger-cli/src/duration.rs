//! Durations on the command line.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::usage::UsageError;

/// Reads the duration of an option, if there is one.
///
/// # Errors
///
/// The text is not a duration, or the duration is out of range.
pub(crate) fn duration(
    option: &str,
    text: Option<&str>,
    range: RangeInclusive<Duration>,
) -> Result<Option<Duration>, UsageError> {
    let Some(text) = text else { return Ok(None) };
    let duration =
        parse(text).ok_or_else(|| UsageError::new(option, text, not_a_duration(text)))?;
    check(option, text, duration, range).map(Some)
}

/// Refuses a duration that is out of range.
///
/// # Errors
///
/// The range, and what was typed.
pub(crate) fn check(
    option: &str,
    text: &str,
    duration: Duration,
    range: RangeInclusive<Duration>,
) -> Result<Duration, UsageError> {
    if range.contains(&duration) {
        return Ok(duration);
    }
    let [least, most] = [*range.start(), *range.end()].map(spelled);
    Err(UsageError::new(option, text, format!("must be from {least} to {most}")))
}

/// Reads a number with a unit.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

/// A duration as it is typed.
pub(crate) fn spelled(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// Why a text is not a duration.
fn not_a_duration(text: &str) -> String {
    let is_number = !text.is_empty() && text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit());
    if is_number {
        format!("the unit is missing, as in {text}s or {text}ms")
    } else {
        "not a duration; write a number and a unit, as in 250ms or 30s".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Duration>, String> {
        let range = Duration::from_millis(10)..=Duration::from_secs(2);
        duration("--delay", Some(text), range).map_err(|error| error.to_string())
    }

    #[test]
    fn a_duration_in_its_range_is_read() {
        assert_eq!(read("10ms"), Ok(Some(Duration::from_millis(10))));
        assert_eq!(read("2s"), Ok(Some(Duration::from_secs(2))));
        assert_eq!(read("1s 500ms"), Ok(Some(Duration::from_millis(1500))));
        assert!(matches!(duration("--delay", None, Duration::ZERO..=Duration::MAX), Ok(None)));
    }

    #[test]
    fn what_is_not_a_duration_or_out_of_range_is_refused_and_quoted_once() {
        let not = "not a duration; write a number and a unit, as in 250ms or 30s";
        let range = "must be from 10ms to 2s";
        for (text, reason) in [
            ("", not),
            ("soon", not),
            ("99999999999999999999s", not),
            ("5", "the unit is missing, as in 5s or 5ms"),
            ("9ms", range),
            ("0s", range),
            ("2001ms", range),
        ] {
            assert_eq!(read(text), Err(format!("bad --delay {text:?}: {reason}")));
        }
    }
}
