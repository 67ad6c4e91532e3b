//! Lookups without a network: literals, this machine's own names, and errors.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV6};

use futures_lite::future::{block_on, poll_once};
use stagger::address::Family;
use stagger::error::LookupErrorKind;
use stagger::target::TargetErrorKind;

use super::*;

fn find(lookup: AddressLookup) -> Result<Addresses, LookupError> {
    block_on(lookup.into_future())
}

fn found(lookup: AddressLookup) -> Vec<SocketAddr> {
    find(lookup).unwrap().addresses().collect()
}

fn error(lookup: AddressLookup) -> LookupError {
    find(lookup).unwrap_err()
}

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

#[test]
fn a_name_is_found_in_the_families_that_are_asked_for() {
    let addresses = found(lookup("localhost").with_service("https").with_families(Families::Ipv4));
    assert!(addresses.contains(&(V4, 443).into()));
    assert!(addresses.iter().all(SocketAddr::is_ipv4));
}

#[test]
#[cfg(unix)]
fn a_family_is_asked_of_the_system_as_it_is_named() {
    for (families, number) in [
        (Families::Any, libc::AF_UNSPEC),
        (Families::Ipv4, libc::AF_INET),
        (Families::Ipv6, libc::AF_INET6),
    ] {
        assert_eq!(system::empty_hints(families).ai_family, number);
    }
}

#[test]
fn a_literal_is_itself_with_the_port_of_the_service_or_none() {
    assert_eq!(found(lookup("127.0.0.1")), [(V4, 0).into()]);
    assert_eq!(found(lookup("[::1]").with_service(65535)), [(V6, 65535).into()]);
    assert_eq!(found(lookup(V4).with_service("443")), [(V4, 443).into()]);
    assert_eq!(found(lookup("127.0.0.1").with_service("https")), [(V4, 443).into()]);
}

#[test]
fn the_entry_says_family_and_type_of_socket_and_protocol() {
    let found = find(lookup("::1").with_service(80)).unwrap();
    let [entry] = found.entries() else {
        panic!("{found:?}");
    };
    assert_eq!((entry.family(), entry.address), (Family::Ipv6, (V6, 80).into()));
    assert_eq!(entry.socket_type, Some(SocketType::Stream));
    assert_eq!(entry.protocol, Some(Protocol::TCP));
}

#[test]
fn a_service_is_that_of_the_type_of_socket_and_the_protocol() {
    let tftp = || lookup("127.0.0.1").with_service("tftp");
    let found = find(tftp().with_socket_type(SocketType::Datagram)).unwrap();
    assert_eq!(found.entries()[0].protocol, Some(Protocol::UDP));
    assert!(found.addresses().eq([(V4, 69).into()]));

    let by_protocol = find(tftp().without_socket_type().with_protocol(Protocol::UDP)).unwrap();
    assert_eq!(by_protocol.entries()[0].socket_type, Some(SocketType::Datagram));

    let error = error(tftp());
    assert_eq!(error.kind(), LookupErrorKind::UnknownService);
    assert!(error.code().is_some());
    let text =
        "cannot look up 127.0.0.1:tftp: unknown service: there is no TCP service of this name";
    assert_eq!(error.to_string(), text);
}

#[test]
fn with_every_type_of_socket_there_is_an_entry_for_each() {
    let found = find(lookup("127.0.0.1").with_service(53).without_socket_type()).unwrap();
    let types: Vec<_> = found.entries().iter().map(|entry| entry.socket_type).collect();
    for socket_type in [SocketType::Stream, SocketType::Datagram] {
        assert!(types.contains(&Some(socket_type)), "{found:?}");
    }
    assert!(found.addresses().all(|addr| addr == (V4, 53).into()));
    let raw = find(lookup("127.0.0.1").with_socket_type(SocketType::Raw)).unwrap();
    assert_eq!(raw.entries()[0].socket_type, Some(SocketType::Raw));
}

#[test]
fn an_unknown_service_for_every_type_of_socket_is_named_without_a_transport() {
    let error = error(lookup("::1").with_service("no-such-service").without_socket_type());
    let text = "cannot look up [::1]:no-such-service: \
                unknown service: there is no service of this name";
    assert_eq!(error.to_string(), text);
}

