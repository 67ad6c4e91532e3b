//! What makes one attempt at one address.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use super::At;
use crate::combinator::{AndThen, Map, MapErr};
use crate::{Candidate, Endpoint};

/// Makes one attempt at one candidate.
///
/// It does no work until the returned future is polled, never blocks, and decides itself what
/// success means: with TLS on top it is the handshake.
///
/// A dialer clones its connector for each connect, so make a connector `Clone`. For a second step
/// over the connections of another connector, such as a handshake, [`and_then`](Self::and_then) is
/// the short way.
///
/// # Cancel safety
///
/// Dropping the attempt must close whatever it opened before `drop` returns. The race relies on
/// this: it drops every loser before it hands the winner over. A transport that shares a socket
/// (QUIC), runs a child process, or uses a completion ring cannot do so. Its connector must say what
/// it may leave and for how long.
///
/// # Examples
///
/// A connector that goes through a SOCKS proxy, as far as a race can see. It dials the proxy with
/// the connector inside, tells the race that the proxy has answered, and gives up at a wrong
/// password:
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
///     // Without `Send` it would serve executors of one thread alone.
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
    /// What a successful attempt yields.
    type Connection;
    /// Why an attempt failed.
    type Error;
    /// The attempt in progress.
    type Attempt: Future<Output = Result<Self::Connection, Self::Error>>;

    /// Begins an attempt at a candidate. A connector that wraps another passes the candidate on
    /// whole. Whatever it needs itself, such as the [progress](Candidate::progress), it clones
    /// before.
    fn connect(&self, to: Candidate<A>) -> Self::Attempt;

    /// Checks whether this connector can dial a candidate at all, before any attempt is made.
    ///
    /// A refused candidate takes no place in the race, costs no delay, and is reported as skipped
    /// with the error returned here. The default accepts every candidate.
    ///
    /// # Errors
    ///
    /// Why the candidate can't be dialed, such as a bind address of another family.
    fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
        let _ = to;
        Ok(())
    }

    /// Whether this failure makes every other attempt pointless, such as a wrong password or a
    /// client certificate that the server refuses. The race then drops the other attempts and
    /// fails, unless one of them has connected at the same instant. The default is that no failure
    /// does.
    fn is_final(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// Whether an attempt failed for want of something on this machine, such as file descriptors,
    /// buffers or source ports. Such a failure says nothing of the address, and it often passes soon.
    /// The default is that no failure is of this kind.
    ///
    /// The race then puts the candidate back, once, by these rules (they are ours; no RFC has them):
    ///
    /// 1. The candidate waits behind all that were not tried yet. Several stand in the order of their
    ///    failures. It does not count again against [`Policy::with_max_addresses`](crate::Policy).
    /// 2. Its second attempt starts when its turn comes, and not earlier than the
    ///    [attempt delay](crate::Policy::with_attempt_delay) after the failure. So a shortage has time to
    ///    pass, and a race never spins. Where attempts run
    ///    [one after another](crate::Policy::without_overlap), that delay is
    ///    [`ATTEMPT_DELAY`](crate::Policy::ATTEMPT_DELAY).
    /// 3. The race is not lost while the candidate waits. Its deadline holds as ever.
    /// 4. If the second attempt fails, the candidate is out, whatever the failure is.
    ///
    /// The report and the observer have both attempts, each with its failure. A failure that
    /// [`is_final`](Self::is_final) ends the race all the same. A [`Dialer`](crate::Dialer) that
    /// serves as a connector calls no failure local: its own race has tried again already. An
    /// [`Endpoint`] does not judge its errors, so [`Direct`] and the races of
    /// [`race()`](crate::race()) never try one twice.
    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// Whether attempts of this connector may report [progress](crate::connect::Progress) or race inside.
    /// Where they do not, the race saves an allocation for each attempt. The default is that they
    /// may. A connector that wraps another and reports nothing itself asks the inner one.
    //
    // Two methods more than a seam should have. Progress that is on only where somebody has asked
    // would leave the error of a plain connect wrong. What a failure means is known here alone.
    fn reports_progress(&self) -> bool {
        true
    }

    /// Maps each connection of this connector.
    ///
    /// A connector of several types of addresses, such as [`Direct`], does not know of which type
    /// it is here. Name the trait then: `Connector::<SocketAddr>::map(connector, ..)`.
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
    /// The new error is in a [`AttemptError`](crate::connect::AttemptError), which keeps what [`is_final`](Self::is_final) and
    /// [`is_local_shortage`](Self::is_local_shortage) say of the original error. So a failure that
    /// ends the race still does so, whatever its new type. In a dialer's report the mapped error
    /// stands alone, without the verdict.
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
    /// also has the candidate, which knows the [target](Candidate::target).
    ///
    /// An attempt succeeds when the step does. [Progress](crate::connect::Progress) is reported between the
    /// two. The step's error is the attempt's, so both have one type, and
    /// [`map_err`](Self::map_err) can bring them together. After `map_err` the error is a
    /// [`AttemptError`](crate::connect::AttemptError), and the step may [end the race](crate::connect::AttemptError::with_final). Where the type stays as it
    /// is, `map_err(|error| error)` does that.
    ///
    /// To erase both errors, map them to [`SharedError`](crate::error::SharedError). With a
    /// [`BoxError`](crate::boxed::BoxError) the compiler can't prove in an async block that the connect is
    /// `Send`.
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

/// The connector for addresses that are endpoints themselves: it just connects to them.
///
/// With it a resolver may yield endpoints of its own kind: a proxy, an SSH host, another
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
