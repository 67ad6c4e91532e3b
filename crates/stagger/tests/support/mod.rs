//! Shared parts of the scenarios: a clock, its ledger, and functions that run and check a race.
#![allow(dead_code, reason = "every test crate has a copy of this, and none needs the whole of it")]

pub(crate) mod told;

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use stagger::race::Winner;
use stagger::resolve::Record;
use stagger::{Dialer, Policy, Report};
use stagger_testkit::{
    Clock, Connection, Entry, Fate, Ledger, LedgerStep, Place, ScriptedConnector, ScriptedEndpoint,
    ScriptedResolver, ms,
};

/// A dialer to places, of scripted parts.
pub(crate) type Scripted<A = Place> = Dialer<ScriptedResolver<A>, ScriptedConnector, Clock>;

/// The name for tests in which the name does not matter.
pub(crate) const TARGET: &str = "example.com:443";

/// A clock and its ledger.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) ledger: Ledger,
}

/// The result of a race, which may have a connection.
pub(crate) trait Handed {
    fn connection(&self) -> Option<&Connection>;
}

impl<E> Handed for Result<Connection, E> {
    fn connection(&self) -> Option<&Connection> {
        self.as_ref().ok()
    }
}

impl<R, E> Handed for Result<(Connection, R), E> {
    fn connection(&self) -> Option<&Connection> {
        self.as_ref().ok().map(|(connection, _)| connection)
    }
}

impl<F, E> Handed for Result<Winner<Connection, F>, E> {
    fn connection(&self) -> Option<&Connection> {
        self.as_ref().ok().map(|raced| &raced.connection)
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        Self { clock, ledger }
    }

    pub(crate) fn endpoint(&self, name: &str, fate: Fate) -> ScriptedEndpoint {
        ScriptedEndpoint::new(&self.ledger, name, fate)
    }

    pub(crate) fn resolver(&self) -> ScriptedResolver {
        ScriptedResolver::new(&self.ledger)
    }

    /// A resolver that finds these socket addresses at once.
    pub(crate) fn sockets<const N: usize>(&self, texts: [&str; N]) -> ScriptedResolver<SocketAddr> {
        let addresses = texts.map(|text| text.parse::<SocketAddr>().expect("a socket address"));
        ScriptedResolver::new(&self.ledger).finds(ms(0), Record::Addresses, addresses)
    }

    /// A connector with a fate for each of these addresses.
    pub(crate) fn connector<'a>(
        &self,
        fates: impl IntoIterator<Item = (&'a str, Fate)>,
    ) -> ScriptedConnector {
        let start = ScriptedConnector::new(&self.ledger);
        let each = |connector: ScriptedConnector, (address, fate)| connector.at(address, fate);
        fates.into_iter().fold(start, each)
    }

    pub(crate) fn dialer<R, C>(&self, resolver: R, connector: C) -> Dialer<R, C, Clock> {
        Dialer::new(resolver, connector, self.clock.clone())
    }

    /// A dialer to these places, all known at once.
    pub(crate) fn places(&self, fates: impl IntoIterator<Item = (&'static str, Fate)>) -> Scripted {
        let fates: Vec<_> = fates.into_iter().collect();
        let names: Vec<_> = fates.iter().map(|(name, _)| *name).collect();
        let resolver = self.resolver().finds(ms(0), Record::Addresses, names);
        self.dialer(resolver, self.connector(fates))
    }

    /// Runs a race to its end. When it is over, and before its future is dropped, only the winner
    /// may be open. The test takes over the winner then. No timer may be armed.
    #[track_caller]
    pub(crate) fn run<F: Future<Output: Handed>>(&self, race: F) -> F::Output {
        match self.run_until(Duration::MAX, race) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("pending for ever, after\n{}", self.ledger),
        }
    }

