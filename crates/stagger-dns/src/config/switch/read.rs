//! The reader of `nsswitch.conf`.

use super::{Switch, SwitchAction, SwitchSource, SwitchStatus};
use crate::config::text::{is_space, lines};
use crate::config::warning::{Parsed, WarningKind, WarningLocation, Warnings};

/// The most bytes in the name of a source. The bound is ours. The name is a part of a library's
/// file name, which has at most 255 bytes.
const MAX_SOURCE: usize = 255;

pub(super) fn read(bytes: &[u8]) -> Parsed<Switch> {
    let mut last = Parsed::default();
    for (number, line) in lines(bytes) {
        if let Some(sources) = of_hosts(line) {
            last = read_sources(WarningLocation::Line(number), sources);
        }
    }
    last
}

/// Returns the sources of a line for hosts, as glibc 2.36 reads it (`process_line` in
/// `nss/nss_database.c`).
///
/// White space and colons follow the name of the database. A `#` never begins a comment. At the
/// beginning of a line it is a part of the database's name.
fn of_hosts(line: &[u8]) -> Option<&[u8]> {
    let separates = |byte: &u8| is_space(*byte) || *byte == b':';
    let line = &line[line.iter().position(|byte| !is_space(*byte))?..];
    let (database, rest) = line.split_at(line.iter().position(separates)?);
    let begin = rest.iter().position(|byte| !separates(byte)).unwrap_or(rest.len());
    (database == b"hosts").then_some(&rest[begin..])
}

pub(super) fn read_sources(location: WarningLocation, text: &[u8]) -> Parsed<Switch> {
    let mut sources: Vec<SwitchSource> = Vec::new();
    let mut warnings = Warnings::default();
    // Whether the last source was taken. The criteria after it then belong to it.
    let mut was_taken = false;
    let mut rest = text;
    while let Some(begin) = rest.iter().position(|b| !is_space(*b)) {
        rest = &rest[begin..];
        if rest[0] == b'[' {
            let end = rest.iter().position(|b| *b == b']');
            let criteria = &rest[1..end.unwrap_or(rest.len())];
            match sources.last_mut() {
                _ if end.is_none() => warnings.add(location, rest, WarningKind::InvalidCriterion),
                Some(source) if was_taken => {
                    read_criteria(source, location, criteria, &mut warnings)
                }
                _ => warnings.add(location, rest, WarningKind::InvalidCriterion),
            }
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
            continue;
        }
        let end = rest.iter().position(|b| is_space(*b) || *b == b'[').unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[end..];
        // A colon at the beginning would end the name of the database.
        let is_part = |byte: &u8| byte.is_ascii_graphic() && *byte != b':';
        let is_name = name.len() <= MAX_SOURCE && name.iter().all(is_part);
        was_taken = is_name && sources.len() < Switch::MAX_SOURCES;
        match str::from_utf8(name) {
            Ok(name) if was_taken => {
                sources.push(SwitchSource::new(name));
                if !matches!(name, "files" | "dns") {
                    warnings.add(location, name.as_bytes(), WarningKind::UnsupportedSource);
                }
            }
            _ if is_name => warnings.add(location, name, WarningKind::TooMany),
            _ => warnings.add(location, name, WarningKind::InvalidName),
        }
    }
    Parsed { value: Switch { sources }, warnings }
}

/// Reads the text between brackets: one or more `STATUS=ACTION`. A `!` may be before each, and
/// white space around any part.
fn read_criteria(
    source: &mut SwitchSource,
    location: WarningLocation,
    text: &[u8],
    warnings: &mut Warnings,
) {
    let mut rest = text.trim_ascii();
    if rest.is_empty() {
        return warnings.add(location, text, WarningKind::InvalidCriterion);
    }
    while !rest.is_empty() {
        let Some((criterion, after)) = next_criterion(rest) else {
            return warnings.add(location, rest, WarningKind::InvalidCriterion);
        };
        let Criterion { negated, status, action } = criterion;
        if action == SwitchAction::Merge {
            let criterion = &rest[..rest.len() - after.len()];
            warnings.add(location, criterion.trim_ascii_end(), WarningKind::UnsupportedAction);
        }
        for other in SwitchStatus::ALL {
            if (other == status) != negated {
                source.actions[other as usize] = action;
            }
        }
        rest = after.trim_ascii_start();
    }
}

struct Criterion {
    negated: bool,
    status: SwitchStatus,
    action: SwitchAction,
}

/// Reads one criterion. Returns it and the text after it.
fn next_criterion(text: &[u8]) -> Option<(Criterion, &[u8])> {
    let (negated, text) = match text.strip_prefix(b"!") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (status, text) = word(text);
    let text = text.trim_ascii_start().strip_prefix(b"=")?;
    let (action, text) = word(text.trim_ascii_start());
    let is = |word: &[u8], known: &str| word.eq_ignore_ascii_case(known.as_bytes());
    let status = SwitchStatus::ALL.into_iter().find(|known| is(status, known.as_str()))?;
    let action = SwitchAction::ALL.into_iter().find(|known| is(action, known.as_str()))?;
    Some((Criterion { negated, status, action }, text))
}

/// Returns the word before white space or an equals sign, and the text after it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| is_space(*b) || *b == b'=').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests;
