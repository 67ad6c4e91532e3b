//! What a switch comes to here: the hosts file and the name servers, in which order, and what
//! follows from each of their results.
//!
//! It is as in glibc 2.36 (`get_nss_addresses` in `getaddrinfo.c`):
//!
//! - A source that is not known here is as a module that glibc can't load: it is unavailable. Its
//!   action for that is obeyed, and its other actions mean nothing. So
//!   `mdns4_minimal [NOTFOUND=return] dns` asks servers for every name, and
//!   `resolve [!UNAVAIL=return] files dns` is `files dns`.
//! - After a success with `continue` the next source's result takes the place of this one, also if
//!   that one has nothing.
//! - `merge` is for groups of users. A lookup of a host ends there, and even a success is lost,
//!   unless no source follows.
//!
//! Two rules are ours:
//!
//! - A source that is named again is passed over, for it would say the same.
//! - What is passed over takes no result's place. In glibc a module that can't be loaded does, after
//!   a `continue`.

use crate::switch::Source;
use crate::{Action, Status, Switch};

/// A source that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Hosts,
    Servers,
}

/// What follows from the result of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is the result of all.
    End,
    /// The next turn. If this was a success, it counts no more.
    Turn,
    /// There is no result, although this was a success: the switch says `merge`.
    Lost,
}

/// The turn of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) place: Place,
    /// By status.
    next: [Next; Status::ALL.len()],
}

impl Turn {
    /// What follows from this result.
    pub(super) fn next(&self, status: Status) -> Next {
        self.next[status as usize]
    }

    /// Whether its result is that of the lookup, whatever it is.
    pub(super) fn is_last(&self) -> bool {
        self.next.iter().all(|next| *next == Next::End)
    }
}

/// In which order one lookup goes: each source has one turn at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    turns: [Option<Turn>; 2],
    has_multicast: bool,
}

impl Plan {
    /// The plan that a switch is, where only these places may be asked.
    pub(super) fn new(switch: &Switch, places: &[Place]) -> Self {
        let known = |source: &Source| {
            let place = match source.name() {
                "files" => Place::Hosts,
                "dns" => Place::Servers,
                _ => return None,
            };
            Some(place).filter(|place| places.contains(place))
        };
        let sources = switch.sources();
        let before_servers = sources.iter().take_while(|source| source.name() != "dns");
        let has_multicast = before_servers.map(Source::name).any(is_multicast);
        let mut plan = Self { has_multicast, ..Self::default() };
        let Some((at, place)) = reach(sources, 0, known) else { return plan };
        let other = |source: &Source| known(source).filter(|other| *other != place);
        let second = reach(sources, at + 1, other);
        let turn = |at: usize, place, has_next| {
            let next = Status::ALL.map(|status| match sources[at].action(status) {
                Action::Continue if has_next => Next::Turn,
                Action::Merge if status == Status::Success && at + 1 < sources.len() => Next::Lost,
                Action::Return | Action::Continue | Action::Merge => Next::End,
            });
            Turn { place, next }
        };
        plan.turns[0] = Some(turn(at, place, second.is_some()));
        plan.turns[1] = second.map(|(at, place)| turn(at, place, false));
        plan
    }

    /// Whether a source before `dns` takes the names below `local` for multicast DNS. Such a source
    /// is not known here, but the machine has it, and does not ask servers for these names.
    pub(super) fn has_multicast(&self) -> bool {
        self.has_multicast
    }

    /// The turn of this number, counted from 0.
    pub(super) fn turn(&self, number: usize) -> Option<&Turn> {
        self.turns.get(number)?.as_ref()
    }
}

/// Whether this is a source for names below `local` alone: `mdns_minimal`, `mdns4_minimal` or
/// `mdns6_minimal` of nss-mdns.
fn is_multicast(source: &str) -> bool {
    source.starts_with("mdns") && source.ends_with("_minimal")
}

/// The first source from `begin` on that is wanted, and its index, unless one before it ends the
/// lookup by being unavailable.
fn reach(
    sources: &[Source],
    begin: usize,
    wanted: impl Fn(&Source) -> Option<Place>,
) -> Option<(usize, Place)> {
    for (at, source) in sources.iter().enumerate().skip(begin) {
        if let Some(place) = wanted(source) {
            return Some((at, place));
        }
        if source.action(Status::Unavailable) != Action::Continue {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Place; 2] = [Place::Hosts, Place::Servers];

    /// A plan as text: each source, and for each status (success, not found, unavailable) what
    /// follows: `.` for the end, `>` for the next turn and `x` for nothing at all.
    fn plan(sources: &str, places: &[Place]) -> String {
        let switch = Switch::parse(format!("hosts: {sources}").as_bytes()).value;
        let plan = Plan::new(&switch, places);
        let turns: Vec<_> = (0..)
            .map_while(|number| plan.turn(number))
            .map(|turn| {
                let place = match turn.place {
                    Place::Hosts => "hosts",
                    Place::Servers => "servers",
                };
                let statuses = [Status::Success, Status::NotFound, Status::Unavailable];
                let next = statuses.map(|status| match turn.next(status) {
                    Next::End => '.',
                    Next::Turn => '>',
                    Next::Lost => 'x',
                });
                let next = String::from_iter(next);
                assert_eq!(turn.is_last(), next == "...");
                format!("{place} {next}")
            })
            .collect();
        if turns.is_empty() { "nobody".into() } else { turns.join(", ") }
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
            assert_eq!((sources, plan(sources, &ALL)), (sources, expected.into()));
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
            assert_eq!((sources, plan(sources, &ALL)), (sources, expected.into()));
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
            assert_eq!((sources, plan(sources, &ALL)), (sources, expected.into()));
        }
    }

    #[test]
    fn a_source_that_is_named_again_is_passed_over() {
        for (sources, expected) in [
            ("files files dns", "hosts .>>, servers ..."),
            ("dns files dns", "servers .>>, hosts ..."),
            ("dns dns [UNAVAIL=return] files", "servers ..."),
        ] {
            assert_eq!((sources, plan(sources, &ALL)), (sources, expected.into()));
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
            assert_eq!((sources, plan(sources, &[Place::Servers])), (sources, expected.into()));
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
            assert_eq!((sources, plan(sources, &[Place::Hosts])), (sources, expected.into()));
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
            assert_eq!((sources, Plan::new(&switch, &ALL).has_multicast()), (sources, expected));
        }
    }
}
