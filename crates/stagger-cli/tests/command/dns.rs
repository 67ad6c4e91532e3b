//! Lookups over DNS, without the system's resolver.

use std::net::TcpListener;

use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_testkit::ms;

use crate::run::{RUNTIMES, stagger};

#[test]
fn a_name_server_is_asked_for_each_family_and_each_answer_is_shown() {
    for runtime in RUNTIMES {
        let server = NameServer::start().unwrap();
        server.on("name.test", Record::A, Reply::addresses(["192.0.2.1"]).with_ttl(30));
        server.on("name.test", Record::Aaaa, Reply::no_address());
        let addr = server.addr().to_string();
        let run = stagger(&[
            "resolve",
            "name.test:443",
            "--answers",
            "--family",
            "v4",
            "--server",
            &addr,
            "--runtime",
            runtime,
        ]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let lines: Vec<_> = run.out.lines().collect();
        assert!(lines[0].ends_with(" ms  A      192.0.2.1, TTL 30 s"), "{run:?}");
        assert_eq!(lines[1..], ["192.0.2.1:443"], "{run:?}");
        assert_eq!(server.asked("name.test", Record::A), 1);
    }
}

#[test]
fn a_connect_goes_on_without_the_family_that_is_never_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for runtime in RUNTIMES {
        let server = NameServer::start().unwrap();
        server.on("name.test", Record::A, Reply::addresses(["127.0.0.1"]).after(ms(20)));
        server.on("name.test", Record::Aaaa, Reply::silence());
        let addr = server.addr().to_string();
        let target = format!("name.test:{port}");
        let run = stagger(&[
            "connect",
            &target,
            "--json",
            "--resolver",
            "dns",
            "--server",
            &addr,
            "--runtime",
            runtime,
        ]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let race = run.json();
        assert_eq!(race["peer"], format!("127.0.0.1:{port}"));
        let answered = |record: &str| {
            let queries = race["queries"].as_array().unwrap();
            queries.iter().any(|query| query["record"] == record && !query["ended_us"].is_null())
        };
        assert!(answered("A") && !answered("AAAA"), "{run:?}");
    }
}

#[test]
fn the_servers_words_reach_the_user() {
    let server = NameServer::start().unwrap();
    server.otherwise(Reply::code(5));
    let addr = server.addr().to_string();
    let run = stagger(&["resolve", "name.test:443", "--server", &addr]);
    assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
    let start = "error: could not resolve name.test:443: ";
    assert!(run.err.starts_with(start) && run.err.contains(&addr), "{run:?}");
}

#[test]
fn options_that_do_not_go_together_are_bad_usage() {
    for (options, words) in [
        (&["--server", "name.test"][..], "bad --server \"name.test\": not an IP address"),
        (&["--server", "192.0.2.53", "--resolver", "system"], "bad --server \"192.0.2.53\": "),
        (&["--resolver", "dns", "--lanes", "never"], "bad --lanes \"never\": "),
    ] {
        let run = stagger(&[&["resolve", "name.test:443"], options].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.starts_with(&format!("error: {words}")), "{run:?}");
    }
}
