//! The resolver over DNS.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::destination::Sorter;
use stagger::{Answer, BoxError, Query, Resolver, SortedAnswers, Timer};
use stagger_net::{SystemResolver, SystemSources};

use crate::answers::{Setup, Unsorted};
use crate::client::Means;
use crate::error::DnsError;
use crate::numeric::Numeric;
use crate::origin::Origin;
use crate::upstream::Upstream;
use crate::{CACHE_CAPACITY, Config, Environment, Hosts, Network, Parsed, Sockets, Watched};

/// Resolves names by DNS, over a [`Network`] and a [`Timer`].
///
/// AAAA and A are asked for back to back, in one poll, and each is answered the moment its reply is
/// there, also if the reply is that there is nothing: a slow one holds the other up in nothing. A
/// name that does not exist and a lookup that failed are answered with their [`DnsError`], a name
/// without addresses of a family with a negative answer. An answer has its TTL, a negative one too
/// if it may be kept.
///
/// # Which machine
///
/// [`new`](Self::new) knows of the machine what it is given and nothing else.
/// [`system`](Self::system), which an adapter has with its runtime's parts, does as the machine does:
///
/// - Whom to ask is in `/etc/resolv.conf`, which is read again when it has changed.
/// - `/etc/hosts` goes before all servers. A name that has an address of a wanted family there is
///   answered with these, in one, and nothing is asked. It is the order `files dns` of
///   nsswitch.conf(5), which itself is not obeyed: whatever else it names is for the system's own
///   resolver.
/// - Of the two families only those are asked for that lead anywhere at the time
///   ([`with_only_connected`](Self::with_only_connected)).
/// - The addresses are sorted ([`with_sorter`](Self::with_sorter)).
/// - The names of services and zones are known ([`with_literals`](Self::with_literals)).
///
/// # Names
///
/// A name that does not end in a dot is looked for in the search list of the [`Config`]. Both
/// families take every step together, so that all addresses belong to one and the same name.
///
/// Some names never go out: `localhost` and all below it are this machine (RFC 6761 §6.3), `invalid`
/// (RFC 6761 §6.4) and `onion` (RFC 7686 §2) do not exist. The hosts file alone may say otherwise.
///
/// Nor do literals. They are left to the resolver of [`with_literals`](Self::with_literals), and so
/// is the port of a service given by its name, which is found before anything is asked for.
///
/// # What is shared
///
/// Answers are [remembered](Self::with_cache_capacity) until their TTL is over. Lookups in flight are
/// joined: who asks for the same name and family as another gets the same answer and nothing is
/// sent. Clones share all of it. When another [`Config`] is read, which is what another network
/// looks like, everything begins anew.
///
/// # Cancel safety
///
/// Dropping the answers abandons the lookups and closes their sockets, unless others share them. A
/// file that is being read is read to its end.
///
/// # Runtime
///
/// Nothing is spawned but the reading of files, on the threads of `blocking`. The answers can be
/// polled by any executor on which the network and the timer work, and are `Send` if the futures of
/// these are.
pub struct DnsResolver<N, T, L = Numeric>
where
    N: Network,
    T: Timer,
{
    setup: Setup<N, T>,
    sorter: Option<Arc<Sorter>>,
    sources: SystemSources,
    literals: L,
}

impl<N: Network, T: Timer> DnsResolver<N, T> {
    /// A resolver that asks the servers of this configuration: for both families, without a hosts
    /// file, and in the order of the replies.
    pub fn new(config: Config, network: N, timer: T) -> Self {
        let means = Arc::new(Means { network, timer });
        let setup = Setup {
            config: Origin::given(config),
            hosts: None,
            only_connected: false,
            upstream: Arc::new(Upstream::new(means, CACHE_CAPACITY)),
        };
        Self { setup, sorter: None, sources: SystemSources::new(), literals: Numeric }
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
        let literals = SystemResolver::with_timer(timer.clone());
        DnsResolver::new(Config::new(), network, timer)
            .with_config_file(Watched::config("/etc/resolv.conf", environment.clone()))
            .with_hosts_file(Watched::hosts("/etc/hosts", environment))
            .with_only_connected(true)
            .with_sorter(Sorter::new())
            .with_literals(literals)
    }
}

