//! The reader of `resolv.conf`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Config, domain};
use crate::config::environment::Environment;
use crate::config::scoped_address::ScopedAddress;
use crate::config::text::{lines, words};
use crate::config::warning::{Parsed, WarningKind, WarningLocation, Warnings};

/// Keywords of glibc and of other systems that this crate does not support.
const UNSUPPORTED_KEYWORDS: [&[u8]; 3] = [b"sortlist", b"lookup", b"family"];

/// Options of resolv.conf(5) that this crate does not support.
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
        warnings: Warnings::default(),
    };
    for (number, line) in lines(bytes) {
        reader.read_line(WarningLocation::Line(number), line);
    }
    reader.finish()
}

struct Reader<'a> {
    environment: &'a Environment,
    servers: Vec<ScopedAddress>,
    /// `None` until a line or the environment sets it.
    search: Option<Vec<String>>,
    config: Config,
    warnings: Warnings,
}

impl Reader<'_> {
    fn read_line(&mut self, location: WarningLocation, line: &[u8]) {
        // A keyword must begin its line (resolv.conf(5)), so an indented line is ignored.
        let mut words = words(line);
        let Some(keyword) = words.next().filter(|word| !is_comment(word)) else { return };
        if !line.starts_with(keyword) {
            return self.warnings.add(location, keyword, WarningKind::UnknownKeyword);
        }
        match keyword {
            b"nameserver" => self.read_server(location, keyword, words),
            b"domain" => {
                let Some(name) = words.next() else {
                    return self.warnings.add(location, keyword, WarningKind::MissingValue);
                };
                self.warn_of_rest(location, words);
                self.read_search(location, [name].into_iter());
            }
            b"search" => {
                let mut words = words.peekable();
                if words.peek().is_none() {
                    return self.warnings.add(location, keyword, WarningKind::MissingValue);
                }
                self.read_search(location, words);
            }
            b"options" => self.read_options(location, words),
            _ if UNSUPPORTED_KEYWORDS.contains(&keyword) => {
                self.warnings.add(location, keyword, WarningKind::UnsupportedKeyword);
            }
            _ => self.warnings.add(location, keyword, WarningKind::UnknownKeyword),
        }
    }

    fn read_server<'w>(
        &mut self,
        location: WarningLocation,
        keyword: &[u8],
        mut words: impl Iterator<Item = &'w [u8]>,
    ) {
        let Some(word) = words.next() else {
            return self.warnings.add(location, keyword, WarningKind::MissingValue);
        };
        self.warn_of_rest(location, words);
        match ScopedAddress::parse_loose(word, self.environment) {
            Err(kind) => self.warnings.add(location, word, kind),
            Ok(server) if self.servers.contains(&server) => {
                self.warnings.add(location, word, WarningKind::Repeated);
            }
            Ok(_) if self.servers.len() == Config::MAX_SERVERS => {
                self.warnings.add(location, word, WarningKind::TooMany);
            }
            Ok(server) => self.servers.push(server),
        }
    }

    /// Reads a search list, which replaces an earlier one.
    fn read_search<'w>(
        &mut self,
        location: WarningLocation,
        words: impl Iterator<Item = &'w [u8]>,
    ) {
        let mut names = Vec::new();
        for word in words {
            match domain(word) {
                None => self.warnings.add(location, word, WarningKind::InvalidName),
                Some(_) if names.len() == Config::MAX_SEARCH => {
                    self.warnings.add(location, word, WarningKind::TooMany);
                }
                Some(name) => names.push(name),
            }
        }
        self.search = Some(names);
    }

    fn read_options<'w>(
        &mut self,
        location: WarningLocation,
        words: impl Iterator<Item = &'w [u8]>,
    ) {
        for word in words {
            self.read_option(location, word);
        }
    }

    /// Reads an option as glibc does (`res_setoptions` in `resolv/res_init.c`), which compares the
    /// beginning of the word.
    fn read_option(&mut self, location: WarningLocation, word: &[u8]) {
        if let Some(value) = word.strip_prefix(b"ndots:") {
            // Without a number it is 0, as for atoi(3).
            let ndots = self.number(location, word, value, &Config::NDOTS_RANGE);
            let is_negative = value.starts_with(b"-");
            if let Some(ndots) = ndots.or_else(|| (!is_negative).then_some(0)) {
                self.config.ndots = ndots;
            }
        } else if let Some(value) = word.strip_prefix(b"timeout:") {
            let seconds = |end: &Duration| u32::try_from(end.as_secs()).unwrap_or(u32::MAX);
            let range =
                seconds(Config::TIMEOUT_RANGE.start())..=seconds(Config::TIMEOUT_RANGE.end());
            if let Some(timeout) = self.number(location, word, value, &range) {
                self.config.timeout = Duration::from_secs(timeout.into());
            }
        } else if let Some(value) = word.strip_prefix(b"attempts:") {
            if let Some(attempts) = self.number(location, word, value, &Config::ATTEMPTS_RANGE) {
                self.config.attempts = attempts;
            }
        } else if matches!(word, b"ndots" | b"timeout" | b"attempts") {
            self.warnings.add(location, word, WarningKind::MissingValue);
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
            self.warnings.add(location, word, WarningKind::UnsupportedOption);
        } else {
            self.warnings.add(location, word, WarningKind::UnknownOption);
        }
    }

    /// Reads the number at the beginning of an option's value, and caps it to its range.
    fn number(
        &mut self,
        location: WarningLocation,
        option: &[u8],
        value: &[u8],
        range: &RangeInclusive<u32>,
    ) -> Option<u32> {
        let len = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len < value.len() || len == 0 {
            self.warnings.add(location, option, WarningKind::InvalidNumber);
        }
        if len == 0 {
            return None;
        }
        // A number that does not fit in u32 is above every range.
        let number = str::from_utf8(&value[..len])
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(u32::MAX);
        let capped = number.clamp(*range.start(), *range.end());
        if capped != number {
            self.warnings.add(location, option, WarningKind::Capped);
        }
        Some(capped)
    }

    fn warn_of_rest<'w>(
        &mut self,
        location: WarningLocation,
        words: impl Iterator<Item = &'w [u8]>,
    ) {
        for word in words.take_while(|word| !is_comment(word)) {
            self.warnings.add(location, word, WarningKind::TextAfterValue);
        }
    }

    fn finish(mut self) -> Parsed<Config> {
        if let Some(domains) = self.environment.local_domain() {
            // An empty value counts too. It means no search list.
            let first_line = domains.as_bytes().split(|b| *b == b'\n').next().unwrap_or_default();
            self.read_search(WarningLocation::LocalDomain, words(first_line));
        }
        if self.search.is_none() {
            let domain = self.environment.host_name().and_then(|name| name.split_once('.'));
            if let Some((_, domain)) = domain.filter(|(_, domain)| !domain.is_empty()) {
                self.read_search(WarningLocation::HostName, [domain.as_bytes()].into_iter());
            }
        }
        if let Some(options) = self.environment.res_options() {
            self.read_options(WarningLocation::ResOptions, words(options.as_bytes()));
        }
        if !self.servers.is_empty() {
            self.config.servers =
                self.servers.into_iter().map(|server| server.with_port(Config::PORT)).collect();
        }
        self.config.search = self.search.unwrap_or_default();
        Parsed { value: self.config, warnings: self.warnings }
    }
}

/// Whether a word looks like the beginning of a comment. It is one at the beginning of a line, and
/// after the last value of a line.
fn is_comment(word: &[u8]) -> bool {
    matches!(word.first(), Some(b'#' | b';'))
}

#[cfg(test)]
mod tests;
