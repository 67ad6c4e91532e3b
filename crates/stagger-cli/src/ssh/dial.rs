//! `connect --ssh` without a target: to the SSH port of the host.

use stagger::{Dialer, Policy};
use stagger_ssh::ByAlias;

use super::way::{FirstHop, Setup, Ways};
use crate::args::ConnectArgs;
use crate::dial::{Dialed, outer};
use crate::failure::Failure;
use crate::history::Kept;
use crate::nat64::Nat64Choice;
use crate::resolver::ResolverChoice;
use crate::runtime::Runtime;
use crate::usage::UsageError;
use crate::{bind, policy};

/// A connect to the SSH port of a host.
#[derive(Debug)]
pub(crate) struct HostDialing {
    setup: Setup,
    first: FirstHop,
    outer: Policy,
    kept: Option<Kept>,
}

impl HostDialing {
    /// Reads the options of `connect`.
    ///
    /// # Errors
    ///
    /// The first value that is wrong, and an option that needs a target.
    pub(crate) fn of(args: &ConnectArgs) -> Result<Self, Failure> {
        let setup = Setup::of(&args.ssh)?;
        let setup = setup.expect("the command line has --ssh if it has no target");
        let needs_target = [("--tls", args.tls.is_on()), ("--proxy", !args.proxy.is_empty())];
        if let Some((option, _)) = needs_target.into_iter().find(|(_, is_there)| *is_there) {
            let reason = "--ssh alone leads to an SSH server; write a target too, as in \
                          example.com:https";
            return Err(UsageError::unquoted(option, reason).into());
        }
        args.tls.check_ca()?;
        let policy = policy::of_connect(args)?;
        let outer = outer(&policy);
        let options = bind::options(&args.bind, args.target.family, None)?;
        let resolver = ResolverChoice::of(&args.target)?;
        let kept = Kept::of(&args.history);
        let history = kept.as_ref().map(Kept::history);
        let nat64 = Nat64Choice::of(args.target.nat64.as_deref())?;
        let policy = policy.without_timeout();
        let first = FirstHop { resolver, options, policy, history, nat64 };
        Ok(Self { setup, first, outer, kept })
    }

    /// Begins the connect on a runtime.
    pub(crate) fn begin<R: Runtime>(self) -> Dialed {
        let Self { setup, first, outer, kept } = self;
        let Ways { hosts, .. } = setup.ways::<R>(first);
        let dialer = Dialer::new(ByAlias, hosts, R::timer()).with_policy(outer);
        let dialed = Dialed::of(dialer, |dialer| dialer.connect_addresses([setup.alias()]));
        dialed.then_save(kept)
    }

    /// The history of the connect, and its file.
    pub(crate) fn history(&self) -> Option<Kept> {
        self.kept.clone()
    }
}
