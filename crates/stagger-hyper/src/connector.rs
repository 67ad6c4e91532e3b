//! The connector of hyper's client.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::tokio::sync::Semaphore;
use http::Uri;
use stagger::{Connector, Error, Target};
use tower_service::Service;

use crate::target::{no_tls, wants_tls};
use crate::{HyperIo, Stream, target};

/// A dial in progress.
pub(crate) type Dialing<S, K> = Pin<Box<dyn Future<Output = Result<Stream<S, K>, Error>> + Send>>;

/// Dials the target of a URI. It also takes the URI, because of the scheme.
type Dial<S, K> = dyn Fn(Target, &Uri) -> Dialing<S, K> + Send + Sync;

/// A dialer as the connector of an HTTP client: a [`Service`] from a [`Uri`] to a stream.
///
/// It takes the place of hyper-util's `HttpConnector`, and with TLS that of hyper-rustls's
/// `HttpsConnector`. It has no type parameters except those of the connections, so a struct can
/// hold it and the client over it. It is cheap to clone.
///
/// Programs use the aliases [`tokio::HttpConnector`](crate::tokio::HttpConnector) and
/// [`futures::HttpConnector`](crate::futures::HttpConnector), which name the kind of streams `K`, and
/// the constructors next to them:
///
/// | constructor | takes | TLS | [`RaceReport`](crate::RaceReport) |
/// | --- | --- | --- | --- |
/// | `connector` | any connector of targets, such as a [`Dialer`](stagger::Dialer) or a [`BoxDialer`](stagger::boxed::BoxDialer) | no | no |
/// | `reporting` | a [`Dialer`](stagger::Dialer) | no | yes |
/// | `https` | a [`Dialer`](stagger::Dialer) and a `ClientConfig` | inside the race | no |
/// | `https_reporting` | the same | inside the race | yes |
///
/// [`target`] returns the target of a URI.
///
/// # Errors
///
/// Every error is a [`stagger::Error`]. hyper-util's, tonic's and kube's errors have it among their
/// sources: see [`find_error`](crate::find_error). A bad URI is
/// [`ErrorKind::InvalidTarget`](stagger::error::ErrorKind::InvalidTarget), before any query.
///
/// # Cancel safety
///
/// Dropping the future of a call closes every socket of its race. hyper-util's client drops it with
/// the request. If another connection became free first, the client finishes the dial in the
/// background and keeps the connection.
///
/// # Examples
///
#[cfg_attr(feature = "tokio", doc = "```")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use stagger_hyper::tokio::{HttpConnector, connector};
///
/// struct Api {
///     client: Client<HttpConnector, String>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let url = stagger_testkit::http::HttpServer::start([127, 0, 0, 1])?.url();
/// let client = Client::builder(TokioExecutor::new()).build(connector(stagger_tokio::dialer()));
/// let api = Api { client };
/// assert_eq!(api.client.get(url.parse()?).await?.status(), 200);
/// # Ok(())
/// # }
/// ```
pub struct HttpConnector<S, K: HyperIo<S>> {
    dial: Arc<Dial<S, K>>,
    tls_schemes: bool,
    permits: Option<Permits>,
}

/// How many dials may run at once.
#[derive(Clone)]
struct Permits {
    max: usize,
    free: Arc<Semaphore>,
}

