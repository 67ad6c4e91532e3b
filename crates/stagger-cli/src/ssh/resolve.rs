//! `resolve --ssh`: where the configuration leads for a host.

use stagger::text::with_causes;
use stagger_net::TcpOptions;
use stagger_ssh::{SshError, SshErrorKind, SshHost};

use super::shown;
use super::way::{FirstHop, Setup};
use crate::args::ResolveArgs;
use crate::console::{Console, Exit};
use crate::failure::Failure;
use crate::nat64::Nat64Choice;
use crate::policy;
use crate::resolver::ResolverChoice;
use crate::runtime::{Job, Runtime};

/// A lookup of a host in the configuration.
struct LookUp {
    setup: Setup,
    first: FirstHop,
}

/// Shows the hops to a host. Without `--ssh` it does nothing.
pub(crate) fn resolve(args: &ResolveArgs, console: &mut Console) -> Option<Exit> {
    let name = args.ssh.host()?;
    let found = LookUp::of(args).and_then(|look_up| args.target.runtime.run(look_up));
    let (host, failure) = match found {
        Ok(host) => (Some(host), None),
        Err(failure) => (None, Some(failure)),
    };
    let error = failure.as_ref().map(|failure| &*failure.message);
    if args.target.json {
        console.print(&shown::json(name, host.as_ref(), error));
    } else {
        if let Some(host) = &host {
            console.print(&shown::text(host));
        }
        if let Some(error) = error {
            console.error(error);
        }
    }
    Some(failure.map_or(Exit::Success, |failure| failure.exit))
}

impl LookUp {
    fn of(args: &ResolveArgs) -> Result<Self, Failure> {
        let setup = Setup::of_resolve(&args.ssh)?.expect("the command line has --ssh");
        let policy = policy::of_target(&args.target)?;
        let resolver = ResolverChoice::of(&args.target)?;
        let options = TcpOptions::new();
        let (history, nat64) = (None, Nat64Choice::Off);
        Ok(Self { setup, first: FirstHop { resolver, options, policy, history, nat64 } })
    }
}

impl Job for LookUp {
    type Output = Result<SshHost, Failure>;

    fn run<R: Runtime>(self) -> Self::Output {
        let Self { setup, first } = self;
        let found = R::block_on(setup.ways::<R>(first).look_up);
        found.map_err(|error| Failure::no_runtime(&error))?.map_err(|error| failure(&error))
    }
}

fn failure(error: &SshError) -> Failure {
    let exit = match error.kind() {
        SshErrorKind::Config => Exit::Usage,
        _ => Exit::Failure,
    };
    Failure { message: with_causes(error), exit }
}
