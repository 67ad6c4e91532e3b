//! The names of the machine itself, which are in `/etc/hosts`.

mod read;

use std::cmp::Ordering;
use std::fmt;
use std::net::SocketAddr;

use stagger::address::Address;
use stagger::resolve::Families;

use super::environment::Environment;
use super::scoped_address::ScopedAddress;
use super::text;
use super::warning::Parsed;

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
    lines: Vec<HostsLine>,
    /// Each name of each line, sorted by name and then in the file's order. A name takes 12 bytes
    /// and its text. A map of strings would take ten times as much.
    entries: Vec<NameEntry>,
    /// Whether there was no file to read.
    is_missing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HostsLine {
    addr: ScopedAddress,
    canonical: TextSpan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NameEntry {
    name: TextSpan,
    line: u32,
}

/// The position of a name in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TextSpan {
    begin: u32,
    len: u8,
}

impl Hosts {
    /// The most pairs of a name and an address that are kept: 4 194 304. The bound is ours.
    ///
    /// The longest lists of blocked hosts have some millions.
    pub const MAX_NAMES: usize = 4 << 20;

    /// The most bytes of a hosts file that a [`WatchedFile`](crate::WatchedFile) reads: 64 MiB.
    ///
    /// The bound is ours. It is more than a million lines.
    pub const MAX_BYTES: u64 = 64 << 20;

    /// The names of a machine without the file: none.
    pub(crate) fn missing() -> Self {
        Self { is_missing: true, ..Self::default() }
    }

    /// Whether there is no file. glibc then treats the source as unavailable, not as a source
    /// without the name (`internal_setent` in `nss/nss_files/files-XXX.c`).
    pub(crate) fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Reads a hosts file. Each line has an address, which may have a zone, and its names. `#`
    /// begins a comment. Invalid parts are ignored, with a warning.
    ///
    /// Any bytes are accepted. The time and the memory are proportional to their number, except for
    /// a sort of the names. At most [`MAX_NAMES`](Self::MAX_NAMES) names are kept.
    ///
    /// Names must be ASCII and not too long for DNS. Underscores and hyphens may be anywhere, and a
    /// trailing dot does not count. A v4-mapped address is the IPv4 address in it.
    ///
    /// In contrast to glibc, a query for IPv4 does not return `::1`, and `127.1` is not an address.
    pub fn parse(bytes: &[u8], environment: &Environment) -> Parsed<Self> {
        read::read(bytes, environment)
    }

    /// Returns the addresses of a name with this port, one for each line that has the name, in the
    /// order of the file. Letter case and a trailing dot do not count.
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

    /// Whether the file has the name, with an address of any family.
    pub fn contains(&self, name: &str) -> bool {
        !self.entries_of(name).is_empty()
    }

    /// Returns the first name of the first line that has this name.
    pub fn canonical_name(&self, name: &str) -> Option<&str> {
        let entry = self.entries_of(name).first()?;
        Some(self.name(self.lines[entry.line as usize].canonical))
    }

    /// How many pairs of a name and an address there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn entries_of(&self, name: &str) -> &[NameEntry] {
        let Some(name) = text::name(name.as_bytes()) else { return &[] };
        let name = name.as_str();
        let begin =
            self.entries.partition_point(|entry| self.name(entry.name).cmp(name) == Ordering::Less);
        let count = self.entries[begin..].partition_point(|entry| self.name(entry.name) == name);
        &self.entries[begin..begin + count]
    }

    fn name(&self, span: TextSpan) -> &str {
        span.of(&self.text)
    }
}

impl TextSpan {
    fn of(self, text: &str) -> &str {
        let begin = self.begin as usize;
        &text[begin..begin + usize::from(self.len)]
    }
}

/// Prints the number of names, because a file may have a million.
impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts").field("len", &self.len()).finish_non_exhaustive()
    }
}
