//! Lookups that outlive the connect that dropped them.

use std::time::Instant;

use stagger::resolve::{Families, LINGER_TIMEOUT};
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::descriptor::open;
use stagger_tests::place::{Healthy, V4};
use stagger_tests::{Runtime, battery};

use super::{Dns, NEVER, asking, dialing, lines};

battery! {
    {
        what_lingers_is_taken_in_and_never_asked_for_again,
        the_next_connect_joins_what_lingers,
        without_lingering_the_next_connect_asks_again,
    }
    alone {
        what_lingers_holds_its_descriptor_for_a_second_and_no_longer,
    }
}

const NAME: &str = "www.stagger.test";

/// A server that knows the IPv4 address of the name, and says this of IPv6.
fn server(aaaa: Reply) -> NameServer {
    let server = NameServer::start().unwrap();
    server.on(NAME, Record::A, Reply::addresses(["127.0.0.1"]));
    server.on(NAME, Record::Aaaa, aaaa);
    server
}

fn lingering<R: Runtime>(server: &NameServer) -> Dns<R> {
    asking::<R>(&[server]).with_lingering(true)
}

/// Connects over IPv4, and drops the lookup of IPv6.
fn connect<R: Runtime>(runtime: &R, resolver: &Dns<R>, server: &Healthy) {
    let dial = dialing::<R>(resolver.clone()).connect((NAME, server.addr().port()));
    drop(runtime.run(dial).unwrap());
}

fn asked(server: &NameServer) -> [usize; 2] {
    [Record::Aaaa, Record::A].map(|record| server.asked(NAME, record))
}

fn what_lingers_is_taken_in_and_never_asked_for_again<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let server = server(Reply::addresses(["::1"]).held());
    let (runtime, resolver) = (R::new(), lingering::<R>(&server));
    connect(&runtime, &resolver, &healthy);
    server.release();
    runtime.run(resolver.linger());
    let found = lines(&runtime, &resolver, &format!("{NAME}:80"), Families::Any);
    assert_eq!(found, ["A 127.0.0.1:80", "AAAA [::1]:80"]);
    assert_eq!(asked(&server), [1, 1]);
}

fn the_next_connect_joins_what_lingers<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let server = server(Reply::addresses(["::1"]).held());
    let (runtime, resolver) = (R::new(), lingering::<R>(&server));
    for _ in 0..3 {
        connect(&runtime, &resolver, &healthy);
    }
    server.release();
    let found = lines(&runtime, &resolver, &format!("{NAME}:80"), Families::Any);
    assert_eq!(found, ["A 127.0.0.1:80", "AAAA [::1]:80"]);
    assert_eq!(asked(&server), [1, 1]);
}

fn without_lingering_the_next_connect_asks_again<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let server = server(Reply::silence());
    let (runtime, resolver) = (R::new(), asking::<R>(&[&server]));
    for _ in 0..3 {
        connect(&runtime, &resolver, &healthy);
        runtime.run(resolver.linger());
    }
    assert_eq!(asked(&server), [3, 1]);
}

fn what_lingers_holds_its_descriptor_for_a_second_and_no_longer<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let server = server(Reply::silence().after(NEVER));
    let (runtime, resolver) = (R::new(), lingering::<R>(&server));
    // Has the runtime and the server open what they open once.
    connect(&runtime, &resolver.clone().with_lingering(false), &healthy);
    let before = open();
    let begun = Instant::now();
    connect(&runtime, &resolver, &healthy);
    assert_eq!(open().len(), before.len() + 1);
    runtime.run(resolver.linger());
    assert!(begun.elapsed() >= LINGER_TIMEOUT);
    assert_eq!(open(), before);
}
