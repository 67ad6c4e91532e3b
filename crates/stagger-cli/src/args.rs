//! The command line.

mod name;
mod udp;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use stagger::Target;
use stagger::target::Host;

pub(crate) use self::name::{ColorWhen, FamilyName, OrderName, ResolverName, RuntimeName};
pub(crate) use self::udp::{UdpCommand, UdpListenArgs, UdpSendArgs, UdpShown};
use crate::address::unwanted;
use crate::usage::UsageError;

const EXAMPLES: &str = "\
Begin with `stagger demo`: it needs no network, and shows what a race looks like.

Exit status: 0 connected; 1 a lookup or an attempt failed; 2 the arguments are
wrong whatever the network says, such as an unknown option, service or zone; 128
plus the number of the signal that ended the process: 130 for Ctrl-C, 141 when
nobody reads the output.";

const CONNECT_USAGE: &str = "stagger connect [OPTIONS] <HOST:SERVICE>
       stagger connect [OPTIONS] <HOST> <SERVICE>";

const CONNECT_EXAMPLES: &str = "\
Examples:
  stagger connect example.com:https
  stagger connect example.com 443 --timeout 10s
  stagger connect localhost:22 --family v4 --runtime smol
  stagger connect '[fe80::1%eth0]:22' --json
  stagger connect example.com:443 --bind 192.0.2.7 --bind 2001:db8::7
  stagger connect example.com:https --svg race.svg
  stagger connect example.com:https --resolve example.com:192.0.2.7
  ssh -o 'ProxyCommand=stagger connect --pipe %h %p' example.com

Durations are a number and a unit, such as 250ms, 30s or 5m. Standard output
has the race: a bar over time for each query and each address, with when it
started, when it ended, and how. The bar is double from where a handshake
begins, and a race inside an attempt is drawn below it. On a terminal the race
is drawn while it runs. Standard error, or the JSON object, has the reason why
there is no connection.

The JSON object has target, connected, peer, local, elapsed_us, queries,
attempts, and error if there is no connection. A query has record, started_us,
ended_us, addresses, provisional, kind and error. An attempt has address,
started_us, progressed_us, ended_us, outcome, error and children. A child is a
race inside the attempt; it has target, connected, began_us, elapsed_us, queries
and attempts. All times are microseconds since the beginning of the outermost
race, but elapsed_us is the length of its own race. All JSON is printable ASCII:
any other character is escaped as \\uXXXX.

With --pipe, the end of standard input is passed on to the peer, and what it
still sends is waited for. The peer's end closes standard output, and the rest
of standard input is sent; but if that is a terminal, the peer's end is the end
of all.

Exit status: 0 connected, and with --pipe all carried; 1 a lookup or an attempt
failed, the name has no address of the family of a bind address, not all was
carried, or the picture cannot be written; 2 the arguments are wrong whatever
the network says, such as an unknown service or zone, a link-local address
without its zone, or an address as the target with a bind address of the other
family; 128 plus the number of the signal that ended the process.";

const RESOLVE_USAGE: &str = "stagger resolve [OPTIONS] <HOST:SERVICE>
       stagger resolve [OPTIONS] <HOST> <SERVICE>";

const RESOLVE_EXAMPLES: &str = "\
Examples:
  stagger resolve localhost:https
  stagger resolve example.com 443 --order ipv6-first --json
  stagger resolve example.com:443 --answers --explain
  stagger resolve example.com:443 --answers --server 192.0.2.53 --json

It waits for every lookup, also where a race would begin without one. The JSON
object has target, candidates, skipped, elapsed_us, queries, and error if there
is no address. A query has the same names as that of `stagger connect`.

With --answers it has answers too, in the order in which they came. An answer
has record, at_us, addresses, ttl_s, provisional, kind and error. With --explain it
has order, if there is an address. The order has by, addresses, and note, which
says why the order of the candidates is another. An address of the order has
address, source, deprecated, rule and reason.

All JSON is printable ASCII: any other character is escaped as \\uXXXX.

Exit status: 0 resolved; 1 a lookup failed or found no address; 2 the arguments
are wrong whatever the network says, such as an unknown service or zone.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  stagger completions bash \\
    > ~/.local/share/bash-completion/completions/stagger
  stagger completions zsh > ~/.zfunc/_stagger
  stagger completions fish > ~/.config/fish/completions/stagger.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  stagger man | man -l -
  stagger man connect > ~/.local/share/man/man1/stagger-connect.1";

