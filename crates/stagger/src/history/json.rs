//! The entries of a history as JSON, for a program that keeps them in a file or a database.
//!
//! [`to_string`] and [`from_slice`] do no I/O, and read no clock. The program gives them both
//! clocks, because an `Instant` means nothing to the next run. A demotion is written as a time of
//! the system's clock. If that clock jumps, a demotion ends early, or it lasts as long as its
//! silences allow: 10 min at most.
//!
//! The command `stagger` keeps its histories in the same form. So `stagger history FILE` shows a
//! file that a program has written:
//!
//! ```json
//! {"version":1,"entries":[
//! {"network":"…","prefix":"192.0.2.0","rtt_us":40000,"variance_us":2000},
//! {"network":"…","family":"IPv6","silences":1,"demoted_until":1790000000,
//!  "silent_prefix":"2001:db8:7::"}
//! ]}
//! ```
//!
//! # Examples
//!
//! ```
//! use std::time::{Duration, Instant, SystemTime};
//! use stagger::history::{Key, Knowledge, Memory, NetworkKey, Subnet, json};
//!
//! let prefix = Subnet::of("192.0.2.1".parse().unwrap());
//! let known = Knowledge::new().with_silences(1, Instant::now(), Duration::from_secs(30));
//! let memory = Memory::new();
//! memory.restore([(Key::new(NetworkKey::default(), prefix), known)]);
//! let saved = json::to_string(&memory.entries(), Instant::now(), SystemTime::now());
//!
//! // The next run of the program:
//! let memory = Memory::new();
//! memory.restore(json::from_slice(saved.as_bytes(), Instant::now(), SystemTime::now())?);
//! assert_eq!(memory.entries()[0].1.silences(), 1);
//! # Ok::<_, json::ReadError>(())
//! ```

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::{Key, Knowledge, Memory, NetworkKey, Subject, Subnet};
use crate::address::Family;

/// The version of the form that is written, and the only one that is read.
const VERSION: u64 = 1;

/// How each version of the form begins.
const BEGIN: &str = "{\"version\":";

/// The longest text that [`from_slice`] reads: 8 MiB. The number is ours.
/// [`MAX_RESTORED`](Memory::MAX_RESTORED) entries are 4 MiB at most.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Why a text is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// It does not begin as [`to_string`] writes it. So it may be anything, and a program should
    /// not replace it.
    Foreign,
    /// It is longer than [`MAX_BYTES`].
    TooLong,
    /// It is damaged, or has more than [`MAX_RESTORED`](Memory::MAX_RESTORED) entries.
    Damaged {
        /// The line of the fault. The first line is 1.
        line: usize,
        /// The column of the fault, in bytes.
        column: usize,
    },
    /// It has this version, which only another version of this crate reads.
    Version(u64),
}

impl ReadError {
    /// Whether a program may replace the text, because no program can use it. A text of another
    /// version, or a text that is not a history, may be of use to another program.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Instant, SystemTime};
    /// use stagger::history::json::from_slice;
    ///
    /// let error =
    ///     |text: &str| from_slice(text.as_bytes(), Instant::now(), SystemTime::now()).unwrap_err();
    /// assert!(error("{\"version\":1,\"entr").may_be_replaced());
    /// assert!(!error("{\"version\":2,\"entries\":[]}").may_be_replaced());
    /// assert!(!error("# My notes").may_be_replaced());
    /// ```
    pub fn may_be_replaced(&self) -> bool {
        matches!(self, Self::TooLong | Self::Damaged { .. })
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is not a history"),
            Self::TooLong => write!(f, "it has more than {} MiB", MAX_BYTES / 1024 / 1024),
            Self::Damaged { line, column } => {
                write!(f, "it is damaged at line {line}, column {column}")
            }
            Self::Version(version) => {
                write!(f, "it has the version {version}, and not {VERSION}")
            }
        }
    }
}

impl Error for ReadError {}

/// Returns these entries as JSON, one entry on each line. `now` and `system` are the same moment on
/// both clocks.
///
/// # Examples
///
/// ```
/// use std::time::{Instant, SystemTime};
/// use stagger::history::json;
///
/// let empty = json::to_string(&[], Instant::now(), SystemTime::now());
/// assert_eq!(empty, "{\"version\":1,\"entries\":[\n\n]}\n");
/// ```
pub fn to_string(entries: &[(Key, Knowledge)], now: Instant, system: SystemTime) -> String {
    let line = |(key, known): &(Key, Knowledge)| {
        let entry = Entry::of(*key, known, now, since_1970(system));
        serde_json::to_string(&entry).expect("an entry has only numbers and short texts")
    };
    let lines: Vec<_> = entries.iter().map(line).collect();
    format!("{BEGIN}{VERSION},\"entries\":[\n{}\n]}}\n", lines.join(",\n"))
}

