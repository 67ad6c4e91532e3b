//! What is remembered about the servers of one configuration.

use std::time::{Duration, Instant};

use crate::server_policy::ServerPolicy;

/// How long it is remembered that a server does not support EDNS: 15 minutes. The number is ours.
/// The server may be replaced by another.
const NO_EDNS: Duration = Duration::from_secs(15 * 60);

/// How long a server is asked last at most: 10 minutes. The number is ours.
///
/// A question does not wait for a probe. So a server that is slower than another can't show that it
/// works, and needs this limit.
const LONGEST_DEMOTION: Duration = Duration::from_secs(10 * 60);

/// What is remembered about one server.
#[derive(Clone, Debug, Default)]
struct ServerHistory {
    round_trips: Option<RoundTrips>,
    /// Set while the server is asked last.
    demotion: Option<Demotion>,
    /// Until when the server is asked without EDNS.
    no_edns_until: Option<Instant>,
    /// How many times in a row it has answered only a message without EDNS.
    answers_without_edns: u32,
}

/// Since when a server is asked last.
#[derive(Clone, Copy, Debug)]
struct Demotion {
    since: Instant,
    /// When it is probed next.
    probe: Instant,
}

/// How long replies take: the mean, and the deviation from it (RFC 6298 §2).
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

/// A server in the order of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RankedServer {
    /// Its index in the configuration.
    pub(super) server: usize,
    /// After how long it is late, so that the next server is asked too.
    pub(super) patience: Duration,
    pub(super) edns: bool,
    /// Whether it is asked at the same time as the first server, to find out whether it works
    /// again.
    pub(super) probe: bool,
}

/// What a server has shown about its support of EDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdnsSupport {
    /// It has answered a message with EDNS.
    Known,
    /// It has rejected a message with EDNS, and answered one without.
    Rejected,
    /// It has not answered a message with EDNS, or failed, and has answered one without.
    Silent,
}

/// What is remembered about all servers, by their index in the configuration.
#[derive(Clone, Debug)]
pub(super) struct ServerHistories {
    policy: ServerPolicy,
    servers: Vec<ServerHistory>,
}

impl ServerHistories {
    pub(super) fn new(policy: ServerPolicy, servers: usize) -> Self {
        Self { policy, servers: vec![ServerHistory::default(); servers] }
    }

    /// Returns the servers in the order in which a question asks them.
    ///
    /// It begins with `first` and goes round the list. Servers in whose place another has answered
    /// come last. One of them is probed if its time has come.
    pub(super) fn ranking(&mut self, first: usize, edns: bool, now: Instant) -> Vec<RankedServer> {
        let count = self.servers.len();
        for history in &mut self.servers {
            history.demotion.take_if(|demotion| demotion.since + LONGEST_DEMOTION <= now);
        }
        let mut ranked = Vec::with_capacity(count);
        for demoted in [false, true] {
            for server in (first..count).chain(0..first) {
                let history = &self.servers[server];
                if history.demotion.is_some() == demoted {
                    let patience = self.policy.patience(history.round_trips);
                    let edns = edns && history.no_edns_until.is_none_or(|until| until <= now);
                    ranked.push(RankedServer { server, patience, edns, probe: false });
                }
            }
        }
        // The first server is asked in any case.
        for server in ranked.iter_mut().skip(1) {
            if let Some(demotion) = &mut self.servers[server.server].demotion
                && demotion.probe <= now
            {
                demotion.probe = now + self.policy.penalty();
                server.probe = true;
                break;
            }
        }
        ranked
    }

    /// Records that a server has answered.
    pub(super) fn answered(
        &mut self,
        server: usize,
        round_trip: Option<Duration>,
        edns: Option<EdnsSupport>,
        now: Instant,
    ) {
        let history = &mut self.servers[server];
        history.demotion = None;
        match edns {
            None => {}
            Some(EdnsSupport::Known) => history.answers_without_edns = 0,
            Some(EdnsSupport::Rejected) => history.no_edns_until = Some(now + NO_EDNS),
            // One such answer may mean that a datagram was lost.
            Some(EdnsSupport::Silent) if history.answers_without_edns == 0 => {
                history.answers_without_edns = 1;
            }
            Some(EdnsSupport::Silent) => {
                history.answers_without_edns = 0;
                history.no_edns_until = Some(now + NO_EDNS);
            }
        }
        if let Some(round_trip) = round_trip {
            match &mut history.round_trips {
                Some(round_trips) => round_trips.add(round_trip),
                none => *none = Some(RoundTrips::first(round_trip)),
            }
        }
    }

    /// Records that another server has answered in place of this one.
    pub(super) fn left_behind(&mut self, server: usize, now: Instant) {
        if self.policy.penalty() > Duration::ZERO {
            let demotion = Demotion { since: now, probe: now + self.policy.penalty() };
            self.servers[server].demotion.get_or_insert(demotion);
        }
    }
}

impl ServerPolicy {
    /// Returns after how long a server with these round trips is late.
    ///
    /// It is the mean plus four times the deviation (RFC 6298 §2.3), between a fifth of the
    /// policy's delay and twice that delay.
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

