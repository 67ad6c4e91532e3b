//! A network of its own for one test.

use std::env;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{Scratch, process, skip};

/// Loopback, and no route to anywhere else.
pub const LOOPBACK: &str = "ip link set lo up";

/// Beside loopback a pair of interfaces, `near0` and `far0`, and on `near0`, which has the index
/// [`NEAR`], the address `fe80::1`.
pub const LINK_LOCAL: &str = "ip link set lo up && \
    ip link add near0 index 77 type veth peer name far0 && \
    ip link set near0 up && ip link set far0 up && \
    ip address add fe80::1/64 dev near0 nodad";

/// The index of the interface `near0` of [`LINK_LOCAL`].
pub const NEAR: u32 = 77;

/// Beside loopback an interface `aside0` that is up, has the address 192.0.2.9 (RFC 5737) and leads
/// nowhere.
pub const ASIDE: &str = "ip link set lo up && \
    ip link add aside0 type veth peer name beyond0 && \
    ip link set aside0 up && ip link set beyond0 up && \
    ip address add 192.0.2.9/24 dev aside0";

/// An interface `aside0` that is up and has the addresses 192.0.2.9 (RFC 5737) and fd00:7::9
/// (RFC 4193). IPv4 has a default route, and IPv6 has none.
pub const LOCAL_IPV6: &str = "ip link set lo up && \
    ip link add aside0 type veth peer name beyond0 && \
    ip link set aside0 up && ip link set beyond0 up && \
    ip address add 192.0.2.9/24 dev aside0 && \
    ip address add fd00:7::9/64 dev aside0 nodad && \
    ip route add default via 192.0.2.1";

/// Two networks, joined by two links. Here are `near0` and `near1`, which have the indexes [`NEAR`]
/// and [`NEAR`]` + 1`, and in the namespace `far`, to which [`far`] leads, `far0` and `far1`. Both
/// near ones have the addresses fe80::1 and 169.254.7.1 (RFC 3927), both far ones fe80::2 and
/// 169.254.7.2; `far0` has fe80::3 and 169.254.7.3 too.
pub const TWO_HOSTS: &str = "ip link set lo up && mount -t tmpfs none /run && ip netns add far && \
    ip -n far link set lo up && \
    for n in 0 1; do \
        ip link add near$n index $((77 + n)) type veth peer name far$n netns far && \
        ip link set near$n addrgenmode none && ip -n far link set far$n addrgenmode none && \
        ip link set near$n up && ip -n far link set far$n up && \
        ip address add fe80::1/64 dev near$n nodad && \
        ip -n far address add fe80::2/64 dev far$n nodad && \
        ip address add 169.254.7.1/24 dev near$n && \
        ip -n far address add 169.254.7.2/24 dev far$n || exit 1; \
    done && \
    ip -n far address add fe80::3/64 dev far0 nodad && \
    ip -n far address add 169.254.7.3/24 dev far0 && \
    for n in $(seq 1000); do \
        test $(ip -o link | grep -c 'near.*state UP') = 2 && \
        test $(ip -n far -o link | grep -c 'far.*state UP') = 2 && break; \
    done";

/// A network behind a router. Here is `near0`, with the addresses 192.0.2.2 and fd00:7::2, and a
/// default route through 192.0.2.1 and fd00:7::1. These are the addresses of the namespace `far`,
/// to which [`far`] leads. It forwards, and reports by ICMP what it can't forward:
///
/// - It has no route to 198.51.100.0/25 (RFC 5737) and 2001:db8:1::/48 (RFC 3849).
/// - It finds the host unreachable in 198.51.100.128/26.
/// - It prohibits 198.51.100.192/26 and 2001:db8:3::/48.
///
/// Linux sends five such reports at once to one IPv4 address, and then one a second. So all of
/// 192.0.2.64/26 are addresses of this end too.
pub const ROUTER: &str = "ip link set lo up && mount -t tmpfs none /run && ip netns add far && \
    ip -n far link set lo up && \
    ip link add near0 index 77 type veth peer name far0 netns far && \
    ip link set near0 addrgenmode none && ip -n far link set far0 addrgenmode none && \
    ip link set near0 up && ip -n far link set far0 up && \
    ip address add 192.0.2.2/24 dev near0 && ip -n far address add 192.0.2.1/24 dev far0 && \
    ip address add fd00:7::2/64 dev near0 nodad && \
    ip -n far address add fd00:7::1/64 dev far0 nodad && \
    ip route add default via 192.0.2.1 && ip -6 route add default via fd00:7::1 && \
    ip route add local 192.0.2.64/26 dev lo && \
    nsenter --net=/run/netns/far sh -c 'cd /proc/sys/net && \
        echo 1 >ipv4/ip_forward && echo 1 >ipv6/conf/all/forwarding && \
        echo 0 >ipv4/icmp_ratelimit && echo 0 >ipv6/icmp/ratelimit' && \
    ip -n far route add unreachable 198.51.100.128/26 && \
    ip -n far route add prohibit 198.51.100.192/26 && \
    ip -n far route add prohibit 2001:db8:3::/48 && \
    for n in $(seq 1000); do ip -o link | grep -q 'near0.*state UP' && break; done";

