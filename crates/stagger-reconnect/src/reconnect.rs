//! The stream of connections. Past 400 lines, because each setting has an example.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::{Endpoint, Timer, drivers};

use crate::backoff::Backoff;
use crate::{BACKOFF, KeepLink, Link, ReconnectState, STEADY_AFTER};

pin_project! {
    /// The connections of an endpoint, one after another, with a back-off between failures.
    ///
    /// - Each item is a connection, or the endpoint's own error. The stream goes on after an error.
    /// - A connect begins when the next item is asked for. So ask when the last connection is lost.
    /// - After a failure the next connect waits for the next delay of the
    ///   [back-off](Self::with_backoff). The delay counts from the failure.
    /// - A connection resets the back-off only if it [held](Self::with_steady_after). The stream
    ///   cannot see when a connection is lost. So the time from its item to the next ask counts.
    /// - A connection that did not hold is a failure. Its delay counts from the ask.
    /// - After a connection that held, the next connect begins at once.
    /// - The stream ends when the back-off has no further delay, or when the program
    ///   [decides so](Self::with_retry).
    ///
    /// A connect has the timeout of the endpoint, and no other.
    ///
    /// By default the stream goes on after every error, because it does not know the error's type.
    /// For an endpoint with a [`stagger::Error`], pass [`can_pass`] to
    /// [`with_retry`](Self::with_retry). The stream then ends after a refused password, instead of
    /// sending it again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream drops the connect and the alarm before `drop` returns. A dropped
    /// `next()` loses nothing: the connect goes on when the stream is polled again.
    ///
    /// # Runtime
    ///
    /// It spawns nothing. It is `Send` if its parts are.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt as _;
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let moody = ScriptedEndpoint::new(&Ledger::new(&clock), "moody", Fate::fails(ms(30)))
    ///     .then(Fate::connects(ms(20)));
    /// let mut connections = Reconnect::new(moody, clock.clone());
    ///
    /// clock.run(async {
    ///     let failure = connections.next().await.expect("the back-off never ends");
    ///     assert_eq!(failure.unwrap_err().to_string(), "moody failed");
    ///     let connection = connections.next().await.expect("the back-off never ends");
    ///     assert_eq!(connection.unwrap().name(), "moody");
    /// });
    /// let waited = clock.elapsed() - ms(30) - ms(20);
    /// assert!((ms(500)..ms(1000)).contains(&waited));
    /// ```
    #[must_use = "streams do nothing unless polled"]
    pub struct Reconnect<
        E,
        T,
        B = ExponentialBuilder,
        P = fn(&<E as Endpoint>::Error) -> bool,
    >
    where
        E: Endpoint,
        T: Timer,
        B: BackoffBuilder,
    {
        endpoint: E,
        timer: T,
        backoff: Backoff<B>,
        retry: P,
        steady_after: Duration,
        state: ReconnectState,
        #[pin]
        connecting: Option<E::Connecting>,
        #[pin]
        alarm: Option<T::Sleep>,
    }
}

impl<E: Endpoint, T: Timer> Reconnect<E, T> {
    /// Creates the stream, with the back-off [`BACKOFF`], the steady time [`STEADY_AFTER`], and
    /// without an end. Nothing happens before the first poll.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::{Reconnect, ReconnectState, STEADY_AFTER};
    ///
    /// let endpoint = stagger_smol::dialer().endpoint("localhost:443")?;
    /// let connections = Reconnect::new(endpoint, stagger_smol::Timer);
    /// assert_eq!(connections.state(), ReconnectState::Idle);
    /// assert_eq!(connections.steady_after(), STEADY_AFTER);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn new(endpoint: E, timer: T) -> Self {
        Self {
            endpoint,
            timer,
            backoff: Backoff::new(BACKOFF),
            retry: |_| true,
            steady_after: STEADY_AFTER,
            state: ReconnectState::Idle,
            connecting: None,
            alarm: None,
        }
    }
}

impl<E: Endpoint, T: Timer, B: BackoffBuilder, P> Reconnect<E, T, B, P> {
    /// Sets the back-off. It is a builder of `backon`, or any iterator of durations.
    ///
    /// A clone of it is built at the first failure, and at the first failure after each reset. The
    /// stream ends when the iterator does. A builder of `backon` ends after three delays, unless
    /// its `without_max_times` is called. A delay of zero is allowed and makes a busy loop of an
    /// endpoint that fails at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::iter;
    ///
    /// use futures_lite::StreamExt as _;
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let ledger = Ledger::new(&clock);
    /// let down = ScriptedEndpoint::new(&ledger, "down", Fate::fails(ms(0)));
    /// let delays = iter::repeat(ms(50)).take(2);
    /// let failures = Reconnect::new(down, clock.clone()).with_backoff(delays);
    /// assert_eq!(clock.run(failures.count()), 3);
    /// assert_eq!(ledger.starts(), [(ms(0), "down"), (ms(50), "down"), (ms(100), "down")]);
    /// ```
    pub fn with_backoff<N: BackoffBuilder + Clone>(self, backoff: N) -> Reconnect<E, T, N, P> {
        Reconnect {
            endpoint: self.endpoint,
            timer: self.timer,
            backoff: self.backoff.with_builder(backoff),
            retry: self.retry,
            steady_after: self.steady_after,
            state: self.state,
            connecting: self.connecting,
            alarm: self.alarm,
        }
    }

