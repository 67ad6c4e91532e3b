//! Sorts the addresses of one lookup by a policy that may have to be read first.

use std::future::Future as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use stagger::address::Family;
use stagger::resolve::Families;
use stagger::sort::{AnswerSorter, PolicyTable, Sorter};
use stagger_net::system::{Connectivity, SystemSourceAddresses};

use super::answer::DnsAnswer;
use crate::config::Parsed;
use crate::config::address_policy::AddressPolicy;
use crate::config::setting::{ReadSetting, Setting};

/// Sorts the answers of one lookup.
///
/// The policy is read while the names are looked up, so reading it costs no extra time.
pub(super) struct AnswerSorting {
    lookup: AnswerSorter<SystemSourceAddresses>,
    policy: PolicyState,
    families: Families,
    /// An answer that waits for the policy.
    held: Option<DnsAnswer>,
}

enum PolicyState {
    Unread(Setting<AddressPolicy>),
    Reading(ReadSetting<AddressPolicy>),
    Known(Arc<Parsed<AddressPolicy>>),
}

impl AnswerSorting {
    pub(super) fn new(
        policy: Setting<AddressPolicy>,
        sources: SystemSourceAddresses,
        families: Families,
    ) -> Self {
        let policy = PolicyState::Unread(policy);
        Self { lookup: AnswerSorter::new(sources), policy, families, held: None }
    }

    /// Begins to read the policy, unless it was begun before.
    pub(super) fn begin(&mut self, now: impl FnOnce() -> Instant) {
        if let PolicyState::Unread(setting) = &self.policy {
            self.policy = PolicyState::Reading(setting.read(now()));
        }
    }

    /// Sorts the next answer. `answers` is polled for one, unless an answer is still held.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        answers: impl FnOnce(&mut Context<'_>) -> Poll<Option<DnsAnswer>>,
    ) -> Poll<Option<DnsAnswer>> {
        let policy = self.policy.poll(cx);
        let answer = match self.held.take() {
            Some(held) => held,
            None => match ready!(answers(cx)) {
                Some(answer) => answer,
                None => return Poll::Ready(None),
            },
        };
        match policy {
            Poll::Ready(policy) => {
                let sorter = policy.value.sorter();
                let sorted = self.lookup.sort(answer, sorter);
                Poll::Ready(Some(match self.families {
                    Families::Any => prefer(sorted, sorter.table(), Connectivity::has_default_now),
                    _ => sorted,
                }))
            }
            // There is nothing to sort, and a failure may end the race.
            Poll::Pending if answer.is_empty() || answer.is_sorted() => {
                Poll::Ready(Some(self.lookup.sort(answer, &Sorter::new())))
            }
            Poll::Pending => {
                self.held = Some(answer);
                Poll::Pending
            }
        }
    }
}

/// A public address of each family, to look up its precedence. They belong to a root name server
/// (RFC 7720).
const PUBLIC_IPV4: IpAddr = IpAddr::V4(Ipv4Addr::new(199, 7, 83, 42));
const PUBLIC_IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0x500, 0x9f, 0, 0, 0, 0, 0x42));

/// Prefers IPv4 if the table does (RFC 6724 §10.3). Otherwise a race would connect to an AAAA that
/// comes first before the A is there. IPv6 stays preferred if only IPv6 has a default route.
fn prefer(
    answer: DnsAnswer,
    table: &PolicyTable,
    has_default: impl FnOnce(Family) -> bool,
) -> DnsAnswer {
    let precedence = |addr| table.row(addr).precedence;
    let is_wanted = precedence(PUBLIC_IPV4) > precedence(PUBLIC_IPV6);
    let is_possible = || match answer.preferred_family() {
        Some(Family::Ipv6) => has_default(Family::Ipv4),
        _ => true,
    };
    if is_wanted && is_possible() { answer.with_preferred_family(Family::Ipv4) } else { answer }
}

impl PolicyState {
    /// Returns the policy. An unreadable file counts as a missing file, as in glibc (`gaiconf_init`
    /// in `sysdeps/posix/getaddrinfo.c`). A different order does not prevent a connect.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arc<Parsed<AddressPolicy>>> {
        if let Self::Reading(content) = self {
            *self = Self::Known(ready!(Pin::new(content).poll(cx)).unwrap_or_default());
        }
        match self {
            Self::Known(policy) => Poll::Ready(Arc::clone(policy)),
            _ => unreachable!("`begin` is called before the first poll"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::mpsc;
    use std::sync::{Mutex, PoisonError};
    use std::task::Waker;

    use futures_lite::future::block_on;
    use stagger::Answer;
    use stagger::resolve::Record;

    use super::*;
    use crate::config::watched_file::WatchedFile;

    fn found() -> DnsAnswer {
        let addresses = ["127.0.0.9:80", "127.0.0.2:80"];
        Answer::found(Record::A, addresses.map(|text| text.parse::<SocketAddr>().unwrap()))
    }

    #[test]
    fn an_answer_waits_for_the_policy_and_one_without_addresses_does_not() {
        let (go, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let file = WatchedFile::new("/dev/null".into(), 0, move |_: Option<&[u8]>| {
            let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
            Parsed::<AddressPolicy>::default()
        });
        let mut sorting =
            AnswerSorting::new(Setting::File(file), SystemSourceAddresses::new(), Families::Any);
        let mut answers = [found(), Answer::negative(Record::Aaaa)].into_iter();
        sorting.begin(Instant::now);
        let cx = &mut Context::from_waker(Waker::noop());
        let negative = sorting.poll_next(cx, |_| Poll::Ready(answers.next_back()));
        assert!(matches!(negative, Poll::Ready(Some(answer)) if answer.is_empty()));
        for _ in 0..2 {
            assert!(sorting.poll_next(cx, |_| Poll::Ready(answers.next())).is_pending());
        }
        go.send(()).unwrap();
        let answer = block_on(std::future::poll_fn(|cx| {
            sorting.poll_next(cx, |_| panic!("an answer is held"))
        }));
        let answer = answer.unwrap();
        assert!(answer.is_sorted());
        let order: Vec<_> = answer.addresses().map(ToString::to_string).collect();
        assert_eq!(order, ["127.0.0.2:80", "127.0.0.9:80"]);
        sorting.begin(|| panic!("it has begun"));
        assert!(sorting.poll_next(cx, |_| Poll::Ready(None)).is_ready());
    }

    #[test]
    fn ipv4_is_preferred_where_the_table_does_and_the_routes_allow() {
        let preferred = |routes: Option<Family>, table: &PolicyTable, has_ipv4: bool| {
            let answer = found();
            let answer = match routes {
                Some(family) => answer.with_preferred_family(family),
                None => answer,
            };
            prefer(answer, table, |_| has_ipv4).preferred_family()
        };
        let text = b"precedence ::ffff:0:0/96 100\n";
        let ipv4_first = AddressPolicy::parse(text).value.sorter().table().clone();
        let (v4, v6) = (Some(Family::Ipv4), Some(Family::Ipv6));
        assert_eq!(preferred(None, &ipv4_first, true), v4);
        assert_eq!(preferred(v4, &ipv4_first, true), v4);
        assert_eq!(preferred(v6, &ipv4_first, true), v4);
        assert_eq!(preferred(v6, &ipv4_first, false), v6);
        for table in [PolicyTable::glibc(), PolicyTable::rfc6724()] {
            for routes in [None, v4, v6] {
                assert_eq!(preferred(routes, &table, true), routes);
            }
        }
    }
}
