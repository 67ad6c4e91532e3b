//! The order of the addresses of one lookup, by a policy that may have to be read first.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use stagger::destination::{AnswerSorter, Sorter};
use stagger_net::SystemSources;

use crate::origin::{Content, Origin};
use crate::sources::DnsAnswer;
use crate::{AddressPolicy, Parsed};

/// Sorts the answers of one lookup. The policy is read while the names are looked up, so it costs
/// no time of its own.
pub(crate) struct Sorting {
    lookup: AnswerSorter<SystemSources>,
    policy: Policy,
    /// An answer that waits for the policy.
    held: Option<DnsAnswer>,
}

enum Policy {
    Unread(Origin<AddressPolicy>),
    Reading(Content<AddressPolicy>),
    Known(Arc<Parsed<AddressPolicy>>),
}

impl Sorting {
    pub(crate) fn new(policy: Origin<AddressPolicy>, sources: SystemSources) -> Self {
        let policy = Policy::Unread(policy);
        Self { lookup: AnswerSorter::new(sources), policy, held: None }
    }

    /// Begins to read the policy, if nothing has.
    pub(crate) fn begin(&mut self, now: impl FnOnce() -> Instant) {
        if let Policy::Unread(origin) = &self.policy {
            self.policy = Policy::Reading(origin.read(now()));
        }
    }

    /// Sorts the next answer. `answers` is polled for one, unless an answer is still held.
    pub(crate) fn poll_next(
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
                Poll::Ready(Some(self.lookup.sort(answer, policy.value.sorter())))
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

impl Policy {
    /// The policy. A file that can't be read counts as a missing file, as in glibc (`gaiconf_init` in
    /// `sysdeps/posix/getaddrinfo.c`). Another order does not prevent a connect.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arc<Parsed<AddressPolicy>>> {
        if let Self::Reading(content) = self {
            *self = Self::Known(ready!(Pin::new(content).poll(cx)).unwrap_or_default());
        }
        match self {
            Self::Known(policy) => Poll::Ready(Arc::clone(policy)),
            _ => unreachable!("a policy is read before it is asked for"),
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
    use stagger::{Answer, Record};

    use super::*;
    use crate::Watched;

    fn found() -> DnsAnswer {
        let addresses = ["127.0.0.9:80", "127.0.0.2:80"];
        Answer::found(Record::A, addresses.map(|text| text.parse::<SocketAddr>().unwrap()))
    }

    #[test]
    fn an_answer_waits_for_the_policy_and_one_without_addresses_does_not() {
        let (go, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let file = Watched::new("/dev/null".into(), 0, move |_: Option<&[u8]>| {
            let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
            Parsed::<AddressPolicy>::default()
        });
        let mut sorting = Sorting::new(Origin::File(file), SystemSources::new());
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
}
