//! The full lookup of a name, and a lane for each family when the full lookup is late.
//!
//! `getaddrinfo` waits for both A and AAAA. If one of them is never answered, the other is delayed
//! until libc gives up. The full lookup stays authoritative. A prompt name costs only the full
//! lookup, and its answer ends the lanes. Only the full lookup knows how the addresses of the
//! families compare.
//!
//! The addresses that a lane finds meanwhile are the answer of its family. The time since the full
//! lookup began counts as part of the resolution delay, because the caller has already waited for
//! it.
//!
//! The answers of lanes set the family that the routes prefer. It is read once, when the lanes
//! start. A full answer does not need it, because nothing is missing and the answer is sorted. So a
//! healthy name and a literal do not read the routes.

use std::future::Future;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::address::Family;
use stagger::drivers::poll_until;
use stagger::resolve::{Families, Query, Record};
use stagger::{Answer, Timer};

use super::{Found, LookupError};
use crate::lookup::Lanes;

/// The families that have lanes. IPv6 is looked up first (RFC 8305 §3).
const FAMILIES: [Families; 2] = [Families::Ipv6, Families::Ipv4];

/// Makes the lookups of one query.
pub(crate) trait Source {
    /// Dropping it abandons the lookup.
    type Lookup: Future<Output = Found> + Unpin;

    /// Begins the lookup of all families of the query.
    fn full(&self) -> Self::Lookup;

    /// Begins the lookup of one family.
    fn lane(&self, families: Families) -> Self::Lookup;

    /// Returns the family that the machine's routes prefer.
    fn preferred(&self) -> Option<Family>;
}

pin_project! {
    /// The answers of a query's lookups. They end when the full lookup has answered, or when both
    /// lanes have answered.
    ///
    /// HTTPS records are not looked up. A query for them is answered negatively at once, because a
    /// race waits for an answer to each record of its query.
    pub(crate) struct Lookups<S, T>
    where
        S: Source,
        T: Timer,
    {
        source: S,
        families: Families,
        // Whether HTTPS records still need an answer.
        https: bool,
        lanes: Lanes,
        timer: T,
        #[pin]
        alarm: Option<T::Sleep>,
        stage: Stage<S::Lookup>,
    }
}

enum Stage<L> {
    /// Nothing has been done yet.
    Asked,
    Running {
        began: Instant,
        full: L,
        /// `None` before the lanes start.
        lanes: Option<Started<L>>,
    },
    Done,
}

struct Started<L> {
    lanes: [Lane<L>; 2],
    /// How late the lanes have started.
    late: Duration,
    preferred: Option<Family>,
}

enum Lane<L> {
    Running(L),
    /// The lane has answered: with addresses, or that there are none.
    Answered,
    /// The lane has failed. The full lookup may still succeed.
    Failed,
}

impl<S: Source, T: Timer> Lookups<S, T> {
    /// Makes the lookups for a query, and begins none of them. A query for one family has no lanes,
    /// because its lane would be the same as the full lookup.
    pub(crate) fn new(source: S, query: &Query, lanes: Lanes, timer: T) -> Self {
        let (families, https) = (query.families(), query.https());
        let lanes = if families == Families::Any { lanes } else { Lanes::never() };
        Self { source, families, https, lanes, timer, alarm: None, stage: Stage::Asked }
    }

    pub(crate) fn families(&self) -> Families {
        self.families
    }
}

impl<S: Source, T: Timer> Stream for Lookups<S, T> {
    type Item = Answer<SocketAddr, LookupError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Stage::Asked = this.stage {
            let (began, full) = (this.timer.now(), this.source.full());
            *this.stage = Stage::Running { began, full, lanes: None };
        }
        if mem::take(this.https) {
            return Poll::Ready(Some(Answer::negative(Record::Https)));
        }
        let Stage::Running { began, full, lanes } = this.stage else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(found) = Pin::new(full).poll(cx) {
            *this.stage = Stage::Done;
            this.alarm.set(None);
            return Poll::Ready(Some(answer(*this.families, found)));
        }
        if lanes.is_none() {
            let Some(delay) = this.lanes.delay() else { return Poll::Pending };
            ready!(poll_until(*began + delay, this.timer, this.alarm.as_mut(), cx));
        }
        let lasted = || this.timer.now().saturating_duration_since(*began);
        let Started { lanes, late, preferred } = lanes.get_or_insert_with(|| Started {
            lanes: FAMILIES.map(|families| Lane::Running(this.source.lane(families))),
            late: lasted(),
            preferred: this.source.preferred(),
        });
        let Some((families, found)) = poll_lanes(lanes, cx) else {
            return Poll::Pending;
        };
        let answer = answer(families, found).with_asked_after(*late).with_delay_spent(lasted());
        let answer =
            preferred.iter().fold(answer, |answer, family| answer.with_preferred_family(*family));
        if lanes.iter().all(|lane| matches!(lane, Lane::Answered)) {
            *this.stage = Stage::Done;
        }
        Poll::Ready(Some(answer))
    }
}

/// Polls the lanes until one answers.
fn poll_lanes<L>(lanes: &mut [Lane<L>; 2], cx: &mut Context<'_>) -> Option<(Families, Found)>
where
    L: Future<Output = Found> + Unpin,
{
    FAMILIES.into_iter().zip(lanes).find_map(|(families, lane)| {
        let Lane::Running(lookup) = lane else { return None };
        let Poll::Ready(found) = Pin::new(lookup).poll(cx) else { return None };
        let known = found.as_ref().map_or_else(|error| error.kind().is_negative(), |_| true);
        *lane = if known { Lane::Answered } else { Lane::Failed };
        Some((families, found))
    })
}

fn answer(families: Families, found: Found) -> Answer<SocketAddr, LookupError> {
    let record = match families {
        Families::Any => Record::Addresses,
        Families::Ipv4 => Record::A,
        Families::Ipv6 => Record::Aaaa,
    };
    let answer = match found {
        Ok(addresses) => Answer::found(record, addresses.iter().copied()),
        Err(error) => {
            let kind = error.kind();
            Answer::failed(record, error).with_kind(kind)
        }
    };
    answer.with_sorted(true)
}

#[cfg(test)]
mod tests;
