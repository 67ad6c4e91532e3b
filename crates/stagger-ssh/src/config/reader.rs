//! The passes over the files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use stagger::resolve::Families;

use super::error::{Place, place, shown};
use super::file::Which;
use super::glob::glob;
use super::keyword::{Keyword, Kind, kind};
use super::options::{Canonicalize, Jump, Line, Options, Text};
use super::request::Names;
use super::{
    ConfigError, Environment, Facts, Files, Question, Reading, Release, Request, address, pattern,
    token, value, word,
};

/// The most levels of `Include` (`READCONF_MAX_DEPTH`).
const MAX_DEPTH: usize = 16;

/// The most included files of a pass: 1,000. The bound is ours.
const MAX_INCLUDED: usize = 1000;

/// The most bytes that a pass reads, a file as often as it is included: 4 MiB. The bound is ours.
const MAX_READ: usize = 4 << 20;

/// The most bytes of a line: 64 KiB. The bound is ours.
const MAX_LINE: usize = 64 * 1024;

/// From this release on, an `Include` may have tokens and variables.
const INCLUDE_TOKENS: Release = Release(9, 9);

/// Why the reader stops.
pub(super) enum Stop {
    Error(ConfigError),
    Ask(Question),
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::Error(error)
    }
}

/// Reads the configuration of a destination. It does no input and output but by `files`.
///
/// The result depends on the arguments alone. A question must be answered before it goes on: add
/// the answer to the facts and read again. Each question asks for a new fact, so this ends.
///
/// # Errors
///
/// The configuration has a fault: see [`ConfigError`]. A fault is an error in each block, also in
/// one for other hosts, because it is for ssh(1).
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::{ConfigFiles, Environment, Facts, MemoryFiles, ProxyConfig, Request};
/// use stagger_ssh::config::read;
///
/// let text = "\
/// Host db
///   HostName %h.internal
///   ProxyJump joe@gateway
/// Host *
///   User admin
/// ";
/// let files = MemoryFiles::new().with_file("/lab/config", text);
/// let request = Request::new("db".parse()?).with_files(ConfigFiles::file("/lab/config"));
/// let environment = Environment::new("joe", "/home/joe");
/// let config = read(&request, &files, &environment, &Facts::new())?.done().unwrap();
/// assert_eq!((config.host_name(), config.port(), config.user()), ("db.internal", 22, "admin"));
/// assert_eq!(*config.proxy(), ProxyConfig::Jump(vec!["joe@gateway".parse()?]));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn read(
    request: &Request,
    files: &dyn Files,
    environment: &Environment,
    facts: &Facts,
) -> Result<Reading, ConfigError> {
    let mut reader = Reader {
        request,
        files,
        environment,
        facts,
        options: Options::default(),
        host: request.destination().host().to_owned(),
        is_final: false,
        wants_final: false,
        included: 0,
        read: 0,
        services: RefCell::default(),
    };
    match reader.run() {
        Ok(()) => reader.finish().map(|config| Reading::Done(Box::new(config))),
        Err(Stop::Error(error)) => Err(error),
        Err(Stop::Ask(question)) => Ok(Reading::Asks(question)),
    }
}

pub(super) struct Reader<'a> {
    pub(super) request: &'a Request,
    files: &'a dyn Files,
    pub(super) environment: &'a Environment,
    pub(super) facts: &'a Facts,
    pub(super) options: Options,
    /// What `Host` is compared with: the destination's host, and in the second pass its name.
    pub(super) host: String,
    pub(super) is_final: bool,
    pub(super) wants_final: bool,
    included: usize,
    read: usize,
    services: RefCell<Option<BTreeMap<Vec<u8>, u16>>>,
}

