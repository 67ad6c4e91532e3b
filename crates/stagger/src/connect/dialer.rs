//! The dialer: a resolver, a connector, a timer and a policy, from a target to a connection. The
//! file is long because most methods have an example.

use crate::address::Address;
use crate::boxed::{BoxDialer, BoxError, LocalBoxDialer};
use crate::connect::course::{HostCourse, MAX_READ};
use crate::connect::{Dial, HostEndpoint};
use crate::resolve::future::Extent;
use crate::resolve::{Query, Resolve};
use crate::target::TargetError;
use crate::{Candidate, Connector, Error, History, Observer, Policy, Resolver, Target, Timer};

/// Connects to targets that are known at run time.
///
/// It holds a resolver, a connector, a timer and a [`Policy`], and is itself a
/// [`Connector<Target>`]. Client libraries keep one dialer. Its parts are cloned for each connect,
/// so make them cheap to clone. A reference or an [`Arc`](std::sync::Arc) is enough.
///
/// A field of a struct needs the types of all parts. If they do not matter, make the field a
/// [`BoxDialer`], which names only the connection. [`boxed`](Self::boxed) returns it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger::connect::connector_fn;
/// use stagger::resolve::{Record, resolver_fn};
/// use stagger::{Answer, Dialer};
/// use stagger_testkit::Clock;
///
/// let clock = Clock::new();
/// let resolver = resolver_fn(|_: &_| {
///     let addresses = ["[2001:db8::1]:80", "192.0.2.1:80"];
///     let addresses = addresses.map(|text| text.parse::<std::net::SocketAddr>().unwrap());
///     futures_lite::stream::once(Answer::<_, std::io::Error>::found(Record::Addresses, addresses))
/// });
/// // IPv6 is a black hole here.
/// let connector = connector_fn(|address: std::net::SocketAddr| async move {
///     if address.is_ipv6() {
///         std::future::pending::<()>().await;
///     }
///     Ok::<_, std::io::Error>(address)
/// });
/// let dialer = Dialer::new(resolver, connector, clock.clone());
/// let peer = clock.run(dialer.connect("example.com:80"))?;
/// assert!(peer.is_ipv4());
/// assert_eq!(clock.elapsed(), Duration::from_millis(250));
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dialer<R, C, T, O = ()> {
    resolver: R,
    connector: C,
    timer: T,
    policy: Policy,
    observer: O,
    history: Option<History>,
}

impl<R, C, T> Dialer<R, C, T> {
    /// Creates a dialer with the default policy, without an observer and without a history.
    pub fn new(resolver: R, connector: C, timer: T) -> Self {
        Self { resolver, connector, timer, policy: Policy::new(), observer: (), history: None }
    }
}

