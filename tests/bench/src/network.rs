//! A network of the program's own, in which the system's resolver asks the name server.

use std::env;

use stagger_tests::namespace::{again, etc};
use stagger_tests::skip::skip;

use crate::lookup::{NSSWITCH_CONF, RESOLV_CONF};
use crate::{BoxError, NameServer};

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
pub fn within_network(body: impl FnOnce() -> Result<(), BoxError>) -> Result<(), BoxError> {
    if env::var_os(MARK).is_some() {
        let _etc =
            etc(&[("resolv.conf", RESOLV_CONF), ("nsswitch.conf", NSSWITCH_CONF), ("hosts", "")]);
        let _server = NameServer::start()?;
        return body();
    }
    let mut command = match again(SETUP) {
        Ok(command) => command,
        Err(why) => {
            skip(&format!("no lookups are measured, for want of a network: {why}"));
            return Ok(());
        }
    };
    // async-std has one thread then, as the others have.
    command.args(env::args_os().skip(1)).env(MARK, "1").env("ASYNC_STD_THREAD_COUNT", "1");
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("in the program's own network: {status}").into()),
    }
}
