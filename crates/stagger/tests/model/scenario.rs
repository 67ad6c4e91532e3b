//! The races that the checker explores: up to four candidates in two families. The file is longer
//! than 400 lines because each race is a few lines of one table.

use stagger::address::Family;
use stagger::policy::Order;
use stagger::race::{Id, Standing};
use stagger::resolve::{Families, Record, Update};

use crate::checker::{Extent, Scenario, explore};
use crate::oracle::{Answer, Candidate, News, Time};
use crate::rules::Rules;

const MS: Time = 1_000;

/// `families` has one character for each candidate, which names its family. The first one is for
/// `Id(0)`. An answer names candidates by their digits. The second part has the standings by id,
/// and may be shorter.
struct Names(&'static str, &'static [Standing]);

impl Names {
    fn answer(&self, record: Record, update: Update, ids: &str, spent: Time) -> News {
        let family = |id: usize| match self.0.as_bytes()[id] {
            b'6' => Family::Ipv6,
            _ => Family::Ipv4,
        };
        let ids = ids.bytes().map(|digit| usize::from(digit - b'0'));
        let standing = |id: usize| self.1.get(id).copied().unwrap_or_default();
        let held = ids
            .map(|id| Candidate { id: Id(id), family: Some(family(id)), standing: standing(id) })
            .collect();
        News::Answered(Answer { record, group: 0, update, held, spent })
    }

    fn add(&self, record: Record, ids: &str) -> News {
        self.answer(record, Update::Add, ids, 0)
    }

    fn replace(&self, record: Record, ids: &str) -> News {
        self.answer(record, Update::Replace, ids, 0)
    }

    /// An answer for another name than the target's own.
    fn of_group(&self, group: u32, record: Record, update: Update, ids: &str) -> News {
        match self.answer(record, update, ids, 0) {
            News::Answered(answer) => News::Answered(Answer { group, ..answer }),
            _ => unreachable!("an answer is made"),
        }
    }

    /// An answer next to a lookup that was sent this much earlier.
    fn late(&self, record: Record, ids: &str, spent: Time) -> News {
        self.answer(record, Update::Add, ids, spent)
    }
}

/// Explores each scenario: its name, rules, news, detours, and the least number of states.
///
/// `STAGGER_DETOURS` adds to the detours, for a longer search than a test run has time for.
fn explore_all(scenarios: Vec<(&'static str, Rules, Vec<News>, u8, usize)>) {
    let more = std::env::var("STAGGER_DETOURS").ok();
    let more: u8 = more.map_or(0, |more| more.parse().expect("STAGGER_DETOURS is a number"));
    for (name, rules, news, detours, least_states) in scenarios {
        let detours = detours + more;
        let scenario = Scenario { name, rules, news, candidates: 4, detours, least_states };
        let began = std::time::Instant::now();
        let Extent { states, transitions, won, lost } = explore(&scenario);
        println!(
            "{name}: {states} states, {transitions} transitions, {won} ways to win, {lost} to lose, {:?}",
            began.elapsed()
        );
        assert!(lost > 0, "{name}: no race was lost");
    }
}

#[test]
fn a_full_answer_is_raced_by_the_rules_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let full = || vec![names.add(Record::Addresses, "0123")];
    let rules = Rules::default;
    explore_all(vec![
        ("four at once", rules(), full(), 2, 110_000),
        ("two at once", rules(), vec![names.add(Record::Addresses, "01")], 4, 9_600),
        ("one", rules(), vec![names.add(Record::Addresses, "0")], 5, 270),
        ("none", rules(), vec![names.add(Record::Addresses, "")], 5, 45),
        ("no answer", Rules { timeout: Some(100 * MS), ..rules() }, vec![], 5, 310),
        (
            "told twice",
            rules(),
            vec![names.add(Record::Addresses, "01"), names.add(Record::Addresses, "01")],
            3,
            14_000,
        ),
        (
            "one more",
            rules(),
            vec![names.add(Record::Addresses, "01"), names.add(Record::Addresses, "2")],
            2,
            73_000,
        ),
        ("the least delay", Rules { delays: vec![10 * MS], ..rules() }, full(), 1, 19_000),
        ("uneven delays", Rules { delays: vec![100 * MS, 20 * MS], ..rules() }, full(), 1, 21_000),
    ]);
}

