//! The servers that answer AAAA too late, or never.
//!
//! A race that has an A and no AAAA waits for the resolution delay. With a server that never
//! answers AAAA, every connect would wait for nothing. After [`MAX_LATE`] lookups without a timely
//! AAAA, answers of that server therefore say that the delay is spent. One timely AAAA ends this.
//!
//! Every function takes the time as an argument. These words have a meaning:
//!
//! - A lookup belongs to the server that answered A, also when the A is cached.
//! - An AAAA is timely if its reply comes before the A, or at most [`Policy::RESOLUTION_DELAY`]
//!   after it. It may be negative.
//! - A lookup has no timely AAAA if its reply comes later. The same holds if the lookup fails or is
//!   dropped at least [`Policy::RESOLUTION_DELAY`] after the A. A lookup that is dropped earlier
//!   does not count.
//! - A cached AAAA does not count.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stagger::Policy;

/// After how many lookups without a timely AAAA the delay is spent: 8. The number is ours.
const MAX_LATE: usize = 8;

/// How many servers are known at most: 16. The number is ours. A system's configuration has three.
/// One server more drops the one whose last late AAAA is the oldest.
const MAX_KNOWN: usize = 16;

/// The servers that have answered A without a timely AAAA since their last timely one.
#[derive(Default)]
pub(crate) struct LateServers(Vec<LateServer>);

struct LateServer {
    addr: SocketAddr,
    /// The numbers of the AAAA lookups that were counted. A number may be repeated.
    lookups: Vec<u64>,
    /// When the last lookup was counted.
    last: Instant,
    /// The shortest wait of any of them.
    waited: Duration,
}

/// A lookup without a timely AAAA.
pub(crate) struct LateAaaa {
    /// The number of the AAAA lookup. Waiters that share a lookup have the same number.
    pub(crate) lookup: u64,
    pub(crate) asked: Instant,
    pub(crate) now: Instant,
    /// The wait for the AAAA after the A: at least [`Policy::RESOLUTION_DELAY`].
    pub(crate) waited: Duration,
}

impl LateServers {
    /// How much of the resolution delay is spent when this server answers A.
    ///
    /// It is the shortest wait of the lookups. A race with a longer delay than
    /// [`Policy::RESOLUTION_DELAY`] still waits for the rest of its delay.
    pub(crate) fn spent(&self, addr: SocketAddr) -> Duration {
        let known = self.0.iter().find(|server| server.addr == addr);
        let late = known.filter(|server| server.lookups.len() >= MAX_LATE);
        late.map_or(Duration::ZERO, |server| server.waited)
    }

    /// Records a timely AAAA.
    pub(crate) fn came(&mut self, addr: SocketAddr) {
        self.0.retain(|server| server.addr != addr);
    }

