//! Resolvers whose addresses or errors are mapped.

use stagger::address::Family;
use stagger::error::LookupErrorKind;
use stagger::resolve::Record;
use stagger::{Answer, Resolver};
use stagger_testkit::{Place, ScriptedError, ms};

use crate::support::{TARGET, World};
use crate::{is_send, query, told};

#[test]
fn each_address_is_mapped_and_all_else_stays() {
    let world = World::new();
    let answer = Answer::found(Record::Aaaa, [Place("v6"), Place("v6b")]).with_sorted(true);
    let inner = world
        .resolver()
        .answers(ms(5), answer.with_ttl(ms(60_000)))
        .fails(ms(9), Record::A)
        .ends_at(ms(20));
    let mapped = inner.map_addresses(|place| format!("<{place}>"));
    is_send(Box::pin(mapped.resolve(&query(TARGET))).as_ref());
    assert_eq!(
        told(&world, &mapped, &query(TARGET)),
        ["5 AAAA: <v6> <v6b>, sorted, for 60 s", "9 A: A lookup failed", "20 end"]
    );
}

#[test]
fn each_error_is_mapped_and_its_kind_stays() {
    let world = World::new();
    let failure =
        Answer::failed(Record::A, ScriptedError::new("no")).with_preferred_family(Family::Ipv4);
    let inner = world
        .resolver()
        .finds(ms(5), Record::Aaaa, ["v6"])
        .answers(ms(9), failure.with_kind(LookupErrorKind::Refused).with_final(true));
    let mapped = inner.map_err(|error| format!("it says {error}"));
    is_send(Box::pin(mapped.resolve(&query(TARGET))).as_ref());
    assert_eq!(told(&world, &mapped, &query(TARGET)), ["5 AAAA: v6", "9 A: it says no", "9 end"]);
    let answers = world.clock.run(async {
        use futures_lite::StreamExt as _;
        mapped.resolve(&query(TARGET)).collect::<Vec<_>>().await
    });
    assert_eq!(answers[1].kind(), Some(LookupErrorKind::Refused));
    assert!(answers[1].is_final());
    assert_eq!(answers[1].preferred_family(), Some(Family::Ipv4));
}
