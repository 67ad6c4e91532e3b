//! Client endpoints, and the layers that they are made of. The file is long because most methods
//! have an example.

use std::fmt;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use stagger::address::{Address, Family};
use stagger::boxed::{BoxConnector, BoxEndpoint, BoxError, BoxResolver};
use stagger::connect::{Dial, Direct, endpoint_fn};
use stagger::error::SharedError;
use stagger::resolve::lookup_fn;
use stagger::{Candidate, Connector, Dialer, Endpoint, Resolver, Target, Timer};

/// A connect of a [`ClientEndpoint`] in progress.
type Connecting<S> = Pin<Box<dyn Future<Output = Result<S, SharedError>> + Send>>;

/// A dialer with this endpoint as its only address: see [`ClientEndpoint::dialer`].
pub type ClientDialer<S, T, O = ()> =
    Dialer<BoxResolver<ClientEndpoint<S>, SharedError>, ClientConnector, T, O>;

/// Makes a dialer's race with another connector inside it.
type Race<S> = dyn Fn(BoxConnector<SocketAddr, S, SharedError>) -> BoxConnector<Target, S, SharedError>
    + Send
    + Sync;

/// A client endpoint: a layer of a text's hops, or all of them. `S` is the stream.
///
/// It still knows whether it is a dialed target. So a handshake over it runs inside the race:
/// [`and_then`](Self::and_then) and [`map_connector`](Self::map_connector) change the attempts, and
/// not the result of the race. An address that accepts and then stalls therefore costs one attempt
/// delay, as with `stagger-tls` by hand.
///
/// It is an [`Endpoint`], so it can be raced and reconnected. It is also an [`Address`], and
/// [`ClientConnector`] connects to it within another race. It prints as its text without secrets.
/// Only clones are equal. A layer over a clone, and a clone with another setting, are other
/// endpoints. It is cheap to clone.
///
/// # Cancel safety
///
/// Dropping a connect closes every socket that it has opened, as the layers do.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint as _;
/// use stagger::connect::endpoint_fn;
/// use stagger_endpoint::ClientEndpoint;
///
/// let one = ClientEndpoint::new(endpoint_fn(|| async { Ok::<_, std::io::Error>(1) }));
/// let two = one.and_then(|number, _| async move { Ok::<_, std::io::Error>(number + 1) });
/// assert_eq!(futures_lite::future::block_on(two.connect())?, 2);
/// # Ok::<_, stagger::error::SharedError>(())
/// ```
pub struct ClientEndpoint<S> {
    way: Way<S>,
    target: Option<Target>,
    relay: Option<Relay<S>>,
    name: Arc<str>,
}

/// A connector of targets that are reached from the end of a layer.
type Relay<S> = BoxConnector<Target, S, SharedError>;

enum Way<S> {
    /// A dialed target. `dialed` is the race with this connector.
    Dialed {
        connector: BoxConnector<SocketAddr, S, SharedError>,
        race: Arc<Race<S>>,
        dialed: BoxConnector<Target, S, SharedError>,
        target: Target,
    },
    /// A connector that takes the target itself, such as a proxy.
    Routed(BoxConnector<Target, S, SharedError>, Target),
    /// An endpoint without a target, and the connector for it.
    Endpoint(
        BoxConnector<BoxEndpoint<S, SharedError>, S, SharedError>,
        BoxEndpoint<S, SharedError>,
    ),
}

/// Wraps the connector of a layer, whatever its addresses are. See
/// [`ClientEndpoint::map_connector`].
///
/// # Examples
///
/// A layer that adds nothing, and counts its attempts:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use stagger::address::Address;
/// use stagger::boxed::BoxConnector;
/// use stagger::connect::endpoint_fn;
/// use stagger::error::SharedError;
/// use stagger::{Candidate, Connector as _, Endpoint as _};
/// use stagger_endpoint::{ClientEndpoint, MapConnector};
///
/// struct Count(Arc<AtomicUsize>);
///
/// impl<S: Send + 'static> MapConnector<S> for Count {
///     fn map_connector<A: Address + Send + Sync + 'static>(
///         &self,
///         inner: BoxConnector<A, S, SharedError>,
///     ) -> BoxConnector<A, S, SharedError> {
///         let count = self.0.clone();
///         BoxConnector::new(inner.and_then(move |stream, _: Candidate<A>| {
///             count.fetch_add(1, Ordering::Relaxed);
///             std::future::ready(Ok(stream))
///         }))
///     }
/// }
///
/// let count = Arc::default();
/// let inner = ClientEndpoint::new(endpoint_fn(|| async { Ok::<_, std::io::Error>(()) }));
/// let counted = inner.map_connector(&Count(Arc::clone(&count)));
/// futures_lite::future::block_on(counted.connect())?;
/// assert_eq!(count.load(Ordering::Relaxed), 1);
/// # Ok::<_, SharedError>(())
/// ```
pub trait MapConnector<S> {
    /// Wraps a connector with addresses of this type.
    fn map_connector<A: Address + Send + Sync + 'static>(
        &self,
        inner: BoxConnector<A, S, SharedError>,
    ) -> BoxConnector<A, S, SharedError>;
}

