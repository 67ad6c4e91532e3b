//! The command line of `stagger connect`.

use std::path::PathBuf;

use super::choice::ColorWhen;
use super::history::ConnectHistory;
use super::target::TargetArgs;
use crate::ssh::{self, ConnectSsh};
use crate::tls::{self, ConnectTls};

/// The forms of the command.
pub(super) fn usage() -> String {
    format!("{USAGE}{}", ssh::CONNECT_USAGE)
}

const USAGE: &str = "stagger connect [OPTIONS] <HOST:SERVICE>
       stagger connect [OPTIONS] <HOST> <SERVICE>
       stagger connect [OPTIONS] --endpoint <STRING>";

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
    let (help, examples) = ([tls::CONNECT_HELP, ssh::CONNECT_HELP], ssh::CONNECT_EXAMPLES);
    let help = help.concat();
    format!("{PICTURE}{PROXY}{ENDPOINT}{help}{HISTORY}{REST}{}{examples}", tls::CONNECT_EXAMPLES)
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

With --history, an attempt at a known address has pace after error, with
delay_us and reason (silent, silent_family, round_trip, family_round_trip): how
long the next start waited. A race has demoted after attempts, if addresses went
behind all others. It then has outranked, if addresses went behind others of
their family: each with address and round_trip_us.

With --pipe, the end of standard input is sent to the peer, and the command
continues to receive. When the peer ends, standard output is closed, and the
rest of standard input is still sent. If standard input is a terminal, the
command ends when the peer ends.

";

const PROXY: &str = "\
With --proxy, the target's name goes to the proxy. Only the name of the first
proxy is resolved here: --family, --bind, --resolve and the like are for it. An
address of the proxy that is silent, or stalls, costs 250 ms. The picture has
the race to a proxy below the attempt that goes through it. The URL is

  SCHEME://[USER:PASSWORD@]HOST[:PORT]

with the scheme socks5h or socks5 (port 1080), http (1080), or https (443: TLS
to the proxy, which --ca checks too). Reserved characters in a login are
percent-encoded. No output has the login, but other users of this machine may
see arguments. --proxy env takes the proxy from the variables ALL_PROXY,
HTTPS_PROXY, http_proxy and NO_PROXY, as curl reads them: HTTPS_PROXY counts
with --tls and for the port 443, http_proxy for the port 80. With --json, the
object has proxies after target, without logins.

";

const ENDPOINT: &str = "\
With --endpoint, a string names the way to the peer in hops, from left to right:

  HOP | HOP | HOP      a hop is SCHEME:REST?OPTION=VALUE&OPTION=VALUE

  tcp:HOST:SERVICE     the race to this target; timeout, family, bind and more
  unix:PATH            a Unix socket, or an abstract one with @NAME
  socks5:HOST:SERVICE  this target through the SOCKS5 proxy before it
  connect:HOST:SERVICE this target through the HTTP proxy before it
  tls, tls:HOST:PORT   TLS over the hop before it, or over tcp; ca, name, alpn
  ssh:HOST             the SSH port of a host; tcp after it starts there

A login is before the host, as in socks5:USER:PASSWORD@HOST:SERVICE. Reserved
characters are percent-encoded. What is wrong with a string is marked below it.

";

const HISTORY: &str = "\
With --history, the file is read before the connect, and replaced in one step
after it. Of two commands that overlap, the last one to write wins. What is
learned belongs to the network that this machine is in. With --proxy or --ssh,
it is about the addresses of the first proxy or host. An address that was
silent before goes last until its time is over: 1 min after the first silence,
for twice as long after each further silence, and for 10 min at most. The
picture has the reason where an address went last or was started early. A
history that is damaged, or longer than 8 MiB, is replaced with a warning. A
file of another kind or version is left alone, and nothing is kept. A history
never fails a connect.

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
  stagger connect example.com:https --history ~/.cache/stagger.json
  stagger connect example.com:https --proxy socks5h://proxy.example:1080
  stagger connect --endpoint 'tcp:proxy.example:1080 | socks5:host:443 | tls'
  ssh -o 'ProxyCommand=stagger connect --pipe %h %p' example.com";

/// The arguments that an endpoint replaces. Those of TLS name it themselves.
const OF_TARGET: [&str; 15] = [
    "target",
    "service",
    "family",
    "order",
    "resolver",
    "server",
    "resolve",
    "lanes",
    "nat64",
    "attempt_timeout",
    "attempt_delay",
    "resolution_delay",
    "bind",
    "proxy",
    "history",
];

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Connect to this endpoint in place of a target, as in 'tcp:proxy:1080 | socks5:host:22'
    ///
    /// Of the other options only those for the output, --pipe, --runtime and --timeout apply: an
    /// endpoint has its own.
    #[arg(long, value_name = "STRING", conflicts_with_all = OF_TARGET)]
    pub(crate) endpoint: Option<String>,
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
    /// Connect through a proxy, as in socks5h://proxy:1080 (repeatable)
    ///
    /// The first proxy is dialed, and the last is asked for the target. `env` uses the proxy of
    /// the environment, which is ignored otherwise.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Vec<String>,
    #[command(flatten)]
    pub(crate) history: ConnectHistory,
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
    pub(crate) ssh: ConnectSsh,
    #[command(flatten)]
    pub(crate) tls: ConnectTls,
}
