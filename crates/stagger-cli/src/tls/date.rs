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
