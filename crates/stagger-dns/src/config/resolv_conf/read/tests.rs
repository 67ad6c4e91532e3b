use std::net::SocketAddr;

use super::*;

fn parse(text: &str) -> Parsed<Config> {
    Config::parse(text.as_bytes(), &Environment::new())
}

fn servers(text: &str) -> Vec<String> {
    parse(text).value.servers().iter().map(ToString::to_string).collect()
}

fn warnings(parsed: &Parsed<Config>) -> Vec<String> {
    parsed.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn servers_search_list_and_options_are_read() {
    let parsed = parse(
        "# a comment\n; another \u{ff}\nnameserver 192.0.2.53\nnameserver\t2001:db8::53\r\n\
         search Example.com sub.example.com.\noptions ndots:3 timeout:2\n\
         options attempts:4 rotate use-vc edns0 no-aaaa no-tld-query\n",
    );
    let config = Config::new()
        .with_servers([
            SocketAddr::from(([192, 0, 2, 53], 53)),
            "[2001:db8::53]:53".parse().unwrap(),
        ])
        .and_then(|config| config.with_search(["example.com", "sub.example.com"]))
        .and_then(|config| config.with_ndots(3))
        .and_then(|config| config.with_timeout(Duration::from_secs(2)))
        .and_then(|config| config.with_attempts(4))
        .map(|config| config.with_rotate(true).with_use_vc(true).with_edns0(true))
        .map(|config| config.with_no_aaaa(true).with_no_tld_query(true))
        .unwrap();
    assert_eq!(parsed, Parsed { value: config, warnings: Warnings::default() });
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "\n", "# nothing\n", "   \n\t\n"] {
        assert_eq!(parse(text), Parsed::default(), "{text:?}");
    }
    assert_eq!(servers(""), ["127.0.0.1:53"]);
}