impl<R, C, T, O> Dialer<R, C, T, O> {
    /// Sets the policy.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Dialer, Policy};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver =
    ///     ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v6", "v4"]);
    /// let connector = ScriptedConnector::new(&ledger)
    ///     .at("v6", Fate::silent())
    ///     .at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
    ///     .with_policy(Policy::new().with_attempt_delay(ms(100))?);
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.clock().elapsed(), ms(100 + 30));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the observer in place of the current one. It is cloned for each connect. Lookups by
    /// [`resolve`](Self::resolve) are not observed.
    ///
    /// # Examples
    ///
    /// A [`Recorder`](crate::observe::Recorder) has the report of a connect, even after it was dropped:
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::observe::Recorder;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v4"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let recorder = Recorder::new();
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
    ///     .with_observer(recorder.clone());
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(recorder.report(ms(30)).attempts().len(), 1);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_observer<P>(self, observer: P) -> Dialer<R, C, T, P> {
        let Self { resolver, connector, timer, policy, history, .. } = self;
        Dialer { resolver, connector, timer, policy, observer, history }
    }

    /// Sets the history. Each connect then uses what the history knows, and adds to it if it
    /// succeeds. Dialers may share a history. By default there is no history, and nothing is kept.
    ///
    /// A history sets the delay after an attempt at an address that it knows, in place of the
    /// [`Policy`]'s delay. Attempts still do not overlap if the policy says so. Lookups by
    /// [`resolve`](Self::resolve) use the history for the order of the addresses.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::resolve::Record;
    /// use stagger::{Dialer, History};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let addresses = ["[2001:db8::1]:443", "192.0.2.1:443"];
    /// let addresses = addresses.map(|text| text.parse::<SocketAddr>().unwrap());
    /// let resolver = ScriptedResolver::<SocketAddr>::new(&ledger)
    ///     .finds(ms(0), Record::Addresses, addresses);
    /// let connector = ScriptedConnector::new(&ledger)
    ///     .at(addresses[0], Fate::silent())
    ///     .at(addresses[1], Fate::connects(ms(40)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
    ///     .with_history(History::new());
    ///
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.clock().elapsed(), ms(250 + 40));
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.clock().elapsed(), ms(250 + 40) + ms(40));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_history(mut self, history: History) -> Self {
        self.history = Some(history);
        self
    }

    /// Removes the history.
    pub fn without_history(mut self) -> Self {
        self.history = None;
        self
    }

    /// The history, if there is one.
    pub fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// The observer. It is cloned for each connect.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// Sets the resolver in place of the current one.
    pub fn with_resolver<S>(self, resolver: S) -> Dialer<S, C, T, O> {
        let Self { connector, timer, policy, observer, history, .. } = self;
        Dialer { resolver, connector, timer, policy, observer, history }
    }

    /// Sets the connector in place of the current one.
    pub fn with_connector<D>(self, connector: D) -> Dialer<R, D, T, O> {
        let Self { resolver, timer, policy, observer, history, .. } = self;
        Dialer { resolver, connector, timer, policy, observer, history }
    }

    /// Replaces the connector by one made from it, such as a connector with a handshake.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Candidate, Connector, Dialer};
    /// use stagger_testkit::{
    ///     Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms,
    /// };
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v4"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let named = dialer.map_connector(|tcp| {
    ///     tcp.and_then(|connection, to: Candidate<Place>| async move {
    ///         Ok::<_, ScriptedError>((to.target().unwrap().to_string(), connection))
    ///     })
    /// });
    /// let (name, _) = ledger.clock().run(named.connect("example.com:443"))?;
    /// assert_eq!(name, "example.com:443");
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn map_connector<D>(self, map: impl FnOnce(C) -> D) -> Dialer<R, D, T, O> {
        let Self { resolver, connector, timer, policy, observer, history } = self;
        Dialer { resolver, connector: map(connector), timer, policy, observer, history }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The resolver.
    pub fn resolver(&self) -> &R {
        &self.resolver
    }

    /// The connector.
    pub fn connector(&self) -> &C {
        &self.connector
    }

    /// The timer.
    pub fn timer(&self) -> &T {
        &self.timer
    }

    /// Makes an endpoint from this dialer and a target.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the target.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Dialer, Endpoint};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v4"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let endpoint = dialer.endpoint("example.com:443")?;
    /// assert_eq!(endpoint.target().to_string(), "example.com:443");
    /// ledger.clock().run(endpoint.connect())?.hand_over();
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn endpoint<I>(self, target: I) -> Result<HostEndpoint<R, C, T, O>, TargetError>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        Ok(HostEndpoint { dialer: self, target: target.try_into()? })
    }
}