impl<S: Send + 'static> ClientEndpoint<S> {
    /// A layer that is an endpoint. It has no target until [`with_target`](Self::with_target).
    pub fn new<N>(endpoint: N) -> Self
    where
        N: Endpoint<Connection = S, Error: Into<BoxError>, Connecting: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        let way = Way::Endpoint(BoxConnector::new(Direct), BoxEndpoint::erased(endpoint));
        Self { way, target: None, relay: None, name: "endpoint".into() }
    }

    /// A layer that dials a target. The dialer's connector yields the stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{Pending, pending};
    /// use std::net::SocketAddr;
    /// use std::time::Instant;
    ///
    /// use stagger::connect::connector_fn;
    /// use stagger::resolve::lookup_fn;
    /// use stagger::{Dialer, Endpoint as _, Target, Timer};
    /// use stagger_endpoint::ClientEndpoint;
    ///
    /// # #[derive(Clone)]
    /// # struct Clock;
    /// # impl Timer for Clock {
    /// #     type Sleep = Pending<()>;
    /// #     fn now(&self) -> Instant { Instant::now() }
    /// #     fn sleep_until(&self, _: Instant) -> Self::Sleep { pending() }
    /// # }
    /// let resolver = lookup_fn(|_| async {
    ///     Ok::<_, std::io::Error>(["[2001:db8::1]:80", "192.0.2.1:80"].map(|a| a.parse().unwrap()))
    /// });
    /// let connector = connector_fn(|address: SocketAddr| async move {
    ///     if address.is_ipv6() { Err(std::io::Error::other("no route")) } else { Ok(address) }
    /// });
    /// let dialer = Dialer::new(resolver, connector, Clock);
    /// let endpoint = ClientEndpoint::dialed(dialer, Target::parse("example.com:80")?);
    /// let address = futures_lite::future::block_on(endpoint.connect())?;
    /// assert!(address.is_ipv4());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn dialed<R, C, T>(dialer: Dialer<R, C, T>, target: Target) -> Self
    where
        R: Resolver<Address = SocketAddr, Error: Into<BoxError>> + Clone + Send + Sync + 'static,
        C: Connector<SocketAddr, Connection = S, Error: Into<BoxError>, Attempt: Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static,
        T: Timer + Clone + Send + Sync + 'static,
        Dial<R, BoxConnector<SocketAddr, S, SharedError>, T>: Send + 'static,
    {
        let connector = BoxConnector::erased(dialer.connector().clone());
        let race = move |connector| BoxConnector::erased(dialer.clone().with_connector(connector));
        let dialed = race(connector.clone());
        let way = Way::Dialed { connector, race: Arc::new(race), dialed, target: target.clone() };
        Self { way, name: target.to_string().into(), target: Some(target), relay: None }
    }

    /// A layer that passes its target to a connector, such as a proxy's.
    pub fn routed<C>(connector: C, target: Target) -> Self
    where
        C: Connector<Target, Connection = S, Error: Into<BoxError>, Attempt: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        let way = Way::Routed(BoxConnector::erased(connector), target.clone());
        Self { way, name: target.to_string().into(), target: Some(target), relay: None }
    }

    /// A layer with an address for a connector. It has no target until
    /// [`with_target`](Self::with_target). Unlike [`new`](Self::new), it passes its attempt to the
    /// connector. So races inside the connector are children of the attempt.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use stagger::Endpoint as _;
    /// use stagger::connect::connector_fn;
    /// use stagger_endpoint::ClientEndpoint;
    ///
    /// let connector = connector_fn(|addr: SocketAddr| async move {
    ///     Ok::<_, std::io::Error>(format!("a stream to {addr}"))
    /// });
    /// let endpoint = ClientEndpoint::addressed(connector, SocketAddr::from(([127, 0, 0, 1], 80)));
    /// let stream = futures_lite::future::block_on(endpoint.connect())?;
    /// assert_eq!(stream, "a stream to 127.0.0.1:80");
    /// # Ok::<_, stagger::error::SharedError>(())
    /// ```
    pub fn addressed<C, A>(connector: C, address: A) -> Self
    where
        C: Connector<A, Connection = S, Error: Into<BoxError> + 'static, Attempt: Send + 'static>
            + Send
            + Sync
            + 'static,
        A: Address + fmt::Display + Send + Sync + 'static,
    {
        let name: Arc<str> = address.to_string().into();
        let itself = Arc::new(Addressed { connector, address });
        let endpoint = {
            let itself = Arc::clone(&itself);
            endpoint_fn(move || itself.connector.connect(Candidate::new(itself.address.clone())))
        };
        let connector = BoxConnector::erased(ByAddress(itself));
        let way = Way::Endpoint(connector, BoxEndpoint::erased(endpoint));
        Self { way, target: None, relay: None, name }
    }

    /// Runs a step over each connection, such as a handshake. The step also gets the target.
    ///
    /// The step is a part of each attempt. Over a dialed target, an attempt whose step is slow gets
    /// a rival, and an attempt whose step fails lets the next address start.
    ///
    /// # Cancel safety
    ///
    /// Dropping the connect drops the step, and with it the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Endpoint as _;
    /// use stagger::connect::endpoint_fn;
    /// use stagger_endpoint::ClientEndpoint;
    ///
    /// let inner = ClientEndpoint::new(endpoint_fn(|| async { Ok::<_, std::io::Error>(41) }));
    /// let inner = inner.with_target("example.com:80".try_into()?);
    /// let outer = inner.and_then(|number, target| async move {
    ///     assert_eq!(target.unwrap().to_string(), "example.com:80");
    ///     Ok::<_, std::io::Error>(number + 1)
    /// });
    /// assert_eq!(futures_lite::future::block_on(outer.connect())?, 42);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn and_then<F, U, E>(self, step: F) -> Self
    where
        F: Fn(S, Option<Target>) -> U + Send + Sync + 'static,
        U: Future<Output = Result<S, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let target = self.target.clone();
        let layer = self.map_connector(&Step(Arc::new(step), target.clone()));
        Self { target, ..layer }
    }

    /// Wraps the connector of this layer, so that errors keep their judgement
    /// ([`Connector::is_final`]). Over a dialed target, it is the connector of each attempt. The
    /// layer has no [relay](Self::with_relay) afterwards.
    pub fn map_connector(self, map: &impl MapConnector<S>) -> Self {
        let way = match self.way {
            Way::Dialed { connector, race, target, .. } => {
                let connector = map.map_connector(connector);
                let dialed = race(connector.clone());
                Way::Dialed { connector, race, dialed, target }
            }
            Way::Routed(connector, target) => Way::Routed(map.map_connector(connector), target),
            Way::Endpoint(connector, endpoint) => {
                Way::Endpoint(map.map_connector(connector), endpoint)
            }
        };
        Self { way, relay: None, ..self }.changed()
    }

    /// Sets the connector for targets that are reached from the end of this layer, as an SSH host
    /// reaches them. A hop `tcp` after this one is then its target, and not dialed here.
    ///
    /// # Examples
    ///
    /// A scheme of a program whose streams are texts:
    ///
    #[cfg_attr(feature = "smol", doc = "```")]
    #[cfg_attr(not(feature = "smol"), doc = "```ignore")]
    /// use std::io;
    ///
    /// use stagger::connect::{connector_fn, endpoint_fn};
    /// use stagger::{Endpoint as _, Target};
    /// use stagger_endpoint::{ClientEndpoint, smol};
    ///
    /// let schemes = smol::schemes().with_client("gate", |hop| {
    ///     let gate = hop.text()?;
    ///     let inside = connector_fn(move |target: Target| {
    ///         let refusal = io::Error::other(format!("{gate} does not know {target}"));
    ///         async { Err::<smol::BoxStream, _>(refusal) }
    ///     });
    ///     let closed = || async { Err::<smol::BoxStream, _>(io::Error::other("closed")) };
    ///     Ok(ClientEndpoint::new(endpoint_fn(closed)).with_relay(inside))
    /// });
    /// let endpoint = schemes.client("gate:north | tcp:db.internal:5432")?;
    /// assert_eq!(endpoint.target().unwrap().to_string(), "db.internal:5432");
    /// let error = futures_lite::future::block_on(endpoint.connect()).unwrap_err();
    /// assert_eq!(error.to_string(), "north does not know db.internal:5432");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_relay<C>(self, relay: C) -> Self
    where
        C: Connector<Target, Connection = S, Error: Into<BoxError>, Attempt: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        Self { relay: Some(BoxConnector::erased(relay)), ..self }.changed()
    }

    /// A connector that leads to this endpoint whatever it is asked for. With it a proxy's client
    /// dials its proxy. A race of this endpoint is a child of that attempt.
    pub fn into_connector(self) -> BoxConnector<Target, S, SharedError> {
        BoxConnector::erased(Fixed(self))
    }

    /// Makes an endpoint without the type of this one, with the same name.
    pub fn boxed(self) -> BoxEndpoint<S, SharedError> {
        let name = self.name.clone();
        BoxEndpoint::new(self).with_name(name)
    }

    /// A dialer whose targets all lead to this endpoint, for a policy, an observer and a report.
    /// The attempt's children are the races inside this endpoint.
    ///
    /// An endpoint without a target is dialed by
    /// [`connect_addresses`](Dialer::connect_addresses).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::connect::endpoint_fn;
    /// use stagger_endpoint::ClientEndpoint;
    /// use stagger_testkit::Clock;
    ///
    /// let clock = Clock::new();
    /// let inner = endpoint_fn(|| async { Ok::<_, std::io::Error>(1) });
    /// let endpoint = ClientEndpoint::new(inner).with_name("one");
    /// let connect = endpoint.dialer(clock.clone()).connect_addresses([endpoint]).with_report();
    /// let (connection, report) = clock.run(connect)?;
    /// assert_eq!((connection, &*report.attempts()[0].address.to_string()), (1, "one"));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn dialer<T>(&self, timer: T) -> ClientDialer<S, T> {
        let endpoint = self.clone();
        let itself = lookup_fn(move |_| ready(Ok::<_, SharedError>([endpoint.clone()])));
        Dialer::new(BoxResolver::new(itself), ClientConnector, timer)
    }

    /// Begins a connect within an attempt, whose progress it shares.
    fn attempt<A>(&self, to: &Candidate<A>) -> Connecting<S> {
        match &self.way {
            Way::Dialed { dialed, target, .. } => begin(dialed, to.child(target.clone())),
            Way::Routed(connector, target) => begin(connector, to.child(target.clone())),
            Way::Endpoint(connector, endpoint) => {
                let to = to.child(endpoint.clone());
                begin(
                    connector,
                    match &self.target {
                        Some(target) => to.with_target(target.clone()),
                        None => to,
                    },
                )
            }
        }
    }
}

