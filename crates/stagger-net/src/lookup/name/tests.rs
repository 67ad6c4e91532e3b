//! The names that every machine has.

use std::net::{Ipv4Addr, SocketAddrV6};

use futures_lite::future::block_on;

use super::*;
use stagger::error::LookupErrorKind;

fn numbers(addr: &str) -> (String, String) {
    let addr: SocketAddr = addr.parse().unwrap();
    let lookup = reverse_lookup(addr).with_numeric_host(true).with_numeric_service(true);
    let name = block_on(lookup.into_future()).unwrap();
    (name.host().into(), name.service().into())
}

#[test]
fn numbers_come_back_as_text_without_brackets() {
    for (addr, host, service) in [
        ("127.0.0.1:80", "127.0.0.1", "80"),
        ("[::1]:65535", "::1", "65535"),
        ("[2001:db8::7]:0", "2001:db8::7", "0"),
        ("[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", "1"),
    ] {
        assert_eq!(numbers(addr), (host.into(), service.into()));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_link_local_address_has_its_zone_by_name() {
    let lo = SocketAddrV6::new("fe80::1".parse().unwrap(), 22, 0, 1);
    let lookup = reverse_lookup(lo).with_numeric_host(true).with_numeric_service(true);
    assert_eq!(block_on(lookup.into_future()).unwrap().host(), "fe80::1%lo");
}

#[test]
#[cfg(unix)]
fn a_service_is_that_of_the_transport() {
    let tftp = || reverse_lookup((Ipv4Addr::LOCALHOST, 69)).with_numeric_host(true);
    let name = |lookup: ReverseLookup| block_on(lookup.into_future()).unwrap();
    assert_eq!(name(tftp()).service(), "69");
    assert_eq!(name(tftp().with_transport(Transport::Udp)).service(), "tftp");
    assert_eq!(
        name(tftp().with_transport(Transport::Udp).with_transport(Transport::Tcp)).service(),
        "69"
    );
}

#[test]
#[cfg(unix)]
fn a_name_of_loopback_is_found() {
    let name = block_on(reverse_lookup((Ipv4Addr::LOCALHOST, 443)).into_future()).unwrap();
    assert!(!name.host().is_empty());
    assert_eq!(name.service(), "https");
}

#[test]
#[cfg(unix)]
fn a_name_that_is_required_and_can_not_be_had_is_an_error_with_address_and_code() {
    let lookup =
        reverse_lookup((Ipv4Addr::LOCALHOST, 80)).with_numeric_host(true).with_name_required(true);
    let error = block_on(lookup.into_future()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (LookupErrorKind::NotFound, Some(libc::EAI_NONAME)));
    let text = error.to_string();
    assert!(text.starts_with("cannot look up the name of 127.0.0.1:80: "), "{text}");
}

#[test]
fn only_a_name_asks_the_network() {
    let lookup = reverse_lookup((Ipv4Addr::LOCALHOST, 80));
    assert!(lookup.request.may_ask_the_network());
    assert!(!lookup.with_numeric_host(true).request.may_ask_the_network());
}

#[test]
fn a_reverse_lookup_may_go_to_another_thread() {
    fn goes<T: Send + Sync + Unpin + 'static>(value: T) -> T {
        value
    }
    let lookup = goes(reverse_lookup((Ipv4Addr::LOCALHOST, 80)).with_numeric_host(true));
    let pending = goes(lookup.with_numeric_service(true).into_future());
    let name = std::thread::spawn(move || block_on(pending)).join().unwrap().unwrap();
    assert_eq!(goes(name).host(), "127.0.0.1");
}

/// The size of the pool's stacks relies on this.
#[cfg(target_os = "linux")]
#[test]
fn a_reverse_lookup_by_libc_takes_less_than_64_kib_of_the_stack() {
    let request = reverse_lookup(([127, 0, 0, 1], 443)).request;
    let body = move || request.look_up();
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(body).unwrap();
    assert_eq!(thread.join().unwrap().unwrap().service(), "https");
}
