//! SSH hosts: the option `--ssh` and those that need it.
//!
//! | to find | look in |
//! | --- | --- |
//! | options and their help | `args` |
//! | the connectors to a host and through it | `way` |
//! | `connect --ssh` without a target | `dial` |
//! | `resolve --ssh` | `resolve`, `shown` |
//! | reads and writes of a connection | `stream` |
//!
//! Without the feature `ssh`, and on other systems than Unix, `absent` has the same names and no
//! options.

mod args;
mod dial;
mod resolve;
mod shown;
mod stream;
mod way;

use stagger::Error;
use stagger::error::causes;
use stagger_ssh::{SshError, SshErrorKind};

pub(crate) use self::args::{
    CONNECT_EXAMPLES, CONNECT_HELP, CONNECT_USAGE, ConnectSsh, IN_PLACE_OF_TARGET,
    RESOLVE_EXAMPLES, RESOLVE_HELP, RESOLVE_IN_PLACE_OF_TARGET, RESOLVE_USAGE, ResolveSsh, WRONG,
};
pub(crate) use self::dial::HostDialing;
pub(crate) use self::resolve::resolve;
pub(crate) use self::way::{FirstHop, Setup, Ways, ways};

/// Whether a connect failed because the configuration cannot be used on any network.
pub(crate) fn is_misconfigured(error: &Error) -> bool {
    let attempts = error.report().attempts().iter();
    let mut failures = attempts.filter_map(|attempt| attempt.outcome.cause());
    failures.any(|cause| {
        let mut kinds =
            causes(cause).filter_map(|cause| Some(cause.downcast_ref::<SshError>()?.kind()));
        kinds.any(|kind| kind == SshErrorKind::Config)
    })
}
