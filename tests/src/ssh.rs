//! The adapters under SSH.

use std::future::Future;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _, future};
use rustix::net::{Shutdown, shutdown};
use stagger::boxed::BoxDialer;
use stagger::resolve::ByName;
use stagger::{Dialer, Error, Policy, Target};
use stagger_net::nat64::Nat64;
use stagger_proxy::{Protocol, Proxy};
use stagger_ssh::config::ConfigFiles;
use stagger_ssh::{ControlSocket, Ssh, SshCommand, SshError, SshStream};
use stagger_tls::Tls;
use stagger_tls::rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::compat::FuturesAsyncReadCompatExt;

use crate::proxy::ProxyAdapter;
use crate::tls::TlsAdapter;
use crate::{Adapter, AsyncStd, Runtime, Smol, Tokio};

/// A backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// OpenSSH's control socket. Masters are started.
    Control,
    /// OpenSSH's control socket, if there is one.
    OnlyRunning,
    /// `ssh -W`.
    Command,
    /// `ssh -W`, for servers that speak first.
    Greeting,
}

/// Both backends.
pub const WAYS: [Way; 2] = [Way::Control, Way::Command];

/// Both backends, for servers that speak first.
pub const GREETING_WAYS: [Way; 2] = [Way::Control, Way::Greeting];

/// What a connect by SSH is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The backend.
    pub way: Way,
    /// The file of the configuration, or the user's and the machine's.
    pub config: Option<PathBuf>,
    /// The policy of the races.
    pub policy: Policy,
    /// The command that dials for `ssh -W`.
    pub dial_command: Option<String>,
    /// The NAT64 for first hops.
    pub nat64: Option<Nat64>,
}

impl Setup {
    /// Connects with this backend and this file.
    pub fn new(way: Way, config: impl Into<PathBuf>) -> Self {
        let config = Some(config.into());
        Self { way, config, policy: Policy::new(), dial_command: None, nat64: None }
    }

    fn ssh_command(&self) -> SshCommand {
        match &self.dial_command {
            Some(line) => SshCommand::new().with_dial_command(line),
            None => SshCommand::new(),
        }
    }
}

/// A connect, as every runtime can run it.
pub type Connecting<S> = Pin<Box<dyn Future<Output = Result<S, Error>> + Send>>;

/// An adapter whose dialer reaches SSH hosts.
pub trait SshAdapter: ProxyAdapter + TlsAdapter {
    /// The stream.
    type SshStream: Send + 'static;

    /// Connects to the SSH server of this destination.
    fn connect_ssh(setup: &Setup, destination: &str) -> Connecting<Self::SshStream>;

    /// A dialer whose targets are reached through this destination.
    fn through(setup: &Setup, destination: &str) -> BoxDialer<Self::SshStream>;

    /// A dialer whose targets are reached by a SOCKS5 proxy, which is reached through a host.
    fn by_socks(through: BoxDialer<Self::SshStream>, proxy: Target) -> BoxDialer<Self::SshStream>;

