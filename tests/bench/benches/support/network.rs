//! A network of the program's own, in which the system's resolver asks the name server.

use std::env;
use std::net::UdpSocket;

use stagger_tests::Scratch;
use stagger_tests::namespace::{LOOPBACK, again, etc};
use stagger_tests::skip::skip;

use stagger_bench::{BoxError, LISTED, NAME, NAME_SERVER, NSSWITCH_CONF, RESOLV_CONF};

use super::NameServer;

/// Set in the process that is in the network.
const MARK: &str = "STAGGER_BENCH_WITHIN";

/// Loopback, and a way out for both families that leads nowhere, so that both are worth asking for
/// and every address has a source.
const SETUP: &str = "ip link set lo up && \
    ip link add out0 type veth peer name gone0 && \
    ip link set out0 up && ip link set gone0 up && \
    ip address add 192.0.2.9/24 dev out0 && \
    ip address add 2001:db8:9::9/64 dev out0 nodad && \
    ip route add default via 192.0.2.1 && ip route add default via 2001:db8:9::1";

/// Runs the program once more in a network of its own, with the name server running and all of
/// `/etc` such that it is asked, and there runs `body`. Where that can't be had the program is
/// [skipped](skip).
///
/// # Errors
///
/// That of `body`, or the system's.
pub(crate) fn within_network(body: impl FnOnce() -> Result<(), BoxError>) -> Result<(), BoxError> {
    // async-std has one thread then, as the others have.
    let variables = [("ASYNC_STD_THREAD_COUNT", "1")];
    within(SETUP, &variables, "no lookups are measured", || {
        let _etc =
            etc(&[("resolv.conf", RESOLV_CONF), ("nsswitch.conf", NSSWITCH_CONF), ("hosts", "")]);
        let _server = NameServer::start()?;
        body()
    })
}

/// Runs the program once more where the hosts file has the name of a [`Server`](stagger_bench::Server), and
/// there runs `body`. Where that can't be had the program is [skipped](skip).
///
/// # Errors
///
/// That of `body`, or the system's.
pub(crate) fn within_hosts(body: impl FnOnce() -> Result<(), BoxError>) -> Result<(), BoxError> {
    within(LOOPBACK, &[], "no connects are measured", || {
        let _etc = listed();
        body()
    })
}

/// Runs the program once more in a network of its own with a name server that never answers, for
/// which libc waits 1 s, and there runs `body`. The hosts file has [`LISTED`], the names of a
/// [burst](stagger_bench::burst), and `localhost`. Where that can't be had the program is [skipped](skip).
///
/// # Errors
///
/// That of `body`, or the system's.
pub(crate) fn within_silence(body: impl FnOnce() -> Result<(), BoxError>) -> Result<(), BoxError> {
    within(SETUP, &[], "no stuck lookups are measured", || {
        let mut hosts = format!("127.0.0.1 localhost {LISTED}\n");
        for number in 0..64 {
            hosts += &format!("127.0.0.1 burst{number}.{LISTED}\n");
        }
        let resolv_conf = format!("{RESOLV_CONF}options timeout:1 attempts:1\n");
        let _etc = etc(&[
            ("resolv.conf", &resolv_conf),
            ("nsswitch.conf", NSSWITCH_CONF),
            ("hosts", &hosts),
        ]);
        let _silent = UdpSocket::bind(NAME_SERVER)?;
        body()
    })
}

/// Puts the name of a [`Server`](stagger_bench::Server) into the hosts file of this namespace, for as long
/// as what it returns lives. There are no other names.
#[must_use = "the file is there while this lives"]
pub(crate) fn listed() -> Scratch {
    etc(&[("nsswitch.conf", "hosts: files\n"), ("hosts", &format!("127.0.0.1 {NAME}\n"))])
}

fn within(
    setup: &str,
    variables: &[(&str, &str)],
    without: &str,
    body: impl FnOnce() -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    if env::var_os(MARK).is_some() {
        return body();
    }
    let mut command = match again(setup) {
        Ok(command) => command,
        Err(why) => {
            skip(&format!("{without}, for want of a namespace: {why}"));
            return Ok(());
        }
    };
    command.args(env::args_os().skip(1)).env(MARK, "1").envs(variables.iter().copied());
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("in the program's own network: {status}").into()),
    }
}
