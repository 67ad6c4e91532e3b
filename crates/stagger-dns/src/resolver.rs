//! The resolver over DNS. Long for what is said of each of its settings.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::boxed::BoxError;
use stagger::resolve::Query;
use stagger::sort::Sorter;
use stagger::target::Host;
use stagger::{Answer, Resolver, Timer};
use stagger_net::SystemResolver;
use stagger_net::system::SystemSourceAddresses;

use crate::answers::Unsorted;
use crate::client::Means;
use crate::error::DnsError;
use crate::linger::Linger;
use crate::numeric::Numeric;
use crate::origin::Origin;
use crate::setup::Setup;
use crate::sorting::Sorting;
use crate::upstream::Upstream;
use crate::{
    AddressPolicy, CACHE_CAPACITY, Config, Environment, Hosts, Network, Parsed, ServerPolicy,
    Sockets, Switch, Watched,
};

/// Resolves names by DNS, over a [`Network`] and a [`Timer`].
///
/// AAAA and A are asked for back to back, in one poll. Each is answered as soon as its reply is there,
/// even without addresses, so a slow family does not delay the other. A name that does not
/// exist and a lookup that failed are answered with their [`DnsError`]. A name without addresses of a
/// family is answered negatively. An answer has its TTL. So has a negative answer that may be kept.
///
/// HTTPS records are not looked up. A query for them is answered negatively at once.
///
/// # Which machine
///
/// [`new`](Self::new) uses only the configuration that it is given. [`system`](Self::system), which
/// an adapter has with its runtime's parts, uses the configuration of the machine:
///
/// - The name servers are in `/etc/resolv.conf`.
/// - `/etc/nsswitch.conf` sets whether and in which order `/etc/hosts` and the servers are asked, and
///   what follows from each result ([`with_switch_file`](Self::with_switch_file)).
/// - A name that has an address of a wanted family in `/etc/hosts` is answered with its addresses
///   there, in one answer. With `files dns`, the default, no server is asked then.
/// - Only the families in which the machine has connectivity are asked for
///   ([`with_only_connected`](Self::with_only_connected)).
/// - The family that the default routes prefer is preferred
///   ([`with_route_preference`](Self::with_route_preference)).
/// - The addresses are sorted as `getaddrinfo` sorts them. On Linux with glibc that is by
///   `/etc/gai.conf` ([`with_address_policy_file`](Self::with_address_policy_file)), elsewhere by
///   RFC 6724 ([`with_sorter`](Self::with_sorter)).
/// - All these files are read again when they have changed.
/// - The names of services and zones are known ([`with_literals`](Self::with_literals)).
///
/// # Names
///
/// A name that does not end in a dot is looked for in the search list of the [`Config`]. Both
/// families take every step together, so that all addresses belong to one and the same name.
///
/// Some names are never sent:
///
/// - `localhost` is `::1` and `127.0.0.1` (RFC 6761 §6.3). It is answered at once, and no file is read
///   for it. Addresses that a hosts file has for it are added if the file was read already.
/// - A name below it, such as `app.localhost`, is looked up in the hosts file. If the file does not
///   have the name, it is `::1` and `127.0.0.1`.
/// - Names below `invalid` (RFC 6761 §6.4), `onion` (RFC 7686 §2) and `alt` (RFC 9476 §2) do not
///   exist, unless the hosts file has them. One of these labels alone is looked for in the search
///   list and nowhere else.
/// - A name below `.local` is refused if the [switch](Switch) has a source such as `mdns4_minimal`
///   before `dns`. The machine leaves such names to multicast DNS. The exception is a name that ends
///   in a domain of the search list or of [`Config::with_unicast_domains`].
///
/// `ipv4only.arpa` is asked for as it is, without the search list (RFC 8880 §7.1).
///
/// Literals are never sent. The resolver of [`with_literals`](Self::with_literals) answers them. It
/// also finds the port of a service name before any question is sent.
///
/// # What is shared
///
/// Clones share the following:
///
/// - Answers are [remembered](Self::with_cache_capacity) until their TTL is over.
/// - Equal lookups in flight are joined. The second lookup of a name and a record sends nothing, and
///   has the outcome of the first. Lookups on different [reactors](Network::reactor) are not joined.
/// - How long each server takes, which servers are asked last, and which questions all servers
///   failed on ([`ServerPolicy`]).
/// - Lookups that [linger](Self::with_lingering).
/// - Which servers answer AAAA too late, or never. After eight lookups without a timely AAAA, answers
///   of that server say that the resolution delay [is spent](Answer::with_delay_spent). Connects then
///   do not wait for AAAA. It is timely up to [`RESOLUTION_DELAY`](stagger::Policy::RESOLUTION_DELAY) after
///   the A. One timely AAAA ends this. AAAA is always asked for.
///
/// A new [`Config`] discards all of them, because it usually means another network.
///
/// # Cancel safety
///
/// Dropping the answers abandons the lookups and closes their sockets, unless others share them or
/// they [linger](Self::with_lingering). A file that is being read is read to its end.
///
/// # Runtime
///
/// Nothing is spawned except the reading of files, on the threads of the pool for lookups. The answers
/// can be polled by any executor on which the network and the timer work, and are `Send` if the futures of
/// these are.
///
/// Runtimes of one process can share a resolver. A lookup never depends on another runtime, which
/// may be idle, busy or gone. Answers that are polled on a second runtime ask again there.
pub struct DnsResolver<N, T, L = Numeric>
where
    N: Network,
    T: Timer,
{
    setup: Arc<Setup<N, T>>,
    policy: Option<Origin<AddressPolicy>>,
    sources: SystemSourceAddresses,
    literals: L,
}

