//! Both families on their way through the search list, side by side.
//!
//! Each name of the list is asked for in all families that are wanted, and the next one only when
//! none of them has an address: a host that has IPv4 alone in the first domain must not be mixed
//! with one of the same label that has IPv6 in the second. An answer is told at once if nothing
//! that may still come can change it: an address is, and with it whatever the other family says
//! of the same name; that there is none is, at the last name.
//!
//! When there is no address, what follows is what glibc does (`__res_context_search`):
//!
//! - The name does not exist (NXDOMAIN), or has no address (NODATA): the next name. glibc goes on
//!   after NODATA because a wildcard for another type must not hide a name further on.
//! - A server failed (SERVFAIL): the next name.
//! - Anything else, such as no answer in time: the rest of the list is left out. If the name as it
//!   was written is still to come, it is asked for, else this is the end.
//!
//! When nothing is found anywhere, what is told of a family is what was said of the name as it was
//! written, if that was asked first; else that some name has no address; else that a server failed;
//! else what came last.
//!
//! Where glibc waits for both families of a name in any case, we go on as soon as A says that the
//! name does not exist: it exists for no type then (RFC 8020 §2). An NXDOMAIN for AAAA alone is not
//! believed, for there are servers that say so of names with A records (RFC 4074 §4.2).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::{Families, Family};

use crate::error::DnsErrorKind;
use crate::lookup::{Lookups, Outcome};
use crate::question::Question;
use crate::search::Candidates;

pin_project! {
    /// The outcomes of a name, one a family.
    pub(crate) struct Walk<S>
    where
        S: Lookups,
    {
        source: S,
        candidates: Candidates,
        families: Families,
        // Where it is in the list; none before the first poll.
        at: Option<usize>,
        // Whether what is known here is told.
        settled: bool,
        #[pin]
        ipv6: Lane<S::Lookup>,
        #[pin]
        ipv4: Lane<S::Lookup>,
    }
}

pin_project! {
    /// One family.
    struct Lane<F> {
        #[pin]
        lookup: Option<F>,
        // How the lookup of the name ended; taken when it is told.
        outcome: Option<Outcome>,
        // What is told if nothing is found, and how much that says.
        kept: Option<(u8, Outcome)>,
    }
}

/// What is told of one family.
pub(crate) struct Said {
    pub(crate) family: Family,
    pub(crate) outcome: Outcome,
    /// Why the last name that was asked for has no address, if it has none. What is told may be of a
    /// name before that one.
    pub(crate) last: Option<DnsErrorKind>,
}

impl<S: Lookups> Walk<S> {
    /// Looks `candidates` up, of which there must be one.
    pub(crate) fn new(source: S, candidates: Candidates, families: Families) -> Self {
        let lane = || Lane { lookup: None, outcome: None, kept: None };
        let (ipv6, ipv4) = (lane(), lane());
        Self { source, candidates, families, at: None, settled: false, ipv6, ipv4 }
    }

    /// Whether this family is being looked up.
    pub(crate) fn awaits(&self, family: Family) -> bool {
        match family {
            Family::Ipv6 => self.ipv6.lookup.is_some(),
            Family::Ipv4 => self.ipv4.lookup.is_some(),
        }
    }

    /// Takes what would be told of a family if nothing more were said of it, if there is anything.
    pub(crate) fn take_kept(self: Pin<&mut Self>, family: Family) -> Option<Outcome> {
        let this = self.project();
        let lane = match family {
            Family::Ipv6 => this.ipv6,
            Family::Ipv4 => this.ipv4,
        };
        lane.project().kept.take().map(|(_, outcome)| outcome)
    }

