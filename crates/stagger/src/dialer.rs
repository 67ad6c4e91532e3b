//! From a target to a connection: resolver, connector, timer and policy together.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::course::HostCourse;
use crate::error::Goal;
use crate::lookup::Lookup;
use crate::race::{Driver, Loss};
use crate::{
    Address, BoxError, Connector, Endpoint, Error, Observer, Policy, Query, Report, Resolver,
    Target, TargetError, Timer,
};

/// Connects to targets that are learned at run time.
///
/// It holds a resolver, a connector, a timer and a [`Policy`], and is itself a
/// [`Connector<Target>`]. Client libraries keep one; its parts are cloned for each connect, so make
/// them cheap to clone (a reference or an [`Arc`](std::sync::Arc) will do).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger::{Answer, Class, Dialer, connector_fn, resolver_fn};
/// use stagger_testkit::Clock;
///
/// let clock = Clock::new();
/// let resolver = resolver_fn(|_: &_| {
///     let addresses = ["[2001:db8::1]:80", "192.0.2.1:80"];
///     let addresses = addresses.map(|text| text.parse::<std::net::SocketAddr>().unwrap());
///     futures_lite::stream::once(Answer::<_, std::io::Error>::found(Class::All, addresses))
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
}

impl<R, C, T> Dialer<R, C, T> {
    /// A dialer with the default policy, which nobody observes.
    pub fn new(resolver: R, connector: C, timer: T) -> Self {
        Self { resolver, connector, timer, policy: Policy::new(), observer: () }
    }
}

impl<R, C, T, O> Dialer<R, C, T, O> {
    /// Takes this policy.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes this observer in place of the one it has. It is cloned for each connect; lookups by
    /// [`resolve`](Self::resolve) are not observed.
    pub fn with_observer<P>(self, observer: P) -> Dialer<R, C, T, P> {
        let Self { resolver, connector, timer, policy, .. } = self;
        Dialer { resolver, connector, timer, policy, observer }
    }

    /// Takes this resolver in place of the one it has.
    pub fn with_resolver<S>(self, resolver: S) -> Dialer<S, C, T, O> {
        let Self { connector, timer, policy, observer, .. } = self;
        Dialer { resolver, connector, timer, policy, observer }
    }

    /// Takes this connector in place of the one it has.
    pub fn with_connector<D>(self, connector: D) -> Dialer<R, D, T, O> {
        let Self { resolver, timer, policy, observer, .. } = self;
        Dialer { resolver, connector, timer, policy, observer }
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

    /// Makes an endpoint of this dialer and a target.
    ///
    /// # Errors
    ///
    /// What is wrong with the target.
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
    /// Connects to a target: a [`Target`], or whatever makes one, such as `"example.com:443"` or
    /// `("example.com", 443)`.
    ///
    /// # Errors
    ///
    /// The future yields what is wrong with the target, before any query, or why there is no
    /// connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the lookup and every attempt, and so closes their sockets, before
    /// `drop` returns.
    pub fn connect<I>(&self, target: I) -> Dial<R, C, T, O>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        let target = target.try_into().map_err(TargetError::from);
        let driver = target.as_ref().ok().map(|target| self.driver(target));
        Dial { driver, target: Some(target) }
    }

    /// Resolves a target without connecting: the addresses in the order in which they would be
    /// tried, once every lookup has ended, with the report of the lookups.
    ///
    /// # Errors
    ///
    /// The future yields what is wrong with the target, or why there is no address to try.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the lookup.
    pub fn resolve<I>(&self, target: I) -> Lookup<R, C, T>
    where
        I: TryInto<Target>,
        TargetError: From<I::Error>,
    {
        let target = target.try_into().map_err(TargetError::from);
        let course = target.as_ref().ok().map(|target| self.course(target, ()));
        Lookup::new(course, self.timer.clone(), self.policy.clone(), target)
    }

