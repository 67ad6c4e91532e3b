//! The scheme `ssh`. That connections go through real hosts is proved by the tests of the command.

use stagger::Endpoint as _;
use stagger_endpoint::EndpointErrorKind as Kind;
use stagger_tests::Scratch;

use crate::on::{On, client, echo_server};

each_runtime! {
    an_alias_leads_to_its_ssh_port_by_the_file_of_the_text,
    the_login_and_the_options_of_a_text_are_those_of_ssh,
    a_wrong_host_says_what_and_where,
    a_target_behind_a_host_that_is_not_there_names_the_host,
}

fn an_alias_leads_to_its_ssh_port_by_the_file_of_the_text<O: On>() {
    let (scratch, addr) = (Scratch::new(), echo_server());
    let lines = format!("Host prod/db\n  HostName {}\n  Port {}\n", addr.ip(), addr.port());
    let config = scratch.write("config", &lines);
    let endpoint = client::<O>(&O::schemes(), &format!("ssh:prod/db?config={}", config.display()));
    assert!(endpoint.target().is_none(), "an alias is no host name");
    O::run(async {
        let connect = endpoint.dialer(O::timer()).connect_addresses([endpoint.clone()]);
        let (mut stream, report) = connect.with_report().await.unwrap();
        assert_eq!(O::peer(&stream), Some(&*addr.to_string()));
        assert_eq!(O::exchange(&mut stream, b"hello").await.unwrap(), b"hello");
        let [attempt] = report.attempts() else { panic!("{report:?}") };
        assert_eq!(attempt.address.to_string(), endpoint.name());
        let [race] = &*attempt.children else { panic!("{report:?}") };
        assert_eq!(race.attempts()[0].address, addr.to_string());
    });
}

fn the_login_and_the_options_of_a_text_are_those_of_ssh<O: On>() {
    let (scratch, addr) = (Scratch::new(), echo_server());
    let lines = format!("Match user joe\n  HostName {}\n", addr.ip());
    let config = scratch.write("two words", &lines);
    let path = config.display().to_string().replace(' ', "%20");
    for backend in ["control", "command"] {
        let options = format!("port={}&config={path}&backend={backend}", addr.port());
        let endpoint = client::<O>(&O::schemes(), &format!("ssh:joe@nosuch.test?{options}"));
        let stream = O::run(endpoint.connect()).unwrap();
        assert_eq!(O::peer(&stream), Some(&*addr.to_string()));
    }
    let text = format!("ssh:127.0.0.1?port={}&config=none", addr.port());
    let stream = O::run(client::<O>(&O::schemes(), &text).connect()).unwrap();
    assert_eq!(O::peer(&stream), Some(&*addr.to_string()));
}

fn a_wrong_host_says_what_and_where<O: On>() {
    let jump = "ssh must be the first hop: write a jump host into the SSH configuration, with \
                ProxyJump";
    let password = "ssh takes no password: its configuration names keys and agents";
    let dash =
        "ssh cannot use \"-oProxyCommand=x\": the host \"-oProxyCommand=x\" begins with \"-\"";
    for (text, kind, mark, reason) in [
        ("ssh", Kind::MissingRest, "ssh", "ssh needs more: write ssh:HOST"),
        ("ssh:a | ssh:b", Kind::TakesNoBelow, "ssh:b", jump),
        ("tcp:a:1 | ssh:b", Kind::TakesNoBelow, "ssh:b", jump),
        ("ssh:joe:pw@a", Kind::InvalidLogin, "joe:pw", password),
        (
            "ssh:a:2222",
            Kind::InvalidRest,
            "a:2222",
            "ssh cannot use \"a:2222\": a port is an option: write ssh:HOST?port=NUMBER",
        ),
        (
            "ssh://a",
            Kind::InvalidRest,
            "//a",
            "ssh cannot use \"//a\": no slashes are before the host: write ssh:HOST",
        ),
        ("ssh:-oProxyCommand=x", Kind::InvalidRest, "-oProxyCommand=x", dash),
        (
            "ssh:a?port=0",
            Kind::InvalidOption,
            "0",
            "the option port cannot be \"0\": write a number from 1 to 65535",
        ),
        (
            "ssh:a?backend=russh",
            Kind::InvalidOption,
            "russh",
            "the option backend cannot be \"russh\": write control or command",
        ),
        (
            "ssh:a?user=joe",
            Kind::UnknownOption,
            "user",
            "ssh has no option user; it has backend, config, port",
        ),
        (
            "ssh:a | tls",
            Kind::NeedsBelow,
            "tls",
            "tls cannot follow the hop before it: write a target between, as in tcp:HOST:PORT | tls",
        ),
    ] {
        let error = O::schemes().client(text).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (kind, reason), "{text}");
        assert_eq!(&text[error.place()], mark, "{text}");
    }
}

fn a_target_behind_a_host_that_is_not_there_names_the_host<O: On>() {
    let scratch = Scratch::new();
    let text = format!("ssh:gate?config={}", scratch.path().join("nosuch").display());
    for text in [text.clone(), format!("{text} | tcp:db.internal:5432 | tls")] {
        let endpoint = client::<O>(&O::schemes(), &text);
        let error = O::run(endpoint.connect()).err().unwrap();
        assert!(error.is_final(), "no other attempt can have another configuration");
        let line = format!("{error:#}");
        assert!(line.starts_with("SSH host gate: "), "{line}");
        assert!(line.contains("nosuch"), "{line}");
    }
}
