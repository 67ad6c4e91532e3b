//! The text of endpoints: what is read, what is refused and how, and the round trip.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use stagger::Target;
use stagger_endpoint::EndpointErrorKind as Kind;
use stagger_endpoint::{ClientEndpoint, EndpointText, Hop, Login, Schemes};

fn parsed(text: &str) -> EndpointText {
    EndpointText::parse(text).unwrap_or_else(|error| panic!("{error}\n{}", error.pointed()))
}

#[test]
fn each_part_of_a_text_is_read_with_its_place() {
    let text =
        " TCP:[fe80::1%eth0]:22?timeout=5s&bind=[::1%lo]:0 |socks5:m%3Ae:a%7Cb%20%25@h:1|tls ";
    let endpoint = parsed(text);
    let [tcp, socks5, tls] = endpoint.hops() else { panic!("there are three hops") };
    assert_eq!((tcp.scheme(), tcp.rest(), tcp.login()), ("tcp", "[fe80::1%eth0]:22", None));
    assert_eq!(tcp.text(), b"[fe80::1%eth0]:22");
    let options: Vec<_> = tcp.options().collect();
    assert_eq!(options, [("timeout", &b"5s"[..]), ("bind", b"[::1%lo]:0")]);
    assert_eq!(&text[tcp.place()], "TCP:[fe80::1%eth0]:22?timeout=5s&bind=[::1%lo]:0");
    let login = socks5.login().unwrap();
    assert_eq!((login.user(), login.password()), (&b"m:e"[..], Some(&b"a|b %"[..])));
    assert_eq!(&text[socks5.place()], "socks5:m%3Ae:a%7Cb%20%25@h:1");
    assert_eq!((tls.scheme(), tls.rest(), &text[tls.place()]), ("tls", "", "tls"));

    let shown =
        "tcp:[fe80::1%eth0]:22?timeout=5s&bind=%5B::1%25lo%5D:0 | socks5:m%3Ae:***@h:1 | tls";
    assert_eq!(endpoint.to_string(), shown);
    assert_eq!(parsed(&endpoint.expose_secrets()), endpoint);
}

#[test]
fn a_path_and_an_abstract_name_are_read_decoded() {
    for (text, decoded) in [
        ("unix:/run/two%20words", &b"/run/two words"[..]),
        ("unix:@name", b"@name"),
        ("unix:/a:b", b"/a:b"),
        ("unix:%FF", b"\xff"),
        ("unix:", b""),
        ("unix", b""),
    ] {
        assert_eq!(parsed(text).hops()[0].text(), decoded, "{text}");
    }
    // An empty rest prints without a colon.
    assert_eq!(parsed("unix:").to_string(), "unix");
}

#[test]
fn a_target_is_read_decoded() {
    for (text, target) in [
        ("tcp:a%26b:80", "a&b:80"),
        ("tcp:ex%61mple.com:80", "example.com:80"),
        ("tcp:%5B::1%5D:80", "[::1]:80"),
        ("tcp:[fe80::1%a&b]:80?a=1&b=2", "[fe80::1%a&b]:80"),
    ] {
        assert_eq!(parsed(text).hops()[0].target(), Target::parse(target), "{text}");
    }
    for text in ["tcp:a%0D%0Ab:80", "tcp:a%20b:80", "tcp:%FF:80", "tcp:a%7Cb:80", "tcp:a%25b:80"] {
        assert!(parsed(text).hops()[0].target().is_err(), "{text}");
    }
    let error = EndpointText::parse("tcp:[fe80::1%a&b]&c:80").unwrap_err();
    assert_eq!((error.kind(), error.place()), (Kind::ReservedCharacter, 17..18));
}

