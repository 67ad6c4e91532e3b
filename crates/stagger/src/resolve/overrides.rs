//! Fixed addresses for some names, in place of a resolver's answer.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::Resolver;
use crate::address::Address;
use crate::resolve::{Families, Query, Record};
use crate::target::{Host, Name, TargetError};
use crate::{Answer, Target};

/// A resolver that returns fixed addresses for some names, like curl's `--resolve` and
/// `--connect-to`, or `/etc/hosts`. The rules are ours; there is no standard.
///
/// A query for such a name is answered at once, without asking the inner resolver. All other
/// queries pass to the inner resolver. For an overridden name:
///
/// - There is one answer of all families that the query wants, so a race begins without waiting for
///   another answer.
/// - The addresses keep the order in which they were given, and the answer counts as [sorted](Answer::with_sorted).
/// - If there is no address of a wanted family, the answer is negative. So a name with an empty
///   list is blocked.
/// - HTTPS records are answered negatively if the query asks for them.
///
/// Names are compared in the form that a resolver receives. Letter case, the Unicode spelling and a
/// trailing dot do not matter. There are no wildcards. For all names under a suffix, use
/// [`Routes`](crate::resolve::Routes).
///
/// A name for [one port](Self::with_port) takes precedence over the same name for [all ports](Self::with_host). A query for a
/// service by name (`example.com:https`) has no port yet:
///
/// 1. A name for all ports still matches. The inner resolver looks up the service of the first
///    wanted *address* (`192.0.2.1:https`), for which the system needs no network. All addresses
///    then get the port that it finds.
/// 2. A name for one port does not match, because the service may have another port. To be sure of
///    a name, override all its ports.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use stagger::Dialer;
/// use stagger::resolve::Overrides;
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let inner = ScriptedResolver::<SocketAddr>::new(&ledger);
/// let resolver = Overrides::new(inner)
///     .with_host("example.com", ["192.0.2.1".parse().unwrap()])?
///     .with_port("example.com", 443, ["198.51.100.1:8443".parse().unwrap()])?
///     .with_host("tracker.example", [])?;
/// let connector = ScriptedConnector::new(&ledger)
///     .at("192.0.2.1:80", Fate::connects(ms(10)))
///     .at("198.51.100.1:8443", Fate::connects(ms(10)));
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
///
/// for (target, place) in
///     [("EXAMPLE.com.:80", "192.0.2.1:80"), ("example.com:443", "198.51.100.1:8443")]
/// {
///     let connection = ledger.clock().run(dialer.connect(target)).unwrap();
///     assert_eq!(connection.name(), place);
/// }
/// assert!(ledger.clock().run(dialer.connect("tracker.example:80")).is_err());
/// assert!(ledger.queries().is_empty());
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Overrides<R> {
    resolver: R,
    names: HashMap<Box<str>, Places>,
}

/// The addresses of a name.
#[derive(Clone, Debug, Default)]
struct Places {
    /// For any port.
    host: Option<Arc<[SocketAddr]>>,
    ports: HashMap<u16, Arc<[SocketAddr]>>,
}

impl<R> Overrides<R> {
    /// Creates a resolver without overrides: this resolver answers all queries.
    pub fn new(resolver: R) -> Self {
        Self { resolver, names: HashMap::new() }
    }

    /// Sets the addresses of a name, at the port of the target. They replace the name's earlier
    /// addresses for all ports. An empty list blocks the name.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the name. An IP address is not a name, because no resolver is
    /// asked for it.
    pub fn with_host<I>(self, name: &str, addresses: I) -> Result<Self, TargetError>
    where
        I: IntoIterator<Item = IpAddr>,
    {
        self.with_scoped_host(name, addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)))
    }

    /// Sets the addresses of a name, each in its zone, at the port of the target. The ports of the
    /// addresses are ignored. They replace the name's earlier addresses for all ports. An empty
    /// list blocks the name.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the name.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::{StreamExt as _, future, stream};
    /// use stagger::resolve::{Overrides, Query, resolver_fn};
    /// use stagger::{Answer, Resolver as _, Target};
    ///
    /// let nowhere = resolver_fn(|_: &Query| stream::empty::<Answer<_, std::io::Error>>());
    /// let resolver =
    ///     Overrides::new(nowhere).with_scoped_host("printer", ["[fe80::1%3]:0".parse().unwrap()])?;
    ///
    /// let query = Query::new(Target::parse("printer:631")?);
    /// let answer = future::block_on(resolver.resolve(&query).next()).unwrap();
    /// assert_eq!(answer.addresses().next().unwrap().to_string(), "[fe80::1%3]:631");
    /// # Ok::<_, stagger::target::TargetError>(())
    /// ```
    pub fn with_scoped_host<I>(mut self, name: &str, addresses: I) -> Result<Self, TargetError>
    where
        I: IntoIterator<Item = SocketAddr>,
    {
        let at_any_port = |mut addr: SocketAddr| {
            addr.set_port(0);
            addr
        };
        self.places(name)?.host = Some(addresses.into_iter().map(at_any_port).collect());
        Ok(self)
    }

    /// Sets the addresses of a name with this port. Each address has its own port. They replace the
    /// name's earlier addresses for this port. An empty list blocks the name at this port.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the name.
    pub fn with_port<I>(mut self, name: &str, port: u16, addresses: I) -> Result<Self, TargetError>
    where
        I: IntoIterator<Item = SocketAddr>,
    {
        self.places(name)?.ports.insert(port, addresses.into_iter().collect());
        Ok(self)
    }

    fn places(&mut self, name: &str) -> Result<&mut Places, TargetError> {
        Ok(self.names.entry(Name::try_from(name)?.absolute().into()).or_default())
    }
}