    /// Runs a race like [`run`](Self::run) until its end or `time`, and drops it there.
    #[track_caller]
    pub(crate) fn run_until<F: Future<Output: Handed>>(
        &self,
        time: Duration,
        race: F,
    ) -> Poll<F::Output> {
        let polled = {
            let mut race = pin!(race);
            let polled = if time == Duration::MAX {
                Poll::Ready(self.clock.run(race.as_mut()))
            } else {
                self.clock.run_until(time, race.as_mut())
            };
            if let Poll::Ready(output) = &polled {
                let winner = output.connection();
                let open: Vec<_> = winner.iter().map(|winner| winner.name()).collect();
                assert_eq!(self.ledger.open(), open, "open, after\n{}", self.ledger);
                assert_eq!(self.clock.timers(), 0, "timers armed, after\n{}", self.ledger);
                if let Some(winner) = winner {
                    winner.hand_over();
                }
            }
            polled
        };
        self.ledger.assert_clean();
        polled
    }

    /// The steps of attempts and connections, with times in milliseconds: one line each. It ends
    /// with the hand-over, because the test itself does everything after that.
    pub(crate) fn story(&self) -> Vec<String> {
        let told = [
            LedgerStep::Started,
            LedgerStep::Connected,
            LedgerStep::Failed,
            LedgerStep::Panicked,
            LedgerStep::Dropped,
            LedgerStep::HandedOver,
            LedgerStep::Closed,
        ];
        let mut entries = self.ledger.entries();
        if let Some(end) = entries.iter().position(|entry| entry.step == LedgerStep::HandedOver) {
            entries.truncate(end + 1);
        }
        entries.retain(|entry| told.contains(&entry.step));
        let line =
            |entry: &Entry| format!("{} {} {}", entry.time.as_millis(), entry.step, entry.name);
        entries.iter().map(line).collect()
    }

    /// The starts of attempts with times in milliseconds: one line each.
    pub(crate) fn starts(&self) -> Vec<String> {
        at(self.ledger.starts().iter().map(|start| (start.time, &start.name)))
    }

    pub(crate) fn elapsed(&self) -> u128 {
        self.clock.elapsed().as_millis()
    }
}

/// Pairs of a time and a name, as `250 v4`.
pub(crate) fn at<T: fmt::Display>(pairs: impl Iterator<Item = (Duration, T)>) -> Vec<String> {
    pairs.map(|(time, what)| format!("{} {what}", time.as_millis())).collect()
}

/// A report's attempts, each as `v6 0-250 dropped`, with its error if it has one.
pub(crate) fn attempts<A: fmt::Display, E: fmt::Display>(report: &Report<A, E>) -> Vec<String> {
    let attempts = report.attempts().iter();
    attempts
        .map(|attempt| {
            let (from, to) = (attempt.started.as_millis(), attempt.ended.as_millis());
            let line = format!("{} {from}-{to} {}", attempt.address, attempt.outcome.as_str());
            match attempt.outcome.error() {
                Some(error) => format!("{line}: {error}"),
                None => line,
            }
        })
        .collect()
}

/// A report's queries, each as `AAAA at 10: v6a v6b`, or with its error.
pub(crate) fn queries<A: fmt::Display>(report: &Report<A>) -> Vec<String> {
    let queries = report.queries().iter();
    queries
        .map(|query| {
            let when = match query.ended {
                Some(ended) => format!("at {}", ended.as_millis()),
                None => "awaited".into(),
            };
            let addresses: Vec<_> = query.addresses.iter().map(ToString::to_string).collect();
            let what = match &query.error {
                Some(error) => error.to_string(),
                None => addresses.join(" "),
            };
            format!("{} {when}: {what}", query.record).trim_end().to_owned()
        })
        .collect()
}

/// The errors of a lost connect, in start order; of an attempt that timed out, just that.
pub(crate) fn errors<A, E: fmt::Display>(report: &Report<A, E>) -> Vec<String> {
    let failures = report.failures().map(|failure| &failure.outcome);
    failures
        .map(|outcome| outcome.error().map_or_else(|| outcome.as_str().into(), ToString::to_string))
        .collect()
}

/// The default policy with another overall timeout.
pub(crate) fn within(milliseconds: u64) -> Policy {
    Policy::new().with_timeout(ms(milliseconds)).expect("a timeout in range")
}

pub(crate) fn fails(after: u64) -> Fate {
    Fate::fails(ms(after))
}

pub(crate) fn connects(after: u64) -> Fate {
    Fate::connects(ms(after))
}
