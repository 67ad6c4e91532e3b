//! The passes over the files.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{Place, place, shown};
use super::file::Which;
use super::keyword::{Keyword, Kind, kind};
use super::options::{Canonicalize, Jump, Line, Options, Text};
use super::service::{Services, service};
use super::{
    ConfigError, Environment, Facts, Files, Question, Reading, Request, pattern, token, word,
};

/// The most bytes that a pass reads, a file as often as it is included: 4 MiB. The bound is ours.
const MAX_READ: usize = 4 << 20;

/// The most bytes of a line: 64 KiB. The bound is ours.
const MAX_LINE: usize = 64 * 1024;

/// The most bytes of the host's name after its tokens are replaced: 1 KiB. The bound is ours, and
/// keeps the comparison with patterns short. A name of the DNS has at most 253 (RFC 1035 §2.3.4).
const MAX_NAME: usize = 1024;

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

/// Reads the configuration of a destination. It does no input and output except through `files`.
///
/// The result depends on the arguments alone. If it returns a question, add the answer to the facts
/// and read again. Each question asks for a new fact, so this ends.
///
/// # Errors
///
/// The configuration has a fault: see [`ConfigError`]. A fault is an error in every block, also in
/// a block for other hosts, because it is an error for ssh(1).
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
        services: Services::default(),
    };
    match reader.run() {
        Ok(()) => reader.finish().map(|config| Reading::Done(Box::new(config))),
        Err(Stop::Error(error)) => Err(error),
        Err(Stop::Ask(question)) => Ok(Reading::Asks(question)),
    }
}

pub(super) struct Reader<'a> {
    pub(super) request: &'a Request,
    pub(super) files: &'a dyn Files,
    pub(super) environment: &'a Environment,
    pub(super) facts: &'a Facts,
    pub(super) options: Options,
    /// What `Host` is compared with: the destination's host, and in the second pass its name.
    pub(super) host: String,
    pub(super) is_final: bool,
    pub(super) wants_final: bool,
    pub(super) included: usize,
    read: usize,
    services: Services,
}

/// How the lines of a file are read.
#[derive(Clone, Copy)]
pub(super) struct Mode {
    /// A file of the user, not of the system.
    pub(super) is_user: bool,
    /// The owner and the permissions are checked.
    pub(super) is_checked: bool,
    /// A block that does not apply includes the file.
    pub(super) never: bool,
    pub(super) depth: usize,
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

    pub(super) fn file(&mut self, path: &Path, mode: Mode, active: &mut bool) -> Result<(), Stop> {
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

    /// The host's name, as far as it is known.
    pub(super) fn host_so_far(&self) -> Result<String, String> {
        match &self.options.host_name {
            Some(name) if self.is_final => Ok(name.text.clone()),
            Some(name) => {
                let tokens = |token| (token == 'h').then(|| self.host.clone());
                match token::percent(&name.text, &tokens)? {
                    name if name.len() > MAX_NAME => Err("it has more than 1 KiB".to_owned()),
                    name => Ok(name),
                }
            }
            None => Ok(self.host.clone()),
        }
    }

    pub(super) fn host_name_fault(&self, why: String) -> ConfigError {
        let place = self.options.host_name.as_ref().and_then(|name| name.place.as_ref());
        ConfigError::new(place, format!("HostName has a fault: {why}"))
    }

    pub(super) fn user_so_far(&self) -> String {
        let user = self.options.user.as_ref().map(|user| &*user.text);
        user.unwrap_or_else(|| self.environment.user()).to_owned()
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
}
