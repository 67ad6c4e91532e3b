//! The command line of `stagger udp`.

use clap::{Subcommand, value_parser};

use super::choice::RuntimeName;

pub(super) const HELP: &str = "\
Both commands take IP addresses only. `stagger resolve` shows those of a name.
The zone of a link-local address is a network interface: [fe80::1%eth0]:5000.

Examples:
  stagger udp listen :5000 --echo
  stagger udp send 127.0.0.1:5000 --data hello --replies 1";

const LISTEN: &str = "\
Examples:
  stagger udp listen :5000
  stagger udp listen :5353 --join 224.0.0.251%eth0 --reuse

`stagger udp listen --help` says more: the output and exit status.";

const LISTEN_LONG: &str = "\
Each datagram is a line: its sender, the address and the interface at which it
arrived, and its bytes in quotes. Other characters than text are escaped: \\n,
\\u{1b}, or \\xff for a byte that is not UTF-8.

A sender can be forged, and --echo answers it. Use --echo for tests, not on open
networks.

Exit status:
  0    --count datagrams arrived, or --timeout passed without --count
  1    the address is in use or not of this machine; too few datagrams arrived
  2    the arguments are wrong on any network (see `stagger --help`)
  128+N  ended by signal N: 130 for Ctrl-C

Examples:
  stagger udp listen :5000
  stagger udp listen '[::1]:5000' --echo --runtime smol
  stagger udp listen :5353 --join 224.0.0.251%eth0 --reuse
  stagger udp listen :5000 --join ff02::1234%eth0 --count 1 --raw > received
  stagger udp listen :5000 --join 232.1.2.3 --source 192.0.2.7";

const SEND: &str = "\
Examples:
  stagger udp send 127.0.0.1:5000 --data hello
  stagger udp send '[fe80::1%eth0]:5000' --data ping --replies 1 --wait 2s

`stagger udp send --help` says more: standard input and exit status.";

const SEND_LONG: &str = "\
Without --data, all of standard input is one datagram. With --lines, or if
standard input is a terminal, each line is one.

UDP does not confirm that a datagram arrives. With --replies or --wait, the
command fails if the other side refuses it. Without them it fails only if this
machine knows at once that the datagram cannot be sent.

Exit status:
  0    sent; with --replies, that many answers came; with only --wait, one came
  1    not sent, refused, or too few answers came
  2    the arguments are wrong on any network (see `stagger --help`)
  128+N  ended by signal N: 130 for Ctrl-C

Examples:
  stagger udp send 127.0.0.1:5000 --data hello
  stagger udp send '[fe80::1%eth0]:5000' --data ping --replies 1 --wait 2s
  stagger udp send 239.255.7.9:5000 --interface eth0 --hops 4 --data hello
  stagger udp send 255.255.255.255:5000 --broadcast --data hello --wait 1s
  stagger udp send '[ff02::fb%eth0]:5353' --raw --replies 1 < query > answer
  tail -f log | stagger udp send 127.0.0.1:5000 --lines";

#[derive(Debug, Subcommand)]
pub(crate) enum UdpCommand {
    /// Receive datagrams, and show each
    #[command(after_help = LISTEN, after_long_help = LISTEN_LONG)]
    Listen(UdpListenArgs),
    /// Send datagrams, and show the answers if asked
    #[command(after_help = SEND, after_long_help = SEND_LONG)]
    Send(UdpSendArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct UdpListenArgs {
    /// An IP address and a port, or only a port for all IPv4 addresses [default: 0]
    ///
    /// A port alone is for all addresses of the families of the joined groups, and for IPv4 without
    /// a group. Port 0 is any free port.
    #[arg(value_name = "[ADDR]:PORT")]
    pub(crate) addr: Option<String>,
    /// Receive on all IPv6 and IPv4 addresses, on the same port
    #[arg(long)]
    pub(crate) all_interfaces: bool,
    /// Join this multicast group (repeatable)
    ///
    /// The interface is a name or a number. The system chooses one if none is given.
    #[arg(long, value_name = "GROUP[%INTERFACE]")]
    pub(crate) join: Vec<String>,
    /// Receive only what this host sends to the joined groups (repeatable)
    #[arg(long, value_name = "ADDR", requires = "join")]
    pub(crate) source: Vec<String>,
    /// Send each datagram back to its sender
    #[arg(long)]
    pub(crate) echo: bool,
    /// Share the address and port with other programs that allow it too
    #[arg(long)]
    pub(crate) reuse: bool,
    /// Stop after this many datagrams
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Stop after this time [default: never]
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    #[command(flatten)]
    pub(crate) output: UdpOutputArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UdpSendArgs {
    /// The IP address of a host or a group, and a port
    #[arg(value_name = "ADDR:PORT")]
    pub(crate) addr: String,
    /// Send this text as a datagram (repeatable)
    #[arg(long, value_name = "TEXT", conflicts_with = "lines", allow_hyphen_values = true)]
    pub(crate) data: Vec<String>,
    /// Send each line of standard input as a datagram
    #[arg(long)]
    pub(crate) lines: bool,
    /// Send from this IP address, with or without a port
    #[arg(long, value_name = "ADDR")]
    pub(crate) bind: Option<String>,
    /// Send through this network interface, a name or a number
    #[arg(long, value_name = "INTERFACE")]
    pub(crate) interface: Option<String>,
    /// Allow this many hops (TTL) [default: 1 to a group, else the system's]
    ///
    /// 0 is for multicast groups only: the datagram then stays on this machine.
    #[arg(long, value_name = "N")]
    pub(crate) hops: Option<u8>,
    /// Do not deliver what is sent to a group to this machine
    #[arg(long)]
    pub(crate) no_loopback: bool,
    /// Allow a broadcast address
    #[arg(long)]
    pub(crate) broadcast: bool,
    /// Wait for this many answers, and show them
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) replies: Option<u64>,
    /// Wait this long for answers [default: 5s with --replies, else not]
    ///
    /// The time counts from the last datagram. Without --replies, all answers in that time are
    /// shown.
    #[arg(long, value_name = "DURATION")]
    pub(crate) wait: Option<String>,
    #[command(flatten)]
    pub(crate) output: UdpOutputArgs,
}

/// How datagrams are received and shown.
#[derive(Debug, clap::Args)]
pub(crate) struct UdpOutputArgs {
    /// Take at most this many bytes of a datagram; the rest is lost
    #[arg(long, value_name = "BYTES", default_value_t = u16::MAX, display_order = 98)]
    #[arg(value_parser = value_parser!(u16).range(1..))]
    pub(crate) buffer: u16,
    /// Write only the received bytes to standard output
    #[arg(long, display_order = 99, conflicts_with = "json")]
    pub(crate) raw: bool,
    /// The async runtime
    #[arg(long, value_enum, default_value_t, display_order = 100)]
    pub(crate) runtime: RuntimeName,
    /// Print one JSON object a line for each event
    #[arg(long, display_order = 101)]
    pub(crate) json: bool,
}