/// Reads what [`to_string`] has returned. `now` and `system` are the same moment on both clocks.
/// Unknown names are ignored. An empty text has no entries.
///
/// The time and the memory for reading are bounded, whatever the text says.
///
/// # Errors
///
/// [`ReadError`] has a variant for each fault. No entry is returned then.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant, SystemTime};
/// use stagger::history::json;
///
/// let text = br#"{"version":1,"entries":[
/// {"network":"2a","prefix":"192.0.2.0","rtt_us":40000,"variance_us":2000}
/// ]}"#;
/// let entries = json::from_slice(text, Instant::now(), SystemTime::now())?;
/// assert_eq!(entries[0].1.round_trip(), Some(Duration::from_millis(40)));
/// # Ok::<_, json::ReadError>(())
/// ```
pub fn from_slice(
    text: &[u8],
    now: Instant,
    system: SystemTime,
) -> Result<Vec<(Key, Knowledge)>, ReadError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let begin = BEGIN.as_bytes();
    if !text.iter().zip(begin).all(|(byte, expected)| byte == expected) {
        return Err(ReadError::Foreign);
    }
    // Another version may be longer, and its entries may look different.
    if let Some(version) = version(text).filter(|version| *version != VERSION) {
        return Err(ReadError::Version(version));
    }
    if text.len() > MAX_BYTES {
        return Err(ReadError::TooLong);
    }
    let Body { entries: Entries(entries), .. } = serde_json::from_slice(text).map_err(damaged)?;
    let system = since_1970(system);
    Ok(entries.into_iter().map(|(subject, entry)| entry.known(subject, now, system)).collect())
}

/// Returns the number after [`BEGIN`], if there is one.
fn version(text: &[u8]) -> Option<u64> {
    let rest = text.get(BEGIN.len()..)?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

fn damaged(error: serde_json::Error) -> ReadError {
    ReadError::Damaged { line: error.line(), column: error.column() }
}

/// What a clock of the system shows, whatever it is set to.
fn since_1970(system: SystemTime) -> Duration {
    system.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "version")]
    _version: u64,
    entries: Entries,
}

/// At most [`Memory::MAX_RESTORED`] entries, each with its subject.
struct Entries(Vec<(Subject, Entry)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Checked;

        impl<'de> Visitor<'de> for Checked {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while entries.len() < Memory::MAX_RESTORED {
                    let Some(entry) = list.next_element::<Entry>()? else {
                        return Ok(Entries(entries));
                    };
                    let subject = entry.subject().ok_or_else(|| A::Error::custom("no subject"))?;
                    entries.push((subject, entry));
                }
                match list.next_element::<IgnoredAny>()? {
                    None => Ok(Entries(entries)),
                    Some(_) => Err(A::Error::custom("too many entries")),
                }
            }
        }

        deserializer.deserialize_seq(Checked)
    }
}

/// One entry.
#[derive(Serialize, Deserialize)]
struct Entry {
    network: Hex,
    #[serde(default, skip_serializing_if = "is_zero")]
    partition: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<FamilyName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variance_us: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    silences: u64,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "is_zero")]
    demoted_until: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_prefix: Option<IpAddr>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Entry {
    fn of(key: Key, known: &Knowledge, now: Instant, system: Duration) -> Self {
        // A time that is kept is at most a minute.
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Rounded to the nearest second. Rounding down would take a second off whenever a program
        // saves its entries, because both clocks differ by nanoseconds.
        let until = |left| (system + left + Duration::from_millis(500)).as_secs();
        let (prefix, family) = match key.subject {
            Subject::Subnet(prefix) => (Some(prefix.address()), None),
            Subject::Family(family) => (None, Some(FamilyName::of(family))),
        };
        Self {
            network: Hex(key.network.value()),
            partition: key.partition,
            prefix,
            family,
            rtt_us: known.round_trip().map(micros),
            variance_us: known.variance().map(micros),
            silences: known.silences().into(),
            demoted_until: known.demoted_for(now).map_or(0, until),
            silent_prefix: known.silent_subnet().map(Subnet::address),
        }
    }

    /// Returns the subject. An entry has one subject. Only a family has a silent prefix, which
    /// belongs to this family.
    fn subject(&self) -> Option<Subject> {
        let subject: Subject = match (self.prefix, self.family) {
            (Some(prefix), None) => Subnet::of(prefix).into(),
            (None, Some(family)) => family.value().into(),
            _ => return None,
        };
        match self.silent_prefix.map(Subnet::of) {
            Some(silent) if subject != silent.family().into() => None,
            _ => Some(subject),
        }
    }

    fn known(self, subject: Subject, now: Instant, system: Duration) -> (Key, Knowledge) {
        let key = Key::new(NetworkKey::new(self.network.0), subject).with_partition(self.partition);
        let left = Duration::from_secs(self.demoted_until).saturating_sub(system);
        let silences = u32::try_from(self.silences).unwrap_or(u32::MAX);
        let mut known = Knowledge::new().with_silences(silences, now, left);
        if let Some(smoothed) = self.rtt_us {
            let variance = self.variance_us.unwrap_or_default();
            known = known
                .with_round_trip(Duration::from_micros(smoothed), Duration::from_micros(variance));
        }
        if let Some(prefix) = self.silent_prefix {
            known = known.with_silent_subnet(Subnet::of(prefix));
        }
        (key, known)
    }
}

/// A family as its `Display` writes it.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum FamilyName {
    #[serde(rename = "IPv4")]
    Ipv4,
    #[serde(rename = "IPv6")]
    Ipv6,
}

impl FamilyName {
    fn of(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::Ipv4,
            Family::Ipv6 => Self::Ipv6,
        }
    }

    fn value(self) -> Family {
        match self {
            Self::Ipv4 => Family::Ipv4,
            Self::Ipv6 => Family::Ipv6,
        }
    }
}

/// A number in hexadecimal digits, because many readers of JSON shorten numbers of 128 bits.
struct Hex(u128);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl Visitor<'_> for Digits {
            type Value = Hex;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a hexadecimal number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hex, E> {
                u128::from_str_radix(text, 16).map(Hex).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Digits)
    }
}

#[cfg(test)]
mod tests;
