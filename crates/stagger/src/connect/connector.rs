//! The seam that makes one attempt at one address.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use super::At;
use crate::combinator::{AndThen, Map, MapErr};
use crate::{Candidate, Endpoint};

/// Makes one attempt at one candidate.
///
/// A connector does no work until the returned future is polled, and it never blocks. It decides
/// what success means: with TLS on top, success is the end of the handshake.
///
/// A dialer clones its connector for each connect, so make a connector `Clone`. Use [`and_then`](Self::and_then)
/// to add a second step to another connector, such as a handshake.
///
/// # Cancel safety
///
/// Dropping the attempt must close everything that it opened before `drop` returns. The race relies
/// on this: it drops every loser before it returns the winner. Some transports cannot do so: those
/// that share a socket (QUIC), run a child process, or use a completion ring. Such a connector must
/// document what it may leave, and for how long.
///
/// # Examples
///
/// This connector goes through a proxy, as a SOCKS client would. It dials the proxy with the inner
/// connector. It reports to the race that the proxy has answered, and gives up at a wrong password:
///
/// ```
/// use std::future::Future;
/// use std::io;
/// use std::pin::Pin;
/// use std::sync::Arc;
///
/// use stagger::connect::connector_fn;
/// use stagger::{Candidate, Connector, Target};
///
/// #[derive(Clone)]
/// struct Socks<C> {
///     inner: C,
///     proxy: u16,
///     password: Arc<str>,
/// }
///
/// impl<C> Connector<Target> for Socks<C>
/// where
///     C: Connector<u16, Connection = String, Error = io::Error, Attempt: Send + 'static>,
/// {
///     type Connection = String;
///     type Error = io::Error;
///     // Without `Send` it would work only on executors with one thread.
///     type Attempt = Pin<Box<dyn Future<Output = io::Result<String>> + Send>>;
///
///     fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
///         // The proxy has an address of its own, and shares the progress of this attempt.
///         let dial = self.inner.connect(to.child(self.proxy));
///         let password = self.password.clone();
///         Box::pin(async move {
///             let stream = dial.await?;
///             to.progress().made();
///             match &*password {
///                 "secret" => Ok(format!("{} over {stream}", to.address())),
///                 _ => Err(io::ErrorKind::PermissionDenied.into()),
///             }
///         })
///     }
///
///     fn is_final(&self, error: &io::Error) -> bool {
///         error.kind() == io::ErrorKind::PermissionDenied
///     }
/// }
///
/// let inner = connector_fn(|port: u16| async move { Ok::<_, io::Error>(format!("port {port}")) });
/// let proxied = |password: &str| Socks { inner, proxy: 1080, password: password.into() };
/// let to = || Candidate::new(Target::parse("example.com:443").unwrap());
///
/// let connected = futures_lite::future::block_on(proxied("secret").connect(to()));
/// assert_eq!(connected.unwrap(), "example.com:443 over port 1080");
///
/// let connector = proxied("wrong");
/// let error = futures_lite::future::block_on(connector.connect(to())).unwrap_err();
/// assert!(connector.is_final(&error));
/// ```
pub trait Connector<A> {
    /// The connection that a successful attempt returns.
    type Connection;
    /// The error of a failed attempt.
    type Error;
    /// The attempt in progress.
    type Attempt: Future<Output = Result<Self::Connection, Self::Error>>;

    /// Begins an attempt at a candidate.
    ///
    /// A connector that wraps another passes on the whole candidate. Before that it clones the
    /// parts that it needs itself, such as the [progress](Candidate::progress).
    fn connect(&self, to: Candidate<A>) -> Self::Attempt;

