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

fn answered(class: Class, ended: Option<u64>, address: &str) -> Query {
    Query {
        class: class.as_str(),
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
}

#[test]
fn a_race_that_goes_wrong_is_found_out() {
    use End::{Connected, Dropped, Failed};

    let a = |ended| answered(Class::A, Some(ended), "a");
    let aaaa = |ended| answered(Class::Aaaa, ended, "b");
    type Judge = fn(&Race) -> Result<String, String>;
    let cases: [(Judge, Vec<Query>, Vec<Attempt>, &str); 9] = [
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
        (all_refused, vec![], vec![at("a", 0, 1, Connected)], "there is a connection"),
    ];
    for (judge, queries, attempts, fault) in cases {
        let found = judge(&race(queries, attempts)).unwrap_err();
        assert!(found.contains(fault), "{fault}: {found}");
    }
}
