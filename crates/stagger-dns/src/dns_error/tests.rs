//! What an error says, and its kind.

use std::path::Path;

use super::*;
use crate::message::{ExtendedError, Stray, Strays};
use crate::question::name_of;

fn question() -> Question {
    Question::new(name_of("www.example.com").unwrap(), Record::Aaaa)
}

fn server(last: u8, trouble: Trouble) -> ServerError {
    tried(last, trouble, 1)
}

fn tried(last: u8, trouble: Trouble, tries: u32) -> ServerError {
    ServerError::new(([192, 0, 2, last], 53).into(), trouble, tries, None, Strays::default())
}

#[test]
fn an_error_is_one_escaped_line_with_what_each_server_did() {
    let words = "no\nkey \u{202e}".to_owned();
    let extended = Some(ExtendedError { code: 6, words });
    let late = tried(2, Trouble::TimedOut(Duration::from_secs(5)), 2);
    let servers = vec![server(1, Trouble::Code { code: 2, extended }), late];
    let error = DnsError::servers_failed(&question(), servers);
    assert_eq!(
        error.to_string(),
        "temporary lookup failure: 192.0.2.1:53 answered SERVFAIL (DNSSEC bogus: \
         \"no\\nkey \\u{202e}\"); 192.0.2.2:53 did not answer within 5 s (2 tries)"
    );
    assert!(error.source().is_none());
    assert_eq!((error.name(), error.record()), ("www.example.com", Some(Record::Aaaa)));
    assert_eq!((error.kind(), error.servers().len()), (LookupErrorKind::Temporary, 2));
    assert_eq!(error.servers()[0].code(), Some(2));
}

#[test]
fn a_name_is_escaped_in_an_error() {
    let question = Question::new(name_of("a\n\"b").unwrap(), Record::A);
    let error = DnsError::new(&question, Cause::NotFound);
    assert!(!error.name().contains('\n'), "{error:?}");
    assert_eq!(error.to_string(), "no such host");
}

#[test]
fn an_io_error_has_the_kind_and_the_cause_inside() {
    let refused = || Trouble::Network(Arc::new(io::ErrorKind::ConnectionRefused.into()));
    let timeout = || Trouble::TimedOut(Duration::from_secs(1));
    for (troubles, kind, io_kind) in [
        (vec![refused()], LookupErrorKind::Temporary, io::ErrorKind::ConnectionRefused),
        (vec![refused(), timeout()], LookupErrorKind::TimedOut, io::ErrorKind::TimedOut),
        (vec![Trouble::Malformed("x")], LookupErrorKind::Malformed, io::ErrorKind::InvalidData),
        (
            vec![timeout(), Trouble::Code { code: 5, extended: None }],
            LookupErrorKind::Refused,
            io::ErrorKind::Other,
        ),
    ] {
        let servers = troubles.into_iter().map(|trouble| server(1, trouble)).collect();
        let error = DnsError::servers_failed(&question(), servers);
        assert_eq!(error.kind(), kind);
        let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        let is_of_network = io_kind == io::ErrorKind::ConnectionRefused;
        assert_eq!(source.map(io::Error::kind), is_of_network.then_some(io_kind));
        let error = io::Error::from(error);
        assert_eq!(error.kind(), io_kind);
        let inner = error.get_ref().unwrap().downcast_ref::<DnsError>().unwrap();
        assert_eq!(inner.kind(), kind);
    }
}
#[test]
fn each_cause_has_the_kind_of_the_core_s_table() {
    for (cause, kind) in [
        (Cause::NotFound, LookupErrorKind::NotFound),
        (Cause::NotListed, LookupErrorKind::NotFound),
        (Cause::NoAddress, LookupErrorKind::NoAddress),
        (Cause::NoSource, LookupErrorKind::Other),
        (Cause::Merge, LookupErrorKind::Other),
        (Cause::Multicast, LookupErrorKind::Refused),
        (Cause::Circle, LookupErrorKind::Malformed),
        (Cause::TooManyAliases, LookupErrorKind::Malformed),
    ] {
        assert_eq!(DnsError::new(&question(), cause).kind(), kind, "{cause:?}");
    }
    let zone = DnsError::incomplete("x".into(), LookupErrorKind::UnknownZone, "x".into());
    assert_eq!(zone.kind(), LookupErrorKind::UnknownZone);
    let path = Path::new("/etc/resolv.conf");
    let unstarted = FileError::unstarted(path, io::ErrorKind::WouldBlock.into());
    let error = DnsError::unreadable("x".into(), unstarted);
    assert_eq!(error.kind(), LookupErrorKind::Temporary);
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Other);
}