#[test]
fn answers_apart_are_raced_by_the_rules_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let apart = || vec![names.add(Record::Aaaa, "02"), names.add(Record::A, "13")];
    let three = || vec![names.add(Record::Aaaa, "02"), names.add(Record::A, "1")];
    let rules = Rules::default;
    explore_all(vec![
        ("four apart", rules(), apart(), 0, 20_000),
        ("three apart", rules(), three(), 1, 41_000),
        (
            "one each",
            rules(),
            vec![names.add(Record::Aaaa, "0"), names.add(Record::A, "1")],
            2,
            24_000,
        ),
        (
            "no IPv6",
            rules(),
            vec![names.add(Record::Aaaa, ""), names.add(Record::A, "13")],
            2,
            22_000,
        ),
        (
            "no IPv4",
            rules(),
            vec![names.add(Record::Aaaa, "02"), names.add(Record::A, "")],
            2,
            11_000,
        ),
        ("neither", rules(), vec![names.add(Record::Aaaa, ""), names.add(Record::A, "")], 4, 220),
        ("IPv4 preferred", Rules { preferred: Some(Family::Ipv4), ..rules() }, three(), 1, 46_000),
        ("nothing waits", Rules { resolution_delay: 0, ..rules() }, three(), 1, 29_000),
        ("two lead", Rules { first_family_count: 2, ..rules() }, three(), 1, 36_000),
    ]);
}

#[test]
fn changing_answers_are_raced_by_the_rules_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let rules = Rules::default;
    let grows =
        vec![names.add(Record::Aaaa, "0"), names.add(Record::Aaaa, "2"), names.add(Record::A, "1")];
    let shrinks = vec![
        names.add(Record::Aaaa, "02"),
        names.replace(Record::Aaaa, "2"),
        names.add(Record::A, "1"),
    ];
    let moves = vec![names.add(Record::Addresses, "01"), names.replace(Record::Addresses, "32")];
    let empties = vec![names.add(Record::Addresses, "01"), names.replace(Record::Addresses, "")];
    let lanes = vec![
        names.add(Record::Addresses, "01"),
        names.add(Record::A, "1"),
        names.add(Record::Aaaa, "0"),
    ];
    let shared = vec![names.add(Record::A, "1"), names.add(Record::Addresses, "102")];
    let hints = vec![
        names.add(Record::Https, "01"),
        names.replace(Record::Https, ""),
        names.add(Record::Aaaa, "2"),
    ];
    explore_all(vec![
        ("grows", rules(), grows, 1, 160_000),
        ("shrinks", rules(), shrinks, 0, 23_000),
        ("moves", rules(), moves.clone(), 1, 92_000),
        ("moves, two allowed", Rules { max_addresses: Some(2), ..rules() }, moves, 2, 18_000),
        ("empties", rules(), empties, 3, 25_000),
        ("lanes beside a full lookup", rules(), lanes, 1, 43_000),
        ("a lane before a full lookup", rules(), shared, 1, 30_000),
        ("hints, bindings awaited", Rules { https: true, ..rules() }, hints, 0, 19_000),
    ]);
}

