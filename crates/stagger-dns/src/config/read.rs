//! How a `resolv.conf` is read.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{
    ATTEMPTS_RANGE, Config, MAX_SEARCH, MAX_SERVERS, NDOTS_RANGE, PORT, TRY_TIMEOUT_RANGE, domain,
};
use crate::address::Scoped;
use crate::line::{lines, words};
use crate::{Environment, Notes, Origin, Parsed, Problem};

/// Keywords of other systems' `resolv.conf` and of glibc's that say nothing that is of use here.
const UNSUPPORTED_KEYWORDS: [&[u8]; 3] = [b"sortlist", b"lookup", b"family"];

/// Options of resolv.conf(5) that are no settings here.
const UNSUPPORTED_OPTIONS: [&[u8]; 14] = [
    b"debug",
    b"no-check-names",
    b"inet6",
    b"ip6-bytestring",
    b"ip6-dotint",
    b"no-ip6-dotint",
    b"single-request",
    b"single-request-reopen",
    b"no-tld-query",
    b"no_tld_query",
    b"no-reload",
    b"trust-ad",
    b"no-aaaa",
    b"strict-no-aaaa",
];

pub(super) fn read(bytes: &[u8], environment: &Environment) -> Parsed<Config> {
    let mut reader = Reader {
        environment,
        servers: Vec::new(),
        search: None,
        config: Config::new(),
        notes: Notes::default(),
    };
    for (number, line) in lines(bytes) {
        reader.read_line(Origin::Line(number), line);
    }
    reader.finish()
}

struct Reader<'a> {
    environment: &'a Environment,
    servers: Vec<Scoped>,
    /// None until something says one.
    search: Option<Vec<String>>,
    config: Config,
    notes: Notes,
}