#[test]
fn of_servers_that_failed_in_different_ways_the_kind_is_the_one_that_says_the_most() {
    let code = |code| Trouble::Code { code, extended: None };
    let network = || Trouble::Network(Arc::new(io::ErrorKind::NetworkUnreachable.into()));
    let late = || Trouble::TimedOut(Duration::from_secs(1));
    let garbage = Trouble::Malformed("x");
    // Each goes before all after it.
    let order = [
        (code(2), LookupErrorKind::Temporary, true),
        (Trouble::Lame, LookupErrorKind::Temporary, true),
        (code(5), LookupErrorKind::Refused, false),
        (garbage, LookupErrorKind::Malformed, false),
        (late(), LookupErrorKind::TimedOut, false),
        (network(), LookupErrorKind::Temporary, false),
    ];
    for (first, (_, kind, is_server_failure)) in order.iter().enumerate() {
        let troubles = order[first..].iter().rev().map(|(trouble, ..)| trouble.clone());
        let servers = troubles.map(|trouble| server(1, trouble)).collect();
        let error = DnsError::servers_failed(&question(), servers);
        assert_eq!((error.kind(), error.is_server_failure()), (*kind, *is_server_failure));
    }
    let network = server(1, network());
    let kind = network.io_error().map(io::Error::kind);
    assert_eq!(kind, Some(io::ErrorKind::NetworkUnreachable));
    assert!(server(1, late()).io_error().is_none());
}

#[test]
fn an_error_says_why_a_question_went_over_tcp_and_what_did_not_belong_to_it() {
    let mut strays = Strays::default();
    let refused = || Trouble::Network(Arc::new(io::ErrorKind::ConnectionRefused.into()));
    let server = |detour, strays| {
        ServerError::new(([192, 0, 2, 1], 53).into(), refused(), 1, detour, strays)
    };
    assert_eq!(
        server(Some(Detour::Truncated), strays).to_string(),
        "192.0.2.1:53 sent a reply that does not fit into a datagram, and over TCP it could not be \
         asked: connection refused"
    );
    assert_eq!(
        server(Some(Detour::Always), strays).to_string(),
        "192.0.2.1:53 over TCP could not be asked: connection refused"
    );
    (0..16).for_each(|_| strays.add(Stray::Id));
    assert_eq!(
        server(Some(Detour::Strays), strays).to_string(),
        "192.0.2.1:53 sent too many replies to other questions, and over TCP it could not be asked \
         (16 replies did not belong to the question: 16 had another id): connection refused"
    );
    assert_eq!(server(None, strays).stray_replies(), 16);
}

#[test]
fn a_failure_that_is_remembered_says_for_how_long_and_keeps_its_cause() {
    let code = Trouble::Code { code: 2, extended: None };
    let error = DnsError::servers_failed(&question(), vec![server(1, code)]);
    assert_eq!(error.remembered(), None);
    let left = Duration::from_millis(800);
    let known = error.remembered_for(&question(), left);
    assert_eq!((known.remembered(), known.kind()), (Some(left), error.kind()));
    assert_eq!(
        known.to_string(),
        "temporary lookup failure (remembered: the servers are asked again in 800 ms): \
         192.0.2.1:53 answered SERVFAIL"
    );
}

#[test]
fn a_failure_that_this_machine_has_a_part_in_is_none_of_the_servers_alone() {
    let network =
        || server(1, Trouble::Network(Arc::new(io::ErrorKind::NetworkUnreachable.into())));
    let late = || server(2, Trouble::TimedOut(Duration::from_secs(1)));
    let lame = || server(3, Trouble::Lame);
    for (servers, alone, silence) in [
        (vec![late()], true, true),
        (vec![late(), lame()], true, false),
        (vec![late(), network()], false, false),
    ] {
        let error = DnsError::servers_failed(&question(), servers);
        assert_eq!((error.is_of_servers_alone(), error.is_silence()), (alone, silence));
    }
    assert!(!DnsError::new(&question(), Cause::Circle).is_of_servers_alone());
}

#[test]
fn the_text_of_the_system_is_in_one_line_and_keeps_its_quotation_marks() {
    let error = io::Error::other("no \"way\", it's\ngone");
    let server = server(1, Trouble::Network(Arc::new(error)));
    assert_eq!(server.to_string(), "192.0.2.1:53 could not be asked: no \"way\", it's\\ngone");
}