#[test]
fn answers_with_their_delay_spent_are_raced_by_the_rules_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let rules = Rules::default;
    let lanes =
        |spent: Time| vec![names.late(Record::Aaaa, "0", spent), names.late(Record::A, "1", spent)];
    let full = |spent| [lanes(spent), vec![names.add(Record::Addresses, "10")]].concat();
    let mixed = vec![names.add(Record::A, "1"), names.late(Record::A, "3", 50 * MS)];
    let empty = vec![names.late(Record::A, "", 50 * MS), names.late(Record::A, "1", 20 * MS)];
    let bindings = vec![names.late(Record::A, "1", 50 * MS), names.add(Record::Https, "0")];
    explore_all(vec![
        ("lanes", rules(), lanes(50 * MS), 2, 14_000),
        ("lanes, the delay half spent", rules(), lanes(25 * MS), 2, 19_000),
        ("lanes, then a full lookup", rules(), full(50 * MS), 1, 40_000),
        ("one that waits, one that has waited", rules(), mixed, 2, 18_000),
        ("none, then one", rules(), empty, 3, 3_700),
        (
            "IPv4 preferred",
            Rules { preferred: Some(Family::Ipv4), ..rules() },
            lanes(50 * MS),
            2,
            14_000,
        ),
        ("bindings awaited", Rules { https: true, ..rules() }, bindings, 2, 21_000),
        ("50 ms", Rules { timeout: Some(50 * MS), ..rules() }, lanes(30 * MS), 3, 9_000),
    ]);
}

#[test]
fn whoever_is_said_to_lead_leads_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let rules = Rules::default;
    let led = |leaders: &[Family]| {
        let answers = [names.add(Record::Aaaa, "02"), names.add(Record::A, "1")];
        [answers.to_vec(), leaders.iter().copied().map(News::Leads).collect()].concat()
    };
    let full = vec![
        names.add(Record::Addresses, "01"),
        News::Leads(Family::Ipv4),
        names.add(Record::A, "3"),
    ];
    let four = || led(&[Family::Ipv4]);
    let six = || led(&[Family::Ipv6]);
    explore_all(vec![
        ("IPv4 leads", rules(), four(), 0, 17_000),
        (
            "IPv6 leads where IPv4 is preferred",
            Rules { preferred: Some(Family::Ipv4), ..rules() },
            six(),
            0,
            18_000,
        ),
        ("who leads changes", rules(), led(&[Family::Ipv4, Family::Ipv6]), 0, 68_000),
        ("two lead", Rules { first_family_count: 2, ..rules() }, four(), 0, 17_000),
        ("a full answer knows better", rules(), full, 0, 14_000),
        ("IPv6 first", Rules { order: Order::Ipv6First, ..rules() }, four(), 0, 16_000),
        ("the resolver's order", Rules { order: Order::Resolver, ..rules() }, four(), 0, 11_000),
    ]);
}

#[test]
fn limits_are_kept_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let full = || vec![names.add(Record::Addresses, "0123")];
    let apart = || vec![names.add(Record::Aaaa, "02"), names.add(Record::A, "13")];
    let rules = Rules::default;
    let one_after_another = || Rules { delays: vec![], ..rules() };
    explore_all(vec![
        ("one in flight", Rules { max_in_flight: Some(1), ..rules() }, full(), 3, 8_500),
        ("two in flight", Rules { max_in_flight: Some(2), ..rules() }, full(), 1, 16_000),
        ("two addresses", Rules { max_addresses: Some(2), ..rules() }, full(), 3, 5_400),
        ("two addresses, apart", Rules { max_addresses: Some(2), ..rules() }, apart(), 2, 37_000),
        ("one after another", one_after_another(), full(), 3, 8_500),
        ("one after another, apart", one_after_another(), apart(), 2, 58_000),
        (
            "one after another, each for 80 ms",
            Rules { attempt_timeout: Some(80 * MS), ..one_after_another() },
            full(),
            2,
            30_000,
        ),
    ]);
}

#[test]
fn timeouts_are_kept_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let full = || vec![names.add(Record::Addresses, "0123")];
    let apart = || vec![names.add(Record::Aaaa, "0"), names.add(Record::A, "13")];
    let rules = Rules::default;
    explore_all(vec![
        (
            "each for 100 ms",
            Rules { attempt_timeout: Some(100 * MS), ..rules() },
            full(),
            2,
            30_000,
        ),
        (
            "each for 250 ms",
            Rules { attempt_timeout: Some(250 * MS), ..rules() },
            full(),
            2,
            30_000,
        ),
        ("each for 5 ms", Rules { attempt_timeout: Some(5 * MS), ..rules() }, full(), 2, 30_000),
        (
            "each for 400 ms",
            Rules { attempt_timeout: Some(400 * MS), ..rules() },
            full(),
            1,
            17_000,
        ),
        (
            "500 ms, when a start is due",
            Rules { timeout: Some(500 * MS), ..rules() },
            full(),
            3,
            27_000,
        ),
        (
            "50 ms, when the gate opens",
            Rules { timeout: Some(50 * MS), ..rules() },
            apart(),
            3,
            17_000,
        ),
        ("600 ms", Rules { timeout: Some(600 * MS), ..rules() }, apart(), 1, 10_000),
        (
            "everything is limited",
            Rules {
                timeout: Some(900 * MS),
                attempt_timeout: Some(300 * MS),
                max_addresses: Some(3),
                max_in_flight: Some(2),
                ..rules()
            },
            full(),
            2,
            10_000,
        ),
    ]);
}

