//! makiko, a library that speaks SSH itself, as a backend of `stagger-ssh`.
//!
//! ```text
//! ssh-makiko CONFIG ALIAS HOST:SERVICE
//! ```
//!
//! connects from the host to the target, sends standard input, and prints what comes back. Routes,
//! users, keys and known hosts are those of the configuration. The script `run` starts a real SSH
//! server on loopback and connects through it.
//!
//! makiko has no agent and reads no encrypted keys here. Each connection logs in anew.
#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use makiko::host_file::{File, KeyMatch};
use makiko::{
    AuthPubkeyResult, ChannelConfig, Client, ClientConfig, ClientEvent, ClientFuture,
    ClientReceiver, Pubkey, TunnelStream,
};
use stagger::Target;
use stagger::boxed::BoxError;
use stagger::target::Service;
use stagger_ssh::config::{ConfigFiles, HostConfig};
use stagger_ssh::{Backend, Hop, Opening, Ssh, SshError, SshErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// Logs in by makiko. It needs a tokio runtime, because a task carries the bytes.
struct Makiko;

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Backend<S> for Makiko {
    fn open(&self, hop: Hop<S>, to: &Target) -> Opening<S> {
        let to = to.clone();
        Box::pin(async move {
            // The race to the server, or a channel of the hop before it.
            let transport = hop.connect().await?;
            let failed = |(kind, error): Failure| {
                SshError::new(kind, hop.host(), stagger::text::with_causes(&*error))
            };
            let mut channel = channel(transport, hop.host().config(), &to).await.map_err(failed)?;
            let lost = |error: io::Error| failed((SshErrorKind::Lost, error.into()));
            let (ours, theirs) = UnixStream::pair().map_err(lost)?;
            theirs.set_nonblocking(true).map_err(lost)?;
            let mut theirs = tokio::net::UnixStream::from_std(theirs).map_err(lost)?;
            let relay = tokio::spawn(async move {
                // A failure ends both streams, which is all that the program can see of it.
                let _ = tokio::io::copy_bidirectional(&mut channel, &mut theirs).await;
            });
            hop.stream(ours, Relay(relay))
        })
    }
}

/// The task of a stream. Dropping it ends the session.
struct Relay(tokio::task::JoinHandle<()>);

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Failure = (SshErrorKind, BoxError);

/// Logs in over a stream, and opens a channel to the target.
async fn channel<S: AsyncRead + AsyncWrite>(
    transport: S,
    config: &HostConfig,
    to: &Target,
) -> Result<Channel<S>, Failure> {
    let of_config = |error: BoxError| (SshErrorKind::Config, error);
    let lost = |error: makiko::Error| (SshErrorKind::Lost, BoxError::from(error));
    let Service::Port(port) = *to.service() else {
        return Err(of_config(format!("the service of {to} is not a port").into()));
    };
    let known = known_hosts(config);
    let (client, events, run) = Client::open(transport, ClientConfig::default()).map_err(lost)?;
    let mut session = Session { run: Box::pin(run), events };
    // An alias stands in the file without a port, as the default port does.
    let (name, host_port) = match config.host_key_alias() {
        Some(alias) => (alias, 22),
        None => (config.host_name(), config.port()),
    };
    let is_known = |key: &Pubkey| {
        let accepts = |file: &File| {
            matches!(file.match_host_port_key(name, host_port, key), KeyMatch::Accepted(_))
        };
        known.iter().any(accepts)
    };
    let asking = client.clone();
    let mut script = pin!(async {
        log_in(&asking, config).await?;
        let (channel, to) = (ChannelConfig::default(), (to.host().to_string(), port));
        let opened = asking.connect_tunnel(channel, to, ("127.0.0.1".to_owned(), 0)).await;
        opened.map_err(|error| (SshErrorKind::Refused, BoxError::from(error)))
    });
    let (tunnel, received) = poll_fn(|cx| {
        // A session that is over is the reason of what fails in the script.
        if let Poll::Ready((kind, error)) = session.poll(cx, &is_known) {
            return Poll::Ready(Err((kind, error)));
        }
        let done = script.as_mut().poll(cx);
        // What the script has asked for is sent at once.
        match session.poll(cx, &is_known) {
            Poll::Ready(failure) if done.is_pending() => Poll::Ready(Err(failure)),
            _ => done,
        }
    })
    .await?;
    let tunnel = TunnelStream::new(tunnel, received);
    Ok(Channel { session, tunnel, is_over: false, _client: client })
}

/// The known hosts of the configuration. A file that is not there has none.
fn known_hosts(config: &HostConfig) -> Vec<File> {
    let paths = config.user_known_hosts_files().iter();
    let paths = paths.chain(config.global_known_hosts_files());
    paths.filter_map(|path| Some(File::decode(std::fs::read(path).ok()?.into()))).collect()
}

/// Offers the keys of the configuration.
async fn log_in(client: &Client, config: &HostConfig) -> Result<(), Failure> {
    let refused = |error: BoxError| (SshErrorKind::Login, error);
    for path in config.identity_files() {
        let Ok(text) = std::fs::read(path) else { continue };
        let key = makiko::keys::decode_pem_privkey_nopass(&text);
        let key = key.map_err(|error| refused(format!("{}: {error}", path.display()).into()))?;
        let Some(key) = key.privkey().cloned() else { continue };
        for algorithm in key.pubkey().algos() {
            let answer = client.auth_pubkey(config.user().to_owned(), key.clone(), algorithm).await;
            match answer.map_err(|error| refused(error.into()))? {
                AuthPubkeyResult::Success => return Ok(()),
                _ => continue,
            }
        }
    }
    Err(refused(format!("it takes no key of {}", config.user()).into()))
}

/// A session, which whoever reads or writes its channel drives.
struct Session<S> {
    run: Pin<Box<ClientFuture<S>>>,
    events: ClientReceiver,
}

impl<S: AsyncRead + AsyncWrite> Session<S> {
    /// Moves bytes, and checks the host's key. It is ready with the reason why the session is over.
    fn poll(&mut self, cx: &mut Context<'_>, is_known: &dyn Fn(&Pubkey) -> bool) -> Poll<Failure> {
        while let Poll::Ready(Ok(Some(event))) = self.events.poll_recv(cx) {
            if let ClientEvent::ServerPubkey(key, answer) = event {
                if !is_known(&key) {
                    let text = format!("the host key {} is not known", key.fingerprint());
                    answer.reject(io::Error::other("the host key is not known"));
                    return Poll::Ready((SshErrorKind::HostKey, text.into()));
                }
                answer.accept();
            }
        }
        self.run.as_mut().poll(cx).map(|ended| match ended {
            Ok(()) => (SshErrorKind::Lost, "the session has ended".into()),
            Err(error) => (SshErrorKind::Lost, error.into()),
        })
    }
}

/// A channel, with the session that carries it.
struct Channel<S> {
    session: Session<S>,
    tunnel: TunnelStream,
    is_over: bool,
    _client: Client,
}

impl<S: AsyncRead + AsyncWrite> Channel<S> {
    fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TunnelStream>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.move_bytes(cx);
        let done = act(Pin::new(&mut self.tunnel), cx);
        self.move_bytes(cx);
        done
    }

    fn move_bytes(&mut self, cx: &mut Context<'_>) {
        self.is_over = self.is_over || self.session.poll(cx, &|_| false).is_ready();
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for Channel<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().drive(cx, |tunnel, cx| tunnel.poll_read(cx, buf))
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for Channel<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().drive(cx, |tunnel, cx| tunnel.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().drive(cx, |tunnel, cx| tunnel.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().drive(cx, |tunnel, cx| tunnel.poll_shutdown(cx))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [config, alias, target] = &args[..] else {
        return Err("write ssh-makiko CONFIG ALIAS HOST:SERVICE".into());
    };
    let ssh = Ssh::new(stagger_tokio::dialer())
        .with_config(ConfigFiles::file(config))
        .with_backend(Makiko);
    let mut stream = ssh.through(&**alias).connect(&**target).await?;
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::stdin(), &mut text)?;
    stream.write_all(&text).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    io::Write::write_all(&mut io::stdout(), &answer)?;
    Ok(())
}
