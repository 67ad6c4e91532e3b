//! Sorts the answers of one lookup.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;

use super::{Sorter, SourceAddress, SourceAddresses};
use crate::Answer;
use crate::address::{Address as _, Family};
use crate::resolve::{Record, Update};

/// How many addresses of one lookup are sorted: 512. The rest follow in their own order. Each
/// address costs a query to the system, and a hostile answer has thousands. The number is ours. It
/// is far more than a race tries by default.
const MAX_SORTED: usize = 512;

/// Sorts the answers of one lookup, each when it comes, as [`SortedResolver`](crate::resolve::SortedResolver) does. It is for
/// resolvers that choose the sorter of each answer themselves.
///
/// # Examples
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
/// use stagger::sort::{AnswerSorter, Sorter, SourceAddress};
/// use stagger::Answer;
/// use stagger::address::Family;
/// use stagger::resolve::Record;
///
/// let mut lookup = AnswerSorter::new(|_: &SocketAddr| None);
/// let found = |record, text: &str| {
///     Answer::<_, io::Error>::found(record, [text.parse::<SocketAddr>().unwrap()])
/// };
/// let first = lookup.sort(found(Record::A, "192.0.2.1:443"), &Sorter::new());
/// assert!(first.is_sorted() && first.leader().is_none());
/// let second = lookup.sort(found(Record::Aaaa, "[2001:db8::1]:443"), &Sorter::new());
/// assert_eq!(second.leader(), Some(Family::Ipv6));
/// ```
pub struct AnswerSorter<S> {
    sources: S,
    known: Known,
}

impl<S: SourceAddresses> AnswerSorter<S> {
    /// Creates a sorter that asks `sources` for each source address once.
    pub fn new(sources: S) -> Self {
        Self { sources, known: Known::default() }
    }

    /// Sorts the addresses of an answer. It also sets the leading family once both A and AAAA have
    /// come. Three kinds of answers do not change: answers that are already [sorted](Answer::is_sorted), answers
    /// without addresses, and answers of service bindings.
    pub fn sort<E>(
        &mut self,
        answer: Answer<SocketAddr, E>,
        sorter: &Sorter,
    ) -> Answer<SocketAddr, E> {
        let Self { sources, known } = self;
        known.note(&answer);
        if answer.is_sorted() || answer.is_empty() || answer.record() == Record::Https {
            return answer;
        }
        let leader = known.leader(answer.record(), sorter, sources);
        let answer = answer.map_found(|found| known.sort(found, sorter, sources)).with_sorted(true);
        match leader {
            Some(family) => answer.with_leader(family),
            None => answer,
        }
    }
}

impl<S> fmt::Debug for AnswerSorter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerSorter").finish_non_exhaustive()
    }
}

/// What is known about the addresses of one lookup.
#[derive(Default)]
struct Known {
    sources: HashMap<SocketAddr, Option<SourceAddress>>,
    /// The addresses of the records AAAA and A, each address once.
    apart: [Vec<SocketAddr>; 2],
}

impl Known {
    /// Asks for the source address of a destination, unless it is known or the limit is reached.
    fn learn(&mut self, destination: SocketAddr, sources: &impl SourceAddresses) -> bool {
        let known = self.sources.contains_key(&destination);
        if !known && self.sources.len() < MAX_SORTED {
            self.sources.insert(destination, sources.source(&destination));
            return true;
        }
        known
    }

    /// Records the addresses that the answer's record has now.
    fn note<E>(&mut self, answer: &Answer<SocketAddr, E>) {
        let place = match answer.record() {
            Record::Aaaa => 0,
            Record::A => 1,
            Record::Addresses | Record::Https => return,
        };
        let list = &mut self.apart[place];
        if answer.update() == Update::Replace {
            list.clear();
        }
        for address in answer.addresses() {
            if list.len() < MAX_SORTED && !list.contains(address) {
                list.push(*address);
            }
        }
    }

    /// The family of the first address of A and AAAA together, if both have come.
    fn leader(
        &mut self,
        record: Record,
        sorter: &Sorter,
        sources: &impl SourceAddresses,
    ) -> Option<Family> {
        if record == Record::Addresses || self.apart.iter().any(Vec::is_empty) {
            return None;
        }
        let mut all = self.apart.concat();
        all.retain(|address| self.learn(*address, sources));
        let known = |destination: &SocketAddr| self.sources.get(destination).copied().flatten();
        let sorted = sorter.sort(all, &known);
        sorted.first().and_then(|first| first.address.canonical().family())
    }

    /// Sorts addresses. Addresses beyond the limit follow in their own order.
    fn sort(
        &mut self,
        found: Vec<SocketAddr>,
        sorter: &Sorter,
        sources: &impl SourceAddresses,
    ) -> Vec<SocketAddr> {
        let (known, rest): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|address| self.learn(*address, sources));
        let source = |destination: &SocketAddr| self.sources.get(destination).copied().flatten();
        let sorted = sorter.sort(known, &source);
        sorted.into_iter().map(|placed| placed.address).chain(rest).collect()
    }
}