    fn driver(&self, target: &Target) -> Driver<HostCourse<R, C, O>, T> {
        Driver::new(
            self.course(target, self.observer.clone()),
            self.timer.clone(),
            self.policy.clone(),
        )
    }

    fn course<P>(&self, target: &Target, observer: P) -> HostCourse<R, C, P> {
        let connector = self.connector.clone();
        // A literal makes no query.
        if let Some(address) = target.literal().and_then(R::Address::from_literal) {
            return HostCourse::literal(address, connector, observer, &self.policy);
        }
        let query = Query::new(target.clone())
            .with_families(self.policy.families)
            .with_https(self.policy.https);
        let answers = self.resolver.resolve(&query);
        HostCourse::query(answers, connector, observer, &self.policy)
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

    fn connect(&self, target: Target) -> Self::Attempt {
        Self::connect(self, target)
    }
}

/// A dialer and a target: an [`Endpoint`]. Each connect resolves afresh.
#[derive(Clone, Debug)]
pub struct HostEndpoint<R, C, T, O = ()> {
    dialer: Dialer<R, C, T, O>,
    target: Target,
}

impl<R, C, T, O> HostEndpoint<R, C, T, O> {
    /// Where it leads.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What it connects with.
    pub fn dialer(&self) -> &Dialer<R, C, T, O> {
        &self.dialer
    }
}

impl<R, C, T, O> fmt::Display for HostEndpoint<R, C, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl<R, C, T, O> Endpoint for HostEndpoint<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>> + Clone,
    T: Timer + Clone,
    O: Observer<R::Address> + Clone,
{
    type Connection = C::Connection;
    type Error = Error;
    type Connecting = Dial<R, C, T, O>;

    fn connect(&self) -> Self::Connecting {
        self.dialer.connect(self.target.clone())
    }
}

pin_project! {
    /// A connect in progress: see [`Dialer::connect`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup and every attempt, and so closes their sockets, before `drop`
    /// returns.
    ///
    /// # Panics
    ///
    /// When polled after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct Dial<R, C, T, O = ()>
    where
        R: Resolver,
        R::Address: Address,
        R::Error: Into<BoxError>,
        C: Connector<R::Address>,
        C::Error: Into<BoxError>,
        T: Timer,
        O: Observer<R::Address>,
    {
        #[pin]
        driver: Option<Driver<HostCourse<R, C, O>, T>>,
        target: Option<Result<Target, TargetError>>,
    }

    impl<R, C, T, O> PinnedDrop for Dial<R, C, T, O>
    where
        R: Resolver,
        R::Address: Address,
        R::Error: Into<BoxError>,
        C: Connector<R::Address>,
        C::Error: Into<BoxError>,
        T: Timer,
        O: Observer<R::Address>,
    {
        fn drop(this: Pin<&mut Self>) {
            this.cancel();
        }
    }
}

impl<R, C, T, O> Dial<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    T: Timer,
    O: Observer<R::Address>,
{
    fn cancel(self: Pin<&mut Self>) {
        // While a panic unwinds nobody is told: a timer or an observer that panics again would
        // abort the process. Everything is dropped all the same.
        if std::thread::panicking() {
            return;
        }
        let mut this = self.project();
        let Some(mut driver) = this.driver.as_mut().as_pin_mut() else { return };
        if !driver.as_mut().cancel() {
            return;
        }
        let elapsed = driver.elapsed();
        if let Some(Ok(target)) = &this.target {
            driver.parts().0.project().observer.cancelled(elapsed, target);
        }
    }
}

impl<R, C, T, O> Dial<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    T: Timer,
    O: Observer<R::Address>,
{
    /// Yields how it went beside the connection. On failure the [`Error`] has the report.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::{Answer, Class, Dialer, connector_fn, resolver_fn};
    /// use stagger_testkit::Clock;
    ///
    /// let resolver = resolver_fn(|_: &_| {
    ///     let address: std::net::SocketAddr = "192.0.2.1:80".parse().unwrap();
    ///     futures_lite::stream::once(Answer::<_, std::io::Error>::found(Class::All, [address]))
    /// });
    /// let connector = connector_fn(|_: std::net::SocketAddr| async { Ok::<_, std::io::Error>(()) });
    /// let clock = Clock::new();
    /// let dialer = Dialer::new(resolver, connector, clock.clone());
    /// let ((), report) = clock.run(dialer.connect("example.com:80").with_report())?;
    /// assert_eq!(report.winner().unwrap().address.port(), 80);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_report(self) -> DialReport<R, C, T, O> {
        DialReport { dial: self }
    }

