//! The table of exit codes in `stagger --help`, held against every command and both resolvers.
//!
//! The test runs in namespaces of its own, so that nothing leaves the machine.

use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};

use crate::namespace::inside;
use crate::run::{refusing, stagger};

/// The rows for code 2, in the words of the help, each with command lines that end so.
const WRONG: [(&str, &[&str]); 6] = [
    (
        "an unknown option, service, zone or network interface",
        &[
            "connect localhost:80 --nosuch",
            "resolve localhost:80 --nosuch",
            "listen --nosuch",
            "udp listen --nosuch",
            "udp send 127.0.0.1:9 --nosuch",
            "demo --nosuch",
            "connect localhost:nosuchsvc",
            "connect --pipe localhost:nosuchsvc",
            "connect nosuch.invalid:nosuchsvc",
            "connect 127.0.0.1:nosuchsvc",
            "resolve localhost:nosuchsvc",
            "resolve 127.0.0.1:nosuchsvc",
            "connect [fe80::1%nosuch0]:80",
            "connect --pipe [fe80::1%nosuch0]:80",
            "connect localhost:80 --proxy http://[fe80::1%nosuch0]:80",
            "connect localhost:nosuchsvc --proxy http://localhost",
            "resolve [fe80::1%nosuch0]:80",
            "connect localhost:80 --bind fe80::1%nosuch0",
            "connect localhost:80 --resolve localhost:fe80::1%nosuch0",
            "resolve localhost:80 --server fe80::1%nosuch0",
            "listen [fe80::1%nosuch0]:80",
            "listen --pipe [fe80::1%nosuch0]:80",
            "udp listen [fe80::1%nosuch0]:80",
            "udp listen --join ff02::1%nosuch0",
            "udp send [fe80::1%nosuch0]:80 --data x",
            "udp send [fe80::1%lo]:80 --bind fe80::1%nosuch0 --data x",
            "udp send 127.0.0.1:80 --interface nosuch0 --data x",
        ],
    ),
    (
        "a malformed target, endpoint, proxy, address or duration",
        &[
            "connect --endpoint tcp:localhost",
            "connect --endpoint nosuch:localhost:80",
            "connect --pipe --endpoint tcp:localhost:80|",
            "listen --endpoint tcp:localhost:80",
            "listen --pipe --endpoint tcp:127.0.0.1:0?nosuch=1",
            "connect localhost:80 --proxy ftp://localhost",
            "connect localhost:80 --proxy socks5://localhost:65536",
            "connect --pipe localhost:80 --proxy socks5://",
            "connect localhost:0 --proxy socks5://localhost",
            "connect localhost",
            "connect https://localhost/",
            "resolve localhost:65536",
            "connect localhost:80 --bind 127.0.0.1:65536",
            "resolve localhost:80 --server 127.0.0.1:x",
            "resolve localhost:80 --resolve localhost",
            "listen 127.0.0.1:65536",
            "listen --pipe 127.0.0.1",
            "listen :65536",
            "udp listen 127.0.0.1:65536",
            "udp send 127.0.0.1:65536 --data x",
            "connect localhost:80 --timeout soon",
            "udp listen --timeout soon",
        ],
    ),
    (
        "a value out of range",
        &[
            "resolve localhost:80 --timeout 0s",
            "connect localhost:80 --attempt-delay 9ms",
            "udp send 127.0.0.1:9 --data x --wait 2days",
            "udp send 127.0.0.1:9 --data x --hops 0",
            "connect --endpoint tcp:localhost:80?timeout=0s",
        ],
    ),
    (
        "a name where an IP address is needed",
        &[
            "connect localhost:80 --bind localhost",
            "resolve localhost:80 --server localhost",
            "resolve localhost:80 --resolve localhost:localhost",
            "listen localhost:80",
            "udp listen localhost:80",
            "udp send localhost:80 --data x",
            "udp send 127.0.0.1:80 --bind localhost --data x",
        ],
    ),
    (
        "a link-local IPv6 address without a zone",
        &[
            "connect [fe80::1]:80",
            "connect --pipe [fe80::1]:80",
            "connect localhost:80 --proxy http://[fe80::1]:80",
            "resolve [fe80::1]:80",
            "connect localhost:80 --bind fe80::1",
            "connect localhost:80 --resolve localhost:fe80::1",
            "resolve localhost:80 --server fe80::1",
            "listen [fe80::1]:80",
            "listen --pipe [fe80::1]:80",
            "udp listen [fe80::1]:80",
            "udp send [fe80::1]:80 --data x",
            "udp send [::1]:80 --bind fe80::1 --data x",
        ],
    ),
    (
        "an IP address of the family that --family or --bind excludes",
        &[
            "connect [::1]:80 --family v4",
            "connect localhost:80 --proxy http://[::1]:80 --family v4",
            "connect localhost:80 --proxy http://[::1]:80 --bind 127.0.0.1",
            "resolve 127.0.0.1:80 --family v6",
            "connect localhost:80 --family v4 --bind ::1",
            "connect 127.0.0.1:80 --bind ::1",
            "connect --pipe 127.0.0.1:80 --bind ::1",
            "udp send 127.0.0.1:80 --bind ::1 --data x",
        ],
    ),
];

