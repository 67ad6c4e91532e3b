//! The command line of `stagger listen`.

use super::choice::RuntimeName;
use crate::tls::{self, ListenTls};

/// The text below the options.
pub(super) fn help() -> String {
    format!("{TEXT}{}", tls::LISTEN_EXAMPLE)
}

const TEXT: &str = "\
Exit status:
  0    with --pipe: everything was sent and received
  1    the address is in use or not of this machine; the connection broke
  2    the arguments are wrong on any network (see `stagger --help`)
  128+N  ended by signal N: 130 for Ctrl-C

Examples:
  stagger listen :8080
  stagger listen --all-interfaces :8080
  stagger listen '[::1]:8080' 127.0.0.1:8080 --runtime smol
  stagger listen 127.0.0.1:8080 --pipe > received
  stagger listen --endpoint 'unix:/tmp/app.sock?replace-stale=yes'";

#[derive(Debug, clap::Args)]
pub(crate) struct ListenArgs {
    /// An IP address and a port, or only a port for all IPv4 addresses. Port 0: any free port
    /// [default: 0]
    #[arg(value_name = "[ADDR]:PORT")]
    pub(crate) addrs: Vec<String>,
    /// Listen at this endpoint in place of an address, as in 'unix:/run/app.sock'
    ///
    /// The schemes are tcp, unix, tls (with cert and key), fd and systemd.
    #[arg(long, value_name = "STRING", conflicts_with_all = ["addrs", "all_interfaces"])]
    pub(crate) endpoint: Option<String>,
    /// Listen on all IPv6 and IPv4 addresses, on the same port
    #[arg(long)]
    pub(crate) all_interfaces: bool,
    /// Take one connection: send standard input, and write what is received to standard output
    #[arg(long)]
    pub(crate) pipe: bool,
    /// The async runtime
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: RuntimeName,
    #[command(flatten)]
    pub(crate) tls: ListenTls,
}
