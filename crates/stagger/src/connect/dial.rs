//! The futures of a dialer: a connect in progress.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::address::Address;
use crate::boxed::BoxError;
use crate::connect::course::HostCourse;
use crate::error::connect::Goal;
use crate::race::{Driver, Loss};
use crate::report::End;
use crate::target::TargetError;
use crate::{Connector, Error, Observer, Policy, Report, Resolver, Timer};

pin_project! {
    /// A connect in progress: see [`Dialer::connect`](crate::Dialer::connect).
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup and every attempt, which closes their sockets before `drop`
    /// returns.
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
        // In a box, because few connects have an invalid target.
        invalid: Option<Box<TargetError>>,
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
        // No observer or timer is called while a panic unwinds: a second panic would abort the
        // process. Everything is still dropped.
        if std::thread::panicking() {
            return;
        }
        let mut this = self.project();
        let Some(mut driver) = this.driver.as_mut().as_pin_mut() else { return };
        if !driver.as_mut().cancel() {
            return;
        }
        let elapsed = driver.elapsed();
        driver.as_mut().telling_end();
        driver.course_mut().tell_cancelled(elapsed);
    }

    #[inline(always)]
    pub(crate) fn new(
        course: Result<HostCourse<R, C, O>, TargetError>,
        timer: T,
        policy: Policy,
    ) -> Self {
        match course {
            Ok(course) => Self { driver: Some(Driver::new(course, timer, policy)), invalid: None },
            Err(error) => Self { driver: None, invalid: Some(Box::new(error)) },
        }
    }

    /// Returns the report together with the connection. On failure the [`Error`] has the report.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::connect::connector_fn;
    /// use stagger::resolve::{Record, resolver_fn};
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::Clock;
    ///
    /// let resolver = resolver_fn(|_: &_| {
    ///     let address: std::net::SocketAddr = "192.0.2.1:80".parse().unwrap();
    ///     futures_lite::stream::once(Answer::<_, std::io::Error>::found(Record::Addresses, [address]))
    /// });
    /// let connector = connector_fn(|_: std::net::SocketAddr| async { Ok::<_, std::io::Error>(()) });
    /// let clock = Clock::new();
    /// let dialer = Dialer::new(resolver, connector, clock.clone());
    /// let ((), report) = clock.run(dialer.connect("example.com:80").with_report())?;
    /// assert_eq!(report.winner().unwrap().address.port(), 80);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_report(mut self) -> DialWithReport<R, C, T, O> {
        if let Some(driver) = &mut self.driver {
            driver.course_unpolled().with_report();
        }
        DialWithReport { dial: self }
    }

    /// Runs the race. It returns the winner, or the finished error.
    fn poll_race(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<C::Connection, Error>> {
        let mut this = self.as_mut().project();
        let Some(driver) = this.driver.as_mut().as_pin_mut() else {
            let error = this.invalid.take().expect("a connect was polled after it had ended");
            return Poll::Ready(Err((*error).into()));
        };
        match ready!(driver.poll(cx)) {
            Ok((_, connection)) => Poll::Ready(Ok(connection)),
            Err(loss) => Poll::Ready(Err(self.error(loss))),
        }
    }

    fn error(self: Pin<&mut Self>, loss: Loss) -> Error {
        let mut this = self.project();
        let mut driver = this.driver.as_mut().as_pin_mut().expect("a race has a driver");
        let timeout = driver.timeout();
        let elapsed = driver.elapsed();
        let report = driver.as_mut().course_mut().report(elapsed, End::Lost).into_text();
        let error = Error::new(Goal::Connection, loss, timeout, report);
        driver.as_mut().telling_end();
        driver.course_mut().tell_lost(elapsed, &error);
        error
    }
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
        let target = self.driver.as_ref().and_then(|driver| driver.course().target.as_ref());
        f.debug_struct("Dial")
            .field("target", &target)
            .field("invalid", &self.invalid)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A connect in progress that also returns its report: see [`Dial::with_report`].
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DialWithReport<R, C, T, O = ()>
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

impl<R, C, T, O> Future for DialWithReport<R, C, T, O>
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
        let elapsed = driver.elapsed();
        Poll::Ready(Ok((connection, driver.course_mut().report(elapsed, End::Connected))))
    }
}
