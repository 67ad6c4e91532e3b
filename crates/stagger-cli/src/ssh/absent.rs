//! The names of `ssh` in a build without it: no options, and values that cannot exist.

use crate::args::{ConnectArgs, ResolveArgs};
use crate::console::{Console, Exit};
use crate::dial::{Dialed, StreamConnector};
use crate::failure::Failure;
use crate::history::Kept;
use crate::nat64::Nat64Choice;
use crate::resolver::ResolverChoice;
use crate::runtime::Runtime;
use crate::usage::UsageError;

pub(crate) const IN_PLACE_OF_TARGET: &[&str] = &["endpoint"];
pub(crate) const RESOLVE_IN_PLACE_OF_TARGET: &[&str] = &[];
pub(crate) const CONNECT_USAGE: &str = "";
pub(crate) const CONNECT_HELP: &str = "";
pub(crate) const CONNECT_EXAMPLES: &str = "";
pub(crate) const RESOLVE_USAGE: &str = "";
pub(crate) const RESOLVE_HELP: &str = "";
pub(crate) const RESOLVE_EXAMPLES: &str = "";
pub(crate) const WRONG: &str = "";

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectSsh {}

impl ConnectSsh {
    pub(crate) fn host(&self) -> Option<&str> {
        None
    }

    pub(crate) fn doubt(&self) -> Option<&'static str> {
        None
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResolveSsh {}

#[derive(Clone, Debug)]
pub(crate) enum Setup {}

impl Setup {
    pub(crate) fn of(_: &ConnectSsh) -> Result<Option<Self>, UsageError> {
        Ok(None)
    }

    pub(crate) fn name(&self) -> String {
        match *self {}
    }

    pub(crate) fn ways<R: Runtime>(&self, _: FirstHop) -> Ways {
        match *self {}
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "nothing reads it in this build")]
pub(crate) struct FirstHop {
    pub(crate) resolver: ResolverChoice,
    pub(crate) options: stagger_net::TcpOptions,
    pub(crate) policy: stagger::Policy,
    pub(crate) history: Option<stagger::History>,
    pub(crate) nat64: Nat64Choice,
}

pub(crate) struct Ways {
    pub(crate) targets: StreamConnector<stagger::Target>,
}

#[derive(Debug)]
pub(crate) enum HostDialing {}

impl HostDialing {
    pub(crate) fn of(_: &ConnectArgs) -> Result<Self, Failure> {
        unreachable!("the command line has a target or an endpoint")
    }

    pub(crate) fn begin<R: Runtime>(self) -> Dialed {
        match self {}
    }

    pub(crate) fn history(&self) -> Option<Kept> {
        match *self {}
    }
}

pub(crate) fn resolve(_: &ResolveArgs, _: &mut Console) -> Option<Exit> {
    None
}

pub(crate) fn is_misconfigured(_: &stagger::Error) -> bool {
    false
}