/// The row of a build with SSH.
const WRONG_SSH: (&str, &[&str]) = (
    "a host of --ssh that is malformed, or whose configuration is unusable",
    &[
        "connect --ssh=-x a:1",
        "connect --ssh a --ssh-config /nosuch/config",
        "connect --pipe --ssh a b:1 --ssh-config /nosuch/config",
        "resolve --ssh a --ssh-config /nosuch/config",
    ],
);

/// The row of the feature `tls`.
const WRONG_TLS: (&str, &[&str]) = (
    "a file of --ca, --cert or --key without a usable certificate or key",
    &[
        "connect localhost:443 --tls --ca /nosuch/ca.pem",
        "connect --pipe localhost:443 --tls --ca /dev/null",
        "connect localhost:443 --tls --ca /",
        "connect localhost:443 --tls --insecure --cert /dev/null --key /dev/null",
        "listen 127.0.0.1:0 --tls --cert /nosuch/cert.pem --key /dev/null",
        "listen --pipe 127.0.0.1:0 --tls --cert /dev/null --key /dev/null",
    ],
);

/// Ends with this code. Commands that resolve do so with both resolvers, and with JSON too.
fn ends(line: &str, code: i32) {
    let words: Vec<_> = line.split(' ').collect();
    let mut variants = vec![Vec::new()];
    if ["connect", "resolve"].contains(&words[0]) {
        variants.push(vec!["--json"]);
        // An endpoint has its own resolver.
        if !words.contains(&"--server") && !words.contains(&"--endpoint") {
            variants.push(vec!["--resolver", "dns"]);
        }
        if words.contains(&"--pipe") {
            variants.retain(|variant| *variant != ["--json"]);
        }
    }
    for variant in variants {
        let run = stagger(&[&words[..], &variant[..]].concat());
        assert_eq!(run.code, Some(code), "{line} {variant:?}: {run:?}");
    }
}

#[test]
fn wrong_arguments_are_those_of_the_help_and_end_every_command_alike() {
    if !inside("exit::wrong_arguments_are_those_of_the_help_and_end_every_command_alike") {
        return;
    }
    let help = stagger(&["--help"]).out;
    // All rows have one indentation.
    let rows: BTreeSet<_> =
        help.lines().filter_map(|line| line.strip_prefix("       - ")).collect();
    let tls = cfg!(feature = "tls").then_some(&WRONG_TLS);
    let ssh = cfg!(feature = "ssh").then_some(&WRONG_SSH);
    let wrong = || WRONG.iter().chain(tls).chain(ssh);
    assert_eq!(rows, wrong().map(|(row, _)| *row).collect());
    for line in wrong().flat_map(|(_, lines)| *lines) {
        ends(line, 2);
    }
}

#[test]
fn what_the_network_or_this_machine_refuses_ends_every_command_alike() {
    if !inside("exit::what_the_network_or_this_machine_refuses_ends_every_command_alike") {
        return;
    }
    let (_refusing, refused) = refusing();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = (taken.local_addr().unwrap(), taken);
    let taken_udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken_udp = (taken_udp.local_addr().unwrap(), taken_udp);
    // No name server can be reached here, and 192.0.2.1 is not an address of the machine.
    for line in [
        &format!("connect {refused}")[..],
        &format!("connect --pipe {refused}"),
        &format!("connect nosuch.invalid:80 --proxy http://{refused}"),
        &format!("connect --pipe nosuch.invalid:80 --proxy socks5://{refused}"),
        "connect 127.0.0.1:80 --proxy socks5://nosuch.invalid",
        &format!("connect --endpoint tcp:{refused}"),
        "connect --pipe --endpoint tcp:nosuch.invalid:80",
        "connect --endpoint unix:/nosuch/socket",
        "listen --endpoint tcp:192.0.2.1:0",
        "connect nosuch.invalid:80",
        "resolve nosuch.invalid:80",
        &format!("connect {refused} --bind 192.0.2.1"),
        "listen 192.0.2.1:0",
        "listen --pipe 192.0.2.1:0",
        "udp listen 192.0.2.1:0",
        "udp send 127.0.0.1:9 --bind 192.0.2.1 --data x",
        &format!("listen {}", taken.0),
        &format!("listen --pipe {}", taken.0),
        &format!("udp listen {}", taken_udp.0),
        "udp listen 127.0.0.1:0 --count 1 --timeout 1ms",
        "udp send 127.0.0.1:9 --data x --wait 60s",
        "connect only4.test:80 --bind ::1 --resolve only4.test:127.0.0.1",
        "resolve zero.test:80 --resolve zero.test:0.0.0.0",
    ] {
        ends(line, 1);
    }
    let open = taken.0.to_string();
    for line in [
        &format!("connect {open}")[..],
        &format!("connect --endpoint tcp:{open}"),
        &format!("connect name.test:{} --resolve name.test:127.0.0.1", taken.0.port()),
        "resolve localhost:80",
        "resolve 127.0.0.1:http",
        "udp listen 127.0.0.1:0 --timeout 1ms",
        "man",
        "completions bash",
    ] {
        ends(line, 0);
    }
}
