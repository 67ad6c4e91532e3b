//! The command line of `stagger connect`.

use std::path::PathBuf;

use super::choice::ColorWhen;
use super::target::TargetArgs;
use crate::tls::{self, ConnectTls};

pub(super) const USAGE: &str = "stagger connect [OPTIONS] <HOST:SERVICE>
       stagger connect [OPTIONS] <HOST> <SERVICE>";

/// The text below the options, in `-h`.
pub(super) fn short() -> String {
    format!("{EXAMPLES}{}{MORE}", tls::CONNECT_EXAMPLE)
}

const EXAMPLES: &str = "\
Examples:
  stagger connect example.com:https
  stagger connect example.com 443 --timeout 10s
  stagger connect '[fe80::1%eth0]:22' --json";

const MORE: &str = "

`stagger connect --help` says more: the picture, JSON, --pipe and exit status.";

/// The text below the options, in `--help`.
pub(super) fn long() -> String {
    format!("{PICTURE}{}{REST}{}", tls::CONNECT_HELP, tls::CONNECT_EXAMPLES)
}

const PICTURE: &str = "\
Standard output shows the race: a bar over time for each query and each address.
Each row has its start, its end and its result. A double line in a bar is a
handshake. A race inside an attempt is below that attempt. On a terminal the
picture is drawn while the race runs. Standard error has the reason when there
is no connection.

Durations are a number and a unit, such as 250ms, 30s or 5m.

With --json, the object has target, connected, peer, local, elapsed_us, queries,
attempts, and error if there is no connection. A query has record, started_us,
ended_us, addresses, provisional, kind and error. An attempt has address,
started_us, progressed_us, ended_us, outcome, error and children. A child is a
race inside the attempt; it has target, connected, began_us, elapsed_us, queries
and attempts. Times are microseconds since the outermost race began; elapsed_us
is the length of its own race. The output is printable ASCII: other characters
are escaped as \\uXXXX.

With --pipe, the end of standard input is sent to the peer, and the command
continues to receive. When the peer ends, standard output is closed, and the
rest of standard input is still sent. If standard input is a terminal, the
command ends when the peer ends.

";

const REST: &str = "\
Exit status:
  0    connected; with --pipe, everything was sent and received
  1    a lookup or every attempt failed; the connection broke; the name has no
       address of the family of a --bind address; the picture was not written
  2    the arguments are wrong on any network (see `stagger --help`)
  128+N  ended by signal N: 130 for Ctrl-C

Examples:
  stagger connect example.com:https
  stagger connect example.com 443 --timeout 10s
  stagger connect localhost:22 --family v4 --runtime smol
  stagger connect '[fe80::1%eth0]:22' --json
  stagger connect example.com:443 --bind 192.0.2.7 --bind 2001:db8::7
  stagger connect example.com:https --svg race.svg
  stagger connect example.com:https --resolve example.com:192.0.2.7
  ssh -o 'ProxyCommand=stagger connect --pipe %h %p' example.com";

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Fail each attempt after this time [default: no limit]
    #[arg(long, value_name = "DURATION")]
    pub(crate) attempt_timeout: Option<String>,
    /// Start the next attempt after this time, 10ms to 2s [default: 250ms]
    ///
    /// `off` starts the next attempt only when the last one has failed.
    #[arg(long, value_name = "DURATION")]
    pub(crate) attempt_delay: Option<String>,
    /// Wait this long for the preferred family's addresses, at most 2s [default: 50ms]
    #[arg(long, value_name = "DURATION")]
    pub(crate) resolution_delay: Option<String>,
    /// Connect from this IP address, with or without a port (one a family)
    ///
    /// Addresses of a family without a bind address are then skipped.
    #[arg(long, value_name = "ADDR")]
    pub(crate) bind: Vec<String>,
    /// Send standard input, and write what is received to standard output
    #[arg(long, conflicts_with = "json")]
    pub(crate) pipe: bool,
    /// Write the picture to this file as SVG; `-` is standard output
    #[arg(long, value_name = "FILE", display_order = 102, conflicts_with = "pipe")]
    pub(crate) svg: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, display_order = 103)]
    pub(crate) color: ColorWhen,
    #[command(flatten)]
    pub(crate) tls: ConnectTls,
}