/// How the lines of a file are read.
#[derive(Clone, Copy)]
struct Mode {
    /// A file of the user, not of the system.
    is_user: bool,
    /// The owner and the permissions are checked.
    is_checked: bool,
    /// A block that does not apply includes the file.
    never: bool,
    depth: usize,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        let destination = self.request.destination();
        let text = |text: &str| Text { text: text.to_owned(), place: None };
        self.options.user = destination.user().map(text);
        self.options.port = destination.port();
        match self.request.jumps() {
            Some([]) => self.options.jump = Some(Jump::None),
            Some(jumps) => {
                let hops = jumps.iter().map(ToString::to_string).collect();
                self.options.jump = Some(Jump::Through { hops, place: None });
            }
            None => {}
        }
        if self.request.jumps().is_some() {
            self.options.proxy_command = Some(text("none"));
        }
        self.pass()?;
        let canonicalize = *self.options.canonicalize.get_or_insert(Canonicalize::No);
        self.options.max_dots.get_or_insert(1);
        self.options.fallback_local.get_or_insert(true);
        self.host = self.host_so_far().map_err(|why| self.host_name_fault(why))?;
        self.canonicalize()?;
        if canonicalize != Canonicalize::No || self.wants_final {
            let place = self.options.host_name.take().and_then(|name| name.place);
            self.options.host_name = Some(Text { text: self.host.clone(), place });
            self.is_final = true;
            self.pass()?;
        }
        Ok(())
    }

    fn pass(&mut self) -> Result<(), Stop> {
        (self.included, self.read) = (0, 0);
        let mode = Mode { is_user: true, is_checked: false, never: false, depth: 0 };
        match &self.request.files().0 {
            Which::None => {}
            Which::One(path) => self.file(path, mode, &mut true)?,
            Which::Usual => {
                let user = self.environment.home().join(".ssh/config");
                self.usual(&user, Mode { is_checked: true, ..mode })?;
                self.usual(Path::new("/etc/ssh/ssh_config"), Mode { is_user: false, ..mode })?;
            }
        }
        Ok(())
    }

    /// Reads a file that need not be there. As in OpenSSH, it need not be readable either.
    fn usual(&mut self, path: &Path, mode: Mode) -> Result<(), Stop> {
        match self.files.read(path, mode.is_checked).map_err(|error| error.kind()) {
            Err(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => Ok(()),
            _ => self.file(path, mode, &mut true),
        }
    }

    fn file(&mut self, path: &Path, mode: Mode, active: &mut bool) -> Result<(), Stop> {
        let whole = place(path, 0);
        let fail = |text: String| ConfigError::new(Some(&whole), text);
        let contents = self.files.read(path, mode.is_checked).map_err(|error| {
            let text = match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            };
            fail(format!("the file cannot be read: {}", stagger::text::Escaped(&text)))
        })?;
        self.read = self.read.saturating_add(contents.len());
        if self.read > MAX_READ {
            return Err(fail("the files have more than 4 MiB together".to_owned()).into());
        }
        let mut here = whole.clone();
        for line in contents.split(|byte| *byte == b'\n') {
            here.line += 1;
            if line.len() > MAX_LINE {
                let text = "the line has more than 64 KiB";
                return Err(ConfigError::new(Some(&here), text).into());
            }
            self.line(line, &here, mode, active)?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        line: &[u8],
        place: &Place,
        mode: Mode,
        active: &mut bool,
    ) -> Result<(), Stop> {
        let fail = |text: String| Stop::Error(ConfigError::new(Some(place), text));
        // As in OpenSSH, a byte 0 ends a line, and so does a quote in a keyword that is not closed.
        let end = line.iter().position(|byte| *byte == 0).unwrap_or(line.len());
        let mut rest = Some(word::trim_end(&line[..end]));
        let Some(mut keyword) = word::delimited(&mut rest) else { return Ok(()) };
        if keyword.is_empty() {
            keyword = word::delimited(&mut rest).unwrap_or_default();
        }
        if keyword.is_empty() || keyword.starts_with(b"#") {
            return Ok(());
        }
        let rest = word::trim_start(rest.unwrap_or_default(), b"");
        if rest.is_empty() {
            return Err(fail(format!("{} has no value", shown(&keyword))));
        }
        let found = kind(&keyword);
        if let Kind::Unknown = found {
            let ignored = self.options.ignore_unknown.as_ref();
            let lower = keyword.to_ascii_lowercase();
            let is_ignored = ignored
                .is_some_and(|list| pattern::is_list_match(list.text.as_bytes(), &lower, true));
            if !is_ignored {
                let keyword = shown(&keyword);
                let text = format!("{keyword} is no keyword; IgnoreUnknown can pass it over");
                return Err(fail(text));
            }
        }
        let arguments = word::arguments(rest);
        let arguments = arguments.ok_or_else(|| fail("a quote is not closed".to_owned()))?;
        let (keyword, name) = match found {
            Kind::Read(keyword, name) => (keyword, name),
            Kind::Passed(name) => {
                if *active {
                    self.options.note(place, name);
                }
                return Ok(());
            }
            Kind::Unknown => {
                if *active {
                    self.options.note(place, &keyword);
                }
                return Ok(());
            }
        };
        match keyword {
            Keyword::Host => *active = self.is_host(&arguments, mode.never).map_err(fail)?,
            Keyword::Match => {
                let holds = self.criteria(rest, arguments, place, mode.never)?;
                *active = holds && !mode.never;
            }
            Keyword::Include => self.include(&arguments, place, mode, *active)?,
            _ => {
                let (is_active, is_user) = (*active, mode.is_user);
                let line = Line { keyword, rest, arguments, place, is_active, is_user };
                let (environment, services) = (self.environment, &self.services);
                let files = self.files;
                let service = |name: &[u8]| service(name, files, services);
                let result = self.options.set(line, environment, &service);
                result.map_err(|why| fail(format!("{name} {why}")))?;
            }
        }
        Ok(())
    }

    fn is_host(&self, patterns: &[Vec<u8>], never: bool) -> Result<bool, String> {
        let mut is_match = false;
        for pattern in patterns {
            if pattern.is_empty() {
                return Err("Host has an empty pattern".to_owned());
            }
            if never {
                break;
            }
            match pattern.strip_prefix(b"!") {
                Some(pattern) if pattern::is_match(pattern, self.host.as_bytes()) => {
                    return Ok(false);
                }
                Some(_) => {}
                None => is_match |= pattern::is_match(pattern, self.host.as_bytes()),
            }
        }
        Ok(is_match)
    }

    fn include(
        &mut self,
        patterns: &[Vec<u8>],
        place: &Place,
        mode: Mode,
        active: bool,
    ) -> Result<(), Stop> {
        let fail = |text: String| Stop::Error(ConfigError::new(Some(place), text));
        for pattern in patterns {
            if pattern.is_empty() {
                return Err(fail("Include has an empty file name".to_owned()));
            }
            let mut pattern = pattern.clone();
            if self.environment.release() >= INCLUDE_TOKENS {
                if let Ok(text) = std::str::from_utf8(&pattern) {
                    let host = self.host_so_far().map_err(|why| self.host_name_fault(why))?;
                    let alias = self.options.host_key_alias.as_ref();
                    let alias = alias.map_or(&*host, |alias| &alias.text);
                    let (user, port) = (self.user_so_far(), self.port_so_far());
                    let tokens = |token| self.token(token, &host, &user, port, alias);
                    let text = token::percent_dollar(text, &tokens, self.environment);
                    let text = text.map_err(|why| fail(format!("Include has a fault: {why}")))?;
                    pattern = text.into_bytes();
                }
            }
            if pattern.starts_with(b"~") && !mode.is_user {
                let text = "Include begins with \"~\", which a file of the system must not have";
                return Err(fail(text.to_owned()));
            }
            if !pattern.starts_with(b"/") && !pattern.starts_with(b"~") {
                let folder: &[u8] = if mode.is_user { b"~/.ssh/" } else { b"/etc/ssh/" };
                pattern = [folder, &pattern].concat();
            }
            let pattern = self.with_home(pattern);
            let found = glob(&pattern, self.files);
            let found = found.map_err(|()| {
                fail(format!("Include {} is compared with too many names", shown(&pattern)))
            })?;
            for path in found {
                self.included += 1;
                if self.included > MAX_INCLUDED {
                    let text = format!("Include reads more than {MAX_INCLUDED} files");
                    return Err(fail(text));
                }
                if mode.depth == MAX_DEPTH {
                    let text = format!(
                        "Include has more than {MAX_DEPTH} levels; does a file \
                                        include itself?"
                    );
                    return Err(fail(text));
                }
                let depth = mode.depth + 1;
                let never = mode.never || !active;
                let inner = Mode { is_checked: true, never, depth, ..mode };
                self.file(&path, inner, &mut active.clone())?;
            }
        }
        Ok(())
    }

    /// Replaces `~` and `~user` in a file name of an `Include`.
    fn with_home(&self, pattern: Vec<u8>) -> Vec<u8> {
        use std::os::unix::ffi::OsStrExt as _;

        let Some(rest) = pattern.strip_prefix(b"~") else { return pattern };
        let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (user, rest) = rest.split_at(end);
        let home = match std::str::from_utf8(user) {
            Ok("") => Some(self.environment.include_home().to_owned()),
            Ok(user) => self.files.home(user),
            Err(_) => None,
        };
        match home {
            Some(home) => [home.as_os_str().as_bytes(), rest].concat(),
            None => pattern,
        }
    }

    /// The host's name, as far as it is known.
    pub(super) fn host_so_far(&self) -> Result<String, String> {
        match &self.options.host_name {
            Some(name) if self.is_final => Ok(name.text.clone()),
            Some(name) => {
                token::percent(&name.text, &|token| (token == 'h').then(|| self.host.clone()))
            }
            None => Ok(self.host.clone()),
        }
    }

    pub(super) fn host_name_fault(&self, why: String) -> ConfigError {
        let place = self.options.host_name.as_ref().and_then(|name| name.place.as_ref());
        ConfigError::new(place, format!("HostName has a fault: {why}"))
    }

    pub(super) fn user_so_far(&self) -> String {
        let user = self.options.user.as_ref().map_or(self.environment.user(), |user| &user.text);
        user.to_owned()
    }

    pub(super) fn port_so_far(&self) -> u16 {
        self.options.port.unwrap_or(22)
    }

    pub(super) fn service(&self, name: &[u8]) -> Option<u16> {
        service(name, self.files, &self.services)
    }

    /// The home directory of a user, for `~user`.
    pub(super) fn home_of(&self, user: &str) -> Option<PathBuf> {
        match user {
            "" => Some(self.environment.home().to_owned()),
            user => self.files.home(user),
        }
    }

    /// Replaces the host's name by its canonical one.
    fn canonicalize(&mut self) -> Result<(), Stop> {
        let families = self.options.families.unwrap_or_default();
        if let Some(text) = address::canonical(&self.host, families) {
            if !text.eq_ignore_ascii_case(&self.host) {
                self.host = text;
            }
            return Ok(());
        }
        if address::looks_like_address(&self.host) {
            return Ok(());
        }
        self.host.make_ascii_lowercase();
        let canonicalize = self.options.canonicalize.unwrap_or(Canonicalize::No);
        let is_direct = self.options.is_direct(self.environment);
        let follows = match canonicalize {
            Canonicalize::No => false,
            Canonicalize::Yes => is_direct,
            Canonicalize::Always => true,
        };
        if !follows {
            return Ok(());
        }
        let dots = self.host.bytes().filter(|byte| *byte == b'.').count();
        let max_dots = self.options.max_dots.unwrap_or(1);
        let is_rooted = self.host.ends_with('.');
        let names = if is_rooted {
            Some(vec![self.host.clone()])
        } else if u32::try_from(dots).is_ok_and(|dots| dots <= max_dots) {
            let domains = self.options.canonical_domains.iter();
            let domains = domains.take_while(|domain| !domain.eq_ignore_ascii_case("none"));
            Some(domains.map(|domain| format!("{}.{domain}.", self.host)).collect())
        } else {
            None
        };
        if let Some(names) = names {
            if let Some((name, canonical)) = self.resolve(&names, families)? {
                self.host = name.strip_suffix('.').unwrap_or(&name).to_owned();
                self.follow(&canonical);
                return Ok(());
            }
            if self.options.fallback_local == Some(false) {
                let host = shown(&self.host);
                let text = format!(
                    "{host} exists in no domain of CanonicalDomains, and CanonicalizeFallbackLocal \
                     is no"
                );
                return Err(ConfigError::new(None, text).into());
            }
        }
        if !self.options.cname_rules().is_empty() {
            match self.resolve(std::slice::from_ref(&self.host), families)? {
                Some((_, canonical)) => self.follow(&canonical),
                None if is_direct => {
                    let text = format!("the host name {} does not exist", shown(&self.host));
                    return Err(ConfigError::new(None, text).into());
                }
                None => {}
            }
        }
        Ok(())
    }

    /// The first name that exists, and its canonical name.
    fn resolve(
        &self,
        names: &[String],
        families: Families,
    ) -> Result<Option<(String, String)>, Stop> {
        for (at, name) in names.iter().enumerate() {
            match self.facts.name(name) {
                Some(Some(canonical)) => return Ok(Some((name.clone(), canonical.to_owned()))),
                Some(None) => {}
                None => {
                    let names = names[at..].to_vec();
                    return Err(Stop::Ask(Question::Resolve(Names { names, families })));
                }
            }
        }
        Ok(None)
    }

    /// Follows an alias of the DNS, if a rule of `CanonicalizePermittedCNAMEs` permits it.
    fn follow(&mut self, canonical: &str) {
        let mut canonical = canonical.to_ascii_lowercase();
        if !crate::destination::is_domain(&canonical) || canonical == self.host {
            return;
        }
        if canonical.ends_with('.') {
            canonical.pop();
        }
        let is_permitted = |(from, to): &(String, String)| {
            pattern::is_list_match(from.as_bytes(), self.host.as_bytes(), true)
                && pattern::is_list_match(to.as_bytes(), canonical.as_bytes(), true)
        };
        if self.options.cname_rules().iter().any(is_permitted) {
            self.host = canonical;
        }
    }
}

/// The port of a service by `/etc/services`, for TCP.
fn service(
    name: &[u8],
    files: &dyn Files,
    known: &RefCell<Option<BTreeMap<Vec<u8>, u16>>>,
) -> Option<u16> {
    let mut known = known.borrow_mut();
    let known = known.get_or_insert_with(|| {
        let contents = files.read(Path::new("/etc/services"), false).unwrap_or_default();
        let mut ports = BTreeMap::new();
        for line in contents.split(|byte| *byte == b'\n') {
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let words: Vec<&[u8]> = words.collect();
            let [name, port, aliases @ ..] = &words[..] else { continue };
            let Some(port) = port.strip_suffix(b"/tcp").and_then(value::port) else { continue };
            for name in [name].into_iter().chain(aliases) {
                ports.entry(name.to_vec()).or_insert(port);
            }
        }
        ports
    });
    known.get(name).copied()
}
