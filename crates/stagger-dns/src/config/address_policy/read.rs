//! The reader of `gai.conf`.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use stagger::sort::{Ipv4Scopes, PolicyTable, Prefix, Row, Sorter};

use super::AddressPolicy;
use crate::config::text::{lines, without_comment, words};
use crate::config::warning::{Parsed, WarningKind, WarningLocation, Warnings};

/// The largest precedence, label or scope: `INT_MAX` in C.
const MAX_NUMBER: u64 = 2_147_483_647;

/// The numbers of addresses that no line covers (`gaiconf_init` in `sysdeps/posix/getaddrinfo.c` of
/// glibc).
const PRECEDENCE: u32 = 40;
const LABEL: u32 = 1;
const SCOPE: u32 = 14;

/// The lines of one kind. Each prefix is in it once.
#[derive(Default)]
struct Rows {
    rows: Vec<(Prefix, u32)>,
    prefixes: HashSet<Prefix>,
}

type ParsePrefix = fn(&[u8]) -> Result<Prefix, WarningKind>;

pub(super) fn read(bytes: &[u8]) -> Parsed<AddressPolicy> {
    let mut warnings = Warnings::default();
    let (mut precedences, mut labels, mut scopes) =
        (Rows::default(), Rows::default(), Rows::default());
    let mut reload = false;
    for (number, line) in lines(bytes) {
        let location = WarningLocation::Line(number);
        // A line is a string of C, which ends at a NUL.
        let line = line.split(|b| *b == b'\0').next().unwrap_or_default();
        let mut words = words(without_comment(line));
        let Some(keyword) = words.next() else { continue };
        let (first, second) = (words.next(), words.next());
        if let Some(more) = words.next() {
            warnings.add(location, more, WarningKind::TextAfterValue);
        }
        let (rows, parse): (_, ParsePrefix) = match keyword {
            b"precedence" => (&mut precedences, prefix),
            b"label" => (&mut labels, prefix),
            b"scopev4" => (&mut scopes, ipv4_prefix),
            b"reload" => {
                reload = first == Some(b"yes");
                match first {
                    None => warnings.add(location, keyword, WarningKind::MissingValue),
                    Some(b"yes" | b"no") => {}
                    Some(other) => warnings.add(location, other, WarningKind::UnknownOption),
                }
                continue;
            }
            _ => {
                warnings.add(location, keyword, WarningKind::UnknownKeyword);
                continue;
            }
        };
        let Some(first) = first else {
            warnings.add(location, keyword, WarningKind::MissingValue);
            continue;
        };
        let prefix = match parse(first) {
            Ok(prefix) => prefix,
            Err(kind) => {
                warnings.add(location, first, kind);
                continue;
            }
        };
        let value = second.unwrap_or_default();
        let Some(value) = number_up_to(MAX_NUMBER, value) else {
            warnings.add(location, value, WarningKind::InvalidNumber);
            continue;
        };
        if second.is_none() {
            warnings.add(location, first, WarningKind::MissingValue);
        }
        if let Err(kind) = rows.add(prefix, value) {
            warnings.add(location, first, kind);
        }
    }
    let sorter = Sorter::glibc()
        .with_table(table(precedences.rows, labels.rows))
        .with_ipv4_scopes(ipv4_scopes(scopes.rows));
    Parsed { value: AddressPolicy { sorter, reload }, warnings }
}

impl Rows {
    fn add(&mut self, prefix: Prefix, value: u32) -> Result<(), WarningKind> {
        if self.rows.len() == AddressPolicy::MAX_ROWS {
            return Err(WarningKind::TooMany);
        }
        if !self.prefixes.insert(prefix) {
            return Err(WarningKind::Repeated);
        }
        self.rows.push((prefix, value));
        Ok(())
    }
}

