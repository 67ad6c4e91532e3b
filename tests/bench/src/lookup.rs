//! The ways to look names up that are compared.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver as HickoryResolver, TokioResolver};
use smol::stream::StreamExt as _;
use stagger::resolve::Query;
use stagger::{Resolver, Target};
use stagger_dns::{Config, Switch};
use stagger_net::SystemResolver;
use stagger_net::lookup::Lanes;

use crate::{AsyncStd, BoxError, Side, Smol, Tokio};

/// How many lookups are in flight at most: 1024.
pub const IN_FLIGHT: usize = 1024;

/// How many threads call `getaddrinfo` where nobody else bounds them.
const THREADS: usize = 64;

/// Where the name server is: where the system's own resolver looks for it, as [`RESOLV_CONF`] says.
pub const NAME_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// What `/etc/resolv.conf` says where the name server is.
pub const RESOLV_CONF: &str = "nameserver 127.0.0.1\n";

/// What `/etc/nsswitch.conf` says there.
pub const NSSWITCH_CONF: &str = "hosts: files dns\n";

/// A way to look names up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Our `DnsResolver`, told of the name server and nothing else; its answers as they come.
    Dns,
    /// Our `DnsResolver::system`: with the machine's files, connectivity and order of addresses.
    System,
    /// hickory-resolver's own.
    Hickory,
    /// `getaddrinfo` through our `SystemResolver`.
    Getaddrinfo,
    /// `getaddrinfo` by the standard library, on threads of their own.
    Threads,
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dns => "dns",
            Self::System => "system",
            Self::Hickory => "hickory",
            Self::Getaddrinfo => "getaddrinfo",
            Self::Threads => "threads",
        })
    }
}

/// Looks up all of these names.
type Ask = Box<dyn Fn(Arc<Numbers>) -> Result<(), BoxError>>;

/// Who takes part: a runtime, and a way to look names up on it.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// The runtime's name, or `std`.
    pub side: &'static str,
    /// The way.
    pub means: Means,
    begin: fn(Means) -> Result<Ask, BoxError>,
}

/// All who take part, [`Means::Hickory`] first: what the others are compared with.
pub const CONTESTANTS: [Contestant; 9] = [
    Contestant { side: Tokio::NAME, means: Means::Hickory, begin: hickory },
    Contestant { side: Tokio::NAME, means: Means::Dns, begin: stagger::<Tokio> },
    Contestant { side: Tokio::NAME, means: Means::System, begin: stagger::<Tokio> },
    Contestant { side: Tokio::NAME, means: Means::Getaddrinfo, begin: getaddrinfo },
    Contestant { side: Smol::NAME, means: Means::Dns, begin: stagger::<Smol> },
    Contestant { side: Smol::NAME, means: Means::System, begin: stagger::<Smol> },
    Contestant { side: AsyncStd::NAME, means: Means::Dns, begin: stagger::<AsyncStd> },
    Contestant { side: AsyncStd::NAME, means: Means::System, begin: stagger::<AsyncStd> },
    Contestant { side: "std", means: Means::Threads, begin: threads },
];

/// One that is ready to look names up.
pub struct Asker {
    ask: Ask,
}

impl Contestant {
    /// The one of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn find(side: &str, means: &str) -> Result<Self, BoxError> {
        let is_it = |it: &&Self| it.side == side && it.means.to_string() == means;
        let found = CONTESTANTS.iter().find(is_it);
        Ok(*found.ok_or_else(|| format!("there is no {means:?} on {side:?}"))?)
    }

    /// Builds its runtime and its resolver.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn begin(&self) -> Result<Asker, BoxError> {
        Ok(Asker { ask: (self.begin)(self.means)? })
    }
}

impl Asker {
    /// Looks up the names of so many numbers from `first` on, and checks the addresses of each.
    /// After each it calls `after_each`.
    ///
    /// # Errors
    ///
    /// A lookup that failed, or that found anything else than both addresses of its name.
    pub fn ask(&self, first: u32, count: u32, after_each: fn()) -> Result<(), BoxError> {
        let numbers = Numbers { next: AtomicU32::new(first), end: first + count, after_each };
        (self.ask)(Arc::new(numbers))
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}

/// The names that are still to be looked up.
struct Numbers {
    next: AtomicU32,
    end: u32,
    after_each: fn(),
}

impl Numbers {
    fn take(&self) -> Option<u32> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.end).then_some(number)
    }

    /// Is done with one.
    fn found(&self, number: u32, found: Found) -> Result<(), BoxError> {
        let expected = addresses(number).map(Some);
        if found.0 != expected || found.1 {
            return Err(format!("{}: {found:?}, and not {expected:?}", name(number)).into());
        }
        (self.after_each)();
        Ok(())
    }
}

