//! Resolving without connecting, where AAAA is never answered: ready when a race would begin.

use std::net::SocketAddr;
use std::time::Duration;

use stagger::Report;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::namespace::etc;
use stagger_tests::{Adapter, Runtime, battery};

use super::{asking, dialing};

battery! {
    {
        over_dns_a_lookup_is_ready_the_resolution_delay_after_a,
    }
    within LOOPBACK {
        by_the_system_a_lookup_is_ready_the_resolution_delay_after_a,
    }
}

const NAME: &str = "www.stagger.test";
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// Far below what the lookups of AAAA would take, and far above what a slow machine does.
const SECONDS: Duration = Duration::from_secs(10);

fn is_early(addresses: &[SocketAddr], report: &Report<SocketAddr>) {
    assert_eq!(addresses, [SocketAddr::from(([127, 0, 0, 1], 80))], "{report:?}");
    let a = report.queries().iter().find(|query| query.record == Record::A);
    let answered = a.and_then(|query| query.ended).expect("A was answered");
    let waited = report.elapsed() - answered;
    // What a lane of the system's lookup has spent of the delay is not spent again.
    assert!(report.elapsed() >= RESOLUTION_DELAY, "{report:?}");
    assert!(waited < SECONDS, "{waited:?}");
    let awaited: Vec<_> = report.queries().iter().filter(|query| query.ended.is_none()).collect();
    assert_eq!(awaited.len(), 1, "{report:?}");
    assert_eq!(awaited[0].record, Record::Aaaa);
}

fn over_dns_a_lookup_is_ready_the_resolution_delay_after_a<R: Runtime>() {
    let server = NameServer::start().unwrap();
    server.on(NAME, Record::Aaaa, Reply::silence());
    server.on(NAME, Record::A, Reply::addresses(["127.0.0.1"]));
    let dialer = dialing::<R>(asking::<R>(&[&server]));
    let (addresses, report) = R::new().run(dialer.resolve((NAME, 80))).unwrap();
    is_early(&addresses, &report);
}

fn by_the_system_a_lookup_is_ready_the_resolution_delay_after_a<R: Runtime>() {
    let _etc = etc(&[
        ("nsswitch.conf", "hosts: dns\nservices: files\n"),
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
    ]);
    let server = NameServer::start_at(SocketAddr::from(([127, 0, 0, 1], 53))).unwrap();
    server.on(NAME, Record::Aaaa, Reply::silence());
    server.on(NAME, Record::A, Reply::addresses(["127.0.0.1"]));
    let (addresses, report) = R::new().run(R::Adapter::dialer().resolve((NAME, 80))).unwrap();
    is_early(&addresses, &report);
}