    /// Begins the lookups of a name, AAAA before A (RFC 8305 §3).
    fn begin(self: Pin<&mut Self>, at: usize) {
        let mut this = self.project();
        let name = this.candidates.get(at).expect("a walk goes no further than the list");
        *this.at = Some(at);
        *this.settled = this.candidates.get(at + 1).is_none();
        for (family, lane) in [(Family::Ipv6, &mut this.ipv6), (Family::Ipv4, &mut this.ipv4)] {
            if this.families.contains(family) {
                let question = Question::new(name.clone(), family);
                let mut lane = lane.as_mut().project();
                lane.lookup.set(Some(this.source.look_up(&question)));
                *lane.outcome = None;
            }
        }
    }

    /// Where to go from a name that is known to have no address; nowhere if this is the end.
    fn next(self: Pin<&mut Self>, at: usize) -> Option<usize> {
        let this = self.project();
        let failed = |outcome: &Option<Outcome>| match outcome {
            Some(Err(error)) => !matches!(
                error.kind(),
                DnsErrorKind::NotFound | DnsErrorKind::NoAddress | DnsErrorKind::ServerFailure
            ),
            _ => false,
        };
        if failed(&this.ipv6.outcome) || failed(&this.ipv4.outcome) {
            Some(this.candidates.as_written()).filter(|written| *written > at)
        } else {
            Some(at + 1)
        }
    }
}

impl<S: Lookups> Stream for Walk<S> {
    type Item = Said;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut at = match self.at {
            Some(at) => at,
            None => {
                self.as_mut().begin(0);
                0
            }
        };
        loop {
            let mut this = self.as_mut().project();
            let written_first = at == 0 && this.candidates.as_written() == 0;
            this.ipv6.as_mut().poll(cx, written_first);
            this.ipv4.as_mut().poll(cx, written_first);
            *this.settled |= this.ipv6.has_found() || this.ipv4.has_found();
            if *this.settled {
                for (family, lane) in [(Family::Ipv6, this.ipv6), (Family::Ipv4, this.ipv4)] {
                    if let Some((outcome, last)) = lane.tell() {
                        return Poll::Ready(Some(Said { family, outcome, last }));
                    }
                }
                let this = self.project();
                let runs = this.ipv6.lookup.is_some() || this.ipv4.lookup.is_some();
                return if runs { Poll::Pending } else { Poll::Ready(None) };
            }
            let runs = this.ipv6.lookup.is_some() || this.ipv4.lookup.is_some();
            if runs && !this.ipv4.does_not_exist() {
                return Poll::Pending;
            }
            match self.as_mut().next(at) {
                Some(next) => {
                    at = next;
                    self.as_mut().begin(next);
                }
                None => *self.as_mut().project().settled = true,
            }
        }
    }
}

impl<F: Future<Output = Outcome>> Lane<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, written_first: bool) {
        let mut this = self.project();
        let Some(lookup) = this.lookup.as_mut().as_pin_mut() else { return };
        let Poll::Ready(outcome) = lookup.poll(cx) else { return };
        this.lookup.set(None);
        if let Err(error) = &outcome {
            let says = match error.kind() {
                _ if written_first => 3,
                DnsErrorKind::NoAddress => 2,
                DnsErrorKind::ServerFailure => 1,
                _ => 0,
            };
            if this.kept.as_ref().is_none_or(|(kept, _)| *kept <= says) {
                *this.kept = Some((says, outcome.clone()));
            }
        }
        *this.outcome = Some(outcome);
    }

    fn has_found(&self) -> bool {
        matches!(self.outcome, Some(Ok(_)))
    }

    /// Whether there is no such name.
    fn does_not_exist(&self) -> bool {
        let error = self.outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
        error.is_some_and(|error| error.kind() == DnsErrorKind::NotFound)
    }

    /// The outcome, once: the addresses, or what says most of why there are none, and why the last
    /// name has none.
    fn tell(self: Pin<&mut Self>) -> Option<(Outcome, Option<DnsErrorKind>)> {
        let this = self.project();
        match this.outcome.take()? {
            Ok(found) => Some((Ok(found), None)),
            Err(error) => this.kept.take().map(|(_, outcome)| (outcome, Some(error.kind()))),
        }
    }
}
