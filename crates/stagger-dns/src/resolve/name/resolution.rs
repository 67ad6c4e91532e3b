//! What is decided about one name, given the result of each source.

mod ending;

use std::collections::VecDeque;
use std::net::SocketAddr;

use stagger::Answer;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Query, Record};
use stagger::target::Host;
use stagger_net::lookup::Localhost;

use super::search::{RecordResult, Search, SearchEvent};
use super::search_names::SearchNames;
use super::source_order::{AfterResult, SourceOrder, SupportedSource};
use crate::config::FileError;
use crate::config::hosts::Hosts;
use crate::config::resolv_conf::Config;
use crate::config::switch::{Switch, SwitchStatus};
use crate::dns_error::Cause;
use crate::lookup::LookupResult;
use crate::question::Question;
use crate::resolve::answer::DnsAnswer;
use crate::resolve::query_records::{addresses, records};
use crate::special_name::SpecialName;

/// The lookup of one name, as a plain value.
///
/// [`next`](Self::next) returns the next step. The method that the step names takes the result.
pub(super) struct NameResolution {
    query: Query,
    port: u16,
    /// Whether the text of the name means this machine.
    localhost: Option<Localhost>,
    special: Option<SpecialName>,
    has_hosts: bool,
    step: ResolutionStep,
    order: SourceOrder,
    /// The index of the current source in the order.
    at: usize,
    search: Option<Search>,
    /// Whether results of servers are held, because a later source may replace them.
    holds: bool,
    /// The results of servers that are held.
    held: Vec<RecordResult>,
    /// The answers that are ready.
    ready: VecDeque<DnsAnswer>,
}

/// What the stream does next.
pub(super) enum Instruction {
    /// It returns this answer.
    Answer(DnsAnswer),
    /// It runs this step.
    Run(ResolutionStep),
}

/// A step of the stream, when it has returned all answers that are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResolutionStep {
    /// Look at the hosts file without reading it, for [`NameResolution::localhost`].
    PeekHosts,
    /// Read the switch, for [`NameResolution::switch`].
    ReadSwitch,
    /// Read the hosts file, for [`NameResolution::hosts`].
    ReadHosts,
    /// Read the configuration, for [`NameResolution::config`] or
    /// [`NameResolution::config_failed`].
    ReadConfig,
    /// Begin the lookups of [`NameResolution::begin_lookups`], and drop the lookups that run.
    BeginLookups,
    /// Wait until a lookup ends, for [`NameResolution::lookups_ended`].
    AwaitLookups,
    /// End the stream.
    Done,
}

/// Why the hosts file, or no source at all, has an address.
enum NoResult {
    Negative(Cause),
    Unreadable(FileError),
}

