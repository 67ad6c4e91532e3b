//! The seam to a program or a library that speaks SSH.

use std::any::Any;
use std::future::Future;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;

use futures_lite::FutureExt as _;
use stagger::{Candidate, Target};
use stagger_net::nat64::Nat64;

use crate::adapter::target_of;
use crate::command::{Command, Running, Spawned};
use crate::runtime::{Held, Runtime, Socket};
use crate::{SshError, SshErrorKind, SshHost};

/// The future of a [`Backend`].
pub type Opening<S> = Pin<Box<dyn Future<Output = Result<S, SshError>> + Send>>;

/// Opens connections from SSH hosts (RFC 4254 §7.2, `direct-tcpip`). `S` is the stream.
///
/// # Cancel safety
///
/// Dropping an [`Opening`] must leave nothing behind.
///
/// # Examples
///
/// A backend that hands its first hop's connection on, without SSH:
///
/// ```
/// use stagger::Target;
/// use stagger_ssh::config::ConfigFiles;
/// use stagger_ssh::{Backend, Hop, Opening, Ssh};
///
/// struct Plain;
///
/// impl<S: Send + 'static> Backend<S> for Plain {
///     fn open(&self, hop: Hop<S>, to: &Target) -> Opening<S> {
///         assert_eq!(to.to_string(), "db.internal:5432");
///         Box::pin(async move {
///             let stream = hop.connect().await?;
///             // A real backend logs in as this user, and opens a channel to the target.
///             assert_eq!(hop.host().config().user(), "joe");
///             Ok(stream)
///         })
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let host = format!("ssh://joe@{}", server.local_addr()?);
/// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::none());
/// let dialer = ssh.with_backend(Plain).through(&*host);
/// let stream = dialer.connect("db.internal:5432").await?;
/// assert_eq!(stream.tcp().unwrap().peer_addr()?, server.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait Backend<S>: Send + Sync + 'static {
    /// Opens a connection from the hop's host to a target. The hop's host resolves the target's
    /// name.
    fn open(&self, hop: Hop<S>, to: &Target) -> Opening<S>;
}

/// An SSH host to log in at, and the way to its SSH server.
///
/// # Examples
///
/// See [`Backend`].
pub struct Hop<S> {
    pub(crate) host: SshHost,
    /// The attempt that this hop is a part of. Races of the hop are its children.
    pub(crate) attempt: Candidate<()>,
    pub(crate) runtime: Arc<dyn Runtime<S>>,
    pub(crate) backend: Arc<dyn Backend<S>>,
    pub(crate) nat64: Option<Nat64>,
}

