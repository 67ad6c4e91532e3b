//! Handshakes in memory with servers that send anything. A failing case prints its seed, which
//! `STAGGER_SEED` takes back.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Debug;
use std::future::ready;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures_lite::future::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use stagger::connect::connector_fn;
use stagger::{Candidate, Connector as _};
use stagger_testkit::tls::Authority;
use stagger_tests::tls::{DEFAULT, explaining};
use stagger_tests::{Change, Memory};
use stagger_tls::futures::Tls;
use stagger_tls::rustls::ClientConfig;
use stagger_tls::rustls::version::{TLS12, TLS13};
use stagger_tls::{ConnectError, TlsError, TlsErrorKind};

use crate::fault::{NAME, TARGET};

fn run<S>(cases: u32, strategy: &S, check: impl Fn(&S::Value))
where
    S: Strategy<Value: Clone + Debug>,
{
    let seed = env::var("STAGGER_SEED").ok().map_or_else(
        || RandomState::new().hash_one(0),
        |seed| seed.parse().expect("STAGGER_SEED is a number"),
    );
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::to_le_bytes(seed));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(strategy, |case| {
        check(&case);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("STAGGER_SEED={seed}: {why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("STAGGER_SEED={seed}: {why}"),
    }
}

/// The outcome of a handshake with the server that `server` makes.
fn handshake(
    config: &Arc<ClientConfig>,
    server: impl Fn() -> Memory + Clone,
) -> Result<(), TlsError> {
    let connector = connector_fn(move |_: SocketAddr| ready(Ok::<_, io::Error>(server.clone()())));
    let to = Candidate::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 443)));
    let to = to.with_target(TARGET.parse().unwrap());
    match block_on(Tls::new(connector, Arc::clone(config)).connect(to)) {
        Ok(stream) => {
            assert!(!stream.get_ref().1.is_handshaking());
            Ok(())
        }
        Err(ConnectError::Tls(error)) => Err(error),
        Err(ConnectError::Transport(error)) => panic!("{error}"),
    }
}

/// Asserts that the text is short, plain, and about what the server did.
fn assert_plain(error: &TlsError) {
    let text = error.to_string();
    let rest = text.strip_prefix("TLS handshake: the ").unwrap_or_else(|| panic!("{text:?}"));
    let subjects = ["server ", "certificate ", "issuer of the certificate"];
    assert!(subjects.iter().any(|subject| rest.starts_with(subject)), "{text:?}");
    assert!(text.len() < 1500, "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
    let internal = matches!(error.kind(), TlsErrorKind::Internal | TlsErrorKind::Io);
    assert!(!internal, "{error:?}");
    let is_not_tls = rest == "server sent data that is not TLS";
    assert_eq!(error.kind() == TlsErrorKind::NotTls, is_not_tls, "{error:?}");
}

/// Bytes of which many begin as a record of TLS does (RFC 8446 §5.1).
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let anything = || vec(any::<u8>(), 0..600);
    let record =
        (20..=24_u8, 0..=5_u8, vec(any::<u8>(), 0..300)).prop_map(|(kind, minor, body)| {
            let length = u16::try_from(body.len()).unwrap().to_be_bytes();
            [&[kind, 3, minor][..], &length, &body].concat()
        });
    // A message of the handshake with its length (RFC 8446 §4).
    let message = (any::<u8>(), vec(any::<u8>(), 0..200)).prop_map(|(kind, body)| {
        let length = u8::try_from(body.len()).unwrap();
        [&[22, 3, 3, 0, length + 4, kind, 0, 0, length][..], &body].concat()
    });
    let alert =
        (1..=2_u8, any::<u8>()).prop_map(|(level, alert)| vec![21, 3, 3, 0, 2, level, alert]);
    let text = "[A-Z0-9 .-]{1,20}\r\n".prop_map(String::into_bytes);
    let parts = vec(prop_oneof![record, message, alert], 0..6).prop_map(|parts| parts.concat());
    prop_oneof![anything(), text, parts]
}

#[test]
fn bytes_of_any_sort_end_a_handshake_with_a_plain_text() {
    let config = explaining(&Authority::new().unwrap(), DEFAULT).into();
    let kinds = Mutex::new(BTreeSet::new());
    run(3000, &bytes(), |bytes| {
        let server = {
            let bytes = bytes.clone();
            move || Memory::saying(bytes.clone())
        };
        let error = handshake(&config, server).expect_err("nobody guesses a handshake");
        assert_plain(&error);
        kinds.lock().unwrap().insert(format!("{:?}", error.kind()));
        // The first bytes of a record (RFC 8446 §5.1). Garbage may also follow a record.
        let begins_as_tls = bytes.len() < 5 || matches!(bytes[..2], [20..=24, 3]);
        if !begins_as_tls {
            assert_eq!(error.kind(), TlsErrorKind::NotTls, "{error:?}");
        }
        assert!(error.certificate_fault().is_none(), "{error:?}");
    });
    // The bytes reach more than one of the reader's complaints.
    let kinds = kinds.into_inner().unwrap();
    assert!(["NotTls", "Closed", "Violation", "Alert"].iter().all(|kind| kinds.contains(*kind)));
}

#[test]
fn a_server_whose_bytes_are_damaged_on_their_way_is_an_error_with_a_plain_text() {
    let authority = Authority::new().unwrap();
    let server = authority.intermediate().unwrap().issue(NAME).unwrap().server().unwrap();
    let configs = [&[&TLS12][..], &[&TLS13]].map(|versions| {
        let config: Arc<ClientConfig> = explaining(&authority, versions).into();
        config
    });
    for config in &configs {
        let server = server.clone();
        let whole = move || Memory::changed(server.clone(), Change::default());
        handshake(config, whole).expect("nothing is damaged");
    }
    // Most of a flight is the certificates, of about 400 bytes each.
    let flips = vec((0..1200_usize, 1..=255_u8), 0..4);
    let change = (flips, prop::option::weighted(0.2, 0..1200_usize))
        .prop_map(|(flips, cut)| Change { flips, cut });
    let failures = Mutex::new(0);
    run(1000, &(change, any::<bool>()), |(change, is_1_3)| {
        let server = {
            let (server, change) = (server.clone(), change.clone());
            move || Memory::changed(server.clone(), change.clone())
        };
        if let Err(error) = handshake(&configs[usize::from(*is_1_3)], server) {
            assert_plain(&error);
            *failures.lock().unwrap() += 1;
        }
    });
    assert!(failures.into_inner().unwrap() > 300);
}

#[test]
fn a_server_that_sends_records_for_ever_is_ended() {
    let config = explaining(&Authority::new().unwrap(), DEFAULT).into();
    for record in [
        // Warnings, changes of the cipher, hellos without an end, and messages that do not count.
        &b"\x15\x03\x03\x00\x02\x01\x5a"[..],
        b"\x14\x03\x03\x00\x01\x01",
        b"\x16\x03\x03\x00\x04\x02\xff\xff\xff",
        b"\x16\x03\x03\x00\x04\x02\x00\xff\xff",
        b"\x16\x03\x03\x00\x04\x00\x00\x00\x00",
        b"\x16\x03\x03\x00\x00",
    ] {
        let error = handshake(&config, || Memory::saying(record.repeat(100_000)));
        let error = error.expect_err("it is no handshake");
        // If it had read everything, the server would have closed.
        assert_eq!(error.kind(), TlsErrorKind::Violation, "{record:?}: {error}");
        assert_plain(&error);
    }
}
