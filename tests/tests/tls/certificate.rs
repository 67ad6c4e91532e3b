//! Certificates that a client must not accept, from `openssl s_server`.

use std::time::{Duration, SystemTime};

use stagger_testkit::tls::{Authority, Identity, Request, Server, Usage};
use stagger_tests::tls::{TlsRuntime, tls_dialer};
use stagger_tests::{Openssl, battery, openssl};
use stagger_tls::CertificateFault::{
    Expired, IncompleteChain, Invalid, NotYetValid, SelfSigned, UnknownIssuer, WrongName,
    WrongPurpose,
};
use stagger_tls::TlsErrorKind;

use crate::fault::{Fault, NAME, PLACE, TARGET, assert_distinct, assert_faults, client, tls_error};

battery! {
    {
        a_wrong_certificate_has_an_error_of_its_own_and_the_next_address_starts_at_once,
        all_wrong_certificates_of_a_name_are_in_its_error,
        a_chain_with_its_intermediates_is_accepted,
        without_an_explaining_verifier_the_issuer_is_unknown,
        a_wrong_certificate_may_end_the_race,
        the_names_of_a_hostile_certificate_are_escaped_and_cut_short,
    }
}

const DAY: Duration = Duration::from_secs(86400);
const URL: &str = "http://ca.example/ca.der";

fn a_wrong_certificate_has_an_error_of_its_own_and_the_next_address_starts_at_once<
    R: TlsRuntime,
>() {
    let now = SystemTime::now();
    let authority = Authority::new().unwrap();
    let middle = authority.intermediate().unwrap();
    let issuer = issuer_of(&middle.issue(NAME).unwrap());
    let request = || Request::new(NAME);
    let rows = [
        (
            authority.sign(&request().with_validity(now - 9 * DAY, now - 7 * DAY / 2)),
            Expired,
            "the certificate expired 3 days ago".to_owned(),
        ),
        (
            authority.sign(&request().with_validity(now + 5 * DAY / 2, now + 9 * DAY)),
            NotYetValid,
            "the certificate becomes valid in 2 days".into(),
        ),
        (
            request().self_sign(),
            SelfSigned,
            "the certificate is self-signed, and it is not trusted".into(),
        ),
        (
            authority.issue("other.example"),
            WrongName,
            "the certificate is for other.example, not tls.example".into(),
        ),
        (
            authority.sign(
                &Request::new("*.other.example")
                    .with_name("127.0.0.1")
                    .with_name("::1")
                    .with_name("a.example")
                    .with_name("b.example"),
            ),
            WrongName,
            "the certificate is for *.other.example, 127.0.0.1, ::1, a.example and 1 more, not \
             tls.example"
                .into(),
        ),
        (
            Authority::named("A stranger").unwrap().issue(NAME),
            UnknownIssuer,
            "the issuer of the certificate, CN=A stranger, is not trusted".into(),
        ),
        (
            middle.sign(&request().with_issuer_url(URL)).map(Identity::without_issuers),
            IncompleteChain,
            format!(
                "the server did not send the certificate of the issuer, {issuer}: its chain may \
                 be incomplete"
            ),
        ),
        (
            authority.sign(&request().with_usage(Usage::Client)),
            WrongPurpose,
            "the certificate is not for the use of a server".into(),
        ),
        (
            same_name(&authority).issue(NAME),
            Invalid,
            "the certificate is invalid: its signature is wrong".into(),
        ),
    ];
    let mut faults = Vec::new();
    for (identity, fault, text) in rows {
        let Some(server) = Openssl::start(PLACE, &identity.unwrap(), &[]) else { return };
        let (addr, kind) = (server.addr(), TlsErrorKind::Certificate(fault));
        faults.push(Fault::new(server, addr, client(&authority), kind, &text));
    }
    assert_distinct(&faults);
    assert_faults::<R>(&authority, &faults);
}

/// Another authority of the same name, as an impostor has it.
fn same_name(authority: &Authority) -> Authority {
    let name = stagger_tls::Certificate::parse(&authority.certificate()).unwrap();
    Authority::named(name.subject().strip_prefix("CN=").unwrap()).unwrap()
}

fn issuer_of(identity: &Identity) -> String {
    stagger_tls::Certificate::parse(&identity.chain()[0]).unwrap().issuer().to_owned()
}