    /// Checks whether this connector can dial a candidate, before any attempt starts.
    ///
    /// A refused candidate takes no place in the race and costs no delay. It is reported as
    /// skipped, with the error returned here. The default accepts every candidate.
    ///
    /// # Errors
    ///
    /// Returns the reason why the candidate cannot be dialed, such as a bind address of another
    /// family.
    fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
        let _ = to;
        Ok(())
    }

    /// Whether this failure makes every other attempt pointless. Examples are a wrong password, and
    /// a client certificate that the server refuses.
    ///
    /// The race then drops the other attempts and fails, unless one of them has connected at the
    /// same instant. By default no failure is final.
    fn is_final(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// Whether a shortage on this machine caused this failure, such as too few file descriptors,
    /// buffers or source ports. Such a failure does not depend on the address, and it often passes
    /// soon. By default no failure is of this kind.
    ///
    /// The race then puts the candidate back once, by these rules (they are ours; no RFC has them):
    ///
    /// 1. The candidate waits behind all candidates that were not tried yet. Several returned
    ///    candidates keep the order of their failures. It does not count again against
    ///    [`Policy::with_max_addresses`](crate::Policy).
    /// 2. Its second attempt starts when its turn comes, but no earlier than the [attempt delay](crate::Policy::with_attempt_delay)
    ///    after the failure. So a shortage has time to pass, and a race never spins. If attempts
    ///    run [one after another](crate::Policy::without_overlap), that delay is [`ATTEMPT_DELAY`](crate::Policy::ATTEMPT_DELAY).
    /// 3. The race is not lost while the candidate waits. Its deadline does not change.
    /// 4. If the second attempt fails, the candidate is out, whatever the failure is.
    ///
    /// The report and the observer have both attempts, each with its failure. A failure that
    /// [`is_final`](Self::is_final) still ends the race. A [`Dialer`](crate::Dialer) used as a connector reports no failure as
    /// local, because its own race has already tried again. An [`Endpoint`] does not judge its
    /// errors, so [`Direct`] and [`race()`](crate::race()) never try an endpoint twice.
    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// Whether attempts of this connector may report [progress](crate::connect::Progress), or run a race of their own. The
    /// default is `true`. If it is `false`, the race saves an allocation for each attempt. A
    /// connector that wraps another and reports nothing itself asks the inner connector.
    //
    // The trait has two methods more than a seam should have. If progress were recorded only on
    // request, the error of a plain connect would be wrong. Only the connector knows what a failure
    // means.
    fn reports_progress(&self) -> bool {
        true
    }

    /// Maps each connection of this connector.
    ///
    /// [`Direct`] is a connector for several types of addresses, so the compiler cannot infer the
    /// type here. Name the trait then: `Connector::<SocketAddr>::map(connector, ..)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Connector;
    /// use stagger::connect::connector_fn;
    ///
    /// let number = connector_fn(|port: u16| async move { Ok::<_, std::io::Error>(port) });
    /// let text = number.map(|port| format!("port {port}"));
    /// assert_eq!(futures_lite::future::block_on(text.connect(80.into()))?, "port 80");
    /// # Ok::<_, std::io::Error>(())
    /// ```
    fn map<F, T>(self, map: F) -> Map<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Connection) -> T + Clone,
    {
        Map::new(self, map)
    }

    /// Maps each error of this connector.
    ///
    /// The new error is in an [`AttemptError`](crate::connect::AttemptError). It keeps the results of [`is_final`](Self::is_final) and
    /// [`is_local_shortage`](Self::is_local_shortage) for the original error. So a failure that ends the race still ends
    /// it after the mapping. A dialer's report holds only the mapped error, without this judgement.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// use stagger::Connector;
    /// use stagger::connect::{AttemptError, connector_fn};
    ///
    /// let refusing = connector_fn(|_: u16| async { Err::<(), _>("refused") });
    /// let mapped = refusing.map_err(io::Error::other);
    /// let error: AttemptError<io::Error> =
    ///     futures_lite::future::block_on(mapped.connect(80.into())).unwrap_err();
    /// assert!(!error.is_final());
    /// assert_eq!(error.into_inner().to_string(), "refused");
    /// ```
    fn map_err<F, E>(self, map: F) -> MapErr<Self, F>
    where
        Self: Sized + Clone,
        F: Fn(Self::Error) -> E + Clone,
    {
        MapErr::new(self, map)
    }

    /// Runs a second step over each connection of this connector, such as a handshake. The step
    /// also receives the candidate, which has the [target](Candidate::target).
    ///
    /// An attempt succeeds when the step does. [Progress](crate::connect::Progress) is reported between the two. The step's
    /// error is the attempt's error, so the connector and the step need the same error type.
    /// [`map_err`](Self::map_err) can give them one.
    ///
    /// After `map_err` the error is an [`AttemptError`](crate::connect::AttemptError), and the step may [end the race](crate::connect::AttemptError::with_final). If
    /// the error type stays the same, use `map_err(|error| error)`.
    ///
    /// To erase both errors, map them to [`SharedError`](crate::error::SharedError). With a [`BoxError`](crate::boxed::BoxError) in an async
    /// block, the compiler cannot prove that the connect is `Send`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the attempt drops the step, and with it the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Candidate, Connector, Dialer, Timer};
    /// use stagger_testkit::{
    ///     Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms,
    /// };
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let clock = ledger.clock().clone();
    /// let tcp = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(20)));
    /// let tls = tcp.and_then(|connection, to: Candidate<Place>| {
    ///     let name = to.target().map(|target| target.host().to_string());
    ///     let handshake = clock.sleep(ms(40));
    ///     async move {
    ///         handshake.await;
    ///         Ok::<_, ScriptedError>((name, connection))
    ///     }
    /// });
    ///
    /// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v4"]);
    /// let dialer = Dialer::new(resolver, tls, clock.clone());
    /// let (name, connection) = clock.run(dialer.connect("example.com:443"))?;
    /// assert_eq!((name.as_deref(), connection.name()), (Some("example.com"), "v4"));
    /// assert_eq!(clock.elapsed(), ms(60));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    fn and_then<F, S, T>(self, step: F) -> AndThen<Self, F>
    where
        Self: Sized,
        A: Clone,
        F: Fn(Self::Connection, Candidate<A>) -> S + Clone,
        S: Future<Output = Result<T, Self::Error>>,
    {
        AndThen::new(self, step)
    }

    /// Makes an endpoint of this connector and an address.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::connect::connector_fn;
    /// use stagger::{Connector, Endpoint};
    ///
    /// let connector = connector_fn(|port: u16| async move { Ok::<_, std::io::Error>(port) });
    /// let endpoint = connector.at(80);
    /// assert_eq!(endpoint.to_string(), "80");
    /// assert_eq!(futures_lite::future::block_on(endpoint.connect())?, 80);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    fn at(self, address: A) -> At<Self, A>
    where
        Self: Sized,
    {
        At::new(self, address)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<A, C: Connector<A> + ?Sized> Connector<A> for $pointer {
            type Connection = C::Connection;
            type Error = C::Error;
            type Attempt = C::Attempt;

            fn connect(&self, to: Candidate<A>) -> Self::Attempt {
                (**self).connect(to)
            }

            fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
                (**self).accepts(to)
            }

            fn is_final(&self, error: &Self::Error) -> bool {
                (**self).is_final(error)
            }

            fn is_local_shortage(&self, error: &Self::Error) -> bool {
                (**self).is_local_shortage(error)
            }

            fn reports_progress(&self) -> bool {
                (**self).reports_progress()
            }
        }
    )*};
}

forward!(&C, Box<C>, Rc<C>, Arc<C>);

/// The connector for addresses that are endpoints: it connects to the endpoint.
///
/// With it a resolver may return endpoints, such as a proxy, an SSH host, or another
/// [`HostEndpoint`](crate::connect::HostEndpoint).
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl<A: Endpoint> Connector<A> for Direct {
    type Connection = A::Connection;
    type Error = A::Error;
    type Attempt = A::Connecting;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        to.into_address().connect()
    }

    fn reports_progress(&self) -> bool {
        false
    }
}
