//! The command line of `stagger resolve`.

use super::target::TargetArgs;
use crate::ssh::{self, ResolveSsh};

/// The forms of the command.
pub(super) fn usage() -> String {
    format!("{USAGE}{}", ssh::RESOLVE_USAGE)
}

/// The text below the options, in `--help`.
pub(super) fn long() -> String {
    format!("{LONG}{}{STATUS}{}", ssh::RESOLVE_HELP, ssh::RESOLVE_EXAMPLES)
}

const USAGE: &str = "stagger resolve [OPTIONS] <HOST:SERVICE>
       stagger resolve [OPTIONS] <HOST> <SERVICE>";

pub(super) const SHORT: &str = "\
Examples:
  stagger resolve example.com:https
  stagger resolve example.com:443 --answers --explain

`stagger resolve --help` says more: JSON and exit status.";

const LONG: &str = "\
The command waits for every lookup to end. `stagger connect` starts earlier.

Durations are a number and a unit, such as 250ms, 30s or 5m.

With --json, the object has target, candidates, skipped, elapsed_us, queries,
and error if there is no address. A query has the same names as in `stagger
connect --json`. With --answers it also has answers, in the order of their
arrival. An answer has record, at_us, addresses, ttl_s, provisional, kind and
error. With --explain it also has order, if there is an address: by, addresses
and note. The note says why the candidates are in another order. An address
there has address, source, deprecated, rule and reason. The output is printable
ASCII: other characters are escaped as \\uXXXX.

";

const STATUS: &str = "\
Exit status:
  0    resolved
  1    a lookup failed, or found no usable address
  2    the arguments are wrong on any network (see `stagger --help`)
  128+N  ended by signal N: 130 for Ctrl-C

Examples:
  stagger resolve localhost:https
  stagger resolve example.com 443 --order ipv6-first --json
  stagger resolve example.com:443 --answers --explain
  stagger resolve example.com:443 --answers --server 192.0.2.53 --json";

#[derive(Debug, clap::Args)]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Also show each answer when it arrives: time, record, addresses, TTL
    #[arg(long)]
    pub(crate) answers: bool,
    /// Also show why the addresses are in this order (RFC 6724), and which are skipped
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) ssh: ResolveSsh,
}