impl<S> ClientEndpoint<S> {
    /// Sets the target that the layers above this one see, such as the name that TLS checks. It
    /// does not change where this layer leads.
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self.changed()
    }

    /// Removes the target that the layers above see.
    pub fn without_target(mut self) -> Self {
        self.target = None;
        self.changed()
    }

    /// The target that this layer leads to, if it is known.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// Removes the connector for targets that are reached from the end of this layer.
    pub fn without_relay(mut self) -> Self {
        self.relay = None;
        self.changed()
    }

    /// The connector for targets that are reached from the end of this layer, if there is one.
    pub fn relay(&self) -> Option<&BoxConnector<Target, S, SharedError>> {
        self.relay.as_ref()
    }

    /// Sets the name that it prints as. [`Schemes`](crate::Schemes) sets the text of its hops.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An endpoint with the same name that no other one is equal to.
    fn changed(self) -> Self {
        Self { name: Arc::from(&*self.name), ..self }
    }
}

fn begin<A, S: Send + 'static>(
    connector: &BoxConnector<A, S, SharedError>,
    to: Candidate<A>,
) -> Connecting<S> {
    match connector.accepts(&to) {
        Ok(()) => connector.connect(to),
        Err(error) => Box::pin(ready(Err(error))),
    }
}

/// The step of [`ClientEndpoint::and_then`], and the target of its layer.
struct Step<F>(Arc<F>, Option<Target>);

