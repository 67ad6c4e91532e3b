//! The handle that connects to SSH hosts and through them.

use std::fmt;
use std::future::Future;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stagger::address::Address;
use stagger::boxed::BoxError;
use stagger::connect::Dial;
use stagger::resolve::ByName;
use stagger::{Candidate, Connector as _, Dialer, Endpoint, Policy, Resolver, Timer};
use stagger_net::nat64::Nat64;
use stagger_net::{Register, TcpConnector};

use crate::adapter::{Adapter, StreamOf};
use crate::config::ConfigFiles;
use crate::connector::SshAttempt;
use crate::resolver::ByAlias;
use crate::runtime::BoxFuture;
use crate::setup::Setup;
use crate::{
    Backend, ControlSocket, Destination, DestinationError, SshAlias, SshConnector, SshError,
    SshHop, SshHost, SshResolver,
};

/// Connects to SSH hosts, and through them, as an OpenSSH configuration says. `S` is the stream and
/// `T` is the timer.
///
/// It is cheap to clone.
///
/// # Runtime
///
/// That of the dialer. Files are read on other threads.
///
/// # Examples
///
/// ```
/// use stagger_ssh::Ssh;
/// use stagger_ssh::config::ConfigFiles;
///
/// # futures_lite::future::block_on(async {
/// let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let destination = format!("ssh://joe@{}", server.local_addr()?);
/// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::none());
/// let host = ssh.resolve(&*destination).await?;
/// assert_eq!(host.config().user(), "joe");
/// let stream = ssh.connect(&*destination).await?;
/// assert_eq!(stream.tcp().expect("there is no hop").peer_addr()?, server.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Ssh<S, T> {
    setup: Setup<S>,
    timer: T,
    policy: Policy,
}

impl<T> Ssh<(), T> {
    /// Makes the handle over a dialer of any adapter, such as `stagger_tokio::dialer()`. The
    /// dialer's resolver, policy, history, options and reactor reach the first hops.
    ///
    /// It reads `~/.ssh/config` and `/etc/ssh/ssh_config`, runs no `Match exec`, and connects
    /// through hops by a [`ControlSocket`].
    pub fn new<R, G>(dialer: Dialer<R, TcpConnector<G>, T>) -> Ssh<StreamOf<G>, T>
    where
        R: Resolver<Address = SocketAddr, Answers: Send, Error: Into<BoxError> + Send>,
        R: Clone + Send + Sync + 'static,
        G: Register<TcpStream, Socket: Send, Stream: Send + 'static>,
        G: Register<UnixStream, Socket: Send + Sync, Stream: Send + 'static>,
        G: Clone + Send + Sync + 'static,
        T: Timer<Sleep: Send + 'static> + Clone + Send + Sync + 'static,
    {
        let (timer, policy) = (dialer.timer().clone(), dialer.policy().clone());
        let setup = Setup {
            runtime: Arc::new(Adapter(dialer)),
            backend: Arc::new(ControlSocket::new()),
            files: ConfigFiles::default(),
            match_exec: false,
            nat64: None,
        };
        Ssh { setup, timer, policy }
    }
}

impl<S, T> Ssh<S, T> {
    /// Sets the files of the configuration.
    pub fn with_config(mut self, files: ConfigFiles) -> Self {
        self.setup.files = files;
        self
    }

    /// Lets `Match exec` run its commands. Without it, such a command is an error that names the
    /// file and the line.
    ///
    /// The `ssh` program reads the configuration by itself. It also runs a command in a file that a
    /// block for other hosts includes, and ignores the result.
    pub fn with_match_exec(mut self) -> Self {
        self.setup.match_exec = true;
        self
    }

    /// Sets the backend that opens connections from hops.
    pub fn with_backend(mut self, backend: impl Backend<S>) -> Self {
        self.setup.backend = Arc::new(backend);
        self
    }

    /// The backend that opens connections from hops.
    pub fn backend(&self) -> &dyn Backend<S> {
        &*self.setup.backend
    }

    /// Reaches first hops with IPv4 addresses alone through this NAT64. The dialer has none,
    /// because each host has options of its own for its sockets.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::nat64::Nat64;
    /// use stagger_ssh::Ssh;
    ///
    /// let dialer = stagger_smol::dialer();
    /// let nat64 = Nat64::auto(dialer.resolver().clone(), stagger_smol::Timer);
    /// let ssh = Ssh::new(dialer).with_nat64(nat64);
    /// assert!(ssh.nat64().is_some_and(Nat64::has_discovery));
    /// ```
    pub fn with_nat64(mut self, nat64: Nat64) -> Self {
        self.setup.nat64 = Some(nat64);
        self
    }

    /// Removes the NAT64.
    pub fn without_nat64(mut self) -> Self {
        self.setup.nat64 = None;
        self
    }

    /// The NAT64 for first hops.
    pub fn nat64(&self) -> Option<&Nat64> {
        self.setup.nat64.as_ref()
    }

    /// The files of the configuration.
    pub fn config(&self) -> &ConfigFiles {
        &self.setup.files
    }

    /// Whether `Match exec` runs its commands.
    pub fn match_exec(&self) -> bool {
        self.setup.match_exec
    }
}

