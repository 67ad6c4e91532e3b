//! The order of addresses on this machine, which is in `gai.conf`.

mod read;

use stagger::sort::Sorter;

use super::warning::Parsed;

/// The order of addresses on a machine with glibc: gai.conf(5).
///
/// The default is the order of `getaddrinfo` without the file ([`Sorter::glibc`]).
///
/// # Examples
///
/// ```
/// use stagger_dns::AddressPolicy;
///
/// let file = b"precedence ::ffff:0:0/96 100 # IPv4 first\n";
/// let policy = AddressPolicy::parse(file).value;
/// let table = policy.sorter().table();
/// assert_eq!(table.row("192.0.2.1".parse()?).precedence, 100);
/// // The line replaces the default rows of its kind. The labels do not change.
/// assert_eq!(table.row("::1".parse()?).precedence, 40);
/// assert_eq!(table.row("::1".parse()?).label, 0);
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPolicy {
    sorter: Sorter,
    reload: bool,
}

impl AddressPolicy {
    /// The most lines of each kind (`precedence`, `label`, `scopev4`) that are kept: 1024.
    ///
    /// The bound is ours. Usual files have about ten.
    pub const MAX_ROWS: usize = 1024;

    /// The most bytes of a `gai.conf` that a [`WatchedFile`](crate::WatchedFile) reads: 1 MiB.
    ///
    /// The bound is ours. Usual files have a few hundred bytes.
    pub const MAX_BYTES: u64 = 1 << 20;

    /// Reads a `gai.conf` as glibc 2.36 does. Invalid parts are ignored, with a warning.
    ///
    /// - `precedence PREFIX NUMBER` and `label PREFIX NUMBER` add a row to the policy table. The
    ///   first line of a kind replaces the default rows of that kind. A prefix that no line covers
    ///   has precedence 40 and label 1.
    /// - `scopev4 PREFIX NUMBER` adds a row to the scopes of IPv4 addresses, in the same way. An
    ///   address that no line covers has scope 14. The prefix may be written as `192.0.2.0/24` or
    ///   as `::ffff:192.0.2.0/120`.
    /// - `reload yes` and `reload no` are [read](Self::reload) and change nothing.
    ///
    /// Of two lines with one prefix, the first counts. A number is at most 2 147 483 647, and a
    /// missing number is 0. Bits of the address beyond the prefix do not matter. An address without
    /// a length is a prefix of one address. glibc reads uninitialised memory there.
    ///
    /// Any bytes are accepted. The time is proportional to their number. At most
    /// [`MAX_ROWS`](Self::MAX_ROWS) lines of a kind are kept.
    pub fn parse(bytes: &[u8]) -> Parsed<Self> {
        read::read(bytes)
    }

    /// The sorter of this policy.
    pub fn sorter(&self) -> &Sorter {
        &self.sorter
    }

    /// Whether the file has `reload yes`. `getaddrinfo` then reads the file again when it has
    /// changed.
    ///
    /// A [`WatchedFile`](crate::WatchedFile) is read again in any case.
    pub fn reload(&self) -> bool {
        self.reload
    }
}

impl Default for AddressPolicy {
    fn default() -> Self {
        Sorter::glibc().into()
    }
}

/// The policy of a sorter, without a file.
impl From<Sorter> for AddressPolicy {
    fn from(sorter: Sorter) -> Self {
        Self { sorter, reload: false }
    }
}
