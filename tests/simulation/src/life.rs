//! The life of a client on a network: connect after connect, with one policy.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stagger::history::Mode;
use stagger::{Candidate, Connector, Dialer, History, Policy, Timer};
use stagger_testkit::{Clock, Ledger, ScriptedResolver};

use crate::network::{Connect, Fate, Network};

/// How a client spaces its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The same delay after every attempt, in milliseconds.
    Fixed(u64),
    /// 50 ms after the first attempt, and twice as long after each further one.
    Doubling,
    /// A history over the default policy.
    History(Mode),
}

impl Strategy {
    /// The strategies of the table. The first is the measure of the others.
    pub const ALL: [Self; 6] = [
        Self::Fixed(250),
        Self::Fixed(200),
        Self::Fixed(100),
        Self::Doubling,
        Self::History(Mode::Delay),
        Self::History(Mode::Order),
    ];

    /// Its name in the tables.
    pub fn name(self) -> String {
        match self {
            Self::Fixed(delay) => format!("fixed {delay} ms"),
            Self::Doubling => "doubling from 50 ms".to_owned(),
            Self::History(mode) => format!("history, mode `{mode:?}`"),
        }
    }

    fn policy(self) -> Policy {
        let delays: Vec<u64> = match self {
            Self::Fixed(delay) => vec![delay],
            Self::Doubling => vec![50, 100, 200, 400, 800, 1600],
            Self::History(_) => return Policy::new(),
        };
        let delays: Vec<_> = delays.into_iter().map(Duration::from_millis).collect();
        Policy::new().with_attempt_delays(&delays).expect("each delay is within 10 ms and 2 s")
    }

    fn history(self) -> Option<History> {
        match self {
            Self::History(mode) => Some(History::new().with_mode(mode)),
            Self::Fixed(_) | Self::Doubling => None,
        }
    }
}

/// What one connect has cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The milliseconds beyond those of the fastest address.
    pub lost: f64,
    /// The attempts.
    pub attempts: usize,
    /// The addresses that work and were demoted by this connect.
    pub wrongly_demoted: usize,
    /// Whether IPv6 has won.
    pub is_ipv6: bool,
}

/// A client on a network.
pub struct Life<'a> {
    network: Network<'a>,
    clock: Clock,
    paths: Paths,
    dialer: Dialer<ScriptedResolver<SocketAddr>, Paths, Clock>,
}

impl<'a> Life<'a> {
    /// Moves a client with this strategy to a network.
    pub fn new(network: Network<'a>, strategy: Strategy) -> Self {
        let clock = Clock::new();
        let paths = Paths { clock: clock.clone(), state: Rc::default() };
        // Every connect gets its addresses, and no lookup is made.
        let resolver = ScriptedResolver::new(&Ledger::new(&clock));
        let dialer = Dialer::new(resolver, paths.clone(), clock.clone());
        let dialer = dialer.with_policy(strategy.policy());
        let dialer = match strategy.history() {
            Some(history) => dialer.with_history(history),
            None => dialer,
        };
        Self { network, clock, paths, dialer }
    }

    /// Connects once more. The connect is returned with its cost.
    ///
    /// # Panics
    ///
    /// Panics if the connect fails, because every host has an address that works.
    pub fn connect(&mut self) -> (Connect, Cost) {
        let connect = self.network.next_connect();
        self.clock.advance(milliseconds(connect.gap));
        let was_demoted = self.demoted(&connect);
        self.paths.state.fates.replace(connect.fates.clone());
        self.paths.state.attempts.set(0);
        let began = self.clock.elapsed();
        let addresses = connect.fates.iter().map(|(address, _)| *address);
        let won = self.clock.run(self.dialer.connect_addresses(addresses));
        let won = won.expect("an address of each host connects");
        let took = (self.clock.elapsed() - began).as_secs_f64() * 1000.0;
        let is_demoted = self.demoted(&connect);
        let wrongly = connect.fates.iter().zip(was_demoted.iter().zip(is_demoted));
        let wrongly = wrongly
            .filter(|((_, fate), (before, after))| fate.time().is_some() && !**before && *after);
        let cost = Cost {
            lost: (took - connect.best()).max(0.0),
            attempts: self.paths.state.attempts.get(),
            wrongly_demoted: wrongly.count(),
            is_ipv6: won.is_ipv6(),
        };
        (connect, cost)
    }

    fn demoted(&self, connect: &Connect) -> Vec<bool> {
        let Some(history) = self.dialer.history() else {
            return vec![false; connect.fates.len()];
        };
        let now = self.clock.now();
        let is_demoted = |ip| history.recall(ip, now).is_demoted();
        connect.fates.iter().map(|(address, _)| is_demoted(address.ip())).collect()
    }
}

fn milliseconds(time: f64) -> Duration {
    Duration::from_micros((time * 1000.0) as u64)
}

/// A connector whose attempts have the fates of the current connect.
#[derive(Clone)]
struct Paths {
    clock: Clock,
    state: Rc<State>,
}

#[derive(Default)]
struct State {
    fates: RefCell<Vec<(SocketAddr, Fate)>>,
    attempts: Cell<usize>,
}

impl Connector<SocketAddr> for Paths {
    type Connection = SocketAddr;
    type Error = io::Error;
    type Attempt = Attempt;

    fn connect(&self, to: Candidate<SocketAddr>) -> Attempt {
        let State { fates, attempts } = &*self.state;
        attempts.set(attempts.get() + 1);
        let address = *to.address();
        let fates = fates.borrow();
        let fate = fates.iter().find(|(known, _)| *known == address);
        let (_, fate) = fate.expect("the addresses are those of the connect");
        let end = fate.time().map(|time| self.clock.now() + milliseconds(time));
        Attempt {
            address,
            fate: *fate,
            sleep: end.map(|end| Box::pin(self.clock.sleep_until(end))),
        }
    }
}

struct Attempt {
    address: SocketAddr,
    fate: Fate,
    sleep: Option<Pin<Box<<Clock as Timer>::Sleep>>>,
}

impl Future for Attempt {
    type Output = io::Result<SocketAddr>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match (self.fate, &mut self.sleep) {
            (Fate::Unreachable, _) => Poll::Ready(Err(io::ErrorKind::NetworkUnreachable.into())),
            (_, Some(sleep)) => {
                ready!(sleep.as_mut().poll(cx));
                Poll::Ready(Ok(self.address))
            }
            (_, None) => Poll::Pending,
        }
    }
}
