//! The options of SSH hosts, and the help below them.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

/// The arguments that stand in place of a target of `connect`.
pub(crate) const IN_PLACE_OF_TARGET: &[&str] = &["endpoint", "ssh"];

/// The arguments that stand in place of a target of `resolve`.
pub(crate) const RESOLVE_IN_PLACE_OF_TARGET: &[&str] = &["ssh"];

pub(crate) const CONNECT_USAGE: &str = "
       stagger connect [OPTIONS] --ssh <HOST> [HOST:SERVICE]";

pub(crate) const RESOLVE_USAGE: &str = "
       stagger resolve [OPTIONS] --ssh <HOST>";

/// The paragraphs on SSH below the options of `connect`.
pub(crate) const CONNECT_HELP: &str = "\
With --ssh, the target is reached from an SSH host, which resolves its name.
Without a target, the SSH port of the host itself is reached. The host is a
destination of ssh(1), such as web, joe@web or ssh://joe@web:2222. It is looked
up in ~/.ssh/config and /etc/ssh/ssh_config as ssh does. The first hop is raced:
--family, --bind, --resolve, --nat64 and the like are for it. A silent address
costs 250 ms. The picture has the races of hops below the attempt that needs
them.

Logins are left to the program ssh, which never asks here for a password or a
passphrase (BatchMode). --ssh-backend control uses a running control master of
ssh, or starts one. The master stays for ControlPersist, or for a minute. So the
next connection takes milliseconds. --ssh-backend command runs ssh -W, which
dials the first hop itself. It counts as connected when the program has started,
which is a warning.

With --ssh and --json, the object of a target has ssh, the host, after target.

";

/// The paragraphs on SSH below the options of `resolve`.
pub(crate) const RESOLVE_HELP: &str = "\
With --ssh, the command reads the configuration of ssh for a host, and shows
the hops to it, the first one first. It connects to nothing. Keywords that the
command passes over are listed with file and line. With --json, the object has
ssh, hops, and error if there is one. A hop has host, user, host_name, port,
route (direct, jump or command), family, bind_address, bind_interface,
connect_timeout_s, connection_attempts, control_path and notes. A note has
file, line and keyword. A ProxyCommand is not shown: it may have secrets.

";

/// Examples below the options.
pub(crate) const CONNECT_EXAMPLES: &str = "
  stagger connect --ssh bastion db.internal:5432
  stagger connect --ssh bastion";

pub(crate) const RESOLVE_EXAMPLES: &str = "
  stagger resolve --ssh bastion";

/// The row of the exit codes for a wrong host or configuration.
// A backslash at the end of a line would remove the indentation of the next one.
pub(crate) const WRONG: &str =
    "       - a host of --ssh that is malformed, or whose configuration is unusable\n";

/// How connections are opened from hosts.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum BackendName {
    /// A control master of ssh, which is started if there is none
    #[default]
    Control,
    /// The command ssh -W
    Command,
}

// clap does not ask for `--ssh` where an endpoint stands in its way. So the options that need it
// exclude an endpoint too.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("ssh_config", |arg| arg.conflicts_with("endpoint")),
    mut_arg("ssh_match_exec", |arg| arg.conflicts_with("endpoint")),
    mut_arg("ssh_backend", |arg| arg.conflicts_with("endpoint"))
)]
pub(crate) struct ConnectSsh {
    /// Reach the target from this host of the SSH configuration, or else the host's SSH port
    #[arg(
        long,
        value_name = "HOST",
        value_hint = ValueHint::Hostname,
        conflicts_with = "endpoint",
        help_heading = "SSH"
    )]
    pub(super) ssh: Option<String>,
    #[command(flatten)]
    pub(super) config: SshConfig,
    /// How connections are opened from hosts
    #[arg(
        long,
        value_enum,
        value_name = "BACKEND",
        default_value_t,
        requires = "ssh",
        help_heading = "SSH"
    )]
    pub(super) ssh_backend: BackendName,
}

/// The arguments of `resolve` that are about a target and its addresses.
const OF_TARGET: [&str; 7] =
    ["target", "service", "family", "order", "answers", "explain", "nat64"];

// As for `ConnectSsh`.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("ssh_config", |arg| arg.conflicts_with_all(OF_TARGET)),
    mut_arg("ssh_match_exec", |arg| arg.conflicts_with_all(OF_TARGET))
)]
pub(crate) struct ResolveSsh {
    /// Show the hops to this host of the SSH configuration
    #[arg(
        long,
        value_name = "HOST",
        value_hint = ValueHint::Hostname,
        conflicts_with_all = OF_TARGET,
        help_heading = "SSH"
    )]
    pub(super) ssh: Option<String>,
    #[command(flatten)]
    pub(super) config: SshConfig,
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
pub(crate) struct SshConfig {
    /// Read this SSH configuration in place of the user's and the system's, as ssh -F does
    ///
    /// `none` reads no file.
    #[arg(long, value_name = "FILE", requires = "ssh", help_heading = "SSH")]
    pub(super) ssh_config: Option<PathBuf>,
    /// Let `Match exec` of the configuration run its commands
    ///
    /// Without it, such a command is an error. A ProxyCommand runs in any case.
    #[arg(long, requires = "ssh", help_heading = "SSH")]
    pub(super) ssh_match_exec: bool,
}

impl ConnectSsh {
    /// The host as a text, even if it is wrong.
    pub(crate) fn host(&self) -> Option<&str> {
        self.ssh.as_deref()
    }

    /// What a connection from a host does not show before its first byte, if there is something.
    pub(crate) fn doubt(&self) -> Option<&'static str> {
        let is_command = matches!(self.ssh_backend, BackendName::Command);
        (self.ssh.is_some() && is_command).then_some(
            "the program ssh has started, but may still fail; --ssh-backend control waits for the \
             host's answer",
        )
    }
}

impl ResolveSsh {
    /// The host as a text, even if it is wrong.
    pub(crate) fn host(&self) -> Option<&str> {
        self.ssh.as_deref()
    }
}
