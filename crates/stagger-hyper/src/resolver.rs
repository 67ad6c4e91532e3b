//! A resolver for clients that take a resolver and dial themselves.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use stagger::boxed::BoxError;
use stagger::{Connector, Dialer, Error, Resolver, Timer};
use tower_service::Service;

type Resolving<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// What resolves a name.
type Resolve = dyn Fn(&str) -> Resolving<Vec<SocketAddr>> + Send + Sync;

/// A dialer as the resolver of a client that dials itself: reqwest's `Resolve` (with the feature
/// `reqwest`), and the resolver of hyper-util's `HttpConnector`.
///
/// It is the second-best way. Use an [`HttpConnector`](crate::HttpConnector) where the client takes
/// a connector. A resolver decides when the addresses are known, and their order:
///
/// - It is ready when a race would begin ([`Dialer::resolve`]). So it does not wait for a late
///   lookup. If AAAA is never answered, it is ready 50 ms after A.
/// - The addresses are in the race's order, at most as many as the policy allows.
///
/// The client's own dial does the rest. reqwest uses hyper-util's `HttpConnector`, which makes two
/// lists of the addresses. The first list is of the family that comes first. It dials the addresses
/// of each list one after another. The second list starts 300 ms after the first, or when the first
/// has failed. So a dead address before a live one of its family costs a timeout, unless the other
/// family connects. reqwest does not get past an address that stalls in TLS, and does not use
/// addresses that a late lookup returns.
///
/// The dialer's connector decides which addresses it accepts, but it does not connect. The policy's
/// timeout bounds a lookup. A name is looked up with the port 0, because these clients set the
/// port.
///
/// # Errors
///
/// A failed lookup is a [`stagger::Error`]: see [`find_error`](crate::find_error).
///
/// # Examples
///
#[cfg_attr(feature = "tokio", doc = "```")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use hyper_util::client::legacy::Client;
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use hyper_util::rt::TokioExecutor;
/// use stagger_hyper::NameResolver;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = stagger_testkit::http::HttpServer::start([127, 0, 0, 1])?;
/// # let url = format!("http://localhost:{}/", server.addr().port());
/// let resolver = NameResolver::new(stagger_tokio::dialer());
/// let client = Client::builder(TokioExecutor::new())
///     .build::<_, String>(HttpConnector::new_with_resolver(resolver));
/// assert_eq!(client.get(url.parse()?).await?.status(), 200);
/// # Ok(())
/// # }
/// ```
///
/// In reqwest:
///
#[cfg_attr(all(feature = "reqwest", feature = "tokio"), doc = "```")]
#[cfg_attr(not(all(feature = "reqwest", feature = "tokio")), doc = "```ignore")]
/// use stagger_hyper::NameResolver;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = stagger_testkit::http::HttpServer::start([127, 0, 0, 1])?;
/// # let url = format!("http://localhost:{}/", server.addr().port());
/// let client = reqwest::Client::builder()
///     .no_proxy()
///     .dns_resolver(NameResolver::new(stagger_tokio::dialer()))
///     .build()?;
/// assert_eq!(client.get(url).send().await?.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NameResolver(Arc<Resolve>);

impl NameResolver {
    /// Makes a resolver of a dialer.
    pub fn new<R, C, T, O>(dialer: Dialer<R, C, T, O>) -> Self
    where
        R: Resolver<Address = SocketAddr, Error: Into<BoxError>, Answers: Send>
            + Send
            + Sync
            + 'static,
        C: Connector<SocketAddr, Error: Into<BoxError>> + Clone + Send + Sync + 'static,
        T: Timer<Sleep: Send> + Clone + Send + Sync + 'static,
        O: stagger::Observer<SocketAddr> + Clone + Send + Sync + 'static,
    {
        Self(Arc::new(move |name| {
            let resolve = dialer.resolve((name, 0));
            Box::pin(async move { Ok(resolve.await?.0) })
        }))
    }
}

impl Service<Name> for NameResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Error;
    type Future = Resolving<Self::Response>;

    /// It is always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolve = (self.0)(name.as_str());
        Box::pin(async move { Ok(resolve.await?.into_iter()) })
    }
}

#[cfg(feature = "reqwest")]
impl reqwest::dns::Resolve for NameResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolve = (self.0)(name.as_str());
        Box::pin(async move { Ok(Box::new(resolve.await?.into_iter()) as reqwest::dns::Addrs) })
    }
}

impl fmt::Debug for NameResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameResolver").finish_non_exhaustive()
    }
}