const LISTEN_EXAMPLES: &str = "\
Examples:
  stagger listen :8080
  stagger listen --all-interfaces :8080
  stagger listen '[::1]:8080' 127.0.0.1:8080 --runtime smol
  stagger listen 127.0.0.1:8080 --pipe > received

Exit status: 0 all carried, with --pipe; 1 it cannot listen, or not all carried;
2 bad usage; 128 and a signal's number when that ended it.";

/// Connect to a name as fast as the network allows, and see the race.
///
/// A host is resolved, and staggered attempts race at its addresses (Happy Eyeballs, RFC 8305): the
/// first that connects wins, and a dead address costs 250 ms instead of a minute.
#[derive(Debug, Parser)]
#[command(
    name = "stagger",
    version,
    max_term_width = 80,
    after_help = EXAMPLES,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect, close the connection, and show how the race went
    #[command(override_usage = CONNECT_USAGE, after_help = CONNECT_EXAMPLES)]
    Connect(ConnectArgs),
    /// Show the addresses of a target in the order in which they would be tried
    #[command(override_usage = RESOLVE_USAGE, after_help = RESOLVE_EXAMPLES)]
    Resolve(ResolveArgs),
    /// Accept connections, show each peer, and send back what it sends
    #[command(after_help = LISTEN_EXAMPLES)]
    Listen(ListenArgs),
    /// Send and receive datagrams, to and from hosts and groups
    #[command(subcommand, after_help = udp::EXAMPLES, disable_help_subcommand = true)]
    Udp(UdpCommand),
    /// Run races over loopback sockets past dead addresses, and show each
    ///
    /// The demo makes its own listeners on loopback addresses (one that accepts, one that refuses,
    /// one that is silent) and its own answers, some of them by a name server that is late with one,
    /// races over real sockets, and checks what it sees. It needs no network, ends within seconds and
    /// leaves nothing.
    #[command(after_help = "Exit status: 0 every race went as it should, 1 one did not.")]
    Demo(DemoArgs),
    /// Print the completions of the command line for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print a page of the manual, in roff
    #[command(after_help = MAN_EXAMPLES)]
    Man {
        /// The command that the page is of, if not of the whole
        #[arg(value_enum, value_name = "COMMAND")]
        page: Option<Page>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// How long one attempt may run [default: no limit of its own]
    #[arg(long, value_name = "DURATION")]
    pub(crate) attempt_timeout: Option<String>,
    /// How long after a start the next attempt starts beside it, 10ms to 2s, or `off` for one
    /// attempt after another [default: 250ms]
    #[arg(long, value_name = "DURATION")]
    pub(crate) attempt_delay: Option<String>,
    /// How long the first addresses wait for those of the preferred family, up to 2s [default:
    /// 50ms]
    #[arg(long, value_name = "DURATION")]
    pub(crate) resolution_delay: Option<String>,
    /// Where to connect from: an IP address, or one with a port. Once for each family; addresses
    /// of a family without one are skipped then
    #[arg(long, value_name = "ADDR")]
    pub(crate) bind: Vec<String>,
    /// Be a pipe: send standard input, and write what is received to standard output and nothing
    /// else
    #[arg(long, conflicts_with = "json")]
    pub(crate) pipe: bool,
    /// Write the picture to this file too, as SVG; with `-`, to standard output in place of the
    /// text
    #[arg(long, value_name = "FILE", display_order = 102, conflicts_with = "pipe")]
    pub(crate) svg: Option<PathBuf>,
    /// When to use colours: on a terminal unless NO_COLOR is set, always, or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, display_order = 103)]
    pub(crate) color: ColorWhen,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Show each answer too, as it comes: when, of what, the addresses, and for how long they may be
    /// kept
    #[arg(long)]
    pub(crate) answers: bool,
    /// Show too why the addresses stand in their order, by RFC 6724 and `gai.conf`: the source
    /// address for each, and the rule that put it after the one before
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListenArgs {
    /// Where to listen: an IP address and a port, or a port alone for all of IPv4. With port 0 the
    /// system chooses one [default: 0]
    #[arg(value_name = "[ADDR]:PORT")]
    pub(crate) addrs: Vec<String>,
    /// Listen on every interface, over IPv6 and IPv4, at one port
    #[arg(long)]
    pub(crate) all_interfaces: bool,
    /// Be a pipe for the first connection, and listen no more: send standard input, and write what
    /// is received to standard output and nothing else
    #[arg(long)]
    pub(crate) pipe: bool,
    /// The async runtime to run on
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: RuntimeName,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// The async runtime to run on
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: RuntimeName,
    /// When to use colours: on a terminal unless NO_COLOR is set, always, or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorWhen,
}

/// What `connect` and `resolve` have in common.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// A host and a service, such as example.com:443 or localhost:ssh; or a host alone, with
    /// the service after it
    #[arg(value_name = "HOST:SERVICE", value_hint = ValueHint::Hostname)]
    pub(crate) target: String,
    /// The service, a port or a name, if the target has none
    pub(crate) service: Option<String>,
    /// Which address families are wanted
    #[arg(long, value_enum, default_value_t)]
    pub(crate) family: FamilyName,
    /// The order of the addresses
    #[arg(long, value_enum, default_value_t)]
    pub(crate) order: OrderName,
    /// How long it may take in all [default: 5m]
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    /// When each family is asked for apart, beside the one lookup of all: `late`, which is when
    /// that has taken 50ms, after another delay of up to 2s, `at-once`, or `never` [default: late]
    #[arg(long, value_name = "WHEN")]
    pub(crate) lanes: Option<String>,
    /// Who is asked for names: the system, or name servers, over DNS: those of `resolv.conf`, after
    /// the hosts file [default: system]
    #[arg(long, value_enum, value_name = "WHO")]
    pub(crate) resolver: Option<ResolverName>,
    /// A name server to ask, over DNS, in place of those of `resolv.conf` and of the hosts file. May
    /// be repeated
    #[arg(long, value_name = "ADDR")]
    pub(crate) server: Vec<String>,
    /// Have a name lead to these addresses, whatever a resolver says: NAME:ADDR[,ADDR...], or
    /// NAME:PORT:ADDR for one port alone, with brackets round an IPv6 address. An IPv6 address may
    /// have a zone, as in NAME:80:[fe80::1%eth0]. May be repeated
    #[arg(long, value_name = "NAME:ADDR")]
    pub(crate) resolve: Vec<String>,
    /// The async runtime to run on
    #[arg(long, value_enum, default_value_t, display_order = 100)]
    pub(crate) runtime: RuntimeName,
    /// Print one JSON object instead
    #[arg(long, display_order = 101)]
    pub(crate) json: bool,
}

