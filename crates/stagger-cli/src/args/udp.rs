//! The command line of `stagger udp`.

use clap::{Subcommand, value_parser};

use super::RuntimeName;

pub(super) const EXAMPLES: &str = "\
Examples:
  stagger udp listen :5000 --echo
  stagger udp send 127.0.0.1:5000 --data hello --replies 1

Addresses are given as such: `stagger resolve` shows those of a name. A zone is
the name or the number of an interface, as in [fe80::1%eth0]:5000.";

const LISTEN_EXAMPLES: &str = "\
Examples:
  stagger udp listen :5000
  stagger udp listen '[::1]:5000' --echo --runtime smol
  stagger udp listen :5353 --join 224.0.0.251%eth0 --reuse
  stagger udp listen :5000 --join ff02::1234%eth0 --count 1 --raw > received
  stagger udp listen :5000 --join 232.1.2.3 --source 192.0.2.7

A datagram is a line: who sent it, to which address and by which interface it
came, and its bytes in quotes. What is no text is escaped, as \\n, \\u{1b} or, if
it is not UTF-8, \\xff.

With --echo, whoever forges the sender of a datagram chooses who is answered: it
is for tests, and not for open networks.

Exit status: 0 as many came as --count says, or the time was up and nothing was
counted; 1 it cannot receive, or fewer came; 2 bad usage; 128 and a signal's
number when that ended it.";

const SEND_EXAMPLES: &str = "\
Examples:
  stagger udp send 127.0.0.1:5000 --data hello
  stagger udp send '[fe80::1%eth0]:5000' --data ping --replies 1 --wait 2s
  stagger udp send 239.255.7.9:5000 --interface eth0 --hops 4 --data hello
  stagger udp send 255.255.255.255:5000 --broadcast --data hello --wait 1s
  stagger udp send '[ff02::fb%eth0]:5353' --raw --replies 1 < query > answer
  tail -f log | stagger udp send 127.0.0.1:5000 --lines

Without --data, all of standard input is one datagram; with --lines, or if it is
a terminal, each line of it is one.

A datagram that is sent has not arrived. With --replies or --wait it is told if
the other side refuses; without, only if this machine knows at once.

Exit status: 0 sent, and as many answered as --replies says, or, with --wait
alone, anybody; 1 not sent, refused, or fewer answered; 2 bad usage; 128 and a
signal's number when that ended it.";

#[derive(Debug, Subcommand)]
pub(crate) enum UdpCommand {
    /// Receive datagrams from hosts and groups, show each, and answer it if asked
    #[command(after_help = LISTEN_EXAMPLES)]
    Listen(UdpListenArgs),
    /// Send datagrams to a host or a group, and show who answers if asked
    #[command(after_help = SEND_EXAMPLES)]
    Send(UdpSendArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct UdpListenArgs {
    /// Where to receive: an IP address and a port, or a port alone for all of IPv4, or of the
    /// family of the groups that are joined. With port 0 the system chooses one [default: 0]
    #[arg(value_name = "[ADDR]:PORT")]
    pub(crate) addr: Option<String>,
    /// Receive on every interface, over IPv6 and IPv4, at one port
    #[arg(long)]
    pub(crate) all_interfaces: bool,
    /// Join a group, on an interface by name or number or on the system's choice. May be repeated
    #[arg(long, value_name = "GROUP[%INTERFACE]")]
    pub(crate) join: Vec<String>,
    /// Receive from the groups only what this host sends to them. May be repeated
    #[arg(long, value_name = "ADDR", requires = "join")]
    pub(crate) source: Vec<String>,
    /// Send each datagram back to its peer, from the address and by the interface to which it came
    #[arg(long)]
    pub(crate) echo: bool,
    /// Let others receive at the same address and port, if they say so too
    #[arg(long)]
    pub(crate) reuse: bool,
    /// End after this many datagrams
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after this time [default: never]
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    #[command(flatten)]
    pub(crate) shown: UdpShown,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UdpSendArgs {
    /// Where to send: the IP address of a host or a group, and a port
    #[arg(value_name = "ADDR:PORT")]
    pub(crate) addr: String,
    /// Send this text. May be repeated, for several datagrams
    #[arg(long, value_name = "TEXT", conflicts_with = "lines", allow_hyphen_values = true)]
    pub(crate) data: Vec<String>,
    /// Send each line of standard input as soon as it is there, without its end
    #[arg(long)]
    pub(crate) lines: bool,
    /// Where to send from: an IP address, or one with a port
    #[arg(long, value_name = "ADDR")]
    pub(crate) bind: Option<String>,
    /// Send by this network interface, by name or number
    #[arg(long, value_name = "INTERFACE")]
    pub(crate) interface: Option<String>,
    /// How many hops a datagram may make: the TTL of IPv4, the hop limit of IPv6 [default: 1 to a
    /// group, else the system's]
    #[arg(long, value_name = "N")]
    pub(crate) hops: Option<u8>,
    /// Have this machine not hear what is sent to a group that it is in
    #[arg(long)]
    pub(crate) no_loopback: bool,
    /// Allow the address to be a broadcast address
    #[arg(long)]
    pub(crate) broadcast: bool,
    /// Wait for this many answers, and show them; for those to a group, from anybody
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) replies: Option<u64>,
    /// How long to wait for answers after the last datagram; without --replies, for all that come by
    /// then [default: 5s with --replies, else not at all]
    #[arg(long, value_name = "DURATION")]
    pub(crate) wait: Option<String>,
    #[command(flatten)]
    pub(crate) shown: UdpShown,
}

/// What is shown of datagrams, and what they are received by.
#[derive(Debug, clap::Args)]
pub(crate) struct UdpShown {
    /// How many bytes are taken of a datagram; what is cut off is lost, and that is said
    #[arg(long, value_name = "BYTES", default_value_t = u16::MAX, display_order = 98)]
    #[arg(value_parser = value_parser!(u16).range(1..))]
    pub(crate) buffer: u16,
    /// Write the bytes of what is received to standard output, and nothing else
    #[arg(long, display_order = 99, conflicts_with = "json")]
    pub(crate) raw: bool,
    /// The async runtime to run on
    #[arg(long, value_enum, default_value_t, display_order = 100)]
    pub(crate) runtime: RuntimeName,
    /// Print one JSON object a line instead, for each thing that happens
    #[arg(long, display_order = 101)]
    pub(crate) json: bool,
}
