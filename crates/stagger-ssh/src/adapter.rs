//! A dialer of any adapter as the runtime of this crate.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use stagger::boxed::BoxError;
use stagger::error::{ErrorKind, SharedError};
use stagger::resolve::Families;
use stagger::{Candidate, Connector, Dialer, Error, Policy, Resolver, Target, Timer};
use stagger_net::nat64::Nat64;
use stagger_net::reactor::{Handshake, Interest, ReactorMark};
use stagger_net::{Register, TcpConnector, TcpOptions};

use crate::config::HostConfig;
use crate::runtime::{BoxFuture, Held, Local, Runtime, Socket, Watched};
use crate::{SshError, SshErrorKind, SshHost, SshStream};

/// The pause between two races of one host (`ConnectionAttempts`): 1 s, as in OpenSSH
/// (ssh_config(5)).
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The stream of a connection on the reactor `G`.
pub(crate) type StreamOf<G> =
    SshStream<<G as Register<TcpStream>>::Stream, <G as Register<UnixStream>>::Stream>;

/// The runtime of a dialer.
#[derive(Clone)]
pub(crate) struct Adapter<R, G, T>(pub(crate) Dialer<R, TcpConnector<G>, T>);

impl<R, G, T> Runtime<StreamOf<G>> for Adapter<R, G, T>
where
    R: Resolver<Address = SocketAddr, Answers: Send, Error: Into<BoxError> + Send>,
    R: Clone + Send + Sync + 'static,
    G: Register<TcpStream, Socket: Send> + Register<UnixStream, Socket: Send + Sync>,
    G: Clone + Send + Sync + 'static,
    T: Timer<Sleep: Send + 'static> + Clone + Send + Sync + 'static,
{
    fn now(&self) -> Instant {
        self.0.timer().now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
        Box::pin(self.0.timer().sleep_until(deadline))
    }

    fn look_up(
        &self,
        name: &str,
        families: Families,
    ) -> BoxFuture<Result<Vec<IpAddr>, SharedError>> {
        let policy = of_families(self.0.policy().clone(), families);
        let dialer = self.0.clone().with_policy(policy);
        let lookup = dialer.resolve_all((name, 22));
        Box::pin(async move {
            let (addresses, _) = lookup.await.map_err(SharedError::new)?;
            Ok(addresses.into_iter().map(|address| address.ip()).collect())
        })
    }

    fn dial(
        &self,
        host: &SshHost,
        attempt: &Candidate<()>,
        nat64: Option<&Nat64>,
    ) -> BoxFuture<Result<Socket, SshError>> {
        let (this, host, attempt) = (self.clone(), host.clone(), attempt.child(()));
        let nat64 = nat64.cloned();
        Box::pin(async move {
            let policy = policy_of(this.0.policy().clone(), host.config());
            let options = this.options(&host).await?;
            let register = Std(this.0.connector().register().clone());
            let dialer = this
                .0
                .map_connector(|_| TcpConnector::new_on(options, register))
                .with_policy(policy);
            match nat64 {
                None => races(&dialer, &host, &attempt).await,
                Some(nat64) => races(&nat64.wrap(dialer), &host, &attempt).await,
            }
        })
    }

    fn local(&self, socket: UnixStream) -> io::Result<Box<dyn Local>> {
        Ok(Box::new(Watched::new(self.0.connector().register().clone(), socket)?))
    }

    fn stream(&self, socket: Socket, held: Option<Held>) -> io::Result<StreamOf<G>> {
        let register = self.0.connector().register();
        Ok(match socket {
            Socket::Tcp(socket) => SshStream::of_tcp(finish(register, socket)?, held),
            Socket::Unix(socket) => SshStream::of_unix(finish(register, socket)?, held),
        })
    }
}

impl<R, G, T> Adapter<R, G, T>
where
    Self: Runtime<StreamOf<G>>,
    G: Register<TcpStream> + Register<UnixStream>,
    TcpConnector<G>: Clone,
{
    /// The options of the dialer, with those of the host.
    async fn options(&self, host: &SshHost) -> Result<TcpOptions, SshError> {
        let config = host.config();
        let refused = |text: String| SshError::new(SshErrorKind::Config, host, text);
        let mut options = self.0.connector().options().clone();
        if let Some(interface) = config.bind_interface() {
            options = with_interface(options, interface)
                .map_err(|error| refused(format!("cannot use its BindInterface: {error}")))?;
        }
        let Some(name) = config.bind_address() else { return Ok(options) };
        let ips = match name.parse() {
            Ok(ip) => vec![ip],
            Err(_) => self
                .look_up(name, config.families())
                .await
                .map_err(|error| refused(format!("cannot look up its BindAddress: {error}")))?,
        };
        for ip in ips {
            // Each family has one bind address, as in OpenSSH: the first of the name.
            if let Ok(bound) = options.clone().with_bind_ip(ip) {
                options = bound;
            }
        }
        Ok(options)
    }
}