/// Four machines in a row behind this one: the namespaces `gw1` to `gw4`. Each has a link to its
/// neighbours alone, and forwards nothing. The link to gw(N + 1) has the networks 10.77.N.0/24 and
/// 2001:db8:77:N::/64 (RFC 3849), with 1 at the near end and 2 at the far end. The address
/// 2001:db8:77:N::dead is silent, because its packets go to a link address that nobody has.
///
/// Every user may bind low ports there. `XDG_RUNTIME_DIR` is a new directory.
pub const GATEWAYS: &str = "ip link set lo up && mount -t tmpfs none /run && \
    mkdir -m 700 /run/user && export XDG_RUNTIME_DIR=/run/user && \
    for n in 1 2 3 4; do \
        ip netns add gw$n && ip -n gw$n link set lo up && \
        nsenter --net=/run/netns/gw$n sh -c \
            'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start' || exit 1; \
    done && \
    ip link add near0 type veth peer name far0 netns gw1 && \
    for n in 1 2 3; do \
        ip -n gw$n link add near$n type veth peer name far$n netns gw$((n + 1)) || exit 1; \
    done && \
    set_up() { \
        ip $1 link set $2$3 addrgenmode none && ip $1 address add 10.77.$3.$4/24 dev $2$3 && \
        ip $1 address add 2001:db8:77:$3::$4/64 dev $2$3 nodad && ip $1 link set $2$3 up; \
    } && \
    is_up() { \
        for n in $(seq 1000); do ip $1 -o link | grep -q \"$2.*state UP\" && return; done; \
    } && \
    set_up '' near 0 1 && \
    for n in 1 2 3; do set_up \"-n gw$n\" near $n 1 || exit 1; done && \
    for n in 0 1 2 3; do set_up \"-n gw$((n + 1))\" far $n 2 || exit 1; done && \
    is_up '' near0 && for n in 1 2 3; do is_up \"-n gw$n\" near$n || exit 1; done && \
    silence() { \
        ip $1 neighbour add 2001:db8:77:$2::dead lladdr 02:00:00:00:00:99 dev near$2 \
            nud permanent; \
    } && \
    silence '' 0 && for n in 1 2 3; do silence \"-n gw$n\" $n || exit 1; done";

/// Loopback, and no directory of programs on the path.
pub const NO_PROGRAM: &str = "ip link set lo up && export PATH=/nowhere";

/// A network with IPv6 alone, with a NAT64 that is at the same time the far host. Here is `near0`
/// with fd00:7::2 and a default route through fd00:7::1. That is an address of the namespace `far`,
/// to which [`far`] leads. It also has the synthesised addresses of 192.0.2.33 in 64:ff9b::/96 and
/// 2001:db8:64::/96.
pub const ONLY_IPV6: &str = "ip link set lo up && mount -t tmpfs none /run && ip netns add far && \
    ip -n far link set lo up && \
    ip link add near0 index 77 type veth peer name far0 netns far && \
    ip link set near0 addrgenmode none && ip -n far link set far0 addrgenmode none && \
    ip link set near0 up && ip -n far link set far0 up && \
    ip address add fd00:7::2/64 dev near0 nodad && \
    ip -n far address add fd00:7::1/64 dev far0 nodad && \
    ip -n far address add 64:ff9b::c000:221/128 dev far0 nodad && \
    ip -n far address add 2001:db8:64::c000:221/128 dev far0 nodad && \
    ip -6 route add default via fd00:7::1 && \
    for n in $(seq 1000); do ip -o link | grep -q 'near0.*state UP' && break; done";

/// Loopback, and no IPv6 on any interface.
pub const NO_IPV6: &str = "ip link set lo up && \
    echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && \
    echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6";

