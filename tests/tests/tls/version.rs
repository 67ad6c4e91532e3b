//! Versions, ciphers and names that the two sides do not have in common.

use stagger_testkit::tls::{Authority, Identity};
use stagger_tests::tls::{TlsAdapter, TlsRuntime, explaining, tls_dialer};
use stagger_tests::{Nginx, Openssl, battery};
use stagger_tls::TlsErrorKind::{Alert, NoCommonCipher, NoCommonVersion};
use stagger_tls::rustls::ProtocolVersion;
use stagger_tls::rustls::version::TLS13;

use crate::fault::{Fault, NAME, PLACE, TARGET, assert_faults, client};

battery! {
    {
        a_server_of_tls_1_2_alone_is_connected_to_by_default,
        a_server_without_an_offered_version_is_an_error_of_its_own,
        a_server_without_an_offered_cipher_is_an_error_of_its_own,
        a_server_that_does_not_know_the_name_is_an_error_of_its_own,
    }
}

fn kit() -> (Authority, Identity) {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(NAME).unwrap();
    (authority, identity)
}

fn a_server_of_tls_1_2_alone_is_connected_to_by_default<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let Some(server) = Openssl::start(PLACE, &identity, &["-tls1_2"]) else { return };
    let dialer = tls_dialer::<R>([server.addr()], client(&authority));
    let stream = R::new().run(dialer.connect(TARGET)).unwrap();
    let version = R::Adapter::session(&stream).protocol_version();
    assert_eq!(version, Some(ProtocolVersion::TLSv1_2));
}

fn a_server_without_an_offered_version_is_an_error_of_its_own<R: TlsRuntime>() {
    const TEXT: &str = "the server supports no offered version of TLS";

    let (authority, identity) = kit();
    let only_1_3 = explaining(&authority, &[&TLS13]).into();
    // OpenSSL has TLS 1.0 only at its lowest level of security.
    let only_1_0: &[&str] = &["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"];
    let mut faults = Vec::new();
    for (arguments, config) in [(&["-tls1_2"][..], only_1_3), (only_1_0, client(&authority))] {
        let Some(server) = Openssl::start(PLACE, &identity, arguments) else { return };
        let addr = server.addr();
        faults.push(Fault::new(server, addr, config, NoCommonVersion, TEXT));
    }
    assert_faults::<R>(&authority, &faults);
}

fn a_server_without_an_offered_cipher_is_an_error_of_its_own<R: TlsRuntime>() {
    const TEXT: &str =
        "the server accepts no offered cipher suite, or it requires a client's certificate";

    let (authority, identity) = kit();
    let mut faults = Vec::new();
    for arguments in [
        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
        ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"],
        ["-tls1_3", "-groups", "P-521"],
    ] {
        let Some(server) = Openssl::start(PLACE, &identity, &arguments) else { return };
        let addr = server.addr();
        faults.push(Fault::new(server, addr, client(&authority), NoCommonCipher, TEXT));
    }
    assert_faults::<R>(&authority, &faults);
}

fn a_server_that_does_not_know_the_name_is_an_error_of_its_own<R: TlsRuntime>() {
    let (authority, identity) = kit();
    let server = Nginx::start_tls(PLACE, &identity, "", "ssl_reject_handshake on;", "");
    let Some(server) = server else { return };
    let (addr, text) = (server.addr(), "the server does not serve this name");
    let fault = Fault::new(server, addr, client(&authority), Alert, text);
    assert_faults::<R>(&authority, &[fault]);
}