#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
fn with_interface(options: TcpOptions, interface: &str) -> Result<TcpOptions, BoxError> {
    Ok(options.with_interface(interface)?)
}

#[cfg(not(any(target_os = "android", target_os = "linux", target_vendor = "apple")))]
fn with_interface(_: TcpOptions, _: &str) -> Result<TcpOptions, BoxError> {
    Err("this system cannot bind a socket to an interface".into())
}

fn finish<S, G: Register<S>>(register: &G, socket: S) -> io::Result<G::Stream> {
    register.finish(register.register(socket)?)
}

/// Races TCP to the host's SSH server, as often as its configuration says (`ConnectionAttempts`).
async fn races<R, C, T>(
    dialer: &Dialer<R, C, T>,
    host: &SshHost,
    attempt: &Candidate<()>,
) -> Result<Socket, SshError>
where
    Dialer<R, C, T>: Connector<Target, Connection = TcpStream, Error = Error>,
    T: Timer,
{
    let target = target_of(host)?;
    let mut races = host.config().connection_attempts().max(1);
    loop {
        let race = Connector::connect(dialer, attempt.child(target.clone()));
        let error = match race.await {
            Ok(socket) => return Ok(Socket::Tcp(socket)),
            Err(error) => error,
        };
        races -= 1;
        if races == 0 || error.is_final() {
            let is_late = matches!(error.kind(), ErrorKind::TimedOut(_));
            let (kind, text) = if is_late {
                (SshErrorKind::Timeout, "its SSH server was not reached in time")
            } else {
                (SshErrorKind::Unreached, "its SSH server was not reached")
            };
            return Err(SshError::new(kind, host, text).with_source(error));
        }
        dialer.timer().sleep(RETRY_DELAY).await;
    }
}

/// The SSH server of a host.
pub(crate) fn target_of(host: &SshHost) -> Result<Target, SshError> {
    let config = host.config();
    Target::try_from((config.host_name(), config.port())).map_err(|error| {
        let text = format!("cannot use its HostName: {error}");
        SshError::new(SshErrorKind::Config, host, text)
    })
}

/// The policy of the dialer, with what the host's configuration sets. The timeout is the sooner of
/// the two. OpenSSH applies `ConnectTimeout` to each address instead.
fn policy_of(policy: Policy, config: &HostConfig) -> Policy {
    let policy = of_families(policy, config.families()).with_https(false);
    let Some(timeout) = config.connect_timeout() else { return policy };
    let timeout = timeout.clamp(*Policy::TIMEOUT_RANGE.start(), *Policy::TIMEOUT_RANGE.end());
    match policy.timeout() {
        Some(sooner) if sooner <= timeout => policy,
        _ => policy.with_timeout(timeout).expect("the timeout is in range"),
    }
}

/// If the configuration allows any family, the policy keeps its own families.
fn of_families(policy: Policy, families: Families) -> Policy {
    match families {
        Families::Any => policy,
        families => policy.with_families(families),
    }
}

/// A reactor that yields connected sockets of `std`, which it does not watch any more.
#[derive(Clone)]
struct Std<G>(G);

impl<G: Register<TcpStream>> Register<TcpStream> for Std<G> {
    type Socket = G::Socket;
    type Stream = TcpStream;

    fn register(&self, socket: TcpStream) -> io::Result<G::Socket> {
        self.0.register(socket)
    }

    fn poll_io<O>(
        &self,
        socket: &G::Socket,
        interest: Interest,
        cx: &mut Context<'_>,
        operation: impl FnMut() -> io::Result<O>,
    ) -> Poll<io::Result<O>> {
        self.0.poll_io(socket, interest, cx, operation)
    }

    fn poll_connect(
        &self,
        socket: &G::Socket,
        cx: &mut Context<'_>,
        outcome: impl FnMut(Handshake) -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_connect(socket, cx, outcome)
    }

    fn poll_proceed(&self, cx: &mut Context<'_>, units: u32) -> Poll<()> {
        self.0.poll_proceed(cx, units)
    }

    /// Dropping the reactor's socket deregisters it. The copy of its descriptor stays open.
    fn finish(&self, socket: G::Socket) -> io::Result<TcpStream> {
        Ok(socket.as_fd().try_clone_to_owned()?.into())
    }

    fn reactor(&self) -> ReactorMark {
        self.0.reactor()
    }
}
