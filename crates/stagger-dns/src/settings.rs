//! Which name servers are asked, and how.

use std::net::SocketAddr;
use std::time::Duration;

use crate::MAX_DATAGRAM;

/// Which name servers are asked, for which names, and how patiently: what resolv.conf(5) says,
/// as values.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_dns::Settings;
///
/// let settings = Settings::new(["192.0.2.53:53".parse().unwrap()])
///     .with_search(["corp.example"])
///     .with_timeout(Duration::from_secs(2))
///     .with_attempts(3);
/// assert_ne!(settings, Settings::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) search: Vec<String>,
    pub(crate) ndots: u8,
    pub(crate) timeout: Duration,
    pub(crate) attempts: u8,
    pub(crate) rotate: bool,
    pub(crate) use_tcp: bool,
    pub(crate) payload: Option<u16>,
}

impl Settings {
    /// These servers, in this order of preference; no search list, and the rest as resolv.conf(5)
    /// has it unless told otherwise: one dot makes a name absolute enough to be asked for as it is
    /// first, each try takes 5 s at the most, and each server is tried twice.
    pub fn new(servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { servers: servers.into_iter().collect(), ..Self::default() }
    }

    /// The domains in which a relative name is looked for, in this order.
    pub fn with_search<I>(mut self, domains: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.search = domains.into_iter().map(Into::into).collect();
        self
    }

    /// How many dots a name has at least that is asked for as it is before it is looked for in the
    /// search list.
    pub fn with_ndots(mut self, dots: u8) -> Self {
        self.ndots = dots;
        self
    }

    /// How long one server has for one reply; a reply over TCP has as long again.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often the list of servers is gone through; once at least.
    pub fn with_attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Whether to begin with any of the servers, so that they share the load, and not always with
    /// the first. Which one is drawn by lot for each question.
    pub fn with_rotate(mut self, rotate: bool) -> Self {
        self.rotate = rotate;
        self
    }

    /// Whether to ask over TCP alone.
    pub fn with_tcp(mut self, use_tcp: bool) -> Self {
        self.use_tcp = use_tcp;
        self
    }

    /// The most bytes that a server may answer in one datagram, which is said by EDNS (RFC 6891): at
    /// most [`MAX_DATAGRAM`], and what is below 512 counts as 512. 1232 unless set, which passes
    /// nearly every path in one piece. With none EDNS is not used, and 512 bytes are the most.
    pub fn with_payload(mut self, bytes: Option<u16>) -> Self {
        self.payload = bytes.map(|bytes| bytes.min(MAX_DATAGRAM as u16));
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_tcp: false,
            payload: Some(1232),
        }
    }
}
