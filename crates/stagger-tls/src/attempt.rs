//! An attempt with TLS: a connect, then a handshake.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use stagger::connect::Progress;

use crate::TlsIo;
use crate::error::{ConnectError, TlsError};

pin_project! {
    /// An attempt of [`Tls`](crate::Tls): first the inner connector's attempt, then the handshake.
    ///
    /// The handshake is in a box of its own, made when the inner attempt has connected. So a dial
    /// stays small: it has room for several attempts, and the state of a handshake is over 1 KiB.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner attempt or its stream.
    #[must_use = "futures do nothing unless polled"]
    pub struct TlsAttempt<F, S, K>
    where
        K: TlsIo<S>,
    {
        #[pin]
        stage: Stage<F, S, K>,
    }
}

pin_project! {
    #[project = Projection]
    enum Stage<F, S, K>
    where
        K: TlsIo<S>,
    {
        Refused { error: Option<TlsError> },
        Connecting {
            #[pin]
            connecting: F,
            // What the handshake needs, until it begins.
            handshake: Option<(Arc<ClientConfig>, ServerName<'static>)>,
            progress: Progress,
        },
        Handshake { handshake: Box<K::Connect>, has_certificate: bool },
    }
}

impl<F, S, K: TlsIo<S>> TlsAttempt<F, S, K> {
    pub(crate) fn new(
        connecting: F,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        progress: Progress,
    ) -> Self {
        Self { stage: Stage::Connecting { connecting, handshake: Some((config, name)), progress } }
    }

    /// An attempt that fails at once, without a connect.
    pub(crate) fn refused(error: TlsError) -> Self {
        Self { stage: Stage::Refused { error: Some(error) } }
    }
}

impl<F, S, E, K> Future for TlsAttempt<F, S, K>
where
    F: Future<Output = Result<S, E>>,
    K: TlsIo<S>,
{
    type Output = Result<K::ClientStream, ConnectError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            match stage.as_mut().project() {
                Projection::Refused { error } => {
                    let error = error.take().expect("an attempt was polled after it had ended");
                    return Poll::Ready(Err(ConnectError::Tls(error)));
                }
                Projection::Connecting { connecting, handshake, progress } => {
                    let stream = ready!(connecting.poll(cx)).map_err(ConnectError::Transport)?;
                    progress.made();
                    let parts = handshake.take();
                    let (config, name) = parts.expect("an attempt was polled after it had ended");
                    let has_certificate = config.client_auth_cert_resolver.has_certs();
                    let handshake = Box::new(K::connect(config, name, stream));
                    stage.set(Stage::Handshake { handshake, has_certificate });
                }
                Projection::Handshake { handshake, has_certificate } => {
                    let done = ready!(Pin::new(&mut **handshake).poll(cx));
                    let failed =
                        |error| ConnectError::Tls(TlsError::client(error, *has_certificate));
                    return Poll::Ready(done.map_err(failed));
                }
            }
        }
    }
}