impl<S: Send + 'static, T: Timer + Clone> Ssh<S, T> {
    /// Connects to the SSH port of a destination, hops included. Without hops this is a plain race.
    ///
    /// # Errors
    ///
    /// The error names the hop that failed. Its sources have an [`SshError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes every socket, and ends every command that it has started.
    pub fn connect<D>(&self, destination: D) -> Dial<ByAlias, SshConnector<S>, T>
    where
        D: TryInto<Destination>,
        DestinationError: From<D::Error>,
    {
        let dialer = Dialer::new(ByAlias, self.connector(), self.timer.clone());
        dialer.with_policy(self.policy.clone()).connect_addresses([SshAlias::new(destination)])
    }

    /// Makes a dialer whose targets are reached from a host (RFC 4254 §7.2). The host looks up the
    /// names of the targets.
    pub fn through<D>(&self, destination: D) -> Dialer<ByName, SshHop<S>, T>
    where
        D: TryInto<Destination>,
        DestinationError: From<D::Error>,
    {
        let hop = SshHop { setup: self.setup.clone(), alias: SshAlias::new(destination) };
        Dialer::new(ByName, hop, self.timer.clone()).with_policy(self.policy.clone())
    }
}

impl<S: Send + 'static, T> Ssh<S, T> {
    /// Makes an endpoint of the SSH port of a destination, hops included.
    pub fn endpoint<D>(&self, destination: D) -> SshEndpoint<S>
    where
        D: TryInto<Destination>,
        DestinationError: From<D::Error>,
    {
        SshEndpoint { connector: self.connector(), alias: SshAlias::new(destination) }
    }

    /// Looks up a destination in the configuration, and every hop before it. It connects to
    /// nothing.
    ///
    /// # Errors
    ///
    /// The configuration cannot be used: [`SshErrorKind::Config`](crate::SshErrorKind::Config).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the lookup, and kills a command of `Match exec`.
    pub fn resolve<D>(&self, destination: D) -> SshResolve
    where
        D: TryInto<Destination>,
        DestinationError: From<D::Error>,
    {
        let (setup, alias) = (self.setup.clone(), SshAlias::new(destination));
        SshResolve(Box::pin(async move { setup.resolve(&alias).await }))
    }

    /// A resolver that looks up the hosts of targets in the configuration.
    pub fn resolver(&self) -> SshResolver<S> {
        SshResolver(self.setup.clone())
    }

    /// A connector to the SSH ports of hosts.
    pub fn connector(&self) -> SshConnector<S> {
        SshConnector(self.setup.clone())
    }
}

impl<S, T: Clone> Clone for Ssh<S, T> {
    fn clone(&self) -> Self {
        let (setup, timer) = (self.setup.clone(), self.timer.clone());
        Self { setup, timer, policy: self.policy.clone() }
    }
}

impl<S, T> fmt::Debug for Ssh<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ssh").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// The SSH port of a destination as an endpoint: see [`Ssh::endpoint`].
///
/// It is an [`Address`] as well, so a resolver may return it, and
/// [`Direct`](stagger::connect::Direct) connects to it. Two of them are equal if their destinations
/// are.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint as _;
/// use stagger_ssh::Ssh;
/// use stagger_ssh::config::ConfigFiles;
///
/// # futures_lite::future::block_on(async {
/// let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::none());
/// let endpoint = ssh.endpoint(format!("ssh://{}", server.local_addr()?));
/// let stream = endpoint.connect().await?;
/// assert_eq!(stream.tcp().unwrap().peer_addr()?, server.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct SshEndpoint<S> {
    connector: SshConnector<S>,
    alias: SshAlias,
}

impl<S> SshEndpoint<S> {
    /// The destination.
    pub fn alias(&self) -> &SshAlias {
        &self.alias
    }
}

impl<S: Send + 'static> Endpoint for SshEndpoint<S> {
    type Connection = S;
    type Error = SshError;
    type Connecting = SshAttempt<S>;

    fn connect(&self) -> SshAttempt<S> {
        self.connector.connect(Candidate::new(self.alias.clone()))
    }
}

impl<S> Address for SshEndpoint<S> {}

impl<S> Clone for SshEndpoint<S> {
    fn clone(&self) -> Self {
        Self { connector: self.connector.clone(), alias: self.alias.clone() }
    }
}

impl<S> PartialEq for SshEndpoint<S> {
    fn eq(&self, other: &Self) -> bool {
        self.alias == other.alias
    }
}

impl<S> Eq for SshEndpoint<S> {}

impl<S> fmt::Display for SshEndpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.alias.fmt(f)
    }
}

impl<S> fmt::Debug for SshEndpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshEndpoint").field("alias", &self.alias).finish_non_exhaustive()
    }
}

/// A lookup in progress: see [`Ssh::resolve`].
///
/// # Panics
///
/// Panics if it is polled again after it was ready.
///
/// # Cancel safety
///
/// Dropping it abandons the lookup, and kills a command of `Match exec`.
///
/// # Examples
///
/// See [`SshHost`].
#[must_use = "futures do nothing unless polled"]
pub struct SshResolve(BoxFuture<Result<SshHost, SshError>>);

impl Future for SshResolve {
    type Output = Result<SshHost, SshError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.as_mut().poll(cx)
    }
}

impl fmt::Debug for SshResolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshResolve").finish_non_exhaustive()
    }
}
