//! The resolver over DNS.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use stagger::boxed::BoxError;
use stagger::resolve::Query;
use stagger::sort::Sorter;
use stagger::target::Host;
use stagger::{Resolver, Timer};
use stagger_net::SystemResolver;
use stagger_net::system::SystemSourceAddresses;

use super::answer_sorting::AnswerSorting;
use super::dns_answers::DnsAnswers;
use super::numeric::Numeric;
use super::setup::Setup;
use super::unsorted_answers::UnsortedAnswers;
use crate::cache::CAPACITY;
use crate::client::Runtime;
use crate::config::address_policy::AddressPolicy;
use crate::config::environment::Environment;
use crate::config::resolv_conf::Config;
use crate::config::setting::Setting;
use crate::config::switch::Switch;
use crate::config::watched_file::WatchedFile;
use crate::dns_error::DnsError;
use crate::lookup::upstream::Upstream;
use crate::network::seam::Network;
use crate::network::sockets::Sockets;

/// Resolves names by DNS, over a [`Network`] and a [`Timer`].
///
/// It asks for AAAA and A back to back, in one poll. Each answer is returned as soon as its reply
/// comes, even without addresses, so a slow family does not delay the other. A failed lookup and a
/// name that does not exist are answers with a [`DnsError`]. A name without addresses of a family
/// has a negative answer for that family. Answers have their TTL, and so have negative answers that
/// may be cached.
///
/// The resolver does not look up HTTPS records. It answers a query for them negatively at once.
///
/// # Which machine
///
/// [`new`](Self::new) uses only the configuration that it is given. [`system`](Self::system) uses
/// the configuration of the machine. The adapters have it with their runtime's sockets and timer.
///
/// - The name servers are in `/etc/resolv.conf`.
/// - `/etc/nsswitch.conf` sets whether and in which order `/etc/hosts` and the servers are asked,
///   and what follows from each result ([`with_switch_file`](Self::with_switch_file)).
/// - A name that has an address of a wanted family in `/etc/hosts` has one answer with its
///   addresses there. With `files dns`, the default, no server is then asked.
/// - Only the families in which the machine has connectivity are asked for
///   ([`with_only_connected`](Self::with_only_connected)).
/// - The family that the default routes prefer is preferred
///   ([`with_route_preference`](Self::with_route_preference)).
/// - The addresses are sorted as `getaddrinfo` sorts them. With glibc that is by `/etc/gai.conf`
///   ([`with_address_policy_file`](Self::with_address_policy_file)), and elsewhere by RFC 6724
///   ([`with_sorter`](Self::with_sorter)).
/// - All these files are read again when they have changed.
/// - The names of services and zones are known ([`with_literals`](Self::with_literals)).
///
/// # Names
///
/// The search list of the [`Config`] applies to a name that does not end in a dot. Both families
/// take every step together, so all addresses belong to the same name.
///
/// Some names are never sent:
///
/// - `localhost` is `::1` and `127.0.0.1` (RFC 6761 §6.3). It is answered at once, without reading
///   a file. Its addresses in a hosts file are added if the file was read before.
/// - A name below it, such as `app.localhost`, is looked up in the hosts file. If the file does not
///   have the name, it is `::1` and `127.0.0.1`.
/// - Names below `invalid` (RFC 6761 §6.4), `onion` (RFC 7686 §2) and `alt` (RFC 9476 §2) do not
///   exist, unless the hosts file has them. One of these labels alone is only looked up in the
///   domains of the search list.
/// - A name below `.local` is refused if the [switch](Switch) has a source such as `mdns4_minimal`
///   before `dns`. The machine leaves such names to multicast DNS. The exception is a name that
///   ends in a domain of the search list or of [`Config::with_unicast_domains`].
///
/// `ipv4only.arpa` is asked for as it is, without the search list (RFC 8880 §7.1).
///
/// Literals are never sent. The resolver of [`with_literals`](Self::with_literals) answers them. It
/// also finds the port of a service name before any question is sent.
///
/// # What clones share
///
/// - Answers are [cached](Self::with_cache_capacity) until their TTL is over.
/// - Equal lookups in flight are joined. The second lookup of a name and a record sends nothing,
///   and has the result of the first. Lookups on different [reactors](Network::reactor) are not
///   joined.
/// - The resolver remembers how long each server takes, which servers are asked last, and the
///   questions on which all servers failed ([`ServerPolicy`](crate::ServerPolicy)).
/// - Dropped lookups can [linger](Self::with_lingering).
/// - The resolver remembers which servers answer AAAA too late or never. After eight lookups
///   without a timely AAAA, answers of that server say that the resolution delay [is
///   spent](stagger::Answer::with_delay_spent), and connects do not wait for AAAA. An AAAA is
///   timely up to [`RESOLUTION_DELAY`](stagger::Policy::RESOLUTION_DELAY) after the A. One timely
///   AAAA ends this. AAAA is always asked for.
///
/// A new [`Config`] discards all of this, because it usually means another network.
///
/// # Cancel safety
///
/// Dropping the answers abandons the lookups and closes their sockets, unless other answers share
/// them or they [linger](Self::with_lingering). A file that is being read is read to its end.
///
/// # Runtime
///
/// Only the reading of files is spawned, on the threads of the pool for lookups. The answers can be
/// polled by any executor on which the network and the timer work. They are `Send` if the futures
/// of the network and the timer are.
///
/// The runtimes of a process can share a resolver. A lookup never depends on another runtime, which
/// may be idle, busy or gone. Answers that are polled on a second runtime ask again there.
///
/// # Examples
///
/// No server is reachable, but the hosts file has the name:
///
/// ```
/// use futures_lite::StreamExt as _;
/// use stagger::resolve::Query;
/// use stagger::{Resolver as _, Target};
/// use stagger_dns::{Config, DnsResolver, Environment, Hosts};
/// use stagger_testkit::Clock;
/// # use std::{future, io, net::SocketAddr};
/// # use futures_lite::stream;
/// # struct Unplugged;
/// # impl stagger_dns::Network for Unplugged {
/// #     type Datagrams = stream::Once<io::Result<Vec<u8>>>;
/// #     type Reply = future::Ready<io::Result<Vec<u8>>>;
/// #     fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
/// #         stream::once(Err(io::ErrorKind::NetworkUnreachable.into()))
/// #     }
/// #     fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
/// #         future::ready(Err(io::ErrorKind::NetworkUnreachable.into()))
/// #     }
/// # }
///
/// let clock = Clock::new();
/// let hosts = Hosts::parse(b"192.0.2.1 www.example.com", &Environment::new()).value;
/// let resolver = DnsResolver::new(Config::new(), Unplugged, clock.clone()).with_hosts(hosts);
///
/// let query = Query::new(Target::parse("www.example.com:443")?);
/// let answer = clock.run(resolver.resolve(&query).next()).unwrap();
/// assert_eq!(answer.addresses().next(), Some(&"192.0.2.1:443".parse()?));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct DnsResolver<N, T, L = Numeric>
where
    N: Network,
    T: Timer,
{
    pub(super) setup: Arc<Setup<N, T>>,
    pub(super) policy: Option<Setting<AddressPolicy>>,
    pub(super) sources: SystemSourceAddresses,
    pub(super) literals: L,
}