#[test]
fn a_server_keeps_its_zone() {
    let environment = Environment::new().with_interface_index(|name| (name == "eth0").then_some(4));
    let file = b"nameserver fe80::1%eth0\nnameserver fe80::2%9\nnameserver fe80::3%eth1\n";
    let parsed = Config::parse(file, &environment);
    assert_eq!(
        parsed.value.servers(),
        ["[fe80::1%4]:53", "[fe80::2%9]:53"].map(|text| text.parse::<SocketAddr>().unwrap())
    );
    assert_eq!(
        warnings(&parsed),
        [r#"line 3: "fe80::3%eth1" has a zone that is no interface of this machine"#]
    );
}

#[test]
fn of_search_and_domain_the_last_counts() {
    for (text, expected) in [
        ("search a b\ndomain c\n", &["c"][..]),
        ("domain c\nsearch a b\n", &["a", "b"]),
        ("search a\nsearch b\n", &["b"]),
        // A keyword needs a value.
        ("search a\nsearch\n", &["a"]),
        ("domain a\ndomain  \n", &["a"]),
        ("search .\n", &["."]),
        // A comment begins only at the beginning of a line.
        ("search a # b\n", &["a", "#", "b"]),
        ("search a ;b\n", &["a", ";b"]),
        ("#search a\n;search b\n # search c\n", &[]),
        // The only name is invalid, so the search list is set and empty.
        ("search \u{fc}\n", &[]),
    ] {
        assert_eq!(parse(text).value.search(), expected, "{text:?}");
    }
}

#[test]
fn without_a_search_list_it_is_the_domain_of_the_host_name() {
    let search = |host_name: &str, text: &str| {
        let environment = Environment::new().with_host_name(host_name);
        Config::parse(text.as_bytes(), &environment).value.search().to_vec()
    };
    assert_eq!(search("host.Example.com", ""), ["example.com"]);
    assert_eq!(search("host.example.com", "search a"), ["a"]);
    assert!(search("host", "").is_empty());
    assert!(search("host.", "").is_empty());
    assert!(search("", "").is_empty());
}

#[test]
fn local_domain_overrides_the_search_list() {
    let search = |local_domain: &str| {
        let environment =
            Environment::new().with_host_name("h.example").with_local_domain(local_domain);
        Config::parse(b"search a\ndomain b\n", &environment).value.search().to_vec()
    };
    assert_eq!(search("c"), ["c"]);
    assert_eq!(search("c  d\te\nf"), ["c", "d", "e"]);
    assert!(search("").is_empty());
}

#[test]
fn res_options_are_read_after_the_files_options() {
    let environment = Environment::new().with_res_options("ndots:5 rotate  timeout:x");
    let parsed = Config::parse(b"options ndots:3 timeout:7\n", &environment);
    assert_eq!(parsed.value.ndots(), 5);
    assert!(parsed.value.rotate());
    assert_eq!(parsed.value.timeout(), Duration::from_secs(7));
    assert_eq!(warnings(&parsed), [r#"RES_OPTIONS: "timeout:x" has a value that is no number"#]);

    let environment = Environment::new().with_res_options("no-aaaa");
    assert!(Config::parse(b"options rotate\n", &environment).value.no_aaaa());
}

#[test]
fn the_words_of_options_are_matched_by_how_they_begin() {
    for (options, expected) in [
        ("no-aaaa", Config::new().with_no_aaaa(true)),
        ("no-aaaa:0", Config::new().with_no_aaaa(true)),
        ("no-aaaaa", Config::new().with_no_aaaa(true)),
        ("ndots:1 # no-aaaa", Config::new().with_no_aaaa(true)),
        ("ndots:1 ; no-aaaa", Config::new().with_no_aaaa(true)),
        ("rotate:1", Config::new().with_rotate(true)),
        ("use-vcs", Config::new().with_use_vc(true)),
        ("no_tld_query", Config::new().with_no_tld_query(true)),
        ("no-tld-query", Config::new().with_no_tld_query(true)),
        ("NO-AAAA no-aaa -no-aaaa xno-aaaa", Config::new()),
        ("ndots:3x", Config::new().with_ndots(3).unwrap()),
        ("ndots:", Config::new().with_ndots(0).unwrap()),
        ("ndots:x", Config::new().with_ndots(0).unwrap()),
        ("timeout: attempts:x", Config::new()),
        ("timeout:3s", Config::new().with_timeout(Duration::from_secs(3)).unwrap()),
    ] {
        assert_eq!(parse(&format!("options {options}\n")).value, expected, "{options}");
    }
}

#[test]
fn a_server_has_the_forms_of_inet_aton() {
    assert_eq!(
        servers("nameserver 127.2\nnameserver 0x7f.3\nnameserver 127.0.0.010 # eight\n"),
        ["127.0.0.2:53", "127.0.0.3:53", "127.0.0.8:53"]
    );
}

#[test]
fn numbers_out_of_range_are_capped_and_noted() {
    for (option, ndots, timeout, attempts) in [
        ("ndots:16", 15, 5, 2),
        ("ndots:99999999999999999999", 15, 5, 2),
        ("timeout:0", 1, 1, 2),
        ("timeout:31", 1, 30, 2),
        ("attempts:0", 1, 5, 1),
        ("attempts:6", 1, 5, 5),
    ] {
        let parsed = parse(&format!("options {option}\n"));
        let config = &parsed.value;
        assert_eq!(
            (config.ndots(), config.timeout().as_secs(), config.attempts()),
            (ndots, timeout, attempts),
            "{option}"
        );
        assert_eq!(
            warnings(&parsed),
            [format!("line 1: {option:?} is out of range and was capped")]
        );
    }
}

#[test]
fn what_is_wrong_or_unknown_is_passed_over_and_noted() {
    let parsed = parse(
        "nameserver\nnameserver 127.0.0.256\nnameserver 192.0.2.1 192.0.2.2 # here\nfrob nicate\n\
         sortlist 192.0.2.0\n nameserver 192.0.2.3\ndomain a b\n\
         options ndots ndots: ndots:-1 attempts:+1 frob debug frob:1\nNAMESERVER ::1\n",
    );
    assert_eq!(
        warnings(&parsed),
        [
            r#"line 1: "nameserver" has no value"#,
            r#"line 2: "127.0.0.256" is no IP address"#,
            r#"line 3: "192.0.2.2" comes after the one value that is taken"#,
            r#"line 4: "frob" is an unknown keyword"#,
            r#"line 5: "sortlist" is a keyword without a meaning here"#,
            r#"line 6: "nameserver" is an unknown keyword"#,
            r#"line 7: "b" comes after the one value that is taken"#,
            r#"line 8: "ndots" has no value"#,
            r#"line 8: "ndots:" has a value that is no number"#,
            r#"line 8: "ndots:-1" has a value that is no number"#,
            r#"line 8: "attempts:+1" has a value that is no number"#,
            r#"line 8: "frob" is an unknown option"#,
            r#"line 8: "debug" is an option without a meaning here"#,
            r#"line 8: "frob:1" is an unknown option"#,
            r#"line 9: "NAMESERVER" is an unknown keyword"#,
        ]
    );
    let expected = Config::new()
        .with_servers([SocketAddr::from(([192, 0, 2, 1], 53))])
        .and_then(|config| config.with_search(["a"]))
        .and_then(|config| config.with_ndots(0))
        .unwrap();
    assert_eq!(parsed.value, expected);
}

#[test]
fn servers_and_domains_beyond_the_limits_are_noted() {
    let many: String = (0..20).map(|n| format!("nameserver 192.0.2.{n}\n")).collect();
    let parsed = parse(&many);
    assert_eq!(parsed.value.servers().len(), Config::MAX_SERVERS);
    assert_eq!(parsed.warnings.count(), 4);
    assert_eq!(warnings(&parsed)[0], r#"line 17: "192.0.2.16" is one more than are taken"#);

    let parsed = parse(&format!("search {}\n", "a ".repeat(40)));
    assert_eq!(parsed.value.search().len(), Config::MAX_SEARCH);
    assert_eq!(parsed.warnings.count(), 8);
}

#[test]
fn a_server_on_two_lines_is_one_server_and_the_second_line_is_noted() {
    let parsed = parse("nameserver 192.0.2.1\nnameserver ::ffff:192.0.2.1\nnameserver ::1\n");
    let servers: Vec<_> = parsed.value.servers().iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["192.0.2.1:53", "[::1]:53"]);
    assert_eq!(warnings(&parsed), [r#"line 2: "::ffff:192.0.2.1" was set before"#]);
}

#[test]
fn a_large_file_of_anything_leaves_no_more_than_the_limits_allow() {
    for line in [&b"nameserver 192.0.2.1\n"[..], b"search a b c\n", b"\xff\x00 ", b"options x\n"] {
        let file = line.repeat(4_000_000 / line.len());
        let parsed = Config::parse(&file, &Environment::new());
        assert!(parsed.value.servers().len() <= Config::MAX_SERVERS);
        assert!(parsed.value.search().len() <= Config::MAX_SEARCH);
        assert!(parsed.warnings.iter().len() <= Warnings::MAX);
    }
}
