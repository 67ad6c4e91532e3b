//! The adapters under proxies.

use std::net::SocketAddr;

use stagger::resolve::ByName;
use stagger_proxy::{ProxyIo, ProxyUrl, Through};

use crate::{Adapter, AsyncStd, Listed, Runtime, Smol, Tokio, dialer};

/// An adapter whose streams lead to proxies.
pub trait ProxyAdapter: Adapter {
    /// The kind of its streams.
    type ProxyKind: ProxyIo<Self::Stream> + ProxyIo<Self::UnixStream> + 'static;
}

impl ProxyAdapter for Tokio {
    type ProxyKind = stagger_proxy::tokio::Tokio;
}

impl ProxyAdapter for Smol {
    type ProxyKind = stagger_proxy::futures::Futures;
}

impl ProxyAdapter for AsyncStd {
    type ProxyKind = stagger_proxy::futures::Futures;
}

/// A runtime with proxies. Every runtime has them.
pub trait ProxyRuntime: Runtime<Adapter: ProxyAdapter> {}

impl<R: Runtime<Adapter: ProxyAdapter>> ProxyRuntime for R {}

/// A connector through a proxy at listed addresses on the runtime `R`.
pub type ThroughOf<R> = Through<
    Listed,
    <<R as Runtime>::Adapter as Adapter>::Connector,
    <<R as Runtime>::Adapter as Adapter>::Timer,
    <<R as Runtime>::Adapter as ProxyAdapter>::ProxyKind,
>;

/// A dialer through a proxy at listed addresses on the runtime `R`.
pub type ProxyDialerOf<R> =
    stagger::Dialer<ByName, ThroughOf<R>, <<R as Runtime>::Adapter as Adapter>::Timer>;

/// A dialer through a proxy, whose name has these addresses.
pub fn proxy_dialer<R: ProxyRuntime>(
    addrs: impl IntoIterator<Item = SocketAddr>,
    url: &ProxyUrl,
) -> ProxyDialerOf<R> {
    Through::new(dialer::<R>(addrs), url).into_dialer()
}
