//! How a hosts file is read.

use super::{Entry, Hosts, Line, MAX_HOST_NAMES, Span};
use crate::address::Scoped;
use crate::line::{self, lines, without_comment, words};
use crate::{Environment, Notes, Origin, Parsed, Problem};

pub(super) fn read(bytes: &[u8], environment: &Environment) -> Parsed<Hosts> {
    read_up_to(MAX_HOST_NAMES, bytes, environment)
}

fn read_up_to(max_names: usize, bytes: &[u8], environment: &Environment) -> Parsed<Hosts> {
    let mut hosts = Hosts::default();
    let mut notes = Notes::default();
    for (number, line) in lines(bytes) {
        let origin = Origin::Line(number);
        read_line(&mut hosts, &mut notes, max_names, origin, line, environment);
    }
    let Hosts { text, entries, .. } = &mut hosts;
    // Stable, so that the addresses of one name stay in the file's order.
    entries.sort_by(|a, b| a.name.of(text).cmp(b.name.of(text)));
    // A name that is on a line twice has its address once, as in glibc.
    entries.dedup_by(|a, b| a.line == b.line && a.name.of(text) == b.name.of(text));
    text.shrink_to_fit();
    entries.shrink_to_fit();
    hosts.lines.shrink_to_fit();
    Parsed { value: hosts, notes }
}

fn read_line(
    hosts: &mut Hosts,
    notes: &mut Notes,
    max_names: usize,
    origin: Origin,
    line: &[u8],
    environment: &Environment,
) {
    let mut words = words(without_comment(line));
    let Some(address) = words.next() else { return };
    let addr = match Scoped::parse(address, environment) {
        Ok(addr) => addr,
        Err(problem) => return notes.add(origin, address, problem),
    };
    let mut words = words.peekable();
    if words.peek().is_none() {
        return notes.add(origin, address, Problem::MissingName);
    }
    let mut is_first = true;
    for word in words {
        let Some(name) = line::name(word) else {
            notes.add(origin, word, Problem::InvalidName);
            continue;
        };
        if hosts.entries.len() == max_names {
            notes.add(origin, word, Problem::TooMany);
            continue;
        }
        let name = push_name(&mut hosts.text, &name);
        if is_first {
            hosts.lines.push(Line { addr, canonical: name });
            is_first = false;
        }
        // There are no more lines than names.
        let line = u32::try_from(hosts.lines.len() - 1).expect("names are bounded");
        hosts.entries.push(Entry { name, line });
    }
}

/// Puts a name, which has at most 253 bytes, behind the others.
fn push_name(text: &mut String, name: &str) -> Span {
    let begin = u32::try_from(text.len()).expect("names and their lengths are bounded");
    let len = u8::try_from(name.len()).expect("a name's length is bounded");
    text.push_str(name);
    Span { begin, len }
}

#[cfg(test)]
mod tests;
