//! The stream of answers for one name, which does what the resolution decides.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use stagger::Timer;
use stagger::address::Family;
use stagger::resolve::{Families, Query, Record};
use stagger_net::system::Connectivity;

use super::resolution::{Instruction, NameResolution, ResolutionStep};
use crate::config::Parsed;
use crate::config::hosts::Hosts;
use crate::config::resolv_conf::Config;
use crate::config::setting::ReadSetting;
use crate::config::switch::Switch;
use crate::lookup::LookupService;
use crate::lookup::upstream::UpstreamLookups;
use crate::network::seam::Network;
use crate::resolve::answer::DnsAnswer;
use crate::resolve::setup::Setup;

/// The future of one lookup.
type RunningLookup<N, T> = <UpstreamLookups<N, T> as LookupService>::Lookup;

/// The answers for one name. It reads files and polls lookups, and decides nothing.
pub(in crate::resolve) struct NameAnswers<N: Network, T: Timer> {
    setup: Arc<Setup<N, T>>,
    resolution: NameResolution,
    // Each of these is set by the first poll of its step.
    switch: Option<ReadSetting<Switch>>,
    hosts: Option<ReadSetting<Hosts>>,
    config: Option<ReadSetting<Config>>,
    /// Begins lookups. It is set once the configuration is known.
    upstream: Option<UpstreamLookups<N, T>>,
    /// The records of the current name, and their lookups until they have ended.
    lookups: Vec<(Record, Option<RunningLookup<N, T>>)>,
    /// The family that the routes prefer, if answers set it. `None` before servers are asked.
    preferred: Option<Family>,
}

impl<N: Network, T: Timer> NameAnswers<N, T> {
    /// Answers a query for a name, at this port. Nothing happens before the first poll.
    pub(in crate::resolve) fn new(setup: Arc<Setup<N, T>>, query: Query, port: u16) -> Self {
        let resolution = NameResolution::new(query, port, setup.hosts.is_some());
        Self {
            setup,
            resolution,
            switch: None,
            hosts: None,
            config: None,
            upstream: None,
            lookups: Vec::new(),
            preferred: None,
        }
    }

    /// Returns the hosts file as far as it is known without reading it. It is `None` if the switch
    /// is known to leave the file out.
    fn peek(&self) -> Option<Arc<Parsed<Hosts>>> {
        let has_files = |switch: Arc<Parsed<Switch>>| {
            switch.value.sources().iter().any(|source| source.name() == "files")
        };
        if !self.setup.switch.peek().is_none_or(has_files) {
            return None;
        }
        self.setup.hosts.as_ref()?.peek()
    }

    fn poll_switch(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let setup = &self.setup;
        let now = || setup.upstream.timer().now();
        let reading = self.switch.get_or_insert_with(|| setup.switch.read(now()));
        let Poll::Ready(switch) = Pin::new(reading).poll(cx) else {
            // The other files are read at the same time, so that all of them take as long as one.
            // The switch may turn out not to need them.
            if let Some(hosts) = &setup.hosts {
                let _ = Pin::new(&mut hosts.read(now())).poll(cx);
            }
            let _ = Pin::new(&mut setup.config.read(now())).poll(cx);
            return Poll::Pending;
        };
        self.resolution.switch(switch.as_ref().map(|switch| &switch.value).map_err(Clone::clone));
        Poll::Ready(())
    }

    fn poll_hosts(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let setup = &self.setup;
        let reading = self.hosts.get_or_insert_with(|| {
            let hosts = setup.hosts.as_ref().expect("the order has no hosts file without one");
            hosts.read(setup.upstream.timer().now())
        });
        let hosts = ready!(Pin::new(reading).poll(cx));
        self.resolution.hosts(hosts.as_ref().map(|hosts| &hosts.value).map_err(Clone::clone));
        Poll::Ready(())
    }

    fn poll_config(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let setup = &self.setup;
        let reading =
            self.config.get_or_insert_with(|| setup.config.read(setup.upstream.timer().now()));
        match ready!(Pin::new(reading).poll(cx)) {
            Ok(config) => {
                self.upstream = Some(setup.upstream.of(&config));
                let (families, preferred) = by_routes(&self.resolution, setup);
                self.preferred = preferred;
                self.resolution.config(&config.value, families);
            }
            Err(error) => self.resolution.config_failed(error),
        }
        Poll::Ready(())
    }

    /// Begins the lookups of the next name, and drops the lookups that run.
    fn begin_lookups(&mut self) {
        let upstream =
            self.upstream.as_ref().expect("lookups begin after the configuration is read");
        self.lookups.clear();
        for question in self.resolution.begin_lookups() {
            self.lookups.push((question.record, Some(upstream.look_up(&question))));
        }
    }

    /// Polls the lookups that run, and reports those that have ended. It is ready if any has.
    fn poll_lookups(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ended = self.lookups.iter_mut().filter_map(|(record, running)| {
            let Poll::Ready(result) = Pin::new(running.as_mut()?).poll(cx) else { return None };
            *running = None;
            Some((*record, result))
        });
        let any_ended = self.resolution.lookups_ended(ended);
        if self.resolution.step() != ResolutionStep::AwaitLookups {
            // The results of the remaining lookups are no longer needed.
            self.lookups.clear();
        }
        if any_ended { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<N: Network, T: Timer> Stream for NameAnswers<N, T>
where
    RunningLookup<N, T>: Unpin,
{
    type Item = DnsAnswer;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DnsAnswer>> {
        let this = self.get_mut();
        loop {
            let step = match this.resolution.next() {
                Instruction::Run(step) => step,
                Instruction::Answer(answer) => {
                    return Poll::Ready(Some(match this.preferred {
                        Some(family) => answer.with_preferred_family(family),
                        None => answer,
                    }));
                }
            };
            match step {
                ResolutionStep::PeekHosts => {
                    let hosts = this.peek();
                    this.resolution.localhost(hosts.as_ref().map(|hosts| &hosts.value));
                }
                ResolutionStep::ReadSwitch => ready!(this.poll_switch(cx)),
                ResolutionStep::ReadHosts => ready!(this.poll_hosts(cx)),
                ResolutionStep::ReadConfig => ready!(this.poll_config(cx)),
                ResolutionStep::BeginLookups => this.begin_lookups(),
                ResolutionStep::AwaitLookups => ready!(this.poll_lookups(cx)),
                ResolutionStep::Done => return Poll::Ready(None),
            }
        }
    }
}

/// Returns the families to ask servers for, and the family that the routes prefer. A query for one
/// family is left as it is. Behind a NAT64, IPv4 is reached over IPv6, so A is asked for too
/// (draft-ietf-happy-happyeyeballs-v3 §8).
fn by_routes<N: Network, T: Timer>(
    resolution: &NameResolution,
    setup: &Setup<N, T>,
) -> (Families, Option<Family>) {
    let families = resolution.families();
    if families != Families::Any {
        return (families, None);
    }
    match (setup.only_connected, setup.route_preference) {
        (true, is_wanted) => {
            let now = Connectivity::now();
            let asked = match now.worth_asking() {
                Families::Ipv6 if resolution.is_behind_nat64() => Families::Any,
                asked => asked,
            };
            (asked, now.preferred().filter(|_| is_wanted))
        }
        (false, true) => (families, Connectivity::preferred_now()),
        (false, false) => (families, None),
    }
}