impl<N: Network, T: Timer> DnsResolver<N, T> {
    /// A resolver that asks the servers of this configuration: for both families, without a hosts
    /// file, and in the order of the replies.
    pub fn new(config: Config, network: N, timer: T) -> Self {
        let means = Arc::new(Means { network, timer });
        let setup = Setup {
            switch: Origin::given(Switch::default()),
            hosts: None,
            config: Origin::given(config),
            only_connected: false,
            route_preference: false,
            upstream: Arc::new(Upstream::new(means, CACHE_CAPACITY, false)),
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
    /// A resolver that does as this machine does, with the runtime's own sockets and timer.
    pub fn system() -> Self {
        Self::system_over(Sockets::default(), T::default())
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
    /// A resolver that does as this machine does, over another network.
    pub fn system_over(network: N, timer: T) -> Self {
        let environment = Environment::of_process();
        let literals = SystemResolver::new_on(timer.clone());
        let resolver = DnsResolver::new(Config::new(), network, timer)
            .with_config_file(Watched::config("/etc/resolv.conf", environment.clone()))
            .with_hosts_file(Watched::hosts("/etc/hosts", environment))
            .with_switch_file(Watched::switch("/etc/nsswitch.conf"))
            .with_only_connected(true)
            .with_route_preference(true)
            .with_literals(literals);
        match AddressPolicy::of_machine() {
            Some(file) => resolver.with_address_policy_file(file),
            None => resolver.with_sorter(Sorter::new()),
        }
    }
}

impl<N: Network, T: Timer, L> DnsResolver<N, T, L> {
    /// Sets the resolver that answers literals and finds the port of a service. For a service it is
    /// asked for the address `127.0.0.1` with that service, and the port of its first answer counts.
    /// It is never asked for the name of a host. [`SystemResolver`] knows the names of services and
    /// zones.
    ///
    /// The default is [`Numeric`], for which the name of a service or a zone is an error.
    pub fn with_literals<M>(self, literals: M) -> DnsResolver<N, T, M>
    where
        M: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
    {
        let Self { setup, policy, sources, .. } = self;
        DnsResolver { setup, policy, sources, literals }
    }

    /// Asks the servers of this configuration. Clones made before share nothing with this one.
    pub fn with_config(self, config: Config) -> Self {
        self.asking(Origin::given(config))
    }

    /// Asks the servers that this file names at the time. If it can't be read, that is the answer.
    /// Clones made before share nothing with this one.
    pub fn with_config_file(self, file: Watched<Parsed<Config>>) -> Self {
        self.asking(Origin::File(file))
    }

    fn asking(mut self, config: Origin<Config>) -> Self {
        self.change().config = config;
        let capacity = self.setup.upstream.capacity();
        self.with_cache_capacity(capacity)
    }

    /// Sets the names that are answered without a server, if the [switch](Self::with_switch) has `files`.
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.change().hosts = Some(Origin::given(hosts));
        self
    }

    /// Answers the names of this file without a server, as the file is at the time. If it can't be
    /// read, that is a [provisional](Answer::with_provisional) answer, and the servers are asked.
    pub fn with_hosts_file(mut self, file: Watched<Parsed<Hosts>>) -> Self {
        self.change().hosts = Some(Origin::File(file));
        self
    }

    /// Uses no hosts file. The source `files` is then unavailable.
    pub fn without_hosts(mut self) -> Self {
        self.change().hosts = None;
        self
    }

    /// Sets the order in which the hosts file and the servers are asked. The default is `files dns`.
    ///
    /// The resolver supports `files`, if there is a hosts file, and `dns`. Any other of the
    /// [sources](Switch::sources) is unavailable, and so is a source that is named again. An
    /// unavailable source is skipped, unless its action for that ends the lookup. The results of the
    /// two are:
    ///
    /// | status | `files` | `dns` |
    /// | --- | --- | --- |
    /// | [`Success`](crate::Status::Success) | it has an address of a wanted family | so has a server, of either |
    /// | [`NotFound`](crate::Status::NotFound) | it has none | both families have none, or there is no such name |
    /// | [`Unavailable`](crate::Status::Unavailable) | it is not there, or can't be read | anything else, such as no answer in time |
    ///
    /// With a search list, the last name that was asked for decides.
    ///
    /// A source that is left out is never asked. If no source that may be asked has the name, the error
    /// says so. Names that are never sent are answered in the place of `dns`. For names below
    /// `localhost`, `dns` is unavailable.
    ///
    /// After a success, `continue` replaces this result by the result of the next source, as in glibc.
    /// `merge` ends the lookup with an error even after a success, unless no source follows, as in
    /// glibc. It is only for groups of users. If servers failed and the hosts file
    /// has the name, their failure is [provisional](Answer::with_provisional).
    ///
    /// An answer with addresses of one family is returned when it comes. An answer without addresses
    /// waits for the other family only if the hosts file may be asked after the servers.
    ///
    /// # Examples
    ///
    /// A name that is in the hosts file leads to a server of the program's own only when no name
    /// server answers:
    ///
    /// ```
    /// use stagger_dns::{Config, DnsResolver, Environment, Hosts, Switch};
    /// # use std::{future, io, net::SocketAddr};
    /// # use futures_lite::{StreamExt as _, stream};
    /// # use stagger::resolve::Query;
    /// # use stagger::{Resolver as _, Target};
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
    /// # let clock = stagger_testkit::Clock::new();
    /// let hosts = Hosts::parse(b"192.0.2.1 www.example.com", &Environment::new()).value;
    /// let switch: Switch = "dns [!UNAVAIL=return] files".parse()?;
    /// let resolver = DnsResolver::new(Config::new(), Unplugged, clock.clone())
    ///     .with_hosts(hosts)
    ///     .with_switch(switch);
    ///
    /// let query = Query::new(Target::parse("www.example.com:443")?);
    /// let answers = clock.run(resolver.resolve(&query).collect::<Vec<_>>());
    /// assert!(answers[0].is_provisional() && answers[1].is_provisional());
    /// assert_eq!(answers[2].addresses().next().unwrap().to_string(), "192.0.2.1:443");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_switch(mut self, switch: Switch) -> Self {
        self.change().switch = Origin::given(switch);
        self
    }

    /// Asks as the `hosts` line of this file says at the time; see [`with_switch`](Self::with_switch).
    /// Without the file it is `files dns`. If the file can't be read, it is `files dns` too, and there
    /// is a [provisional](Answer::with_provisional) answer that says so.
    pub fn with_switch_file(mut self, file: Watched<Parsed<Switch>>) -> Self {
        self.change().switch = Origin::File(file);
        self
    }

    /// What is set up, for a change that clones made before do not see.
    fn change(&mut self) -> &mut Setup<N, T> {
        Arc::make_mut(&mut self.setup)
    }

    /// Remembers at most this number of answers, by name and family, and none with 0. The default is
    /// [`CACHE_CAPACITY`]. Clones made before share nothing with this one.
    ///
    /// This does not limit remembered failures of servers;
    /// [`with_server_policy`](Self::with_server_policy) does. Answers of more than 256 addresses are
    /// not remembered.
    pub fn with_cache_capacity(mut self, capacity: usize) -> Self {
        let upstream = &self.setup.upstream;
        let upstream = Arc::new(upstream.anew(capacity, upstream.lingers()));
        self.change().upstream = upstream;
        self
    }

    /// Whether lookups that have been dropped stay in flight for a while, so that their outcomes are
    /// [remembered](Self::with_cache_capacity). Unless set, they do not, and dropping answers closes
    /// their sockets at once. Clones made before share nothing with this one.
    ///
    /// A connect drops its lookups when it has won, often before the slower family has answered.
    /// Without lingering the next connect asks for that family again, and is likely to drop it again.
    /// draft-ietf-happy-happyeyeballs-v3 §6 wants such replies taken in for about a second.
    ///
    /// With lingering, a lookup whose last answers are dropped stays in flight for
    /// [`LINGER_TIMEOUT`](stagger::resolve::LINGER_TIMEOUT), or until it ends. At most
    /// [`MAX_LINGERING`](stagger::resolve::MAX_LINGERING) lookups linger on a [reactor](Network::reactor); one
    /// more drops the oldest. A new lookup of the same name and record joins the lingering one.
    ///
    /// Nothing is spawned, so a lingering lookup makes progress only when one of these is polled on the
    /// same reactor:
    ///
    /// - the answers to any later query that this resolver or a clone looks up over DNS;
    /// - the future of [`linger`](Self::linger).
    ///
    /// Otherwise the sockets of lingering lookups stay open until the next query is looked up. They are
    /// also closed when the last clone of the resolver and its answers are dropped. A lookup whose
    /// time is over is closed unread, because its reply may have come long ago.
    pub fn with_lingering(mut self, lingering: bool) -> Self {
        let upstream = &self.setup.upstream;
        let upstream = Arc::new(upstream.anew(upstream.capacity(), lingering));
        self.change().upstream = upstream;
        self
    }

    /// Polls the lookups that [linger](Self::with_lingering), and ends when no lookup lingers.
    ///
    /// A program can spawn it after a connect. It polls the lookups that linger on the reactor on which
    /// it is polled, and those that begin to linger there later. It ends at once if no lookup lingers
    /// there, and at most [`LINGER_TIMEOUT`](stagger::resolve::LINGER_TIMEOUT) after the last lookup was
    /// dropped. A lookup of another [`Config`] than the current one does not linger.
    ///
    /// Until it ends, it holds the resolver's settings and cache. It keeps no lookup longer than
    /// lingering does, and holds no answers and no connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the lookups as they are. They go on to linger, and another future or a
    /// later lookup can poll them. Several of these futures may run at the same time.
    ///
    /// # Examples
    ///
    /// A server never answers. The lookup is dropped after 100 ms, and its socket is closed a second
    /// later:
    ///
    /// ```
    /// use futures_lite::StreamExt as _;
    /// use stagger::resolve::Query;
    /// use stagger::{Resolver as _, Target};
    /// use stagger_dns::{Config, DnsResolver};
    /// use stagger_testkit::{Clock, ms};
    /// # use std::{future, io, net::SocketAddr};
    /// # use futures_lite::stream;
    /// # struct Silent;
    /// # impl stagger_dns::Network for Silent {
    /// #     type Datagrams = stream::Pending<io::Result<Vec<u8>>>;
    /// #     type Reply = future::Pending<io::Result<Vec<u8>>>;
    /// #     fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
    /// #         stream::pending()
    /// #     }
    /// #     fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
    /// #         future::pending()
    /// #     }
    /// # }
    ///
    /// let clock = Clock::new();
    /// let resolver =
    ///     DnsResolver::new(Config::new(), Silent, clock.clone()).with_lingering(true);
    /// let query = Query::new(Target::parse("www.example.com:443")?);
    /// let mut answers = Box::pin(resolver.resolve(&query));
    /// let first = Box::pin(answers.next());
    /// assert!(clock.run_until(ms(100), std::pin::pin!(first)).is_pending());
    ///
    /// drop(answers);
    /// clock.run(resolver.linger());
    /// assert_eq!(clock.elapsed(), ms(1100));
    /// # Ok::<_, stagger::target::TargetError>(())
    /// ```
    pub fn linger(&self) -> Linger<N, T> {
        Linger::new(Arc::clone(&self.setup.upstream))
    }

    /// Forgets all answers, all failures, and what was learned of servers, for all clones. It drops the
    /// lookups that [linger](Self::with_lingering). Answers to other lookups in flight are still
    /// remembered.
    pub fn clear_cache(&self) {
        self.setup.upstream.forget();
    }

    /// Sets how long the resolver waits for its servers, and what it remembers of them. The default is
    /// [`ServerPolicy::new`]. Clones made before share nothing with this one.
    pub fn with_server_policy(mut self, policy: ServerPolicy) -> Self {
        let upstream = Arc::new(self.setup.upstream.with_policy(policy));
        self.change().upstream = upstream;
        self
    }

    /// Whether to ask only for the families in which this machine has
    /// [connectivity](stagger_net::system::Connectivity), as it is when servers are about to be asked
    /// (draft-ietf-happy-happyeyeballs-v3 §4.1). A query for one family is left as it is, and
    /// so is what is known without asking. Where nothing is connected both are asked for.
    pub fn with_only_connected(mut self, only_connected: bool) -> Self {
        self.change().only_connected = only_connected;
        self
    }

    /// Whether answers set which family the machine's default routes
    /// [prefer](stagger_net::system::Connectivity::preferred), as it is when servers are about to be asked
    /// (draft-ietf-happy-happyeyeballs-v3 §4.2). Every answer after that sets it. A query for one
    /// family reads no routes, nor does a name that is known without asking.
    /// [`Policy::with_preferred_family`](stagger::Policy::with_preferred_family) wins over it.
    ///
    /// It is off for [`new`](Self::new) and on for [`system`](Self::system).
    pub fn with_route_preference(mut self, route_preference: bool) -> Self {
        self.change().route_preference = route_preference;
        self
    }

    /// Sorts answers with this sorter, by the source addresses that the machine has for them at the
    /// time. It also sets which family leads, as [`SortedResolver`](stagger::resolve::SortedResolver) does.
    /// With `None` the order is that of the replies.
    ///
    /// If the table has IPv4 before IPv6 (RFC 6724 §10.3), a race waits for A and not for AAAA. The
    /// exception is a machine on which IPv6 alone has a default route.
    pub fn with_sorter(mut self, sorter: impl Into<Option<Sorter>>) -> Self {
        self.policy = sorter.into().map(|sorter| Origin::given(sorter.into()));
        self
    }

    /// Sorts answers by the policy of this file, as it is at the time; see
    /// [`with_sorter`](Self::with_sorter). Without a readable file the order is glibc's default.
    ///
    /// The file is read while the names are looked up. It is read again when it has changed, as all
    /// files of a resolver are. `getaddrinfo` reads it again only where it says `reload yes`,
    /// because a change is not safe there while other threads sort.
    pub fn with_address_policy_file(mut self, file: Watched<Parsed<AddressPolicy>>) -> Self {
        self.policy = Some(Origin::File(file));
        self
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
        let answers = Unsorted::new(Arc::clone(&self.setup), &self.literals, query);
        let sorting = |policy: &Origin<_>| {
            Sorting::new(policy.clone(), self.sources.clone(), query.families())
        };
        // A literal is one address.
        let is_name = matches!(query.target().host(), Host::Name(_));
        DnsAnswers { answers, sorting: self.policy.as_ref().filter(|_| is_name).map(sorting) }
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

pin_project! {
    /// What a [`DnsResolver`] answers: once for each family asked for, or once for both where the
    /// hosts file has the name.
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the lookups, as [`DnsResolver`] says.
    #[must_use = "streams do nothing unless polled"]
    pub struct DnsAnswers<N, T, L>
    where
        N: Network,
        T: Timer,
        L: Resolver,
    {
        #[pin]
        answers: Unsorted<N, T, L>,
        sorting: Option<Sorting>,
    }
}

impl<N, T, L> Stream for DnsAnswers<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    type Item = Answer<SocketAddr, DnsError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let mut answers = this.answers;
        match this.sorting {
            None => answers.poll_next(cx),
            Some(sorting) => {
                sorting.begin(|| answers.now());
                sorting.poll_next(cx, |cx| answers.as_mut().poll_next(cx))
            }
        }
    }
}

impl<N: Network, T: Timer, L: Resolver> fmt::Debug for DnsAnswers<N, T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorting.is_some();
        f.debug_struct("DnsAnswers").field("sorted", &sorted).finish_non_exhaustive()
    }
}