#[test]
fn a_text_that_is_wrong_says_what_and_where() {
    use Kind::*;
    let many_options: String = (0..33).map(|n| format!("&k{n}=v")).collect();
    let many_options = format!("a?{}", &many_options[1..]);
    for (text, kind, mark, reason) in [
        ("", Empty, "", "the text is empty"),
        (" \t", Empty, "", "the text is empty"),
        (
            "tcp:a:1 | | tls",
            Empty,
            "",
            "a hop is empty: there must be a scheme on both sides of each '|'",
        ),
        (
            "tcp:a:1 |",
            Empty,
            "",
            "a hop is empty: there must be a scheme on both sides of each '|'",
        ),
        (
            "example.com/x:80",
            InvalidScheme,
            "example.com/x",
            "\"example.com/x\" is not a scheme; a scheme has letters and digits",
        ),
        (":80", InvalidScheme, "", "the scheme is missing, as in tcp:example.com:443"),
        (
            "8080",
            InvalidScheme,
            "8080",
            "\"8080\" is not a scheme; a scheme has letters and digits",
        ),
        ("unix:/a b", ReservedCharacter, " ", "a blank must be written %20 here"),
        ("unix:/a\nb", ReservedCharacter, "\n", "'\\n' must be written %0A here"),
        (
            "unix:/a\u{202e}b",
            ReservedCharacter,
            "\u{202e}",
            "'\\u{202e}' must be written %E2%80%AE here",
        ),
        (
            "x?k=\u{2066}b",
            ReservedCharacter,
            "\u{2066}",
            "'\\u{2066}' must be written %E2%81%A6 here",
        ),
        ("unix:/a&b", ReservedCharacter, "&", "'&' must be written %26 here"),
        ("x:u@h@i", ReservedCharacter, "@", "'@' must be written %40 here"),
        ("x:u:p:q@h", ReservedCharacter, ":", "':' must be written %3A here"),
        ("x?k=a@b", ReservedCharacter, "@", "'@' must be written %40 here"),
        (
            "unix:/100%",
            InvalidEscape,
            "%",
            "two hexadecimal digits must follow '%'; a '%' itself is written %25",
        ),
        (
            "x?k=%g0",
            InvalidEscape,
            "%",
            "two hexadecimal digits must follow '%'; a '%' itself is written %25",
        ),
        ("x?quick", MalformedOption, "quick", "the option \"quick\" has no value: write key=value"),
        ("x?", MalformedOption, "", "an option is empty: write key=value"),
        ("x?a=1&", MalformedOption, "", "an option is empty: write key=value"),
        (
            "x?A=1",
            MalformedOption,
            "A=1",
            "\"A\" is not an option's name; a name has small letters, digits and '-'",
        ),
        ("x?a=1&b=2&a=3", RepeatedOption, "a=3", "the option \"a\" is there twice"),
        (&many_options, TooManyOptions, "k32=v", "a hop has more than 32 options"),
    ] {
        let error = EndpointText::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (kind, reason), "{text:?}");
        assert_eq!(&text[error.place()], mark, "{text:?}");
    }
}

#[test]
fn a_text_of_a_hundred_hops_or_of_a_megabyte_is_an_error_in_bounded_memory() {
    let hops = vec!["socks5:proxy:1080"; 100].join(" | ");
    let error = EndpointText::parse(&hops).unwrap_err();
    assert_eq!((error.kind(), error.reason()), (Kind::TooManyHops, "there are more than 16 hops"));
    assert_eq!(error.place(), 320..337);
    assert!(EndpointText::parse(&hops[..317]).is_ok());

    let error = EndpointText::parse(&"a".repeat(1 << 20)).unwrap_err();
    assert_eq!(error.kind(), Kind::TooLong);
    assert_eq!(error.to_string(), "bad endpoint at byte 0: the text is over 8192 bytes long");
    assert_eq!(error.pointed().to_string(), "");
    assert!(EndpointText::parse(&"a".repeat(8192)).is_ok());
}

