//! The settings of a resolver. The file is long because each setting has its rules in its docs.

use std::net::SocketAddr;
use std::sync::Arc;

use stagger::boxed::BoxError;
use stagger::sort::Sorter;
use stagger::{Resolver, Timer};

use super::finish_lookups::FinishLookups;
use super::resolver::DnsResolver;
use super::setup::Setup;
use crate::config::Parsed;
use crate::config::address_policy::AddressPolicy;
use crate::config::hosts::Hosts;
use crate::config::resolv_conf::Config;
use crate::config::setting::Setting;
use crate::config::switch::Switch;
use crate::config::watched_file::WatchedFile;
use crate::network::seam::Network;
use crate::server_policy::ServerPolicy;

impl<N: Network, T: Timer, L> DnsResolver<N, T, L> {
    /// Sets the resolver that answers literals and finds the port of a service.
    ///
    /// For a service it is asked for the address `127.0.0.1` with that service, and the port of its
    /// first answer counts. It is never asked for the name of a host.
    /// [`SystemResolver`](stagger_net::SystemResolver) knows the names of services and zones.
    ///
    /// The default is [`Numeric`](crate::resolve::Numeric), for which the name of a service or a
    /// zone is an error.
    pub fn with_literals<M>(self, literals: M) -> DnsResolver<N, T, M>
    where
        M: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
    {
        let Self { setup, policy, sources, .. } = self;
        DnsResolver { setup, policy, sources, literals }
    }

    /// The resolver that answers literals and finds the port of a service.
    pub fn literals(&self) -> &L {
        &self.literals
    }

    /// Sets the configuration whose servers are asked. Earlier clones share nothing with this one.
    pub fn with_config(self, config: Config) -> Self {
        self.with_config_setting(Setting::given(config))
    }

    /// The configuration, unless it comes from a [file](Self::config_file).
    pub fn config(&self) -> Option<&Config> {
        self.setup.config.given_value()
    }

    /// Sets the file whose servers are asked, as its content is at the time of a query.
    ///
    /// If the file can't be read, the answer is that failure. Earlier clones share nothing with
    /// this one.
    pub fn with_config_file(self, file: WatchedFile<Parsed<Config>>) -> Self {
        self.with_config_setting(Setting::File(file))
    }

    /// The file of the configuration, if there is one.
    pub fn config_file(&self) -> Option<&WatchedFile<Parsed<Config>>> {
        self.setup.config.file()
    }

    fn with_config_setting(mut self, config: Setting<Config>) -> Self {
        self.setup_mut().config = config;
        let capacity = self.setup.upstream.capacity();
        self.with_cache_capacity(capacity)
    }