#[test]
fn every_order_of_candidates_is_kept_in_every_order_of_events() {
    let names = Names("4466", &[]);
    let full = || vec![names.add(Record::Addresses, "0123")];
    let apart = || vec![names.add(Record::Aaaa, "23"), names.add(Record::A, "0")];
    let rules = Rules::default;
    let order = |order| Rules { order, ..rules() };
    let mixed =
        vec![names.add(Record::A, "0"), names.add(Record::Aaaa, "2"), names.add(Record::A, "1")];
    let two = Rules { max_addresses: Some(2), ..order(Order::Resolver) };
    explore_all(vec![
        ("IPv4 leads", rules(), full(), 1, 24_000),
        ("IPv6 first", order(Order::Ipv6First), full(), 1, 24_000),
        ("IPv6 first, apart", order(Order::Ipv6First), apart(), 1, 41_000),
        ("the resolver's", order(Order::Resolver), full(), 1, 24_000),
        ("the resolver's, apart", order(Order::Resolver), apart(), 1, 28_000),
        ("the resolver's, mixed", order(Order::Resolver), mixed.clone(), 0, 17_000),
        ("the resolver's, mixed, two allowed", two, mixed, 1, 46_000),
    ]);
}

#[test]
fn progress_postpones_the_next_start_by_the_rules_in_every_order_of_events() {
    let names = Names("6464", &[]);
    // Each digit is an attempt that reports progress once.
    let with = |ids: &str, progress: &str| {
        let progress = progress.bytes().map(|digit| Id(usize::from(digit - b'0')));
        let answer = names.add(Record::Addresses, ids);
        [vec![answer], progress.map(News::Progressed).collect()].concat()
    };
    let after = |delay: Time| Rules { handshake_delay: Some(delay * MS), ..Rules::default() };
    let within = |timeout: Time| Rules { timeout: Some(timeout * MS), ..after(200) };
    let brief = |run: Time| Rules { attempt_timeout: Some(run * MS), ..after(200) };
    explore_all(vec![
        ("progress of the first", after(200), with("01", "0"), 3, 55_000),
        ("progress told twice", after(200), with("01", "00"), 2, 64_000),
        ("progress of either", after(200), with("012", "01"), 0, 34_000),
        ("progress that nobody asks for", Rules::default(), with("012", "0"), 1, 40_000),
        ("the longest handshake", after(2000), with("01", "0"), 3, 55_000),
        ("the least handshake", after(10), with("01", "0"), 2, 23_000),
        ("the deadline, when a postponed start is due", within(450), with("01", "0"), 3, 26_000),
        ("a postponed start is due with a time-out", brief(450), with("012", "0"), 1, 28_000),
        (
            "one after another, with progress",
            Rules { delays: vec![], ..after(200) },
            with("01", "01"),
            2,
            30_000,
        ),
        (
            "progress, two in flight",
            Rules { max_in_flight: Some(2), ..after(200) },
            with("012", "01"),
            0,
            23_000,
        ),
        (
            "uneven delays, with progress",
            Rules { delays: vec![300 * MS, 20 * MS], ..after(100) },
            with("012", "01"),
            0,
            34_000,
        ),
    ]);
}