impl Reader<'_> {
    fn read_line(&mut self, origin: Origin, line: &[u8]) {
        // A keyword begins its line (resolv.conf(5)), so what is indented is passed over.
        let mut words = without_comment(line);
        let Some(keyword) = words.next() else { return };
        if !line.starts_with(keyword) {
            return self.notes.add(origin, keyword, Problem::UnknownKeyword);
        }
        match keyword {
            b"nameserver" => self.read_server(origin, keyword, words),
            b"domain" => {
                let Some(name) = words.next() else {
                    return self.notes.add(origin, keyword, Problem::MissingValue);
                };
                self.note_rest(origin, words);
                self.read_search(origin, [name].into_iter());
            }
            b"search" => {
                let mut words = words.peekable();
                if words.peek().is_none() {
                    return self.notes.add(origin, keyword, Problem::MissingValue);
                }
                self.read_search(origin, words);
            }
            b"options" => self.read_options(origin, words),
            _ if UNSUPPORTED_KEYWORDS.contains(&keyword) => {
                self.notes.add(origin, keyword, Problem::UnsupportedKeyword);
            }
            _ => self.notes.add(origin, keyword, Problem::UnknownKeyword),
        }
    }

    fn read_server<'w>(
        &mut self,
        origin: Origin,
        keyword: &[u8],
        mut words: impl Iterator<Item = &'w [u8]>,
    ) {
        let Some(word) = words.next() else {
            return self.notes.add(origin, keyword, Problem::MissingValue);
        };
        self.note_rest(origin, words);
        match Scoped::parse(word, self.environment) {
            Err(problem) => self.notes.add(origin, word, problem),
            Ok(_) if self.servers.len() == MAX_SERVERS => {
                self.notes.add(origin, word, Problem::TooMany);
            }
            Ok(server) => self.servers.push(server),
        }
    }

    /// Reads a search list, which replaces the former.
    fn read_search<'w>(&mut self, origin: Origin, words: impl Iterator<Item = &'w [u8]>) {
        let mut names = Vec::new();
        for word in words {
            match domain(word) {
                None => self.notes.add(origin, word, Problem::InvalidName),
                Some(_) if names.len() == MAX_SEARCH => {
                    self.notes.add(origin, word, Problem::TooMany);
                }
                Some(name) => names.push(name),
            }
        }
        self.search = Some(names);
    }

    fn read_options<'w>(&mut self, origin: Origin, words: impl Iterator<Item = &'w [u8]>) {
        for word in words {
            let mut parts = word.splitn(2, |b| *b == b':');
            let option = parts.next().unwrap_or_default();
            match (option, parts.next()) {
                (b"ndots", Some(value)) => {
                    if let Some(ndots) = self.number(origin, word, value, &NDOTS_RANGE) {
                        self.config.ndots = ndots;
                    }
                }
                (b"timeout", Some(value)) => {
                    let seconds = |end: &Duration| u32::try_from(end.as_secs()).unwrap_or(u32::MAX);
                    let range =
                        seconds(TRY_TIMEOUT_RANGE.start())..=seconds(TRY_TIMEOUT_RANGE.end());
                    if let Some(timeout) = self.number(origin, word, value, &range) {
                        self.config.timeout = Duration::from_secs(timeout.into());
                    }
                }
                (b"attempts", Some(value)) => {
                    if let Some(attempts) = self.number(origin, word, value, &ATTEMPTS_RANGE) {
                        self.config.attempts = attempts;
                    }
                }
                (b"ndots" | b"timeout" | b"attempts", None) => {
                    self.notes.add(origin, word, Problem::MissingValue);
                }
                (b"rotate", None) => self.config.rotate = true,
                (b"use-vc", None) => self.config.use_vc = true,
                (b"edns0", None) => self.config.edns0 = true,
                (_, None) if UNSUPPORTED_OPTIONS.contains(&option) => {
                    self.notes.add(origin, word, Problem::UnsupportedOption);
                }
                _ => self.notes.add(origin, word, Problem::UnknownOption),
            }
        }
    }

    /// Reads the number of an option, capped to its range.
    fn number(
        &mut self,
        origin: Origin,
        option: &[u8],
        value: &[u8],
        range: &RangeInclusive<u32>,
    ) -> Option<u32> {
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            self.notes.add(origin, option, Problem::InvalidNumber);
            return None;
        }
        // Digits that are no u32 are more than any range has.
        let number =
            str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(u32::MAX);
        let capped = number.clamp(*range.start(), *range.end());
        if capped != number {
            self.notes.add(origin, option, Problem::Capped);
        }
        Some(capped)
    }

    fn note_rest<'w>(&mut self, origin: Origin, words: impl Iterator<Item = &'w [u8]>) {
        for word in words {
            self.notes.add(origin, word, Problem::TextAfterValue);
        }
    }

    fn finish(mut self) -> Parsed<Config> {
        if let Some(domains) = self.environment.local_domain() {
            // Even an empty one counts: it is how to ask for no search list.
            let first_line = domains.as_bytes().split(|b| *b == b'\n').next().unwrap_or_default();
            self.read_search(Origin::LocalDomain, words(first_line));
        }
        if self.search.is_none() {
            let domain = self.environment.host_name().and_then(|name| name.split_once('.'));
            if let Some((_, domain)) = domain.filter(|(_, domain)| !domain.is_empty()) {
                self.read_search(Origin::HostName, [domain.as_bytes()].into_iter());
            }
        }
        if let Some(options) = self.environment.res_options() {
            self.read_options(Origin::ResOptions, words(options.as_bytes()));
        }
        if !self.servers.is_empty() {
            self.config.servers =
                self.servers.into_iter().map(|server| server.with_port(PORT)).collect();
        }
        self.config.search = self.search.unwrap_or_default();
        Parsed { value: self.config, notes: self.notes }
    }
}

/// The words up to one that begins a comment.
fn without_comment(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    words(line).take_while(|word| !word.starts_with(b"#") && !word.starts_with(b";"))
}

#[cfg(test)]
mod tests;
