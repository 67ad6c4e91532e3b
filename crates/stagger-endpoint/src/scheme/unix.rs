//! The scheme `unix`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

use stagger::Endpoint as _;
use stagger::boxed::BoxError;
use stagger_net::{
    Register, TcpListenOptions, UnixAddr, UnixEndpoint, UnixListen, UnixListenOptions,
};

use super::{ServerReactor, ServerTimer};
use crate::error::EndpointError;
use crate::{ClientEndpoint, HopReader, ServerEndpoint};

pub(crate) fn client<S, R>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
    stream: fn(R::Stream, &str) -> S,
) -> Result<ClientEndpoint<S>, BoxError>
where
    S: Send + 'static,
    R: Register<UnixStream, Stream: Send + 'static, Socket: Send + 'static>
        + Clone
        + Default
        + Send
        + Sync
        + 'static,
{
    let addr = addr(hop)?;
    let peer = addr.to_string();
    let endpoint = UnixEndpoint::<R>::new(addr).map(move |connection| stream(connection, &peer));
    Ok(ClientEndpoint::new(endpoint))
}

pub(crate) fn server<S, R, T>(
    hop: &mut HopReader<'_, ServerEndpoint<S>>,
    stream: fn(R::Stream, Option<&str>) -> S,
) -> Result<ServerEndpoint<S>, BoxError>
where
    S: 'static,
    R: ServerReactor<UnixListener>,
    T: ServerTimer,
{
    let addr = addr(hop)?;
    let mut options = UnixListenOptions::new();
    let backlog = hop.take_number("backlog", TcpListenOptions::BACKLOG_RANGE)?;
    if let Some(backlog) = backlog {
        options = options.with_backlog(backlog).expect("the range was checked");
    }
    if let Some(replace) = hop.take_bool("replace-stale")? {
        options = options.with_replace_stale(replace);
    }
    Ok(endpoint(UnixListen::<R, T>::new(addr).with_options(options), stream))
}

pub(crate) fn endpoint<S, R, T>(
    listen: UnixListen<R, T>,
    stream: fn(R::Stream, Option<&str>) -> S,
) -> ServerEndpoint<S>
where
    S: 'static,
    R: ServerReactor<UnixListener>,
    T: ServerTimer,
{
    ServerEndpoint::new(listen, move |connection, peer: Option<UnixAddr>| match peer {
        Some(peer) => {
            let peer = peer.to_string();
            (stream(connection, Some(&peer)), peer)
        }
        // A client of a Unix socket rarely has a name.
        None => (stream(connection, None), "unnamed".to_owned()),
    })
}

/// A path, or an abstract name after `@`.
fn addr<L>(hop: &mut HopReader<'_, L>) -> Result<UnixAddr, EndpointError> {
    hop.some_rest("PATH")?;
    let bytes = hop.bytes()?;
    let addr = match &*bytes {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        [b'@', name @ ..] => UnixAddr::abstract_name(name),
        path => UnixAddr::path(OsStr::from_bytes(path)),
    };
    // Its error quotes the path.
    addr.map_err(|error| hop.bare_rest_error(error))
}
