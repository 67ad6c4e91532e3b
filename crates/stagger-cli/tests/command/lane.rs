//! A name with one record that is late or never comes, through the system's resolver.

use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::Value;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_testkit::ms;

use crate::namespace::{inside, replace};
use crate::run::{RUNTIMES, stagger};

const NAME: &str = "half.test";

/// A name server with these replies for [`NAME`].
fn name_server(aaaa: Reply, a: Reply) -> NameServer {
    let server = NameServer::start_at("127.0.0.1:53".parse().unwrap()).unwrap();
    server.on(NAME, Record::Aaaa, aaaa);
    server.on(NAME, Record::A, a);
    server
}

/// Both loopback addresses.
fn prompt() -> Reply {
    Reply::addresses(["::1", "127.0.0.1"])
}

/// The same addresses after a second. The reply is held until the test releases it, so that it is
/// late on a slow machine too.
fn late() -> Reply {
    prompt().after(ms(1000)).held()
}

/// Connects to `local` by a name with these replies, on every runtime. The record of `local` alone
/// must be enough.
fn connects_by(local: &str, aaaa: Reply, a: Reply) {
    let (record, answered_by, awaited) = match local {
        "127.0.0.1" => (Record::A, "A", "AAAA"),
        _ => (Record::Aaaa, "AAAA", "A"),
    };
    let listener = TcpListener::bind((local, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    for runtime in RUNTIMES {
        let server = name_server(aaaa.clone(), a.clone());
        let target = format!("{NAME}:{}", addr.port());
        let args = ["connect", &target, "--json", "--timeout", "100s", "--runtime", runtime];
        let run = thread::scope(|scope| {
            let run = scope.spawn(|| stagger(&args));
            scope.spawn(|| {
                let _connection = listener.accept().unwrap();
                server.release();
            });
            let run = run.join().unwrap();
            if run.code != Some(0) {
                // Otherwise the accept would wait for ever.
                let _ = TcpStream::connect(addr);
            }
            run
        });
        assert_eq!(run.code, Some(0), "{run:?}");
        let race = run.json();
        assert_eq!(race["peer"], addr.to_string(), "{race}");

        let queries = race["queries"].as_array().unwrap();
        assert_eq!(queries.len(), 2, "{race}");
        assert_eq!(queries[0]["record"], answered_by, "{race}");
        assert_eq!(queries[0]["addresses"][0], addr.to_string(), "{race}");
        let asked = queries[0]["started_us"].as_u64().unwrap();
        assert!(asked >= 50_000, "a lane starts when the full lookup is late: {race}");
        let answered = queries[0]["ended_us"].as_u64().unwrap();
        assert!(asked <= answered, "{race}");
        assert_eq!(queries[1]["record"], awaited, "{race}");
        assert!(queries[1]["ended_us"].is_null(), "{race}");

        let attempts = race["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{race}");
        // The instant at which the answer came.
        assert_eq!(attempts[0]["started_us"], answered, "the delay is spent once: {race}");
        assert_eq!(server.asked(NAME, record), 2, "once by the full lookup and once by a lane");
    }
}

/// Makes the system ask a name server on loopback, with long timeouts.
fn by_name_server(test: &str, body: impl FnOnce()) {
    if !inside(test) {
        return;
    }
    let _switch = replace("/etc/nsswitch.conf", "hosts: dns\nservices: files\n");
    let options = "options timeout:30 attempts:5";
    let _resolv = replace("/etc/resolv.conf", &format!("nameserver 127.0.0.1\n{options}\n"));
    body();
}

#[test]
fn a_name_whose_a_never_comes_is_connected_to_over_ipv6() {
    let test = "lane::a_name_whose_a_never_comes_is_connected_to_over_ipv6";
    by_name_server(test, || connects_by("::1", prompt(), Reply::silence()));
}

#[test]
fn a_name_whose_a_is_late_is_connected_to_over_ipv6_meanwhile() {
    let test = "lane::a_name_whose_a_is_late_is_connected_to_over_ipv6_meanwhile";
    by_name_server(test, || connects_by("::1", prompt(), late()));
}

#[test]
fn a_name_whose_aaaa_never_comes_is_connected_to_over_ipv4() {
    let test = "lane::a_name_whose_aaaa_never_comes_is_connected_to_over_ipv4";
    by_name_server(test, || connects_by("127.0.0.1", Reply::silence(), prompt()));
}

#[test]
fn a_name_whose_aaaa_is_late_is_connected_to_over_ipv4_meanwhile() {
    let test = "lane::a_name_whose_aaaa_is_late_is_connected_to_over_ipv4_meanwhile";
    by_name_server(test, || connects_by("127.0.0.1", late(), prompt()));
}

#[test]
fn each_family_is_asked_for_apart_when_it_is_wanted() {
    let test = "lane::each_family_is_asked_for_apart_when_it_is_wanted";
    by_name_server(test, || {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let target = format!("{NAME}:{}", listener.local_addr().unwrap().port());
        for runtime in RUNTIMES {
            for lanes in ["at-once", "20ms"] {
                let server = name_server(prompt(), Reply::silence());
                let race = asks(&["connect", &target, "--timeout", "100s"], lanes, runtime);
                assert_eq!(race["connected"], true, "{race}");
                assert_eq!(race["queries"][0]["record"], "AAAA", "{race}");
                let asked = server.asked(NAME, Record::Aaaa);
                // A lane that starts at once may win before the full lookup has sent its query.
                let least = if lanes == "at-once" { 1 } else { 2 };
                assert!((least..=2).contains(&asked), "{lanes}: once by each lookup, not {asked}");
            }
            for (command, lanes) in [("connect", "never"), ("resolve", "never"), ("resolve", "2s")]
            {
                let server = name_server(prompt(), Reply::silence());
                let race = asks(&[command, &target, "--timeout", "300ms"], lanes, runtime);
                assert_eq!(race["queries"].as_array().unwrap().len(), 1, "{race}");
                assert_eq!(race["queries"][0]["record"], "all", "{race}");
                assert_ne!(server.asked(NAME, Record::Aaaa), 2, "{lanes}: by the one lookup alone");
            }
        }
    });
}

fn asks(args: &[&str], lanes: &str, runtime: &str) -> Value {
    stagger(&[args, &["--lanes", lanes, "--json", "--runtime", runtime]].concat()).json()
}
