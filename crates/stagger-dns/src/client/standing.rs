//! What is remembered of the servers of one configuration.

use std::time::{Duration, Instant};

use super::machine::Edns;
use crate::ServerPolicy;

/// For how long it is remembered that a server knows no EDNS: 15 minutes. It may have been replaced
/// since. The number is ours.
const PLAIN: Duration = Duration::from_secs(15 * 60);

/// For how long a server is asked last at the most: 10 minutes. Then it has its turn again, though it
/// has not answered in time: a probe is not waited for, so a server that is slower than another can't
/// show that it is there. The number is ours.
const LONGEST_LAST: Duration = Duration::from_secs(10 * 60);

/// What is remembered of one server.
#[derive(Clone, Debug, Default)]
struct Standing {
    round_trips: Option<RoundTrips>,
    /// It is asked last.
    last: Option<Last>,
    /// It knows no EDNS, until then.
    plain: Option<Instant>,
    /// How often in a row it has answered only a message without EDNS.
    plain_answers: u32,
}

/// A server that is asked last.
#[derive(Clone, Copy, Debug)]
struct Last {
    since: Instant,
    /// When it is probed.
    probe: Instant,
}

/// How long replies take: a mean, and how far from it they are (RFC 6298 §2).
#[derive(Clone, Copy, Debug)]
struct RoundTrips {
    mean: Duration,
    deviation: Duration,
}

impl RoundTrips {
    fn first(round_trip: Duration) -> Self {
        Self { mean: round_trip, deviation: round_trip / 2 }
    }

    fn add(&mut self, round_trip: Duration) {
        let distance = self.mean.abs_diff(round_trip);
        self.deviation = (self.deviation * 3 + distance) / 4;
        self.mean = (self.mean * 7 + round_trip) / 8;
    }
}

/// A server as one question meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entrant {
    /// Its place in the configuration.
    pub(super) server: usize,
    /// After how long it is late, so that the next is asked beside it.
    pub(super) patience: Duration,
    pub(super) edns: bool,
    /// It is asked beside the first, to see whether it is there again.
    pub(super) probe: bool,
}

/// What is remembered of all servers, by their place in the configuration.
#[derive(Clone, Debug)]
pub(super) struct Standings {
    policy: ServerPolicy,
    servers: Vec<Standing>,
}

impl Standings {
    pub(super) fn new(policy: ServerPolicy, servers: usize) -> Self {
        Self { policy, servers: vec![Standing::default(); servers] }
    }

    /// The servers in the order in which a question asks them: from `first` on and round, those last
    /// that others have answered in place of. One of these is probed if its time has come.
    pub(super) fn line_up(&mut self, first: usize, edns: bool, now: Instant) -> Vec<Entrant> {
        let count = self.servers.len();
        for standing in &mut self.servers {
            standing.last.take_if(|last| last.since + LONGEST_LAST <= now);
        }
        let mut entrants = Vec::with_capacity(count);
        for last in [false, true] {
            for server in (first..count).chain(0..first) {
                let standing = &self.servers[server];
                if standing.last.is_some() == last {
                    let patience = self.policy.patience(standing.round_trips);
                    let edns = edns && standing.plain.is_none_or(|until| until <= now);
                    entrants.push(Entrant { server, patience, edns, probe: false });
                }
            }
        }
        // The first one is asked anyway.
        for entrant in entrants.iter_mut().skip(1) {
            if let Some(last) = &mut self.servers[entrant.server].last
                && last.probe <= now
            {
                last.probe = now + self.policy.penalty();
                entrant.probe = true;
                break;
            }
        }
        entrants
    }

    /// A server has answered.
    pub(super) fn answered(
        &mut self,
        server: usize,
        round_trip: Option<Duration>,
        edns: Option<Edns>,
        now: Instant,
    ) {
        let standing = &mut self.servers[server];
        standing.last = None;
        match edns {
            None => {}
            Some(Edns::Known) => standing.plain_answers = 0,
            Some(Edns::Rejected) => standing.plain = Some(now + PLAIN),
            // One may be a datagram that was lost.
            Some(Edns::Silent) if standing.plain_answers == 0 => standing.plain_answers = 1,
            Some(Edns::Silent) => {
                standing.plain_answers = 0;
                standing.plain = Some(now + PLAIN);
            }
        }
        if let Some(round_trip) = round_trip {
            match &mut standing.round_trips {
                Some(round_trips) => round_trips.add(round_trip),
                none => *none = Some(RoundTrips::first(round_trip)),
            }
        }
    }

    /// Another server has answered in place of this one.
    pub(super) fn left_behind(&mut self, server: usize, now: Instant) {
        if self.policy.penalty() > Duration::ZERO {
            let last = Last { since: now, probe: now + self.policy.penalty() };
            self.servers[server].last.get_or_insert(last);
        }
    }
}

