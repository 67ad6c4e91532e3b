//! Application protocols (ALPN, RFC 7301).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use ::futures_lite::stream;
use stagger::connect::Binding;
use stagger::error::ErrorKind;
use stagger::report::AttemptOutcome;
use stagger::resolve::{Query, Record, resolver_fn};
use stagger::{Answer, Dialer, Resolver};
use stagger_testkit::tls::{Authority, Identity};
use stagger_tests::tls::{DEFAULT, TlsAdapter, TlsOf, TlsRuntime, explaining, tls, tls_dialer};
use stagger_tests::{Adapter, Asked, Nginx, Openssl, battery};
use stagger_tls::TlsErrorKind::NoCommonProtocol;
use stagger_tls::rustls::ClientConfig;

use crate::fault::{Fault, NAME, PLACE, TARGET, assert_faults};

battery! {
    {
        the_negotiated_protocol_is_in_the_stream,
        a_server_without_an_offered_protocol_is_an_error_of_its_own,
        only_protocols_of_the_binding_are_offered_in_the_program_s_order,
        a_program_without_protocols_offers_none_whatever_the_binding_lists,
        a_binding_without_a_common_protocol_is_skipped_before_any_attempt,
    }
}

fn kit() -> (Authority, Identity) {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(NAME).unwrap();
    (authority, identity)
}

fn offering(authority: &Authority, protocols: &[&str]) -> Arc<ClientConfig> {
    let mut config = explaining(authority, DEFAULT);
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config.into()
}

fn the_negotiated_protocol_is_in_the_stream<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let config = offering(&authority, &["h2", "http/1.1"]);
    for (supported, agreed) in [("http/1.1", "http/1.1"), ("http/1.1,h2", "http/1.1"), ("h2", "h2")]
    {
        let server = Openssl::start(PLACE, &identity, &["-alpn", supported]);
        let Some(server) = server else { return };
        let dialer = tls_dialer::<R>([server.addr()], config.clone());
        let stream = R::new().run(dialer.connect(TARGET)).unwrap();
        let protocol = R::Adapter::session(&stream).alpn_protocol();
        assert_eq!(protocol, Some(agreed.as_bytes()), "of {supported}");
    }
}

fn a_server_without_an_offered_protocol_is_an_error_of_its_own<R: TlsRuntime>() {
    const TEXT: &str = "the server supports no offered application protocol";

    let (authority, identity) = kit();
    let mut faults = Vec::new();
    if let Some(nginx) = Nginx::start_tls(PLACE, &identity, "", "", "") {
        let (addr, config) = (nginx.addr(), offering(&authority, &["h3"]));
        faults.push(Fault::new(nginx, addr, config, NoCommonProtocol, TEXT));
    }
    if let Some(server) = Openssl::start(PLACE, &identity, &["-alpn", "http/1.1"]) {
        let (addr, config) = (server.addr(), offering(&authority, &["h2"]));
        faults.push(Fault::new(server, addr, config, NoCommonProtocol, TEXT));
    }
    assert_faults::<R>(&authority, &faults);
}

/// A dialer whose one address has this binding.
fn bound<R: TlsRuntime>(
    addr: SocketAddr,
    protocols: &[&str],
    config: Arc<ClientConfig>,
) -> Dialer<
    impl Resolver<Address = SocketAddr, Error = Infallible, Answers: Send + 'static>
    + Clone
    + Send
    + 'static,
    TlsOf<R>,
    <R::Adapter as Adapter>::Timer,
> {
    let binding = Binding::new().with_alpn(protocols.iter().copied());
    let resolver =
        resolver_fn(move |_: &Query| stream::once(found(addr).with_binding(binding.clone())));
    R::Adapter::dialer().with_resolver(resolver).with_connector(tls::<R>(config))
}

fn found(addr: SocketAddr) -> Answer<SocketAddr, Infallible> {
    Answer::found(Record::Addresses, [addr])
}

fn only_protocols_of_the_binding_are_offered_in_the_program_s_order<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let server = Asked::at(PLACE, &identity, &[]);
    let config = offering(&authority, &["h2", "http/1.1", "imap"]);
    for (listed, offered) in [
        (&["http/1.1", "h3", "h2"][..], &["h2", "http/1.1"][..]),
        (&["imap"], &["imap"]),
        (&["h2", "http/1.1", "imap", "h3"], &["h2", "http/1.1", "imap"]),
        // A binding that lists nothing does not restrict protocols.
        (&[], &["h2", "http/1.1", "imap"]),
    ] {
        let dialer = bound::<R>(server.addr(), listed, config.clone());
        R::new().run(dialer.connect(TARGET)).map(drop).unwrap();
        assert_eq!(server.hello().alpn, offered, "bound to {listed:?}");
    }
}

fn a_program_without_protocols_offers_none_whatever_the_binding_lists<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let server = Asked::at(PLACE, &identity, &[]);
    let dialer = bound::<R>(server.addr(), &["h2"], offering(&authority, &[]));
    R::new().run(dialer.connect(TARGET)).map(drop).unwrap();
    assert_eq!(server.hello().alpn, [""; 0]);
}

fn a_binding_without_a_common_protocol_is_skipped_before_any_attempt<R: TlsRuntime>() {
    const TEXT: &str = "TLS has no protocol in common with this address: it supports h3, and h2, \
                        http/1.1 is offered";

    let (authority, identity) = kit();
    let (other, server) = (Asked::at(PLACE, &identity, &[]), Asked::at(PLACE, &identity, &["h2"]));
    let addrs = [other.addr(), server.addr()];
    for bound in [&["h3", "h2"][..], &["h3"]] {
        let resolver = resolver_fn(move |_: &Query| {
            let answer = |group: u32, protocol: &str| {
                let binding = Binding::new().with_alpn([protocol]);
                found(addrs[group as usize]).with_binding(binding).with_group(group)
            };
            let answers = (0..).zip(bound).map(|(group, protocol)| answer(group, protocol));
            stream::iter(answers.collect::<Vec<_>>())
        });
        let dialer = R::Adapter::dialer().with_resolver(resolver);
        let config = offering(&authority, &["h2", "http/1.1"]);
        let dialer = dialer.with_connector(tls::<R>(config));
        let outcome = R::new().run(dialer.connect(TARGET).with_report());
        let skipped = if bound.len() == 1 {
            let error = outcome.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoneUsable, "{error}");
            let line = error.to_string();
            assert!(line.ends_with(&format!("{}: {TEXT}", other.addr())), "{line}");
            error.report().attempts()[0].outcome.clone()
        } else {
            let (stream, report) = outcome.unwrap();
            assert_eq!(R::Adapter::session(&stream).alpn_protocol(), Some(&b"h2"[..]));
            let attempts = report.attempts().iter();
            let at = |addr| attempts.clone().find(|attempt| attempt.address == addr).unwrap();
            assert!(matches!(at(server.addr()).outcome, AttemptOutcome::Connected), "{report:?}");
            at(other.addr()).outcome.clone()
        };
        assert!(matches!(skipped, AttemptOutcome::Skipped(_)), "{skipped:?}");
        assert!(other.is_idle(), "it was asked");
    }
}
