//! IPv4 destinations on a network with IPv6 alone, through a NAT64 (RFC 6146).
//!
//! On such a network a translator gives each IPv4 address an address in an IPv6 prefix. A name
//! server may add these addresses to its answers (DNS64, RFC 6147). Without DNS64 a program cannot
//! connect to an IPv4 literal, or to a name that has only A records. With [`Nat64`] it can, and the
//! order of addresses is right in both cases:
//!
//! 1. A lookup asks for A, although IPv4 has no route.
//! 2. An AAAA inside a known prefix becomes the IPv4 address in it, before the addresses are
//!    sorted. So a machine with IPv4 uses IPv4, and no address is tried twice.
//! 3. An attempt at an IPv4 address without a route connects to the synthesised address. The report
//!    has both.
//!
//! These are the rules of draft-ietf-happy-happyeyeballs-v3 §8.
//!
//! [`Nat64::wrap`] adds all of this to a dialer. On a machine with a default route of IPv4 it sends
//! nothing. There it costs an allocation for each attempt, and one look at the routes for each
//! lookup and each attempt over IPv4. No adapter uses it unless the program asks for it, because
//! the discovery sends one more query to the name servers.
//!
//! # Examples
//!
//! Only IPv6 has a route here. The name server knows an A record and the network's prefix:
//!
//! ```
//! use std::net::SocketAddr;
//! use stagger::resolve::{Record, resolver_fn};
//! use stagger::sort::SourceAddress;
//! use stagger::{Answer, Dialer};
//! use stagger_net::nat64::Nat64;
//! use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ms};
//!
//! let ledger = Ledger::new(&Clock::new());
//! let clock = ledger.clock().clone();
//! let resolver = resolver_fn(|query: &stagger::resolve::Query| {
//!     let (record, addr) = match query.target().host().to_string().as_str() {
//!         "ipv4only.arpa." => (Record::Aaaa, "[64:ff9b::c000:aa]:1"),
//!         _ => (Record::A, "192.0.2.33:443"),
//!     };
//!     let addr: SocketAddr = addr.parse().unwrap();
//!     futures_lite::stream::once(Answer::<_, std::io::Error>::found(record, [addr]))
//! });
//! let connector =
//!     ScriptedConnector::new(&ledger).at("[64:ff9b::c000:221]:443", Fate::connects(ms(30)));
//! let dialer = Dialer::new(resolver, connector, clock.clone());
//!
//! let nat64 = Nat64::auto(resolver, clock.clone()).with_sources(|destination: &SocketAddr| {
//!     destination.is_ipv6().then(|| SourceAddress::new("2001:db8::7".parse().unwrap()))
//! });
//! let dialer = nat64.wrap(dialer);
//! let (_, report) = clock.run(dialer.connect("example.com:443").with_report())?;
//! let attempt = report.winner().unwrap();
//! assert_eq!(attempt.address.to_string(), "192.0.2.33:443");
//! assert_eq!(attempt.children[0].attempts()[0].address, "[64:ff9b::c000:221]:443");
//! # Ok::<_, stagger::Error>(())
//! ```

mod connector;
mod discovery;
mod error;
mod known;
mod memory;
mod prefix;
mod resolver;

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stagger::address::Family;
use stagger::boxed::{BoxError, BoxResolver};
use stagger::drivers::lock;
use stagger::error::SharedError;
use stagger::resolve::ResolverTimeout;
use stagger::sort::{SourceAddress, SourceAddresses};
use stagger::{Dialer, Resolver, Timer};

pub use self::connector::{Nat64Attempt, Nat64Connector};
pub use self::error::{Nat64Error, NoPrefixError, NoPrefixShown};
use self::known::inside;
use self::memory::Memory;
pub use self::prefix::{Nat64Prefix, Nat64PrefixError};
pub use self::resolver::{Nat64Answers, Nat64Resolver};
use crate::source::{SystemSourceAddresses, source_address};