/// Returns the table of these lines. Every prefix of either kind has a row with both numbers. A
/// kind without lines has its default rows.
fn table(precedences: Vec<(Prefix, u32)>, labels: Vec<(Prefix, u32)>) -> PolicyTable {
    if precedences.is_empty() && labels.is_empty() {
        return PolicyTable::glibc();
    }
    let default = PolicyTable::glibc();
    let or_default = |rows: Vec<_>, number: fn(&Row) -> u32| match rows.is_empty() {
        true => default.rows().iter().map(|row| (row.prefix, number(row))).collect(),
        false => rows,
    };
    let precedences = or_default(precedences, |row| row.precedence);
    let labels = or_default(labels, |row| row.label);
    let mut prefixes: Vec<_> =
        precedences.iter().chain(&labels).map(|(prefix, _)| *prefix).collect();
    prefixes.sort_by_key(|prefix| (prefix.length(), prefix.addr()));
    prefixes.dedup();
    let row = |prefix| {
        let precedence = covering(&precedences, prefix).unwrap_or(PRECEDENCE);
        Row::new(prefix, precedence, covering(&labels, prefix).unwrap_or(LABEL))
    };
    let table = PolicyTable::uniform(PRECEDENCE, LABEL);
    prefixes.into_iter().fold(table, |table, prefix| table.with_row(row(prefix)))
}

/// Returns the number of the longest prefix that covers all of this prefix.
fn covering(rows: &[(Prefix, u32)], prefix: Prefix) -> Option<u32> {
    let covers = |row: &&(Prefix, u32)| {
        row.0.length() <= prefix.length() && row.0.contains(prefix.addr().into())
    };
    let longest = rows.iter().filter(covers).max_by_key(|(prefix, _)| prefix.length());
    longest.map(|(_, number)| *number)
}

fn ipv4_scopes(scopes: Vec<(Prefix, u32)>) -> Ipv4Scopes {
    if scopes.is_empty() {
        return Ipv4Scopes::glibc();
    }
    let set = |scopes: Ipv4Scopes, (prefix, scope)| scopes.with_scope(prefix, scope);
    scopes.into_iter().fold(Ipv4Scopes::uniform(SCOPE), set)
}

/// Reads `2001:db8::/32`, or a single address.
fn prefix(word: &[u8]) -> Result<Prefix, WarningKind> {
    let (addr, length) = split(word)?;
    let addr: Ipv6Addr = addr.parse().map_err(|_| WarningKind::InvalidPrefix)?;
    masked(addr, length.unwrap_or(128))
}

/// Reads `192.0.2.0/24` or `::ffff:192.0.2.0/120`.
fn ipv4_prefix(word: &[u8]) -> Result<Prefix, WarningKind> {
    let (addr, length) = split(word)?;
    if let Ok(addr) = addr.parse::<Ipv4Addr>() {
        let length = length.map_or(Some(128), |length| 96_u64.checked_add(length));
        return masked(addr.to_ipv6_mapped(), length.ok_or(WarningKind::InvalidPrefix)?);
    }
    let addr: Ipv6Addr = addr.parse().map_err(|_| WarningKind::InvalidPrefix)?;
    match length.unwrap_or(128) {
        length if length >= 96 && addr.to_ipv4_mapped().is_some() => masked(addr, length),
        _ => Err(WarningKind::InvalidPrefix),
    }
}

/// Splits the text before a slash from the length after it.
fn split(word: &[u8]) -> Result<(&str, Option<u64>), WarningKind> {
    let word = str::from_utf8(word).map_err(|_| WarningKind::InvalidPrefix)?;
    let Some((addr, length)) = word.split_once('/') else { return Ok((word, None)) };
    let length = unsigned(length.as_bytes()).ok_or(WarningKind::InvalidPrefix)?;
    Ok((addr, Some(length)))
}

/// Returns the prefix of this length. The bits of the address beyond it do not matter.
fn masked(addr: Ipv6Addr, length: u64) -> Result<Prefix, WarningKind> {
    let length = u8::try_from(length).ok().filter(|length| *length <= 128);
    let length = length.ok_or(WarningKind::InvalidPrefix)?;
    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    let addr = Ipv6Addr::from_bits(addr.to_bits() & mask);
    Prefix::new(addr, length).map_err(|_| WarningKind::InvalidPrefix)
}

fn number_up_to(max: u64, word: &[u8]) -> Option<u32> {
    unsigned(word).filter(|number| *number <= max)?.try_into().ok()
}

/// Reads a word as strtoul(3) and the reader of glibc do. An empty word is 0, and a sign may come
/// first. A negative number is subtracted from 2^64.
fn unsigned(word: &[u8]) -> Option<u64> {
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if word.is_empty() {
        return Some(0);
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests;
