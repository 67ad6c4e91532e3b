//! Certificates of clients.

use std::io;
use std::sync::Arc;

use stagger_testkit::tls::{Authority, Identity, Request, Server};
use stagger_tests::tls::{DEFAULT, TlsAdapter, TlsRuntime, tls_dialer, verifier};
use stagger_tests::{GET, Nginx, Openssl, assert_ok, battery};
use stagger_tls::TlsErrorKind::{NoCommonCipher, OwnCertificate};
use stagger_tls::rustls::crypto::ring::default_provider;
use stagger_tls::rustls::version::{TLS12, TLS13};
use stagger_tls::rustls::{
    AlertDescription, ClientConfig, Error, ProtocolVersion, SupportedProtocolVersion,
};

use crate::fault::{Fault, NAME, PLACE, TARGET, assert_distinct, assert_faults};

battery! {
    {
        a_client_s_certificate_that_is_missing_or_refused_ends_the_race_with_tls_1_2,
        a_missing_certificate_looks_like_a_missing_cipher_to_openssl_s_clients_with_tls_1_2,
        with_tls_1_3_the_first_read_says_that_the_certificate_is_missing_or_refused,
        openssl_and_nginx_accept_the_certificate_of_a_client,
    }
}

const VERIFY: [&str; 3] = ["-Verify", "3", "-verify_return_error"];

fn config(
    authority: &Authority,
    own: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier(authority, provider));
    let config = match own {
        Some(own) => config.with_client_auth_cert(own.chain().to_vec(), own.key().unwrap()),
        None => Ok(config.with_no_client_auth()),
    };
    Arc::new(config.unwrap())
}

/// `openssl s_server` that wants a client's certificate of this authority.
fn demanding(authority: &Authority, identity: &Identity) -> Option<Openssl> {
    let roots = authority.certificate_pem();
    Openssl::start_with(PLACE, identity, &[("-CAfile", &roots)], &VERIFY)
}

fn expired(authority: &Authority) -> Identity {
    let day = std::time::Duration::from_secs(86400);
    let now = std::time::SystemTime::now();
    authority.sign(&Request::new("alice.example").with_validity(now - 2 * day, now - day)).unwrap()
}

fn a_client_s_certificate_that_is_missing_or_refused_ends_the_race_with_tls_1_2<R: TlsRuntime>() {
    let (authority, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
    let identity = authority.issue(NAME).unwrap();
    let server = Server::echo_with(PLACE, identity.server_for(&authority).unwrap()).unwrap();
    let addr = server.addr();
    let text = "the server requires a client's certificate";
    let missing = config(&authority, None, &[&TLS12]);
    let mut faults = vec![Fault::new(server, addr, missing, OwnCertificate, text)];
    for (own, why) in [
        (stranger.issue("alice.example").unwrap(), "its issuer is not trusted"),
        (expired(&authority), "it has expired"),
    ] {
        let Some(server) = demanding(&authority, &identity) else { return };
        let text = format!("the server refused the client's certificate: {why}");
        let (addr, config) = (server.addr(), config(&authority, Some(&own), &[&TLS12]));
        faults.push(Fault::new(server, addr, config, OwnCertificate, &text));
    }
    assert_distinct(&faults);
    let faults: Vec<_> = faults.into_iter().map(Fault::ending_the_race).collect();
    assert_faults::<R>(&authority, &faults);
}

fn a_missing_certificate_looks_like_a_missing_cipher_to_openssl_s_clients_with_tls_1_2<
    R: TlsRuntime,
>() {
    let authority = Authority::new().unwrap();
    let Some(server) = demanding(&authority, &authority.issue(NAME).unwrap()) else { return };
    let text = "the server accepts no offered cipher suite, or it requires a client's certificate";
    let (addr, config) = (server.addr(), config(&authority, None, &[&TLS12]));
    let fault = Fault::new(server, addr, config, NoCommonCipher, text);
    assert_faults::<R>(&authority, &[fault]);
}

fn with_tls_1_3_the_first_read_says_that_the_certificate_is_missing_or_refused<R: TlsRuntime>() {
    let (authority, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
    let identity = authority.issue(NAME).unwrap();
    let strange = stranger.issue("alice.example").unwrap();
    for (own, alert) in [
        (None, AlertDescription::CertificateRequired),
        (Some(&strange), AlertDescription::UnknownCA),
    ] {
        let Some(server) = demanding(&authority, &identity) else { return };
        let dialer = tls_dialer::<R>([server.addr()], config(&authority, own, &[&TLS13]));
        let runtime = R::new();
        let stream = runtime.run(dialer.connect(TARGET)).expect("the client's handshake ends");
        let error = runtime.run(R::Adapter::exchange_tls(stream, b"")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        let tls = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        assert_eq!(tls, Some(&Error::AlertReceived(alert)), "{error}");
    }
}

fn openssl_and_nginx_accept_the_certificate_of_a_client<R: TlsRuntime>() {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(NAME).unwrap();
    // The server knows the root alone.
    let alice = authority.intermediate().unwrap().issue("alice.example").unwrap();
    let Some(openssl) = demanding(&authority, &identity) else { return };
    let more = "ssl_client_certificate clients.pem; ssl_verify_client on; ssl_verify_depth 3;";
    let nginx = Nginx::start_tls(PLACE, &identity, "", more, &authority.certificate_pem());
    let Some(nginx) = nginx else { return };
    for versions in [&[&TLS12][..], &[&TLS13], DEFAULT] {
        for addr in [openssl.addr(), nginx.addr()] {
            let dialer = tls_dialer::<R>([addr], config(&authority, Some(&alice), versions));
            let runtime = R::new();
            let stream = runtime.run(dialer.connect(TARGET)).unwrap();
            let is_1_2 = versions.len() == 1 && versions[0].version == ProtocolVersion::TLSv1_2;
            let expected = if is_1_2 { ProtocolVersion::TLSv1_2 } else { ProtocolVersion::TLSv1_3 };
            assert_eq!(R::Adapter::session(&stream).protocol_version(), Some(expected));
            let answer = runtime.run(R::Adapter::exchange_tls(stream, GET)).unwrap();
            if addr == nginx.addr() {
                assert_ok(&answer);
            } else {
                let page = String::from_utf8_lossy(&answer);
                assert!(page.contains("alice.example"), "{page}");
            }
        }
    }
    // nginx finishes the handshake without one, and refuses the request.
    let dialer = tls_dialer::<R>([nginx.addr()], config(&authority, None, DEFAULT));
    let runtime = R::new();
    let stream = runtime.run(dialer.connect(TARGET)).unwrap();
    let answer = runtime.run(R::Adapter::exchange_tls(stream, GET)).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
}