#[test]
fn giving_up_ends_a_race_by_the_rules_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let full = |ids: &str| vec![names.add(Record::Addresses, ids), News::GaveUp];
    let apart = vec![names.add(Record::Aaaa, "0"), names.add(Record::A, "1"), News::GaveUp];
    let rules = Rules::default;
    let handshake = Rules { handshake_delay: Some(200 * MS), ..rules() };
    explore_all(vec![
        ("two, given up", rules(), full("01"), 2, 6_200),
        ("three, given up", rules(), full("012"), 1, 11_000),
        ("none, given up", rules(), full(""), 3, 100),
        (
            "given up without an answer",
            Rules { timeout: Some(100 * MS), ..rules() },
            vec![News::GaveUp],
            3,
            210,
        ),
        ("given up twice, apart", rules(), [apart, vec![News::GaveUp]].concat(), 0, 3_600),
        (
            "given up at the deadline",
            Rules { timeout: Some(250 * MS), ..rules() },
            full("01"),
            2,
            1_600,
        ),
        (
            "given up at a time-out",
            Rules { attempt_timeout: Some(250 * MS), ..rules() },
            full("01"),
            2,
            5_800,
        ),
        ("given up, one allowed", Rules { max_addresses: Some(1), ..rules() }, full("01"), 2, 490),
        (
            "given up after progress",
            handshake,
            [full("01"), vec![News::Progressed(Id(0))]].concat(),
            1,
            14_000,
        ),
    ]);
}

#[test]
fn the_preferred_family_is_followed_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let rules = Rules::default;
    let apart = |preferences: &[Family]| {
        let answers = vec![names.add(Record::Aaaa, "02"), names.add(Record::A, "1")];
        [answers, preferences.iter().copied().map(News::Prefers).collect()].concat()
    };
    let four = || apart(&[Family::Ipv4]);
    let six = || apart(&[Family::Ipv6]);
    let one_each =
        vec![names.add(Record::Aaaa, "0"), names.add(Record::A, "1"), News::Prefers(Family::Ipv4)];
    let policy = |family| Rules { preferred: Some(family), ..rules() };
    let led = vec![
        names.add(Record::Aaaa, "0"),
        names.add(Record::A, "1"),
        News::Prefers(Family::Ipv4),
        News::Leads(Family::Ipv6),
    ];
    let full = vec![
        names.add(Record::Addresses, "01"),
        names.add(Record::A, "3"),
        News::Prefers(Family::Ipv4),
    ];
    let only = |families| Rules { families, ..rules() };
    explore_all(vec![
        ("routes prefer IPv4", rules(), four(), 0, 20_000),
        ("routes prefer IPv4, one each", rules(), one_each, 1, 31_000),
        ("routes change", rules(), apart(&[Family::Ipv4, Family::Ipv6]), 0, 81_000),
        ("the policy prefers IPv6, routes IPv4", policy(Family::Ipv6), four(), 0, 16_000),
        ("the policy prefers IPv4, routes IPv6", policy(Family::Ipv4), six(), 0, 17_000),
        ("only IPv6, routes prefer IPv4", only(Families::Ipv6), four(), 0, 16_000),
        (
            "only IPv4, whatever is preferred",
            Rules { preferred: Some(Family::Ipv6), ..only(Families::Ipv4) },
            six(),
            0,
            17_000,
        ),
        ("routes prefer one and another leads", rules(), led, 0, 13_000),
        ("routes prefer one and a full answer knows better", rules(), full, 0, 13_000),
        (
            "IPv6 first, routes prefer IPv4",
            Rules { order: Order::Ipv6First, ..rules() },
            four(),
            0,
            18_000,
        ),
        (
            "the resolver's order, routes prefer IPv4",
            Rules { order: Order::Resolver, ..rules() },
            four(),
            0,
            12_000,
        ),
    ]);
}

