//! A network with IPv6 alone, and a NAT64 whose addresses are here.

use std::net::TcpListener;

use stagger_testkit::dns::{NameServer, Record, Reply};

use crate::namespace::{inside, sh};
use crate::run::{RUNTIMES, stagger};

/// The synthesised address of 192.0.2.33.
const SYNTHESISED: &str = "2001:db8:64::c000:221";

/// IPv6 has a default route, IPv4 has none, and the synthesised address is on this machine.
const NETWORK: &str = "ip link add near0 type veth peer name far0
    ip link set near0 up
    ip link set far0 up
    ip address add fd00:7::2/64 dev near0 nodad
    ip -6 route add default via fd00:7::1
    ip address add 2001:db8:64::c000:221/128 dev lo nodad";

/// Makes the network, and a name server that knows one name, with an A record alone.
fn network() -> NameServer {
    sh(NETWORK);
    let server = NameServer::start().unwrap();
    server.otherwise(Reply::no_address());
    server.on("name.test", Record::A, Reply::addresses(["192.0.2.33"]));
    server
}

#[test]
fn a_literal_and_a_name_connect_through_a_given_and_a_discovered_prefix() {
    if !inside("nat64::a_literal_and_a_name_connect_through_a_given_and_a_discovered_prefix") {
        return;
    }
    let server = network();
    server.on("ipv4only.arpa", Record::Aaaa, Reply::addresses(["2001:db8:64::c000:aa"]));
    let dns = server.addr().to_string();
    let listener = TcpListener::bind((SYNTHESISED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (ipv4, dialed) = (format!("192.0.2.33:{port}"), format!("[{SYNTHESISED}]:{port}"));
    let name = format!("name.test:{port}");
    for runtime in RUNTIMES {
        for target in [&ipv4, &name] {
            let with = |words: &[&str]| {
                let common = ["connect", target, "--server", &dns, "--runtime", runtime];
                stagger(&[&common[..], words].concat())
            };
            // Without NAT64 there is no way.
            for words in [&[][..], &["--nat64", "off"]] {
                assert_eq!(with(words).code, Some(1), "{target}");
            }
            for nat64 in ["auto", "2001:db8:64::/96"] {
                let race = with(&["--json", "--nat64", nat64]).json();
                assert_eq!(race["peer"], dialed, "{race}");
                let attempt = &race["attempts"][0];
                assert_eq!(attempt["address"], ipv4, "{race}");
                assert_eq!(attempt["children"][0]["attempts"][0]["address"], dialed, "{race}");
                let race = with(&["--json", "--nat64", nat64, "--bind", "fd00:7::2"]).json();
                assert_eq!(race["peer"], dialed, "{race}");
                // The picture has both, one below the other.
                let run = with(&["--nat64", nat64]);
                let lines: Vec<_> = run.out.lines().collect();
                let place =
                    lines.iter().position(|line| line.starts_with(&format!("  {ipv4}"))).unwrap();
                assert!(lines[place + 1].starts_with(&format!("    {dialed}")), "{}", run.out);
            }
        }
        let common = ["--server", &dns, "--runtime", runtime, "--nat64", "auto"];
        let run = stagger(&[&["resolve", &name][..], &common].concat());
        assert_eq!((run.code, run.out), (Some(0), format!("{ipv4}\n")));
    }
}

#[test]
#[cfg(feature = "ssh")]
fn an_ssh_host_with_ipv4_alone_is_reached_through_a_prefix() {
    if !inside("nat64::an_ssh_host_with_ipv4_alone_is_reached_through_a_prefix") {
        return;
    }
    let server = network();
    server.on("ipv4only.arpa", Record::Aaaa, Reply::addresses(["2001:db8:64::c000:aa"]));
    let dns = server.addr().to_string();
    let listener = TcpListener::bind((SYNTHESISED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let dialed = format!("[{SYNTHESISED}]:{port}");
    for runtime in RUNTIMES {
        for host in ["192.0.2.33", "name.test"] {
            let host = format!("ssh://joe@{host}:{port}");
            let with = |nat64: &[&str]| {
                let common = ["connect", "--ssh", &host, "--ssh-config", "none", "--json"];
                let options = ["--server", &dns, "--runtime", runtime];
                stagger(&[&common[..], &options, nat64].concat())
            };
            assert_eq!(with(&[]).code, Some(1), "{host}");
            for nat64 in ["auto", "2001:db8:64::/96"] {
                let race = with(&["--nat64", nat64]).json();
                assert_eq!(race["peer"], dialed, "{race}");
            }
        }
    }
}

#[test]
fn a_failed_discovery_is_in_the_line_the_picture_and_the_object() {
    if !inside("nat64::a_failed_discovery_is_in_the_line_the_picture_and_the_object") {
        return;
    }
    let server = network();
    // Nothing listens at this address.
    server.on("both.test", Record::A, Reply::addresses(["192.0.2.33"]));
    server.on("both.test", Record::Aaaa, Reply::addresses([SYNTHESISED]));
    let dns = server.addr().to_string();
    let shows_none = "no answer shows a prefix".to_owned();
    for (reply, cause) in [
        (Reply::not_found(), "no such host".to_owned()),
        (Reply::no_address(), shows_none.clone()),
        (Reply::addresses(["2001:db8::1"]), shows_none),
        (Reply::code(2), format!("temporary lookup failure: {dns} answered SERVFAIL (2 tries)")),
    ] {
        server.on("ipv4only.arpa", Record::Aaaa, reply);
        let reason = format!(
            "there is no IPv4 route, and the lookup of ipv4only.arpa found no NAT64 prefix: {cause}"
        );
        let hint = "; give the prefix by --nat64 PREFIX";
        for runtime in RUNTIMES {
            let with = |target, words: &[&str]| {
                let common = ["connect", target, "--server", &dns, "--runtime", runtime];
                stagger(&[&common[..], words].concat())
            };
            for (target, place) in [
                ("192.0.2.33:80", ""),
                ("name.test:80", "192.0.2.33:80: "),
                (
                    "both.test:80",
                    "[2001:db8:64::c000:221]:80: Connection refused (os error 111); \
                                  192.0.2.33:80: ",
                ),
            ] {
                let line = format!("could not connect to {target}: {place}{reason}{hint}");
                let run = with(target, &["--nat64", "auto"]);
                assert_eq!((run.code, run.err), (Some(1), format!("error: {line}\n")));
                // The picture wraps its lines.
                let picture: Vec<_> = run.out.split_whitespace().collect();
                assert!(picture.join(" ").contains(&reason), "{}", run.out);
                let run = with(target, &["--nat64", "auto", "--json"]);
                assert_eq!(run.code, Some(1));
                let object = run.json();
                assert_eq!(object["error"], line);
                let attempt = object["attempts"].as_array().unwrap().last().unwrap().clone();
                assert_eq!(attempt["address"], "192.0.2.33:80");
                assert_eq!(attempt["error"], reason);
            }
            // The proxy is the address without a route.
            let proxy =
                with("name.test:80", &["--nat64", "auto", "--proxy", "socks5://192.0.2.33:1"]);
            assert!(proxy.err.ends_with(&format!("{reason}{hint}\n")), "{proxy:?}");
            // So is an SSH host.
            #[cfg(feature = "ssh")]
            for target in [&[][..], &["name.test:80"]] {
                let host = ["connect", "--ssh", "ssh://joe@192.0.2.33:1", "--ssh-config", "none"];
                let options = ["--nat64", "auto", "--server", &dns, "--runtime", runtime];
                let host = stagger(&[&host[..], target, &options].concat());
                assert!(host.err.ends_with(&format!("{reason}{hint}\n")), "{host:?}");
            }
            let off = with("192.0.2.33:80", &[]);
            assert!(off.err.ends_with("Network is unreachable (os error 101)\n"), "{off:?}");
        }
    }
}

#[test]
fn a_value_of_nat64_that_is_no_prefix_is_bad_usage() {
    for (value, reason) in [
        ("on", "a NAT64 prefix is an IPv6 address and a length, as in 64:ff9b::/96; or write auto"),
        ("64:ff9b::/95", "the length of a NAT64 prefix is 32, 40, 48, 56, 64 or 96"),
    ] {
        for command in ["connect", "resolve"] {
            let run = stagger(&[command, "localhost:80", "--nat64", value]);
            assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
            let start = format!("bad --nat64 {value:?}: {reason}");
            assert!(run.err.contains(&start), "{run:?}");
        }
    }
}
