//! The scheme `tcp`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::time::Duration;

use stagger::boxed::{BoxConnector, BoxError};
use stagger::connect::Dial;
use stagger::error::SharedError;
use stagger::policy::Order;
use stagger::resolve::Families;
use stagger::{Connector, Dialer, Policy, Resolver, Target, Timer};
use stagger_net::tcp::LiteralError;
use stagger_net::{
    ListenAddr, Register, SocketLiteral, TcpConnector, TcpListen, TcpListenOptions, TcpOptions,
};

use super::{ServerReactor, ServerTimer};
use crate::error::EndpointError;
use crate::reader::duration;
use crate::{ClientEndpoint, HopReader, ServerEndpoint};

/// A target that is dialed, or that the layer below reaches. The options override the dialer's
/// policy and its socket options.
pub(crate) fn client<S, N, R, T>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
    dialer: &Dialer<N, TcpConnector<R>, T>,
    stream: fn(R::Stream) -> S,
) -> Result<ClientEndpoint<S>, BoxError>
where
    S: Send + 'static,
    N: Resolver<Address = SocketAddr, Error: Into<BoxError>> + Clone + Send + Sync + 'static,
    R: Register<TcpStream, Stream: Send + 'static, Socket: Send + 'static>
        + Clone
        + Default
        + Send
        + Sync
        + 'static,
    T: Timer + Clone + Send + Sync + 'static,
    Dial<N, BoxConnector<SocketAddr, S, SharedError>, T>: Send + 'static,
{
    let target = hop.target()?;
    if let Some(relay) = relay(hop)? {
        return Ok(ClientEndpoint::routed(relay, target));
    }
    let policy = policy(hop, dialer.policy().clone())?;
    let options = socket_options(hop, dialer.connector().options().clone())?;
    let options = bind_addrs(hop, options)?;
    let tcp = TcpConnector::<R>::new(options);
    let tcp = Connector::<SocketAddr>::map(tcp, stream);
    let dialer = dialer.clone().with_policy(policy).with_connector(tcp);
    Ok(ClientEndpoint::dialed(dialer, target))
}

/// The way to the target through the layer below, if there is a layer. The host at its end dials
/// the target, so the options of a race do not apply.
fn relay<S>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
) -> Result<Option<BoxConnector<Target, S, SharedError>>, EndpointError>
where
    S: Send + 'static,
{
    if !hop.has_below() {
        return Ok(None);
    }
    let below = hop.below()?;
    let relay = below.relay().cloned().ok_or_else(|| hop.takes_no_below())?;
    hop.refuse_options("the host before it dials this target, without options")?;
    Ok(Some(relay))
}

/// The settings of the race. Their names and values are those of the command.
fn policy<L>(hop: &mut HopReader<'_, L>, mut policy: Policy) -> Result<Policy, EndpointError> {
    // The setters check the range again.
    let in_range = "the range was checked";
    if let Some(timeout) = hop.take_duration("timeout", Policy::TIMEOUT_RANGE)? {
        policy = policy.with_timeout(timeout).expect(in_range);
    }
    if let Some(timeout) = hop.take_duration("attempt-timeout", Policy::TIMEOUT_RANGE)? {
        policy = policy.with_attempt_timeout(timeout).expect(in_range);
    }
    let delay = hop.take("attempt-delay", |text| match text {
        "off" => Ok(None),
        text => duration(text, &Policy::ATTEMPT_DELAY_RANGE).map(Some),
    })?;
    policy = match delay {
        Some(Some(delay)) => policy.with_attempt_delay(delay).expect(in_range),
        Some(None) => policy.without_overlap(),
        None => policy,
    };
    if let Some(delay) = hop.take_duration("resolution-delay", Policy::RESOLUTION_DELAY_RANGE)? {
        policy = policy.with_resolution_delay(delay).expect(in_range);
    }
    if let Some(delay) = hop.take_duration("handshake-delay", HANDSHAKE_DELAY_RANGE)? {
        policy = policy
            .with_handshake_delay(delay)
            .map_err(|error| hop.option_error("handshake-delay", error))?;
    }
    let family = hop.take("family", |text| match text {
        "any" => Ok(Families::Any),
        "v4" | "ipv4" => Ok(Families::Ipv4),
        "v6" | "ipv6" => Ok(Families::Ipv6),
        _ => Err("write any, v4 or v6"),
    })?;
    if let Some(family) = family {
        policy = policy.with_families(family);
    }
    let order = hop.take("order", |text| match text {
        "alternate" => Ok(Order::Alternate),
        "resolver" => Ok(Order::Resolver),
        "ipv6-first" => Ok(Order::Ipv6First),
        _ => Err("write alternate, resolver or ipv6-first"),
    })?;
    if let Some(order) = order {
        policy = policy.with_order(order);
    }
    Ok(policy)
}

