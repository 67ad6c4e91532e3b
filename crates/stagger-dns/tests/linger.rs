//! Lookups that outlive the connect that dropped them.

mod support;

use std::fs;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream as _;
use hickory_proto::op::ResponseCode::ServFail;
use stagger::connect::connector_fn;
use stagger::resolve::{Families, MAX_LINGERING, Query};
use stagger::{Dialer, Resolver as _, Target, Timer as _};
use stagger_dns::{DnsResolver, Environment, WatchedFile};
use stagger_testkit::{Clock, ms};
use support::{Asked, File, Replies, Scene, Servers, after, config, one, silence};

/// AAAA after 5 ms, A after 30 ms.
fn slow_a(asked: &Asked) -> Replies {
    match asked.is_aaaa() {
        true => after(5, asked.found(&["2001:db8::1"])),
        false => after(30, asked.found(&["192.0.2.1"])),
    }
}

/// AAAA after 5 ms, and A never.
fn no_a(asked: &Asked) -> Replies {
    if asked.is_aaaa() { slow_a(asked) } else { silence() }
}

fn remembering(mut scene: Scene, lingering: bool) -> Scene {
    scene.resolver = scene.resolver.with_cache_capacity(100).with_lingering(lingering);
    scene
}

/// Connects to the first address that accepts, which takes 10 ms.
fn connect(scene: &Scene, target: &str) -> String {
    let clock = scene.clock.clone();
    let connector = connector_fn(move |addr: SocketAddr| {
        let sleep = clock.sleep(ms(10));
        async move {
            sleep.await;
            Ok::<_, std::io::Error>(addr)
        }
    });
    let dialer = Dialer::new(scene.resolver.clone(), connector, scene.clock.clone());
    let addr = scene.clock.run(dialer.connect(target)).unwrap();
    format!("{} {addr}", scene.clock.elapsed().as_millis())
}

fn linger(scene: &Scene) -> u128 {
    scene.clock.run(scene.resolver.linger());
    scene.clock.elapsed().as_millis()
}