/// How many prefixes are given or discovered: at most 4. The number is ours. A network has one or
/// two.
pub const MAX_PREFIXES: usize = 4;

/// How long a discovery waits for an answer: at most 5 s. After that the network counts as one
/// without NAT64. If the network changes meanwhile, the discovery asks once more. The number is
/// ours.
pub const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long discovered prefixes are kept: their TTL, but at least a minute and at most a day.
/// Without a TTL, or without a prefix, it is a minute. RFC 7050 §3 has the TTL; the range is ours.
pub const DISCOVERY_TTL_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(86_400);

/// The knowledge about the NAT64 of this machine's network.
///
/// Its [`wrap`](Self::wrap) adds NAT64 to a dialer; [`Nat64Resolver`] and [`Nat64Connector`] are
/// the two halves. Clones share what they have discovered.
///
/// # Prefixes
///
/// The prefixes come from the first of these sources that applies:
///
/// 1. The [given](Self::with_prefix) prefixes.
/// 2. The [discovery](Self::with_discovery): the AAAA of `ipv4only.arpa` (RFC 7050). The first
///    lookup or attempt that needs the answer sends the query. The answer is kept for its TTL,
///    within [`DISCOVERY_TTL_RANGE`]. It is dropped when the machine's IPv6 source address changes,
///    because that usually means another network. [`forget`](Self::forget) drops it too.
///
/// Attempts use them only while IPv6 has a default route and IPv4 has none. A source address of
/// 464XLAT (`192.0.0.0/29`, RFC 6877) counts as IPv4.
///
/// Router advertisements (RFC 8781) are not read. A program that knows their prefix can give it.
///
/// An answer that comes before the discovery has ended passes unchanged, so the discovery delays no
/// lookup. An attempt at an IPv4 address without a route waits for the discovery. The wait is a
/// part of the attempt, also for a history.
///
/// The well-known prefix, `64:ff9b::/96`, is recognised in answers on every network. If prefixes
/// overlap, an address belongs to the longest.
///
/// # Which addresses are translated
///
/// An attempt at an IPv4 address connects plainly in these cases:
///
/// - There is a route to it, and the route's source address is not link-local.
/// - It has no meaning elsewhere: `0.0.0.0/8`, `127.0.0.0/8`, `169.254.0.0/16`, `192.0.0.0/29`
///   (RFC 7335), `224.0.0.0/4` and `255.255.255.255`.
/// - It is private (RFC 1918, RFC 6598), and the only prefix is the well-known one
///   ([`with_private`](Self::with_private)).
/// - No prefix is known after the discovery.
///
/// Otherwise it connects to the address in one of the known prefixes. That is the prefix from which
/// a name server has synthesised it, or else the first prefix. If no prefix is known yet, the
/// well-known prefix of such an answer counts as known for this address.
///
/// # Examples
///
/// ```
/// use stagger_net::nat64::Nat64;
/// use stagger_testkit::Clock;
///
/// let nat64 = Nat64::new(Clock::new()).with_prefix("2001:db8:64::/96".parse()?)?;
/// let inside = nat64.translated(&"[2001:db8:64::a00:1]:80".parse()?);
/// assert_eq!(inside, Some("10.0.0.1:80".parse()?));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Nat64 {
    setup: Arc<Setup>,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Clone)]
struct Setup {
    given: Vec<Nat64Prefix>,
    discovery: Option<BoxResolver<SocketAddr, SharedError>>,
    /// For the routes. By default it does not read the list of interfaces, which takes long.
    routes: Sources,
    /// For the sort.
    sources: Sources,
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    private: bool,
}

/// The source addresses of the machine, or of a test.
#[derive(Clone)]
struct Sources(Arc<dyn SourceAddresses + Send + Sync>);

impl SourceAddresses for Sources {
    fn source(&self, destination: &SocketAddr) -> Option<SourceAddress> {
        self.0.source(destination)
    }
}