impl<R, C, T, O> Dialer<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>> + Clone,
    T: Timer + Clone,
    O: Observer<R::Address> + Clone,
{
    /// Connects to a target: a [`Target`], or a value that converts into one, such as
    /// `"example.com:443"` or `("example.com", 443)`.
    ///
    /// # Errors
    ///
    /// The future returns what is wrong with the target, before any query. Otherwise it returns why
    /// the connect failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the lookup and every attempt, which closes their sockets before
    /// `drop` returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Dialer, Target};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v4"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// ledger.clock().run(dialer.connect(("example.com", 443)))?.hand_over();
    /// ledger.clock().run(dialer.connect(Target::parse("example.com:https")?))?.hand_over();
    ///
    /// let error = ledger.clock().run(dialer.connect("example.com")).unwrap_err();
    /// assert!(error.invalid_target().is_some());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn connect<I>(&self, target: I) -> Dial<R, C, T, O>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        self.dial(target.try_into().map_err(TargetError::from))
    }

    /// Connects to one of these addresses, without a lookup.
    ///
    /// It takes the addresses by value: for a slice, pass `slice.iter().copied()`. They are raced
    /// like the addresses of a name, in the order of the [`Policy`]. Addresses beyond
    /// [`Policy::with_max_addresses`] are not tried. This call reads at most 16,384 addresses, and
    /// reads them before it returns.
    ///
    /// There is no target, so the error does not name one, and TLS has no name to check. Use
    /// [`connect_at`](Self::connect_at) to set a target.
    ///
    /// # Errors
    ///
    /// The future returns why the connect failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops every attempt, which closes their sockets before `drop` returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::Dialer;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
    /// let connector = ScriptedConnector::new(&ledger)
    ///     .at("[2001:db8::1]:80", Fate::silent())
    ///     .at("192.0.2.1:80", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let addresses = ["[2001:db8::1]:80", "192.0.2.1:80"];
    /// let addresses = addresses.map(|text| text.parse::<SocketAddr>().unwrap());
    /// ledger.clock().run(dialer.connect_addresses(addresses))?.hand_over();
    /// assert_eq!(ledger.clock().elapsed(), ms(280));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn connect_addresses(
        &self,
        addresses: impl IntoIterator<Item = R::Address>,
    ) -> Dial<R, C, T, O> {
        Dial::new(Ok(self.list(addresses)), self.timer.clone(), self.policy.clone())
    }

    /// Connects to a target at one of these addresses, without a lookup.
    ///
    /// It is like [`connect_addresses`](Self::connect_addresses), but the connector and the error know the target.
    ///
    /// # Errors
    ///
    /// The future returns what is wrong with the target, or why the connect failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops every attempt, which closes their sockets before `drop` returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::Dialer;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
    /// let connector = ScriptedConnector::new(&ledger).at("192.0.2.1:443", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let addresses: [SocketAddr; 1] = ["192.0.2.1:443".parse().unwrap()];
    /// let connect = dialer.connect_at("example.com:443", addresses).with_report();
    /// let (connection, report) = ledger.clock().run(connect)?;
    /// assert_eq!(report.target().unwrap().to_string(), "example.com:443");
    /// assert_eq!(connection.name(), "192.0.2.1:443");
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn connect_at<I>(
        &self,
        target: I,
        addresses: impl IntoIterator<Item = R::Address>,
    ) -> Dial<R, C, T, O>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        let target = target.try_into().map_err(TargetError::from);
        let course = target.map(|target| self.list(addresses).with_target(target));
        Dial::new(course, self.timer.clone(), self.policy.clone())
    }

    /// Boxes this dialer, so that a struct can hold it without the types of its parts.
    ///
    /// # Examples
    ///
    /// See [`BoxDialer`].
    pub fn boxed(self) -> BoxDialer<C::Connection>
    where
        Self: Send + Sync + 'static,
        Dial<R, C, T, O>: Send + 'static,
    {
        BoxDialer::new(self)
    }

    /// Boxes this dialer for one thread.
    pub fn boxed_local(self) -> LocalBoxDialer<C::Connection>
    where
        Self: 'static,
        Dial<R, C, T, O>: 'static,
    {
        LocalBoxDialer::new(self)
    }

    fn list(&self, addresses: impl IntoIterator<Item = R::Address>) -> HostCourse<R, C, O> {
        let addresses = addresses.into_iter().take(MAX_READ).collect();
        let given = Some(Box::new(addresses));
        HostCourse::given(given, self.connector.clone(), self.observer.clone(), &self.policy)
            .with_history(self.history.clone())
    }

    /// Resolves a target without connecting, and is ready when a race would begin.
    ///
    /// That is as soon as the answers that matter have come, and at most the resolution delay after
    /// the first addresses. It returns the addresses known by then, in the order in which a race
    /// would try them. It also returns the report of the lookups.
    ///
    /// It is for clients that only accept a resolver. It does not wait for a late lookup, such as
    /// an AAAA query without an answer. [`resolve_all`](Self::resolve_all) does.
    ///
    /// # Errors
    ///
    /// The future returns what is wrong with the target, or why there is no address to try.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the lookup.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver =
    ///     ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::A, ["v4"]).never_ends();
    /// let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), ledger.clock().clone());
    /// let (addresses, _) = ledger.clock().run(dialer.resolve("example.com:443"))?;
    /// assert_eq!(addresses, [Place("v4")]);
    /// assert_eq!(ledger.clock().elapsed(), ms(55));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn resolve<I>(&self, target: I) -> Resolve<R, C, T>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        self.look_up(target, Extent::Race)
    }

    /// Resolves a target without connecting, and is ready when every lookup has ended. Otherwise it
    /// is like [`resolve`](Self::resolve).
    ///
    /// # Errors
    ///
    /// The future returns what is wrong with the target, or why there is no address to try. It also
    /// fails if a lookup has no answer before the policy's timeout.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the lookup.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .finds(ms(5), Record::A, ["v4"])
    ///     .finds(ms(900), Record::Aaaa, ["v6"]);
    /// let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), ledger.clock().clone());
    /// let (addresses, _) = ledger.clock().run(dialer.resolve_all("example.com:443"))?;
    /// assert_eq!(addresses, [Place("v6"), Place("v4")]);
    /// assert_eq!(ledger.clock().elapsed(), ms(900));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn resolve_all<I>(&self, target: I) -> Resolve<R, C, T>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        self.look_up(target, Extent::All)
    }

    fn look_up<I>(&self, target: I, extent: Extent) -> Resolve<R, C, T>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        let target = target.try_into().map_err(TargetError::from);
        let course = target.map(|target| {
            let mut course = self.course(target, ());
            course.with_report();
            course
        });
        Resolve::new(course, extent, self.timer.clone(), self.policy.clone())
    }

    /// The connect to a literal is built in place, because it is too large to move.
    fn dial(&self, target: Result<Target, TargetError>) -> Dial<R, C, T, O> {
        let (timer, policy) = (self.timer.clone(), self.policy.clone());
        let target = match target {
            Ok(target) => target,
            Err(error) => return Dial::new(Err(error), timer, policy),
        };
        let observer = self.observer.clone();
        if let Some(address) = target.literal().and_then(R::Address::from_literal) {
            let connector = self.connector.clone();
            let history = self.history.clone();
            let course =
                HostCourse::literal(address, target, connector, observer, &policy, history);
            return Dial::new(Ok(course), timer, policy);
        }
        Dial::new(Ok(self.course(target, observer)), timer, policy)
    }

    fn course<P>(&self, target: Target, observer: P) -> HostCourse<R, C, P> {
        let connector = self.connector.clone();
        // A literal makes no query.
        if let Some(address) = target.literal().and_then(R::Address::from_literal) {
            let (policy, history) = (&self.policy, self.history.clone());
            return HostCourse::literal(address, target, connector, observer, policy, history);
        }
        let query =
            Query::new(target).with_families(self.policy.families).with_https(self.policy.https);
        let answers = self.resolver.resolve(&query);
        HostCourse::query(query, answers, connector, observer, &self.policy)
            .with_history(self.history.clone())
    }
}

impl<R, C, T, O> Connector<Target> for Dialer<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>> + Clone,
    T: Timer + Clone,
    O: Observer<R::Address> + Clone,
{
    type Connection = C::Connection;
    type Error = Error;
    type Attempt = Dial<R, C, T, O>;

    fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
        let progress = to.progress().clone();
        let course = self.course(to.into_address(), self.observer.clone()).within(&progress);
        Dial::new(Ok(course), self.timer.clone(), self.policy.clone())
    }

    fn is_final(&self, error: &Error) -> bool {
        error.is_final()
    }
}