fn all_wrong_certificates_of_a_name_are_in_its_error<R: TlsRuntime>() {
    let (authority, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
    let wrong_name = Server::echo([127, 0, 0, 1], &authority, "other.example").unwrap();
    let wrong_issuer = Server::echo([127, 0, 0, 2], &stranger, NAME).unwrap();
    let dialer = tls_dialer::<R>([wrong_name.addr(), wrong_issuer.addr()], client(&authority));
    let error = R::new().run(dialer.connect(TARGET)).map(drop).unwrap_err();
    let line = error.to_string();
    for (place, server, fault) in [(0, &wrong_name, WrongName), (1, &wrong_issuer, UnknownIssuer)] {
        let tls = tls_error(&error, place);
        assert_eq!(tls.certificate_fault(), Some(fault), "{line}");
        assert_eq!(line.matches(&format!("{}: {tls}", server.addr())).count(), 1, "{line}");
    }
    assert!(!error.is_final());
}

fn a_chain_with_its_intermediates_is_accepted<R: TlsRuntime>() {
    let authority = Authority::new().unwrap();
    let lowest = authority.intermediate().unwrap().intermediate().unwrap();
    let identity = lowest.issue(NAME).unwrap();
    assert_eq!(identity.chain().len(), 3);
    let Some(server) = Openssl::start(PLACE, &identity, &[]) else { return };
    let dialer = tls_dialer::<R>([server.addr()], client(&authority));
    R::new().run(dialer.connect(TARGET)).map(drop).unwrap();
}

fn without_an_explaining_verifier_the_issuer_is_unknown<R: TlsRuntime>() {
    let authority = Authority::new().unwrap();
    let request = Request::new(NAME).with_issuer_url(URL);
    let incomplete = authority.intermediate().unwrap().sign(&request).unwrap().without_issuers();
    for identity in [request.self_sign().unwrap(), incomplete] {
        let server = Server::echo_with(PLACE, identity.server().unwrap()).unwrap();
        let dialer = tls_dialer::<R>([server.addr()], authority.client().unwrap());
        let error = R::new().run(dialer.connect(TARGET)).map(drop).unwrap_err();
        assert_eq!(tls_error(&error, 0).certificate_fault(), Some(UnknownIssuer), "{error}");
    }
}

fn a_wrong_certificate_may_end_the_race<R: TlsRuntime>() {
    let authority = Authority::new().unwrap();
    let wrong = Server::echo([127, 0, 0, 1], &authority, "other.example").unwrap();
    let good = Server::echo([127, 0, 0, 1], &authority, NAME).unwrap();
    let dialer = tls_dialer::<R>([wrong.addr(), good.addr()], client(&authority));
    let connector = dialer.connector().clone().with_certificate_errors_final(true);
    let error = R::new().run(dialer.with_connector(connector).connect(TARGET)).map(drop);
    let error = error.unwrap_err();
    assert!(error.is_final(), "{error}");
    assert_eq!(error.report().attempts().len(), 1, "{error:#}");
}

fn the_names_of_a_hostile_certificate_are_escaped_and_cut_short<R: TlsRuntime>() {
    let authority = Authority::new().unwrap();
    let connect = |identity: &Identity| {
        let server = Server::echo_with(PLACE, identity.server().unwrap()).unwrap();
        let dialer = tls_dialer::<R>([server.addr()], client(&authority));
        R::new().run(dialer.connect(TARGET)).map(drop).unwrap_err().to_string()
    };
    let stranger = Authority::named("red\u{1b}[31m\nCN=\u{202e}name").unwrap();
    let line = connect(&stranger.issue(NAME).unwrap());
    assert!(line.ends_with(r"CN=red\u{1b}[31m\nCN=\u{202e}name, is not trusted"), "{line}");
    let stranger = Authority::named(&"long ".repeat(4000)).unwrap();
    let line = connect(&stranger.issue(NAME).unwrap());
    assert!(line.contains("CN=long long ") && line.len() < 500, "{line}");
    let request = Request::new(&["a".repeat(60).as_str(); 4].join("."));
    let request = (0..500).fold(request, |request, n| request.with_name(&format!("n{n}.example")));
    let line = connect(&authority.sign(&request).unwrap());
    let ending = "n0.example, n1.example, n2.example and 497 more, not tls.example";
    assert!(line.ends_with(ending) && line.len() < 500, "{line}");
}

#[test]
fn openssl_reads_the_url_of_the_issuer_in_a_certificate() {
    let long = format!("http://ca.example/{}.der", "a".repeat(300));
    for url in [URL, &long[..140], &long] {
        let request = Request::new(NAME).with_issuer_url(url);
        let identity = Authority::new().unwrap().sign(&request).unwrap();
        let arguments = ["x509", "-noout", "-ext", "authorityInfoAccess", "-in"];
        let Some(output) = openssl(&arguments, &identity.certificate_pem()) else { return };
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("CA Issuers - URI:{url}\n")), "{text}");
    }
}