impl Wanted {
    /// The target, from one word or from two. Its host may be a name, or an address of a family that
    /// is wanted.
    pub(crate) fn target(&self) -> Result<Target, UsageError> {
        let target = self.parsed()?;
        let ip = match target.host() {
            Host::Ipv4(addr) => IpAddr::from(*addr),
            Host::Ipv6 { addr, .. } => IpAddr::from(*addr),
            Host::Name(_) => return Ok(target),
        };
        match unwanted(ip, self.family.into()) {
            Some(reason) => Err(UsageError::new("target", &target.to_string(), reason)),
            None => Ok(target),
        }
    }

    fn parsed(&self) -> Result<Target, UsageError> {
        let Some(service) = &self.service else { return Ok(Target::parse(&self.target)?) };
        Target::new(&self.target, service).map_err(|error| match Target::parse(&self.target) {
            Ok(whole) => {
                let reason = format!("a second service, after that of \"{whole}\"");
                UsageError::new("service", service, reason)
            }
            Err(_) => error.into(),
        })
    }

    /// The target as a text, even if it is none.
    pub(crate) fn target_text(&self) -> String {
        match (self.parsed(), &self.service) {
            (Ok(target), _) => target.to_string(),
            (Err(_), None) => self.target.clone(),
            (Err(_), Some(service)) => format!("{} {service}", self.target),
        }
    }
}

/// A page of the manual that is of one command.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Page {
    Connect,
    Resolve,
    Listen,
    Udp,
    UdpListen,
    UdpSend,
    Demo,
    Completions,
    Man,
}

impl Page {
    /// The command's words.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Connect => &["connect"],
            Self::Resolve => &["resolve"],
            Self::Listen => &["listen"],
            Self::Udp => &["udp"],
            Self::UdpListen => &["udp", "listen"],
            Self::UdpSend => &["udp", "send"],
            Self::Demo => &["demo"],
            Self::Completions => &["completions"],
            Self::Man => &["man"],
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_has_a_page() {
        let command = Args::command();
        let mut commands = Vec::new();
        for command in command.get_subcommands() {
            commands.push(vec![command.get_name()]);
            let below = command.get_subcommands();
            commands.extend(below.map(|below| vec![command.get_name(), below.get_name()]));
        }
        let pages = Page::value_variants();
        assert!(commands.iter().eq(pages.iter().map(|page| page.words())));
        for page in pages {
            let name = page.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(name, Some(page.words().join("-")));
        }
    }
}