impl NameResolution {
    /// The lookup of a query for a name at this port, with or without a hosts file.
    pub(super) fn new(query: Query, port: u16, has_hosts: bool) -> Self {
        let (localhost, special) = (Localhost::of(name(&query)), SpecialName::of(name(&query)));
        let step = match localhost {
            Some(Localhost::Itself) => ResolutionStep::PeekHosts,
            Some(Localhost::Below) | None => ResolutionStep::ReadSwitch,
        };
        Self {
            query,
            port,
            localhost,
            special,
            has_hosts,
            step,
            order: SourceOrder::default(),
            at: 0,
            search: None,
            holds: false,
            held: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// The families that the query asks for.
    pub(super) fn families(&self) -> Families {
        self.query.families()
    }

    /// Whether IPv4 addresses are reached over IPv6.
    pub(super) fn is_behind_nat64(&self) -> bool {
        self.query.nat64()
    }

    /// The step that follows the answers that are ready.
    pub(super) fn step(&self) -> ResolutionStep {
        self.step
    }

    /// What the stream does next.
    pub(super) fn next(&mut self) -> Instruction {
        match self.ready.pop_front() {
            Some(answer) => Instruction::Answer(answer),
            None => Instruction::Run(self.step),
        }
    }

    /// Takes the hosts file for `localhost`, if it is known without reading it. The file only adds
    /// addresses, so a service on `::1` stays reachable.
    pub(super) fn localhost(&mut self, hosts: Option<&Hosts>) {
        let listed = hosts.map(|hosts| self.listed(hosts)).unwrap_or_default();
        self.push_loopback(listed);
    }

    /// The addresses that the hosts file has for the name.
    fn listed(&self, hosts: &Hosts) -> Vec<SocketAddr> {
        hosts.addresses(self.name(), self.families(), self.port).collect()
    }

    /// Takes the switch. glibc treats an unreadable file as an empty one. Here an unreadable file
    /// is a provisional failure, and the switch is the default.
    pub(super) fn switch(&mut self, switch: Result<&Switch, FileError>) {
        let supported: &[_] = match (self.has_hosts, self.localhost) {
            (true, None) => &[SupportedSource::Hosts, SupportedSource::Servers],
            (false, None) => &[SupportedSource::Servers],
            // Names below localhost are never sent.
            (true, Some(_)) => &[SupportedSource::Hosts],
            (false, Some(_)) => &[],
        };
        self.order = match switch {
            Ok(switch) => SourceOrder::new(switch, supported),
            Err(error) => {
                self.push_provisional(error);
                SourceOrder::new(&Switch::default(), supported)
            }
        };
        self.begin_source();
    }

    /// Begins with the current source of the order.
    fn begin_source(&mut self) {
        let Some(current) = self.order.get(self.at) else {
            return self.end(NoResult::Negative(Cause::NoSource));
        };
        match current.source {
            SupportedSource::Hosts => self.step = ResolutionStep::ReadHosts,
            SupportedSource::Servers => {
                self.holds = !current.is_last();
                if matches!(self.special, Some(SpecialName::Nonexistent(_)))
                    && self.take_special_name()
                {
                    self.conclude();
                } else {
                    self.step = ResolutionStep::ReadConfig;
                }
            }
        }
    }

    /// What follows from a result of the current source.
    fn after(&self, status: SwitchStatus) -> AfterResult {
        self.order.get(self.at).map_or(AfterResult::Return, |current| current.after(status))
    }

    /// Takes the hosts file.
    pub(super) fn hosts(&mut self, hosts: Result<&Hosts, FileError>) {
        let mut is_missing = false;
        let found = match hosts {
            Ok(hosts) => {
                is_missing = hosts.is_missing();
                match self.listed(hosts) {
                    listed if !listed.is_empty() => Ok(listed),
                    _ if hosts.contains(self.name()) => Err(NoResult::Negative(Cause::NoAddress)),
                    _ => Err(NoResult::Negative(Cause::NotListed)),
                }
            }
            Err(error) => Err(NoResult::Unreadable(error)),
        };
        let status = match &found {
            Ok(_) => SwitchStatus::Success,
            Err(NoResult::Negative(_)) if !is_missing => SwitchStatus::NotFound,
            Err(_) => SwitchStatus::Unavailable,
        };
        match (self.after(status), found) {
            (AfterResult::Return, Ok(listed)) => {
                self.release_held_failures();
                self.ready.push_back(Answer::found(self.record(), listed));
                self.step = ResolutionStep::Done;
            }
            (AfterResult::Return, Err(no_result)) => self.end(no_result),
            (AfterResult::Discard, _) => self.discard(),
            (AfterResult::NextSource, found) => {
                if let Err(NoResult::Unreadable(error)) = found {
                    self.push_provisional(error);
                }
                self.at += 1;
                self.begin_source();
            }
        }
    }

    /// Takes the configuration, and the families to ask servers for.
    pub(super) fn config(&mut self, config: &Config, families: Families) {
        let name = self.name();
        if self.special == Some(SpecialName::Local)
            && self.order.has_multicast()
            && !config.is_unicast(name)
        {
            let error = self.unlisted(Cause::Multicast);
            self.take(self.record(), Err(error));
            return self.conclude();
        }
        let domains = match self.special {
            Some(SpecialName::Absolute) => &[],
            _ => config.search(),
        };
        let mut names = SearchNames::new(name, domains, config.ndots());
        if matches!(self.special, Some(SpecialName::SingleLabel(_)))
            || leaves_out_as_written(name, config)
        {
            names = names.without_name_as_written();
        }
        if names.is_empty() {
            self.take_special_name();
            return self.conclude();
        }
        // A machine with only IPv6 is asked for A if AAAA may not be asked for, as in glibc.
        let families = match families {
            Families::Ipv6 if config.no_aaaa() => self.families(),
            families => families,
        };
        self.search = Some(Search::new(names, records(families), config.no_aaaa()));
        self.step = ResolutionStep::BeginLookups;
    }

    /// Takes the failure to read the configuration.
    pub(super) fn config_failed(&mut self, error: FileError) {
        let error = self.unreadable(error);
        self.take(self.record(), Err(error));
        self.conclude();
    }

    /// The lookups to begin. The lookups that run are dropped.
    pub(super) fn begin_lookups(&mut self) -> impl Iterator<Item = Question> {
        self.step = ResolutionStep::AwaitLookups;
        self.search.as_ref().expect("a search has begun").questions()
    }

    /// Takes the results of lookups. Returns whether there is any.
    pub(super) fn lookups_ended(
        &mut self,
        results: impl Iterator<Item = (Record, LookupResult)>,
    ) -> bool {
        let search = self.search.as_mut().expect("a search has begun");
        let mut any = false;
        for (record, result) in results {
            search.lookup_ended(record, result);
            any = true;
        }
        while any && let Some(search) = &mut self.search {
            match search.next() {
                SearchEvent::Pending => break,
                SearchEvent::BeginLookups => {
                    self.step = ResolutionStep::BeginLookups;
                    break;
                }
                SearchEvent::Done => {
                    self.search = None;
                    self.conclude();
                }
                SearchEvent::Result(result) => self.take_server_result(result),
            }
        }
        any
    }

    /// Takes the final result of servers for one record.
    fn take_server_result(&mut self, result: RecordResult) {
        let RecordResult { record, result: Err(error), last } = &result else {
            let is_success = self.holds;
            self.take_result(result);
            if is_success {
                self.conclude();
            }
            return;
        };
        // The name exists for no record, so the resolution does not wait for the others.
        let no_name = *record == Record::A && *last == Some(LookupErrorKind::NotFound);
        if self.holds
            && no_name
            && let Some(search) = self.search.take()
        {
            let last = *last;
            for (other, kept) in search.abandon() {
                // Either the lookups of earlier names have a result, or A has said of each name
                // that it does not exist.
                let result = kept.unwrap_or_else(|| Err(error.also_of(other)));
                self.held.push(RecordResult { record: other, result, last });
            }
            self.take_result(result);
            self.conclude();
        } else {
            self.take_result(result);
        }
    }

    /// Continues after the servers, whose status is known.
    fn conclude(&mut self) {
        if !self.holds {
            return self.release_held();
        }
        let no_name = Some(LookupErrorKind::NotFound);
        let is_negative = |held: &RecordResult| held.last.is_some_and(LookupErrorKind::is_negative);
        let status = if self.held.iter().any(|held| held.result.is_ok()) {
            SwitchStatus::Success
        } else if self.held.iter().any(|held| held.record == Record::A && held.last == no_name)
            || self.held.iter().all(is_negative)
        {
            SwitchStatus::NotFound
        } else {
            SwitchStatus::Unavailable
        };
        match self.after(status) {
            AfterResult::Return => self.release_held(),
            AfterResult::NextSource => {
                if status == SwitchStatus::Success {
                    self.held.clear();
                }
                self.search = None;
                self.at += 1;
                self.begin_source();
            }
            AfterResult::Discard => self.discard(),
        }
    }

    /// The record of an answer for all wanted families.
    fn record(&self) -> Record {
        addresses(self.families())
    }

    fn name(&self) -> &str {
        name(&self.query)
    }
}

/// Whether the name as it was written is not asked for, because it has no dot.
///
/// It is asked for if it comes first, if the search list contains the root, or if there is no
/// search list (`__res_context_search` in glibc).
fn leaves_out_as_written(name: &str, config: &Config) -> bool {
    let has_list = !config.search().is_empty() && !config.search().iter().any(|name| name == ".");
    config.no_tld_query() && !name.contains('.') && config.ndots() > 0 && has_list
}

/// The name that is looked up, in lower case.
fn name(query: &Query) -> &str {
    match query.target().host() {
        Host::Name(name) => name.ascii(),
        Host::Ipv4(_) | Host::Ipv6 { .. } => unreachable!("another resolver answers literals"),
    }
}

#[cfg(test)]
mod tests;