#[test]
fn groups_are_kept_apart_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let rules = Rules::default;
    let other = |record, ids| names.of_group(1, record, Update::Add, ids);
    let replaced = |record, ids| names.of_group(1, record, Update::Replace, ids);
    let counts = || vec![other(Record::Aaaa, "0"), names.add(Record::A, "1")];
    let own =
        vec![names.add(Record::Aaaa, "2"), names.add(Record::A, "1"), replaced(Record::A, "")];
    let full = vec![other(Record::Addresses, "10"), names.add(Record::Aaaa, "2")];
    let replaces = vec![names.add(Record::Addresses, "02"), replaced(Record::Addresses, "1")];
    let bindings = vec![other(Record::Https, "0"), names.add(Record::Aaaa, "2")];
    explore_all(vec![
        ("another name's AAAA answers nothing", rules(), counts(), 2, 28_000),
        ("another name's negative answer replaces nothing", rules(), own, 1, 40_000),
        ("another name's full answer answers nothing", rules(), full, 1, 37_000),
        ("another name's answer replaces its own alone", rules(), replaces, 1, 35_000),
        ("another name's bindings", Rules { https: true, ..rules() }, bindings, 2, 22_000),
    ]);
}

#[test]
fn what_ran_short_is_put_back_once_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let rules = Rules::default;
    // Each digit is an attempt that may have a shortage once.
    let short = |ids: &str| -> Vec<News> {
        ids.bytes().map(|digit| News::RanShort(Id(usize::from(digit - b'0')))).collect()
    };
    let full = |ids: &str, shortages: &str| {
        [vec![names.add(Record::Addresses, ids)], short(shortages)].concat()
    };
    let apart = [vec![names.add(Record::Aaaa, "0"), names.add(Record::A, "1")], short("0")];
    let more = [vec![names.add(Record::Aaaa, "0"), names.add(Record::Aaaa, "2")], short("0")];
    let moves = [
        vec![names.add(Record::Addresses, "01"), names.replace(Record::Addresses, "1")],
        short("0"),
    ];
    let returns = [
        vec![
            names.add(Record::Addresses, "0"),
            names.replace(Record::Addresses, ""),
            names.add(Record::A, "0"),
        ],
        short("0"),
    ];
    let given_up = [full("01", "0"), vec![News::GaveUp]].concat();
    let progress = [full("01", "0"), vec![News::Progressed(Id(1))]].concat();
    explore_all(vec![
        ("one runs short", rules(), full("0", "0"), 4, 5_300),
        ("one runs short twice", rules(), full("0", "00"), 3, 4_100),
        ("one of two runs short", rules(), full("01", "0"), 2, 19_000),
        ("both run short", rules(), full("01", "01"), 1, 35_000),
        ("one of three runs short", rules(), full("012", "0"), 0, 3_700),
        ("one runs short, apart", rules(), apart.concat(), 1, 37_000),
        ("one runs short, more come", rules(), more.concat(), 1, 21_000),
        ("one runs short and is replaced", rules(), moves.concat(), 1, 21_000),
        ("one runs short, is replaced, and returns", rules(), returns.concat(), 1, 23_000),
        ("one runs short, given up", rules(), given_up, 1, 11_000),
        (
            "one runs short beside progress",
            Rules { handshake_delay: Some(200 * MS), ..rules() },
            progress,
            1,
            37_000,
        ),
        (
            "one runs short, one after another",
            Rules { delays: vec![], ..rules() },
            full("01", "01"),
            1,
            3_300,
        ),
        (
            "one runs short, one allowed",
            Rules { max_addresses: Some(1), ..rules() },
            full("01", "0"),
            2,
            1_600,
        ),
        (
            "one runs short, one in flight",
            Rules { max_in_flight: Some(1), ..rules() },
            full("01", "01"),
            1,
            3_300,
        ),
        (
            "one runs short, uneven delays",
            Rules { delays: vec![300 * MS, 20 * MS], ..rules() },
            full("01", "01"),
            1,
            35_000,
        ),
        (
            "one runs short, the deadline when its turn comes",
            Rules { timeout: Some(250 * MS), ..rules() },
            full("01", "0"),
            2,
            1_200,
        ),
        (
            "one runs short, each for 100 ms",
            Rules { attempt_timeout: Some(100 * MS), ..rules() },
            full("01", "0"),
            2,
            9_800,
        ),
    ]);
}

