//! How an `nsswitch.conf` is read.

use super::{Action, MAX_SOURCES, Source, Status, Switch};
use crate::line::{is_space, lines};
use crate::{Notes, Origin, Parsed, Problem};

/// The most bytes in the name of a source. The bound is ours; a name is a part of a library's
/// file name, which has 255 at most.
const MAX_SOURCE: usize = 255;

pub(super) fn read(bytes: &[u8]) -> Parsed<Switch> {
    let mut last = Parsed::default();
    for (number, line) in lines(bytes) {
        if let Some(sources) = of_hosts(line) {
            last = read_sources(Origin::Line(number), sources);
        }
    }
    last
}

/// The sources of a line for hosts, as glibc 2.36 takes it (`process_line` in
/// `nss/nss_database.c`): any white space and colons follow the name of the database. A `#` begins a
/// comment nowhere. At the beginning of a line it makes another name of the database.
fn of_hosts(line: &[u8]) -> Option<&[u8]> {
    let separates = |byte: &u8| is_space(*byte) || *byte == b':';
    let line = &line[line.iter().position(|byte| !is_space(*byte))?..];
    let (database, rest) = line.split_at(line.iter().position(separates)?);
    let begin = rest.iter().position(|byte| !separates(byte)).unwrap_or(rest.len());
    (database == b"hosts").then_some(&rest[begin..])
}

pub(super) fn read_sources(origin: Origin, text: &[u8]) -> Parsed<Switch> {
    let mut sources: Vec<Source> = Vec::new();
    let mut notes = Notes::default();
    // Whether the source before was taken, so that the criteria after it are its own.
    let mut was_taken = false;
    let mut rest = text;
    while let Some(begin) = rest.iter().position(|b| !is_space(*b)) {
        rest = &rest[begin..];
        if rest[0] == b'[' {
            let end = rest.iter().position(|b| *b == b']');
            let criteria = &rest[1..end.unwrap_or(rest.len())];
            match sources.last_mut() {
                _ if end.is_none() => notes.add(origin, rest, Problem::InvalidCriterion),
                Some(source) if was_taken => read_criteria(source, origin, criteria, &mut notes),
                _ => notes.add(origin, rest, Problem::InvalidCriterion),
            }
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
            continue;
        }
        let end = rest.iter().position(|b| is_space(*b) || *b == b'[').unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[end..];
        // A colon would be taken for the end of the database's name if it came first.
        let is_part = |byte: &u8| byte.is_ascii_graphic() && *byte != b':';
        let is_name = name.len() <= MAX_SOURCE && name.iter().all(is_part);
        was_taken = is_name && sources.len() < MAX_SOURCES;
        match str::from_utf8(name) {
            Ok(name) if was_taken => {
                sources.push(Source::new(name));
                if !matches!(name, "files" | "dns") {
                    notes.add(origin, name.as_bytes(), Problem::UnsupportedSource);
                }
            }
            _ if is_name => notes.add(origin, name, Problem::TooMany),
            _ => notes.add(origin, name, Problem::InvalidName),
        }
    }
    Parsed { value: Switch { sources }, notes }
}

/// Reads what stands between brackets: `STATUS=ACTION` once or more, each perhaps with a `!`
/// before it, and white space around any part.
fn read_criteria(source: &mut Source, origin: Origin, text: &[u8], notes: &mut Notes) {
    let mut rest = text.trim_ascii();
    if rest.is_empty() {
        return notes.add(origin, text, Problem::InvalidCriterion);
    }
    while !rest.is_empty() {
        let Some((criterion, after)) = next_criterion(rest) else {
            return notes.add(origin, rest, Problem::InvalidCriterion);
        };
        let Criterion { negated, status, action } = criterion;
        if action == Action::Merge {
            let criterion = &rest[..rest.len() - after.len()];
            notes.add(origin, criterion.trim_ascii_end(), Problem::UnsupportedAction);
        }
        for other in Status::ALL {
            if (other == status) != negated {
                source.actions[other as usize] = action;
            }
        }
        rest = after.trim_ascii_start();
    }
}

struct Criterion {
    negated: bool,
    status: Status,
    action: Action,
}

/// Reads one criterion, and says what follows it.
fn next_criterion(text: &[u8]) -> Option<(Criterion, &[u8])> {
    let (negated, text) = match text.strip_prefix(b"!") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (status, text) = word(text);
    let text = text.trim_ascii_start().strip_prefix(b"=")?;
    let (action, text) = word(text.trim_ascii_start());
    let is = |word: &[u8], known: &str| word.eq_ignore_ascii_case(known.as_bytes());
    let status = Status::ALL.into_iter().find(|known| is(status, known.as_str()))?;
    let action = Action::ALL.into_iter().find(|known| is(action, known.as_str()))?;
    Some((Criterion { negated, status, action }, text))
}

/// A word up to white space or an equals sign, and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| is_space(*b) || *b == b'=').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests;
