//! TLS inside the race: a connector over any connector, whose success is the handshake.
//!
//! There is one connector for tokio's streams and one for those of `futures-io`, because one type
//! for both would overlap. Both read the server name from the candidate's target, report progress
//! when TCP is up, and fail with the certificate's fault.

pub mod futures;
mod server;
pub mod tokio;

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use stagger::Target;
use stagger::target::Host;

pub use self::server::{Authority, Server};

/// The name that a certificate is checked for: the target's name without a trailing dot, or its IP
/// address.
fn server_name(target: Option<&Target>) -> io::Result<ServerName<'static>> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
    let target = target.ok_or_else(|| invalid("no target, so no name for TLS to check".into()))?;
    Ok(match target.host() {
        Host::Name(name) => {
            let name = name.ascii().trim_end_matches('.');
            let parsed = ServerName::try_from(name.to_owned());
            parsed.map_err(|_| invalid(format!("TLS can't check the name {name}")))?
        }
        Host::Ipv4(addr) => ServerName::from(std::net::IpAddr::from(*addr)),
        Host::Ipv6 { addr, .. } => ServerName::from(std::net::IpAddr::from(*addr)),
    })
}

/// The configuration for a candidate: of the program's protocols only those that a service binding
/// offers too, if there is one (RFC 9460 §7.1.2).
fn config_for(
    config: &Arc<ClientConfig>,
    binding: Option<&stagger::connect::Binding>,
) -> Arc<ClientConfig> {
    let offered =
        binding.map(stagger::connect::Binding::alpn).filter(|offered| !offered.is_empty());
    let Some(offered) = offered else { return Arc::clone(config) };
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols.retain(|protocol| offered.contains(protocol));
    Arc::new(config)
}

/// Writes the connector and its attempt for one kind of streams.
macro_rules! connector {
    ($library:ident, $read:path, $write:path) => {
        use std::future::Future;
        use std::io;
        use std::pin::Pin;
        use std::sync::Arc;
        use std::task::{Context, Poll, ready};

        use pin_project_lite::pin_project;
        use rustls::ClientConfig;
        use rustls::pki_types::ServerName;
        use stagger::address::Address;
        use stagger::connect::Progress;
        use stagger::{Candidate, Connector};

        /// TLS over another connector.
        #[derive(Clone, Debug)]
        pub struct Tls<C> {
            inner: C,
            config: Arc<ClientConfig>,
        }

        impl<C> Tls<C> {
            /// TLS with this configuration over the connections of `inner`.
            pub fn new(inner: C, config: Arc<ClientConfig>) -> Self {
                Self { inner, config }
            }
        }

        impl<A, C> Connector<A> for Tls<C>
        where
            A: Address,
            C: Connector<A, Connection: $read + $write + Unpin, Error: Into<io::Error>>,
        {
            type Connection = $library::client::TlsStream<C::Connection>;
            type Error = io::Error;
            type Attempt = TlsAttempt<C::Attempt, C::Connection>;

            fn connect(&self, to: Candidate<A>) -> Self::Attempt {
                let config = super::config_for(&self.config, to.binding());
                let (name, progress) = (super::server_name(to.target()), to.progress().clone());
                let opening = self.inner.connect(to);
                let tls = Some((config, name));
                TlsAttempt { stage: Stage::Opening { opening, tls, progress } }
            }

            /// A target without a name that TLS can check is refused before any attempt.
            fn accepts(&self, to: &Candidate<A>) -> io::Result<()> {
                super::server_name(to.target())?;
                self.inner.accepts(to).map_err(Into::into)
            }
        }

        pin_project! {
            /// An attempt: first the connection, then the handshake.
            pub struct TlsAttempt<F, S> {
                #[pin]
                stage: Stage<F, S>,
            }
        }

        pin_project! {
            #[project = Projection]
            enum Stage<F, S> {
                Opening {
                    #[pin]
                    opening: F,
                    // What the handshake needs, until it begins.
                    tls: Option<(Arc<ClientConfig>, io::Result<ServerName<'static>>)>,
                    progress: Progress,
                },
                Handshake { handshake: $library::Connect<S> },
            }
        }

        impl<F, S, E> Future for TlsAttempt<F, S>
        where
            F: Future<Output = Result<S, E>>,
            S: $read + $write + Unpin,
            E: Into<io::Error>,
        {
            type Output = io::Result<$library::client::TlsStream<S>>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut stage = self.project().stage;
                loop {
                    match stage.as_mut().project() {
                        Projection::Opening { opening, tls, progress } => {
                            let stream = ready!(opening.poll(cx)).map_err(Into::into)?;
                            progress.made();
                            let (config, name) = tls.take().expect("an attempt ends once");
                            let handshake =
                                $library::TlsConnector::from(config).connect(name?, stream);
                            stage.set(Stage::Handshake { handshake });
                        }
                        Projection::Handshake { handshake } => {
                            return Pin::new(handshake).poll(cx);
                        }
                    }
                }
            }
        }
    };
}
use connector;
