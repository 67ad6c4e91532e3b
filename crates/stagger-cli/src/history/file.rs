//! The file of a history: JSON, of bounded size.
//!
//! ```json
//! {"version":1,"entries":[
//! {"network":"…","prefix":"192.0.2.0","rtt_us":40000,"variance_us":2000},
//! {"network":"…","family":"IPv6","silences":1,"demoted_until":1790000000,
//!  "silent_prefix":"2001:db8:7::"}
//! ]}
//! ```
//!
//! Times are on the clock of the system, which may jump. A demotion that is read is never longer
//! than its silences allow, so a jump costs 10 min at most.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};
use stagger::address::Family;
use stagger::history::{Key, Knowledge, NetworkKey, Subject, Subnet};

use super::since_1970;

/// The version of the format that is written, and the only one that is read.
const VERSION: u64 = 1;

/// How each version of the format begins.
const BEGIN: &str = "{\"version\":";

/// The longest file that is read: 8 MiB. The number is ours. The most that is written are 16,384
/// entries, which is 4 MiB.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// One moment on two clocks.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) instant: Instant,
    pub(super) system: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { instant: Instant::now(), system: SystemTime::now() }
    }
}

/// Why a file is not a history.
#[derive(Debug)]
pub(super) enum Fault {
    System(io::Error),
    NotAFile,
    /// It does not begin as a history does, so it may be anything that somebody needs.
    Foreign,
    TooLong,
    /// What is wrong with the text.
    Text(String),
    Version(String),
}

impl Fault {
    /// Whether a new history replaces the file. A file of another version stays, because another
    /// program needs it. So does a file that is no history, because a path may be mistyped.
    pub(super) fn is_replaced(&self) -> bool {
        matches!(self, Self::TooLong | Self::Text(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::Foreign => f.write_str("it is no history of this command"),
            Self::TooLong => write!(f, "it has more than {} MiB", MAX_BYTES / 1024 / 1024),
            Self::Text(reason) => write!(f, "it is damaged ({reason})"),
            Self::Version(version) => {
                write!(f, "it has the version {version}, and not {VERSION}")
            }
        }
    }
}

/// Reads a file. A missing file and an empty one have no entries.
pub(super) fn read(path: &Path, now: Moment) -> Result<Vec<(Key, Knowledge)>, Fault> {
    // A pipe would be waited for, so the kind of the file is checked first.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(Fault::NotAFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Fault::System(error)),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Fault::System)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Fault::System)?;
    match bytes.len() as u64 {
        0 => Ok(Vec::new()),
        _ if !begins_as_a_history(&bytes) => Err(Fault::Foreign),
        length if length > MAX_BYTES => Err(Fault::TooLong),
        _ => parsed(&bytes, now),
    }
}

/// Whether these are the first bytes of a history, or more.
fn begins_as_a_history(bytes: &[u8]) -> bool {
    let begin = BEGIN.as_bytes();
    bytes.iter().zip(begin).all(|(byte, expected)| byte == expected)
}

fn parsed(bytes: &[u8], now: Moment) -> Result<Vec<(Key, Knowledge)>, Fault> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Fault::Text(error.to_string()))?;
    match value.get("version") {
        Some(version) if version.as_u64() == Some(VERSION) => {}
        Some(Value::Number(version)) => return Err(Fault::Version(version.to_string())),
        _ => return Err(Fault::Text("it has no version".to_owned())),
    }
    let entries = value.get("entries").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| Fault::Text("it has no entries".to_owned()))?;
    let each = entries.iter().enumerate().map(|(place, value)| {
        entry(value, now).ok_or_else(|| Fault::Text(format!("entry {} is wrong", place + 1)))
    });
    each.collect()
}

/// Reads one entry. Names that are not known are ignored.
fn entry(value: &Value, now: Moment) -> Option<(Key, Knowledge)> {
    let value = value.as_object()?;
    let network = u128::from_str_radix(value.get("network")?.as_str()?, 16).ok()?;
    let subject: Subject = match (value.get("prefix"), value.get("family")) {
        (Some(prefix), None) => Subnet::of(prefix.as_str()?.parse().ok()?).into(),
        (None, Some(family)) => family_of(family.as_str()?)?.into(),
        _ => return None,
    };
    let number = |name: &str| match value.get(name) {
        Some(number) => number.as_u64().map(Some),
        None => Some(None),
    };
    let key = Key::new(NetworkKey::new(network), subject)
        .with_partition(number("partition")?.unwrap_or_default());
    let mut known = Knowledge::new();
    if let Some(smoothed) = number("rtt_us")? {
        let variance = number("variance_us")?.unwrap_or_default();
        known =
            known.with_round_trip(Duration::from_micros(smoothed), Duration::from_micros(variance));
    }
    let silences = number("silences")?.unwrap_or_default();
    let until = Duration::from_secs(number("demoted_until")?.unwrap_or_default());
    let left = until.saturating_sub(since_1970(now.system));
    let silences = u32::try_from(silences).unwrap_or(u32::MAX);
    known = known.with_silences(silences, now.instant, left);
    if let Some(prefix) = value.get("silent_prefix") {
        let prefix = Subnet::of(prefix.as_str()?.parse().ok()?);
        // Only a family has one, and one of its own.
        if subject != prefix.family().into() {
            return None;
        }
        known = known.with_silent_subnet(prefix);
    }
    Some((key, known))
}