#[test]
fn a_part_of_a_megabyte_is_an_error_that_prints() {
    let long = "a|".repeat(1 << 19);
    let hop = Hop::new("a").unwrap();
    for error in [Hop::new(&long).unwrap_err(), hop.with_option(&long, "v").unwrap_err()] {
        assert_eq!((error.kind(), error.pointed().to_string()), (Kind::TooLong, String::new()));
    }
    // A mark can be as long as a text.
    let error = Hop::new(&"|".repeat(8192)).unwrap_err();
    assert_eq!(error.pointed().to_string().len(), 2 * 8192 + 1);
}

#[test]
fn a_text_of_parts_has_the_same_limits() {
    let mut text = EndpointText::new(Hop::new("a").unwrap());
    for _ in 1..16 {
        text = text.with_hop(Hop::new("b").unwrap()).unwrap();
    }
    assert_eq!(text.with_hop(Hop::new("c").unwrap()).unwrap_err().kind(), Kind::TooManyHops);
    assert_eq!(Hop::new("no scheme").unwrap_err().kind(), Kind::InvalidScheme);
    let hop = Hop::new("a").unwrap().with_option("k", "v").unwrap();
    assert_eq!(hop.clone().with_option("k", "v").unwrap_err().kind(), Kind::RepeatedOption);
    assert_eq!(hop.with_option("K", "v").unwrap_err().kind(), Kind::MalformedOption);
}

#[test]
fn the_mark_of_a_repeated_option_is_below_the_second() {
    let error = EndpointText::parse("tcp:a:1?timeout=5s&timeout=6s").unwrap_err();
    let pointed = "tcp:a:1?timeout=5s&timeout=6s\n                   ^^^^^^^^^^";
    assert_eq!(error.pointed().to_string(), pointed);
}

/// The password, and a word with each reserved byte in it that was not encoded.
const SECRETS: [&str; 11] = [
    "hunter2",
    "hun|hunter2",
    "hun@hunter2",
    "hun?hunter2",
    "hun&hunter2",
    "hun:hunter2",
    "hun hunter2",
    "hun%hunter2",
    "hunter2|x:hunter2",
    "hunter2|x:hunter2:hunter2",
    "hun?k=1&hunter2=1&hunter2=2&k=3",
];

#[test]
fn no_output_has_a_password_whether_the_text_is_right_or_wrong() {
    let schemes = Schemes::<()>::new()
        .with_client("dial", |hop| {
            hop.target()?;
            Ok(ClientEndpoint::new(stagger::connect::endpoint_fn(|| async {
                Ok::<_, std::io::Error>(())
            })))
        })
        .with_client("fails", |hop| {
            hop.login();
            Err(hop.login_error("the password has the wrong length").into())
        });
    let mut outputs = Vec::new();
    for secret in SECRETS {
        for text in [
            format!("x:me:{secret}@host:1"),
            format!("dial:a:1 | x:me:{secret}@host:1 | tls"),
            format!("dial:me:{secret}@host:1"),
            format!("dial:a:1?password={secret}"),
            format!("dial:a:1?x=1&password={secret}"),
            format!("fails:me:{secret}@host:1"),
        ] {
            // There `&` separates options, and nothing tells that it does not.
            if text.contains("password=") && secret.contains("&hunter2=") {
                continue;
            }
            match EndpointText::parse(&text) {
                // It is a text of two hops.
                Ok(_) if secret.contains('|') => {}
                Ok(endpoint) => {
                    outputs.push(format!("{endpoint} {endpoint:?} {:?}", endpoint.hops()))
                }
                Err(error) => outputs.push(format!("{error} {error:?} {}", error.pointed())),
            }
            let error = schemes.client(&text).unwrap_err();
            outputs.push(format!("{error} {error:#?} {}", error.pointed()));
        }
    }
    assert_eq!(outputs.len(), 114);
    for output in outputs {
        assert!(!output.contains("hunter2"), "{output}");
    }
}