    /// Sends a message with TLS through a host, and returns what the server sends until it closes.
    fn exchange_tls_through(
        through: BoxDialer<Self::SshStream>,
        target: String,
        config: Arc<ClientConfig>,
        message: &'static [u8],
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// The stream with the traits of tokio.
    fn for_tokio(
        stream: Self::SshStream,
    ) -> impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static;

    /// Reads a line, byte by byte, and returns it without its end.
    fn read_banner(stream: &mut Self::SshStream)
    -> impl Future<Output = io::Result<String>> + Send;

    /// Writes a message, ends what this end sends, and reads until the far end closes.
    fn exchange_ssh(
        stream: Self::SshStream,
        message: Vec<u8>,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}

/// A runtime with SSH. Every runtime has it.
pub trait SshRuntime: Runtime<Adapter: SshAdapter> {}

impl<R: Runtime<Adapter: SshAdapter>> SshRuntime for R {}

/// The stream on the runtime `R`.
pub type SshStreamOf<R> = <<R as Runtime>::Adapter as SshAdapter>::SshStream;

/// Connects to a target through a destination.
pub fn connect_through<R: SshRuntime>(
    setup: &Setup,
    destination: &str,
    target: &str,
) -> Connecting<SshStreamOf<R>> {
    Box::pin(R::Adapter::through(setup, destination).connect(target))
}

/// What the setup says, over the dialer of an adapter.
macro_rules! setup {
    ($setup:ident, $adapter:ty) => {{
        let dialer = <$adapter>::dialer().with_policy($setup.policy.clone());
        let ssh = Ssh::new(dialer);
        let ssh = match &$setup.config {
            Some(path) => ssh.with_config(ConfigFiles::file(path)),
            None => ssh.with_config(ConfigFiles::default()),
        };
        let ssh = match &$setup.nat64 {
            Some(nat64) => ssh.with_nat64(nat64.clone()),
            None => ssh,
        };
        match $setup.way {
            Way::Control => ssh.with_backend(ControlSocket::new()),
            Way::OnlyRunning => ssh.with_backend(ControlSocket::new().without_start()),
            Way::Command => ssh.with_backend($setup.ssh_command()),
            Way::Greeting => ssh.with_backend($setup.ssh_command().with_greeting()),
        }
    }};
}

macro_rules! ssh_adapter {
    ($adapter:ident, $split:path, $close:ident, $has_half_close:literal, $for_tokio:expr) => {
        impl SshAdapter for $adapter {
            type SshStream = SshStream<Self::Stream, Self::UnixStream>;

            fn connect_ssh(setup: &Setup, destination: &str) -> Connecting<Self::SshStream> {
                Box::pin(setup!(setup, Self).connect(destination))
            }

            fn through(setup: &Setup, destination: &str) -> BoxDialer<Self::SshStream> {
                setup!(setup, Self).through(destination).boxed()
            }

            fn by_socks(
                through: BoxDialer<Self::SshStream>,
                proxy: Target,
            ) -> BoxDialer<Self::SshStream> {
                let connector: Proxy<_, <Self as ProxyAdapter>::ProxyKind> =
                    Proxy::new(Protocol::Socks5, through, proxy);
                Dialer::new(ByName, connector, <Self as Adapter>::Timer::default()).boxed()
            }

            async fn exchange_tls_through(
                through: BoxDialer<Self::SshStream>,
                target: String,
                config: Arc<ClientConfig>,
                message: &'static [u8],
            ) -> io::Result<Vec<u8>> {
                let connector = Tls::<_, <Self as TlsAdapter>::Kind>::new(through, config);
                let timer = <Self as Adapter>::Timer::default();
                let mut stream = Dialer::new(ByName, connector, timer).connect(target).await?;
                stream.write_all(message).await?;
                stream.flush().await?;
                let mut answer = vec![0; message.len()];
                stream.read_exact(&mut answer).await?;
                Ok(answer)
            }

            fn for_tokio(
                stream: Self::SshStream,
            ) -> impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static {
                $for_tokio(stream)
            }

            async fn read_banner(stream: &mut Self::SshStream) -> io::Result<String> {
                let mut line = String::new();
                loop {
                    let mut byte = [0];
                    match stream.read(&mut byte).await? {
                        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                        _ if byte == *b"\n" => return Ok(line),
                        _ => line.push(char::from(byte[0])),
                    }
                }
            }

            async fn exchange_ssh(
                stream: Self::SshStream,
                message: Vec<u8>,
            ) -> io::Result<Vec<u8>> {
                let socket = stream.unix().expect("a host is in between").as_fd();
                let socket = socket.try_clone_to_owned()?;
                let (mut reader, mut writer) = $split(stream);
                let write = async {
                    writer.write_all(&message).await?;
                    writer.$close().await?;
                    if !$has_half_close {
                        shutdown(&socket, Shutdown::Write)?;
                    }
                    Ok(())
                };
                let read = async {
                    let mut answer = Vec::new();
                    reader.read_to_end(&mut answer).await.map(|_| answer)
                };
                // Both go on together: neither end keeps all that the other sends.
                let (written, answer) = future::zip(write, read).await;
                written.and(answer)
            }
        }
    };
}

ssh_adapter!(Tokio, tokio::io::split, shutdown, true, std::convert::identity);
ssh_adapter!(Smol, futures_lite::io::split, close, true, FuturesAsyncReadCompatExt::compat);
// To close a stream of async-std only flushes it.
ssh_adapter!(AsyncStd, futures_lite::io::split, close, false, FuturesAsyncReadCompatExt::compat);

/// The error of a hop within the error of a connect.
///
/// # Panics
///
/// If there is none.
pub fn ssh_error(error: &Error) -> &SshError {
    let mut cause = error.cause().expect("something failed");
    loop {
        match cause.downcast_ref() {
            Some(found) => return found,
            None => {
                let inner = cause.downcast_ref::<Error>();
                let inner = inner.unwrap_or_else(|| panic!("{cause:?}"));
                cause = inner.cause().expect("something failed");
            }
        }
    }
}