impl<N: Network, T: Timer> DnsResolver<N, T> {
    /// A resolver that asks the servers of this configuration.
    ///
    /// It asks for both families, uses no hosts file, and leaves the addresses in the order of the
    /// replies.
    pub fn new(config: Config, network: N, timer: T) -> Self {
        let runtime = Arc::new(Runtime { network, timer });
        let setup = Setup {
            switch: Setting::given(Switch::default()),
            hosts: None,
            config: Setting::given(config),
            only_connected: false,
            route_preference: false,
            upstream: Arc::new(Upstream::new(runtime, CAPACITY, false)),
        };
        let (setup, sources) = (Arc::new(setup), SystemSourceAddresses::new());
        Self { setup, policy: None, sources, literals: Numeric }
    }
}

impl<R, T> DnsResolver<Sockets<R>, T, SystemResolver<T>>
where
    R: Default,
    Sockets<R>: Network,
    T: Timer + Clone + Default,
{
    /// A resolver with the configuration of this machine, over the runtime's own sockets and timer.
    ///
    /// See [Which machine](Self#which-machine).
    pub fn system() -> Self {
        Self::system_on(Sockets::default(), T::default())
    }
}

impl<R, T> Default for DnsResolver<Sockets<R>, T, SystemResolver<T>>
where
    R: Default,
    Sockets<R>: Network,
    T: Timer + Clone + Default,
{
    fn default() -> Self {
        Self::system()
    }
}

impl<N: Network, T: Timer + Clone> DnsResolver<N, T, SystemResolver<T>> {
    /// A resolver with the configuration of this machine, on this network and this timer.
    pub fn system_on(network: N, timer: T) -> Self {
        let environment = Environment::of_process();
        let literals = SystemResolver::new_on(timer.clone());
        let resolver = DnsResolver::new(Config::new(), network, timer)
            .with_config_file(WatchedFile::config("/etc/resolv.conf", environment.clone()))
            .with_hosts_file(WatchedFile::hosts("/etc/hosts", environment))
            .with_switch_file(WatchedFile::switch("/etc/nsswitch.conf"))
            .with_only_connected(true)
            .with_route_preference(true)
            .with_literals(literals);
        match AddressPolicy::of_machine() {
            Some(file) => resolver.with_address_policy_file(file),
            None => resolver.with_sorter(Sorter::new()),
        }
    }
}

impl<N, T, L> Resolver for DnsResolver<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    type Address = SocketAddr;
    type Error = DnsError;
    type Answers = DnsAnswers<N, T, L>;

    fn resolve(&self, query: &Query) -> DnsAnswers<N, T, L> {
        let answers = UnsortedAnswers::new(Arc::clone(&self.setup), &self.literals, query);
        let sorting = |policy: &Setting<_>| {
            AnswerSorting::new(policy.clone(), self.sources.clone(), query.families())
        };
        // A literal is one address.
        let is_name = matches!(query.target().host(), Host::Name(_));
        DnsAnswers::new(answers, self.policy.as_ref().filter(|_| is_name).map(sorting))
    }
}

impl<N: Network, T: Timer, L: Clone> Clone for DnsResolver<N, T, L> {
    fn clone(&self) -> Self {
        Self {
            setup: Arc::clone(&self.setup),
            policy: self.policy.clone(),
            sources: self.sources.clone(),
            literals: self.literals.clone(),
        }
    }
}

impl<N: Network, T: Timer, L> fmt::Debug for DnsResolver<N, T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsResolver")
            .field("switch", &self.setup.switch)
            .field("hosts", &self.setup.hosts)
            .field("config", &self.setup.config)
            .field("cache_capacity", &self.setup.upstream.capacity())
            .field("lingering", &self.setup.upstream.lingers())
            .field("only_connected", &self.setup.only_connected)
            .field("route_preference", &self.setup.route_preference)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