impl Nat64 {
    /// Makes a value without prefixes and without discovery, on this timer's clock.
    pub fn new<T>(timer: T) -> Self
    where
        T: Timer + Send + Sync + 'static,
    {
        let setup = Setup {
            given: Vec::new(),
            discovery: None,
            routes: Sources(Arc::new(|to: &SocketAddr| source_address(to).map(SourceAddress::new))),
            sources: Sources(Arc::new(SystemSourceAddresses::new())),
            clock: Arc::new(move || timer.now()),
            private: false,
        };
        Self { setup: Arc::new(setup), memory: Arc::default() }
    }

    /// Makes a value that discovers the prefixes by this resolver: see
    /// [`with_discovery`](Self::with_discovery).
    pub fn auto<R, T>(resolver: R, timer: T) -> Self
    where
        R: Resolver<Address = SocketAddr, Error: Into<BoxError>, Answers: Send + 'static>
            + Send
            + Sync
            + 'static,
        T: Timer<Sleep: Send + 'static> + Clone + Send + Sync + 'static,
    {
        Self::new(timer.clone()).with_discovery(resolver, timer)
    }

    /// Adds a prefix. With a given prefix nothing is discovered. All prefixes are recognised in
    /// answers. An attempt uses the prefix from which a name server has synthesised the address, or
    /// else the first prefix.
    ///
    /// # Errors
    ///
    /// Returns [`TooMany`](Nat64PrefixError::TooMany) if there are [`MAX_PREFIXES`] prefixes.
    pub fn with_prefix(mut self, prefix: Nat64Prefix) -> Result<Self, Nat64PrefixError> {
        let given = &mut self.setup_mut().given;
        if given.contains(&prefix) {
            return Ok(self);
        }
        if given.len() == MAX_PREFIXES {
            return Err(Nat64PrefixError::TooMany);
        }
        given.push(prefix);
        Ok(self)
    }

    /// Removes the given prefixes.
    pub fn without_prefixes(mut self) -> Self {
        self.setup_mut().given.clear();
        self
    }

    /// Sets the resolver that is asked for the AAAA of `ipv4only.arpa` (RFC 7050 §3). It lasts for
    /// at most [`DISCOVERY_TIMEOUT`] by this timer.
    ///
    /// An answer that shows no prefix, a failure, and no answer in time all mean that there is no
    /// NAT64. [`discovery_error`](Self::discovery_error) returns the cause.
    ///
    /// RFC 7050 §3.1 describes a check by DNSSEC. This crate does not make it, because a name
    /// server that lies about the prefix can lie about every other name too.
    ///
    /// # Runtime
    ///
    /// Tasks that need the prefix at the same time each send a query. Both of this project's
    /// resolvers join equal lookups.
    pub fn with_discovery<R, T>(mut self, resolver: R, timer: T) -> Self
    where
        R: Resolver<Address = SocketAddr, Error: Into<BoxError>, Answers: Send + 'static>
            + Send
            + Sync
            + 'static,
        T: Timer<Sleep: Send + 'static> + Clone + Send + Sync + 'static,
    {
        let timely = ResolverTimeout::new(resolver, timer, DISCOVERY_TIMEOUT);
        self.setup_mut().discovery = Some(BoxResolver::new(timely));
        self
    }

    /// Discovers nothing. Only the given prefixes are used.
    pub fn without_discovery(mut self) -> Self {
        self.setup_mut().discovery = None;
        self
    }

    /// Whether the prefixes are discovered if none is given.
    pub fn has_discovery(&self) -> bool {
        self.setup.discovery.is_some()
    }

    /// Sets how the routes are found: the source address for a destination, or none without a
    /// route. The default is [`SystemSourceAddresses`].
    pub fn with_sources<S>(mut self, sources: S) -> Self
    where
        S: SourceAddresses + Send + Sync + 'static,
    {
        let sources = Sources(Arc::new(sources));
        let setup = self.setup_mut();
        (setup.routes, setup.sources) = (sources.clone(), sources);
        self
    }