#[test]
fn letters_and_accents_of_every_script_need_no_encoding() {
    // The last one is written with an accent of its own, as macOS writes paths.
    for path in ["/m\u{fc}ller", "/\u{5d0}\u{5d1}", "/\u{4e2d}", "/e\u{301}"] {
        assert_eq!(parsed(&format!("unix:{path}")).hops()[0].text(), path.as_bytes());
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    // Reserved bytes come often.
    vec(prop_oneof![any::<u8>(), prop::sample::select(b"|?&@:% []=a/".to_vec())], 0..12)
}

fn hop() -> impl Strategy<Value = Hop> {
    let login = option::of((bytes(), option::of(bytes())));
    let options = prop::collection::btree_map("[a-z][a-z0-9-]{0,8}", bytes(), 0..4);
    ("[a-z][a-z0-9+.-]{0,8}", login, bytes(), options).prop_map(|(scheme, login, rest, options)| {
        let mut hop = Hop::new(&scheme).unwrap().with_text(rest);
        if let Some((user, password)) = login {
            let login = Login::new(user);
            hop = hop.with_login(match password {
                Some(password) => login.with_password(password),
                None => login,
            });
        }
        options.into_iter().fold(hop, |hop, (key, value)| hop.with_option(&key, value).unwrap())
    })
}

/// Hosts and services with each character that they may have.
fn target() -> impl Strategy<Value = Target> {
    let ipv6 = "\\[fe80::[0-9a-f]{1,4}%[a-z][!\"$&'()*+,.;=_`{}~-]{0,4}\\]";
    let name = "[a-z][!\"$&'()*+,;=_`{}~-]{0,8}";
    let umlaut = if cfg!(feature = "idna") { "b\u{fc}cher\\.de\\.?" } else { "bucher\\.de\\.?" };
    let host = prop_oneof![ipv6, name, umlaut, Just("192.0.2.1".to_owned())];
    let service = prop_oneof!["[0-9]{1,4}", "[a-z][!\"$&'()*+,.;=_`{}~-]{0,8}"];
    (host, service).prop_map(|(host, service)| {
        let text = format!("{host}:{service}");
        Target::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    })
}

proptest! {
    #[test]
    fn random_targets_survive_a_round_trip(first in target(), second in target()) {
        let hop = |target| Hop::new("tcp").unwrap().with_target(target).with_option("a", "b");
        let hops = [hop(&first).unwrap(), hop(&second).unwrap()];
        let [one, two] = hops.clone();
        let text = EndpointText::new(one).with_hop(two.with_login(Login::new("me"))).unwrap();
        let again = EndpointText::parse(&text.expose_secrets()).unwrap();
        prop_assert_eq!(&again, &text);
        for (hop, target) in again.hops().iter().zip([first, second]) {
            prop_assert_eq!(hop.target().unwrap(), target.clone());
            let bytes = Hop::new("tcp").unwrap().with_text(target.to_string());
            prop_assert_eq!(bytes.target().unwrap(), target);
        }
    }

    #[test]
    fn random_values_survive_a_round_trip(first in hop(), more in vec(hop(), 0..5)) {
        let rest = more.into_iter();
        let text = rest.fold(EndpointText::new(first), |text, hop| text.with_hop(hop).unwrap());
        let written = text.expose_secrets();
        let again = EndpointText::parse(&written).unwrap();
        prop_assert_eq!(&again, &text);
        prop_assert_eq!(again.expose_secrets(), written);
        for (read, made) in again.hops().iter().zip(text.hops()) {
            prop_assert_eq!(read.text(), made.text());
        }
        // What it prints is a text too, with another password.
        prop_assert!(EndpointText::parse(&text.to_string()).is_ok());
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_place_in_it(text in "(.|[|?&@:% a]){0,40}") {
        match EndpointText::parse(&text) {
            Ok(endpoint) => {
                let again = EndpointText::parse(&endpoint.expose_secrets()).unwrap();
                prop_assert_eq!(again, endpoint);
            }
            Err(error) => {
                prop_assert!(text.get(error.place()).is_some());
                let pointed = error.pointed().to_string();
                prop_assert!(pointed.is_empty() || pointed.lines().count() == 2, "{}", pointed);
                prop_assert_eq!(error.to_string().lines().count(), 1);
            }
        }
    }
}
