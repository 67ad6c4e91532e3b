//! Which addresses are preferred on this machine: what `gai.conf` says.

mod read;

use stagger::sort::Sorter;

use crate::{Parsed, Watched};

/// The most lines of each of `precedence`, `label` and `scopev4` that are kept of a file: 1024. The
/// bound is ours; honest files have some ten.
pub const MAX_POLICY_ROWS: usize = 1024;

/// The order of addresses on a machine with glibc, as in gai.conf(5).
///
/// The default is the order of `getaddrinfo` without such a file ([`Sorter::glibc`]).
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
/// // No other default row is left, and the labels are as they were.
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
    /// Reads a `gai.conf` as glibc 2.36 does. What is wrong is passed over and noted.
    ///
    /// - `precedence PREFIX NUMBER` and `label PREFIX NUMBER` add a row to the policy table. The
    ///   first line of a kind replaces that kind's default rows. A prefix that no line covers has
    ///   precedence 40 and label 1.
    /// - `scopev4 PREFIX NUMBER` adds a row to the scopes of IPv4 addresses, in the same way. An
    ///   address that no line covers has scope 14. The prefix may be written as `192.0.2.0/24` or as
    ///   `::ffff:192.0.2.0/120`.
    /// - `reload yes` and `reload no` are [read](Self::reload) and change nothing.
    ///
    /// Of two lines with one prefix the first counts. Numbers go up to 2 147 483 647; one that is
    /// missing is 0. Bits of the address beyond the prefix do not matter. An address without a
    /// length stands for itself alone: glibc reads memory there that nobody has set.
    ///
    /// It takes any bytes. Time is in proportion to their number, and at most [`MAX_POLICY_ROWS`]
    /// lines of a kind are kept.
    pub fn parse(bytes: &[u8]) -> Parsed<Self> {
        read::read(bytes)
    }

    /// This machine's `/etc/gai.conf`; none where `getaddrinfo` is not glibc's, because no other
    /// reads it.
    pub fn of_machine() -> Option<Watched<Parsed<Self>>> {
        cfg!(target_env = "gnu").then(|| Watched::address_policy("/etc/gai.conf"))
    }

    /// What sorts by this policy.
    pub fn sorter(&self) -> &Sorter {
        &self.sorter
    }

    /// Whether the file says that a process is to read it again when it has changed. `getaddrinfo`
    /// obeys. A [`Watched`] file is read again whatever this says.
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
