//! Connections that come back, on real sockets and every runtime.
#![cfg(target_os = "linux")]

mod link;
mod stream;

use std::net::SocketAddr;
use std::time::Duration;

use futures_lite::StreamExt as _;
use stagger::Policy;
use stagger::connect::HostEndpoint;
use stagger_reconnect::Reconnect;
use stagger_tests::place::{Healthy, Silent, V4};
use stagger_tests::{Adapter, Listed, Runtime, dialer};

const NAME: &str = "stagger.test:80";

type TimerOf<R> = <<R as Runtime>::Adapter as Adapter>::Timer;

type EndpointOf<R> =
    HostEndpoint<Listed, <<R as Runtime>::Adapter as Adapter>::Connector, TimerOf<R>>;

/// Races the addresses, 10 ms apart.
fn endpoint<R: Runtime>(addrs: impl IntoIterator<Item = SocketAddr>) -> EndpointOf<R> {
    let policy = Policy::new().with_attempt_delay(ms(10)).unwrap();
    dialer::<R>(addrs).with_policy(policy).endpoint(NAME).unwrap()
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Opens what the runtime opens once: its reactor and its wakers.
fn warm_up<R: Runtime>() -> R {
    let (silent, healthy) = (Silent::new(V4), Healthy::new(V4));
    let connect = endpoint::<R>([silent.addr(), healthy.addr()]);
    let runtime = R::new();
    runtime.run(async move {
        let mut connections = Box::pin(Reconnect::new(connect, TimerOf::<R>::default()));
        drop(connections.next().await);
    });
    runtime
}