impl<S, K: HyperIo<S>> HttpConnector<S, K> {
    /// Creates a connector that dials without TLS, like `connector` in [`tokio`](crate::tokio) and
    /// [`futures`](crate::futures).
    ///
    /// A connector of targets with another error type goes into a dialer first, with the resolver
    /// [`ByName`](stagger::resolve::ByName), which returns the target itself.
    pub fn new<D>(dialer: D) -> Self
    where
        D: Connector<Target, Connection = S, Error = Error, Attempt: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        Self::of(false, move |target, _| {
            let attempt = dialer.connect(target.into());
            Box::pin(async move { Ok(Stream::new(attempt.await?)) })
        })
    }

    pub(crate) fn of(
        tls_schemes: bool,
        dial: impl Fn(Target, &Uri) -> Dialing<S, K> + Send + Sync + 'static,
    ) -> Self {
        Self { dial: Arc::new(dial), tls_schemes, permits: None }
    }

    /// Accepts URIs whose scheme wants TLS (`https`, `wss`, `grpcs`), and dials them without TLS.
    ///
    /// Set it below a connector that performs TLS, such as hyper-rustls's. Without it such a URI is
    /// an error, because a client would send its request in the clear.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "tokio", doc = "```")]
    #[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
    /// use stagger_hyper::tokio::connector;
    /// use tower_service::Service as _;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let uri: http::Uri = format!("https://{}/", listener.local_addr()?).parse()?;
    /// let mut plain = connector(stagger_tokio::dialer());
    /// let error = plain.call(uri.clone()).await.unwrap_err();
    /// assert!(error.to_string().ends_with("its scheme wants TLS, and this connector has none"));
    ///
    /// let mut below_tls = connector(stagger_tokio::dialer()).with_tls_schemes();
    /// below_tls.call(uri).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_tls_schemes(mut self) -> Self {
        self.tls_schemes = true;
        self
    }

    /// Refuses URIs whose scheme wants TLS.
    pub fn without_tls_schemes(mut self) -> Self {
        self.tls_schemes = false;
        self
    }

    /// Whether URIs whose scheme wants TLS are accepted.
    pub fn tls_schemes(&self) -> bool {
        self.tls_schemes
    }

    /// Sets how many dials may run at once, over all hosts and all clones of the result. There is
    /// no limit by default.
    ///
    /// hyper-util's client dials for each request that finds no free connection. So a burst of
    /// requests to a dead host starts as many races. With a limit, further dials wait, and start in
    /// the order of their first polls. An open connection does not count.
    ///
    /// The policy's timeout counts from the start of a dial, so a waiting request needs a timeout
    /// of its own. Dials to a dead host delay dials to other hosts, so set a short timeout of the
    /// policy too: it is 5 minutes by default.
    ///
    /// # Panics
    ///
    /// Panics if `max` is 0, or over [`Semaphore::MAX_PERMITS`].
    ///
    /// # Cancel safety
    ///
    /// A dropped dial passes its turn on, even if it still waits. A dial that is kept but not
    /// polled keeps its turn.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "tokio", doc = "```")]
    #[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
    /// let connector = stagger_hyper::tokio::connector(stagger_tokio::dialer()).with_max_dials(64);
    /// assert_eq!(connector.max_dials(), Some(64));
    /// ```
    pub fn with_max_dials(mut self, max: usize) -> Self {
        assert!(max > 0, "a connector may run at least one dial");
        self.permits = Some(Permits { max, free: Arc::new(Semaphore::new(max)) });
        self
    }

    /// Removes the limit of dials.
    pub fn without_max_dials(mut self) -> Self {
        self.permits = None;
        self
    }

    /// How many dials may run at once.
    pub fn max_dials(&self) -> Option<usize> {
        self.permits.as_ref().map(|permits| permits.max)
    }
}

impl<S, K: HyperIo<S>> Service<Uri> for HttpConnector<S, K>
where
    S: 'static,
    K: 'static,
    Stream<S, K>: Send,
{
    type Response = Stream<S, K>;
    type Error = Error;
    // hyper-util wants a future that is `Unpin`, and a dial is not.
    type Future = Pin<Box<dyn Future<Output = Result<Stream<S, K>, Error>> + Send>>;

    /// It is always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let target = match target(&uri) {
            Ok(_) if wants_tls(&uri) && !self.tls_schemes => Err(no_tls(&uri)),
            target => target,
        };
        let target = match target {
            Ok(target) => target,
            Err(error) => return Box::pin(ready(Err(error.into()))),
        };
        let Some(Permits { free, .. }) = self.permits.clone() else {
            return (self.dial)(target, &uri);
        };
        let dial = Arc::clone(&self.dial);
        Box::pin(async move {
            let _permit = free.acquire().await.expect("the semaphore is never closed");
            dial(target, &uri).await
        })
    }
}

impl<S, K: HyperIo<S>> Clone for HttpConnector<S, K> {
    fn clone(&self) -> Self {
        Self {
            dial: Arc::clone(&self.dial),
            tls_schemes: self.tls_schemes,
            permits: self.permits.clone(),
        }
    }
}

impl<S, K: HyperIo<S>> fmt::Debug for HttpConnector<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConnector")
            .field("tls_schemes", &self.tls_schemes)
            .field("max_dials", &self.max_dials())
            .finish_non_exhaustive()
    }
}