/// Asks for the IPv4 addresses of a name, polls once, and drops the answers.
fn drops(scene: &Scene, name: &str) {
    let target = Target::parse(&format!("{name}:80")).unwrap();
    let query = Query::new(target).with_families(Families::Ipv4);
    let mut answers = pin!(scene.resolver.resolve(&query));
    assert!(answers.as_mut().poll_next(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[test]
fn five_connects_ask_once_for_the_family_that_loses_each_time() {
    let scene = remembering(one(slow_a), true);
    let connects: Vec<_> = (0..5).map(|_| connect(&scene, "a.example:80")).collect();
    let at = |time| format!("{time} [2001:db8::1]:80");
    assert_eq!(connects, [15, 25, 35, 45, 55].map(at));
    assert_eq!(scene.servers.lines(), ["0 #1 a.example. AAAA", "0 #1 a.example. A"]);
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
    let lines = ["55 AAAA [2001:db8::1]:80", "55 A 192.0.2.1:80"];
    assert_eq!(scene.lines("a.example:80"), lines);
}

#[test]
fn without_lingering_every_connect_asks_again_and_closes_its_sockets() {
    for scene in [remembering(one(slow_a), false), remembering(one(slow_a), true)] {
        let scene = Scene { resolver: scene.resolver.clone().with_lingering(false), ..scene };
        for _ in 0..5 {
            connect(&scene, "a.example:80");
            assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
        }
        let asked = scene.servers.log().iter().filter(|asked| !asked.is_aaaa()).count();
        assert_eq!(asked, 5);
        assert_eq!(linger(&scene), 55);
    }
}

#[test]
fn a_future_that_is_spawned_takes_in_what_lingers_and_ends_with_it() {
    let scene = remembering(one(slow_a), true);
    assert_eq!(linger(&scene), 0);
    connect(&scene, "a.example:80");
    assert_eq!(scene.servers.open(), 1);
    assert_eq!(linger(&scene), 30);
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
    let lines = ["30 AAAA [2001:db8::1]:80", "30 A 192.0.2.1:80"];
    assert_eq!(
        (scene.lines("a.example:80").as_slice(), scene.servers.log().len()),
        (&lines.map(String::from)[..], 2)
    );
}

#[test]
fn what_is_never_answered_lingers_for_a_second() {
    // The lookup itself would wait for longer, and over TCP nothing is sent again.
    let patient = config(1).with_timeout(ms(5000)).unwrap().with_use_vc(true);
    let scene = remembering(Scene::new(patient, no_a), true);
    connect(&scene, "a.example:80");
    let mut lingering = pin!(scene.resolver.linger());
    assert!(scene.clock.run_until(ms(1014), lingering.as_mut()).is_pending());
    assert_eq!(scene.servers.open(), 1);
    // Another lookup keeps the future going, and not the first lookup.
    drops(&scene, "b.example");
    assert_eq!(scene.servers.open(), 2);
    assert!(scene.clock.run_until(ms(1015), lingering.as_mut()).is_pending());
    assert_eq!(scene.servers.open(), 1);
    scene.clock.run(lingering.as_mut());
    assert_eq!(scene.clock.elapsed(), ms(2014));
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
}

#[test]
fn a_lookup_of_another_name_drives_what_lingers() {
    let scene = remembering(
        one(|asked| if asked.name.starts_with('b') { silence() } else { slow_a(asked) }),
        true,
    );
    connect(&scene, "a.example:80");
    let other = Query::new(Target::parse("b.example:80").unwrap());
    let mut answers = pin!(scene.resolver.resolve(&other));
    let answer_lines = poll_fn(|cx| answers.as_mut().poll_next(cx).map(|_| ()));
    assert!(scene.clock.run_until(ms(40), pin!(answer_lines)).is_pending());
    // The two sockets are those of the other name.
    assert_eq!(scene.servers.open(), 2);
    let lines =
        scene.clone_of().resolver.resolve(&Query::new(Target::parse("a.example:80").unwrap()));
    let mut lines = pin!(lines);
    let mut context = Context::from_waker(Waker::noop());
    for record in ["AAAA", "A"] {
        let Poll::Ready(Some(answer)) = lines.as_mut().poll_next(&mut context) else {
            panic!("{record} is remembered")
        };
        assert_eq!(answer.record().to_string(), record);
    }
    assert_eq!(scene.servers.log().len(), 4);
}

#[test]
fn a_reply_that_nobody_took_in_within_a_second_is_not_remembered() {
    for (idle, asked) in [(999, 2), (1000, 3)] {
        let scene = remembering(one(slow_a), true);
        connect(&scene, "a.example:80");
        scene.clock.advance(ms(idle));
        scene.lines("a.example:80");
        assert_eq!(scene.servers.log().len(), asked, "{idle}");
        assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
    }
}

#[test]
fn sixty_four_lookups_linger_and_one_more_drops_the_oldest() {
    let scene = remembering(one(no_a), true);
    for number in 0..MAX_LINGERING {
        drops(&scene, &format!("n{number}.example"));
        assert_eq!(scene.servers.open(), number + 1);
    }
    drops(&scene, "last.example");
    assert_eq!(scene.servers.open(), 64);
    // The oldest is asked for again, and the next is not.
    let asked = scene.servers.log().len();
    drops(&scene, "n1.example");
    assert_eq!(scene.servers.log().len(), asked);
    drops(&scene, "n0.example");
    assert_eq!(scene.servers.log().len(), asked + 1);
}

#[test]
fn a_dropped_future_leaves_the_lookups_to_another() {
    let scene = remembering(one(slow_a), true);
    connect(&scene, "a.example:80");
    {
        let mut first = pin!(scene.resolver.linger());
        assert!(scene.clock.run_until(ms(20), first.as_mut()).is_pending());
    }
    assert_eq!(scene.servers.open(), 1);
    assert_eq!(linger(&scene), 30);
    assert_eq!(scene.servers.open(), 0);
}

#[test]
fn many_futures_at_once_all_end_with_the_last_lookup() {
    let scene = remembering(one(slow_a), true);
    connect(&scene, "a.example:80");
    let mut all: Vec<_> = (0..3).map(|_| Box::pin(scene.clone_of().resolver.linger())).collect();
    scene.clock.run(poll_fn(|cx| {
        all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if all.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert_eq!(scene.clock.elapsed(), ms(30));
}

#[test]
fn a_failure_ends_lingering_and_is_nobody_s() {
    let scene = remembering(
        one(|asked| match asked.is_aaaa() {
            true => slow_a(asked),
            false => after(30, asked.reply(ServFail)),
        }),
        true,
    );
    connect(&scene, "a.example:80");
    assert_eq!(linger(&scene), 30);
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
}

#[test]
fn what_lingers_is_closed_with_the_last_clone() {
    let scene = remembering(one(no_a), true);
    connect(&scene, "a.example:80");
    let Scene { clock, servers, resolver } = scene;
    let lingering = resolver.linger();
    drop(resolver);
    assert_eq!(servers.open(), 1);
    drop(lingering);
    assert_eq!((servers.open(), clock.timers()), (0, 0));
}

#[test]
fn clearing_the_cache_closes_what_lingers() {
    let scene = remembering(one(slow_a), true);
    connect(&scene, "a.example:80");
    scene.resolver.clear_cache();
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
    assert_eq!(linger(&scene), 15);
}

#[test]
fn another_configuration_closes_what_lingers() {
    let clock = Clock::new();
    let servers = Servers::new(&clock, no_a);
    let file = File::new("nameserver 192.0.2.1\n");
    let watched = WatchedFile::config(&file.0, Environment::new());
    let resolver = DnsResolver::new(config(1), servers.clone(), clock.clone())
        .with_config_file(watched)
        .with_lingering(true);
    let polls_until_asked = |count| {
        let query = Query::new(Target::parse("a.example:80").unwrap());
        let mut answers = pin!(resolver.resolve(&query.with_families(Families::Ipv4)));
        futures_lite::future::block_on(poll_fn(|cx| {
            assert!(answers.as_mut().poll_next(cx).is_pending());
            if servers.log().len() < count { Poll::Pending } else { Poll::Ready(()) }
        }));
    };
    polls_until_asked(1);
    // A lookup that is waited for belongs to the old configuration and goes on.
    let other = Query::new(Target::parse("b.example:80").unwrap()).with_families(Families::Ipv4);
    let mut waits = pin!(resolver.resolve(&other));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll_next(&mut context).is_pending());
    fs::write(&file.0, "nameserver 192.0.2.22\n").unwrap();
    clock.advance(ms(990));
    polls_until_asked(2);
    assert_eq!(servers.open(), 2);
    clock.advance(ms(10));
    polls_until_asked(3);
    assert_eq!(servers.open(), 2);
    assert_eq!(servers.log()[2].server, 22);
    assert!(waits.as_mut().poll_next(&mut context).is_pending());
}
