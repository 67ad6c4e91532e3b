//! What a won race shows about its addresses.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::{Knowledge, Subnet};
use crate::address::Family;

/// An attempt that did not connect must have run this long to count as silent: 200 ms. The number
/// is ours. The simulation chose it, see `docs/history.md`: with 400 ms most silences are missed.
const SILENT_AFTER: Duration = Duration::from_millis(200);

/// And it must have run for this many times as long as the winner took: 2. The number is ours. A
/// slower address than the winner's may still be alive.
const SILENT_TIMES: u32 = 2;

/// An attempt of a race that was won, except the winner.
pub(crate) struct Attempted {
    pub(crate) ip: IpAddr,
    /// How long ago it started.
    pub(crate) age: Duration,
    pub(crate) ending: Ending,
}

/// How it ended, as far as a history cares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It ran this long, and was dropped, or the race or the system timed it out.
    Pending(Duration),
    Unreachable,
}

/// The change of one entry.
pub(super) type Change<'a> = &'a mut dyn FnMut(&mut Knowledge);

/// Notes a race: the winner connected after `took`. `update` changes the entry of a prefix or of a
/// family.
pub(super) fn note(
    (winner, took): (IpAddr, Duration),
    others: impl Iterator<Item = Attempted>,
    now: Instant,
    mut update: impl FnMut(super::Subject, Change<'_>),
) {
    let winner = Subnet::of(winner);
    let least = SILENT_AFTER.max(took.saturating_mul(SILENT_TIMES));
    // Each prefix with the age of its last attempt. Two addresses of one prefix are one silence.
    let mut silent: SmallVec<[(Subnet, Duration); 4]> = SmallVec::new();
    for Attempted { ip, age, ending } in others {
        let prefix = Subnet::of(ip);
        let is_silent = match ending {
            Ending::Pending(ran) => ran >= least,
            Ending::Unreachable => true,
        };
        if !is_silent || prefix.is_link_local() {
            continue;
        }
        match silent.iter_mut().find(|(known, _)| *known == prefix) {
            Some((_, last)) => *last = age.min(*last),
            None => silent.push((prefix, age)),
        }
    }
    for (prefix, age) in &silent {
        update((*prefix).into(), &mut |entry| entry.silenced(now, *age));
    }
    let other = match winner.family() {
        Family::Ipv4 => Family::Ipv6,
        Family::Ipv6 => Family::Ipv4,
    };
    let is_of_other =
        |(prefix, _): &&(Subnet, Duration)| prefix.family() == other && prefix.counts_for_family();
    if winner.counts_for_family() && silent.iter().any(|silent| is_of_other(&silent)) {
        update(other.into(), &mut |entry| {
            // One race is one silence of the family.
            let mut of_family = silent.iter().filter(is_of_other);
            let counts = of_family.any(|(prefix, _)| entry.prefix_silenced(*prefix));
            let age = silent.iter().filter(is_of_other).map(|(_, age)| *age).min();
            if let Some(age) = age.filter(|_| counts) {
                entry.silenced(now, age);
            }
        });
    }
    if winner.is_link_local() {
        return;
    }
    // The success comes last, so that it ends a silence of another address in the winner's prefix.
    update(winner.into(), &mut |entry| entry.connected(took));
    if winner.counts_for_family() {
        update(winner.family().into(), &mut |entry| entry.connected(took));
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Subject;
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// The entries after one race: the silences of each subject that was updated.
    fn silences(winner: (&str, u64), others: &[(&str, Ending)]) -> Vec<(String, u32)> {
        let mut entries: BTreeMap<Subject, Knowledge> = BTreeMap::new();
        let attempted = |(ip, ending): &(&str, Ending)| {
            let ip = ip.parse().unwrap();
            Attempted { ip, age: MS(900), ending: *ending }
        };
        let winner = (winner.0.parse().unwrap(), MS(winner.1));
        note(winner, others.iter().map(attempted), Instant::now(), |subject, change| {
            change(entries.entry(subject).or_default());
        });
        let told = |(subject, entry): (Subject, Knowledge)| (subject.to_string(), entry.silences());
        entries.into_iter().map(told).collect()
    }

    fn told(expected: impl AsRef<[(&'static str, u32)]>) -> Vec<(String, u32)> {
        expected.as_ref().iter().map(|(subject, count)| ((*subject).to_owned(), *count)).collect()
    }

    #[test]
    fn an_attempt_is_silent_after_200_ms_and_twice_the_winner_s_time() {
        for (took, ran, count) in
            [(40, 199, None), (40, 200, Some(1)), (150, 299, None), (150, 300, Some(1))]
        {
            let silences =
                silences(("192.0.2.1", took), &[("2001:db8::1", Ending::Pending(MS(ran)))]);
            let told = silences.iter().find(|(subject, _)| subject == "2001:db8::/56");
            assert_eq!(told.map(|(_, count)| *count), count, "{took} {ran}");
        }
    }

    #[test]
    fn an_unreachable_address_counts_as_silent() {
        let silences = silences(("192.0.2.1", 40), &[("2001:db8::1", Ending::Unreachable)]);
        let expected = told([("192.0.2.0/24", 0), ("2001:db8::/56", 1), ("IPv4", 0), ("IPv6", 0)]);
        assert_eq!(silences, expected);
    }

    #[test]
    fn two_silent_prefixes_of_one_race_are_one_silence_of_their_family() {
        let others = ["2001:db8::1", "2001:db8:1::1", "2001:db8:2::1"];
        let others = others.map(|ip| (ip, Ending::Pending(MS(900))));
        let silences = silences(("192.0.2.1", 40), &others);
        assert_eq!(silences.last(), Some(&("IPv6".to_owned(), 1)));
        assert_eq!(silences.len(), 6);
    }

    #[test]
    fn a_family_is_not_silent_if_it_won_itself() {
        let others = ["2001:db8:1::1", "2001:db8:2::1"].map(|ip| (ip, Ending::Pending(MS(900))));
        let silences = silences(("2001:db8::1", 40), &others);
        let expected = told([
            ("2001:db8::/56", 0),
            ("2001:db8:1::/56", 1),
            ("2001:db8:2::/56", 1),
            ("IPv6", 0),
        ]);
        assert_eq!(silences, expected);
    }

    #[test]
    fn two_silent_addresses_of_one_prefix_are_one_silence_and_the_winner_s_prefix_is_alive() {
        let others =
            ["2001:db8::1", "2001:db8::2", "192.0.2.9"].map(|ip| (ip, Ending::Pending(MS(900))));
        let silences = silences(("192.0.2.1", 40), &others);
        let expected = told([("192.0.2.0/24", 0), ("2001:db8::/56", 1), ("IPv4", 0), ("IPv6", 0)]);
        assert_eq!(silences, expected);
    }

    #[test]
    fn a_loopback_address_says_nothing_about_its_family() {
        let pending = |ip| (ip, Ending::Pending(MS(900)));
        let won = silences(("::1", 40), &[pending("127.0.1.1"), pending("127.0.2.1")]);
        assert_eq!(won, told([("127.0.1.0/24", 1), ("127.0.2.0/24", 1), ("::/56", 0)]));
        let won = silences(("192.0.2.1", 40), &[pending("::1"), pending("2001:db8::1")]);
        let expected = [("192.0.2.0/24", 0), ("::/56", 1), ("2001:db8::/56", 1)];
        assert_eq!(won, told([&expected[..], &[("IPv4", 0), ("IPv6", 0)]].concat()));
    }

    #[test]
    fn a_link_local_address_leaves_no_trace() {
        let pending = |ip| (ip, Ending::Pending(MS(900)));
        let won = silences(("fe80::1", 40), &[pending("169.254.1.1"), pending("192.0.2.1")]);
        assert_eq!(won, told([("192.0.2.0/24", 1)]));
        assert_eq!(silences(("169.254.1.1", 40), &[pending("fe80::1")]), told([]));
    }

    #[test]
    fn the_last_attempt_at_a_prefix_and_at_a_family_decides_whether_its_silence_is_new() {
        let [one, two] = ["2001:db8::1", "2001:db8::2"].map(|ip| ip.parse().unwrap());
        let now = Instant::now() + MS(60_000);
        let known = |since| Knowledge::new().with_silences(1, since, MS(60_000));
        for (ages, count) in [([900, 500], 2), ([500, 900], 2), ([900, 601], 1)] {
            let others = [one, two].into_iter().zip(ages).map(|(ip, age)| Attempted {
                ip,
                age: MS(age),
                ending: Ending::Pending(MS(500)),
            });
            let mut told = Vec::new();
            note(("192.0.2.1".parse().unwrap(), MS(40)), others, now, |subject, change| {
                let mut entry = known(now - MS(600));
                change(&mut entry);
                told.push((subject.to_string(), entry.silences()));
            });
            assert_eq!(
                told[..2],
                [("2001:db8::/56".to_owned(), count), ("IPv6".to_owned(), count)]
            );
        }
    }

    #[test]
    fn the_longest_time_of_a_winner_overflows_nothing() {
        let mut updates = 0;
        let winner = ("192.0.2.1".parse().unwrap(), Duration::MAX);
        let other = Attempted {
            ip: "2001:db8::1".parse().unwrap(),
            age: Duration::MAX,
            ending: Ending::Pending(Duration::MAX),
        };
        note(winner, std::iter::once(other), Instant::now(), |_, change| {
            updates += 1;
            change(&mut Knowledge::new());
        });
        assert_eq!(updates, 4);
    }
}
