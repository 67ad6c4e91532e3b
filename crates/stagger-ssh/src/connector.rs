//! Connectors: to SSH servers, and through SSH hosts.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use stagger::{Candidate, Connector, Target};

use crate::backend::Opening;
use crate::setup::Setup;
use crate::{Hop, SshAlias, SshError, SshHost};

/// Connects to the SSH servers of hosts, hops included. [`Ssh::connector`](crate::Ssh::connector)
/// makes it.
///
/// Its addresses are [`SshHost`]s, which a resolver has looked up, or [`SshAlias`]es, which it
/// looks up itself. A refused login, a wrong host key and an unusable configuration end a race.
///
/// # Cancel safety
///
/// Dropping an attempt closes every socket, and ends every command.
///
/// # Examples
///
/// A race of two hosts that have the same data. Nothing listens on port 1:
///
/// ```
/// use stagger::Dialer;
/// use stagger_ssh::config::ConfigFiles;
/// use stagger_ssh::{ByAlias, Ssh, SshAlias};
///
/// # futures_lite::future::block_on(async {
/// let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = server.local_addr()?.port();
/// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::none());
///
/// let dialer = Dialer::new(ByAlias, ssh.connector(), stagger_smol::Timer);
/// let hosts = [1, port].map(|port| SshAlias::new(format!("ssh://joe@127.0.0.1:{port}")));
/// let stream = dialer.connect_addresses(hosts).await?;
/// assert_eq!(stream.tcp().unwrap().peer_addr()?.port(), port);
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct SshConnector<S>(pub(crate) Setup<S>);

impl<S: Send + 'static> Connector<SshHost> for SshConnector<S> {
    type Connection = S;
    type Error = SshError;
    type Attempt = SshAttempt<S>;

    fn connect(&self, to: Candidate<SshHost>) -> SshAttempt<S> {
        let attempt = to.child(());
        let hop = self.0.hop(to.into_address(), attempt);
        SshAttempt(Box::pin(async move { hop.connect().await }))
    }

    fn is_final(&self, error: &SshError) -> bool {
        error.is_final()
    }
}

impl<S: Send + 'static> Connector<SshAlias> for SshConnector<S> {
    type Connection = S;
    type Error = SshError;
    type Attempt = SshAttempt<S>;

    fn connect(&self, to: Candidate<SshAlias>) -> SshAttempt<S> {
        let setup = self.0.clone();
        SshAttempt(Box::pin(async move {
            let attempt = to.child(());
            let host = setup.resolve(to.address()).await?;
            setup.hop(host, attempt).connect().await
        }))
    }

    /// Refuses a text that is not a destination.
    fn accepts(&self, to: &Candidate<SshAlias>) -> Result<(), SshError> {
        to.address().checked().map(drop)
    }

    fn is_final(&self, error: &SshError) -> bool {
        error.is_final()
    }
}

/// Connects to targets from an SSH host (RFC 4254 §7.2, `direct-tcpip`). The host looks up the
/// names of the targets. [`Ssh::through`](crate::Ssh::through) makes a dialer with it.
///
/// # Cancel safety
///
/// Dropping an attempt closes every socket, and ends every command that it has started.
///
/// # Examples
///
/// ```
/// use stagger_ssh::Ssh;
///
/// let dialer = Ssh::new(stagger_smol::dialer()).through("joe@bastion");
/// assert_eq!(dialer.connector().alias().to_string(), "joe@bastion");
/// ```
pub struct SshHop<S> {
    pub(crate) setup: Setup<S>,
    pub(crate) alias: SshAlias,
}

impl<S> SshHop<S> {
    /// The host.
    pub fn alias(&self) -> &SshAlias {
        &self.alias
    }
}

impl<S: Send + 'static> Connector<Target> for SshHop<S> {
    type Connection = S;
    type Error = SshError;
    type Attempt = SshAttempt<S>;

    fn connect(&self, to: Candidate<Target>) -> SshAttempt<S> {
        let Self { setup, alias } = self.clone();
        SshAttempt(Box::pin(async move {
            let attempt = to.child(());
            let host = setup.resolve(&alias).await?;
            let backend = setup.backend.clone();
            let hop: Hop<S> = setup.hop(host, attempt);
            backend.open(hop, to.address()).await
        }))
    }

    /// Refuses every target if the host is not a destination.
    fn accepts(&self, _: &Candidate<Target>) -> Result<(), SshError> {
        self.alias.checked().map(drop)
    }

    fn is_final(&self, error: &SshError) -> bool {
        error.is_final()
    }
}

/// An attempt by SSH.
///
/// # Panics
///
/// Panics if it is polled again after it was ready.
///
/// # Cancel safety
///
/// Dropping it closes every socket, and ends every command that it has started.
///
/// # Examples
///
/// See [`SshEndpoint`](crate::SshEndpoint).
#[must_use = "futures do nothing unless polled"]
pub struct SshAttempt<S>(pub(crate) Opening<S>);

impl<S> Future for SshAttempt<S> {
    type Output = Result<S, SshError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.as_mut().poll(cx)
    }
}

impl<S> Clone for SshConnector<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Clone for SshHop<S> {
    fn clone(&self) -> Self {
        Self { setup: self.setup.clone(), alias: self.alias.clone() }
    }
}

impl<S> fmt::Debug for SshConnector<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshConnector").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for SshHop<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshHop").field("alias", &self.alias).finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for SshAttempt<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshAttempt").finish_non_exhaustive()
    }
}
