//! The reader of ssh_config without `ssh`: exact errors, what later releases read, questions, and
//! secrets. The comparison with `ssh -G` is in `tests/tests/ssh_config`.
#![cfg(unix)]

use std::path::Path;

use stagger_ssh::Destination;
use stagger_ssh::config::{
    ConfigError, ConfigFiles, Environment, Facts, HostConfig, MemoryFiles, ProxyConfig, Question,
    Reading, Release, Request, read,
};

fn environment() -> Environment {
    Environment::new("joe", "/home/joe")
        .with_uid(1000)
        .with_host_name("laptop.example.com")
        .with_variable("LAB", "/lab")
        .with_variable("EVIL", "a;b")
}

fn request() -> Request {
    Request::new("web".parse().unwrap()).with_files(ConfigFiles::file("/c"))
}

fn reading(text: &str, environment: &Environment) -> Result<Reading, ConfigError> {
    let files = MemoryFiles::new().with_file("/c", text).with_file("/d", "Port x\n");
    read(&request(), &files, environment, &Facts::new())
}

fn config_of(text: &str, environment: &Environment) -> HostConfig {
    let reading = reading(text, environment).unwrap_or_else(|error| panic!("{text}: {error}"));
    reading.done().unwrap_or_else(|| panic!("a question: {text}"))
}

fn error_of(text: &str, environment: &Environment) -> String {
    reading(text, environment).expect_err(text).to_string()
}

