//! The schemes `socks5` and `connect`.

use std::marker::PhantomData;

use stagger::Target;
use stagger::address::Address;
use stagger::boxed::{BoxConnector, BoxError};
use stagger::error::SharedError;
use stagger_proxy::{Login, Protocol, ProxyIo, ProxyUrl, Tunnel};

use crate::{ClientEndpoint, HopReader, MapConnector};

/// The target of a proxy that has no host, such as one at a Unix socket. Errors of the proxy show
/// it.
const NO_HOST: &str = "local-proxy:0";

/// A target behind a proxy, to which the layer below leads. The exchange with the proxy is inside
/// the race of the proxy's addresses.
pub(crate) fn client<S, K>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
    protocol: Protocol,
) -> Result<ClientEndpoint<S>, BoxError>
where
    S: Send + 'static,
    K: ProxyIo<S> + 'static,
{
    let below = super::below(hop)?;
    let target = hop.target()?;
    let proxy = match below.target() {
        Some(proxy) => proxy.clone(),
        None => Target::parse(NO_HOST).expect("it is a target"),
    };
    let mut url = ProxyUrl::new(protocol, proxy);
    if let Some(login) = hop.login() {
        let password = login.password().unwrap_or_default();
        let login = Login::new(login.user(), password);
        url = url.with_login(login).map_err(|error| hop.login_error(error))?;
    }
    let tunnel = ThroughProxy::<K> { url, target: target.clone(), kind: PhantomData };
    Ok(below.map_connector(&tunnel).with_target(target))
}

struct ThroughProxy<K> {
    url: ProxyUrl,
    target: Target,
    kind: PhantomData<fn() -> K>,
}

impl<S, K> MapConnector<S> for ThroughProxy<K>
where
    S: Send + 'static,
    K: ProxyIo<S> + 'static,
{
    fn map_connector<A: Address + Send + Sync + 'static>(
        &self,
        inner: BoxConnector<A, S, SharedError>,
    ) -> BoxConnector<A, S, SharedError> {
        let tunnel = Tunnel::<_, K>::new(inner, &self.url, self.target.clone());
        BoxConnector::erased(tunnel)
    }
}
