//! The connector whose success is the handshake.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use stagger::address::Address;
use stagger::{Candidate, Connector};

use crate::error::{ConnectError, TlsError, TlsErrorKind};
use crate::offer::config_for;
use crate::server_name::server_name;
use crate::{TlsAttempt, TlsIo};

/// TLS over the connections of another connector. Success is the end of the handshake.
///
/// Programs use the aliases [`tokio::Tls`](crate::tokio::Tls) and
/// [`futures::Tls`](crate::futures::Tls), which name the kind of streams `K`.
///
/// It connects with the inner connector and then performs the handshake, within one attempt. When
/// the inner connector has connected, it reports [progress](stagger::connect::Progress). A policy's
/// [`handshake_delay`](stagger::Policy::with_handshake_delay) counts from there.
///
/// | what | from |
/// | --- | --- |
/// | the name that the certificate must have | [`with_server_name`](Self::with_server_name), or else the candidate's [target](Candidate::target): its name as A-labels, or its IP address |
/// | the offered protocols (ALPN) | `alpn_protocols` of the configuration; of these only what the candidate's [binding](Candidate::binding) lists (RFC 9460 §7.1.2) |
/// | roots, client certificates, resumption, versions | the configuration |
///
/// A service record or an alias never changes the name that is checked (RFC 9525 §2).
///
/// Data in the first flight (0-RTT) is not sent, because a race may send it twice (RFC 8446 §8).
///
/// # Which failures end the race
///
/// A wrong certificate of one address lets the next address start at once.
/// [`with_certificate_errors_final`](Self::with_certificate_errors_final) changes this. A failure
/// that is the same at every address ends the race: the server refused the client's certificate
/// ([`TlsErrorKind::OwnCertificate`]). An alert about a certificate counts as such a refusal if the
/// configuration has a client certificate, also if the server did not ask for it. With TLS 1.3 the
/// client has finished its handshake before the server checks this certificate, so the refusal is
/// an error of the first read (RFC 8446 §4.4.2.4). The inner connector judges its own errors.
///
/// # Cancel safety
///
/// Dropping an attempt closes its stream, as the inner connector's stream does.
///
/// # Examples
///
#[cfg_attr(feature = "futures", doc = "```")]
#[cfg_attr(not(feature = "futures"), doc = "```ignore")]
/// use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _, future};
/// use stagger_testkit::tls::{Authority, Server};
/// use stagger_tls::futures::Tls;
///
/// let authority = Authority::new()?;
/// let server = Server::echo([127, 0, 0, 1], &authority, "127.0.0.1")?;
/// let dialer = stagger_smol::dialer();
/// let tcp = dialer.connector().clone();
/// let dialer = dialer.with_connector(Tls::new(tcp, authority.client()?));
///
/// let mut stream = future::block_on(dialer.connect(server.addr()))?;
/// future::block_on(stream.write_all(b"hello"))?;
/// let mut answer = [0; 5];
/// future::block_on(stream.read_exact(&mut answer))?;
/// assert_eq!(&answer, b"hello");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Tls<C, K> {
    inner: C,
    config: Config,
    server_name: Option<ServerName<'static>>,
    certificate_errors_final: bool,
    kind: PhantomData<fn() -> K>,
}

#[derive(Clone)]
enum Config {
    Given(Arc<ClientConfig>),
    #[cfg(feature = "platform-verifier")]
    Platform,
}

impl<C, K> Tls<C, K> {
    /// Creates a connector over `inner` with this configuration.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "tokio", doc = "```")]
    #[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
    /// use stagger_tls::tokio::Tls;
    /// # let authority = stagger_testkit::tls::Authority::new()?;
    ///
    /// let mut config = stagger_tls::rustls::ClientConfig::clone(&*authority.client()?);
    /// config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    /// let tls = Tls::new(stagger_tokio::TcpConnector::default(), config);
    /// assert!(tls.server_name().is_none());
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn new(inner: C, config: impl Into<Arc<ClientConfig>>) -> Self {
        Self::of(inner, Config::Given(config.into()))
    }

