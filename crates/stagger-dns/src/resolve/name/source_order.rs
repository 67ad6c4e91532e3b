//! Which sources a switch asks, in which order, and what follows from each of their results.
//!
//! The resolver supports two sources: the hosts file and the name servers. The rules are those of
//! glibc 2.36 (`get_nss_addresses` in `getaddrinfo.c`):
//!
//! - An unsupported source is like a module that glibc can't load: it is unavailable. Its action
//!   for that status applies, and its other actions do not. So
//!   `mdns4_minimal [NOTFOUND=return] dns` asks servers for every name, and
//!   `resolve [!UNAVAIL=return] files dns` is `files dns`.
//! - After a success with `continue`, the result of the next source replaces this result. That also
//!   holds if the next source has nothing.
//! - `merge` is for groups of users. A lookup of a host ends there. Even a success is lost, unless
//!   no source follows.
//!
//! Two rules are ours:
//!
//! - A source that is named again is skipped, because its result would be the same.
//! - A skipped source replaces no result. In glibc a module that can't be loaded does, after a
//!   `continue`.

use crate::config::switch::{Switch, SwitchAction, SwitchSource, SwitchStatus};

/// A source that the resolver supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SupportedSource {
    Hosts,
    Servers,
}

/// What follows from the result of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterResult {
    /// It is the result of the lookup.
    Return,
    /// The next source is asked. A success is discarded.
    NextSource,
    /// The lookup has no result, although this was a success, because the switch says `merge`.
    Discard,
}

/// A source with its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrderedSource {
    pub(super) source: SupportedSource,
    /// By status.
    after: [AfterResult; SwitchStatus::ALL.len()],
}

impl OrderedSource {
    /// What follows from this result.
    pub(super) fn after(&self, status: SwitchStatus) -> AfterResult {
        self.after[status as usize]
    }

    /// Whether any result of this source is the result of the lookup.
    pub(super) fn is_last(&self) -> bool {
        self.after.iter().all(|after| *after == AfterResult::Return)
    }
}

/// The order of the sources of one lookup. Each source is asked once at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SourceOrder {
    sources: [Option<OrderedSource>; 2],
    has_multicast: bool,
}

impl SourceOrder {
    /// The order of a switch, if only the `supported` sources may be asked.
    pub(super) fn new(switch: &Switch, supported: &[SupportedSource]) -> Self {
        let known = |source: &SwitchSource| {
            let source = match source.name() {
                "files" => SupportedSource::Hosts,
                "dns" => SupportedSource::Servers,
                _ => return None,
            };
            Some(source).filter(|source| supported.contains(source))
        };
        let sources = switch.sources();
        let before_servers = sources.iter().take_while(|source| source.name() != "dns");
        let has_multicast = before_servers.map(SwitchSource::name).any(is_multicast);
        let mut order = Self { has_multicast, ..Self::default() };
        let Some((at, first)) = reach(sources, 0, known) else { return order };
        let other = |source: &SwitchSource| known(source).filter(|other| *other != first);
        let second = reach(sources, at + 1, other);
        let ordered = |at: usize, source, has_next| {
            let after = SwitchStatus::ALL.map(|status| match sources[at].action(status) {
                SwitchAction::Continue if has_next => AfterResult::NextSource,
                SwitchAction::Merge
                    if status == SwitchStatus::Success && at + 1 < sources.len() =>
                {
                    AfterResult::Discard
                }
                SwitchAction::Return | SwitchAction::Continue | SwitchAction::Merge => {
                    AfterResult::Return
                }
            });
            OrderedSource { source, after }
        };
        order.sources[0] = Some(ordered(at, first, second.is_some()));
        order.sources[1] = second.map(|(at, source)| ordered(at, source, false));
        order
    }

    /// Whether a source before `dns` handles names below `local` by multicast DNS. The resolver
    /// does not support such a source. The machine has it, and does not ask servers for these
    /// names.
    pub(super) fn has_multicast(&self) -> bool {
        self.has_multicast
    }

    /// The source at this index.
    pub(super) fn get(&self, index: usize) -> Option<&OrderedSource> {
        self.sources.get(index)?.as_ref()
    }
}

/// Whether this source is only for names below `local`: `mdns_minimal`, `mdns4_minimal` or
/// `mdns6_minimal` of nss-mdns.
fn is_multicast(source: &str) -> bool {
    source.starts_with("mdns") && source.ends_with("_minimal")
}