    /// The order in which a question asks. The server that is probed is in brackets.
    fn order(histories: &mut ServerHistories, now: Instant) -> String {
        let ranked = histories.ranking(0, true, now);
        let shown = |server: &RankedServer| match server.probe {
            true => format!("[{}]", server.server),
            false => server.server.to_string(),
        };
        ranked.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    fn patience(histories: &mut ServerHistories, now: Instant) -> Duration {
        histories.ranking(0, true, now)[0].patience
    }

    #[test]
    fn a_server_that_was_left_behind_is_last_until_it_answers_and_is_probed_now_and_then() {
        let mut histories = ServerHistories::new(ServerPolicy::new(), 3);
        let start = Instant::now();
        assert_eq!(order(&mut histories, start), "0 1 2");
        histories.left_behind(0, start);
        assert_eq!(order(&mut histories, start), "1 2 0");
        assert_eq!(order(&mut histories, start + ms(9999)), "1 2 0");
        assert_eq!(order(&mut histories, start + ms(10_000)), "1 2 [0]");
        // One question is enough for a while.
        assert_eq!(order(&mut histories, start + ms(10_001)), "1 2 0");
        histories.left_behind(0, start + ms(10_002));
        assert_eq!(order(&mut histories, start + ms(20_000)), "1 2 [0]");
        histories.answered(0, None, Some(EdnsSupport::Known), start + ms(20_001));
        assert_eq!(order(&mut histories, start + ms(20_001)), "0 1 2");
    }

    #[test]
    fn if_all_were_left_behind_their_order_is_that_of_the_configuration() {
        let mut histories = ServerHistories::new(ServerPolicy::new(), 2);
        let start = Instant::now();
        (0..2).for_each(|server| histories.left_behind(server, start));
        assert_eq!(order(&mut histories, start), "0 1");
        assert_eq!(order(&mut histories, start + ms(10_000)), "0 [1]");
    }

    #[test]
    fn without_a_penalty_the_order_never_changes() {
        let policy = ServerPolicy::new().with_penalty(Duration::ZERO).unwrap();
        let mut histories = ServerHistories::new(policy, 2);
        let start = Instant::now();
        histories.left_behind(0, start);
        assert_eq!(order(&mut histories, start), "0 1");
    }

    #[test]
    fn with_another_first_the_rest_follows_round_the_list() {
        let mut histories = ServerHistories::new(ServerPolicy::new(), 4);
        let start = Instant::now();
        histories.left_behind(3, start);
        let servers =
            histories.ranking(2, true, start).iter().map(|e| e.server).collect::<Vec<_>>();
        assert_eq!(servers, [2, 0, 1, 3]);
    }

    #[test]
    fn patience_is_learned_from_round_trips_within_a_fifth_and_twice_of_what_is_given() {
        let mut histories = ServerHistories::new(ServerPolicy::new(), 1);
        let now = Instant::now();
        assert_eq!(patience(&mut histories, now), ms(500));
        // The first: its half is the deviation.
        histories.answered(0, Some(ms(80)), Some(EdnsSupport::Known), now);
        assert_eq!(patience(&mut histories, now), ms(240));
        // 80 · 7/8 + 40/8 = 75, and 40 · 3/4 + 40/4 = 40.
        histories.answered(0, Some(ms(40)), Some(EdnsSupport::Known), now);
        assert_eq!(patience(&mut histories, now), ms(75 + 4 * 40));
        for (round_trip, expected) in [(1, 100), (3000, 1000)] {
            (0..50).for_each(|_| histories.answered(0, Some(ms(round_trip)), None, now));
            assert_eq!(patience(&mut histories, now), ms(expected));
        }
        // An answer without a round trip changes nothing.
        histories.answered(0, None, Some(EdnsSupport::Known), now);
        assert_eq!(patience(&mut histories, now), ms(1000));
    }

    #[test]
    fn that_a_server_knows_no_edns_is_remembered_for_a_quarter_of_an_hour() {
        let mut histories = ServerHistories::new(ServerPolicy::new(), 1);
        let start = Instant::now();
        let edns =
            |histories: &mut ServerHistories, at| histories.ranking(0, true, start + at)[0].edns;
        assert!(edns(&mut histories, ms(0)));
        histories.answered(0, None, Some(EdnsSupport::Rejected), start);
        assert!(!edns(&mut histories, ms(1)));
        // An answer to a question without EDNS says nothing new.
        histories.answered(0, None, None, start + NO_EDNS - ms(1));
        assert!(!edns(&mut histories, NO_EDNS - ms(1)));
        assert!(edns(&mut histories, NO_EDNS));
        assert!(
            !histories.ranking(0, false, start + NO_EDNS)[0].edns,
            "where it is off it stays off"
        );
    }

    #[test]
    fn a_server_that_answers_only_without_edns_twice_in_a_row_is_asked_without() {
        let mut histories = ServerHistories::new(ServerPolicy::new(), 1);
        let now = Instant::now();
        let shown = |histories: &mut ServerHistories, edns| {
            histories.answered(0, None, Some(edns), now);
            histories.ranking(0, true, now)[0].edns
        };
        assert!(shown(&mut histories, EdnsSupport::Silent));
        assert!(shown(&mut histories, EdnsSupport::Known));
        assert!(shown(&mut histories, EdnsSupport::Silent));
        assert!(!shown(&mut histories, EdnsSupport::Silent));
    }

    #[test]
    fn after_ten_minutes_a_server_that_can_not_show_that_it_is_there_has_its_turn_again() {
        let mut histories = ServerHistories::new(ServerPolicy::new(), 2);
        let start = Instant::now();
        histories.left_behind(0, start);
        let mut now = start;
        while now + ms(10_000) < start + LONGEST_DEMOTION {
            now += ms(10_000);
            assert_eq!(order(&mut histories, now), "1 [0]");
            histories.left_behind(0, now);
        }
        assert_eq!(order(&mut histories, start + LONGEST_DEMOTION), "0 1");
    }
}