    /// The back-off.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::{BACKOFF, Reconnect};
    ///
    /// let endpoint = stagger_smol::dialer().endpoint("localhost:443")?;
    /// let backoff = BACKOFF.with_max_times(7);
    /// let connections = Reconnect::new(endpoint, stagger_smol::Timer).with_backoff(backoff);
    /// assert!(format!("{:?}", connections.backoff()).contains("max_times: Some(7)"));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn backoff(&self) -> &B {
        &self.backoff.builder
    }

    /// Sets which errors the stream goes on after. It ends after the item of any other error.
    /// The function sees the error of each failed connect once, so it can also write a log.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt as _;
    /// use stagger::Dialer;
    /// use stagger::connect::{AttemptError, connector_fn};
    /// use stagger::{Candidate, Connector};
    /// use stagger_reconnect::{Reconnect, can_pass};
    /// use stagger_testkit::{Clock, Ledger, ScriptedResolver};
    ///
    /// let clock = Clock::new();
    /// let tcp = connector_fn(|_: std::net::SocketAddr| async { Ok::<_, std::io::Error>(()) });
    /// let login = tcp.map_err(|error| error).and_then(|_, _: Candidate<_>| async {
    ///     let error = std::io::Error::other("the password is wrong");
    ///     Err::<(), _>(AttemptError::new(error).with_final(true))
    /// });
    /// let resolver = ScriptedResolver::new(&Ledger::new(&clock));
    /// let dialer = Dialer::new(resolver, login, clock.clone());
    /// let server = dialer.endpoint("192.0.2.1:443")?;
    ///
    /// let connections = Reconnect::new(server, clock.clone()).with_retry(can_pass);
    /// let items = clock.run(connections.collect::<Vec<_>>());
    /// assert_eq!(items.len(), 1, "the password is sent once");
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_retry<N>(self, retry: N) -> Reconnect<E, T, B, N>
    where
        N: FnMut(&E::Error) -> bool,
    {
        Reconnect {
            endpoint: self.endpoint,
            timer: self.timer,
            backoff: self.backoff,
            retry,
            steady_after: self.steady_after,
            state: self.state,
            connecting: self.connecting,
            alarm: self.alarm,
        }
    }

    /// The decision whether the stream goes on after an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Target;
    /// use stagger_reconnect::Reconnect;
    ///
    /// let endpoint = stagger_smol::dialer().endpoint("localhost:443")?;
    /// let connections = Reconnect::new(endpoint, stagger_smol::Timer);
    /// let goes_on = connections.retry();
    /// assert!(goes_on(&Target::parse("no port").unwrap_err().into()));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn retry(&self) -> &P {
        &self.retry
    }

    /// Sets how long a connection must hold to reset the back-off. The default is
    /// [`STEADY_AFTER`]. With zero every connection resets it, so a server that hangs up at once
    /// gets a storm of connects.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt as _;
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let ledger = Ledger::new(&clock);
    /// let hangs_up = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(0)));
    /// let mut connections = Reconnect::new(hangs_up, clock.clone())
    ///     .with_backoff([ms(100), ms(200)].into_iter())
    ///     .with_steady_after(ms(5_000));
    /// clock.run(async { while connections.next().await.is_some() {} });
    /// assert_eq!(ledger.starts(), [(ms(0), "server"), (ms(100), "server"), (ms(300), "server")]);
    /// ```
    pub fn with_steady_after(mut self, steady_after: Duration) -> Self {
        self.steady_after = steady_after;
        self
    }

    /// How long a connection must hold to reset the back-off.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use stagger_reconnect::Reconnect;
    ///
    /// let endpoint = stagger_smol::dialer().endpoint("localhost:443")?;
    /// let connections = Reconnect::new(endpoint, stagger_smol::Timer)
    ///     .with_steady_after(Duration::from_secs(60));
    /// assert_eq!(connections.steady_after(), Duration::from_secs(60));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn steady_after(&self) -> Duration {
        self.steady_after
    }

    /// What the stream does at the moment: see [`ReconnectState`].
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt as _;
    /// use stagger_reconnect::{Reconnect, ReconnectState};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let server = ScriptedEndpoint::new(&Ledger::new(&clock), "server", Fate::connects(ms(20)));
    /// let mut connections = Reconnect::new(server, clock.clone());
    /// let connection = clock.run(connections.next());
    /// assert!(matches!(connections.state(), ReconnectState::Connected { .. }));
    /// ```
    pub fn state(&self) -> ReconnectState {
        self.state
    }

    /// The failures in a row: connects that failed, and connections that did not hold. It is 0
    /// while a connection is handed out.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt as _;
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let down = ScriptedEndpoint::new(&Ledger::new(&clock), "down", Fate::fails(ms(30)));
    /// let mut connections = Reconnect::new(down, clock.clone());
    /// clock.run(async { (connections.next().await, connections.next().await) });
    /// assert_eq!(connections.failures(), 2);
    /// ```
    pub fn failures(&self) -> u32 {
        match self.state {
            ReconnectState::Connected { .. } => 0,
            _ => self.backoff.failures(),
        }
    }

    /// All failures so far.
    pub(crate) fn total_failures(&self) -> u64 {
        self.backoff.total_failures()
    }

    /// Shares the current connection among many tasks, by a [`Link`] and a future that keeps it
    /// connected. The program must spawn or poll the future.
    ///
    /// `prepare` runs for each connection. It returns the value to share, and a future that ends
    /// when the connection is lost. That future is also the place to read from the connection.
    /// `prepare` should not hold a [`Link`], because the last link to be dropped ends the future.
    ///
    /// # Examples
    ///
    /// The reading half watches for the end of the connection, and all tasks share the writing
    /// half:
    ///
    /// ```
    /// use std::io::Write as _;
    /// use std::net::TcpListener;
    ///
    /// use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
    /// use stagger_reconnect::Reconnect;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = TcpListener::bind("127.0.0.1:0")?;
    /// let endpoint = stagger_smol::dialer().endpoint(server.local_addr()?)?;
    /// let connections = Reconnect::new(endpoint, stagger_smol::Timer);
    /// let (link, keep) = connections.into_link(|stream| {
    ///     let mut reader = stream.clone();
    ///     let lost = async move {
    ///         let mut unused = [0; 64];
    ///         while reader.read(&mut unused).await.is_ok_and(|read| read > 0) {}
    ///     };
    ///     (stream, lost)
    /// });
    ///
    /// smol::block_on(async {
    ///     let keep = smol::spawn(keep);
    ///     let mut stream = link.connected().await?;
    ///     stream.write_all(b"hello").await?;
    ///     link.stop();
    ///     keep.await;
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn into_link<F, C, L>(self, prepare: F) -> (Link<C>, KeepLink<Self, F, L, C>)
    where
        F: FnMut(E::Connection) -> (C, L),
        L: Future<Output = ()>,
    {
        let link = Link::new();
        let keep = KeepLink::new(self, prepare, &link);
        (link, keep)
    }
}