impl ServerPolicy {
    /// After how long a server is late, by what is known of it: the mean and four times the
    /// deviation, as RFC 6298 §2.3 has it, within a fifth and twice of what is given.
    fn patience(&self, round_trips: Option<RoundTrips>) -> Duration {
        let Some(RoundTrips { mean, deviation }) = round_trips else { return self.delay() };
        (mean + deviation * 4).clamp(self.delay() / 5, self.delay() * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// The order in which a question asks, the one that is probed in brackets.
    fn order(standings: &mut Standings, now: Instant) -> String {
        let entrants = standings.line_up(0, true, now);
        let shown = |entrant: &Entrant| match entrant.probe {
            true => format!("[{}]", entrant.server),
            false => entrant.server.to_string(),
        };
        entrants.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    fn patience(standings: &mut Standings, now: Instant) -> Duration {
        standings.line_up(0, true, now)[0].patience
    }

    #[test]
    fn a_server_that_was_left_behind_is_last_until_it_answers_and_is_probed_now_and_then() {
        let mut standings = Standings::new(ServerPolicy::new(), 3);
        let start = Instant::now();
        assert_eq!(order(&mut standings, start), "0 1 2");
        standings.left_behind(0, start);
        assert_eq!(order(&mut standings, start), "1 2 0");
        assert_eq!(order(&mut standings, start + ms(9999)), "1 2 0");
        assert_eq!(order(&mut standings, start + ms(10_000)), "1 2 [0]");
        // One question is enough for a while.
        assert_eq!(order(&mut standings, start + ms(10_001)), "1 2 0");
        standings.left_behind(0, start + ms(10_002));
        assert_eq!(order(&mut standings, start + ms(20_000)), "1 2 [0]");
        standings.answered(0, None, Some(Edns::Known), start + ms(20_001));
        assert_eq!(order(&mut standings, start + ms(20_001)), "0 1 2");
    }

    #[test]
    fn if_all_were_left_behind_their_order_is_that_of_the_configuration() {
        let mut standings = Standings::new(ServerPolicy::new(), 2);
        let start = Instant::now();
        (0..2).for_each(|server| standings.left_behind(server, start));
        assert_eq!(order(&mut standings, start), "0 1");
        assert_eq!(order(&mut standings, start + ms(10_000)), "0 [1]");
    }

    #[test]
    fn without_a_penalty_the_order_never_changes() {
        let policy = ServerPolicy::new().with_penalty(Duration::ZERO).unwrap();
        let mut standings = Standings::new(policy, 2);
        let start = Instant::now();
        standings.left_behind(0, start);
        assert_eq!(order(&mut standings, start), "0 1");
    }

    #[test]
    fn with_another_first_the_rest_follows_round_the_list() {
        let mut standings = Standings::new(ServerPolicy::new(), 4);
        let start = Instant::now();
        standings.left_behind(3, start);
        let servers =
            standings.line_up(2, true, start).iter().map(|e| e.server).collect::<Vec<_>>();
        assert_eq!(servers, [2, 0, 1, 3]);
    }

    #[test]
    fn patience_is_learned_from_round_trips_within_a_fifth_and_twice_of_what_is_given() {
        let mut standings = Standings::new(ServerPolicy::new(), 1);
        let now = Instant::now();
        assert_eq!(patience(&mut standings, now), ms(500));
        // The first: its half is the deviation.
        standings.answered(0, Some(ms(80)), Some(Edns::Known), now);
        assert_eq!(patience(&mut standings, now), ms(240));
        // 80 · 7/8 + 40/8 = 75, and 40 · 3/4 + 40/4 = 40.
        standings.answered(0, Some(ms(40)), Some(Edns::Known), now);
        assert_eq!(patience(&mut standings, now), ms(75 + 4 * 40));
        for (round_trip, expected) in [(1, 100), (3000, 1000)] {
            (0..50).for_each(|_| standings.answered(0, Some(ms(round_trip)), None, now));
            assert_eq!(patience(&mut standings, now), ms(expected));
        }
        // What says nothing of the way teaches nothing.
        standings.answered(0, None, Some(Edns::Known), now);
        assert_eq!(patience(&mut standings, now), ms(1000));
    }

    #[test]
    fn that_a_server_knows_no_edns_is_remembered_for_a_quarter_of_an_hour() {
        let mut standings = Standings::new(ServerPolicy::new(), 1);
        let start = Instant::now();
        let edns = |standings: &mut Standings, at| standings.line_up(0, true, start + at)[0].edns;
        assert!(edns(&mut standings, ms(0)));
        standings.answered(0, None, Some(Edns::Rejected), start);
        assert!(!edns(&mut standings, ms(1)));
        // An answer to a question without EDNS says nothing new.
        standings.answered(0, None, None, start + PLAIN - ms(1));
        assert!(!edns(&mut standings, PLAIN - ms(1)));
        assert!(edns(&mut standings, PLAIN));
        assert!(
            !standings.line_up(0, false, start + PLAIN)[0].edns,
            "where it is off it stays off"
        );
    }

    #[test]
    fn a_server_that_answers_only_without_edns_twice_in_a_row_is_asked_without() {
        let mut standings = Standings::new(ServerPolicy::new(), 1);
        let now = Instant::now();
        let shown = |standings: &mut Standings, edns| {
            standings.answered(0, None, Some(edns), now);
            standings.line_up(0, true, now)[0].edns
        };
        assert!(shown(&mut standings, Edns::Silent));
        assert!(shown(&mut standings, Edns::Known));
        assert!(shown(&mut standings, Edns::Silent));
        assert!(!shown(&mut standings, Edns::Silent));
    }

    #[test]
    fn after_ten_minutes_a_server_that_can_not_show_that_it_is_there_has_its_turn_again() {
        let mut standings = Standings::new(ServerPolicy::new(), 2);
        let start = Instant::now();
        standings.left_behind(0, start);
        let mut now = start;
        while now + ms(10_000) < start + LONGEST_LAST {
            now += ms(10_000);
            assert_eq!(order(&mut standings, now), "1 [0]");
            standings.left_behind(0, now);
        }
        assert_eq!(order(&mut standings, start + LONGEST_LAST), "0 1");
    }
}
