//! Whom to ask, and how: what `resolv.conf` says. Long for what is said of each of its settings.

mod range;
mod read;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use stagger::address::Address as _;

pub use self::range::ConfigError;
use self::range::{Setting, check};
use crate::{Environment, Parsed, line};

/// The port of a name server: 53 (RFC 1035 §4.2).
pub const PORT: u16 = 53;

/// The most name servers: 16. libc takes three (`MAXNS`) and passes the others over; the number
/// is ours.
pub const MAX_SERVERS: usize = 16;

/// The most names in a search list: 32. libc had six until glibc 2.26, which has no limit; since
/// each may cost a query the number is ours.
pub const MAX_SEARCH: usize = 32;

/// From how many dots on a name is asked for as it is before the search list: 1 (resolv.conf(5)).
pub const NDOTS: u32 = 1;

/// The range of [`NDOTS`], which is capped at 15 (resolv.conf(5)).
pub const NDOTS_RANGE: RangeInclusive<u32> = 0..=15;

/// The time of one try: 5 s (resolv.conf(5)).
///
/// Over UDP the tries of a server share their times. Over TCP each try has its own.
pub const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// The range of [`TRY_TIMEOUT`]: 1 s, the least that `resolv.conf` can say, to 30 s, where it is
/// capped (resolv.conf(5)).
pub const TRY_TIMEOUT_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(30);

/// How often a server may be silent for one timeout before it is given up: 2 (resolv.conf(5)).
///
/// One server is sent at most three messages for a question (RFC 9520 §3.1).
pub const ATTEMPTS: u32 = 2;

/// The range of [`ATTEMPTS`], which is capped at 5 (resolv.conf(5)).
pub const ATTEMPTS_RANGE: RangeInclusive<u32> = 1..=5;