/// Loopback, and one source port for connections, 40000.
pub const ONE_PORT: &str = "ip link set lo up && \
    echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range";

/// Loopback with every address: a connect to any address reaches this machine.
pub const EVERYWHERE: &str = "ip link set lo up && \
    ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo";

/// Loopback without an address of IPv4.
pub const NO_IPV4: &str = "ip link set lo up && ip -4 address flush dev lo";

/// Runs a test in a process with users, mounts and a network of its own, set up by a shell's
/// command. Where that can't be had the test is [skipped](skip::skip).
///
/// `test` is as for [`process::alone`].
///
/// # Panics
///
/// If the test fails.
pub fn within(test: &str, setup: &str, body: impl FnOnce()) {
    if process::is_within(test) {
        return body();
    }
    moved("-Urnm", test, setup);
}

/// Runs a test in a process with users of its own in the network of the machine, over which it has
/// no privilege there, whoever runs it (user_namespaces(7)). Where that can't be had the test is
/// [skipped](skip::skip).
///
/// `test` is as for [`process::alone`].
///
/// # Panics
///
/// If the test fails.
pub fn unprivileged(test: &str, body: impl FnOnce()) {
    if process::is_within(test) {
        return body();
    }
    moved("-Ur", test, "true");
}

/// The command that runs this very program once more in a process with users, mounts and a network
/// of its own, set up by a shell's command. Its arguments can be added.
///
/// # Errors
///
/// Why that can't be had.
///
/// # Panics
///
/// If the program does not know its own file.
pub fn again(setup: &str) -> Result<Command, String> {
    within_namespaces("-Urnm", setup)
}

fn moved(namespaces: &str, test: &str, setup: &str) {
    match within_namespaces(namespaces, setup) {
        Ok(mut command) => process::run(&mut command, test),
        Err(why) => skip::skip(&format!("{test}: no namespace set up by {setup:?}: {why}")),
    }
}

fn within_namespaces(namespaces: &str, setup: &str) -> Result<Command, String> {
    // The whole process moves: a thread that moved alone would leave those of the lookups behind.
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([namespaces, "sh", "-c", script]);
        command
    };
    match unshare(setup).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let mut command = unshare(&format!("{setup} && exec \"$0\" \"$@\""));
    command.arg(env::current_exe().expect("a program knows its file"));
    Ok(command)
}

/// Does something in the network `far` of [`TWO_HOSTS`], on a thread of its own: a socket that is
/// opened there stays there.
///
/// # Panics
///
/// If there is no such network, or if `body` does.
pub fn far<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    at("far", body)
}

/// Does something in the network of this name, as [`far`] does.
///
/// # Panics
///
/// If there is no such network, or if `body` does.
pub fn at<T: Send>(name: &str, body: impl FnOnce() -> T + Send) -> T {
    let there = File::open(format!("/run/netns/{name}")).expect("there is such a network");
    let body = || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(there.as_fd(), kind).expect("a thread may go there");
        body()
    };
    thread::scope(|scope| match scope.spawn(body).join() {
        Ok(output) => output,
        Err(panic) => resume_unwind(panic),
    })
}

/// Puts these files in the place of all of `/etc`, for this mount namespace alone: what libc reads
/// there is what the test says and nothing of the machine's. Some files are always there, unless
/// they are among these.
///
/// # Panics
///
/// If that fails, as it does outside a namespace without the privilege.
#[must_use = "the files are there while this lives"]
pub fn etc(files: &[(&str, &str)]) -> Scratch {
    // Who runs the test is root in the namespace, and some servers look that up. Without its line
    // for glibc a name has only one of its addresses in `hosts` (host.conf(5)).
    let always = [
        ("host.conf", "multi on\n"),
        ("passwd", "root:x:0:0:root:/:/bin/sh\n"),
        ("group", "root:x:0:\n"),
    ];
    let scratch = Scratch::new();
    for (name, text) in always.iter().chain(files) {
        scratch.write(name, text);
    }
    let mut command = Command::new("mount");
    let status = command.arg("--bind").arg(scratch.path()).arg("/etc").status();
    assert!(status.is_ok_and(|status| status.success()), "/etc can't be replaced");
    scratch
}

/// Runs a shell's command, to change the namespace.
///
/// # Panics
///
/// If it fails.
pub fn shell(command: &str) {
    let status = Command::new("sh").args(["-c", command]).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} failed");
}
