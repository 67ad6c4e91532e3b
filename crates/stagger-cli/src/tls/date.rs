//! Dates of certificates.

use std::time::{Duration, SystemTime};

/// A day: 86,400 s, as POSIX counts them.
const DAY: u64 = 86_400;

/// A time as RFC 3339 writes it, in UTC; none before 1970.
pub(super) fn rfc3339(time: SystemTime) -> Option<String> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// The day of a time.
pub(super) fn day(time: SystemTime) -> String {
    rfc3339(time).map_or_else(|| "before 1970".to_owned(), |text| text[..10].to_owned())
}

/// A long duration in whole days, and a short one in whole hours or minutes.
pub(super) fn rounded(duration: Duration) -> String {
    let secs = duration.as_secs();
    let units = [(DAY, "day"), (3600, "hour"), (60, "minute")];
    let (unit, name) = units.into_iter().find(|(unit, _)| secs >= 2 * unit).unwrap_or(units[2]);
    match secs / unit {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_before_1970_has_no_date_but_words() {
        let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!((rfc3339(early), &day(early)[..]), (None, "before 1970"));
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(rfc3339(epoch).as_deref(), Some("1970-01-01T00:00:00Z"));
        // The last time that a certificate can have (RFC 5280 §4.1.2.5).
        let last = epoch + Duration::from_secs(253_402_300_799);
        assert_eq!(rfc3339(last).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(day(last), "9999-12-31");
    }

    #[test]
    fn a_duration_has_the_unit_of_which_it_has_two() {
        for (secs, text) in [
            (0, "0 minutes"),
            (60, "1 minute"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
            (31 * DAY, "31 days"),
        ] {
            assert_eq!(rounded(Duration::from_secs(secs)), text);
        }
    }
}
