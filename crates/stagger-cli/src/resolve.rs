//! `stagger resolve`: shows the addresses of a target.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use stagger::boxed::LocalBoxResolver;
use stagger::error::SharedError;
use stagger::{Dialer, Policy, Target};
use stagger_net::TcpOptions;

use crate::answer::{AnswerLine, OnAnswer, ShowAnswers};
use crate::args::ResolveArgs;
use crate::console::{Console, Exit};
use crate::escape::printable;
use crate::explain::{Explained, explained, text};
use crate::failure::{Failure, lost};
use crate::nat64::Nat64Choice;
use crate::race::{Race, attempt_error, skipped};
use crate::resolver::ResolverChoice;
use crate::runtime::{Job, Runtime};
use crate::usage::UsageError;
use crate::{json, policy, ssh, target};

struct Resolve {
    target: Target,
    policy: Policy,
    resolver: ResolverChoice,
    nat64: Nat64Choice,
    /// Shows or keeps each answer.
    on_answer: Option<OnAnswer>,
    explain: bool,
}

/// Shows the addresses of a target in the order in which they are tried.
pub(crate) fn run(args: &ResolveArgs, console: &mut Console) -> Exit {
    if let Some(exit) = ssh::resolve(args, console) {
        return exit;
    }
    let wanted = &args.target;
    let lent = console.lend();
    let answers = Rc::new(RefCell::new(Vec::new()));
    let resolve = Resolve::of(args, args.answers.then(|| on_answer(wanted.json, &lent, &answers)));
    let (found, exit) = match resolve {
        Ok(resolve) => wanted.runtime.run(resolve),
        Err(error) => (Found::lost(Race::refused(error.to_string())), Exit::Usage),
    };
    console.take_back(lent);
    let Found { candidates, race, explained } = found;
    let candidates: Vec<_> = candidates.iter().map(ToString::to_string).collect();
    if wanted.json {
        let answers = answers.borrow();
        let answers = args.answers.then_some(&answers[..]);
        let target = target::text(&args.target);
        console.print(&json::resolve(&target, &candidates, &race, answers, explained.as_ref()));
        return exit;
    }
    let lines: Vec<_> = candidates.iter().map(|addr| format!("{addr}\n")).collect();
    console.print(&lines.concat());
    if let Some(explained) = explained {
        console.print(&text(&explained));
        for attempt in skipped(&race.report) {
            let reason = attempt_error(attempt).unwrap_or_default();
            console.print(&printable(&format!("skipped {}: {reason}", attempt.address)));
            console.print("\n");
        }
    }
    if let Some(error) = &race.error {
        console.error(error);
    }
    exit
}

/// Shows each answer at once, or keeps them for the object.
fn on_answer(
    json: bool,
    console: &Rc<RefCell<Console>>,
    kept: &Rc<RefCell<Vec<AnswerLine>>>,
) -> OnAnswer {
    if json {
        let kept = Rc::clone(kept);
        return Rc::new(RefCell::new(move |answer: AnswerLine| kept.borrow_mut().push(answer)));
    }
    let console = Rc::clone(console);
    let print = move |answer: AnswerLine| console.borrow_mut().print(&(answer.line() + "\n"));
    Rc::new(RefCell::new(print))
}

/// The result of the lookups.
struct Found {
    candidates: Vec<SocketAddr>,
    race: Race,
    explained: Option<Explained>,
}

impl Found {
    /// There is no address.
    fn lost(race: Race) -> Self {
        Self { candidates: Vec::new(), race, explained: None }
    }
}

impl Resolve {
    fn of(args: &ResolveArgs, on_answer: Option<OnAnswer>) -> Result<Self, UsageError> {
        let explain = args.explain;
        let args = &args.target;
        Ok(Self {
            target: target::target(args)?,
            policy: policy::of_target(args)?,
            resolver: ResolverChoice::of(args)?,
            nat64: Nat64Choice::of(args.nat64.as_deref())?,
            on_answer,
            explain,
        })
    }

    fn resolver<R: Runtime>(&self) -> LocalBoxResolver<SocketAddr, SharedError> {
        let nat64 = self.nat64.on::<R>(&self.resolver);
        let resolver = self.resolver.on::<R>(nat64.as_ref());
        match &self.on_answer {
            None => resolver,
            Some(on_answer) => {
                let (timer, on_answer) = (R::timer(), Rc::clone(on_answer));
                LocalBoxResolver::new(ShowAnswers { resolver, timer, on_answer })
            }
        }
    }
}

impl Job for Resolve {
    type Output = (Found, Exit);

    fn run<R: Runtime>(self) -> Self::Output {
        let connector = R::tcp(TcpOptions::new());
        let dialer = Dialer::new(self.resolver::<R>(), connector, R::timer());
        let dialer = dialer.with_policy(self.policy);
        let resolve = async {
            let (candidates, report) = dialer.resolve_all(self.target).await?;
            let explained = match self.explain {
                true => Some(explained(&candidates).await),
                false => None,
            };
            Ok(Found { candidates, race: Race::of(report), explained })
        };
        match R::block_on(resolve) {
            Ok(Ok(found)) => (found, Exit::Success),
            Ok(Err(error)) => {
                let (race, exit) = lost(&error);
                (Found::lost(race), exit)
            }
            Err(error) => {
                let Failure { message, exit } = Failure::no_runtime(&error);
                (Found::lost(Race::refused(message)), exit)
            }
        }
    }
}