#[test]
fn an_error_names_the_file_the_line_the_word_and_what_to_do() {
    for (text, error) in [
        ("\nPort", "/c, line 2: \"Port\" has no value"),
        ("Port \"", "/c, line 1: a quote is not closed"),
        ("Port \"\"", "/c, line 1: Port has an empty value"),
        ("Port # x", "/c, line 1: Port has no value"),
        ("Port 1 2", "/c, line 1: Port has a second value \"2\""),
        ("Port http", "/c, line 1: Port \"http\" is no port from 1 to 65535"),
        ("Nope 1", "/c, line 1: \"Nope\" is no keyword; IgnoreUnknown can pass it over"),
        (
            "N\u{1b}[1m 1",
            "/c, line 1: \"N\\u{1b}[1m\" is no keyword; IgnoreUnknown can pass it over",
        ),
        ("User \u{202e}x y", "/c, line 1: User has a second value \"y\""),
        ("AddressFamily 4", "/c, line 1: AddressFamily \"4\" is not any, inet or inet6"),
        ("ConnectTimeout x", "/c, line 1: ConnectTimeout \"x\" is no time such as 30 or 1m30"),
        ("ConnectionAttempts x", "/c, line 1: ConnectionAttempts \"x\" is no number"),
        (
            "ProxyCommand -\nProxyUseFdpass yes",
            "ProxyCommand \"-\" and ProxyUseFdpass do not go together",
        ),
        ("ConnectionAttempts 0", "/c, line 1: ConnectionAttempts \"0\" is less than 1"),
        ("IdentitiesOnly x", "/c, line 1: IdentitiesOnly \"x\" is not yes or no"),
        (
            "CanonicalizeHostname x",
            "/c, line 1: CanonicalizeHostname \"x\" is not yes, no or always",
        ),
        (
            "StrictHostKeyChecking x",
            "/c, line 1: StrictHostKeyChecking \"x\" is not yes, no, ask or accept-new",
        ),
        ("ControlMaster x", "/c, line 1: ControlMaster \"x\" is not yes, no, ask, auto or autoask"),
        (
            "ControlPersist x",
            "/c, line 1: ControlPersist \"x\" is not yes, no or a time such as 1m30",
        ),
        (
            "UserKnownHostsFile none /a",
            "/c, line 1: UserKnownHostsFile has \"none\" and another value; \"none\" must be alone",
        ),
        ("UserKnownHostsFile \"\"", "/c, line 1: UserKnownHostsFile has an empty value"),
        ("CanonicalDomains a..b", "/c, line 1: CanonicalDomains \"a..b\" is no domain"),
        (
            "CanonicalizePermittedCNAMEs x",
            "/c, line 1: CanonicalizePermittedCNAMEs \"x\" is not of the form from:to",
        ),
        ("Host \"\"", "/c, line 1: Host has an empty pattern"),
        ("Include \"\"", "/c, line 1: Include has an empty file name"),
        ("Include /d", "/d, line 1: Port \"x\" is no port from 1 to 65535"),
        ("Match # x", "/c, line 1: Match has no criterion"),
        ("Match host", "/c, line 1: Match host has no value"),
        ("Match odd x", "/c, line 1: Match \"odd\" is no criterion"),
        (
            "Match all host x",
            "/c, line 1: Match all stands with other criteria; it must be alone, or after final or \
             canonical",
        ),
        (
            "Match exec %x",
            "/c, line 1: Match exec has a fault: \"%x\" is no token here; write \"%%\" for \"%\"",
        ),
        (
            "Match version x",
            "/c, line 1: Match version cannot be decided; give the version to the reader",
        ),
        (
            "Match localnetwork 192.0.2.0/24",
            "/c, line 1: Match localnetwork cannot be decided; give the addresses of this machine \
             to the reader",
        ),
        (
            "Match localnetwork 192.0.2.1/24",
            "/c, line 1: Match localnetwork \"192.0.2.1/24\" is no network",
        ),
        (
            "\nHostName %x",
            "/c, line 2: HostName has a fault: \"%x\" is no token here; write \"%%\" for \"%\"",
        ),
        (
            "ControlPath ${NO}/x",
            "/c, line 1: ControlPath has a fault: the environment variable \"NO\" is not set",
        ),
        (
            "IdentityFile ~sue/x",
            "/c, line 1: IdentityFile has a fault: \"sue\" is no user of this machine",
        ),
        (
            "IdentityAgent $a-b",
            "/c, line 1: IdentityAgent \"$a-b\" is no name of an environment variable",
        ),
        ("ProxyJump a,,b", "/c, line 1: ProxyJump \"\" is no [user@]host[:port] and no ssh:// URI"),
        ("ProxyJump -x", "/c, line 1: ProxyJump has a fault: the host \"-x\" begins with \"-\""),
        (
            "ProxyJump joe@web",
            "/c, line 1: ProxyJump leads back to the host itself, \"web\"; name another host",
        ),
        (
            "RefuseConnection \"use web2\"",
            "/c, line 1: RefuseConnection refuses a connection to this host: use web2",
        ),
        (&"IdentityFile /a\n".repeat(3), ""),
    ] {
        match error {
            "" => assert_eq!(config_of(text, &environment()).identity_files().len(), 1),
            _ => assert_eq!(error_of(text, &environment()), error, "{text:?}"),
        }
    }
    let text: String = (0..101).map(|n| format!("IdentityFile /{n}\n")).collect();
    let error = "/c, line 101: IdentityFile comes more than 100 times";
    assert_eq!(error_of(&text, &environment()), error);
    let text = format!("UserKnownHostsFile {}", "/a ".repeat(33));
    let error = "/c, line 1: UserKnownHostsFile has more than 32 values";
    assert_eq!(error_of(&text, &environment()), error);
    let error = error_of(&format!("Port {}", "9".repeat(1000)), &environment());
    let shown = format!("/c, line 1: Port \"{}\"… is no port from 1 to 65535", "9".repeat(60));
    assert_eq!(error, shown);
    let files = MemoryFiles::new().with_file("/c", b"User \xff\n");
    let error = read(&request(), &files, &environment(), &Facts::new()).unwrap_err();
    assert_eq!(error.to_string(), "/c, line 1: User has a value that is not UTF-8");
    assert_eq!((error.file(), error.line()), (Some(Path::new("/c")), Some(1)));
    let error = read(&request(), &MemoryFiles::new(), &environment(), &Facts::new()).unwrap_err();
    assert_eq!(error.to_string(), "/c: the file cannot be read: there is no such file");
    assert_eq!(error.line(), None);
}

