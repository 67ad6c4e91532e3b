//! Names that are aliases.

mod support;

use hickory_proto::op::ResponseCode::{NXDomain, NoError};
use stagger::error::LookupErrorKind;
use stagger::resolve::Families;
use stagger_testkit::ms;
use support::{address, after, alias, one};

#[test]
fn an_alias_whose_address_is_not_in_the_reply_is_asked_for() {
    let scene = one(|asked| match asked.name.as_str() {
        "a.example." => {
            let mut reply = asked.reply(NoError);
            reply.add_answer(alias("a.example.", 20, "b.example."));
            after(10, reply)
        }
        _ => after(10, asked.found(&["192.0.2.1"])),
    });
    let answer_lines = scene.resolve("a.example:80", Families::Ipv4);
    assert_eq!(scene.servers.lines(), ["0 #1 a.example. A", "10 #1 b.example. A"]);
    assert_eq!(answer_lines[0].0, 20);
    // The alias may be kept less long than the address.
    assert_eq!(answer_lines[0].1.ttl(), Some(ms(20_000)));
}

#[test]
fn an_alias_of_nothing_is_nothing() {
    let scene = one(|asked| match asked.name.as_str() {
        "a.example." => {
            let mut reply = asked.reply(NoError);
            reply.add_answer(alias("a.example.", 20, "b.example."));
            after(10, reply)
        }
        _ => after(10, asked.nothing(NXDomain)),
    });
    let error = scene.error("a.example");
    assert_eq!((error.kind(), error.name()), (LookupErrorKind::NotFound, "a.example"));
    assert_eq!(error.ttl(), Some(ms(20_000)));
}

#[test]
fn a_circle_of_aliases_over_several_replies_is_noticed() {
    let scene = one(|asked| {
        let mut reply = asked.reply(NoError);
        let other = if asked.name == "a.example." { "b.example." } else { "a.example." };
        reply.add_answer(alias(&asked.name, 20, other));
        after(10, reply)
    });
    assert_eq!(scene.ipv4("a.example"), "20 A Malformed");
    assert_eq!(scene.servers.log().len(), 2);
}

#[test]
fn aliases_without_an_end_are_followed_sixteen_times() {
    let scene = one(|asked| {
        let mut reply = asked.reply(NoError);
        reply.add_answer(alias(&asked.name, 20, &format!("x.{}", asked.name)));
        after(10, reply)
    });
    assert_eq!(scene.ipv4("a.example"), "170 A Malformed");
    assert_eq!(scene.servers.log().len(), 17);
}

#[test]
fn what_a_reply_says_of_other_names_is_not_believed() {
    let scene = one(|asked| {
        let mut reply = asked.found(&["192.0.2.1"]);
        reply.add_answer(address("bank.example.", 300, "192.0.2.66"));
        reply.add_additional(address("a.example.", 300, "192.0.2.66"));
        after(10, reply)
    });
    assert_eq!(scene.ipv4("a.example"), "10 A 192.0.2.1:80");
}

#[test]
fn an_alias_of_a_name_that_is_never_asked_for_is_not_asked_for() {
    for (target, said) in [
        ("localhost.", "10 A 127.0.0.1:80"),
        ("App.LocalHost.", "10 A 127.0.0.1:80"),
        ("x.alt.", "10 A NotFound"),
        ("x.ONION.", "10 A NotFound"),
        ("invalid.", "10 A NotFound"),
    ] {
        let scene = one(move |asked| {
            let mut reply = asked.reply(NoError);
            reply.add_answer(alias(&asked.name, 60, target));
            after(10, reply)
        });
        assert_eq!(scene.ipv4("a.example"), said, "{target}");
        assert_eq!(scene.servers.lines(), ["0 #1 a.example. A"], "{target}");
    }
}
