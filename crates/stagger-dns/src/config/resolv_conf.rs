//! The name servers, the search list and the options, which are in `resolv.conf`.
//!
//! The file is long because each setting has its rules in its docs.

mod error;
mod read;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use stagger::address::Address as _;

pub use self::error::ConfigError;
use self::error::{ConfigSetting, check};
use super::environment::Environment;
use super::text;
use super::warning::Parsed;

/// The name servers, the search list and the options of a resolver: resolv.conf(5).
///
/// The default is that of a machine without the file, except that EDNS is on. Its server is
/// 127.0.0.1, it has no search list, and its options are those of the manual page. A setter returns
/// an error for a value out of range. In a file such a value is capped with a warning, as in libc.
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
    /// The port of a name server: 53 (RFC 1035 §4.2).
    pub const PORT: u16 = 53;

    /// The most name servers: 16. The number is ours.
    ///
    /// libc takes three (`MAXNS`) and ignores the others.
    pub const MAX_SERVERS: usize = 16;

    /// The most names in a search list: 32. The number is ours, because each name may cost a query.
    ///
    /// glibc had a limit of six until version 2.26, and has none since.
    pub const MAX_SEARCH: usize = 32;

    /// The default of [`ndots`](Self::ndots): 1 (resolv.conf(5)).
    pub const NDOTS: u32 = 1;

    /// The range of [`ndots`](Self::ndots). resolv.conf(5) caps it at 15.
    pub const NDOTS_RANGE: RangeInclusive<u32> = 0..=15;

    /// The default of [`timeout`](Self::timeout): 5 s (resolv.conf(5)).
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// The range of [`timeout`](Self::timeout): 1 s to 30 s.
    ///
    /// 1 s is the least that `resolv.conf` can say. resolv.conf(5) caps the timeout at 30 s.
    pub const TIMEOUT_RANGE: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(30);

    /// The default of [`attempts`](Self::attempts): 2 (resolv.conf(5)).
    pub const ATTEMPTS: u32 = 2;

    /// The range of [`attempts`](Self::attempts). resolv.conf(5) caps it at 5.
    pub const ATTEMPTS_RANGE: RangeInclusive<u32> = 1..=5;

    /// The most bytes of a `resolv.conf` that a [`WatchedFile`](crate::WatchedFile) reads: 1 MiB.
    ///
    /// The bound is ours. Usual files have a few hundred bytes.
    pub const MAX_BYTES: u64 = 1 << 20;

    /// The default: one server, 127.0.0.1, as in glibc. Other libraries also ask `::1`.
    pub fn new() -> Self {
        Self {
            servers: vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Self::PORT)],
            search: Vec::new(),
            ndots: Self::NDOTS,
            timeout: Self::TIMEOUT,
            attempts: Self::ATTEMPTS,
            rotate: false,
            use_vc: false,
            edns0: true,
            no_aaaa: false,
            no_tld_query: false,
            unicast_domains: Vec::new(),
        }
    }

    /// Reads a `resolv.conf`, as resolv.conf(5) says and glibc does. Invalid and unknown parts are
    /// ignored, with a warning.
    ///
    /// - Without a `nameserver` line the server is 127.0.0.1.
    /// - The search list is the first of these that there is: `LOCALDOMAIN`, the last `search` or
    ///   `domain` line, the domain of the host name.
    /// - `RES_OPTIONS` is read after all options of the file.
    ///
    /// Any bytes are accepted. The time is linear in their number, and the limits bound the memory.
    ///
    /// As in glibc, a `#` or `;` begins a comment only at the beginning of a line. Options are
    /// matched by their beginning, so `rotate:1` is `rotate`, and `ndots` without a number is 0.
    /// The address of a server may have the forms of inet_aton(3), such as `127.1`.
    ///
    /// These things differ from glibc:
    ///
    /// - Up to [`MAX_SERVERS`](Self::MAX_SERVERS) servers are used, not three.
    /// - `timeout` and `attempts` are at least 1, and are ignored without a number.
    /// - A carriage return is white space.
    /// - A server with an unknown zone is ignored. glibc asks it without the zone.
    /// - EDNS is on by default.
    /// - `sortlist` and options without a setting here have no effect.
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
    /// assert_eq!(parsed.warnings.count(), 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(bytes: &[u8], environment: &Environment) -> Parsed<Self> {
        read::read(bytes, environment)
    }

    /// Sets the name servers, in the order in which they are asked.
    ///
    /// A repeated server is left out, because one server is asked a question at most three times
    /// (RFC 9520 §3.1).
    ///
    /// # Errors
    ///
    /// There is no server, there are more than [`MAX_SERVERS`](Self::MAX_SERVERS), or one has port
    /// 0.
    pub fn with_servers(
        mut self,
        servers: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Self, ConfigError> {
        // One more than the limit is enough to know that there are too many.
        let servers: Vec<_> = servers.into_iter().take(Self::MAX_SERVERS + 1).collect();
        check(ConfigSetting::Servers, servers.len(), &(1..=Self::MAX_SERVERS))?;
        for server in &servers {
            check(ConfigSetting::Port, server.port(), &(1..=u16::MAX))?;
        }
        self.servers.clear();
        for server in servers {
            if !self.servers.iter().any(|known| known.canonical() == server.canonical()) {
                self.servers.push(server);
            }
        }
        Ok(self)
    }

    /// The name servers. There is at least one.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Sets the search list: the domains that are appended to a name, in this order.
    ///
    /// They are kept in lower case and without their trailing dot. `.` is the root.
    ///
    /// # Errors
    ///
    /// There are more than [`MAX_SEARCH`](Self::MAX_SEARCH) names, or one is invalid. A valid name
    /// is ASCII, and its labels and the whole are not too long for DNS (RFC 1035 §2.3.4).
    pub fn with_search<N: AsRef<str>>(
        mut self,
        search: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError> {
        self.search = domains(ConfigSetting::Search, search)?;
        Ok(self)
    }

    /// The search list: names in lower case without their trailing dot, and `.` for the root.
    pub fn search(&self) -> &[String] {
        &self.search
    }

    /// Sets the domains below `.local` that these servers know, in addition to the search list.
    ///
    /// They are not appended to a name. Other names below `.local` are refused if the
    /// [switch](crate::Switch) leaves them to multicast DNS.
    ///
    /// No file has this setting. [`Routes`](stagger::resolve::Routes) can send such names to
    /// another resolver instead.
    ///
    /// # Errors
    ///
    /// The same as for [`with_search`](Self::with_search).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_dns::Config;
    ///
    /// let config = Config::new().with_unicast_domains(["corp.local"])?;
    /// assert_eq!(config.unicast_domains(), ["corp.local"]);
    /// # Ok::<_, stagger_dns::config::ConfigError>(())
    /// ```
    pub fn with_unicast_domains<N: AsRef<str>>(
        mut self,
        domains: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError> {
        self.unicast_domains = self::domains(ConfigSetting::UnicastDomains, domains)?;
        Ok(self)
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

    /// Sets the least number of dots with which a name is asked for as it is before the search
    /// list. The default is [`NDOTS`](Self::NDOTS).
    ///
    /// # Errors
    ///
    /// The number is outside [`NDOTS_RANGE`](Self::NDOTS_RANGE).
    pub fn with_ndots(mut self, ndots: u32) -> Result<Self, ConfigError> {
        check(ConfigSetting::Ndots, ndots, &Self::NDOTS_RANGE)?;
        self.ndots = ndots;
        Ok(self)
    }

    /// The least number of dots with which a name is asked for as it is before the search list.
    pub fn ndots(&self) -> u32 {
        self.ndots
    }

    /// Sets the time of one try. The default is [`TIMEOUT`](Self::TIMEOUT).
    ///
    /// Over UDP the tries of a server share their times. Over TCP each try has its own time.
    ///
    /// # Errors
    ///
    /// The timeout is outside [`TIMEOUT_RANGE`](Self::TIMEOUT_RANGE).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        check(ConfigSetting::Timeout, timeout, &Self::TIMEOUT_RANGE)?;
        self.timeout = timeout;
        Ok(self)
    }

    /// The time of one try.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sets how many timeouts a silent server has. The default is [`ATTEMPTS`](Self::ATTEMPTS).
    ///
    /// One server is sent at most three messages for a question (RFC 9520 §3.1).
    ///
    /// # Errors
    ///
    /// The number is outside [`ATTEMPTS_RANGE`](Self::ATTEMPTS_RANGE).
    pub fn with_attempts(mut self, attempts: u32) -> Result<Self, ConfigError> {
        check(ConfigSetting::Attempts, attempts, &Self::ATTEMPTS_RANGE)?;
        self.attempts = attempts;
        Ok(self)
    }

    /// How many timeouts a silent server has.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Sets whether each question begins with a random server instead of the first one (`rotate`).
    /// The servers then share the load. The default is false.
    pub fn with_rotate(mut self, rotate: bool) -> Self {
        self.rotate = rotate;
        self
    }

    /// Whether each question begins with a random server.
    pub fn rotate(&self) -> bool {
        self.rotate
    }

    /// Sets whether every query goes over TCP (`use-vc`, for virtual circuit). The default is
    /// false.
    pub fn with_use_vc(mut self, use_vc: bool) -> Self {
        self.use_vc = use_vc;
        self
    }

    /// Whether every query goes over TCP.
    pub fn use_vc(&self) -> bool {
        self.use_vc
    }

    /// Sets whether queries use EDNS, which allows larger datagrams (`edns0`, RFC 6891). The
    /// default is true. It is false in glibc.
    ///
    /// Without EDNS an answer of more than 512 bytes needs a TCP connection. A server that does not
    /// support EDNS is asked again without it.
    pub fn with_edns0(mut self, edns0: bool) -> Self {
        self.edns0 = edns0;
        self
    }

    /// Whether queries use EDNS.
    pub fn edns0(&self) -> bool {
        self.edns0
    }

    /// Sets whether questions for AAAA are left out (`no-aaaa`). The default is false.
    ///
    /// Names then have no IPv6 addresses except those of a hosts file. A query for IPv6 alone sends
    /// a question for A, as in glibc, because only its reply says whether the name exists.
    pub fn with_no_aaaa(mut self, no_aaaa: bool) -> Self {
        self.no_aaaa = no_aaaa;
        self
    }

    /// Whether questions for AAAA are left out.
    pub fn no_aaaa(&self) -> bool {
        self.no_aaaa
    }

    /// Sets whether a name without a dot is only looked up in the domains of the search list
    /// (`no-tld-query`). It has no effect without a search list. The default is false.
    pub fn with_no_tld_query(mut self, no_tld_query: bool) -> Self {
        self.no_tld_query = no_tld_query;
        self
    }

    /// Whether a name without a dot is only looked up in the domains of the search list.
    pub fn no_tld_query(&self) -> bool {
        self.no_tld_query
    }
}

/// Reads the domains of a setting.
fn domains<N: AsRef<str>>(
    setting: ConfigSetting,
    names: impl IntoIterator<Item = N>,
) -> Result<Vec<String>, ConfigError> {
    let mut read = Vec::new();
    for name in names {
        check(setting, read.len() + 1, &(0..=Config::MAX_SEARCH))?;
        let name = name.as_ref();
        read.push(domain(name.as_bytes()).ok_or_else(|| ConfigError::bad_name(setting, name))?);
    }
    Ok(read)
}

/// Reads a name of the search list, which may be the root.
fn domain(word: &[u8]) -> Option<String> {
    if word == b"." { Some(".".into()) } else { text::name(word) }
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
            (config().with_search(["ok", ""]), "search list: \"\" is not a name of DNS"),
            (config().with_search([&long]), &format!("search list: {long:?} is not a name of DNS")),
            (
                config().with_unicast_domains(["ok.local", "not ok.local"]),
                "unicast domains: \"not ok.local\" is not a name of DNS",
            ),
            (config().with_ndots(16), "ndots out of range: 16 is not within 0 to 15"),
            (
                config().with_timeout(seconds(31)),
                "timeout out of range: 31 s is not within 1 s to 30 s",
            ),
            (
                config().with_timeout(Duration::from_millis(999)),
                "timeout out of range: 999 ms is not within 1 s to 30 s",
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
        let servers: [_; Config::MAX_SERVERS] =
            std::array::from_fn(|n| SocketAddr::from(([192, 0, 2, n as u8], 53)));
        assert_eq!(Config::new().with_servers(servers).unwrap().servers(), servers);
        let search = ["a"; Config::MAX_SEARCH];
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
