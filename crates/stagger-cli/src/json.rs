//! A race as one JSON object.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::race::{Attempt, End, Query, Race};

/// What `connect` prints.
pub(crate) fn connect(target: &str, race: &Race) -> String {
    let ends = race.ends.unwrap_or_default();
    let mut object = Map::new();
    object.insert("target".into(), target.into());
    object.insert("connected".into(), race.ends.is_some().into());
    object.insert("peer".into(), json!(ends.peer.map(|peer| peer.to_string())));
    object.insert("local".into(), json!(ends.local.map(|local| local.to_string())));
    object.insert("elapsed_us".into(), us(race.elapsed));
    object.insert("queries".into(), race.queries.iter().map(query).collect());
    object.insert("attempts".into(), race.attempts.iter().map(attempt).collect());
    line(object, race.error.as_deref())
}

/// What `resolve` prints.
pub(crate) fn resolve(target: &str, candidates: &[String], race: &Race) -> String {
    let skipped = race
        .attempts
        .iter()
        .filter(|attempt| attempt.end == End::Skipped)
        .map(|attempt| json!({"address": attempt.address, "error": attempt.error}));
    let mut object = Map::new();
    object.insert("target".into(), target.into());
    object.insert("candidates".into(), json!(candidates));
    object.insert("skipped".into(), skipped.collect());
    object.insert("elapsed_us".into(), us(race.elapsed));
    object.insert("queries".into(), race.queries.iter().map(query).collect());
    line(object, race.error.as_deref())
}

fn line(mut object: Map<String, Value>, error: Option<&str>) -> String {
    if let Some(error) = error {
        object.insert("error".into(), error.into());
    }
    format!("{}\n", Value::Object(object))
}

fn query(query: &Query) -> Value {
    json!({
        "record": query.record,
        "started_us": us(query.started),
        "ended_us": query.ended.map(us),
        "addresses": query.addresses,
        "error": query.error,
    })
}

fn attempt(attempt: &Attempt) -> Value {
    let outcome = match attempt.end {
        // What ran out of its own time is a failure to whoever reads this.
        End::TimedOut => End::Failed.as_str(),
        end => end.as_str(),
    };
    json!({
        "address": attempt.address,
        "started_us": us(attempt.started),
        "ended_us": us(attempt.ended),
        "outcome": outcome,
        "error": attempt.error,
    })
}

/// Whole microseconds.
fn us(time: Duration) -> Value {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).into()
}