    /// Creates a connector over `inner` with the certificates that this machine trusts.
    ///
    /// The check of the first candidate builds the configuration: see [`platform_config`](crate::platform_config).
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "futures", doc = "```")]
    #[cfg_attr(not(feature = "futures"), doc = "```ignore")]
    /// use stagger_tls::futures::Tls;
    ///
    /// let dialer = stagger_smol::dialer().map_connector(Tls::platform);
    /// let endpoint = dialer.endpoint("example.com:https")?;
    /// # let _ = endpoint;
    /// # Ok::<_, stagger::target::TargetError>(())
    /// ```
    #[cfg(feature = "platform-verifier")]
    pub fn platform(inner: C) -> Self {
        Self::of(inner, Config::Platform)
    }

    fn of(inner: C, config: Config) -> Self {
        Self {
            inner,
            config,
            server_name: None,
            certificate_errors_final: false,
            kind: PhantomData,
        }
    }

    /// Sets the name that the certificate must have, in place of the target's name. It is also the
    /// name that the client sends (SNI, RFC 6066 §3), unless it is an IP address.
    ///
    /// # Examples
    ///
    /// The target is a literal, and the certificate is for a name:
    ///
    #[cfg_attr(feature = "futures", doc = "```")]
    #[cfg_attr(not(feature = "futures"), doc = "```ignore")]
    /// # use stagger_testkit::tls::{Authority, Server};
    /// # let authority = Authority::new()?;
    /// # let server = Server::echo([127, 0, 0, 1], &authority, "tls.example")?;
    /// # let (address, config) = (server.addr(), authority.client()?);
    /// let dialer = stagger_smol::dialer().map_connector(|tcp| {
    ///     let tls = stagger_tls::futures::Tls::new(tcp, config);
    ///     tls.with_server_name("tls.example".try_into().expect("a host name"))
    /// });
    /// assert!(futures_lite::future::block_on(dialer.connect(address)).is_ok());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_server_name(mut self, name: ServerName<'static>) -> Self {
        self.server_name = Some(name);
        self
    }

    /// Checks the target's name again.
    pub fn without_server_name(mut self) -> Self {
        self.server_name = None;
        self
    }

    /// The name that the certificate must have, if one is set.
    pub fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// Sets whether a wrong certificate ends the race. The default is `false`: another address may
    /// have the right one.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "futures", doc = "```")]
    #[cfg_attr(not(feature = "futures"), doc = "```ignore")]
    /// # use stagger_testkit::tls::{Authority, Server};
    /// # let (authority, stranger) = (Authority::new()?, Authority::new()?);
    /// # let server = Server::echo([127, 0, 0, 1], &authority, "127.0.0.1")?;
    /// # let (address, config) = (server.addr(), stranger.client()?);
    /// let dialer = stagger_smol::dialer().map_connector(|tcp| {
    ///     stagger_tls::futures::Tls::new(tcp, config).with_certificate_errors_final(true)
    /// });
    /// let error = futures_lite::future::block_on(dialer.connect(address)).unwrap_err();
    /// assert!(error.is_final());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_certificate_errors_final(mut self, are_final: bool) -> Self {
        self.certificate_errors_final = are_final;
        self
    }

    /// Whether a wrong certificate ends the race.
    pub fn certificate_errors_final(&self) -> bool {
        self.certificate_errors_final
    }

    /// The inner connector.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// Returns the inner connector.
    pub fn into_inner(self) -> C {
        self.inner
    }

    /// The configuration for a handshake with this candidate.
    fn config<A: Address>(&self, to: &Candidate<A>) -> Result<Arc<ClientConfig>, TlsError> {
        match &self.config {
            Config::Given(config) => config_for(config, to.binding()),
            #[cfg(feature = "platform-verifier")]
            Config::Platform => config_for(&crate::platform_config()?, to.binding()),
        }
    }

    /// The configuration and the name for a handshake with this candidate.
    fn handshake<A: Address>(
        &self,
        to: &Candidate<A>,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
        let config = self.config(to)?;
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => server_name(to.target())?.to_owned(),
        };
        Ok((config, name))
    }
}

impl<A, C, K> Connector<A> for Tls<C, K>
where
    A: Address,
    C: Connector<A>,
    K: TlsIo<C::Connection>,
{
    type Connection = K::ClientStream;
    type Error = ConnectError<C::Error>;
    type Attempt = TlsAttempt<C::Attempt, C::Connection, K>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        match self.handshake(&to) {
            Ok((config, name)) => {
                let progress = to.progress().clone();
                TlsAttempt::new(self.inner.connect(to), config, name, progress)
            }
            Err(error) => TlsAttempt::refused(error),
        }
    }

    /// Refuses a candidate without a name that TLS can check, and one without a common protocol.
    fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
        self.config(to).map_err(ConnectError::Tls)?;
        if self.server_name.is_none() {
            server_name(to.target()).map_err(ConnectError::Tls)?;
        }
        self.inner.accepts(to).map_err(ConnectError::Transport)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        match error {
            ConnectError::Transport(error) => self.inner.is_final(error),
            ConnectError::Tls(error) => match error.kind() {
                TlsErrorKind::OwnCertificate => true,
                TlsErrorKind::Certificate(_) => self.certificate_errors_final,
                _ => false,
            },
        }
    }

    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        match error {
            ConnectError::Transport(error) => self.inner.is_local_shortage(error),
            ConnectError::Tls(_) => false,
        }
    }
}

impl<C: Clone, K> Clone for Tls<C, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            config: self.config.clone(),
            server_name: self.server_name.clone(),
            certificate_errors_final: self.certificate_errors_final,
            kind: PhantomData,
        }
    }
}

impl<C: fmt::Debug, K> fmt::Debug for Tls<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A configuration may hold keys.
        f.debug_struct("Tls")
            .field("inner", &self.inner)
            .field("server_name", &self.server_name)
            .field("certificate_errors_final", &self.certificate_errors_final)
            .finish_non_exhaustive()
    }
}