/// The first wanted source from `begin` on, and its index. It is `None` if an earlier source is
/// unavailable and that ends the lookup.
fn reach(
    sources: &[SwitchSource],
    begin: usize,
    wanted: impl Fn(&SwitchSource) -> Option<SupportedSource>,
) -> Option<(usize, SupportedSource)> {
    for (at, source) in sources.iter().enumerate().skip(begin) {
        if let Some(source) = wanted(source) {
            return Some((at, source));
        }
        if source.action(SwitchStatus::Unavailable) != SwitchAction::Continue {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [SupportedSource; 2] = [SupportedSource::Hosts, SupportedSource::Servers];

    /// A order as text: each source, and for each status (success, not found, unavailable) what
    /// follows: `.` for the end, `>` for the next source and `x` for no result.
    fn order(sources: &str, supported: &[SupportedSource]) -> String {
        let switch = Switch::parse(format!("hosts: {sources}").as_bytes()).value;
        let order = SourceOrder::new(&switch, supported);
        let sources: Vec<_> = (0..)
            .map_while(|index| order.get(index))
            .map(|ordered| {
                let source = match ordered.source {
                    SupportedSource::Hosts => "hosts",
                    SupportedSource::Servers => "servers",
                };
                let statuses =
                    [SwitchStatus::Success, SwitchStatus::NotFound, SwitchStatus::Unavailable];
                let after = statuses.map(|status| match ordered.after(status) {
                    AfterResult::Return => '.',
                    AfterResult::NextSource => '>',
                    AfterResult::Discard => 'x',
                });
                let after = String::from_iter(after);
                assert_eq!(ordered.is_last(), after == "...");
                format!("{source} {after}")
            })
            .collect();
        if sources.is_empty() { "nobody".into() } else { sources.join(", ") }
    }

    #[test]
    fn a_switch_is_an_order_of_two_sources_and_when_the_second_is_asked() {
        for (sources, expected) in [
            ("files dns", "hosts .>>, servers ..."),
            ("dns files", "servers .>>, hosts ..."),
            ("files", "hosts ..."),
            ("dns", "servers ..."),
            ("", "nobody"),
            ("files [NOTFOUND=return] dns", "hosts ..>, servers ..."),
            ("dns [!UNAVAIL=return] files", "servers ..>, hosts ..."),
            ("dns [UNAVAIL=return] files", "servers .>., hosts ..."),
            ("dns [!SUCCESS=return] files", "servers ..., hosts ..."),
            ("files [SUCCESS=continue] dns", "hosts >>>, servers ..."),
        ] {
            assert_eq!((sources, order(sources, &ALL)), (sources, expected.into()));
        }
    }

    #[test]
    fn merge_ends_a_lookup_of_hosts_and_loses_a_success_unless_no_source_follows() {
        for (sources, expected) in [
            ("files [SUCCESS=merge] dns", "hosts x>>, servers ..."),
            ("dns [SUCCESS=merge] files", "servers x>>, hosts ..."),
            ("files dns [SUCCESS=merge] resolve", "hosts .>>, servers x.."),
            ("files [SUCCESS=merge] resolve", "hosts x.."),
            ("files [SUCCESS=merge]", "hosts ..."),
            ("files dns [SUCCESS=merge]", "hosts .>>, servers ..."),
            ("files [NOTFOUND=merge] dns", "hosts ..>, servers ..."),
            ("dns [!SUCCESS=merge] files", "servers ..., hosts ..."),
            ("resolve [UNAVAIL=merge] files", "nobody"),
        ] {
            assert_eq!((sources, order(sources, &ALL)), (sources, expected.into()));
        }
    }

    #[test]
    fn a_source_that_is_not_known_is_unavailable_and_passed_over() {
        for (sources, expected) in [
            ("files mdns4_minimal [NOTFOUND=return] dns mymachines", "hosts .>>, servers ..."),
            ("mdns4_minimal [NOTFOUND=return] dns", "servers ..."),
            ("mdns4_minimal [UNAVAIL=return] dns", "nobody"),
            ("files mdns [UNAVAIL=return] dns", "hosts ..."),
            ("mymachines resolve [!UNAVAIL=return] files myhostname dns", "hosts .>>, servers ..."),
            ("resolve [!UNAVAIL=return] dns", "servers ..."),
            ("resolve [!UNAVAIL=return]", "nobody"),
            ("Files DNS", "nobody"),
            // A source that is known has its own result, and not this.
            ("dns [UNAVAIL=return] x files", "servers .>., hosts ..."),
            ("files [SUCCESS=continue] x", "hosts ..."),
        ] {
            assert_eq!((sources, order(sources, &ALL)), (sources, expected.into()));
        }
    }

    #[test]
    fn a_source_that_is_named_again_is_passed_over() {
        for (sources, expected) in [
            ("files files dns", "hosts .>>, servers ..."),
            ("dns files dns", "servers .>>, hosts ..."),
            ("dns dns [UNAVAIL=return] files", "servers ..."),
        ] {
            assert_eq!((sources, order(sources, &ALL)), (sources, expected.into()));
        }
    }

    #[test]
    fn without_a_hosts_file_files_is_a_source_that_is_not_known() {
        for (sources, expected) in [
            ("files dns", "servers ..."),
            ("dns files", "servers ..."),
            ("files [UNAVAIL=return] dns", "nobody"),
            ("files", "nobody"),
        ] {
            assert_eq!(
                (sources, order(sources, &[SupportedSource::Servers])),
                (sources, expected.into())
            );
        }
    }

    #[test]
    fn where_no_server_may_be_asked_dns_is_a_source_that_is_not_known() {
        for (sources, expected) in [
            ("files dns", "hosts ..."),
            ("dns [NOTFOUND=return] files", "hosts ..."),
            ("dns [UNAVAIL=return] files", "nobody"),
            ("dns", "nobody"),
        ] {
            assert_eq!(
                (sources, order(sources, &[SupportedSource::Hosts])),
                (sources, expected.into())
            );
        }
    }

    #[test]
    fn names_below_local_are_for_multicast_if_such_a_source_is_before_servers() {
        for (sources, expected) in [
            ("files mdns4_minimal [NOTFOUND=return] dns", true),
            ("mdns_minimal dns files", true),
            ("mdns6_minimal [NOTFOUND=return] resolve dns", true),
            ("files dns mdns4_minimal", false),
            ("files mdns4 dns", false),
            ("files minimal dns", false),
            ("files dns", false),
        ] {
            let switch = Switch::parse(format!("hosts: {sources}").as_bytes()).value;
            assert_eq!(
                (sources, SourceOrder::new(&switch, &ALL).has_multicast()),
                (sources, expected)
            );
        }
    }
}