impl<S, F, U, E> MapConnector<S> for Step<F>
where
    S: Send + 'static,
    F: Fn(S, Option<Target>) -> U + Send + Sync + 'static,
    U: Future<Output = Result<S, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    fn map_connector<A: Address + Send + Sync + 'static>(
        &self,
        inner: BoxConnector<A, S, SharedError>,
    ) -> BoxConnector<A, S, SharedError> {
        let (step, target) = (Arc::clone(&self.0), self.1.clone());
        BoxConnector::new(inner.and_then(move |stream, _: Candidate<A>| {
            let step = step(stream, target.clone());
            async move { step.await.map_err(SharedError::new) }
        }))
    }
}

/// A connector with one way: see [`ClientEndpoint::into_connector`].
struct Fixed<S>(ClientEndpoint<S>);

impl<S: Send + 'static> Connector<Target> for Fixed<S> {
    type Connection = S;
    type Error = SharedError;
    type Attempt = Connecting<S>;

    fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
        self.0.attempt(&to)
    }

    fn is_final(&self, error: &SharedError) -> bool {
        error.is_final()
    }

    fn is_local_shortage(&self, error: &SharedError) -> bool {
        error.is_local_shortage()
    }
}

/// The connector and the address of [`ClientEndpoint::addressed`].
struct Addressed<C, A> {
    connector: C,
    address: A,
}

