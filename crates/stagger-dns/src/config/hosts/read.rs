//! The reader of hosts files.

use super::{Hosts, HostsLine, NameEntry, TextSpan};
use crate::config::environment::Environment;
use crate::config::scoped_address::ScopedAddress;
use crate::config::text::{self, lines, without_comment, words};
use crate::config::warning::{Parsed, WarningKind, WarningLocation, Warnings};

pub(super) fn read(bytes: &[u8], environment: &Environment) -> Parsed<Hosts> {
    read_up_to(Hosts::MAX_NAMES, bytes, environment)
}

fn read_up_to(max_names: usize, bytes: &[u8], environment: &Environment) -> Parsed<Hosts> {
    let mut hosts = Hosts::default();
    let mut warnings = Warnings::default();
    for (number, line) in lines(bytes) {
        let location = WarningLocation::Line(number);
        read_line(&mut hosts, &mut warnings, max_names, location, line, environment);
    }
    let Hosts { text, entries, .. } = &mut hosts;
    // Stable, so that the addresses of one name stay in the file's order.
    entries.sort_by(|a, b| a.name.of(text).cmp(b.name.of(text)));
    // A name that is repeated on a line has its address once, as in glibc.
    entries.dedup_by(|a, b| a.line == b.line && a.name.of(text) == b.name.of(text));
    text.shrink_to_fit();
    entries.shrink_to_fit();
    hosts.lines.shrink_to_fit();
    Parsed { value: hosts, warnings }
}

fn read_line(
    hosts: &mut Hosts,
    warnings: &mut Warnings,
    max_names: usize,
    location: WarningLocation,
    line: &[u8],
    environment: &Environment,
) {
    let mut words = words(without_comment(line));
    let Some(address) = words.next() else { return };
    let addr = match ScopedAddress::parse(address, environment) {
        Ok(addr) => addr,
        Err(kind) => return warnings.add(location, address, kind),
    };
    let mut words = words.peekable();
    if words.peek().is_none() {
        return warnings.add(location, address, WarningKind::MissingName);
    }
    let mut is_first = true;
    for word in words {
        let Some(name) = text::name(word) else {
            warnings.add(location, word, WarningKind::InvalidName);
            continue;
        };
        if hosts.entries.len() == max_names {
            warnings.add(location, word, WarningKind::TooMany);
            continue;
        }
        let name = push_name(&mut hosts.text, &name);
        if is_first {
            hosts.lines.push(HostsLine { addr, canonical: name });
            is_first = false;
        }
        // There are no more lines than names.
        let line = u32::try_from(hosts.lines.len() - 1).expect("names are bounded");
        hosts.entries.push(NameEntry { name, line });
    }
}

/// Appends a name, which has at most 253 bytes.
fn push_name(text: &mut String, name: &str) -> TextSpan {
    let begin = u32::try_from(text.len()).expect("names and their lengths are bounded");
    let len = u8::try_from(name.len()).expect("a name's length is bounded");
    text.push_str(name);
    TextSpan { begin, len }
}

#[cfg(test)]
mod tests;
