//! Where the futures may go.

use std::net::SocketAddr;

use stagger::resolve::Query;
use stagger::{Connector as _, Endpoint as _, Resolver as _};
use stagger_net::{SystemResolver, TcpOptions};
use stagger_tests::place::{Healthy, V4};
use stagger_tests::{Adapter, Runtime, battery};

battery! {
    {
        every_future_may_go_to_another_thread,
        an_endpoint_connects_more_than_once,
    }
    within LOOPBACK {
        a_connect_made_on_one_thread_may_run_on_another,
    }
}

fn goes<T: Send + 'static>(value: T) -> T {
    value
}

fn every_future_may_go_to_another_thread<R: Runtime>() {
    let dialer = R::Adapter::dialer();
    drop(goes(R::Adapter::connect("stagger.test:80")));
    drop(goes(dialer.connect("stagger.test:80").with_report()));
    drop(goes(dialer.resolve("stagger.test:80")));
    let query = Query::new("stagger.test:80".parse().unwrap());
    drop(goes(dialer.resolver().resolve(&query)));
    goes(SystemResolver::<<R::Adapter as Adapter>::Timer>::new());
    let connector = goes(R::Adapter::connector(TcpOptions::new()));
    drop(goes(connector.connect(SocketAddr::from((V4, 80)).into())));
    drop(goes(goes(dialer).endpoint("stagger.test:80").unwrap().connect()));
}

fn a_connect_made_on_one_thread_may_run_on_another<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let dial = R::Adapter::connect(("localhost", healthy.addr().port()));
    let other = std::thread::spawn(move || {
        let stream = R::new().run(dial).unwrap();
        R::Adapter::peer_addr(&stream)
    });
    assert_eq!(other.join().unwrap(), healthy.addr());
}

fn an_endpoint_connects_more_than_once<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let endpoint = R::Adapter::dialer().endpoint(healthy.addr()).unwrap();
    assert_eq!(endpoint.to_string(), healthy.addr().to_string());
    let runtime = R::new();
    let first = runtime.run(endpoint.connect()).unwrap();
    let second = runtime.run(endpoint.connect()).unwrap();
    for stream in [first, second] {
        assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
        assert_eq!(R::Adapter::local_addr(&stream), healthy.accept().1);
    }
}
