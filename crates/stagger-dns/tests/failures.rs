//! Questions on which all servers failed, and how long that is remembered.

mod support;

use std::io;

use hickory_proto::op::ResponseCode::{Refused, ServFail};
use stagger::resolve::Families;
use stagger_dns::ServerPolicy;
use stagger_testkit::ms;
use support::{Asked, Replies, Scene, after, config, fails, one, silence};

fn found(asked: &Asked) -> Replies {
    after(10, asked.found(&["192.0.2.80"]))
}

#[test]
fn that_all_servers_failed_is_remembered_for_a_second_and_then_twice_as_long() {
    for code in [ServFail, Refused] {
        let scene = one(move |asked| after(5, asked.reply(code)));
        let asked = || scene.servers.log().len();
        let first = scene.error("a.example");
        assert_eq!((first.remembered(), asked()), (None, 1));
        scene.clock.advance(ms(400));
        let again = scene.error("A.example");
        assert_eq!((again.kind(), again.remembered()), (first.kind(), Some(ms(600))));
        assert_eq!(asked(), 1);
        // Other names and records are not affected.
        scene.error("b.example");
        scene.resolve("a.example:80", Families::Ipv6);
        assert_eq!(asked(), 3);
        scene.clock.advance(ms(600));
        assert_eq!((scene.error("a.example").remembered(), asked()), (None, 4));
        scene.clock.advance(ms(1999));
        assert_eq!((scene.error("a.example").remembered(), asked()), (Some(ms(1)), 4));
        scene.clock.advance(ms(1));
        assert_eq!((scene.error("a.example").remembered(), asked()), (None, 5));
    }
}

#[test]
fn that_no_server_answered_is_remembered_until_one_answers_anything() {
    let scene = one(|asked| match &asked.name[..] {
        "a.example." => silence(),
        _ => found(asked),
    });
    assert_eq!(scene.error("a.example").remembered(), None);
    assert_eq!(scene.error("a.example").remembered(), Some(ms(1000)));
    scene.ipv4("b.example");
    assert_eq!(scene.error("a.example").remembered(), None);
    // The server is known by now, so its silence is noticed sooner and it is asked twice.
    let log = scene.servers.log();
    assert_eq!(log.iter().filter(|asked| asked.name == "a.example.").count(), 3);
}

#[test]
fn a_failure_of_this_machine_is_not_remembered() {
    for kind in [io::ErrorKind::NetworkUnreachable, io::ErrorKind::ConnectionRefused] {
        let scene = Scene::new(config(2), move |asked| match asked.server {
            1 => fails(5, kind),
            _ => after(5, asked.reply(ServFail)),
        });
        for asked in [2, 4] {
            assert_eq!(scene.error("a.example").remembered(), None);
            assert_eq!(scene.servers.log().len(), asked);
        }
    }
}

#[test]
fn a_failure_is_forgotten_when_messages_leave_from_another_address_and_with_another_configuration()
{
    let scene = one(|asked| after(5, asked.reply(ServFail)));
    scene.error("a.example");
    assert!(scene.error("a.example").remembered().is_some());
    scene.servers.set_source([192, 0, 2, 200]);
    assert_eq!(scene.error("a.example").remembered(), None);
    assert!(scene.error("a.example").remembered().is_some());
    let other = scene.clone_of();
    let other = Scene { resolver: other.resolver.with_config(config(1)), ..other };
    assert_eq!(other.error("a.example").remembered(), None);
}

#[test]
fn that_failures_are_remembered_can_be_switched_off() {
    let mut scene = one(|asked| after(5, asked.reply(ServFail)));
    let policy = ServerPolicy::new().with_failures_remembered(false);
    scene.resolver = scene.resolver.with_server_policy(policy);
    for asked in [1, 2] {
        assert_eq!(scene.error("a.example").remembered(), None);
        assert_eq!(scene.servers.log().len(), asked);
    }
}
