//! `stagger resolve`.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use stagger::{LocalBoxResolver, Policy, SharedError, Target};
use stagger_net::TcpOptions;

use crate::args::ResolveArgs;
use crate::connect::{lost, no_runtime};
use crate::console::{Console, Exit};
use crate::explain::explained;
use crate::names::Names;
use crate::race::Race;
use crate::runtime::{Job, Runtime};
use crate::tell::{Ear, Telling};
use crate::usage::UsageError;
use crate::{json, policy};

struct Resolve {
    target: Target,
    policy: Policy,
    names: Names,
    /// Who is told of each answer.
    ear: Option<Ear>,
}

/// Shows the addresses of a target in the order in which they would be tried.
pub(crate) fn run(args: &ResolveArgs, console: &mut Console) -> Exit {
    let wanted = &args.wanted;
    let lent = console.lend();
    let telling = Rc::clone(&lent);
    let tell = move |line: &str| telling.borrow_mut().print(&format!("{line}\n"));
    let ear = args.answers.then(|| Rc::new(RefCell::new(tell)) as Ear);
    let resolve = Resolve::of(args, ear);
    let (candidates, race, exit) = match resolve {
        Ok(resolve) => wanted.runtime.run(resolve),
        Err(error) => (Vec::new(), Race::refused(error.to_string()), Exit::Usage),
    };
    console.take_back(lent);
    if wanted.json {
        let candidates: Vec<_> = candidates.iter().map(ToString::to_string).collect();
        console.print(&json::resolve(&wanted.target_text(), &candidates, &race));
        return exit;
    }
    let lines: Vec<_> = candidates.iter().map(|addr| format!("{addr}\n")).collect();
    console.print(&lines.concat());
    if args.explain && !candidates.is_empty() {
        console.print("by RFC 6724:\n");
        console.print(&explained(&candidates));
    }
    if let Some(error) = &race.error {
        console.error(error);
    }
    exit
}

impl Resolve {
    fn of(args: &ResolveArgs, ear: Option<Ear>) -> Result<Self, UsageError> {
        let wanted = &args.wanted;
        Ok(Self {
            target: wanted.target()?,
            policy: policy::of_wanted(wanted)?,
            names: Names::of(wanted)?,
            ear,
        })
    }

    fn resolver<R: Runtime>(&self) -> LocalBoxResolver<SocketAddr, SharedError> {
        let resolver = self.names.resolver::<R>();
        match &self.ear {
            None => resolver,
            Some(ear) => {
                let (timer, ear) = (R::timer(), Rc::clone(ear));
                LocalBoxResolver::new(Telling { resolver, timer, ear })
            }
        }
    }
}

impl Job for Resolve {
    type Output = (Vec<SocketAddr>, Race, Exit);

    fn run<R: Runtime>(self) -> Self::Output {
        let dialer = R::dialer(self.resolver::<R>(), TcpOptions::new()).with_policy(self.policy);
        match R::block_on(dialer.resolve_all(self.target)) {
            Ok(Ok((addresses, report))) => (addresses, Race::of(report), Exit::Success),
            Ok(Err(error)) => {
                let (race, exit) = lost(&error);
                (Vec::new(), race, exit)
            }
            Err(error) => (Vec::new(), Race::refused(no_runtime(&error)), Exit::Failure),
        }
    }
}
