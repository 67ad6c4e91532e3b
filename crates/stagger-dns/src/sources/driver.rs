//! The stream of answers for one name, which does what the machine says.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use stagger::Timer;
use stagger::address::Family;
use stagger::resolve::{Families, Query, Record};
use stagger_net::system::Connectivity;

use super::DnsAnswer;
use super::machine::{Machine, Next, Step};
use crate::lookup::Lookups;
use crate::origin::Content;
use crate::setup::Setup;
use crate::upstream::Source;
use crate::{Config, Hosts, Network, Parsed, Switch};

/// The future of one lookup.
type Lookup<N, T> = <Source<N, T> as Lookups>::Lookup;

/// The answers for one name. It reads files and polls lookups, and decides nothing.
pub(crate) struct Driver<N: Network, T: Timer> {
    setup: Arc<Setup<N, T>>,
    machine: Machine,
    // Each is there from the first poll of its step on.
    switch: Option<Content<Switch>>,
    hosts: Option<Content<Hosts>>,
    config: Option<Content<Config>>,
    /// Where lookups are begun, once the configuration is known.
    source: Option<Source<N, T>>,
    /// The lookups of the current name and the records that they ask for, until they have ended.
    lookups: Vec<(Record, Option<Lookup<N, T>>)>,
    /// The family that the routes prefer, if answers set it. `None` before servers are asked.
    preferred: Option<Family>,
}

impl<N: Network, T: Timer> Driver<N, T> {
    /// The answers to a query for a name, at this port. Nothing happens before the first poll.
    pub(crate) fn new(setup: Arc<Setup<N, T>>, query: Query, port: u16) -> Self {
        let machine = Machine::new(query, port, setup.hosts.is_some());
        Self {
            setup,
            machine,
            switch: None,
            hosts: None,
            config: None,
            source: None,
            lookups: Vec::new(),
            preferred: None,
        }
    }

    /// The hosts file as far as it is known without reading it, unless the switch is known to leave
    /// it out.
    fn peek(&self) -> Option<Arc<Parsed<Hosts>>> {
        let is_source = |switch: Arc<Parsed<Switch>>| {
            switch.value.sources().iter().any(|source| source.name() == "files")
        };
        if !self.setup.switch.peek().is_none_or(is_source) {
            return None;
        }
        self.setup.hosts.as_ref()?.peek()
    }

    fn poll_switch(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let setup = &self.setup;
        let now = || setup.upstream.timer().now();
        let reading = self.switch.get_or_insert_with(|| setup.switch.read(now()));
        let Poll::Ready(switch) = Pin::new(reading).poll(cx) else {
            // The other files are looked at meanwhile, so that all take no longer than one. The
            // switch may then have no use for them.
            if let Some(hosts) = &setup.hosts {
                let _ = Pin::new(&mut hosts.read(now())).poll(cx);
            }
            let _ = Pin::new(&mut setup.config.read(now())).poll(cx);
            return Poll::Pending;
        };
        self.machine.switch(switch.as_ref().map(|switch| &switch.value).map_err(Clone::clone));
        Poll::Ready(())
    }

    fn poll_hosts(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let setup = &self.setup;
        let reading = self.hosts.get_or_insert_with(|| {
            let hosts = setup.hosts.as_ref().expect("a plan asks a hosts file that there is");
            hosts.read(setup.upstream.timer().now())
        });
        let hosts = ready!(Pin::new(reading).poll(cx));
        self.machine.hosts(hosts.as_ref().map(|hosts| &hosts.value).map_err(Clone::clone));
        Poll::Ready(())
    }

    fn poll_config(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let setup = &self.setup;
        let reading =
            self.config.get_or_insert_with(|| setup.config.read(setup.upstream.timer().now()));
        match ready!(Pin::new(reading).poll(cx)) {
            Ok(config) => {
                self.source = Some(setup.upstream.of(&config));
                let (families, preferred) = by_routes(self.machine.families(), setup);
                self.preferred = preferred;
                self.machine.config(&config.value, families);
            }
            Err(error) => self.machine.config_failed(error),
        }
        Poll::Ready(())
    }

    /// Begins the lookups of the next name, in place of those that run.
    fn begin(&mut self) {
        let source = self.source.as_ref().expect("lookups begin when the configuration is known");
        self.lookups.clear();
        for question in self.machine.begin() {
            self.lookups.push((question.record, Some(source.look_up(&question))));
        }
    }

    /// Polls the lookups that run, and reports those that have ended. It is ready if any has.
    fn poll_lookups(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ended = self.lookups.iter_mut().filter_map(|(record, running)| {
            let Poll::Ready(outcome) = Pin::new(running.as_mut()?).poll(cx) else { return None };
            *running = None;
            Some((*record, outcome))
        });
        let any_ended = self.machine.hear(ended);
        if self.machine.step() != Step::Hear {
            // What still runs is of no more use.
            self.lookups.clear();
        }
        if any_ended { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<N: Network, T: Timer> Stream for Driver<N, T>
where
    Lookup<N, T>: Unpin,
{
    type Item = DnsAnswer;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DnsAnswer>> {
        let this = self.get_mut();
        loop {
            let step = match this.machine.next() {
                Next::Do(step) => step,
                Next::Tell(answer) => {
                    return Poll::Ready(Some(match this.preferred {
                        Some(family) => answer.with_preferred_family(family),
                        None => answer,
                    }));
                }
            };
            match step {
                Step::Peek => {
                    let hosts = this.peek();
                    this.machine.this_machine(hosts.as_ref().map(|hosts| &hosts.value));
                }
                Step::Switch => ready!(this.poll_switch(cx)),
                Step::Hosts => ready!(this.poll_hosts(cx)),
                Step::Config => ready!(this.poll_config(cx)),
                Step::Begin => this.begin(),
                Step::Hear => ready!(this.poll_lookups(cx)),
                Step::Done => return Poll::Ready(None),
            }
        }
    }
}

/// Which families to ask servers for, and which of them the routes prefer. A query for one of them
/// stays what it is.
fn by_routes<N: Network, T: Timer>(
    families: Families,
    setup: &Setup<N, T>,
) -> (Families, Option<Family>) {
    if families != Families::Any {
        return (families, None);
    }
    match (setup.only_connected, setup.route_preference) {
        (true, is_wanted) => {
            let now = Connectivity::now();
            (now.worth_asking(), now.preferred().filter(|_| is_wanted))
        }
        (false, true) => (families, Connectivity::preferred_now()),
        (false, false) => (families, None),
    }
}
