//! Names that the machine knows by itself: what `/etc/hosts` says.

mod read;

use std::cmp::Ordering;
use std::fmt;
use std::net::SocketAddr;

use stagger::address::Address;
use stagger::resolve::Families;

use crate::address::Scoped;
use crate::{Environment, Parsed, line};

/// The most pairs of a name and an address that are kept of a file: 4 194 304. The bound is ours;
/// the longest lists of hosts that are blocked have some millions.
pub const MAX_HOST_NAMES: usize = 4 << 20;

/// The names of a hosts file, as in hosts(5).
///
/// # Examples
///
/// ```
/// use stagger::resolve::Families;
/// use stagger_dns::{Environment, Hosts};
///
/// let file = b"192.0.2.1 www.example.com www # the server\n2001:db8::1 www\n";
/// let hosts = Hosts::parse(file, &Environment::new()).value;
/// let found: Vec<_> = hosts.addresses("WWW", Families::Any, 443).collect();
/// assert_eq!(found, ["192.0.2.1:443".parse()?, "[2001:db8::1]:443".parse()?]);
/// assert_eq!(hosts.canonical_name("www"), Some("www.example.com"));
/// assert_eq!(hosts.addresses("mail", Families::Any, 25).next(), None);
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hosts {
    /// The names of all lines, one after another.
    text: String,
    /// The lines that have an address and a name.
    lines: Vec<Line>,
    /// Each name of each line, sorted by name, and those of one name in the file's order. A name
    /// costs 12 bytes and its text here; a map of strings would cost ten times that.
    entries: Vec<Entry>,
    /// Whether there was no file to read.
    is_missing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    addr: Scoped,
    canonical: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    name: Span,
    line: u32,
}

/// Where a name is in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    begin: u32,
    len: u8,
}

impl Hosts {
    /// What a machine knows that has no such file: no name.
    pub(crate) fn missing() -> Self {
        Self { is_missing: true, ..Self::default() }
    }

    /// Whether there is no such file. To glibc it is then unavailable, and not without the name
    /// (`internal_setent` in `nss/nss_files/files-XXX.c`).
    pub(crate) fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Reads a hosts file: on each line an address, with a zone perhaps, and its names; `#` begins
    /// a comment. What is wrong is passed over and noted.
    ///
    /// It takes any bytes. Time and memory are in proportion to their number (but for a sort of
    /// the names), and no more than [`MAX_HOST_NAMES`] names are kept.
    ///
    /// Names are ASCII, with underscores and hyphens anywhere, and no longer than in DNS; a
    /// trailing dot does not count. A v4-mapped address is the IPv4 address in it. Unlike in
    /// glibc, `::1` is no answer where IPv4 is asked for, and `127.1` no address.
    pub fn parse(bytes: &[u8], environment: &Environment) -> Parsed<Self> {
        read::read(bytes, environment)
    }

    /// The addresses of a name, one of each line that has it, in the file's order and with this port.
    /// Case does not count, nor does a trailing dot.
    pub fn addresses(
        &self,
        name: &str,
        families: Families,
        port: u16,
    ) -> impl Iterator<Item = SocketAddr> {
        let addresses = self.entries_of(name).iter().map(move |entry| {
            let line = self.lines[entry.line as usize];
            line.addr.with_port(port)
        });
        addresses.filter(move |addr| addr.family().is_some_and(|family| families.contains(family)))
    }

    /// Whether the file has the name, with an address of whichever family.
    pub fn contains(&self, name: &str) -> bool {
        !self.entries_of(name).is_empty()
    }

    /// The name that comes first on the first line that has this name.
    pub fn canonical_name(&self, name: &str) -> Option<&str> {
        let entry = self.entries_of(name).first()?;
        Some(self.name(self.lines[entry.line as usize].canonical))
    }

    /// How many pairs of a name and an address there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn entries_of(&self, name: &str) -> &[Entry] {
        let Some(name) = line::name(name.as_bytes()) else { return &[] };
        let name = name.as_str();
        let begin =
            self.entries.partition_point(|entry| self.name(entry.name).cmp(name) == Ordering::Less);
        let count = self.entries[begin..].partition_point(|entry| self.name(entry.name) == name);
        &self.entries[begin..begin + count]
    }

    fn name(&self, span: Span) -> &str {
        span.of(&self.text)
    }
}

impl Span {
    fn of(self, text: &str) -> &str {
        let begin = self.begin as usize;
        &text[begin..begin + usize::from(self.len)]
    }
}

/// Prints how many names there are: a file may have a million.
impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts").field("len", &self.len()).finish_non_exhaustive()
    }
}