    /// The source addresses by which routes are found.
    pub fn sources(&self) -> &(dyn SourceAddresses + Send + Sync) {
        &*self.setup.routes.0
    }

    /// Sets whether a private IPv4 address is synthesised in the well-known prefix as well. RFC
    /// 6052 §3.1 forbids it, and so does the default. Some networks translate these addresses.
    ///
    /// The RFC also forbids other addresses that are not global, such as those for documentation.
    /// This crate does not check them, because no host of the Internet has them.
    pub fn with_private(mut self, private: bool) -> Self {
        self.setup_mut().private = private;
        self
    }

    /// Whether a private IPv4 address is synthesised in the well-known prefix.
    pub fn private(&self) -> bool {
        self.setup.private
    }

    /// The prefixes that are given, or that are known from a discovery.
    pub fn prefixes(&self) -> Vec<Nat64Prefix> {
        self.known().unwrap_or_default().prefixes
    }

    /// Whether this machine needs a NAT64 for IPv4 now: IPv6 has a default route and IPv4 has none.
    /// The check asks the system for two source addresses, and sends nothing.
    pub fn is_needed(&self) -> bool {
        self.default_source(Family::Ipv4).is_none() && self.default_source(Family::Ipv6).is_some()
    }

    /// Returns the IPv4 address inside an IPv6 address, if the IPv6 address is inside a known
    /// prefix or the well-known one. A check of addresses that also takes IPv6 literals from users
    /// should check this address.
    ///
    /// The bits after the IPv4 address do not matter, because a translator ignores them (RFC 6052
    /// §2.3). So a native address in a short prefix may also have an IPv4 address.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::nat64::Nat64;
    ///
    /// let nat64 = Nat64::new(stagger_testkit::Clock::new());
    /// let literal = "[64:ff9b::7f00:1]:80".parse().unwrap();
    /// assert!(nat64.translated(&literal).unwrap().ip().is_loopback());
    /// ```
    pub fn translated(&self, addr: &SocketAddr) -> Option<SocketAddrV4> {
        let SocketAddr::V6(v6) = addr else { return None };
        let (ipv4, _) = inside(*v6.ip(), &self.prefixes())?;
        Some(SocketAddrV4::new(ipv4, v6.port()))
    }

    /// Forgets what was discovered, for all clones. A program calls it when it learns that the
    /// network has changed. A discovery that is running asks once more, because its answer may come
    /// from the earlier network.
    pub fn forget(&self) {
        lock(&self.memory).forget();
    }

    /// Adds NAT64 to a dialer: a [`Nat64Resolver`] around its resolver, and a [`Nat64Connector`]
    /// around its connector.
    ///
    /// Steps that another connector adds later, such as TLS, belong outside. A connector that
    /// checks addresses may be inside or outside. Outside it sees an IPv6 literal as it was
    /// written.
    pub fn wrap<R: Clone, C, T, O>(
        &self,
        dialer: Dialer<R, C, T, O>,
    ) -> Dialer<Nat64Resolver<R>, Nat64Connector<C>, T, O> {
        let resolver = Nat64Resolver::new(dialer.resolver().clone(), self.clone());
        dialer
            .with_resolver(resolver)
            .map_connector(|connector| Nat64Connector::new(connector, self.clone()))
    }

    fn setup_mut(&mut self) -> &mut Setup {
        // What was discovered by other settings does not count for these.
        self.memory = Arc::default();
        Arc::make_mut(&mut self.setup)
    }
}

/// Prints the settings. It does not print what was discovered.
impl fmt::Debug for Nat64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nat64")
            .field("given", &self.setup.given)
            .field("discovers", &self.setup.discovery.is_some())
            .field("private", &self.setup.private)
            .finish_non_exhaustive()
    }
}
