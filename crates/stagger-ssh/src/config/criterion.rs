//! The criteria of `Match`.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::error::{Place, shown};
use super::reader::{Reader, Stop};
use super::request::Exec;
use super::{ConfigError, Question, Release, pattern, value, word};

/// From this release on, the words of a `Match` are split like other arguments.
const ARGUMENTS: Release = Release(9, 9);

/// From this release on, `Match !final` asks for no second pass.
const NEGATED_FINAL: Release = Release(10, 1);

/// The words of a `Match`.
enum Words<'a> {
    Old(Option<&'a [u8]>),
    New(VecDeque<Vec<u8>>),
}

impl Words<'_> {
    fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Old(rest) => word::delimited(rest),
            Self::New(words) => words.pop_front(),
        }
    }

    /// Takes the rest of a line away, which is a comment.
    fn end(&mut self) {
        match self {
            Self::Old(rest) => *rest = None,
            Self::New(words) => words.clear(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Old(rest) => rest.is_none_or(<[u8]>::is_empty),
            Self::New(words) => words.is_empty(),
        }
    }
}

impl Reader<'_> {
    /// Whether all criteria of a `Match` hold. `never` is set in a file that an inactive block
    /// includes: no command is asked for there, because its result does not matter.
    pub(super) fn criteria(
        &mut self,
        rest: &[u8],
        arguments: Vec<Vec<u8>>,
        place: &Place,
        never: bool,
    ) -> Result<bool, Stop> {
        let fail = |text: String| Stop::Error(ConfigError::new(Some(place), text));
        let release = self.environment.release();
        let mut words = match release >= ARGUMENTS {
            true => Words::New(arguments.into()),
            false => Words::Old(Some(rest)),
        };
        let host = self.host_so_far().map_err(|why| self.host_name_fault(why))?;
        let (mut holds, mut count) = (true, 0);
        while let Some(word) = words.next() {
            if word.is_empty() && release < ARGUMENTS {
                break;
            }
            if word.starts_with(b"#") {
                words.end();
                break;
            }
            let (negated, name) = match word.strip_prefix(b"!") {
                Some(name) => (true, name),
                None => (false, &word[..]),
            };
            if name.eq_ignore_ascii_case(b"all") {
                let next = words.next();
                let is_comment = next.as_ref().is_some_and(|next| next.starts_with(b"#"));
                if count > 1 || next.is_some_and(|next| !next.is_empty()) && !is_comment {
                    let text = "Match all stands with other criteria; it must be alone, or after \
                                final or canonical";
                    return Err(fail(text.to_owned()));
                }
                if is_comment {
                    words.end();
                }
                count += 1;
                holds &= !negated;
                break;
            }
            count += 1;
            if name.eq_ignore_ascii_case(b"final") || name.eq_ignore_ascii_case(b"canonical") {
                let is_wish = !negated || release < NEGATED_FINAL;
                self.wants_final |= name.eq_ignore_ascii_case(b"final") && is_wish;
                holds &= self.is_final != negated;
                continue;
            }

            const WITH_EQUALS: [&str; 9] = [
                "host",
                "originalhost",
                "user",
                "localuser",
                "localnetwork",
                "version",
                "tagged",
                "command",
                "exec",
            ];
            let equals = name.iter().position(|byte| *byte == b'=');
            let is_known = |name: &[u8]| value::named(name, &WITH_EQUALS.map(|it| (it, ())));
            let split = equals.filter(|at| is_known(&name[..*at]).is_some());
            let (name, argument) = match split {
                Some(at) => (&name[..at], Some(name[at + 1..].to_vec())),
                None => (name, words.next()),
            };
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            let may_be_empty = is("tagged") || is("command");
            let argument = argument.filter(|it| !it.is_empty() || may_be_empty);
            let argument = argument.filter(|it| !it.starts_with(b"#"));
            let Some(argument) = argument else {
                let text = format!("Match {} has no value", super::error::bare(name));
                return Err(fail(text));
            };
            let user = self.user_so_far();
            let or_empty = |text: &str| match text {
                "" => argument.is_empty(),
                _ => pattern::is_list_match(&argument, text.as_bytes(), false),
            };
            let result = if is("host") {
                pattern::is_host_match(&argument, &host)
            } else if is("originalhost") {
                pattern::is_host_match(&argument, self.request.destination().host())
            } else if is("user") {
                pattern::is_list_match(&argument, user.as_bytes(), false)
            } else if is("localuser") {
                let user = self.environment.user();
                pattern::is_list_match(&argument, user.as_bytes(), false)
            } else if is("exec") {
                let result = self.exec(&argument, &host, place, holds && !never)?;
                match result {
                    Some(result) => result,
                    None => continue,
                }
            } else if is("tagged") {
                or_empty(self.options.tag.as_ref().map_or("", |tag| &tag.text))
            } else if is("command") {
                // No command runs at a host that is only passed through.
                or_empty("")
            } else if is("sessiontype") {
                pattern::is_list_match(&argument, b"none", false)
            } else if is("version") {
                let Some(version) = self.environment.version() else {
                    let text = "Match version cannot be decided; give the version to the reader";
                    return Err(fail(text.to_owned()));
                };
                pattern::is_list_match(&argument, version.as_bytes(), false)
            } else if is("localnetwork") {
                let Some(networks) = networks(&argument) else {
                    let text = format!("Match localnetwork {} is no network", shown(&argument));
                    return Err(fail(text));
                };
                let Some(addresses) = self.environment.local_addresses() else {
                    let text = "Match localnetwork cannot be decided; give the addresses of this \
                                machine to the reader";
                    return Err(fail(text.to_owned()));
                };
                is_network_match(&networks, addresses)
            } else {
                let text = format!("Match {} is no criterion", shown(name));
                return Err(fail(text));
            };
            holds &= result != negated;
        }
        if count == 0 {
            return Err(fail("Match has no criterion".to_owned()));
        }
        if !words.is_empty() {
            return Err(fail("Match has an empty criterion".to_owned()));
        }
        Ok(holds)
    }

    /// The result of a command, or `None` if it does not matter.
    fn exec(
        &self,
        argument: &[u8],
        host: &str,
        place: &Place,
        matters: bool,
    ) -> Result<Option<bool>, Stop> {
        let fail = |text: &str| Stop::Error(ConfigError::new(Some(place), text));
        let text = std::str::from_utf8(argument).map_err(|_| fail("Match exec is not UTF-8"))?;
        let alias = self.options.host_key_alias.as_ref().map_or(host, |alias| &alias.text);
        let (port, user) = (self.port_so_far(), self.user_so_far());
        let tokens = |token| self.token(token, host, &user, port, alias);
        let command = super::token::percent(text, &tokens);
        let command = command.map_err(|why| fail(&format!("Match exec has a fault: {why}")))?;
        if !matters {
            return Ok(None);
        }
        match self.facts.exec(&command) {
            Some(result) => Ok(Some(result)),
            None => Err(Stop::Ask(Question::Exec(Exec { command, place: place.clone() }))),
        }
    }
}

/// A network: whether it is negated, its address and the length of its prefix.
type Network = (bool, IpAddr, u8);

/// A list of networks such as `192.0.2.0/24,!192.0.2.7`.
fn networks(list: &[u8]) -> Option<Vec<Network>> {
    let network = |text: &str| {
        let (negated, text) = match text.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(bits);
        // The bits behind the prefix must be zero, as in OpenSSH.
        let is_clean = prefix(address, length) == number(address);
        (length <= bits && is_clean).then_some((negated, address, length))
    };
    std::str::from_utf8(list).ok()?.split(',').map(network).collect()
}

/// An address with its bits at the top.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn prefix(address: IpAddr, length: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0);
    number(address) & mask
}

/// Whether an address is in a network and in no negated one.
fn is_network_match(networks: &[Network], addresses: &[IpAddr]) -> bool {
    addresses.iter().any(|address| {
        let contains = |(_, network, length): &&Network| {
            network.is_ipv4() == address.is_ipv4()
                && prefix(*network, *length) == prefix(*address, *length)
        };
        let mut found = networks.iter().filter(contains).peekable();
        found.peek().is_some() && found.all(|(negated, ..)| !negated)
    })
}