/// Whom to ask, and how: name servers, search list and options, as in resolv.conf(5).
///
/// The default is that of a machine without the file: the server at 127.0.0.1, no search list,
/// and the options of the manual, but for EDNS, which is on. A value out of range is an error here;
/// in a file it is capped, as in libc, and noted.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_dns::Config;
///
/// let config = Config::new()
///     .with_servers(["[2001:db8::53]:53".parse()?, "192.0.2.53:5353".parse()?])?
///     .with_search(["example.com"])?
///     .with_timeout(Duration::from_secs(2))?;
/// assert_eq!(config.servers().len(), 2);
///
/// let err = config.with_attempts(6).unwrap_err();
/// assert_eq!(err.to_string(), "attempts out of range: 6 is not within 1 to 5");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: u32,
    timeout: Duration,
    attempts: u32,
    rotate: bool,
    use_vc: bool,
    edns0: bool,
    no_aaaa: bool,
    no_tld_query: bool,
    unicast_domains: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// The default: one server, at 127.0.0.1. It is what glibc takes; others add `::1`.
    pub fn new() -> Self {
        Self {
            servers: vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT)],
            search: Vec::new(),
            ndots: NDOTS,
            timeout: TRY_TIMEOUT,
            attempts: ATTEMPTS,
            rotate: false,
            use_vc: false,
            edns0: true,
            no_aaaa: false,
            no_tld_query: false,
            unicast_domains: Vec::new(),
        }
    }

    /// Reads a `resolv.conf`, as resolv.conf(5) says and glibc does.
    ///
    /// Of several `search` and `domain` lines the last counts; `LOCALDOMAIN` overrides them; and
    /// where there are none the search list is the domain of the host name. `RES_OPTIONS` is read
    /// after all options of the file. Without a `nameserver` line the server is 127.0.0.1. What is
    /// wrong or unknown is passed over and noted.
    ///
    /// It takes any bytes, in a time linear in their number, and keeps of them no more than its
    /// limits allow.
    ///
    /// As in glibc, a `#` or `;` begins a comment only at the beginning of a line. The words of an
    /// option are matched by how they begin (`rotate:1` is `rotate`), and `ndots` without a number is
    /// 0. The address of a server may have the forms of inet_aton(3), such as `127.1`.
    ///
    /// Some of it is not as in glibc:
    ///
    /// - Up to [`MAX_SERVERS`] servers are taken, not three.
    /// - `timeout` and `attempts` are at least 1, and are passed over without a number.
    /// - A carriage return is white space.
    /// - A server whose zone is not known is left out rather than asked without it.
    /// - EDNS is used whether the file says so or not.
    /// - `sortlist` and the options that are not among the settings here do nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_dns::{Config, Environment};
    ///
    /// let file = b"nameserver 2001:db8::53\nsearch example.com\noptions ndots:2 trust-ad\n";
    /// let parsed = Config::parse(file, &Environment::new());
    /// let config = parsed.value;
    /// assert_eq!(config.servers(), ["[2001:db8::53]:53".parse()?]);
    /// assert_eq!(config.search(), ["example.com"]);
    /// assert_eq!(config.ndots(), 2);
    /// assert_eq!(parsed.notes.count(), 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(bytes: &[u8], environment: &Environment) -> Parsed<Self> {
        read::read(bytes, environment)
    }

    /// Sets the name servers, in the order in which they are asked. A server that is named again is
    /// left out, because one server is asked a question three times at most (RFC 9520 §3.1).
    ///
    /// # Errors
    ///
    /// No server, more than [`MAX_SERVERS`], or one with port 0.
    pub fn with_servers(
        mut self,
        servers: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Self, ConfigError> {
        // One more than allowed is enough to know that there are too many.
        let servers: Vec<_> = servers.into_iter().take(MAX_SERVERS + 1).collect();
        check(Setting::Servers, servers.len(), &(1..=MAX_SERVERS))?;
        for server in &servers {
            check(Setting::Port, server.port(), &(1..=u16::MAX))?;
        }
        self.servers.clear();
        for server in servers {
            if !self.servers.iter().any(|known| known.canonical() == server.canonical()) {
                self.servers.push(server);
            }
        }
        Ok(self)
    }

    /// Sets the search list: the domains that are put behind a name, in this order. They are kept
    /// in lower case and without their trailing dot; `.` is the root.
    ///
    /// # Errors
    ///
    /// More than [`MAX_SEARCH`] names, or something that is no name: not ASCII, or with a label or
    /// as a whole longer than DNS has them (RFC 1035 §2.3.4).
    pub fn with_search<N: AsRef<str>>(
        mut self,
        search: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError> {
        self.search = domains(Setting::Search, search)?;
        Ok(self)
    }

    /// Sets the domains below `.local` that these servers know, in addition to the search list. They are
    /// not appended to a name. Other names below `.local` are refused if the
    /// [switch](crate::Switch) leaves them to multicast DNS.
    ///
    /// No file has this setting. [`Routes`](stagger::resolve::Routes) can lead such names to another resolver instead.
    ///
    /// # Errors
    ///
    /// As of [`with_search`](Self::with_search).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_dns::Config;
    ///
    /// let config = Config::new().with_unicast_domains(["corp.local"])?;
    /// assert_eq!(config.unicast_domains(), ["corp.local"]);
    /// # Ok::<_, stagger_dns::ConfigError>(())
    /// ```
    pub fn with_unicast_domains<N: AsRef<str>>(
        mut self,
        domains: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError> {
        self.unicast_domains = self::domains(Setting::UnicastDomains, domains)?;
        Ok(self)
    }

    /// Sets from how many dots on a name is asked for as it is before the search list; [`NDOTS`]
    /// unless set.
    ///
    /// # Errors
    ///
    /// A number outside [`NDOTS_RANGE`].
    pub fn with_ndots(mut self, ndots: u32) -> Result<Self, ConfigError> {
        check(Setting::Ndots, ndots, &NDOTS_RANGE)?;
        self.ndots = ndots;
        Ok(self)
    }

    /// Sets the time of one try. The default is [`TRY_TIMEOUT`].
    ///
    /// Over UDP the tries of a server share their times. Over TCP each try has its own.
    ///
    /// # Errors
    ///
    /// A timeout outside [`TRY_TIMEOUT_RANGE`].
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        check(Setting::Timeout, timeout, &TRY_TIMEOUT_RANGE)?;
        self.timeout = timeout;
        Ok(self)
    }

    /// Sets how often a server may be silent for one timeout before it is given up. The default is
    /// [`ATTEMPTS`].
    ///
    /// One server is sent at most three messages for a question (RFC 9520 §3.1).
    ///
    /// # Errors
    ///
    /// A number outside [`ATTEMPTS_RANGE`].
    pub fn with_attempts(mut self, attempts: u32) -> Result<Self, ConfigError> {
        check(Setting::Attempts, attempts, &ATTEMPTS_RANGE)?;
        self.attempts = attempts;
        Ok(self)
    }

    /// Sets whether each question begins with a random server, and not always with the first
    /// (`rotate`). So the servers share the load.
    pub fn with_rotate(mut self, rotate: bool) -> Self {
        self.rotate = rotate;
        self
    }

    /// Sets whether every query goes over TCP (`use-vc`, for virtual circuit).
    pub fn with_use_vc(mut self, use_vc: bool) -> Self {
        self.use_vc = use_vc;
        self
    }

    /// Sets whether queries say that they understand EDNS, and so how large a datagram may be
    /// (`edns0`, RFC 6891): on unless set, where glibc has it off. Without it an answer that does
    /// not fit in 512 bytes costs a connection. A server that does not understand it is asked again
    /// without.
    pub fn with_edns0(mut self, edns0: bool) -> Self {
        self.edns0 = edns0;
        self
    }

    /// Sets whether no question for AAAA is sent (`no-aaaa`). Names then have no IPv6 addresses but
    /// those of a hosts file. A query for IPv6 alone sends a question for A, as glibc does, because
    /// only its reply says whether the name exists.
    pub fn with_no_aaaa(mut self, no_aaaa: bool) -> Self {
        self.no_aaaa = no_aaaa;
        self
    }

    /// Sets whether a name without a dot is not asked for as it is (`no-tld-query`), if there is a
    /// search list for it.
    pub fn with_no_tld_query(mut self, no_tld_query: bool) -> Self {
        self.no_tld_query = no_tld_query;
        self
    }

    /// The name servers, of which there is at least one.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// The search list: names in lower case without their trailing dot, and `.` for the root.
    pub fn search(&self) -> &[String] {
        &self.search
    }

    /// The domains below `.local` that these servers know, in addition to the search list.
    pub fn unicast_domains(&self) -> &[String] {
        &self.unicast_domains
    }

    /// Whether these servers know this name, which is in lower case, although it is below `.local`.
    pub(crate) fn is_unicast(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        let ends_in = |domain: &String| match name.strip_suffix(domain.as_str()) {
            Some(above) => above.is_empty() || above.ends_with('.'),
            None => false,
        };
        self.search.iter().chain(&self.unicast_domains).any(ends_in)
    }

    /// From how many dots on a name is asked for as it is before the search list.
    pub fn ndots(&self) -> u32 {
        self.ndots
    }

    /// The time of one try.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How often a server may be silent for one timeout before it is given up.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether queries begin with any of the servers.
    pub fn rotate(&self) -> bool {
        self.rotate
    }

    /// Whether every query goes over TCP.
    pub fn use_vc(&self) -> bool {
        self.use_vc
    }

    /// Whether queries say that they understand EDNS.
    pub fn edns0(&self) -> bool {
        self.edns0
    }

    /// Whether no question for AAAA is sent.
    pub fn no_aaaa(&self) -> bool {
        self.no_aaaa
    }

    /// Whether a name without a dot is not asked for as it is.
    pub fn no_tld_query(&self) -> bool {
        self.no_tld_query
    }
}

/// Reads the domains of a setting.
fn domains<N: AsRef<str>>(
    setting: Setting,
    names: impl IntoIterator<Item = N>,
) -> Result<Vec<String>, ConfigError> {
    let mut read = Vec::new();
    for name in names {
        check(setting, read.len() + 1, &(0..=MAX_SEARCH))?;
        let name = name.as_ref();
        read.push(domain(name.as_bytes()).ok_or_else(|| ConfigError::bad_name(setting, name))?);
    }
    Ok(read)
}

/// A name of the search list, which may be the root.
fn domain(word: &[u8]) -> Option<String> {
    if word == b"." { Some(".".into()) } else { line::name(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_errors_that_say_value_setting_and_range() {
        let config = Config::new;
        let server = SocketAddr::from(([192, 0, 2, 1], 53));
        let seconds = Duration::from_secs;
        let long = "a".repeat(64);
        for (result, text) in [
            (config().with_servers([]), "name servers out of range: 0 is not within 1 to 16"),
            (
                config().with_servers(std::iter::repeat(server)),
                "name servers out of range: 17 is not within 1 to 16",
            ),
            (
                config().with_servers([SocketAddr::from(([192, 0, 2, 1], 0))]),
                "port of a name server out of range: 0 is not within 1 to 65535",
            ),
            (
                config().with_search(std::iter::repeat("a")),
                "search list out of range: 33 is not within 0 to 32",
            ),
            (
                config().with_search(["ok", ""]),
                "search list out of range: \"\" is not within names of DNS",
            ),
            (
                config().with_search([&long]),
                &format!("search list out of range: {long:?} is not within names of DNS"),
            ),
            (
                config().with_unicast_domains(["ok.local", "not ok.local"]),
                "unicast domains out of range: \"not ok.local\" is not within names of DNS",
            ),
            (config().with_ndots(16), "ndots out of range: 16 is not within 0 to 15"),
            (
                config().with_timeout(seconds(31)),
                "timeout out of range: 31s is not within 1s to 30s",
            ),
            (
                config().with_timeout(Duration::from_millis(999)),
                "timeout out of range: 999ms is not within 1s to 30s",
            ),
            (config().with_attempts(0), "attempts out of range: 0 is not within 1 to 5"),
        ] {
            let err = result.unwrap_err();
            assert_eq!(err.to_string(), text);
            assert!(text.starts_with(err.setting()));
        }
    }

    #[test]
    fn the_ends_of_a_range_are_within_it() {
        for ndots in [0, 15] {
            assert_eq!(Config::new().with_ndots(ndots).unwrap().ndots(), ndots);
        }
        for timeout in [1, 30].map(Duration::from_secs) {
            assert_eq!(Config::new().with_timeout(timeout).unwrap().timeout(), timeout);
        }
        for attempts in [1, 5] {
            assert_eq!(Config::new().with_attempts(attempts).unwrap().attempts(), attempts);
        }
        let servers: [_; MAX_SERVERS] =
            std::array::from_fn(|n| SocketAddr::from(([192, 0, 2, n as u8], 53)));
        assert_eq!(Config::new().with_servers(servers).unwrap().servers(), servers);
        let search = ["a"; MAX_SEARCH];
        assert_eq!(Config::new().with_search(search).unwrap().search(), search);
    }

    #[test]
    fn a_name_is_unicast_if_it_ends_in_a_domain_of_a_list_label_by_label() {
        let config = Config::new().with_search(["cluster.local", "."]).unwrap();
        let config = config.with_unicast_domains(["Corp.Local."]).unwrap();
        for name in ["db.cluster.local", "a.b.cluster.local.", "cluster.local", "a.corp.local"] {
            assert!(config.is_unicast(name), "{name}");
        }
        for name in ["printer.local", "xcluster.local", "corp.local.local", "local"] {
            assert!(!config.is_unicast(name), "{name}");
        }
    }

    #[test]
    fn a_server_that_is_named_again_is_one_server() {
        let servers = ["192.0.2.1:53", "[::ffff:192.0.2.1]:53", "192.0.2.1:5353", "192.0.2.1:53"];
        let config = Config::new().with_servers(servers.map(|text| text.parse().unwrap())).unwrap();
        let kept: Vec<_> = config.servers().iter().map(ToString::to_string).collect();
        assert_eq!(kept, ["192.0.2.1:53", "192.0.2.1:5353"]);
    }

    #[test]
    fn the_search_list_is_kept_in_lower_case_without_trailing_dots() {
        let config = Config::new().with_search(["Example.COM.", "."]).unwrap();
        assert_eq!(config.search(), ["example.com", "."]);
    }
}
