//! Servers that are none of ours: `openssl s_server` and nginx.

use stagger_testkit::tls::{Authority, Identity};
use stagger_tests::tls::{DEFAULT, TlsAdapter, TlsRuntime, explaining, tls_dialer};
use stagger_tests::{GET, Nginx, Openssl, assert_ok, battery};
use stagger_tls::rustls::version::{TLS12, TLS13};
use stagger_tls::rustls::{HandshakeKind, SupportedProtocolVersion};

use crate::fault::{NAME, PLACE, TARGET, client};

battery! {
    {
        nginx_answers_over_each_version,
        nginx_speaks_http_2_after_the_handshake,
        openssl_answers_over_each_version_and_a_second_connect_resumes,
        nginx_resumes_over_each_version,
        clients_of_one_configuration_share_its_sessions,
    }
}

const VERSIONS: [(&SupportedProtocolVersion, &str); 2] = [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")];

fn kit() -> (Authority, Identity) {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(NAME).unwrap();
    (authority, identity)
}

fn nginx_answers_over_each_version<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let nginx = Nginx::start_tls(PLACE, &identity, "", "", "");
    let Some(nginx) = nginx else { return };
    let runtime = R::new();
    for (version, _) in VERSIONS {
        let dialer = tls_dialer::<R>([nginx.addr()], explaining(&authority, &[version]).into());
        let stream = runtime.run(dialer.connect(TARGET)).unwrap();
        assert_eq!(R::Adapter::session(&stream).protocol_version(), Some(version.version));
        let answer = runtime.run(R::Adapter::exchange_tls(stream, GET)).unwrap();
        assert_ok(&answer);
        assert!(answer.ends_with(b"it is nginx\n"));
    }
}

fn nginx_speaks_http_2_after_the_handshake<R: TlsRuntime>() {
    /// The preface of a client, a frame of no settings (RFC 9113 §3.4), and as many bytes more as
    /// the header of the server's first frame has.
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    /// The type of a frame of settings (RFC 9113 §6.5).
    const SETTINGS: u8 = 4;

    let (authority, identity) = kit();
    let Some(nginx) = Nginx::start_tls(PLACE, &identity, "http2", "", "") else { return };
    let mut config = explaining(&authority, DEFAULT);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let dialer = tls_dialer::<R>([nginx.addr()], config.into());
    let runtime = R::new();
    let stream = runtime.run(dialer.connect(TARGET)).unwrap();
    assert_eq!(R::Adapter::session(&stream).alpn_protocol(), Some(&b"h2"[..]));
    let answer = runtime.run(R::Adapter::echo_tls(stream, PREFACE)).unwrap();
    assert_eq!(answer[3], SETTINGS, "{answer:?}");
}

fn openssl_answers_over_each_version_and_a_second_connect_resumes<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let Some(server) = Openssl::start(PLACE, &identity, &[]) else { return };
    let runtime = R::new();
    for (version, name) in VERSIONS {
        let config = explaining(&authority, &[version]);
        let dialer = tls_dialer::<R>([server.addr()], config.into());
        for (kind, word) in [(HandshakeKind::Full, "New"), (HandshakeKind::Resumed, "Reused")] {
            let stream = runtime.run(dialer.connect(TARGET)).unwrap();
            assert_eq!(R::Adapter::session(&stream).handshake_kind(), Some(kind), "{name}");
            let answer = runtime.run(R::Adapter::exchange_tls(stream, GET)).unwrap();
            let page = String::from_utf8_lossy(&answer);
            assert!(page.contains(&format!("{word}, {name}, ")), "{page}");
        }
    }
}

fn nginx_resumes_over_each_version<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let Some(nginx) = Nginx::start_tls(PLACE, &identity, "", "", "") else { return };
    let runtime = R::new();
    for (version, name) in VERSIONS {
        let config = explaining(&authority, &[version]);
        let dialer = tls_dialer::<R>([nginx.addr()], config.into());
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let stream = runtime.run(dialer.connect(TARGET)).unwrap();
            assert_eq!(R::Adapter::session(&stream).handshake_kind(), Some(kind), "{name}");
            assert_ok(&runtime.run(R::Adapter::exchange_tls(stream, GET)).unwrap());
        }
    }
}

fn clients_of_one_configuration_share_its_sessions<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let Some(server) = Openssl::start(PLACE, &identity, &[]) else { return };
    let config = client(&authority);
    let runtime = R::new();
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let dialer = tls_dialer::<R>([server.addr()], config.clone());
        let stream = runtime.run(dialer.connect(TARGET)).unwrap();
        assert_eq!(R::Adapter::session(&stream).handshake_kind(), Some(kind));
        runtime.run(R::Adapter::exchange_tls(stream, GET)).unwrap();
    }
}
