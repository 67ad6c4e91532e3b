//! `stagger udp`: datagrams, received and sent.

mod addr;
mod group;
mod input;
mod listen;
mod receive;
mod send;
mod shown;

#[cfg(unix)]
use std::error::Error;
use std::io;
#[cfg(unix)]
use std::iter;
use std::time::Duration;

use stagger::Policy;
use stagger_net::UdpOptions;

use crate::args::UdpCommand;
use crate::console::{Console, Exit};
use crate::usage::UsageError;

/// Receives or sends.
pub(crate) fn run(command: &UdpCommand, console: &mut Console) -> Exit {
    match command {
        UdpCommand::Listen(args) => listen::run(args, console),
        UdpCommand::Send(args) => send::run(args, console),
    }
}

/// Why it ends, and the code that it ends with.
#[derive(Debug)]
struct Failure {
    text: String,
    exit: Exit,
}

impl Failure {
    /// It is the network's or the system's fault.
    fn new(text: String) -> Self {
        Self { text, exit: Exit::Failure }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self { text: error.to_string(), exit: Exit::Usage }
    }
}

/// The options of a socket of which each datagram tells where it came in, if the system lets it.
fn options() -> UdpOptions {
    let options = UdpOptions::new();
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let options = options.with_packet_info(true);
    options
}

/// Reads how long something may take: within [`Policy::TIMEOUT_RANGE`], for what is longer is another unit
/// than was meant.
///
/// # Errors
///
/// A text that is no duration, or one out of range.
fn duration(option: &str, text: Option<&String>) -> Result<Option<Duration>, UsageError> {
    let Some(text) = text else { return Ok(None) };
    let duration = humantime::parse_duration(text)
        .map_err(|_| UsageError::new(option, text, "not a duration such as 250ms or 30s"))?;
    if Policy::TIMEOUT_RANGE.contains(&duration) {
        return Ok(Some(duration));
    }
    let [least, most] = [*Policy::TIMEOUT_RANGE.start(), *Policy::TIMEOUT_RANGE.end()];
    let [least, most] = [least, most].map(humantime::format_duration);
    Err(UsageError::new(option, text, format!("not within {least} to {most}")))
}

/// Whether it is what the system says where only a socket that may broadcast is let, `EACCES`
/// (ip(7)). What a firewall does not let through is `EPERM`, of the same kind.
#[cfg(unix)]
fn is_refused_access(error: &io::Error) -> bool {
    let causes = iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
    let mut numbers = causes.filter_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error());
    numbers.any(|number| number == rustix::io::Errno::ACCESS.raw_os_error())
}

#[cfg(not(unix))]
fn is_refused_access(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
