//! The line of a failure has the last cause of each query, as text and in JSON.

use stagger_testkit::dns::{NameServer, Record, Reply};

use crate::run::stagger;

/// Arguments, and the last cause of their failure.
fn failures(server: &str) -> Vec<(Vec<&str>, &'static str)> {
    let over_dns = |target| vec![target, "--server", server];
    let system = |target| vec![target, "--resolver", "system"];
    let machine = |target| vec![target, "--resolver", "dns"];
    let no_service = "no TCP service is named \"nosuchsvc\"";
    let no_zone = "no network interface is named \"nosuch0\"";
    vec![
        (over_dns("ok.test:nosuchsvc"), no_service),
        (machine("localhost:nosuchsvc"), no_service),
        (system("localhost:nosuchsvc"), no_service),
        (system("127.0.0.1:nosuchsvc"), no_service),
        (machine("127.0.0.1:nosuchsvc"), no_service),
        (over_dns("[fe80::1%nosuch0]:80"), no_zone),
        (system("[fe80::1%nosuch0]:80"), no_zone),
        (over_dns("none.test:80"), "no such "),
        (over_dns("none.test:http"), "no such "),
        (machine("none.invalid:80"), "no such "),
        (over_dns("refused.test:80"), "REFUSED"),
        (over_dns("broken.test:80"), "SERVFAIL"),
        (over_dns("garbage.test:80"), "reply"),
        (vec!["ok.test:80", "--server", "[fe80::1%1]:9"], "Network is unreachable"),
    ]
}

/// The sorted words of a line: either of two families may fail first.
fn words(line: &str) -> Vec<&str> {
    let words = line.split_whitespace().map(|word| word.trim_matches(['(', ')', ',']));
    let mut words: Vec<_> = words.collect();
    words.sort_unstable();
    words
}

#[test]
fn the_line_of_an_error_has_the_last_cause_of_each_query() {
    let server = NameServer::start().unwrap();
    server.otherwise(Reply::not_found());
    for record in [Record::A, Record::Aaaa] {
        server.on("ok.test", record, Reply::no_address());
        server.on("refused.test", record, Reply::code(5));
        server.on("broken.test", record, Reply::code(2));
        let question = if record == Record::A { 1 } else { 28 };
        let mut garbage = vec![0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        garbage.extend(b"\x07garbage\x04test\0");
        garbage.extend([0, question, 0, 1]);
        server.on("garbage.test", record, Reply::bytes(garbage));
    }
    let addr = server.addr().to_string();
    for (args, last) in failures(&addr) {
        for command in ["connect", "resolve"] {
            let args = [&[command], &args[..], &["--timeout", "60s"]].concat();
            let run = stagger(&args);
            assert!(run.code.is_some_and(|code| code > 0), "{run:?}");
            assert_eq!(run.err.lines().count(), 1, "{run:?}");
            assert!(run.err.contains(last), "{last}: {run:?}");
            let object = stagger(&[&args[..], &["--json"]].concat()).json();
            let line = object["error"].as_str().unwrap();
            assert_eq!(words(&run.err), words(&format!("error: {line}\n")));
            // The line of a wrong target is the command's own. That of a failed lookup has each
            // cause.
            if run.code == Some(2) {
                continue;
            }
            let queries = object["queries"].as_array().unwrap();
            assert!(!queries.is_empty(), "{object}");
            for query in queries {
                let error = query["error"].as_str().unwrap();
                assert!(error.contains(last), "{last}: {object}");
                // The list of failures has at most four, each with its last cause.
                let end = error.rsplit(": ").next().unwrap();
                assert!(line.contains(end), "{end}: {object}");
            }
        }
    }
}
