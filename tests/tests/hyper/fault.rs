//! What a client gets where nothing can be sent.

use stagger::error::ErrorKind;
use stagger_hyper::find_error;
use stagger_tests::battery;
use stagger_tests::place::{Healthy, Refusing, V4};

use crate::on::{NAME, Web, WebRuntime, dialer};

battery! {
    {
        a_refused_connect_is_found_in_the_clients_error,
        a_bad_uri_is_an_error_and_nothing_is_dialed,
        a_uri_that_wants_tls_is_refused_without_tls_and_dialed_below_it,
    }
}

fn a_refused_connect_is_found_in_the_clients_error<R: WebRuntime>() {
    let refusing = Refusing::new(V4);
    let connector = R::Adapter::connector(dialer::<R>([refusing.addr()]));
    let Err(error) = R::new().get(connector, &format!("http://{NAME}/")) else {
        panic!("nothing listens")
    };
    assert!(error.is_connect());
    let found = find_error(&error).unwrap();
    assert_eq!(found.kind(), ErrorKind::Connection);
    assert_eq!(found.report().attempts().len(), 1);
    // It is the first source, which other programs look at.
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<stagger::Error>().is_some(), "{source:?}");
}

fn a_bad_uri_is_an_error_and_nothing_is_dialed<R: WebRuntime>() {
    let healthy = Healthy::new(V4);
    let runtime = R::new();
    for (uri, text) in [
        (
            "other://web.example/",
            r#"bad target "other://web.example": its scheme has no known port, so the URI must give one, as in ":443""#,
        ),
        (
            "http://bob:secret@web.example/",
            r#"bad target "http://web.example": the URI has a user name or a password: remove it, and send it in a header"#,
        ),
        (
            "http://[fe80::1%25eth0]/",
            r#"bad target "http://[fe80::1%25eth0]": the host has a zone, which names an interface of this machine and must not be sent to a server"#,
        ),
        (
            "http://web.example:0/",
            r#"bad target "http://web.example:0": the port is 0, which no server has"#,
        ),
        ("http://:80/", r#"bad target "http://:80": the URI has no host"#),
    ] {
        let connector = R::Adapter::connector(dialer::<R>([healthy.addr()]));
        let Err(error) = runtime.get(connector, uri) else { panic!("{uri} has an answer") };
        let error = find_error(&error).unwrap_or_else(|| panic!("{uri}: {error:?}"));
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::InvalidTarget, text.to_owned()));
    }
    // A client of hyper-util refuses a path by itself.
    let connector = R::Adapter::connector(dialer::<R>([healthy.addr()]));
    let Err(error) = runtime.get(connector, "/path") else { panic!("a path has an answer") };
    assert!(find_error(&error).is_none(), "{error:?}");

    // The next connection there is the one of this test, so there was none before.
    let own = std::net::TcpStream::connect(healthy.addr()).unwrap();
    assert_eq!(healthy.accept().1, own.local_addr().unwrap());
}

fn a_uri_that_wants_tls_is_refused_without_tls_and_dialed_below_it<R: WebRuntime>() {
    use tower_service::Service as _;

    let healthy = Healthy::new(V4);
    let runtime = R::new();
    for scheme in ["https", "wss", "grpcs"] {
        let uri: hyper::Uri = format!("{scheme}://{NAME}/").parse().unwrap();
        let mut connector = R::Adapter::connector(dialer::<R>([healthy.addr()]));
        let call = connector.call(uri.clone());
        let error = runtime.run(async { call.await.map(drop) }).unwrap_err();
        let text = format!(
            "bad target {:?}: its scheme wants TLS, and this connector has none",
            format!("{scheme}://{NAME}")
        );
        assert_eq!(error.to_string(), text);

        let mut connector = connector.with_tls_schemes();
        let call = connector.call(uri.clone());
        runtime.run(async { call.await.map(drop) }).unwrap();
        let mut connector = connector.without_tls_schemes();
        let call = connector.call(uri);
        assert!(runtime.run(async { call.await.map(drop) }).is_err());
    }
}
