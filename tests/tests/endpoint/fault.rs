//! What a wrong text gets.

use stagger_endpoint::EndpointErrorKind as Kind;
use stagger_testkit::tls::Authority;
use stagger_tests::Scratch;

use crate::on::On;

each_runtime! {
    a_wrong_client_says_what_and_where,
    a_wrong_server_says_what_and_where,
    a_file_that_is_not_right_is_said_with_its_option,
}

/// The kind, the marked part, and the reason.
type Fault = (&'static str, Kind, &'static str, &'static str);

fn check(faults: &[Fault], make: impl Fn(&str) -> Option<stagger_endpoint::EndpointError>) {
    for &(text, kind, mark, reason) in faults {
        let error = make(text).unwrap_or_else(|| panic!("{text} is right"));
        assert_eq!((error.kind(), error.reason()), (kind, reason), "{text}");
        assert_eq!(&text[error.place()], mark, "{text}");
        let line = format!("bad endpoint at byte {}: {reason}", error.place().start);
        assert_eq!(error.to_string(), line);
    }
}

fn a_wrong_client_says_what_and_where<O: On>() {
    use Kind::*;
    let schemes = O::schemes();
    let names: Vec<_> = schemes.client_names().collect();
    assert_eq!(names, ["connect", "fd", "socks5", "ssh", "tcp", "tls", "unix"]);
    #[rustfmt::skip]
    let faults: &[Fault] = &[
        ("sock5:a:1", UnknownScheme, "sock5", "there is no client scheme sock5; did you mean socks5?"),
        ("quic:a:1", UnknownScheme, "quic", "there is no client scheme quic; there are connect, fd, socks5, ssh, tcp, tls, unix"),
        ("systemd:web", UnknownScheme, "systemd", "there is no client scheme systemd; it is for servers only"),
        ("tcp:a:1 | fd:3", TakesNoBelow, "fd:3", "fd must be the first hop: it does not run over another one"),
        ("fd:2", InvalidRest, "2", "fd cannot use \"2\": write a number from 3 to 2147483647"),
        ("tcp", MissingRest, "tcp", "tcp needs more: write tcp:HOST:PORT"),
        ("tcp:a", InvalidRest, "a", "tcp cannot use \"a\": no service follows the host, as in \":443\""),
        ("tcp:a:65536", InvalidRest, "a:65536", "tcp cannot use \"a:65536\": the port is not a number up to 65535"),
        ("tcp:::1:80", InvalidRest, "::1:80", "tcp cannot use \"::1:80\": there are several colons: an IPv6 address before a service must stand in brackets, as in \"[::1]:80\""),
        ("tcp://a:80", InvalidRest, "//a:80", "tcp cannot use \"//a:80\": no slashes are before the host: write tcp:HOST:PORT"),
        ("tcp:me:pw@a:80", UnexpectedLogin, "me:pw", "tcp takes no user; an '@' that is part of a name is written %40"),
        ("tcp:a:80?timout=5s", UnknownOption, "timout", "tcp has no option timout; did you mean timeout?"),
        ("tcp:a:80?timeout=5", InvalidOption, "5", "the option timeout cannot be \"5\": the unit is missing, as in 5s or 5ms"),
        ("tcp:a:80?timeout=soon", InvalidOption, "soon", "the option timeout cannot be \"soon\": write a number and a unit, as in 250ms or 30s"),
        ("tcp:a:80?timeout=", InvalidOption, "timeout=", "the option timeout is empty: write a number and a unit, as in 250ms or 30s"),
        ("tcp:a:80?attempt-delay=1ms", InvalidOption, "1ms", "the option attempt-delay cannot be \"1ms\": it must be from 10ms to 2s"),
        ("tcp:a:80?attempt-timeout=2days", InvalidOption, "2days", "the option attempt-timeout cannot be \"2days\": it must be from 1ms to 1day"),
        ("tcp:a:80?resolution-delay=3s", InvalidOption, "3s", "the option resolution-delay cannot be \"3s\": it must be from 0s to 2s"),
        ("tcp:a:80?family=4", InvalidOption, "4", "the option family cannot be \"4\": write any, v4 or v6"),
        ("tcp:a:80?order=random", InvalidOption, "random", "the option order cannot be \"random\": write alternate, resolver or ipv6-first"),
        ("tcp:a:80?nodelay=1", InvalidOption, "1", "the option nodelay cannot be \"1\": write yes or no"),
        ("tcp:a:80?keepalive=1ms", InvalidOption, "1ms", "the option keepalive cannot be \"1ms\": it must be from 1s to 9h 6m 7s"),
        ("tcp:a:80?bind=example.com", InvalidOption, "example.com", "the option bind cannot be \"example.com\": write an IP address, with or without a port"),
        ("tcp:a:80?bind=127.0.0.1,,::1", InvalidOption, "127.0.0.1,,::1", "the option bind cannot be \"127.0.0.1,,::1\": an item of the list is empty"),
        ("unix:/a | tcp:a:1", TakesNoBelow, "tcp:a:1", "tcp must be the first hop: it does not run over another one"),
        ("tcp:a:1 | unix:/a", TakesNoBelow, "unix:/a", "unix must be the first hop: it does not run over another one"),
        ("unix", MissingRest, "unix", "unix needs more: write unix:PATH"),
        ("unix:@", InvalidRest, "@", "abstract name of a Unix socket: \"\" is empty"),
        ("unix:/a?replace-stale=yes", UnknownOption, "replace-stale", "unix has no option replace-stale; it has none"),
        ("socks5:a:1", NeedsBelow, "socks5:a:1", "socks5 needs a hop before it, as in tcp:HOST:PORT | socks5"),
        ("connect:a:1", NeedsBelow, "connect:a:1", "connect needs a hop before it, as in tcp:HOST:PORT | connect"),
        ("tcp:a:1 | socks5", MissingRest, "socks5", "socks5 needs more: write socks5:HOST:PORT"),
        ("tcp:a:1 | connect:a%3Ab:pw@b:2", InvalidLogin, "a%3Ab:pw", "the user of an HTTP proxy cannot contain a colon (RFC 7617 §2)"),
        ("tls", MissingRest, "tls", "tls needs more: write tls:HOST:PORT"),
        ("unix:/a | tls", MissingOption, "tls", "tls needs the option name: write tls?name=VALUE"),
        ("unix:/a | tls?nmae=b", UnknownOption, "nmae", "tls has no option nmae; did you mean name?"),
        ("tcp:a:1 | tls:b:2", UnexpectedRest, "b:2", "nothing may follow tls here except options after '?'"),
        ("tcp:a:1 | tls?name=b_,c", InvalidOption, "b_,c", "the option name cannot be \"b_,c\": it is not a host name or an IP address"),
        ("tcp:a:1 | tls?insecure=yes", UnknownOption, "insecure", "tls has no option insecure; it has alpn, ca, cert, key, name"),
        ("tcp:a:1 | tls?ca=/nonexistent", InvalidOption, "/nonexistent", "the option ca cannot be \"/nonexistent\": No such file or directory (os error 2)"),
        ("tcp:a:1 | tls?ca=/dev/zero", InvalidOption, "/dev/zero", "the option ca cannot be \"/dev/zero\": the file is over 4 MiB long"),
        ("tcp:a:1 | tls?cert=/nonexistent", MissingOption, "tls?cert=/nonexistent", "tls needs the option key: write tls?key=VALUE"),
    ];
    check(faults, |text| schemes.client(text).err());

    let long = format!("unix:/{}", "a".repeat(300));
    let error = schemes.client(&long).unwrap_err();
    let end = "is 301 bytes long, and an address has room for 107";
    assert!(error.reason().ends_with(end), "{error}");
    let long = format!("tcp:a:1 | socks5:{}:pw@b:2", "u".repeat(256));
    let error = schemes.client(&long).unwrap_err();
    assert_eq!(error.kind(), InvalidLogin);
}

fn a_wrong_server_says_what_and_where<O: On>() {
    use Kind::*;
    let schemes = O::schemes();
    let names: Vec<_> = schemes.server_names().collect();
    assert_eq!(names, ["fd", "systemd", "tcp", "tls", "unix"]);
    #[rustfmt::skip]
    let faults: &[Fault] = &[
        ("socks5:a:1", UnknownScheme, "socks5", "there is no server scheme socks5; it is for clients only"),
        ("tcp", MissingRest, "tcp", "tcp needs more: write tcp:HOST:PORT"),
        ("tcp:example.com:80", InvalidRest, "example.com:80", "tcp cannot use \"example.com:80\": no name is resolved here: write an IP address and a port number"),
        ("tcp:65536", InvalidRest, "65536", "tcp cannot use \"65536\": the port is not a number up to 65535"),
        ("tcp:*:http", InvalidRest, "*:http", "tcp cannot use \"*:http\": write a port, as in *:8080"),
        ("tcp:80?backlog=0", InvalidOption, "0", "the option backlog cannot be \"0\": write a number from 1 to 2147483647"),
        ("tcp:80?timeout=5s", UnknownOption, "timeout", "tcp has no option timeout; it has backlog, interface, keepalive, nodelay, reuse-port, v6-only"),
        ("fd:2", InvalidRest, "2", "fd cannot use \"2\": write a number from 3 to 2147483647"),
        ("fd:web", InvalidRest, "web", "fd cannot use \"web\": write a number from 3 to 2147483647"),
        ("fd", MissingRest, "fd", "fd needs more: write fd:NUMBER"),
        ("systemd", MissingRest, "systemd", "systemd needs more: write systemd:INDEX or systemd:NAME"),
        ("systemd:%FF", InvalidRest, "%FF", "systemd cannot use \"%FF\": the bytes are not UTF-8"),
        ("tcp:80 | fd:3", TakesNoBelow, "fd:3", "fd must be the first hop: it does not run over another one"),
        ("tcp:80 | tls", MissingOption, "tls", "tls needs the option cert: write tls?cert=VALUE"),
        ("tcp:80 | tls?crt=/a&key=/b", UnknownOption, "crt", "tls has no option crt; did you mean cert?"),
    ];
    check(faults, |text| schemes.server(text).err());
}

fn a_file_that_is_not_right_is_said_with_its_option<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let identity = authority.issue("tls.example").unwrap();
    let cert = scratch.write("cert.pem", &identity.chain_pem()).display().to_string();
    let key = scratch.write("key.pem", &identity.key_pem()).display().to_string();
    let other = authority.issue("tls.example").unwrap().key_pem();
    let other = scratch.write("other.pem", &other).display().to_string();
    let empty = scratch.write("empty.pem", "no PEM").display().to_string();
    for (options, mark, words) in [
        (format!("cert={empty}&key={key}"), &empty, "the file has no certificate in PEM"),
        (format!("cert={key}&key={key}"), &key, "the file has no certificate in PEM"),
        (format!("cert={cert}&key={cert}"), &cert, "the file has no private key in PEM"),
        (format!("cert={cert}&key={other}"), &other, "keys may not be consistent: KeyMismatch"),
        (format!("cert={cert}&key={key}&client-ca={empty}"), &empty, "no certificate in PEM"),
        (format!("cert={cert}&key={key}x"), &format!("{key}x"), "No such file or directory"),
    ] {
        let text = format!("tcp:0 | tls?{options}");
        let error = O::schemes().server(&text).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidOption, "{error}");
        assert_eq!(&text[error.place()], mark, "{error}");
        assert!(error.reason().contains(words), "{error}");
    }
    for key in ["ca", "cert"] {
        let text = format!("tls:localhost:1?{key}={empty}&key={other}");
        let error = O::schemes().client(&text).unwrap_err();
        assert!(error.reason().contains("the file has no certificate in PEM"), "{error}");
    }
}
