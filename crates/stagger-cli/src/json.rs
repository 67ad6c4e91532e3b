//! A race as one JSON object.
//!
//! The README lists the names. They have the order in which they are written here. All output is
//! ASCII without control characters ([`printed`]), because people read objects on terminals too.

mod ascii;

use std::time::Duration;

use serde_json::{Map, Value, json};
use stagger::Report;
use stagger::error::LookupErrorKind;
use stagger::history::{Pace, Reason};
use stagger::report::{AttemptOutcome, AttemptReport, QueryReport};

pub(crate) use self::ascii::printed;
use crate::answer::AnswerLine;
use crate::explain::Explained;
use crate::race::{Race, attempt_error, queries, query_error, skipped};

/// The object of `connect`.
pub(crate) fn connect(target: &str, race: &Race) -> String {
    let ends = race.ends.unwrap_or_default();
    let report = &race.report;
    let mut object = Map::new();
    object.insert("target".into(), target.into());
    if let Some(host) = &race.via.ssh {
        object.insert("ssh".into(), json!(host));
    }
    if !race.via.proxies.is_empty() {
        object.insert("proxies".into(), json!(race.via.proxies));
    }
    object.insert("connected".into(), race.ends.is_some().into());
    object.insert("peer".into(), json!(ends.peer.map(|peer| peer.to_string())));
    object.insert("local".into(), json!(ends.local.map(|local| local.to_string())));
    if let Some(session) = &race.session {
        object.insert("tls".into(), session.json());
    }
    object.insert("elapsed_us".into(), us(report.elapsed()));
    object.insert("queries".into(), queries(report).map(query).collect());
    object.insert("attempts".into(), report.attempts().iter().map(attempt).collect());
    insert_moved(&mut object, report);
    // A person also gets lines that mark the place in an endpoint's text.
    line(object, race.error.as_deref().and_then(|error| error.lines().next()))
}

/// The object of `resolve`. Answers and order are in it only if asked for.
pub(crate) fn resolve(
    target: &str,
    candidates: &[String],
    race: &Race,
    answers: Option<&[AnswerLine]>,
    explained: Option<&Explained>,
) -> String {
    let report = &race.report;
    let skipped = skipped(report)
        .map(|attempt| json!({"address": attempt.address, "error": attempt_error(attempt)}));
    let mut object = Map::new();
    object.insert("target".into(), target.into());
    object.insert("candidates".into(), json!(candidates));
    object.insert("skipped".into(), skipped.collect());
    object.insert("elapsed_us".into(), us(report.elapsed()));
    object.insert("queries".into(), queries(report).map(query).collect());
    if let Some(answers) = answers {
        object.insert("answers".into(), answers.iter().map(answer).collect());
    }
    if let Some(explained) = explained {
        object.insert("order".into(), order(explained));
    }
    line(object, race.error.as_deref())
}

fn line(mut object: Map<String, Value>, error: Option<&str>) -> String {
    if let Some(error) = error {
        object.insert("error".into(), error.into());
    }
    printed(&Value::Object(object)) + "\n"
}

fn answer(answer: &AnswerLine) -> Value {
    json!({
        "record": answer.record.as_str(),
        "at_us": us(answer.at),
        "addresses": answer.addresses,
        "ttl_s": answer.ttl.map(|ttl| ttl.as_secs()),
        "provisional": answer.provisional,
        "kind": answer.kind.map(LookupErrorKind::as_str),
        "error": answer.error,
    })
}

fn order(explained: &Explained) -> Value {
    let addresses = explained.placed.iter().map(|placed| {
        json!({
            "address": placed.address.to_string(),
            "source": placed.source.map(|source| source.addr.to_string()),
            "deprecated": placed.source.and_then(|source| source.deprecated),
            "rule": placed.rule.map(|rule| rule.number()),
            "reason": placed.rule.map(|rule| rule.name()),
        })
    });
    json!({
        "by": explained.by,
        "addresses": addresses.collect::<Value>(),
        "note": explained.note.as_deref(),
    })
}

fn query(query: &QueryReport<String>) -> Value {
    json!({
        "record": query.record.as_str(),
        "started_us": us(query.started),
        "ended_us": query.ended.map(us),
        "addresses": query.addresses,
        "provisional": query.provisional,
        "kind": query.kind.map(LookupErrorKind::as_str),
        "error": query_error(query),
    })
}

fn attempt(attempt: &AttemptReport<String>) -> Value {
    let outcome = match &attempt.outcome {
        // For a script, an attempt that ran out of time has failed.
        AttemptOutcome::TimedOut => "failed",
        outcome => outcome.as_str(),
    };
    let mut object = Map::new();
    object.insert("address".into(), json!(attempt.address));
    object.insert("started_us".into(), us(attempt.started));
    object.insert("progressed_us".into(), json!(attempt.progressed.map(us)));
    object.insert("ended_us".into(), us(attempt.ended));
    object.insert("outcome".into(), outcome.into());
    object.insert("error".into(), json!(attempt_error(attempt)));
    if let Some(pace) = attempt.pace {
        object.insert("pace".into(), paced(pace));
    }
    object.insert("children".into(), attempt.children.iter().map(child).collect());
    object.into()
}