fn family_of(name: &str) -> Option<Family> {
    [Family::Ipv4, Family::Ipv6].into_iter().find(|family| family.to_string() == name)
}

/// The text of a file with these entries, one on each line.
pub(super) fn written(entries: &[(Key, Knowledge)], now: Moment) -> String {
    let lines: Vec<_> = entries.iter().filter_map(|(key, known)| line(*key, known, now)).collect();
    format!("{BEGIN}{VERSION},\"entries\":[\n{}\n]}}\n", lines.join(",\n"))
}

fn line(key: Key, known: &Knowledge, now: Moment) -> Option<String> {
    let mut object = Map::new();
    object.insert("network".into(), format!("{:032x}", key.network.value()).into());
    if key.partition != 0 {
        object.insert("partition".into(), key.partition.into());
    }
    match key.subject {
        Subject::Subnet(prefix) => {
            object.insert("prefix".into(), prefix.address().to_string().into())
        }
        Subject::Family(family) => object.insert("family".into(), family.to_string().into()),
        // A later version of the library may know more, and this command does not.
        _ => return None,
    };
    // A time that is kept is at most a minute.
    let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    if let Some((smoothed, variance)) = known.round_trip().zip(known.variance()) {
        object.insert("rtt_us".into(), microseconds(smoothed).into());
        object.insert("variance_us".into(), microseconds(variance).into());
    }
    if known.silences() > 0 {
        object.insert("silences".into(), known.silences().into());
    }
    if let Some(left) = known.demoted_for(now.instant) {
        // Rounded to the nearest second. Rounding down would take a second off whenever a command
        // writes the file, because both clocks differ by nanoseconds.
        let until = since_1970(now.system) + left + Duration::from_millis(500);
        object.insert("demoted_until".into(), until.as_secs().into());
    }
    if let Some(prefix) = known.silent_subnet() {
        object.insert("silent_prefix".into(), prefix.address().to_string().into());
    }
    Some(Value::Object(object).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECS: fn(u64) -> Duration = Duration::from_secs;

    fn entries(now: Moment) -> Vec<(Key, Knowledge)> {
        let network = NetworkKey::from_bytes(b"home");
        let subnet = |text: &str| Subnet::of(text.parse().unwrap());
        let ms = Duration::from_millis;
        vec![
            (
                Key::new(network, Family::Ipv6),
                Knowledge::new()
                    .with_silences(1, now.instant, SECS(60))
                    .with_silent_subnet(subnet("2001:db8:7::1")),
            ),
            (
                Key::new(network, subnet("192.0.2.7")),
                Knowledge::new().with_round_trip(ms(40), ms(2)),
            ),
            (
                Key::new(NetworkKey::default(), subnet("2001:db8::1")).with_partition(9),
                Knowledge::new().with_silences(3, now.instant, SECS(100)),
            ),
        ]
    }

    /// A moment on a whole second.
    fn moment() -> Moment {
        let system = SystemTime::UNIX_EPOCH + SECS(1_790_000_000);
        Moment { instant: Instant::now(), system }
    }

    fn read_text(text: &str, now: Moment) -> Result<Vec<(Key, Knowledge)>, String> {
        parsed(text.as_bytes(), now).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_is_written_is_read_back_in_the_same_order() {
        let now = moment();
        let text = written(&entries(now), now);
        assert_eq!(read_text(&text, now), Ok(entries(now)));
        assert_eq!(read_text(&written(&[], now), now), Ok(Vec::new()));
        let network = NetworkKey::from_bytes(b"home").value();
        assert_eq!(
            text.lines().nth(1),
            Some(&*format!(
                r#"{{"network":"{network:032x}","family":"IPv6","silences":1,"demoted_until":1790000060,"silent_prefix":"2001:db8:7::"}},"#
            ))
        );
    }

    #[test]
    fn a_clock_that_jumps_costs_at_most_what_the_silences_allow() {
        let now = moment();
        let text = written(&entries(now), now);
        let later = |system| Moment { instant: now.instant, system };
        let left = |moment: Moment| {
            let read = read_text(&text, moment).unwrap();
            read[2].1.demoted_for(moment.instant)
        };
        let year = SECS(60 * 60 * 24 * 365);
        assert_eq!(left(later(now.system + SECS(30))), Some(SECS(70)));
        assert_eq!(left(later(now.system + year)), None);
        // Three silences demote for 4 min at most.
        assert_eq!(left(later(now.system - year)), Some(SECS(240)));
        assert_eq!(left(later(SystemTime::UNIX_EPOCH - year)), Some(SECS(240)));
    }

    #[test]
    fn a_demotion_stays_as_long_as_it_was_however_often_the_file_is_written() {
        let start = moment();
        let mut text = written(&entries(start), start);
        let first = text.clone();
        // The clocks are read one after another, and the clock of the system is adjusted slowly.
        let skews = [0, 80, 200_000, 1_000].map(Duration::from_nanos);
        for (count, skew) in skews.into_iter().cycle().take(40).enumerate() {
            let after = Duration::from_millis(20 * (count as u64 + 1));
            let now = Moment { instant: start.instant + after, system: start.system + after };
            let read = parsed(text.as_bytes(), now).unwrap();
            let later = Moment { system: now.system - skew, ..now };
            text = written(&read, later);
        }
        assert_eq!(text, first);
    }

    #[test]
    fn a_text_that_is_cut_anywhere_is_damaged_and_no_panic() {
        let now = moment();
        let text = written(&entries(now), now);
        let whole = text.trim_end().len();
        for end in 1..whole {
            let error = read_text(&text[..end], now).unwrap_err();
            assert!(error.starts_with("it is damaged ("), "{end}: {error}");
        }
        assert!(read_text(&text[..whole], now).is_ok());
    }

    #[test]
    fn a_text_of_another_shape_is_damaged() {
        let now = moment();
        let with = |entry: &str| format!(r#"{{"version":1,"entries":[{entry}]}}"#);
        for text in [
            "garbage",
            "[]",
            "{}",
            r#"{"version":"1","entries":[]}"#,
            r#"{"version":1}"#,
            r#"{"version":1,"entries":{}}"#,
            &with("7"),
            &with("{}"),
            &with(r#"{"network":"x","family":"IPv4"}"#),
            &with(r#"{"network":"1","family":"IPv5"}"#),
            &with(r#"{"network":"1","prefix":"example.com"}"#),
            &with(r#"{"network":"1","prefix":"192.0.2.0","family":"IPv4"}"#),
            &with(r#"{"network":"1","family":"IPv4","rtt_us":-1}"#),
            &with(r#"{"network":"1","family":"IPv4","silences":"many"}"#),
            &with(r#"{"network":"1","family":"IPv6","silent_prefix":7}"#),
            &with(r#"{"network":"1","family":"IPv6","silent_prefix":"example.com"}"#),
            &with(r#"{"network":"1","family":"IPv6","silent_prefix":"192.0.2.0"}"#),
            &with(r#"{"network":"1","prefix":"192.0.2.0","silent_prefix":"192.0.2.0"}"#),
            &"[".repeat(100_000),
        ] {
            let error = read_text(text, now).unwrap_err();
            assert!(error.starts_with("it is damaged ("), "{text}: {error}");
        }
        // The largest numbers are shortened.
        let most = format!(
            r#"{{"network":"{:x}","family":"IPv4","rtt_us":{1},"variance_us":{1},"silences":{1},"demoted_until":{1}}}"#,
            u128::MAX,
            u64::MAX
        );
        let read = read_text(&with(&most), now).unwrap();
        assert_eq!(read[0].1.round_trip(), Some(SECS(60)));
        assert_eq!(read[0].1.demoted_for(now.instant), Some(SECS(600)));
    }

    #[test]
    fn a_file_begins_as_a_history_or_is_not_one() {
        let now = moment();
        let text = written(&entries(now), now);
        assert!((0..text.len()).all(|end| begins_as_a_history(&text.as_bytes()[..end])));
        for text in ["garbage", "{}", "[", " {", "\0", "{\"versions\":1"] {
            assert!(!begins_as_a_history(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn another_version_is_named_and_its_file_is_not_replaced() {
        let now = moment();
        let fault = parsed(br#"{"version":2,"entries":[]}"#, now).unwrap_err();
        assert_eq!(fault.to_string(), "it has the version 2, and not 1");
        assert!(!fault.is_replaced());
        assert!(parsed(br#"{"version":1"#, now).unwrap_err().is_replaced());
    }

    #[test]
    fn the_most_that_can_be_kept_fits_into_the_longest_file() {
        let now = moment();
        let network = NetworkKey::new(u128::MAX);
        let subnet = Subnet::of("ffff:ffff:ffff:ff00::".parse().unwrap());
        let known = Knowledge::new()
            .with_round_trip(Duration::MAX, Duration::MAX)
            .with_silences(u32::MAX, now.instant, Duration::MAX)
            .with_silent_subnet(subnet);
        let key = Key::new(network, subnet).with_partition(u64::MAX);
        let longest = line(key, &known, now).unwrap().len() + 2;
        let most = longest * stagger::history::Memory::MAX_RESTORED;
        assert!(most as u64 + 100 < MAX_BYTES, "{most}");
    }
}