#[test]
fn a_text_that_is_not_utf_8_is_no_fault_where_it_is_not_used() {
    let text = b"# \xff\nHost \xff\n  User \xff\nHost web\n  Compression \xff\n  Port 7\n";
    let files = MemoryFiles::new().with_file("/c", text);
    let reading = read(&request(), &files, &environment(), &Facts::new()).unwrap();
    assert_eq!(reading.done().unwrap().port(), 7);
}

#[test]
fn a_token_that_grows_without_limit_is_an_error() {
    let text = format!("HostName {}", "%h".repeat(30_000));
    let long: Destination = "x".repeat(1000).parse().unwrap();
    let request = Request::new(long).with_files(ConfigFiles::file("/c"));
    let files = MemoryFiles::new().with_file("/c", text);
    let error = read(&request, &files, &environment(), &Facts::new()).unwrap_err();
    let text = "/c, line 1: HostName has a fault: it has more than 64 KiB after its tokens are \
                replaced";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_name_of_more_than_1_kib_is_an_error() {
    let name = |length: usize| format!("HostName {}%h\n", "x".repeat(length - 3));
    assert_eq!(config_of(&name(1024), &environment()).host_name().len(), 1024);
    let error = "/c, line 1: HostName has a fault: it has more than 1 KiB";
    assert_eq!(error_of(&name(1025), &environment()), error);
}

#[test]
fn releases_differ_where_the_documentation_says_so() {
    let port = |text: &str, release| config_of(text, &environment().with_release(release)).port();
    let old = |minor| Release(9, minor);

    // Escapes in the words of a `Match`.
    let text = "Match host \"web\\\"x,web\"\n  Port 7\n";
    assert_eq!((port(text, Release(9, 8)), port(text, Release(9, 9))), (22, 7));
    // `Match !final` asks for a second pass, in which `Host` sees the host's name.
    let text = "HostName real\nMatch !final\n  ConnectTimeout 1\nHost real\n  Port 7\n";
    assert_eq!((port(text, Release(10, 0)), port(text, Release(10, 1))), (7, 22));
    // Tokens in `User`.
    let user = |release| {
        let environment = environment().with_release(release);
        config_of("User %u-%n${LAB}", &environment).user().to_owned()
    };
    assert_eq!(user(Release(10, 0)), "%u-%n${LAB}");
    assert_eq!(user(Release(10, 1)), "joe-web/lab");
    let error = "/c, line 1: User has a fault: \"%r\" is no token here; write \"%%\" for \"%\"";
    assert_eq!(error_of("User %r", &environment()), error);
    // `%j`, and `%C` with it. The hash is that of laptop.example.com, web, 22, joe and gw.
    let path = |text: &str, release| {
        let text = format!("ProxyJump sue@gw:7\nControlPath {text}\n");
        let config = config_of(&text, &environment().with_release(release));
        config.control_path().unwrap().display().to_string()
    };
    assert_eq!(path("/%j", old(6)), "/gw");
    assert_eq!(path("/%C", old(5)), "/3234aedfe29113615064f4e5d777321da0512592");
    assert_eq!(path("/%C", old(6)), "/1806f871460a9822036b95d8fa9cc6b47649f6ef");
    let error = error_of("ControlPath %j", &environment().with_release(old(5)));
    let text =
        "/c, line 1: ControlPath has a fault: \"%j\" is no token here; write \"%%\" for \"%\"";
    assert_eq!(error, text);
    // Tokens in an `Include`.
    let error = error_of("Include /%x", &environment());
    let text = "/c, line 1: Include has a fault: \"%x\" is no token here; write \"%%\" for \"%\"";
    assert_eq!(error, text);
    let files = MemoryFiles::new()
        .with_file("/c", "Include ${LAB}/%h")
        .with_file("/lab/web", "Port 7")
        .with_file("/${LAB}/%h", "Port 8");
    let include = |release| {
        let environment = environment().with_release(release);
        let reading = read(&request(), &files, &environment, &Facts::new()).unwrap();
        reading.done().unwrap().port()
    };
    assert_eq!((include(Release(9, 8)), include(Release(9, 9))), (22, 7));
    // `ProxyJump none` and canonical names.
    let text = "CanonicalizeHostname yes\nCanonicalDomains x\nProxyJump none\n";
    let asks = |release| reading(text, &environment().with_release(release)).unwrap().done();
    assert!(asks(old(3)).is_some() && asks(old(4)).is_none());
}

#[test]
fn criteria_of_later_releases_are_decided() {
    let environment = environment()
        .with_version("OpenSSH_10.0p2")
        .with_local_addresses(["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()]);
    for (criterion, holds) in [
        ("version OpenSSH_10.*", true),
        ("version OpenSSH_9.*", false),
        ("tagged \"\"", false),
        ("tagged lab", true),
        ("tagged=l?b", true),
        ("tagged other", false),
        ("command \"\"", true),
        ("command x", false),
        ("sessiontype none", true),
        ("sessiontype shell", false),
        ("localnetwork 192.0.2.0/24", true),
        ("localnetwork 198.51.100.0/24", false),
        ("localnetwork 198.51.100.0/24,2001:db8::/32", true),
        ("localnetwork 2001:db8::7", true),
        ("localnetwork 0.0.0.0/0,!192.0.2.7", false),
        ("!localnetwork 192.0.2.0/24", false),
    ] {
        let text = format!("Tag lab\nMatch {criterion}\n  Port 7\n");
        let port = config_of(&text, &environment).port();
        assert_eq!(port == 7, holds, "{criterion}");
    }
}

#[test]
fn a_question_is_asked_once_and_only_where_its_answer_matters() {
    let text = "Match host db exec one\n  Port 1\nMatch exec \"two %h\"\n  Port 2\n\
                Match exec \"two %h\"\n  User sue\nHost db\n  Include /in\n";
    let files = MemoryFiles::new().with_file("/c", text).with_file("/in", "Match exec three\n");
    let asked = |facts: &Facts| match read(&request(), &files, &environment(), facts).unwrap() {
        Reading::Asks(Question::Exec(exec)) => Err((exec.command().to_owned(), exec.line())),
        Reading::Done(config) => Ok((config.port(), config.user().to_owned())),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&Facts::new()), Err(("two web".to_owned(), 3)));
    assert_eq!(asked(&Facts::new().with_exec("two web", true)), Ok((2, "sue".to_owned())));
    assert_eq!(asked(&Facts::new().with_exec("two web", false)), Ok((22, "joe".to_owned())));
}

#[test]
fn names_are_asked_for_in_their_order_and_the_first_that_exists_wins() {
    let text = "CanonicalizeHostname yes\nCanonicalDomains a b c\nHost web.b\n  Port 7\n\
                AddressFamily inet\n";
    let asked = |facts: &Facts| {
        let files = MemoryFiles::new().with_file("/c", text);
        match read(&request(), &files, &environment(), facts).unwrap() {
            Reading::Asks(Question::Resolve(names)) => Err(names.names().join(" ")),
            Reading::Done(config) => Ok((config.host_name().to_owned(), config.port())),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(asked(&Facts::new()), Err("web.a. web.b. web.c.".to_owned()));
    let facts = Facts::new().without_name("web.a.");
    assert_eq!(asked(&facts), Err("web.b. web.c.".to_owned()));
    let facts = facts.with_name("web.b.", "web.b");
    assert_eq!(asked(&facts), Ok(("web.b".to_owned(), 7)));
    let none =
        ["web.a.", "web.b.", "web.c."].iter().fold(Facts::new(), |it, n| it.without_name(*n));
    assert_eq!(asked(&none), Ok(("web".to_owned(), 22)));
}

#[test]
fn given_jump_hosts_replace_those_of_the_configuration() {
    let text = "ProxyJump a,b\nProxyCommand nc %h %p\n";
    let files = MemoryFiles::new().with_file("/c", text);
    let proxy = |jumps: &[&str]| {
        let jumps = jumps.iter().map(|jump| jump.parse().unwrap());
        let request = request().with_jumps(jumps);
        let reading = read(&request, &files, &environment(), &Facts::new()).unwrap();
        reading.done().unwrap().proxy().clone()
    };
    let hop: Destination = "ssh://sue%40x@[::1]:7".parse().unwrap();
    assert_eq!(proxy(&["ssh://sue%40x@[::1]:7"]), ProxyConfig::Jump(vec![hop]));
    assert_eq!(proxy(&[]), ProxyConfig::Direct);
}

#[test]
fn a_hop_has_its_tokens_replaced_and_is_checked_then() {
    let environment = environment();
    let config = config_of("ProxyJump %r@%h-gw,ssh://b:7\n", &environment);
    let hops = vec!["joe@web-gw".parse().unwrap(), "ssh://b:7".parse().unwrap()];
    assert_eq!(*config.proxy(), ProxyConfig::Jump(hops));
    let files = MemoryFiles::new().with_file("/c", "ProxyJump joe@%n:7\nHostName x\n");
    let request = Request::new("prod/db".parse().unwrap()).with_files(ConfigFiles::file("/c"));
    let reading = read(&request, &files, &environment, &Facts::new()).unwrap();
    let hop = Destination::new("prod/db").unwrap().with_user("joe").unwrap().with_port(7);
    assert_eq!(*reading.done().unwrap().proxy(), ProxyConfig::Jump(vec![hop]));
    let config = config_of("User a;b\nHost db\n  ProxyJump %r@gw\n", &environment);
    assert_eq!(*config.proxy(), ProxyConfig::Direct);
    let error = "/c, line 2: ProxyJump has a fault: the user \"a;b\" has the character \";\"";
    assert_eq!(error_of("User a;b\nProxyJump %r@gw\n", &environment), error);
}

#[test]
fn commands_are_in_no_error_and_in_no_debug_text() {
    let text = "ProxyCommand nc --auth s3cret %h %p\nMatch exec \"check s3cret\"\n";
    let asks = reading(text, &environment()).unwrap();
    assert!(!format!("{asks:?}").contains("s3cret"), "{asks:?}");
    let facts = Facts::new().with_exec("check s3cret", true);
    assert!(!format!("{facts:?}").contains("s3cret"), "{facts:?}");
    let files = MemoryFiles::new().with_file("/c", text);
    let config = read(&request(), &files, &environment(), &facts).unwrap().done().unwrap();
    assert_eq!(*config.proxy(), ProxyConfig::Command("nc --auth s3cret web 22".to_owned()));
    assert!(!format!("{config:?}").contains("s3cret"), "{config:?}");
    let environment = environment().with_variable("PASSWORD", "s3cret");
    assert!(!format!("{environment:?}").contains("s3cret"), "{environment:?}");
    for text in
        ["ProxyCommand nc s3cret %x\n", "ProxyCommand nc \"s3cret\n", "Match exec \"s3cret %x\"\n"]
    {
        let error = error_of(text, &environment);
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn keywords_that_are_passed_over_are_noted_once_each() {
    let text = "IgnoreUnknown Odd\nHost db\n  Compression yes\nHost web\n  forwardagent no\n  Odd x\n\
                Match final\n  BatchMode yes\n";
    let config = config_of(text, &environment());
    let notes: Vec<_> = config.notes().iter().map(|note| (note.keyword(), note.line())).collect();
    assert_eq!(notes, [("ForwardAgent", 5), ("Odd", 6), ("BatchMode", 8)]);
    let many = "Compression yes\n".repeat(2000);
    assert_eq!(config_of(&many, &environment()).notes().len(), 1000);
}