impl<N: Network, T: Timer, L> DnsResolver<N, T, L> {
    /// Leaves literals to this resolver, and asks it for the port of a service: it is given the
    /// address `127.0.0.1` with the service, and the port is that of its first answer. The system's
    /// own resolver is the right one, for it knows the names of services and zones; of names of
    /// hosts it hears nothing.
    ///
    /// Unless set, it is [`Numeric`], for which a service or a zone by name is an error.
    pub fn with_literals<M>(self, literals: M) -> DnsResolver<N, T, M>
    where
        M: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
    {
        let Self { setup, sorter, sources, .. } = self;
        DnsResolver { setup, sorter, sources, literals }
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
        self.setup.config = config;
        let capacity = self.setup.upstream.capacity();
        self.with_cache_capacity(capacity)
    }

    /// Knows these names without asking.
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.setup.hosts = Some(Origin::given(hosts));
        self
    }

    /// Knows the names of this file without asking, as it is at the time. If it can't be read, that
    /// is an answer, but not [the last word](Answer::interim): the servers are asked.
    pub fn with_hosts_file(mut self, file: Watched<Parsed<Hosts>>) -> Self {
        self.setup.hosts = Some(Origin::File(file));
        self
    }

    /// Looks into no hosts file.
    pub fn without_hosts(mut self) -> Self {
        self.setup.hosts = None;
        self
    }

    /// Remembers so many answers in place of [`CACHE_CAPACITY`], by name and family, and none with
    /// 0. Failures are not remembered, nor are answers of more than 256 addresses. Clones made
    /// before share nothing with this one.
    pub fn with_cache_capacity(mut self, capacity: usize) -> Self {
        self.setup.upstream = Arc::new(self.setup.upstream.anew(capacity));
        self
    }

    /// Forgets all answers, for all clones. One to a lookup in flight is remembered all the same.
    pub fn clear_cache(&self) {
        self.setup.upstream.forget();
    }

    /// Whether to ask only for the families in which this machine has
    /// [connectivity](stagger_net::Connectivity), as it is when servers are about to be asked
    /// (draft-ietf-happy-happyeyeballs-v3 §4.1). A query for one family is left as it is, and
    /// so is what is known without asking. Where nothing is connected both are asked for.
    pub fn with_only_connected(mut self, only_connected: bool) -> Self {
        self.setup.only_connected = only_connected;
        self
    }

    /// Sorts answers by RFC 6724 with this, by the source addresses that the machine has for them at
    /// the time, and says which family leads, as [`SortedResolver`](stagger::SortedResolver) does.
    /// With none their order is that of the replies.
    pub fn with_sorter(mut self, sorter: impl Into<Option<Sorter>>) -> Self {
        self.sorter = sorter.into().map(Arc::new);
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
        let answers = Unsorted::new(self.setup.clone(), &self.literals, query);
        let order = match &self.sorter {
            None => Order::AsTheyCome { answers },
            Some(sorter) => {
                let sources = self.sources.clone();
                let answers = SortedAnswers::new(answers, Arc::clone(sorter), sources);
                Order::Sorted { answers }
            }
        };
        DnsAnswers { order }
    }
}

impl<N: Network, T: Timer, L: Clone> Clone for DnsResolver<N, T, L> {
    fn clone(&self) -> Self {
        Self {
            setup: self.setup.clone(),
            sorter: self.sorter.clone(),
            sources: self.sources.clone(),
            literals: self.literals.clone(),
        }
    }
}

impl<N: Network, T: Timer, L> fmt::Debug for DnsResolver<N, T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsResolver")
            .field("config", &self.setup.config)
            .field("hosts", &self.setup.hosts)
            .field("cache_capacity", &self.setup.upstream.capacity())
            .field("only_connected", &self.setup.only_connected)
            .field("sorter", &self.sorter)
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
        order: Order<N, T, L>,
    }
}

pin_project! {
    #[project = OrderProjection]
    enum Order<N, T, L>
    where
        N: Network,
        T: Timer,
        L: Resolver,
    {
        AsTheyCome {
            #[pin]
            answers: Unsorted<N, T, L>,
        },
        Sorted {
            #[pin]
            answers: SortedAnswers<Unsorted<N, T, L>, SystemSources>,
        },
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
        match self.project().order.project() {
            OrderProjection::AsTheyCome { answers } => answers.poll_next(cx),
            OrderProjection::Sorted { answers } => answers.poll_next(cx),
        }
    }
}

impl<N: Network, T: Timer, L: Resolver> fmt::Debug for DnsAnswers<N, T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = matches!(self.order, Order::Sorted { .. });
        f.debug_struct("DnsAnswers").field("sorted", &sorted).finish_non_exhaustive()
    }
}