impl<S: Send + 'static> Hop<S> {
    /// The host to log in at.
    pub fn host(&self) -> &SshHost {
        &self.host
    }

    /// The hop before this one, if its route is [`Route::Through`](crate::Route::Through).
    pub fn parent(&self) -> Option<Self> {
        let crate::Route::Through(parent) = self.host.route() else { return None };
        Some(Self { host: parent.clone(), ..self.clone() })
    }

    /// Races TCP to the SSH server of a host with [`Route::Direct`](crate::Route::Direct), with the
    /// host's own options. Yields a non-blocking socket that no reactor knows.
    pub(crate) async fn dial(&self) -> Result<Socket, SshError> {
        let socket = self.runtime.dial(&self.host, &self.attempt, self.nat64.as_ref()).await?;
        self.attempt.progress().made();
        Ok(socket)
    }

    /// Connects to the host's SSH server by its route, through the hops before it. For a backend
    /// that speaks SSH itself.
    ///
    /// # Errors
    ///
    /// The error names the hop that failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes every socket and ends every command.
    pub fn connect(&self) -> Opening<S> {
        let hop = self.clone();
        match self.host.route() {
            crate::Route::Direct => Box::pin(async move {
                let socket = hop.dial().await?;
                hop.runtime.stream(socket, None).map_err(|error| hop.unregistered(error))
            }),
            crate::Route::Through(_) => Box::pin(async move {
                let open = async {
                    let target = target_of(&hop.host)?;
                    let parent = hop.parent().expect("the route has a parent");
                    hop.backend.open(parent, &target).await
                };
                hop.in_time(open, "its jump hosts did not connect").await
            }),
            crate::Route::Command(_) => {
                Box::pin(async move { hop.in_time(hop.run(), "ProxyCommand sent nothing").await })
            }
        }
    }

    /// Applies `ConnectTimeout` to a route that is not TCP, as ssh(1) does. ssh(1) waits that long
    /// for the greeting of the host. Meanwhile its jump hosts log in.
    async fn in_time(
        &self,
        open: impl Future<Output = Result<S, SshError>>,
        missing: &str,
    ) -> Result<S, SshError> {
        let Some(timeout) = self.host.config().connect_timeout() else { return open.await };
        let deadline = self.runtime.now() + timeout;
        let late = async {
            self.runtime.sleep_until(deadline).await;
            let text = format!("{missing} within {timeout:?}");
            Err(SshError::new(SshErrorKind::Timeout, &self.host, text))
        };
        open.or(late).await
    }

    /// Makes the stream of a connected Unix-domain socket, for a backend that carries the bytes
    /// itself. The stream drops `held` after its socket.
    ///
    /// # Errors
    ///
    /// The runtime cannot register the socket.
    ///
    /// # Examples
    ///
    /// A backend that sends the name of each target:
    ///
    /// ```
    /// use std::io::Write as _;
    /// use std::os::unix::net::UnixStream;
    ///
    /// use futures_lite::AsyncReadExt as _;
    /// use stagger::Target;
    /// use stagger_ssh::config::ConfigFiles;
    /// use stagger_ssh::{Backend, Hop, Opening, Ssh, SshError, SshErrorKind};
    ///
    /// struct Names;
    ///
    /// impl<S: Send + 'static> Backend<S> for Names {
    ///     fn open(&self, hop: Hop<S>, to: &Target) -> Opening<S> {
    ///         let name = to.to_string();
    ///         Box::pin(async move {
    ///             let lost = |error: std::io::Error| {
    ///                 SshError::new(SshErrorKind::Lost, hop.host(), error.to_string())
    ///             };
    ///             let (ours, mut theirs) = UnixStream::pair().map_err(lost)?;
    ///             theirs.write_all(name.as_bytes()).map_err(lost)?;
    ///             hop.stream(ours, ())
    ///         })
    ///     }
    /// }
    ///
    /// # futures_lite::future::block_on(async {
    /// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::none());
    /// let stream = ssh.with_backend(Names).through("gate").connect("db.internal:5432").await?;
    /// let mut sent = String::new();
    /// stream.unix().expect("it is no TCP").clone().read_to_string(&mut sent).await?;
    /// assert_eq!(sent, "db.internal:5432");
    /// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn stream(&self, socket: UnixStream, held: impl Any + Send + Sync) -> Result<S, SshError> {
        let registered = socket.set_nonblocking(true).and_then(|()| {
            let held: Held = Box::new(held);
            self.runtime.stream(Socket::Unix(socket), Some(held))
        });
        registered.map_err(|error| self.unregistered(error))
    }

    /// Runs the command of the route.
    async fn run(&self) -> Result<S, SshError> {
        let crate::Route::Command(line) = self.host.route() else {
            unreachable!("the route is a command")
        };
        if self.host.config().proxy_use_fdpass() {
            let text = "ProxyUseFdpass is not supported here; set it to no";
            return Err(SshError::new(SshErrorKind::Config, &self.host, text));
        }
        let command = Command::shell(line.clone());
        let (command, spawned) = blocking::unblock(move || {
            let spawned = command.connect();
            (command, spawned)
        })
        .await;
        let (Spawned { process, stderr }, socket) = spawned.map_err(|error| {
            SshError::new(SshErrorKind::Program, &self.host, "its ProxyCommand did not start")
                .with_source(error)
        })?;
        let io = |error: std::io::Error| {
            SshError::new(SshErrorKind::Command, &self.host, "its ProxyCommand failed")
                .with_source(error)
        };
        let stderr = self.runtime.local(stderr).map_err(io)?;
        let running = Running::new(&command, process, stderr);
        let mut running = running.with_socket(&socket).map_err(io)?;
        // The SSH server speaks first (RFC 4253 §4.2). Its first byte stays unread.
        let copy = self.runtime.local(socket.try_clone().map_err(io)?).map_err(io)?;
        if !running.has_greeted(&*copy).await {
            running.end().await.map_err(io)?;
            let text = "ProxyCommand ended before the SSH server spoke";
            return Err(SshError::new(SshErrorKind::Command, &self.host, text));
        }
        drop(copy);
        self.runtime.stream(Socket::Unix(socket), Some(Box::new(running))).map_err(io)
    }

    fn unregistered(&self, error: std::io::Error) -> SshError {
        SshError::new(SshErrorKind::Unreached, &self.host, "the runtime takes no socket")
            .with_source(error)
    }
}

impl<S> Clone for Hop<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            attempt: self.attempt.child(()),
            runtime: self.runtime.clone(),
            backend: self.backend.clone(),
            nat64: self.nat64.clone(),
        }
    }
}
