//! Different resolvers for different names.

use stagger::boxed::BoxResolver;
use stagger::resolve::{Record, Routes, resolver_fn};
use stagger::target::TargetErrorKind;
use stagger_testkit::{Place, ScriptedResolver, ms};

use crate::support::World;
use crate::{query, told};

fn at(world: &World, place: &'static str) -> ScriptedResolver {
    world.resolver().finds(ms(5), Record::Addresses, [place])
}

/// The route of each target, by the place that its resolver finds.
fn routed(world: &World, routes: &Routes<ScriptedResolver>, target: &str) -> String {
    let lines = told(world, routes, &query(target));
    lines[0].split_once(": ").unwrap().1.to_owned()
}

fn routes(world: &World) -> Routes<ScriptedResolver> {
    Routes::new(at(world, "world"))
        .with_suffix("corp.example", at(world, "office"))
        .unwrap()
        .with_suffix("lab.corp.example.", at(world, "lab"))
        .unwrap()
        .with_suffix("Internal", at(world, "house"))
        .unwrap()
}

#[test]
fn the_longest_suffix_of_whole_labels_has_the_name() {
    let world = World::new();
    let routes = routes(&world);
    for (target, place) in [
        ("corp.example:1", "office"),
        ("db.corp.example:1", "office"),
        ("a.b.corp.example:1", "office"),
        ("lab.corp.example:1", "lab"),
        ("x.lab.corp.example:1", "lab"),
        ("xlab.corp.example:1", "office"),
        ("mycorp.example:1", "world"),
        ("example:1", "world"),
        ("corp.example.com:1", "world"),
        ("internal:1", "house"),
        ("a.internal:1", "house"),
    ] {
        assert_eq!(routed(&world, &routes, target), place, "{target}");
    }
}

#[test]
fn case_and_a_trailing_dot_do_not_count() {
    let world = World::new();
    let routes = routes(&world);
    assert_eq!(routed(&world, &routes, "DB.Corp.Example.:1"), "office");
    assert_eq!(routed(&world, &routes, "lab.corp.example:1"), "lab");
    assert_eq!(routed(&world, &routes, "host.INTERNAL:1"), "house");
}

#[test]
fn the_query_is_passed_as_it_is() {
    let world = World::new();
    let asked = query("DB.corp.example.:ssh").with_https(true);
    told(&world, &routes(&world), &asked);
    assert_eq!(world.ledger.queries(), [asked]);
}

#[test]
fn an_address_goes_to_the_default() {
    let world = World::new();
    let routes = routes(&world);
    assert_eq!(routed(&world, &routes, "192.0.2.1:http"), "world");
    assert_eq!(routed(&world, &routes, "[fe80::1%eth0]:1"), "world");
}

#[test]
fn the_empty_suffix_and_the_root_set_the_default() {
    let world = World::new();
    for root in ["", "."] {
        let routes = routes(&world).with_suffix(root, at(&world, "moon")).unwrap();
        assert_eq!(routed(&world, &routes, "example.com:1"), "moon");
        assert_eq!(routed(&world, &routes, "corp.example:1"), "office");
    }
}

#[test]
fn a_suffix_given_again_has_its_last_resolver() {
    let world = World::new();
    let routes = routes(&world).with_suffix("CORP.example.", at(&world, "annex")).unwrap();
    assert_eq!(routed(&world, &routes, "corp.example:1"), "annex");
}

#[test]
fn what_is_no_name_is_no_suffix() {
    let refused = |suffix: &str| Routes::new(()).with_suffix(suffix, ()).unwrap_err().kind();
    assert_eq!(refused(".corp.example"), TargetErrorKind::EmptyLabel);
    assert_eq!(refused(".."), TargetErrorKind::EmptyLabel);
    assert_eq!(refused("192.0.2.1"), TargetErrorKind::InvalidIpv4);
    assert_eq!(refused("corp example"), TargetErrorKind::ControlCharacter);
}

#[test]
fn resolvers_of_different_types_and_errors_fit_one_routing() {
    let world = World::new();
    let refusing = resolver_fn(|_: &_| {
        let error = std::io::Error::other("not our name");
        futures_lite::stream::once(stagger::Answer::<Place, _>::failed(Record::Addresses, error))
    });
    let routes = Routes::new(BoxResolver::erased(at(&world, "world")))
        .with_suffix("corp.example", BoxResolver::erased(refusing))
        .unwrap();
    assert_eq!(told(&world, &routes, &query("a:1")), ["5 all: world", "5 end"]);
    let lines = told(&world, &routes, &query("a.corp.example:1"));
    assert_eq!(lines, ["5 all: not our name", "5 end"]);
}