    /// Sets the names that are answered without a server, if the [switch](Self::with_switch) has
    /// `files`.
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.setup_mut().hosts = Some(Setting::given(hosts));
        self
    }

    /// The names that are answered without a server, unless they come from a
    /// [file](Self::hosts_file).
    pub fn hosts(&self) -> Option<&Hosts> {
        self.setup.hosts.as_ref()?.given_value()
    }

    /// Sets the hosts file, whose names are answered without a server.
    ///
    /// Its content is that at the time of a query. If it can't be read, that is a
    /// [provisional](stagger::Answer::with_provisional) answer, and the servers are asked.
    pub fn with_hosts_file(mut self, file: WatchedFile<Parsed<Hosts>>) -> Self {
        self.setup_mut().hosts = Some(Setting::File(file));
        self
    }

    /// The hosts file, if there is one.
    pub fn hosts_file(&self) -> Option<&WatchedFile<Parsed<Hosts>>> {
        self.setup.hosts.as_ref()?.file()
    }

    /// Uses no hosts file. The source `files` is then unavailable.
    pub fn without_hosts(mut self) -> Self {
        self.setup_mut().hosts = None;
        self
    }

    /// Sets the order in which the hosts file and the servers are asked.
    ///
    /// The default is `files dns`.
    ///
    /// The resolver supports `files`, if there is a hosts file, and `dns`. Any other of the
    /// [sources](Switch::sources) is unavailable, and so is a source that is named again. An
    /// unavailable source is skipped, unless its action for that status ends the lookup. The two
    /// sources have these results:
    ///
    /// | status | `files` | `dns` |
    /// | --- | --- | --- |
    /// | [`Success`] | it has an address of a wanted family | a server has one of either family |
    /// | [`NotFound`] | it has no such address | no family has one, or the name does not exist |
    /// | [`Unavailable`] | it is missing, or can't be read | anything else, such as a timeout |
    ///
    /// With a search list, the last name that was asked for decides.
    ///
    /// A source that is left out is never asked. If no source that may be asked has the name, the
    /// error says so. Names that are never sent are answered in the place of `dns`. For names below
    /// `localhost`, `dns` is unavailable.
    ///
    /// After a success, `continue` replaces this result by the result of the next source. `merge`
    /// ends the lookup with an error, even after a success, unless no source follows. Both are as
    /// in glibc, where `merge` is for groups of users. If servers failed and the hosts file has the
    /// name, their failure is [provisional](stagger::Answer::with_provisional).
    ///
    /// An answer with addresses of one family is returned when it comes. An answer without
    /// addresses waits for the other family only if the hosts file may be asked after the servers.
    ///
    /// [`Success`]: crate::config::SwitchStatus::Success
    /// [`NotFound`]: crate::config::SwitchStatus::NotFound
    /// [`Unavailable`]: crate::config::SwitchStatus::Unavailable
    ///
    /// # Examples
    ///
    /// The hosts file is only used if no name server answers:
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
        self.setup_mut().switch = Setting::given(switch);
        self
    }

    /// The order of the sources, unless it comes from a [file](Self::switch_file).
    pub fn switch(&self) -> Option<&Switch> {
        self.setup.switch.given_value()
    }

    /// Sets the file whose `hosts` line is the order of the sources, as it is at the time of a
    /// query.
    ///
    /// See [`with_switch`](Self::with_switch). If the file is missing or can't be read, the order
    /// is `files dns`. A file that can't be read is also a
    /// [provisional](stagger::Answer::with_provisional) answer.
    pub fn with_switch_file(mut self, file: WatchedFile<Parsed<Switch>>) -> Self {
        self.setup_mut().switch = Setting::File(file);
        self
    }

    /// The file with the order of the sources, if there is one.
    pub fn switch_file(&self) -> Option<&WatchedFile<Parsed<Switch>>> {
        self.setup.switch.file()
    }

    /// The setup, for a change that earlier clones do not see.
    fn setup_mut(&mut self) -> &mut Setup<N, T> {
        Arc::make_mut(&mut self.setup)
    }

    /// Sets how many answers are cached at most, by name and family. With 0 no answer is cached.
    ///
    /// The default is [`cache::CAPACITY`](crate::cache::CAPACITY). Earlier clones share nothing
    /// with this one. Answers of more than 256 addresses are not cached.
    ///
    /// Cached failures of servers have a limit of their own, and
    /// [`with_server_policy`](Self::with_server_policy) turns them off.
    pub fn with_cache_capacity(mut self, capacity: usize) -> Self {
        let upstream = &self.setup.upstream;
        let upstream = Arc::new(upstream.anew(capacity, upstream.lingers()));
        self.setup_mut().upstream = upstream;
        self
    }

    /// How many answers are cached at most.
    pub fn cache_capacity(&self) -> usize {
        self.setup.upstream.capacity()
    }

    /// Sets whether dropped lookups stay in flight for a while, so that their results are
    /// [cached](Self::with_cache_capacity). The default is false: dropping answers closes their
    /// sockets at once. Earlier clones share nothing with this one.
    ///
    /// A connect drops its lookups when it has won, often before the slower family has answered.
    /// Without lingering the next connect asks for that family again, and is likely to drop it
    /// again. draft-ietf-happy-happyeyeballs-v3 §6 recommends to accept such replies for about a
    /// second.
    ///
    /// With lingering, a lookup whose last answers are dropped stays in flight for
    /// [`LINGER_TIMEOUT`](stagger::resolve::LINGER_TIMEOUT), or until it ends. At most
    /// [`MAX_LINGERING`](stagger::resolve::MAX_LINGERING) lookups linger on a
    /// [reactor](Network::reactor). One more drops the oldest. A new lookup of the same name and
    /// record joins the lingering one.
    ///
    /// Nothing is spawned. A lingering lookup makes progress only when one of these is polled on
    /// the same reactor:
    ///
    /// - the answers to any later query that this resolver or a clone looks up over DNS;
    /// - the future of [`linger`](Self::linger).
    ///
    /// Otherwise the sockets of lingering lookups stay open until the next query is looked up. They
    /// are also closed when the last clone of the resolver and its answers are dropped. A lookup
    /// whose time is over is closed unread, because its reply may have come long ago.
    pub fn with_lingering(mut self, lingering: bool) -> Self {
        let upstream = &self.setup.upstream;
        let upstream = Arc::new(upstream.anew(upstream.capacity(), lingering));
        self.setup_mut().upstream = upstream;
        self
    }

    /// Whether dropped lookups stay in flight for a while.
    pub fn lingering(&self) -> bool {
        self.setup.upstream.lingers()
    }

    /// Polls the lookups that [linger](Self::with_lingering), and ends when no lookup lingers.
    ///
    /// A program can spawn it after a connect. It polls the lookups that linger on the reactor on
    /// which it is polled, and those that begin to linger there later. It ends at once if no lookup
    /// lingers there, and at most [`LINGER_TIMEOUT`](stagger::resolve::LINGER_TIMEOUT) after the
    /// last lookup was dropped. Lookups of an earlier [`Config`] do not linger.
    ///
    /// Until it ends, it holds the resolver's settings and cache. It keeps no lookup longer than
    /// lingering does, and holds no answers and no connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the lookups as they are. They still linger, and another future or a later
    /// lookup can poll them. Several of these futures may run at the same time.
    ///
    /// # Examples
    ///
    /// A server never answers. The lookup is dropped after 100 ms, and its socket is closed a
    /// second later:
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
    pub fn linger(&self) -> FinishLookups<N, T> {
        FinishLookups::new(Arc::clone(&self.setup.upstream))
    }

    /// Forgets all answers, all failures, and all that was learned about servers, for all clones.
    ///
    /// It also drops the lookups that [linger](Self::with_lingering). The results of other lookups
    /// in flight are still cached.
    pub fn clear_cache(&self) {
        self.setup.upstream.forget();
    }

    /// Sets how long the resolver waits for its servers, and what it remembers about them.
    ///
    /// The default is [`ServerPolicy::new`]. Earlier clones share nothing with this one.
    pub fn with_server_policy(mut self, policy: ServerPolicy) -> Self {
        let upstream = Arc::new(self.setup.upstream.with_policy(policy));
        self.setup_mut().upstream = upstream;
        self
    }

    /// How long the resolver waits for its servers, and what it remembers about them.
    pub fn server_policy(&self) -> ServerPolicy {
        self.setup.upstream.policy()
    }

    /// Sets whether to ask only for the families in which this machine has
    /// [connectivity](stagger_net::system::Connectivity) (draft-ietf-happy-happyeyeballs-v3 §4.1).
    ///
    /// The resolver looks at the routes each time before it asks servers. It leaves a query for one
    /// family as it is. If no family has connectivity, it asks for both. Behind a
    /// [NAT64](stagger_net::nat64) it asks for A although only IPv6 has connectivity.
    pub fn with_only_connected(mut self, only_connected: bool) -> Self {
        self.setup_mut().only_connected = only_connected;
        self
    }

    /// Whether to ask only for the families in which this machine has connectivity.
    pub fn only_connected(&self) -> bool {
        self.setup.only_connected
    }

    /// Sets whether answers set the family that the machine's default routes
    /// [prefer](stagger_net::system::Connectivity::preferred) (draft-ietf-happy-happyeyeballs-v3
    /// §4.2).
    ///
    /// The resolver looks at the routes each time before it asks servers, and every answer after
    /// that sets the family. It reads no routes for a query for one family, and for names that it
    /// answers without a server.
    /// [`Policy::with_preferred_family`](stagger::Policy::with_preferred_family) overrides it.
    ///
    /// It is off for [`new`](Self::new) and on for [`system`](Self::system).
    pub fn with_route_preference(mut self, route_preference: bool) -> Self {
        self.setup_mut().route_preference = route_preference;
        self
    }

    /// Whether answers set the family that the machine's default routes prefer.
    pub fn route_preference(&self) -> bool {
        self.setup.route_preference
    }

    /// Sets the sorter of answers, which uses the source addresses that the machine has at the
    /// time.
    ///
    /// It also sets which family leads, as [`SortedResolver`](stagger::resolve::SortedResolver)
    /// does. If its table has IPv4 before IPv6 (RFC 6724 §10.3), a race waits for A and not for
    /// AAAA. The exception is a machine on which only IPv6 has a default route.
    pub fn with_sorter(mut self, sorter: Sorter) -> Self {
        self.policy = Some(Setting::given(sorter.into()));
        self
    }

    /// Leaves the addresses in the order of the replies. This unsets the sorter or the file of it.
    pub fn without_sorter(mut self) -> Self {
        self.policy = None;
        self
    }

    /// The sorter of answers, unless it comes from a [file](Self::address_policy_file).
    pub fn sorter(&self) -> Option<&Sorter> {
        self.policy.as_ref()?.given_value().map(AddressPolicy::sorter)
    }

    /// Sets the file whose policy sorts answers, as it is at the time of a query.
    ///
    /// See [`with_sorter`](Self::with_sorter). If the file is missing or can't be read, the order
    /// is glibc's default.
    ///
    /// The file is read while the names are looked up, and again when it has changed. `getaddrinfo`
    /// reads it again only if it says `reload yes`, because a change is not safe there while other
    /// threads sort.
    pub fn with_address_policy_file(mut self, file: WatchedFile<Parsed<AddressPolicy>>) -> Self {
        self.policy = Some(Setting::File(file));
        self
    }

    /// The file whose policy sorts answers, if there is one.
    pub fn address_policy_file(&self) -> Option<&WatchedFile<Parsed<AddressPolicy>>> {
        self.policy.as_ref()?.file()
    }
}
