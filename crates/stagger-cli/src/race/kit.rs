//! Races on a virtual clock, for tests.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

use stagger::error::SharedError;
use stagger::observe::Recorder;
use stagger::resolve::Record;
use stagger::{Candidate, Connector, Dialer, Policy, Report, Target, Timer as _};
use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};

use super::Race;
use crate::stream::Ends;

pub(crate) fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn ledger() -> Ledger {
    Ledger::new(&Clock::new())
}

/// Runs a race to its end. The connection of its winner has the ends of a socket.
pub(crate) fn race(
    policy: Policy,
    resolver: impl FnOnce(ScriptedResolver<SocketAddr>) -> ScriptedResolver<SocketAddr>,
    connector: impl FnOnce(ScriptedConnector) -> ScriptedConnector,
) -> Race {
    let ledger = ledger();
    let resolver = resolver(ScriptedResolver::new(&ledger));
    let connector = connector(ScriptedConnector::new(&ledger));
    let dialer = Dialer::new(resolver, connector, ledger.clock().clone()).with_policy(policy);
    finished(ledger.clock().run(dialer.connect("example.com:80").with_report()))
}

/// The race of a connect that is over.
pub(crate) fn finished<C>(outcome: Result<(C, Report<SocketAddr>), stagger::Error>) -> Race {
    match outcome {
        Ok((_, report)) => {
            let peer = report.winner().map(|attempt| attempt.address);
            let local = Some("192.0.2.200:4000".parse().unwrap());
            Race::won(Ends { peer, local }, report)
        }
        Err(error) => Race::lost(&error),
    }
}

type Attempt = Pin<Box<dyn Future<Output = Result<(), SharedError>>>>;

/// A connector, scripted or through a proxy.
#[derive(Clone)]
pub(crate) struct Hop(Rc<dyn Fn(Candidate<SocketAddr>) -> Attempt>);

impl Connector<SocketAddr> for Hop {
    type Connection = ();
    type Error = SharedError;
    type Attempt = Attempt;

    fn connect(&self, to: Candidate<SocketAddr>) -> Attempt {
        (self.0)(to)
    }
}

type HopDialer = Dialer<ScriptedResolver<SocketAddr>, Hop, Clock, Recorder<SocketAddr>>;

impl Hop {
    /// A connector that follows a script.
    pub(crate) fn scripted(connector: ScriptedConnector) -> Self {
        Self(Rc::new(move |to| {
            let attempt = connector.connect(to);
            Box::pin(async move { attempt.await.map(drop).map_err(SharedError::new) })
        }))
    }

    /// A connector that dials another target first, such as a proxy. A handshake of 20 ms follows.
    pub(crate) fn through(self, ledger: &Ledger, target: &str, found: &[&str]) -> Self {
        let (dialer, _) = self.dialer(ledger, found);
        let (target, clock) = (Target::parse(target).unwrap(), ledger.clock().clone());
        Self(Rc::new(move |to| {
            let inner = Connector::connect(&dialer, to.child(target.clone()));
            let (clock, progress) = (clock.clone(), to.progress().clone());
            Box::pin(async move {
                inner.await.map_err(SharedError::new)?;
                progress.made();
                clock.sleep_until(clock.now() + ms(20)).await;
                Ok(())
            })
        }))
    }

    /// A dialer whose resolver finds these addresses after 5 ms, and its recorder.
    pub(crate) fn dialer(
        self,
        ledger: &Ledger,
        found: &[&str],
    ) -> (HopDialer, Recorder<SocketAddr>) {
        let resolver = ScriptedResolver::new(ledger).finds(ms(5), Record::Addresses, addrs(found));
        let recorder = Recorder::new();
        let dialer = Dialer::new(resolver, self, ledger.clock().clone());
        (dialer.with_observer(recorder.clone()), recorder)
    }

    /// Runs a race at these addresses to its end.
    pub(crate) fn race(self, ledger: &Ledger, found: &[&str]) -> Race {
        let (dialer, _) = self.dialer(ledger, found);
        finished(ledger.clock().run(dialer.connect("example.com:80").with_report()))
    }
}

/// A connect through a proxy with a dead address, a good one, and one that is not needed.
pub(crate) fn proxied() -> Race {
    let ledger = ledger();
    let connector = ScriptedConnector::new(&ledger)
        .at("[2001:db8::9]:1080", Fate::silent())
        .at("192.0.2.9:1080", Fate::connects(ms(40)));
    let found = ["[2001:db8::9]:1080", "192.0.2.9:1080", "192.0.2.10:1080"];
    let hop = Hop::scripted(connector).through(&ledger, "proxy.test:1080", &found);
    hop.race(&ledger, &["192.0.2.1:80"])
}