/// The address of each family, and whether there was one more.
#[derive(Debug, Default)]
struct Found([Option<IpAddr>; 2], bool);

impl Found {
    fn add(&mut self, addr: IpAddr) {
        let known = &mut self.0[usize::from(addr.is_ipv6())];
        self.1 |= known.is_some();
        *known = Some(addr);
    }
}

/// Our resolver over DNS, with or without what it does beyond asking.
fn stagger<S: Side + 'static>(means: Means) -> Result<Ask, BoxError> {
    let resolver = S::dns().with_cache_capacity(0);
    let resolver = match means {
        Means::System => resolver,
        _ => resolver
            .with_switch(Switch::default())
            .without_hosts()
            .with_config(Config::new().with_servers([NAME_SERVER])?)
            .with_only_connected(false)
            .with_route_preference(false)
            .without_sorter(),
    };
    through_resolver(S::new()?, resolver)
}

/// The system's resolver, with the full lookup alone: one that waits for its place would be asked
/// for twice.
fn getaddrinfo(_: Means) -> Result<Ask, BoxError> {
    let resolver = SystemResolver::<stagger_tokio::Timer>::new().with_lanes(Lanes::never());
    through_resolver(Tokio::new()?, resolver)
}

fn through_resolver<S, R>(side: S, resolver: R) -> Result<Ask, BoxError>
where
    S: Side + 'static,
    R: Resolver<Address = SocketAddr, Error: Into<BoxError>, Answers: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    Ok(Box::new(move |numbers| {
        let one = || {
            let (resolver, numbers) = (resolver.clone(), Arc::clone(&numbers));
            async move {
                while let Some(number) = numbers.take() {
                    let found = find(&resolver, &name(number)).await?;
                    numbers.found(number, found)?;
                }
                Ok(())
            }
        };
        side.run_all((0..IN_FLIGHT).map(|_| one()))
    }))
}

async fn find<R>(resolver: &R, name: &str) -> Result<Found, BoxError>
where
    R: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    let mut found = Found::default();
    let mut answers = pin!(resolver.resolve(&Query::new(Target::try_from((name, 80))?)));
    while let Some(answer) = answers.next().await {
        answer.addresses().for_each(|addr| found.add(addr.ip()));
        answer.into_outcome().map_err(Into::into)?;
    }
    Ok(found)
}

/// hickory-resolver on tokio, set up to do no less and no more than [`Means::Dns`].
fn hickory(_: Means) -> Result<Ask, BoxError> {
    let mut udp = ConnectionConfig::udp();
    udp.port = NAME_SERVER.port();
    let server = NameServerConfig::new(NAME_SERVER.ip(), true, vec![udp]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut options = ResolverOpts::default();
    options.cache_size = 0;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    let provider = TokioRuntimeProvider::default();
    let resolver: TokioResolver =
        HickoryResolver::builder_with_config(config, provider).with_options(options).build()?;
    let side = Tokio::new()?;
    Ok(Box::new(move |numbers| {
        let one = || {
            let (resolver, numbers) = (resolver.clone(), Arc::clone(&numbers));
            async move {
                while let Some(number) = numbers.take() {
                    let mut found = Found::default();
                    resolver.lookup_ip(name(number)).await?.iter().for_each(|ip| found.add(ip));
                    numbers.found(number, found)?;
                }
                Ok(())
            }
        };
        side.run_all((0..IN_FLIGHT).map(|_| one()))
    }))
}

/// Threads that ask one name after another.
fn threads(_: Means) -> Result<Ask, BoxError> {
    Ok(Box::new(|numbers| {
        thread::scope(|scope| {
            let one = || {
                while let Some(number) = numbers.take() {
                    let mut found = Found::default();
                    let addrs: io::Result<_> = (name(number).as_str(), 80).to_socket_addrs();
                    addrs?.for_each(|addr| found.add(addr.ip()));
                    numbers.found(number, found)?;
                }
                Ok::<_, BoxError>(())
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(one)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().map_err(|_| "a thread has panicked")?)
        })
    }))
}

/// The name of a number, which the name server of the programs knows.
fn name(number: u32) -> String {
    format!("n{number}.stagger.test")
}

/// The addresses with which that name server answers. Another answer is an error of the lookup.
fn addresses(number: u32) -> [IpAddr; 2] {
    let [_, a, b, c] = number.to_be_bytes();
    let (high, low) = ((number >> 16) as u16, number as u16);
    [Ipv4Addr::new(10, a, b, c).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, high, low).into()]
}