    /// Runs the race; on success says who won, on failure has built the error.
    fn poll_race(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<C::Connection, Error>> {
        let mut this = self.as_mut().project();
        let Some(mut driver) = this.driver.as_mut().as_pin_mut() else {
            let target = this.target.take().expect("a connect was polled after it had ended");
            let error = target.expect_err("a connect without a driver has a bad target");
            return Poll::Ready(Err(error.into()));
        };
        if let (true, Some(Ok(target))) = (driver.is_ready(), &this.target) {
            driver.as_mut().parts().0.project().observer.began(target);
        }
        match ready!(driver.poll(cx)) {
            Ok((_, connection)) => Poll::Ready(Ok(connection)),
            Err(loss) => Poll::Ready(Err(self.error(loss))),
        }
    }

    fn error(self: Pin<&mut Self>, loss: Loss) -> Error {
        let mut this = self.project();
        let target = this.target.take().expect("a race ends once");
        let target = target.expect("a race has a good target");
        let mut driver = this.driver.as_mut().as_pin_mut().expect("a race has a driver");
        let timeout = driver.timeout();
        let report = report(driver.as_mut()).into_text();
        let error = Error::new(Goal::Connection, loss, target, timeout, report);
        let elapsed = driver.elapsed();
        driver.parts().0.project().observer.lost(elapsed, &error);
        error
    }
}

fn report<R, C, T, O>(mut driver: Pin<&mut Driver<HostCourse<R, C, O>, T>>) -> Report<R::Address>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    T: Timer,
    O: Observer<R::Address>,
{
    let elapsed = driver.elapsed();
    let untried = driver.untried();
    let (course, entries) = driver.as_mut().parts();
    course.report(std::mem::take(entries), &untried, elapsed)
}

impl<R, C, T, O> Future for Dial<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    T: Timer,
    O: Observer<R::Address>,
{
    type Output = Result<C::Connection, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_race(cx)
    }
}

impl<R, C, T, O> fmt::Debug for Dial<R, C, T, O>
where
    R: Resolver,
    R::Address: Address,
    R::Error: Into<BoxError>,
    C: Connector<R::Address>,
    C::Error: Into<BoxError>,
    T: Timer,
    O: Observer<R::Address>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("target", &self.target).finish_non_exhaustive()
    }
}

pin_project! {
    /// A connect in progress that yields its report too: see [`Dial::with_report`].
    ///
    /// # Panics
    ///
    /// When polled after it was ready.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DialReport<R, C, T, O = ()>
    where
        R: Resolver,
        R::Address: Address,
        R::Error: Into<BoxError>,
        C: Connector<R::Address>,
        C::Error: Into<BoxError>,
        T: Timer,
        O: Observer<R::Address>,
    {
        #[pin]
        dial: Dial<R, C, T, O>,
    }
}

impl<R, C, T, O> Future for DialReport<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>>,
    T: Timer,
    O: Observer<R::Address>,
{
    type Output = Result<(C::Connection, Report<R::Address>), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut dial = self.project().dial;
        let connection = ready!(dial.as_mut().poll_race(cx))?;
        let driver = dial.project().driver.as_pin_mut().expect("a race that was won has a driver");
        Poll::Ready(Ok((connection, report(driver))))
    }
}