#[test]
fn an_attempt_s_own_delay_is_kept_in_every_order_of_events() {
    let names = Names("6464", &[]);
    let rules = Rules::default;
    // Each is an attempt and its delay.
    let with = |ids: &str, paces: &[(usize, Time)]| {
        let paces = paces.iter().map(|(id, delay)| News::Paced(Id(*id), delay * MS));
        [vec![names.add(Record::Addresses, ids)], paces.collect()].concat()
    };
    let handshake = Rules { handshake_delay: Some(200 * MS), ..rules() };
    let progress = [with("01", &[(0, 100)]), vec![News::Progressed(Id(0))]].concat();
    let short = [with("01", &[(0, 10)]), vec![News::RanShort(Id(0))]].concat();
    explore_all(vec![
        ("the first is paced", rules(), with("01", &[(0, 10)]), 3, 31_000),
        ("the second is paced", rules(), with("012", &[(1, 400)]), 1, 25_000),
        ("either is paced", rules(), with("012", &[(0, 10), (1, 400)]), 0, 12_000),
        ("paced twice", rules(), with("01", &[(0, 400), (0, 10)]), 2, 62_000),
        ("paced below the least", rules(), with("01", &[(0, 1)]), 2, 14_000),
        ("paced above the longest", rules(), with("01", &[(0, 9000)]), 2, 13_000),
        (
            "paced one after another",
            Rules { delays: vec![], ..rules() },
            with("01", &[(0, 10)]),
            2,
            4_200,
        ),
        ("paced, with progress", handshake, progress, 1, 31_000),
        ("paced and short", rules(), short, 1, 27_000),
        (
            "paced, one in flight",
            Rules { max_in_flight: Some(1), ..rules() },
            with("01", &[(0, 10)]),
            2,
            4_200,
        ),
    ]);
}

#[test]
fn ranks_and_demotions_are_kept_in_every_order_of_events() {
    const BEHIND: Standing = Standing::demoted();
    const LAST: Standing = Standing::ranked(6);
    const FIRST: Standing = Standing::ranked(0);
    const MIDDLE: Standing = Standing::ranked(1);
    let rules = Rules::default;
    let demoted = Names("6464", &[BEHIND]);
    let both = Names("6464", &[BEHIND, BEHIND]);
    let ranked = Names("6464", &[LAST, LAST, FIRST, MIDDLE]);
    let mixed = Names("6464", &[LAST, FIRST, FIRST, BEHIND]);
    let full = |names: &Names| vec![names.add(Record::Addresses, "0123")];
    let apart = |names: &Names| vec![names.add(Record::Aaaa, "02"), names.add(Record::A, "13")];
    let moved = |names: &Names| {
        vec![names.add(Record::Addresses, "012"), names.replace(Record::Addresses, "21")]
    };
    let order = |order| Rules { order, ..rules() };
    let two = Rules { max_addresses: Some(2), ..rules() };
    explore_all(vec![
        ("one is demoted", rules(), full(&demoted), 1, 25_000),
        ("one is demoted, apart", rules(), apart(&demoted), 0, 22_000),
        ("one is demoted, and replaced", rules(), moved(&demoted), 0, 3_500),
        ("one is demoted, two allowed", two, full(&demoted), 2, 2_900),
        ("both first are demoted, apart", rules(), apart(&both), 0, 22_000),
        (
            "one is demoted in the resolver's order",
            order(Order::Resolver),
            apart(&demoted),
            0,
            15_000,
        ),
        ("IPv6 first, and one is demoted", order(Order::Ipv6First), full(&demoted), 1, 25_000),
        ("all are ranked", rules(), full(&ranked), 1, 25_000),
        ("all are ranked, apart", rules(), apart(&ranked), 0, 22_000),
        ("all are ranked, and replaced", rules(), moved(&ranked), 0, 3_500),
        ("ranks in the resolver's order", order(Order::Resolver), full(&ranked), 1, 25_000),
        ("ranked and demoted", rules(), apart(&mixed), 0, 22_000),
        (
            "ranked and demoted, two lead",
            Rules { first_family_count: 2, ..rules() },
            apart(&mixed),
            0,
            19_000,
        ),
    ]);
}