/// How long the next start waited after an attempt, because of the history.
fn paced(pace: Pace) -> Value {
    let reason = match pace.reason {
        Reason::Silent => "silent",
        Reason::SilentFamily => "silent_family",
        Reason::RoundTrip => "round_trip",
        Reason::FamilyRoundTrip => "family_round_trip",
        _ => "unknown",
    };
    json!({"delay_us": us(pace.delay), "reason": reason})
}

/// Adds the addresses that the history has moved back, if there are any: behind all others, and
/// behind others of their family.
fn insert_moved(object: &mut Map<String, Value>, report: &Report<String>) {
    if !report.demoted().is_empty() {
        object.insert("demoted".into(), json!(report.demoted()));
    }
    if !report.outranked().is_empty() {
        let moved = report.outranked().iter();
        let moved =
            moved.map(|it| json!({"address": it.address, "round_trip_us": us(it.round_trip)}));
        object.insert("outranked".into(), moved.collect());
    }
}

/// A race inside an attempt.
fn child(report: &Report<String>) -> Value {
    let mut object = Map::new();
    object.insert("target".into(), json!(report.target().map(ToString::to_string)));
    object.insert("connected".into(), report.winner().is_some().into());
    object.insert("began_us".into(), us(report.began()));
    object.insert("elapsed_us".into(), us(report.elapsed()));
    object.insert("queries".into(), queries(report).map(query).collect());
    object.insert("attempts".into(), report.attempts().iter().map(attempt).collect());
    insert_moved(&mut object, report);
    object.into()
}

/// Whole microseconds.
fn us(time: Duration) -> Value {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).into()
}

#[cfg(test)]
mod tests {
    use stagger::error::LookupErrorKind;
    use stagger::resolve::Record;
    use stagger::{Answer, Policy};
    use stagger_testkit::{Fate, ScriptedError, ms};

    use super::*;
    use crate::race::kit::{addrs, proxied, race};

    /// The names in an object, in their order.
    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn an_attempt_has_the_races_inside_it_in_the_same_shape() {
        let object: Value = serde_json::from_str(&connect("example.com:80", &proxied())).unwrap();
        let outer = &object["attempts"][0];
        assert_eq!(
            keys(outer),
            ["address", "started_us", "progressed_us", "ended_us", "outcome", "error", "children"]
        );
        assert_eq!((&outer["started_us"], &outer["ended_us"]), (&json!(5_000), &json!(320_000)));
        assert_eq!(outer["progressed_us"], 300_000);
        assert_eq!(outer["children"].as_array().unwrap().len(), 1);
        let child = &outer["children"][0];
        assert_eq!(
            keys(child),
            ["target", "connected", "began_us", "elapsed_us", "queries", "attempts"]
        );
        assert_eq!(
            (&child["target"], &child["connected"]),
            (&json!("proxy.test:1080"), &json!(true))
        );
        assert_eq!((&child["began_us"], &child["elapsed_us"]), (&json!(5_000), &json!(295_000)));
        assert_eq!(keys(&child["queries"][0]), keys(&object["queries"][0]));
        assert_eq!(child["queries"][0]["started_us"], 5_000);
        let inner = &child["attempts"];
        assert_eq!(keys(&inner[0]), keys(outer));
        assert_eq!(
            (&inner[0]["outcome"], &inner[1]["outcome"]),
            (&json!("dropped"), &json!("connected"))
        );
        assert_eq!(inner[1]["started_us"], 260_000);
        assert_eq!((&inner[1]["progressed_us"], &inner[1]["children"]), (&Value::Null, &json!([])));
    }

    #[test]
    fn a_query_says_why_it_failed_and_whether_another_answer_was_to_come() {
        let failed = |text, kind| {
            Answer::failed(Record::Addresses, ScriptedError::new(text)).with_kind(kind)
        };
        let race = race(
            Policy::new(),
            |resolver| {
                resolver
                    .answers(
                        ms(1),
                        failed("no server", LookupErrorKind::Temporary).with_provisional(true),
                    )
                    .answers(ms(2), Answer::found(Record::Addresses, addrs(&["192.0.2.1:80"])))
            },
            |connector| connector.at("192.0.2.1:80", Fate::connects(ms(1))),
        );
        let object: Value = serde_json::from_str(&connect("example.com:80", &race)).unwrap();
        assert_eq!(
            object["queries"],
            json!([
                {
                    "record": "all",
                    "started_us": 0,
                    "ended_us": 1_000,
                    "addresses": [],
                    "provisional": true,
                    "kind": LookupErrorKind::Temporary.as_str(),
                    "error": "no server",
                },
                {
                    "record": "all",
                    "started_us": 0,
                    "ended_us": 2_000,
                    "addresses": ["192.0.2.1:80"],
                    "provisional": false,
                    "kind": null,
                    "error": null,
                },
            ])
        );
    }
}