/// Any duration, because the policy checks it.
const HANDSHAKE_DELAY_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::MAX;

/// The options that clients and servers share.
fn socket_options<L>(
    hop: &mut HopReader<'_, L>,
    mut options: TcpOptions,
) -> Result<TcpOptions, EndpointError> {
    if let Some(nodelay) = hop.take_bool("nodelay")? {
        options = options.with_nodelay(nodelay);
    }
    if let Some(idle) = hop.take_duration("keepalive", TcpOptions::KEEPALIVE_RANGE)? {
        options = options.with_keepalive(idle).expect("the range was checked");
    }
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    if let Some(interface) = hop.take_text("interface")? {
        options = options
            .with_interface(&*interface)
            .map_err(|error| hop.option_error("interface", error))?;
    }
    Ok(options)
}

/// The addresses to connect from, with or without a port: at most one of each family.
fn bind_addrs<L>(
    hop: &mut HopReader<'_, L>,
    options: TcpOptions,
) -> Result<TcpOptions, EndpointError> {
    let Some(texts) = hop.take_list("bind")? else { return Ok(options) };
    texts.iter().try_fold(options, |options, text| {
        let literal = SocketLiteral::try_from((&**text, 0)).or_else(|_| text.parse());
        let reason = "write an IP address, with or without a port";
        let literal = literal.map_err(|_| hop.option_error("bind", reason))?;
        let addr = literal.resolve().map_err(|error| hop.option_error("bind", error))?;
        options.with_bind_addr(addr).map_err(|error| hop.option_error("bind", error))
    })
}

/// Listens at a port on all of IPv4, at `*:PORT` on all interfaces over both families, or at an
/// address.
pub(crate) fn server<S, R, T>(
    hop: &mut HopReader<'_, ServerEndpoint<S>>,
    stream: fn(R::Stream) -> S,
) -> Result<ServerEndpoint<S>, BoxError>
where
    S: 'static,
    R: ServerReactor<TcpListener>,
    T: ServerTimer,
{
    let rest = match hop.rest() {
        // It says what is missing.
        "" => return Err(hop.target().expect_err("there is none").into()),
        rest => rest,
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let port = |text: &str| match is_number(text) {
        true => text.parse::<u16>().ok(),
        false => None,
    };
    let addr = match (port(rest), rest.strip_prefix("*:")) {
        (Some(port), _) => ListenAddr::from(port),
        (None, Some(text)) => {
            let port = port(text).ok_or_else(|| hop.rest_error("write a port, as in *:8080"))?;
            ListenAddr::all_interfaces(port)
        }
        (None, None) if is_number(rest) => {
            return Err(hop.rest_error("the port is not a number up to 65535").into());
        }
        (None, None) => rest.parse().map_err(|error| hop.rest_error(literal_reason(&error)))?,
    };
    let mut options = TcpListenOptions::new();
    let backlog = hop.take_number("backlog", TcpListenOptions::BACKLOG_RANGE)?;
    if let Some(backlog) = backlog {
        options = options.with_backlog(backlog).expect("the range was checked");
    }
    if let Some(v6_only) = hop.take_bool("v6-only")? {
        options = options.with_v6_only(v6_only);
    }
    let sockets = socket_options(hop, TcpOptions::new())?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    let sockets = match hop.take_bool("reuse-port")? {
        Some(reuse) => sockets.with_reuse_port(reuse),
        None => sockets,
    };
    let options = options.with_socket_options(sockets).expect("there is no bind address");
    let listen = TcpListen::<R, T>::new(addr).with_options(options);
    Ok(ServerEndpoint::new(listen, move |connection, peer| (stream(connection), peer.to_string())))
}

fn literal_reason(error: &LiteralError) -> String {
    match error.invalid_target() {
        Some(error) => error.reason().to_string(),
        None => "no name is resolved here: write an IP address and a port number".to_owned(),
    }
}
