//! The scheme `fd`, and `systemd` of servers.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::Pin;

use stagger::boxed::BoxError;
use stagger::connect::endpoint_fn;
use stagger::error::SharedError;
use stagger::listen::Listen;
use stagger_net::{Accept, InheritedStream, ListenAddr, Register, TcpListen, UnixListen};

use super::{ServerReactor, ServerTimer};
use crate::{AddrText, ClientEndpoint, HopReader, ServerEndpoint, ServerListener};

/// The first descriptor that a service manager passes (`SD_LISTEN_FDS_START`, sd_listen_fds(3)).
const FIRST: u32 = 3;

/// The highest number of a descriptor: a C `int`.
const LAST: u32 = i32::MAX as u32;

/// Makes the streams of accepted connections.
pub(crate) struct Streams<T, U, S> {
    pub(crate) tcp: fn(T) -> S,
    pub(crate) unix: fn(U, Option<&str>) -> S,
}

impl<T, U, S> Copy for Streams<T, U, S> {}

impl<T, U, S> Clone for Streams<T, U, S> {
    fn clone(&self) -> Self {
        *self
    }
}

enum Chosen {
    Index(u32),
    Name(String),
}

/// `fd:3` of a client is a connected socket, which can be taken over once.
pub(crate) fn client<S, R>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
    streams: Streams<<R as Register>::Stream, <R as Register<UnixStream>>::Stream, S>,
) -> Result<ClientEndpoint<S>, BoxError>
where
    S: Send + 'static,
    R: Register<Stream: 'static> + Register<UnixStream, Stream: 'static> + Default + 'static,
{
    let index = hop.number(FIRST..=LAST)? - FIRST;
    Ok(ClientEndpoint::new(endpoint_fn(move || async move {
        let reactor = R::default();
        Ok::<_, io::Error>(match InheritedStream::take(index)? {
            InheritedStream::Tcp(socket) => {
                let socket = Register::<std::net::TcpStream>::register(&reactor, socket)?;
                (streams.tcp)(Register::<std::net::TcpStream>::finish(&reactor, socket)?)
            }
            InheritedStream::Unix(socket) => {
                let socket = Register::<UnixStream>::register(&reactor, socket)?;
                (streams.unix)(Register::<UnixStream>::finish(&reactor, socket)?, None)
            }
            other => {
                let text = format!("{other:?} is of an unknown kind");
                return Err(io::Error::new(io::ErrorKind::Unsupported, text));
            }
        })
    })))
}

/// `fd:3` of a server is the first inherited descriptor.
pub(crate) fn server_fd<S, R, T>(
    hop: &mut HopReader<'_, ServerEndpoint<S>>,
    streams: Streams<<R as Accept>::Stream, <R as Accept<UnixListener>>::Stream, S>,
) -> Result<ServerEndpoint<S>, BoxError>
where
    S: 'static,
    R: ServerReactor<TcpListener> + ServerReactor<UnixListener>,
    T: ServerTimer,
{
    let number = hop.number(FIRST..=LAST)?;
    Ok(server::<S, R, T>(&Chosen::Index(number - FIRST), streams))
}

/// `systemd:0` is the first inherited descriptor, and `systemd:web` are all with this name.
pub(crate) fn systemd<S, R, T>(
    hop: &mut HopReader<'_, ServerEndpoint<S>>,
    streams: Streams<<R as Accept>::Stream, <R as Accept<UnixListener>>::Stream, S>,
) -> Result<ServerEndpoint<S>, BoxError>
where
    S: 'static,
    R: ServerReactor<TcpListener> + ServerReactor<UnixListener>,
    T: ServerTimer,
{
    let is_number =
        hop.some_rest("INDEX or systemd:NAME")?.bytes().all(|byte| byte.is_ascii_digit());
    let chosen = match is_number {
        true => Chosen::Index(hop.number(0..=LAST - FIRST)?),
        false => Chosen::Name(hop.text()?),
    };
    Ok(server::<S, R, T>(&chosen, streams))
}

fn server<S, R, T>(
    chosen: &Chosen,
    streams: Streams<<R as Accept>::Stream, <R as Accept<UnixListener>>::Stream, S>,
) -> ServerEndpoint<S>
where
    S: 'static,
    R: ServerReactor<TcpListener> + ServerReactor<UnixListener>,
    T: ServerTimer,
{
    let Streams { tcp: tcp_stream, unix: unix_stream } = streams;
    let (tcp, unix) = match chosen {
        Chosen::Index(index) => (ListenAddr::inherited(*index), UnixListen::inherited(*index)),
        Chosen::Name(name) => {
            (ListenAddr::inherited_by_name(&**name), UnixListen::<R, T>::inherited_by_name(&**name))
        }
    };
    let tcp = ServerEndpoint::new(TcpListen::<R, T>::new(tcp), move |stream, peer| {
        (tcp_stream(stream), peer.to_string())
    });
    let unix = super::unix::endpoint(unix, unix_stream);
    ServerEndpoint::new(Either { tcp, unix }, |stream, peer: AddrText| (stream, peer))
}

/// A socket of TCP or a Unix-domain socket. Only the system knows which.
struct Either<S> {
    tcp: ServerEndpoint<S>,
    unix: ServerEndpoint<S>,
}

impl<S: 'static> Listen for Either<S> {
    type Listener = ServerListener<S>;
    type Error = SharedError;
    type Listening = Pin<Box<dyn Future<Output = Result<ServerListener<S>, SharedError>> + Send>>;

    fn listen(&self) -> Self::Listening {
        let (tcp, unix) = (self.tcp.listen(), self.unix.listen());
        Box::pin(async move {
            // A socket that does not fit is left as it is, so it can be tried in another way.
            match tcp.await {
                Ok(listener) => Ok(listener),
                Err(error) => unix.await.map_err(|_| error),
            }
        })
    }
}
