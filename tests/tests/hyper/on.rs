//! A client of hyper-util on each runtime.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::rt::Executor;
use hyper::{Method, Response, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use stagger::Dialer;
use stagger::report::AttemptOutcome;
use stagger_hyper::{HttpConnector, HyperIo, RaceReport};
use stagger_tests::{Adapter, AsyncStd, DialerOf, Listed, Runtime, Smol, Tokio};
use stagger_tls::rustls::ClientConfig;
use tower_service::Service;

pub(crate) type Body = Full<bytes::Bytes>;

/// The name of every server here.
pub(crate) const NAME: &str = "web.example";

type DialerIn<A> = Dialer<Listed, <A as Adapter>::Connector, <A as Adapter>::Timer>;

/// An adapter whose streams hyper can use.
pub(crate) trait Web: Adapter {
    /// The kind of its streams.
    type Kind: HyperIo<Self::Stream, Io: Send> + 'static;
    /// A connector with TLS inside the race.
    type Https: Connect
        + Service<
            Uri,
            Response: hyper::rt::Read + hyper::rt::Write + Unpin + Send,
            Error: std::fmt::Debug,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static;
    /// Whether the far end sees that a stream is shut down. async-std's stream only flushes then,
    /// and ends only when it is dropped.
    const SHUTS_DOWN: bool = true;
    /// What runs the tasks of a client.
    type Executor: Clone + Send + Sync + 'static;

    fn connector(dialer: DialerIn<Self>) -> HttpConnector<Self::Stream, Self::Kind>;

    fn reporting(dialer: DialerIn<Self>) -> HttpConnector<Self::Stream, Self::Kind>;

    fn https_reporting(dialer: DialerIn<Self>, config: Arc<ClientConfig>) -> Self::Https;

    /// A request of a client over this connector, with a body.
    fn request<C>(
        connector: C,
        uri: Uri,
        body: Body,
    ) -> impl Future<Output = Result<Answer, hyper_util::client::legacy::Error>> + Send + 'static
    where
        C: Connect + Clone + Send + Sync + 'static;
}

/// A response with its whole body.
pub(crate) struct Answer {
    pub(crate) response: Response<()>,
    pub(crate) body: bytes::Bytes,
}

impl Answer {
    pub(crate) fn version(&self) -> Version {
        self.response.version()
    }

    pub(crate) fn race(&self) -> &RaceReport {
        self.response.extensions().get().expect("the connector reports")
    }

    /// Checks that the first address was dropped in the middle, and that the second won.
    pub(crate) fn assert_past_first(&self, addrs: [SocketAddr; 2]) {
        let report = self.race().report();
        let [loser, winner] = report.attempts() else { panic!("{report:?}") };
        assert_eq!(
            [&loser.address, &winner.address],
            addrs.map(|addr| addr.to_string()).each_ref()
        );
        assert!(matches!(loser.outcome, AttemptOutcome::Dropped), "{loser:?}");
        assert!(matches!(winner.outcome, AttemptOutcome::Connected), "{winner:?}");
        assert!(winner.started >= loser.started + stagger::Policy::ATTEMPT_DELAY, "{report:?}");
    }
}

/// The executor that has a thread of its own, for the adapters on async-io.
#[derive(Clone)]
pub(crate) struct SmolTasks;

impl<F: Future<Output: Send + 'static> + Send + 'static> Executor<F> for SmolTasks {
    fn execute(&self, task: F) {
        smol::spawn(task).detach();
    }
}

macro_rules! web {
    ($adapter:ident, $module:ident, $kind:ident, $executor:ty, $new:expr $(, $shuts_down:expr)?) => {
        impl Web for $adapter {
            $(const SHUTS_DOWN: bool = $shuts_down;)?
            type Kind = stagger_hyper::$module::$kind;
            type Https = stagger_hyper::$module::HttpsConnector<Self::Stream>;
            type Executor = $executor;

            fn connector(dialer: DialerIn<Self>) -> HttpConnector<Self::Stream, Self::Kind> {
                stagger_hyper::$module::connector(dialer)
            }

            fn reporting(dialer: DialerIn<Self>) -> HttpConnector<Self::Stream, Self::Kind> {
                stagger_hyper::$module::reporting(dialer)
            }

            fn https_reporting(dialer: DialerIn<Self>, config: Arc<ClientConfig>) -> Self::Https {
                stagger_hyper::$module::https_reporting(dialer, config)
            }

            async fn request<C>(
                connector: C,
                uri: Uri,
                body: Body,
            ) -> Result<Answer, hyper_util::client::legacy::Error>
            where
                C: Connect + Clone + Send + Sync + 'static,
            {
                let client: Client<C, Body> = Client::builder($new).build(connector);
                let is_empty = hyper::body::Body::size_hint(&body).exact() == Some(0);
                let method = if is_empty { Method::GET } else { Method::POST };
                let request = hyper::Request::builder().method(method).uri(uri).body(body);
                let request = request.expect("it is a request");
                let (parts, body) = client.request(request).await?.into_parts();
                let body = body.collect().await.expect("the body is read").to_bytes();
                Ok(Answer { response: Response::from_parts(parts, ()), body })
            }
        }
    };
}

web!(Tokio, tokio, Tokio, hyper_util::rt::TokioExecutor, hyper_util::rt::TokioExecutor::new());
web!(Smol, futures, Futures, SmolTasks, SmolTasks);
web!(AsyncStd, futures, Futures, SmolTasks, SmolTasks, false);

/// A runtime with clients of hyper-util. Every runtime has them.
pub(crate) trait WebRuntime: Runtime<Adapter: Web> {
    /// Sends a request over this connector and waits for the whole answer.
    fn get<C>(&self, connector: C, uri: &str) -> Result<Answer, hyper_util::client::legacy::Error>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        self.send(connector, uri, Body::default())
    }

    fn send<C>(
        &self,
        connector: C,
        uri: &str,
        body: Body,
    ) -> Result<Answer, hyper_util::client::legacy::Error>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        self.run(Self::Adapter::request(connector, uri.parse().expect(uri), body))
    }
}

impl<R: Runtime<Adapter: Web>> WebRuntime for R {}

/// A dialer for which every name has these addresses.
pub(crate) fn dialer<R: Runtime>(addrs: impl IntoIterator<Item = SocketAddr>) -> DialerOf<R> {
    stagger_tests::dialer::<R>(addrs)
}