/// Connects to the address, whichever endpoint it gets.
struct ByAddress<C, A>(Arc<Addressed<C, A>>);

impl<C: Connector<A>, A: Address, N: Address> Connector<N> for ByAddress<C, A> {
    type Connection = C::Connection;
    type Error = C::Error;
    type Attempt = C::Attempt;

    fn connect(&self, to: Candidate<N>) -> C::Attempt {
        self.0.connector.connect(to.child(self.0.address.clone()))
    }

    fn accepts(&self, to: &Candidate<N>) -> Result<(), C::Error> {
        self.0.connector.accepts(&to.child(self.0.address.clone()))
    }

    fn is_final(&self, error: &C::Error) -> bool {
        self.0.connector.is_final(error)
    }

    fn is_local_shortage(&self, error: &C::Error) -> bool {
        self.0.connector.is_local_shortage(error)
    }
}

/// Connects to [`ClientEndpoint`]s within a race. Unlike [`Direct`], it passes the steps of the
/// races inside an endpoint to the outer race, as children of the attempt.
///
/// # Examples
///
/// See [`ClientEndpoint::dialer`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientConnector;

impl<S: Send + 'static> Connector<ClientEndpoint<S>> for ClientConnector {
    type Connection = S;
    type Error = SharedError;
    type Attempt = Connecting<S>;

    fn connect(&self, to: Candidate<ClientEndpoint<S>>) -> Self::Attempt {
        to.address().attempt(&to)
    }

    fn is_final(&self, error: &SharedError) -> bool {
        error.is_final()
    }

    fn is_local_shortage(&self, error: &SharedError) -> bool {
        error.is_local_shortage()
    }
}

impl<S: Send + 'static> Endpoint for ClientEndpoint<S> {
    type Connection = S;
    type Error = SharedError;
    type Connecting = Connecting<S>;

    fn connect(&self) -> Self::Connecting {
        self.attempt(&Candidate::new(()))
    }
}

impl<S> Address for ClientEndpoint<S> {
    fn family(&self) -> Option<Family> {
        None
    }
}

/// Clones are equal.
impl<S> PartialEq for ClientEndpoint<S> {
    fn eq(&self, other: &Self) -> bool {
        // Another endpoint may have the same name and another password.
        Arc::ptr_eq(&self.name, &other.name)
    }
}

impl<S> Eq for ClientEndpoint<S> {}

impl<S> Clone for ClientEndpoint<S> {
    fn clone(&self) -> Self {
        Self {
            way: self.way.clone(),
            target: self.target.clone(),
            relay: self.relay.clone(),
            name: Arc::clone(&self.name),
        }
    }
}

impl<S> Clone for Way<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Dialed { connector, race, dialed, target } => Self::Dialed {
                connector: connector.clone(),
                race: Arc::clone(race),
                dialed: dialed.clone(),
                target: target.clone(),
            },
            Self::Routed(connector, target) => Self::Routed(connector.clone(), target.clone()),
            Self::Endpoint(connector, endpoint) => {
                Self::Endpoint(connector.clone(), endpoint.clone())
            }
        }
    }
}

impl<S> fmt::Display for ClientEndpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<S> fmt::Debug for ClientEndpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientEndpoint").field(&self.name).finish()
    }
}
