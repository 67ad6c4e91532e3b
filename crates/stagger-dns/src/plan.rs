//! What a switch comes to here: the hosts file and the name servers, in which order, and when the
//! second of them is asked.
//!
//! What follows from a result is as in glibc (`get_nss_addresses` in `nss/getaddrinfo.c`):
//!
//! - A source that is not known here is as a module that glibc can't load: it is unavailable. Its
//!   action for that is obeyed, and its other actions mean nothing. So
//!   `mdns4_minimal [NOTFOUND=return] dns` asks servers for every name, and
//!   `resolve [!UNAVAIL=return] files dns` is `files dns`.
//! - After a success with `continue` the next source's result takes the place of this one, also if
//!   that one has nothing.
//!
//! Three rules are ours:
//!
//! - `merge` joins both results. glibc does so for groups of users alone, and finds no host then.
//! - A source that is named again is passed over, for it would say the same.
//! - What is passed over takes no result's place. In glibc a module that can't be loaded does, after
//!   a `continue`.

use std::slice;

use crate::switch::Source;
use crate::{Action, Status, Switch};

/// A source that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Hosts,
    Servers,
}

/// What follows from the result of the first source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is the result of all.
    End,
    /// The other source is asked. If this was a success, it counts no more.
    Other,
    /// The other source is asked, and what this one found counts too.
    Join,
}

/// In which order one lookup goes: each source is asked once at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// None if nobody may be asked.
    pub(crate) first: Option<Place>,
    /// By status.
    next: [Next; Status::ALL.len()],
}

impl Default for Plan {
    /// Nobody is asked.
    fn default() -> Self {
        Self { first: None, next: [Next::End; Status::ALL.len()] }
    }
}

impl Plan {
    /// The plan that a switch is, where there is a hosts file or none.
    pub(crate) fn new(switch: &Switch, has_hosts: bool) -> Self {
        let known = |source: &Source| match source.name() {
            "files" if has_hosts => Some(Place::Hosts),
            "dns" => Some(Place::Servers),
            _ => None,
        };
        let mut rest = switch.sources().iter();
        let first = reach(&mut rest, known);
        let second = first.and_then(|(first, _)| {
            reach(&mut rest, |source| known(source).filter(|place| *place != first))
        });
        let next = Status::ALL.map(|status| match (first, second) {
            (Some((_, first)), Some(_)) => match first.action(status) {
                Action::Return => Next::End,
                Action::Merge if status == Status::Success => Next::Join,
                Action::Merge | Action::Continue => Next::Other,
            },
            _ => Next::End,
        });
        Self { first: first.map(|(place, _)| place), next }
    }

    /// What follows from this result of the first source.
    pub(crate) fn next(&self, status: Status) -> Next {
        self.next[status as usize]
    }

    /// Whether the first source is the last, however its lookup ends.
    pub(crate) fn ends_with_first(&self) -> bool {
        self.next.iter().all(|next| *next == Next::End)
    }
}

/// The next source that is wanted, unless one before it ends the lookup by being unavailable.
fn reach<'a>(
    rest: &mut slice::Iter<'a, Source>,
    wanted: impl Fn(&Source) -> Option<Place>,
) -> Option<(Place, &'a Source)> {
    for source in rest {
        if let Some(place) = wanted(source) {
            return Some((place, source));
        }
        if source.action(Status::Unavailable) == Action::Return {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan as text: the first source, and for each status (success, not found, unavailable) what
    /// follows: `.` for the end, `>` for the other source and `+` for both.
    fn plan(sources: &str, has_hosts: bool) -> String {
        let switch = Switch::parse(format!("hosts: {sources}").as_bytes()).value;
        let plan = Plan::new(&switch, has_hosts);
        let first = match plan.first {
            None => return "nobody".into(),
            Some(Place::Hosts) => "hosts",
            Some(Place::Servers) => "servers",
        };
        let statuses = [Status::Success, Status::NotFound, Status::Unavailable];
        let next = statuses.map(|status| match plan.next(status) {
            Next::End => '.',
            Next::Other => '>',
            Next::Join => '+',
        });
        let next = String::from_iter(next);
        assert_eq!(plan.ends_with_first(), next == "...");
        format!("{first} {next}")
    }

    #[test]
    fn a_switch_is_an_order_of_two_sources_and_when_the_second_is_asked() {
        for (sources, expected) in [
            ("files dns", "hosts .>>"),
            ("dns files", "servers .>>"),
            ("files", "hosts ..."),
            ("dns", "servers ..."),
            ("", "nobody"),
            ("files [NOTFOUND=return] dns", "hosts ..>"),
            ("dns [!UNAVAIL=return] files", "servers ..>"),
            ("dns [UNAVAIL=return] files", "servers .>."),
            ("dns [!SUCCESS=return] files", "servers ..."),
            ("files [SUCCESS=continue] dns", "hosts >>>"),
            ("files [SUCCESS=merge] dns", "hosts +>>"),
            ("files [NOTFOUND=merge] dns", "hosts .>>"),
        ] {
            assert_eq!((sources, plan(sources, true)), (sources, expected.into()));
        }
    }

    #[test]
    fn a_source_that_is_not_known_is_unavailable_and_passed_over() {
        for (sources, expected) in [
            ("files mdns4_minimal [NOTFOUND=return] dns mymachines", "hosts .>>"),
            ("mdns4_minimal [NOTFOUND=return] dns", "servers ..."),
            ("mdns4_minimal [UNAVAIL=return] dns", "nobody"),
            ("files mdns [UNAVAIL=return] dns", "hosts ..."),
            ("mymachines resolve [!UNAVAIL=return] files myhostname dns", "hosts .>>"),
            ("resolve [!UNAVAIL=return] dns", "servers ..."),
            ("resolve [!UNAVAIL=return]", "nobody"),
            ("Files DNS", "nobody"),
            // A source that is known has its own result, and not this.
            ("dns [UNAVAIL=return] x files", "servers .>."),
            ("files [SUCCESS=continue] x", "hosts ..."),
        ] {
            assert_eq!((sources, plan(sources, true)), (sources, expected.into()));
        }
    }

    #[test]
    fn a_source_that_is_named_again_is_passed_over() {
        for (sources, expected) in [
            ("files files dns", "hosts .>>"),
            ("dns files dns", "servers .>>"),
            ("dns dns [UNAVAIL=return] files", "servers ..."),
        ] {
            assert_eq!((sources, plan(sources, true)), (sources, expected.into()));
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
            assert_eq!((sources, plan(sources, false)), (sources, expected.into()));
        }
    }
}