#[test]
fn without_a_host_it_is_loopback_or_the_wildcard_to_listen_on() {
    let local = |families| AddressLookup::new().with_service("https").with_families(families);
    assert_eq!(found(local(Families::Ipv4)), [(V4, 443).into()]);
    assert_eq!(found(local(Families::Ipv6)), [(V6, 443).into()]);
    let wildcard = (Ipv4Addr::UNSPECIFIED, 443).into();
    assert_eq!(found(local(Families::Ipv4).with_passive(true)), [wildcard]);
    let both = found(AddressLookup::new().with_service(80).with_passive(true));
    assert!(both.contains(&(Ipv6Addr::UNSPECIFIED, 80).into()), "{both:?}");
    // With a host the flag changes nothing.
    assert_eq!(found(lookup("127.0.0.1").with_passive(true)), [(V4, 0).into()]);
}

#[test]
fn without_host_and_service_nothing_is_looked_up() {
    let error = error(AddressLookup::new().with_passive(true));
    assert_eq!((error.kind(), error.code()), (LookupErrorKind::InvalidName, None));
    let text = "invalid name: neither a host nor a service was given";
    assert_eq!(error.to_string(), text);
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_literal_keeps_its_scope_id_and_its_flow_info() {
    for (text, scope_id) in [("fe80::1%7", 7), ("2001:db8::1%4294967295", u32::MAX), ("::1", 0)] {
        let [SocketAddr::V6(addr)] = found(lookup(text).with_service(22))[..] else {
            panic!("not one IPv6 address");
        };
        assert_eq!((addr.scope_id(), addr.flowinfo()), (scope_id, 0), "{text}");
    }
    let addr = SocketAddrV6::new("fe80::1".parse().unwrap(), 22, 0xabcde, 7);
    let target = Target::from(SocketAddr::from(addr));
    assert_eq!(found(AddressLookup::from(target)), [addr.into()]);
}

#[test]
fn a_zone_by_name_becomes_its_index_and_an_unknown_one_is_named() {
    let lo = if cfg!(target_os = "linux") { "lo" } else { "lo0" };
    // The system itself accepts names only for zones of link-local addresses.
    for host in ["fe80::1", "2001:db8::1"] {
        let [SocketAddr::V6(addr)] = found(lookup(format!("{host}%{lo}")))[..] else {
            panic!("not one IPv6 address");
        };
        assert_ne!(addr.scope_id(), 0);
    }
    let error = error(lookup("fe80::1%no-such-zone"));
    assert_eq!(error.kind(), LookupErrorKind::UnknownZone);
    assert_eq!(
        error.to_string(),
        "cannot look up fe80::1%no-such-zone: unknown zone: no network interface has this name"
    );
}

#[test]
fn the_canonical_name_of_a_literal_is_the_literal() {
    for host in ["127.0.0.1", "fe80::1%7"] {
        let found = find(lookup(host).with_canonical_name(true)).unwrap();
        assert_eq!(found.canonical_name(), Some(host));
    }
    assert_eq!(find(lookup("127.0.0.1")).unwrap().canonical_name(), None);
}

#[test]
#[cfg(unix)]
fn a_flag_that_the_system_refuses_is_an_error_with_its_code() {
    let error = error(AddressLookup::new().with_service("http").with_canonical_name(true));
    assert_eq!((error.kind(), error.code()), (LookupErrorKind::Other, Some(libc::EAI_BADFLAGS)));
    let text = error.to_string();
    assert!(text.starts_with("cannot look up the service http: "), "{text}");
    assert!(text.contains("(EAI_BADFLAGS, "), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_type_of_socket_that_the_system_does_not_know_is_an_error_with_its_code() {
    let error = error(lookup("127.0.0.1").with_socket_type(SocketType::Other(4711)));
    assert_eq!(error.code(), Some(libc::EAI_SOCKTYPE));
    assert!(error.to_string().starts_with("cannot look up 127.0.0.1: "), "{error}");
}

#[test]
fn a_name_where_numbers_are_asked_for_is_an_error_that_says_which() {
    let host = error(lookup("localhost").with_service(80).with_numeric_host(true));
    assert_eq!(host.kind(), LookupErrorKind::InvalidName);
    assert!(host.to_string().ends_with("invalid name: the host must be a number"), "{host}");
    let service = error(lookup("127.0.0.1").with_service("http").with_numeric_service(true));
    assert_eq!(service.kind(), LookupErrorKind::InvalidName);
    assert_eq!(
        service.to_string(),
        "cannot look up 127.0.0.1:http: invalid name: the service must be a number"
    );
    #[cfg(unix)]
    assert_eq!([host.code(), service.code()], [Some(libc::EAI_NONAME); 2]);

    let numbers =
        lookup("127.0.0.1").with_service(80).with_numeric_host(true).with_numeric_service(true);
    assert_eq!(found(numbers), [(V4, 80).into()]);
}

#[test]
fn a_literal_of_another_family_has_no_address() {
    let error = error(lookup("::1").with_families(Families::Ipv4));
    assert_eq!(error.kind(), LookupErrorKind::NoAddress);
    assert!(error.to_string().starts_with("cannot look up ::1: "), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_ipv4_address_is_mapped_where_that_is_asked_for() {
    let mapped = lookup("127.0.0.1").with_families(Families::Ipv6).with_v4_mapped(true);
    assert_eq!(found(mapped), [(Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 0).into()]);
}

#[test]
fn what_can_not_be_asked_is_an_error_that_quotes_it_before_any_call() {
    let long = "a.".repeat(600);
    for (host, kind) in [
        ("a\0b", TargetErrorKind::ControlCharacter),
        ("", TargetErrorKind::EmptyHost),
        ("127.1", TargetErrorKind::InvalidIpv4),
        (&long, TargetErrorKind::InputTooLong),
        (&long[..600], TargetErrorKind::NameTooLong),
    ] {
        let mut pending = lookup(host).into_future();
        let error = block_on(poll_once(&mut pending)).expect("nothing is waited for").unwrap_err();
        assert_eq!((error.kind(), error.code()), (LookupErrorKind::InvalidName, None));
        assert!(error.to_string().starts_with("bad target"), "{error}");
        let error = io::Error::from(error);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let error: &LookupError = error.get_ref().unwrap().downcast_ref().unwrap();
        assert_eq!(error.invalid_target().unwrap().kind(), kind);
    }
    for service in ["", "65536", "a\0b", "a b", &long] {
        let error = error(lookup("localhost").with_service(service));
        assert_eq!(error.kind(), LookupErrorKind::InvalidName, "{error}");
    }
}

#[test]
#[cfg(unix)]
fn a_name_is_encoded_before_the_system_sees_it() {
    if let Ok(host) = "Bücher.example".parse::<Host>() {
        let request = lookup(host).with_service(80).request().unwrap();
        assert_eq!(request.host_text().unwrap(), "xn--bcher-kva.example");
        assert_eq!(request, lookup("xn--bcher-kva.example").with_service("80").request().unwrap());
    }
}

#[test]
fn only_a_name_that_may_be_looked_up_may_ask_the_network() {
    let asks = |lookup: AddressLookup| lookup.request().unwrap().may_ask_the_network();
    assert!(asks(lookup("localhost")));
    assert!(!asks(lookup("localhost").with_numeric_host(true)));
    assert!(!asks(lookup("127.0.0.1").with_service("https")));
    assert!(!asks(lookup("fe80::1%lo")));
    assert!(!asks(AddressLookup::new().with_service("https")));
}

#[test]
fn a_lookup_may_go_to_another_thread_and_does_nothing_before_it_is_polled() {
    fn goes<T: Send + Sync + Unpin + 'static>(value: T) -> T {
        value
    }
    let pending = goes(goes(lookup("localhost")).into_future());
    assert_eq!(format!("{pending:?}"), "PendingLookup { stage: \"asked\", .. }");
    let found = std::thread::spawn(move || block_on(pending)).join().unwrap().unwrap();
    assert!(goes(found).addresses().count() > 0);
}

#[test]
fn a_lookup_that_is_polled_after_its_end_panics() {
    let mut pending = lookup("127.0.0.1").into_future();
    block_on(&mut pending).unwrap();
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(&mut pending)));
    let panic = again.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"a lookup was polled after it had ended"));
}

/// The size of the pool's stacks relies on this.
#[cfg(target_os = "linux")]
#[test]
fn a_lookup_by_libc_takes_less_than_64_kib_of_the_stack() {
    let request =
        lookup("localhost").with_service("https").with_canonical_name(true).request().unwrap();
    let body = move || request.look_up();
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(body).unwrap();
    assert!(thread.join().unwrap().unwrap().addresses().count() > 0);
}
