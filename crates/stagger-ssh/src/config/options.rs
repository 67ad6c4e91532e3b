//! The values of keywords. The first value of a keyword wins.
//!
//! The file has more than 400 lines because each keyword has its rule here, side by side.

use stagger::resolve::Families;

use super::error::{Note, Place, bare, shown};
use super::keyword::Keyword;
use super::{ControlPersist, Environment, StrictHostKeyChecking, token, value, word};
use crate::destination::{is_domain, parse_hop};

/// A text whose tokens are replaced when all files are read.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) place: Option<Place>,
}

/// `ProxyJump`.
pub(super) enum Jump {
    None,
    Through {
        /// The hops as they are written, the first one first.
        hops: Vec<String>,
        place: Option<Place>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Canonicalize {
    No,
    Yes,
    Always,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlMaster {
    No,
    Yes,
    Auto,
    Ask,
    AutoAsk,
}

/// The most entries of `IdentityFile` and `CertificateFile` (`SSH_MAX_IDENTITY_FILES`).
const MAX_IDENTITIES: usize = 100;

/// The most entries of `UserKnownHostsFile` and `GlobalKnownHostsFile` (`SSH_MAX_HOSTS_FILES`), and
/// of `CanonicalDomains` and `CanonicalizePermittedCNAMEs` (`MAX_CANON_DOMAINS`).
const MAX_LIST: usize = 32;

/// The most notes that are kept. The bound is ours.
const MAX_NOTES: usize = 1000;

#[derive(Default)]
pub(super) struct Options {
    pub(super) host_name: Option<Text>,
    pub(super) user: Option<Text>,
    pub(super) port: Option<u16>,
    pub(super) families: Option<Families>,
    pub(super) bind_address: Option<Text>,
    pub(super) bind_interface: Option<Text>,
    pub(super) connect_timeout: Option<u32>,
    pub(super) connection_attempts: Option<(u32, Option<Place>)>,
    pub(super) host_key_alias: Option<Text>,
    pub(super) proxy_command: Option<Text>,
    pub(super) jump: Option<Jump>,
    pub(super) proxy_use_fdpass: Option<bool>,
    pub(super) canonicalize: Option<Canonicalize>,
    pub(super) max_dots: Option<u32>,
    pub(super) fallback_local: Option<bool>,
    pub(super) canonical_domains: Vec<String>,
    pub(super) permitted_cnames: Vec<(String, String)>,
    pub(super) strict: Option<StrictHostKeyChecking>,
    pub(super) identities_only: Option<bool>,
    pub(super) identity_agent: Option<Text>,
    /// With whether a file of the user names it.
    pub(super) identity_files: Vec<(Text, bool)>,
    pub(super) certificate_files: Vec<(Text, bool)>,
    pub(super) user_known_hosts: Vec<Text>,
    pub(super) global_known_hosts: Vec<Text>,
    pub(super) control_path: Option<Text>,
    pub(super) control_master: Option<ControlMaster>,
    pub(super) control_persist: Option<ControlPersist>,
    pub(super) ignore_unknown: Option<Text>,
    pub(super) tag: Option<Text>,
    pub(super) notes: Vec<Note>,
}

/// A line in front of a reader.
pub(super) struct Line<'a> {
    pub(super) keyword: Keyword,
    /// All after the keyword.
    pub(super) rest: &'a [u8],
    pub(super) arguments: Vec<Vec<u8>>,
    pub(super) place: &'a Place,
    pub(super) is_active: bool,
    /// Whether the line is in a file of the user.
    pub(super) is_user: bool,
}

impl Options {
    pub(super) fn note(&mut self, place: &Place, keyword: impl AsRef<[u8]>) {
        let note = Note { place: place.clone(), keyword: bare(keyword) };
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Takes the value of a line, if its block applies and the keyword has no value yet. A wrong
    /// value is an error in each block, as in OpenSSH.
    pub(super) fn set(
        &mut self,
        line: Line<'_>,
        environment: &Environment,
        service: &dyn Fn(&[u8]) -> Option<u16>,
    ) -> Result<(), String> {
        let active = line.is_active;
        match line.keyword {
            Keyword::ProxyCommand => {
                let text = utf8(word::trim_start(line.rest, b"="))?;
                if active {
                    let place = Some(line.place.clone());
                    self.proxy_command.get_or_insert(Text { text, place });
                }
                return Ok(());
            }
            Keyword::ProxyJump => return self.set_jump(&line, service),
            Keyword::UserKnownHostsFile => {
                return list(&mut self.user_known_hosts, &line);
            }
            Keyword::GlobalKnownHostsFile => {
                return list(&mut self.global_known_hosts, &line);
            }
            Keyword::CanonicalDomains => return self.set_domains(&line),
            Keyword::CanonicalizePermittedCNAMEs => return self.set_cnames(&line),
            _ => {}
        }

        let argument = match &line.arguments[..] {
            [] => return Err("has no value".to_owned()),
            [first, ..] if first.is_empty() => return Err("has an empty value".to_owned()),
            [first] => first.as_slice(),
            [_, second, ..] => return Err(format!("has a second value {}", shown(second))),
        };
        let wrong = |kind: &str| format!("{} is {kind}", shown(argument));
        let flag = || value::named(argument, &value::FLAGS).ok_or_else(|| wrong("not yes or no"));
        let number = || value::integer(argument).ok_or_else(|| wrong("no number"));
        match line.keyword {
            Keyword::HostName => first_text(&mut self.host_name, &line, argument)?,
            Keyword::User => first_text(&mut self.user, &line, argument)?,
            Keyword::BindAddress => first_text(&mut self.bind_address, &line, argument)?,
            Keyword::BindInterface => first_text(&mut self.bind_interface, &line, argument)?,
            Keyword::HostKeyAlias => first_text(&mut self.host_key_alias, &line, argument)?,
            Keyword::ControlPath => first_text(&mut self.control_path, &line, argument)?,
            Keyword::IgnoreUnknown => first_text(&mut self.ignore_unknown, &line, argument)?,
            Keyword::Tag => first_text(&mut self.tag, &line, argument)?,
            Keyword::IdentityAgent => {
                let text = utf8(argument)?;
                token::dollar(&text, environment).map_err(|why| format!("has a fault: {why}"))?;
                let legacy = text.strip_prefix('$').filter(|name| !name.starts_with('{'));
                let is_name = |name: &str| {
                    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                };
                if legacy.is_some_and(|name| !is_name(name)) {
                    return Err(wrong("no name of an environment variable"));
                }
                first_text(&mut self.identity_agent, &line, argument)?;
            }
            Keyword::Port => {
                let port = value::port(argument).or_else(|| service(argument));
                let port = port.filter(|port| *port > 0);
                let port = port.ok_or_else(|| wrong("no port from 1 to 65535"))?;
                first(&mut self.port, active, port);
            }
            Keyword::AddressFamily => {
                let table =
                    [("any", Families::Any), ("inet", Families::Ipv4), ("inet6", Families::Ipv6)];
                let families = value::named(argument, &table);
                let families = families.ok_or_else(|| wrong("not any, inet or inet6"))?;
                first(&mut self.families, active, families);
            }
            Keyword::ConnectTimeout => {
                // No time leaves the keyword without a value, so a later line may set it.
                if argument != b"none" {
                    let seconds = value::seconds(argument);
                    let seconds = seconds.ok_or_else(|| wrong("no time such as 30 or 1m30"))?;
                    first(&mut self.connect_timeout, active, seconds);
                }
            }
            Keyword::ConnectionAttempts => {
                let attempts = (number()?, Some(line.place.clone()));
                first(&mut self.connection_attempts, active, attempts);
            }
            Keyword::CanonicalizeMaxDots => first(&mut self.max_dots, active, number()?),
            Keyword::CanonicalizeFallbackLocal => {
                first(&mut self.fallback_local, active, flag()?);
            }
            Keyword::CanonicalizeHostname => {
                let table = [
                    ("yes", Canonicalize::Yes),
                    ("true", Canonicalize::Yes),
                    ("no", Canonicalize::No),
                    ("false", Canonicalize::No),
                    ("always", Canonicalize::Always),
                ];
                let value = value::named(argument, &table);
                let value = value.ok_or_else(|| wrong("not yes, no or always"))?;
                first(&mut self.canonicalize, active, value);
            }
            Keyword::IdentitiesOnly => first(&mut self.identities_only, active, flag()?),
            Keyword::ProxyUseFdpass => first(&mut self.proxy_use_fdpass, active, flag()?),
            Keyword::StrictHostKeyChecking => {
                let table = [
                    ("yes", StrictHostKeyChecking::Yes),
                    ("true", StrictHostKeyChecking::Yes),
                    ("no", StrictHostKeyChecking::No),
                    ("false", StrictHostKeyChecking::No),
                    ("off", StrictHostKeyChecking::No),
                    ("ask", StrictHostKeyChecking::Ask),
                    ("accept-new", StrictHostKeyChecking::AcceptNew),
                ];
                let value = value::named(argument, &table);
                let value = value.ok_or_else(|| wrong("not yes, no, ask or accept-new"))?;
                first(&mut self.strict, active, value);
            }
            Keyword::ControlMaster => {
                let table = [
                    ("yes", ControlMaster::Yes),
                    ("true", ControlMaster::Yes),
                    ("no", ControlMaster::No),
                    ("false", ControlMaster::No),
                    ("auto", ControlMaster::Auto),
                    ("ask", ControlMaster::Ask),
                    ("autoask", ControlMaster::AutoAsk),
                ];
                let value = value::named(argument, &table);
                let value = value.ok_or_else(|| wrong("not yes, no, ask, auto or autoask"))?;
                first(&mut self.control_master, active, value);
            }
            Keyword::ControlPersist => {
                // The case matters here, unlike elsewhere.
                let persist = match argument {
                    b"no" | b"false" => ControlPersist::No,
                    b"yes" | b"true" => ControlPersist::Forever,
                    time => match value::seconds(time) {
                        Some(0) => ControlPersist::Forever,
                        Some(seconds) => ControlPersist::for_seconds(seconds),
                        None => return Err(wrong("not yes, no or a time such as 1m30")),
                    },
                };
                first(&mut self.control_persist, active, persist);
            }
            Keyword::IdentityFile => add_identity(&mut self.identity_files, &line, argument)?,
            Keyword::CertificateFile => {
                add_identity(&mut self.certificate_files, &line, argument)?;
            }
            Keyword::RefuseConnection => {
                if active {
                    let text = bare(argument);
                    return Err(format!("refuses a connection to this host: {text}"));
                }
            }
            Keyword::Host
            | Keyword::Match
            | Keyword::Include
            | Keyword::ProxyCommand
            | Keyword::ProxyJump
            | Keyword::UserKnownHostsFile
            | Keyword::GlobalKnownHostsFile
            | Keyword::CanonicalDomains
            | Keyword::CanonicalizePermittedCNAMEs => unreachable!("it is read elsewhere"),
        }
        Ok(())
    }

    fn set_jump(
        &mut self,
        line: &Line<'_>,
        service: &dyn Fn(&[u8]) -> Option<u16>,
    ) -> Result<(), String> {
        let text = utf8(word::trim_start(line.rest, b"="))?;
        let is_none = text.eq_ignore_ascii_case("none");
        // `none` competes with another `ProxyJump` alone. Releases before 10.3 let it compete with
        // `ProxyCommand` as well, unless a distribution has changed that.
        let is_open = self.jump.is_none() && (is_none || self.proxy_command.is_none());
        let is_active = line.is_active && is_open;
        if is_none {
            if is_active {
                self.jump = Some(Jump::None);
            }
            return Ok(());
        }
        // As in OpenSSH, the value ends at a comment or at a blank.
        let end = text.find('#').unwrap_or(text.len());
        let blank = |(at, c): (usize, char)| (at > 0 && c.is_ascii_whitespace()).then_some(at);
        let end = text[..end].char_indices().find_map(blank).unwrap_or(end);
        let hops: Vec<String> = text[..end].split(',').map(str::to_owned).collect();
        for hop in hops.iter().rev() {
            if parse_hop(hop, service).is_none() {
                return Err(format!("{} is no [user@]host[:port] and no ssh:// URI", shown(hop)));
            }
        }
        if is_active {
            self.jump = Some(Jump::Through { hops, place: Some(line.place.clone()) });
            let none = Text { text: "none".to_owned(), place: None };
            self.proxy_command.get_or_insert(none);
        }
        Ok(())
    }

    fn set_domains(&mut self, line: &Line<'_>) -> Result<(), String> {
        let mut domains = Vec::new();
        for argument in &line.arguments {
            check_none(line, argument)?;
            let mut domain = utf8(argument)?.to_ascii_lowercase();
            if !is_domain(&domain) {
                return Err(format!("{} is no domain", shown(argument)));
            }
            if domain.ends_with('.') {
                domain.pop();
            }
            domains.push(domain);
        }
        if line.is_active && self.canonical_domains.is_empty() {
            check_length(domains.len())?;
            self.canonical_domains = domains;
        }
        Ok(())
    }

    fn set_cnames(&mut self, line: &Line<'_>) -> Result<(), String> {
        let mut cnames = Vec::new();
        for argument in &line.arguments {
            let text = utf8(argument)?;
            cnames.push(if text.eq_ignore_ascii_case("none") {
                check_none(line, argument)?;
                (text, String::new())
            } else if text == "*" {
                (text.clone(), text)
            } else {
                match text.to_ascii_lowercase().split_once(':') {
                    Some((from, to)) if !to.is_empty() => (from.to_owned(), to.to_owned()),
                    _ => return Err(format!("{} is not of the form from:to", shown(argument))),
                }
            });
        }
        if line.is_active && self.permitted_cnames.is_empty() {
            check_length(cnames.len())?;
            self.permitted_cnames = cnames;
        }
        Ok(())
    }

    /// The rules of `CanonicalizePermittedCNAMEs`.
    pub(super) fn cname_rules(&self) -> &[(String, String)] {
        match &self.permitted_cnames[..] {
            [(from, to)] if to.is_empty() && from.eq_ignore_ascii_case("none") => &[],
            rules => rules,
        }
    }

    /// Whether neither a command nor a jump host is in the way.
    pub(super) fn is_direct(&self, environment: &Environment) -> bool {
        let has_command = self.proxy_command.as_ref();
        has_command.is_none_or(|command| command.text.eq_ignore_ascii_case("none"))
            && match self.jump {
                None => true,
                Some(Jump::None) => environment.release() >= super::JUMP_NONE_IS_DIRECT,
                Some(Jump::Through { .. }) => false,
            }
    }
}

/// The form of a jump host in `ssh -G`: a host of digits and dots, or with a colon, has brackets.
pub(super) fn bracketed(host: &str) -> String {
    let is_number = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if host.contains(':') || is_number { format!("[{host}]") } else { host.to_owned() }
}

fn first<T>(slot: &mut Option<T>, is_active: bool, value: T) {
    if is_active {
        slot.get_or_insert(value);
    }
}

fn first_text(slot: &mut Option<Text>, line: &Line<'_>, argument: &[u8]) -> Result<(), String> {
    if line.is_active && slot.is_none() {
        *slot = Some(Text { text: utf8(argument)?, place: Some(line.place.clone()) });
    }
    Ok(())
}

fn add_identity(
    files: &mut Vec<(Text, bool)>,
    line: &Line<'_>,
    argument: &[u8],
) -> Result<(), String> {
    if !line.is_active {
        return Ok(());
    }
    if files.len() >= MAX_IDENTITIES {
        return Err(format!("comes more than {MAX_IDENTITIES} times"));
    }
    let text = utf8(argument)?;
    let is_same = |(file, is_user): &(Text, bool)| file.text == text && *is_user == line.is_user;
    if !files.iter().any(is_same) {
        files.push((Text { text, place: Some(line.place.clone()) }, line.is_user));
    }
    Ok(())
}

fn list(files: &mut Vec<Text>, line: &Line<'_>) -> Result<(), String> {
    let mut values = Vec::new();
    for argument in &line.arguments {
        if argument.is_empty() {
            return Err("has an empty value".to_owned());
        }
        check_none(line, argument)?;
        values.push(Text { text: utf8(argument)?, place: Some(line.place.clone()) });
    }
    if line.is_active && files.is_empty() {
        check_length(values.len())?;
        *files = values;
    }
    Ok(())
}

fn check_none(line: &Line<'_>, argument: &[u8]) -> Result<(), String> {
    match argument.eq_ignore_ascii_case(b"none") && line.arguments.len() > 1 {
        true => Err("has \"none\" and another value; \"none\" must be alone".to_owned()),
        false => Ok(()),
    }
}

fn check_length(length: usize) -> Result<(), String> {
    match length > MAX_LIST {
        true => Err(format!("has more than {MAX_LIST} values")),
        false => Ok(()),
    }
}

fn utf8(text: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(text);
    text.map(str::to_owned).map_err(|_| "has a value that is not UTF-8".to_owned())
}
