use super::*;
use crate::runtime::Ends;

fn at(address: &str, started: u64, ended: u64, end: End) -> Attempt {
    Attempt {
        address: address.to_owned(),
        started: Duration::from_millis(started),
        ended: Duration::from_millis(ended),
        end,
        error: None,
    }
}

fn answered(record: Record, ended: Option<u64>, address: &str) -> Query {
    Query {
        record: record.as_str(),
        started: Duration::ZERO,
        ended: ended.map(Duration::from_millis),
        addresses: vec![address.to_owned()],
        error: None,
    }
}

fn race(queries: Vec<Query>, attempts: Vec<Attempt>) -> Race {
    Race {
        running: false,
        ends: Some(Ends::default()),
        elapsed: attempts.last().map(|last| last.ended).unwrap_or_default(),
        queries,
        attempts,
        untried: vec!["b".to_owned()],
        wait: None,
        error: None,
    }
}

#[test]
fn what_was_seen_is_said_with_its_own_numbers() {
    let silent = [at("a", 0, 251, End::Dropped), at("b", 250, 251, End::Connected)];
    assert_eq!(
        first_silent(&race(Vec::new(), silent.to_vec())).unwrap(),
        "a was silent; b was tried 250.0 ms after it and won in 251.0 ms."
    );
    let refused = [at("a", 0, 3, End::Failed), at("b", 3, 4, End::Connected)];
    assert!(first_refused(&race(Vec::new(), refused.to_vec())).is_ok());
    let a = answered(Record::A, Some(1), "a");
    let queries = vec![a, answered(Record::Aaaa, None, "b")];
    assert_eq!(
        aaaa_late(&race(queries, vec![at("a", 51, 52, End::Connected)])).unwrap(),
        "A waited 50.0 ms for AAAA, which was still to come; then a was tried and won in 52.0 ms."
    );
    let aaaa = answered(Record::Aaaa, Some(1), "b");
    let queries = vec![aaaa, answered(Record::A, None, "a")];
    assert_eq!(
        a_late(&race(queries, vec![at("b", 1, 2, End::Connected)])).unwrap(),
        "b was tried the moment AAAA was known, without a wait for A, which was still to come, and \
         won in 2.0 ms."
    );
}

#[test]
fn a_race_that_goes_wrong_is_found_out() {
    use End::{Connected, Dropped, Failed};

    let a = |ended| answered(Record::A, Some(ended), "a");
    let aaaa = |ended| answered(Record::Aaaa, ended, "b");
    type Judge = fn(&Race) -> Result<String, String>;
    let a_in_vain = answered(Record::A, None, "a");
    let cases: [(Judge, Vec<Query>, Vec<Attempt>, &str); 14] = [
        (healthy, vec![], vec![], "only 0 attempts"),
        (healthy, vec![], vec![at("a", 0, 1, Failed)], "was to end as connected"),
        (
            first_silent,
            vec![],
            vec![at("a", 0, 240, Dropped), at("b", 239, 240, Connected)],
            "only 239.0 ms after the first",
        ),
        (
            first_refused,
            vec![],
            vec![at("a", 0, 1, Failed), at("b", 250, 251, Connected)],
            "249.0 ms after the failure",
        ),
        (
            trickling,
            vec![a(20), aaaa(Some(60))],
            vec![at("a", 20, 21, Connected)],
            "before AAAA's address",
        ),
        (
            trickling,
            vec![a(20), aaaa(Some(60))],
            vec![at("b", 70, 71, Connected)],
            "10.0 ms after both answers",
        ),
        (without_aaaa, vec![a(20), aaaa(None)], vec![at("a", 20, 21, Connected)], "only 0.0 ms"),
        (without_aaaa, vec![a(20)], vec![], "no query for AAAA"),
        (aaaa_late, vec![a(1), aaaa(None)], vec![at("a", 50, 51, Connected)], "only 49.0 ms"),
        (aaaa_late, vec![a(1), aaaa(Some(2))], vec![at("b", 2, 3, Connected)], "AAAA was answered"),
        (
            aaaa_late,
            vec![a(1), aaaa(None)],
            vec![at("b", 51, 52, Connected)],
            "b is not what A was answered with",
        ),
        (
            a_late,
            vec![aaaa(Some(1)), a_in_vain],
            vec![at("b", 51, 52, Connected)],
            "started 50.0 ms after AAAA",
        ),
        (
            a_late,
            vec![a(1), aaaa(None)],
            vec![at("a", 51, 52, Connected)],
            "AAAA was to be answered",
        ),
        (all_refused, vec![], vec![at("a", 0, 1, Connected)], "there is a connection"),
    ];
    for (judge, queries, attempts, fault) in cases {
        let found = judge(&race(queries, attempts)).unwrap_err();
        assert!(found.contains(fault), "{fault}: {found}");
    }
}

#[test]
fn without_ipv6_nothing_is_left_that_needs_it() {
    let all = scenes(Some(loopback(9)));
    let rest = scenes(None);
    assert_eq!((all.len(), rest.len()), (8, 6));
    let over_dns = rest.iter().filter(|scene| matches!(scene.answers, Answers::OverDns(_)));
    let spots: Vec<_> = over_dns.map(|scene| &scene.spots[..]).collect();
    assert_eq!(spots, [[(loopback(1), Manner::Accepts)]]);
}