#[test]
fn servers_that_failed_alike_are_named_together_and_the_last_error_of_the_network_follows() {
    let network = |text: &str| Trouble::Network(Arc::new(io::Error::other(text.to_owned())));
    let late = || Trouble::TimedOut(Duration::from_secs(5));
    let text = |servers: Vec<ServerError>| {
        let error = DnsError::servers_failed(&question(), servers);
        (error.to_string(), error.source().map(ToString::to_string))
    };
    assert_eq!(
        text(vec![server(1, late()), server(2, late())]),
        ("the lookup timed out: 192.0.2.1:53, 192.0.2.2:53 did not answer within 5 s".into(), None)
    );
    assert_eq!(
        text(vec![server(1, network("no way")), server(2, network("no way"))]),
        (
            "temporary lookup failure: 192.0.2.1:53, 192.0.2.2:53 could not be asked".into(),
            Some("no way".into())
        )
    );
    assert_eq!(
        text(vec![server(1, network("b")), server(2, network("a")), server(3, network("b"))]),
        (
            "temporary lookup failure: 192.0.2.2:53 could not be asked: a; \
             192.0.2.1:53, 192.0.2.3:53 could not be asked"
                .into(),
            Some("b".into())
        )
    );
    // Such a text names the server.
    assert_eq!(
        text(vec![tried(1, network("send to 192.0.2.1:53: port unreachable"), 2)]),
        (
            "temporary lookup failure: a name server could not be asked (2 tries)".into(),
            Some("send to 192.0.2.1:53: port unreachable".into())
        )
    );
    assert_eq!(
        text(Vec::new()),
        ("temporary lookup failure: no name server is configured".into(), None)
    );
}

#[test]
fn every_cause_begins_with_the_words_of_its_kind() {
    let special = |name| SpecialName::of(name).unwrap();
    for (cause, line) in [
        (Cause::NotFound, "no such host"),
        (Cause::NoAddress, "the host has no address"),
        (
            Cause::NeverAsked(special("a.onion")),
            "no such host: .onion names are never looked up in DNS (RFC 7686)",
        ),
        (
            Cause::NeverAsked(special("alt")),
            "no such host: .alt names are never looked up in DNS (RFC 9476)",
        ),
        (Cause::NeverAsked(special("a.invalid")), "no such host"),
        (Cause::Circle, "malformed reply: its aliases go round in a circle"),
        (Cause::TooManyAliases, "malformed reply: it has too many aliases"),
        (
            Cause::NoSource,
            "the lookup failed: nsswitch.conf names no source that this resolver supports",
        ),
    ] {
        assert_eq!(DnsError::new(&question(), cause).to_string(), line);
    }
    for cause in [Cause::NotListed, Cause::Multicast, Cause::Merge] {
        let error = DnsError::new(&question(), cause);
        assert!(error.to_string().starts_with(&format!("{}: ", error.kind())), "{error}");
    }
}

#[test]
fn the_error_of_another_resolver_is_told_as_it_is_and_a_file_s_is_the_source() {
    let zone = LookupErrorKind::UnknownZone;
    let ours = DnsError::incomplete("x".into(), zone, "unknown zone: no such thing".into());
    assert_eq!(ours.to_string(), "unknown zone: no such thing");
    let bare = DnsError::incomplete("x".into(), zone, "unknown zone".into());
    assert_eq!(bare.to_string(), "unknown zone");
    let inner = io::Error::new(io::ErrorKind::TimedOut, "the other one failed");
    let other = DnsError::incomplete("x".into(), zone, inner.into());
    assert_eq!(other.to_string(), "unknown zone: the other one failed");
    assert!(other.resolver_error().unwrap().is::<io::Error>() && other.source().is_none());
    assert_eq!(io::Error::from(other).kind(), io::ErrorKind::TimedOut);

    let file = FileError::failed(Path::new("/etc/hosts"), io::ErrorKind::PermissionDenied.into());
    let error = DnsError::unreadable("x".into(), file);
    assert_eq!(error.to_string(), "the lookup failed");
    let source = error.source().unwrap();
    assert_eq!(source.to_string(), "can't read \"/etc/hosts\"");
    assert!(source.source().unwrap().is::<io::Error>() && error.resolver_error().is_none());
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
}