impl<E, T, B, P> Stream for Reconnect<E, T, B, P>
where
    E: Endpoint,
    T: Timer,
    B: BackoffBuilder + Clone,
    P: FnMut(&E::Error) -> bool,
{
    type Item = Result<E::Connection, E::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let ReconnectState::Connected { since } = *this.state {
            let now = this.timer.now();
            *this.state = if now.saturating_duration_since(since) >= *this.steady_after {
                this.backoff.reset();
                ReconnectState::Idle
            } else {
                this.backoff.fail();
                this.backoff.wait(now)
            };
        }
        if let ReconnectState::Waiting { until } = *this.state {
            ready!(drivers::poll_until(until, this.timer, this.alarm, cx));
            *this.state = ReconnectState::Idle;
        }
        match *this.state {
            ReconnectState::Ended => return Poll::Ready(None),
            ReconnectState::Idle => {
                this.connecting.set(Some(this.endpoint.connect()));
                *this.state = ReconnectState::Connecting;
            }
            _ => {}
        }
        let connecting = this.connecting.as_mut().as_pin_mut();
        let outcome = ready!(connecting.expect("a connect is in progress").poll(cx));
        // The state of a stream whose code panics below.
        *this.state = ReconnectState::Ended;
        this.connecting.set(None);
        let now = this.timer.now();
        *this.state = match &outcome {
            Ok(_) => ReconnectState::Connected { since: now },
            Err(error) => {
                this.backoff.fail();
                match (this.retry)(error) {
                    true => this.backoff.wait(now),
                    false => ReconnectState::Ended,
                }
            }
        };
        Poll::Ready(Some(outcome))
    }
}

impl<E, T, B, P> fmt::Debug for Reconnect<E, T, B, P>
where
    E: Endpoint,
    T: Timer,
    B: BackoffBuilder,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("state", &self.state)
            .field("failures", &self.failures())
            .field("steady_after", &self.steady_after)
            .finish_non_exhaustive()
    }
}