    /// Records a lookup without a timely AAAA.
    ///
    /// Of the lookups that share an AAAA lookup at one time, one counts, because a single datagram
    /// may be lost.
    pub(crate) fn missed(&mut self, addr: SocketAddr, miss: &LateAaaa) {
        let known =
            self.0.iter().position(|server| server.addr == addr).map(|at| self.0.remove(at));
        let mut server = known.unwrap_or_else(|| LateServer {
            addr,
            lookups: Vec::new(),
            last: miss.asked,
            waited: Duration::MAX,
        });
        let is_new = !server.lookups.contains(&miss.lookup) || server.last <= miss.asked;
        // The number of lookups is final then. No race waits any more, so later waits are shorter.
        if is_new && server.lookups.len() < MAX_LATE {
            server.lookups.push(miss.lookup);
            server.last = miss.now;
            server.waited = server.waited.min(miss.waited);
        }
        if self.0.len() == MAX_KNOWN {
            self.0.remove(0);
        }
        self.0.push(server);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether an AAAA that came this long after the A was timely.
pub(crate) fn is_timely(after: Duration) -> bool {
    after <= Policy::RESOLUTION_DELAY
}

/// Whether a wait of this length for an AAAA was too long.
pub(crate) fn is_late(waited: Duration) -> bool {
    waited >= Policy::RESOLUTION_DELAY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn server(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 53).into()
    }

    /// Consecutive times and lookups.
    struct Scene {
        late: LateServers,
        now: Instant,
        lookups: u64,
    }

    impl Scene {
        fn new() -> Self {
            Self { late: LateServers::default(), now: Instant::now(), lookups: 0 }
        }

        fn misses(&mut self, addr: SocketAddr, times: usize, waited: Duration) {
            for _ in 0..times {
                self.lookups += 1;
                self.miss(addr, self.lookups, waited);
            }
        }

        fn miss(&mut self, addr: SocketAddr, lookup: u64, waited: Duration) {
            let asked = self.now;
            self.now += waited;
            self.late.missed(addr, &LateAaaa { lookup, asked, now: self.now, waited });
        }
    }

    #[test]
    fn the_delay_is_spent_after_eight_misses_and_not_after_seven() {
        let mut scene = Scene::new();
        assert_eq!(scene.late.spent(server(1)), Duration::ZERO);
        scene.misses(server(1), 7, ms(80));
        assert_eq!(scene.late.spent(server(1)), Duration::ZERO);
        scene.misses(server(1), 1, ms(80));
        assert_eq!(scene.late.spent(server(1)), ms(80));
    }

    #[test]
    fn one_timely_aaaa_begins_anew() {
        let mut scene = Scene::new();
        scene.misses(server(1), 7, ms(80));
        scene.late.came(server(1));
        scene.misses(server(1), 7, ms(80));
        assert_eq!(scene.late.spent(server(1)), Duration::ZERO);
        scene.misses(server(1), 1, ms(80));
        scene.late.came(server(2));
        assert_eq!(scene.late.spent(server(1)), ms(80));
        scene.late.came(server(1));
        assert_eq!(scene.late.spent(server(1)), Duration::ZERO);
    }

    #[test]
    fn each_server_is_by_itself() {
        let mut scene = Scene::new();
        for _ in 0..7 {
            scene.misses(server(1), 1, ms(80));
            scene.misses(server(2), 1, ms(80));
        }
        scene.misses(server(2), 1, ms(80));
        assert_eq!([1, 2].map(|last| scene.late.spent(server(last))), [Duration::ZERO, ms(80)]);
        scene.late.clear();
        assert_eq!(scene.late.spent(server(2)), Duration::ZERO);
    }

    #[test]
    fn the_shortest_wait_counts_and_nothing_after_the_eighth() {
        let mut scene = Scene::new();
        scene.misses(server(1), 4, ms(230));
        scene.misses(server(1), 1, ms(200));
        scene.misses(server(1), 3, ms(230));
        scene.misses(server(1), 1, ms(60));
        assert_eq!(scene.late.spent(server(1)), ms(200));
    }

    #[test]
    fn a_lookup_that_is_shared_counts_once_at_a_time() {
        let mut scene = Scene::new();
        let (asked, now) = (scene.now, scene.now + ms(80));
        for lookup in [7, 8, 7, 8, 7, 8, 7, 8, 7, 8] {
            scene.late.missed(server(1), &LateAaaa { lookup, asked, now, waited: ms(80) });
        }
        assert_eq!(scene.late.spent(server(1)), Duration::ZERO);
        // A later connect that joins the same lookup waits for it again.
        scene.now = now;
        for _ in 0..5 {
            scene.miss(server(1), 7, ms(80));
        }
        assert_eq!(scene.late.spent(server(1)), Duration::ZERO);
        scene.miss(server(1), 7, ms(80));
        assert_eq!(scene.late.spent(server(1)), ms(80));
    }

    #[test]
    fn the_server_without_a_miss_for_the_longest_time_is_forgotten_first() {
        let mut scene = Scene::new();
        scene.misses(server(1), 8, ms(80));
        scene.misses(server(2), 8, ms(80));
        scene.misses(server(1), 1, ms(80));
        for last in 3..=17 {
            scene.misses(server(last), 1, ms(80));
        }
        assert_eq!([1, 2].map(|last| scene.late.spent(server(last))), [ms(80), Duration::ZERO]);
        assert_eq!(scene.late.0.len(), MAX_KNOWN);
    }

    #[test]
    fn a_reply_at_the_end_of_the_delay_is_timely_and_a_wait_that_long_is_late() {
        assert!(is_timely(Policy::RESOLUTION_DELAY) && is_late(Policy::RESOLUTION_DELAY));
        assert!(!is_timely(Policy::RESOLUTION_DELAY + Duration::from_nanos(1)));
        assert!(!is_late(Policy::RESOLUTION_DELAY - Duration::from_nanos(1)));
    }
}