impl<R: Resolver<Address = SocketAddr>> Overrides<R> {
    /// The source of the answers to a query.
    fn stage(&self, query: &Query) -> Stage<R::Answers, R::Error> {
        let target = query.target();
        let places = match target.host() {
            Host::Name(name) => self.names.get(name.absolute()),
            Host::Ipv4(_) | Host::Ipv6 { .. } => None,
        };
        let pass = || Stage::Passing { answers: self.resolver.resolve(query) };
        let Some(places) = places else { return pass() };
        let families = query.families();
        let own = target.port().and_then(|port| places.ports.get(&port));
        match (own, &places.host, target.port()) {
            (Some(own), _, _) => Stage::known(families, own.iter().copied()),
            (None, None, _) => pass(),
            (None, Some(host), Some(port)) => {
                let at_port = |addr: &SocketAddr| {
                    let mut addr = *addr;
                    addr.set_port(port);
                    addr
                };
                Stage::known(families, host.iter().map(at_port))
            }
            (None, Some(host), None) => {
                let wanted: Vec<_> = wanted(families, host.iter().copied());
                let Some(first) = wanted.first() else { return Stage::known(families, []) };
                let literal = Target::from(*first).with_service(target.service().clone());
                let query = query.clone().with_target(literal).with_https(false);
                Stage::Asking { answers: self.resolver.resolve(&query), wanted, families }
            }
        }
    }
}

impl<R: Resolver<Address = SocketAddr>> Resolver for Overrides<R> {
    type Address = SocketAddr;
    type Error = R::Error;
    type Answers = OverriddenAnswers<R::Answers, R::Error>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let stage = self.stage(query);
        let https = query.https() && !matches!(stage, Stage::Passing { .. });
        OverriddenAnswers { stage, https }
    }
}

pin_project! {
    /// The answers of [`Overrides`]: their own, or the answers of the inner resolver.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner lookup, if there is one.
    #[must_use = "streams do nothing unless polled"]
    pub struct OverriddenAnswers<S, E> {
        #[pin]
        stage: Stage<S, E>,
        // Whether HTTPS records must still be answered here.
        https: bool,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, E> {
        /// The inner resolver answers.
        Passing {
            #[pin]
            answers: S,
        },
        /// The addresses are known, and the inner resolver is looking up their port.
        Asking {
            #[pin]
            answers: S,
            wanted: Vec<SocketAddr>,
            families: Families,
        },
        /// Everything is known, and must still be returned.
        Known { answer: Option<Answer<SocketAddr, E>> },
    }
}

impl<S, E> Stage<S, E> {
    fn known(families: Families, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let record = record(families);
        let answer = Answer::found(record, wanted(families, addresses)).with_sorted(true);
        Self::Known { answer: Some(answer) }
    }
}

/// The record of one answer for all wanted families, so that no other answer is awaited.
fn record(families: Families) -> Record {
    match families {
        Families::Any => Record::Addresses,
        Families::Ipv4 => Record::A,
        Families::Ipv6 => Record::Aaaa,
    }
}

fn wanted(families: Families, addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let canonical = addresses.into_iter().map(Address::canonical);
    canonical.filter(|addr| addr.family().is_some_and(|own| families.contains(own))).collect()
}

impl<S, E> Stream for OverriddenAnswers<S, E>
where
    S: Stream<Item = Answer<SocketAddr, E>>,
{
    type Item = Answer<SocketAddr, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if std::mem::take(this.https) {
            return Poll::Ready(Some(Answer::negative(Record::Https)));
        }
        let mut stage = this.stage;
        match stage.as_mut().project() {
            StageProjection::Known { answer } => Poll::Ready(answer.take()),
            StageProjection::Passing { answers } => answers.poll_next(cx),
            StageProjection::Asking { answers, wanted, families } => {
                let answer = ready!(answers.poll_next(cx));
                let port = answer.as_ref().and_then(|answer| answer.addresses().next());
                let Some(port) = port.map(SocketAddr::port) else {
                    // For example, the service is unknown.
                    return Poll::Ready(answer);
                };
                let placed = wanted.iter_mut().map(|addr| {
                    addr.set_port(port);
                    *addr
                });
                let found = Answer::found(record(*families), placed).with_sorted(true);
                stage.set(Stage::Known { answer: None });
                Poll::Ready(Some(found))
            }
        }
    }
}

impl<S, E> fmt::Debug for OverriddenAnswers<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Passing { .. } => "passing",
            Stage::Asking { .. } => "asking for the port",
            Stage::Known { .. } => "known",
        };
        f.debug_struct("OverriddenAnswers").field("stage", &stage).finish_non_exhaustive()
    }
}
