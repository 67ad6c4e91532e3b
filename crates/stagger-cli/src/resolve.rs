//! `stagger resolve`.

use stagger::{Policy, Target};
use stagger_net::{Lanes, TcpOptions};

use crate::args::ResolveArgs;
use crate::connect::{lost, no_runtime};
use crate::console::{Console, Exit};
use crate::lanes::lanes;
use crate::race::Race;
use crate::runtime::{Job, Runtime};
use crate::usage::UsageError;
use crate::{json, policy};

struct Resolve {
    target: Target,
    policy: Policy,
    lanes: Lanes,
}

/// Shows the addresses of a target in the order in which they would be tried.
pub(crate) fn run(args: &ResolveArgs, console: &mut Console) -> Exit {
    let wanted = &args.wanted;
    let (candidates, race, exit) = match Resolve::of(args) {
        Ok(resolve) => wanted.runtime.run(resolve),
        Err(error) => (Vec::new(), Race::refused(error.to_string()), Exit::Usage),
    };
    if wanted.json {
        console.print(&json::resolve(&wanted.target_text(), &candidates, &race));
        return exit;
    }
    let lines: Vec<_> = candidates.iter().map(|line| format!("{line}\n")).collect();
    console.print(&lines.concat());
    if let Some(error) = &race.error {
        console.error(error);
    }
    exit
}

impl Resolve {
    fn of(args: &ResolveArgs) -> Result<Self, UsageError> {
        let wanted = &args.wanted;
        Ok(Self {
            target: wanted.target()?,
            policy: policy::of_wanted(wanted)?,
            lanes: lanes(wanted.lanes.as_deref())?,
        })
    }
}

impl Job for Resolve {
    type Output = (Vec<String>, Race, Exit);

    fn run<R: Runtime>(self) -> Self::Output {
        let dialer = R::dialer(R::resolver().with_lanes(self.lanes), TcpOptions::new())
            .with_policy(self.policy);
        match R::block_on(dialer.resolve(self.target)) {
            Ok(Ok((addresses, report))) => {
                let candidates = addresses.iter().map(ToString::to_string).collect();
                (candidates, Race::of(&report), Exit::Success)
            }
            Ok(Err(error)) => {
                let (race, exit) = lost(&error);
                (Vec::new(), race, exit)
            }
            Err(error) => (Vec::new(), Race::refused(no_runtime(&error)), Exit::Failure),
        }
    }
}
