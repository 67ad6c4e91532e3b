//! A link-local address with its zone, in a network namespace of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::env;
use std::net::{SocketAddr, SocketAddrV6, TcpListener};
use std::process::Command;

use futures_lite::future::block_on;
use stagger_smol::connect;

const INSIDE: &str = "STAGGER_INSIDE_NAMESPACE";
const TEST: &str = "a_zone_by_name_or_number_reaches_the_interface_and_the_peer_address";

/// The interface is one end of a pair, with an address that is usable at once.
const SETUP: &str = "ip link set lo up && ip link add v0 type veth peer name v1 && \
    ip link set v1 up && ip link set v0 up && ip addr add fe80::7/64 dev v0 nodad";

#[test]
fn a_zone_by_name_or_number_reaches_the_interface_and_the_peer_address() {
    if env::var_os(INSIDE).is_some() {
        return inside();
    }
    // The whole process moves, for the threads of the lookup must be inside too.
    let unshare = ["-Urnm", "sh", "-c"];
    let ready = Command::new("unshare").args(unshare).arg(SETUP).output();
    if !ready.is_ok_and(|output| output.status.success()) {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "no network namespace in CI");
        eprintln!("SKIPPED {TEST}: can't make a network namespace with a veth pair");
        return;
    }
    let run = format!("{SETUP} && exec \"$0\" --exact {TEST} --nocapture");
    let this = env::current_exe().unwrap();
    let mut test = Command::new("unshare");
    let status = test.args(unshare).arg(run).arg(this).env(INSIDE, "1").status().unwrap();
    assert!(status.success());
}

fn inside() {
    // Address, index, prefix length, scope, flags, name; numbers in hexadecimal.
    let interfaces = std::fs::read_to_string("/proc/self/net/if_inet6").unwrap();
    let v0 = interfaces.lines().find(|line| line.ends_with(" v0")).unwrap();
    let index = v0.split_whitespace().nth(1).unwrap();
    let index = u32::from_str_radix(index, 16).unwrap();
    let local = SocketAddrV6::new("fe80::7".parse().unwrap(), 0, 0, index);
    let listener = TcpListener::bind(local).unwrap();
    let addr = listener.local_addr().unwrap();
    let port = addr.port();

    let targets = [format!("[fe80::7%v0]:{port}"), format!("[fe80::7%{index}]:{port}")];
    for target in targets {
        let stream = block_on(connect(&target)).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addr, "{target}");
        let SocketAddr::V6(near) = stream.local_addr().unwrap() else {
            panic!("{target} went over IPv4");
        };
        assert_eq!((near.ip(), near.scope_id()), (local.ip(), index));
        assert_eq!(listener.accept().unwrap().1, near.into());
    }
}
