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
const UNSUPPORTED_OPTIONS: [&[u8]; 11] = [
    b"debug",
    b"no-check-names",
    b"inet6",
    b"ip6-bytestring",
    b"ip6-dotint",
    b"no-ip6-dotint",
    b"single-request",
    b"single-request-reopen",
    b"no-reload",
    b"trust-ad",
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
        let mut words = words(line);
        let Some(keyword) = words.next().filter(|word| !is_comment(word)) else { return };
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
        match Scoped::parse_loose(word, self.environment) {
            Err(problem) => self.notes.add(origin, word, problem),
            Ok(server) if self.servers.contains(&server) => {
                self.notes.add(origin, word, Problem::Repeated);
            }
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
            self.read_option(origin, word);
        }
    }

    /// Reads an option as glibc does (`res_setoptions` in `resolv/res_init.c`), which compares how
    /// the word begins.
    fn read_option(&mut self, origin: Origin, word: &[u8]) {
        if let Some(value) = word.strip_prefix(b"ndots:") {
            // Without a number it is 0, as atoi(3) has it.
            let ndots = self.number(origin, word, value, &NDOTS_RANGE);
            let is_negative = value.starts_with(b"-");
            if let Some(ndots) = ndots.or_else(|| (!is_negative).then_some(0)) {
                self.config.ndots = ndots;
            }
        } else if let Some(value) = word.strip_prefix(b"timeout:") {
            let seconds = |end: &Duration| u32::try_from(end.as_secs()).unwrap_or(u32::MAX);
            let range = seconds(TRY_TIMEOUT_RANGE.start())..=seconds(TRY_TIMEOUT_RANGE.end());
            if let Some(timeout) = self.number(origin, word, value, &range) {
                self.config.timeout = Duration::from_secs(timeout.into());
            }
        } else if let Some(value) = word.strip_prefix(b"attempts:") {
            if let Some(attempts) = self.number(origin, word, value, &ATTEMPTS_RANGE) {
                self.config.attempts = attempts;
            }
        } else if matches!(word, b"ndots" | b"timeout" | b"attempts") {
            self.notes.add(origin, word, Problem::MissingValue);
        } else if word.starts_with(b"rotate") {
            self.config.rotate = true;
        } else if word.starts_with(b"use-vc") {
            self.config.use_vc = true;
        } else if word.starts_with(b"edns0") {
            self.config.edns0 = true;
        } else if word.starts_with(b"no-aaaa") {
            self.config.no_aaaa = true;
        } else if word.starts_with(b"no-tld-query") || word.starts_with(b"no_tld_query") {
            self.config.no_tld_query = true;
        } else if UNSUPPORTED_OPTIONS.contains(&word) {
            self.notes.add(origin, word, Problem::UnsupportedOption);
        } else {
            self.notes.add(origin, word, Problem::UnknownOption);
        }
    }

    /// Reads the number that an option's value begins with, capped to its range.
    fn number(
        &mut self,
        origin: Origin,
        option: &[u8],
        value: &[u8],
        range: &RangeInclusive<u32>,
    ) -> Option<u32> {
        let len = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len < value.len() || len == 0 {
            self.notes.add(origin, option, Problem::InvalidNumber);
        }
        if len == 0 {
            return None;
        }
        // Digits that are no u32 are more than any range has.
        let number = str::from_utf8(&value[..len])
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(u32::MAX);
        let capped = number.clamp(*range.start(), *range.end());
        if capped != number {
            self.notes.add(origin, option, Problem::Capped);
        }
        Some(capped)
    }

    fn note_rest<'w>(&mut self, origin: Origin, words: impl Iterator<Item = &'w [u8]>) {
        for word in words.take_while(|word| !is_comment(word)) {
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

/// Whether a word looks like the beginning of a comment. It is one at the beginning of a line, and
/// where nothing is read any more.
fn is_comment(word: &[u8]) -> bool {
    matches!(word.first(), Some(b'#' | b';'))
}

#[cfg(test)]
mod tests;
