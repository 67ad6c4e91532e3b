//! Which candidates the connector refuses before an attempt.
#![cfg(feature = "tokio")]

use std::net::SocketAddr;

use stagger::{Candidate, Connector as _};
use stagger_testkit::tls::Authority;
use stagger_tls::tokio::Tls;
use stagger_tls::{ConnectError, TlsErrorKind};

#[test]
fn a_candidate_without_a_name_to_check_is_refused_before_an_attempt() {
    let config = Authority::new().unwrap().client().unwrap();
    let tls = Tls::new(stagger_tokio::TcpConnector::default(), config);
    let nameless = Candidate::new(SocketAddr::from(([127, 0, 0, 1], 443)));
    match tls.accepts(&nameless) {
        Err(ConnectError::Tls(error)) => assert_eq!(error.kind(), TlsErrorKind::ServerName),
        other => panic!("{other:?}"),
    }
    let named = nameless.clone().with_target("tls.example:443".parse().unwrap());
    assert!(tls.accepts(&named).is_ok());
    let tls = tls.with_server_name("tls.example".try_into().unwrap());
    assert!(tls.accepts(&nameless).is_ok());
}
