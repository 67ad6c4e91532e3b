//! Connects behind servers that answer AAAA too late, or never.

mod support;

use std::cell::{Cell, RefCell};
use std::fs;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream as _;
use hickory_proto::op::ResponseCode::{NXDomain, NoError, ServFail};
use stagger::connect::connector_fn;
use stagger::resolve::{Families, Query};
use stagger::{Dialer, Policy, Resolver as _, Target, Timer as _};
use stagger_dns::{Config, DnsResolver, Environment, ServerPolicy, WatchedFile};
use stagger_testkit::{Clock, ms};
use support::{
    Asked, File, Replies, Scene, Servers, address, after, answer_lines, config, one, silence,
};

/// A after 20 ms.
fn v4(asked: &Asked) -> Replies {
    after(20, asked.found(&["192.0.2.1"]))
}

/// A after 20 ms, and AAAA never.
fn no_aaaa(asked: &Asked) -> Replies {
    if asked.is_aaaa() { silence() } else { v4(asked) }
}

/// A after 20 ms, and AAAA this long after it, or never. The test can change it.
fn aaaa_after(delay: &Rc<Cell<Option<u64>>>) -> impl Fn(&Asked) -> Replies + 'static {
    let delay = Rc::clone(delay);
    move |asked| match (asked.is_aaaa(), delay.get()) {
        (true, Some(delay)) => after(20 + delay, asked.found(&["2001:db8::1"])),
        _ => no_aaaa(asked),
    }
}

/// Connects with this policy to the first address that accepts, which takes 30 ms. Yields how long
/// after its beginning each attempt began.
fn connect_by(scene: &Scene, target: &str, policy: Policy) -> Vec<String> {
    let starts = Rc::new(RefCell::new(Vec::new()));
    let (clock, log) = (scene.clock.clone(), Rc::clone(&starts));
    let begun = clock.elapsed();
    let connector = connector_fn(move |addr: SocketAddr| {
        let at = (clock.elapsed() - begun).as_millis();
        log.borrow_mut().push(format!("{at} {addr}"));
        let sleep = clock.sleep(ms(30));
        async move {
            sleep.await;
            Ok::<_, std::io::Error>(addr)
        }
    });
    let dialer = Dialer::new(scene.resolver.clone(), connector, scene.clock.clone());
    scene.clock.run(dialer.with_policy(policy).connect(target)).unwrap();
    starts.take()
}

/// The beginning of the only attempt, which is at the IPv4 address.
fn starts(scene: &Scene, target: &str) -> String {
    let starts = connect_by(scene, target, Policy::new());
    let [start] = &starts[..] else { panic!("{starts:?}") };
    start.strip_suffix(" 192.0.2.1:80").unwrap_or(start).into()
}

fn eight(scene: &Scene, target: &str) {
    for _ in 0..8 {
        assert_eq!(starts(scene, target), "70");
    }
}

#[test]
fn the_ninth_connect_waits_for_no_aaaa() {
    let scene = one(no_aaaa);
    eight(&scene, "a.example:80");
    assert_eq!(scene.clock.elapsed(), ms(800));
    assert_eq!(starts(&scene, "b.example:80"), "20");
    assert_eq!(scene.clock.elapsed(), ms(850));
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0));
    // AAAA is still asked for.
    let asked = scene.servers.log().iter().filter(|asked| asked.is_aaaa()).count();
    assert_eq!(asked, 9);
}

#[test]
fn where_a_is_remembered_the_ninth_connect_starts_at_once() {
    for lingering in [false, true] {
        let mut scene = one(no_aaaa);
        scene.resolver = scene.resolver.with_cache_capacity(100).with_lingering(lingering);
        assert_eq!(starts(&scene, "a.example:80"), "70");
        for _ in 0..7 {
            assert_eq!(starts(&scene, "a.example:80"), "50");
        }
        assert_eq!(starts(&scene, "a.example:80"), "0");
        assert_eq!(scene.clock.elapsed(), ms(100 + 7 * 80 + 30));
    }
}

#[test]
fn one_timely_aaaa_has_the_next_connect_wait_again() {
    let delay = Rc::new(Cell::new(None));
    let scene = one(aaaa_after(&delay));
    eight(&scene, "a.example:80");
    assert_eq!(starts(&scene, "a.example:80"), "20");
    delay.set(Some(5));
    // It comes while IPv4 connects, and is no reason to wait yet.
    assert_eq!(starts(&scene, "a.example:80"), "20");
    delay.set(None);
    assert_eq!(starts(&scene, "a.example:80"), "70");
}

#[test]
fn an_aaaa_at_the_end_of_the_delay_is_timely_and_a_later_one_is_not() {
    for (after, ninth) in [(50, "70"), (51, "20")] {
        let delay = Rc::new(Cell::new(Some(after)));
        let scene = one(aaaa_after(&delay));
        for _ in 0..8 {
            connect_by(&scene, "a.example:80", Policy::new());
        }
        delay.set(None);
        assert_eq!(starts(&scene, "a.example:80"), ninth, "{after}");
    }
}

#[test]
fn a_negative_aaaa_is_timely_and_a_failure_is_not() {
    type Script = fn(&Asked) -> Replies;
    let replies: [(Script, _); 3] = [
        (|asked| after(10, asked.nothing(NoError)), "70"),
        (|asked| after(10, asked.nothing(NXDomain)), "70"),
        // It ends the wait before it begins, so nothing is learned from it.
        (|asked| after(10, asked.reply(ServFail)), "20"),
    ];
    for (reply, next) in replies {
        let is_silent = Rc::new(Cell::new(true));
        let silent = Rc::clone(&is_silent);
        let scene = one(move |asked| match asked.is_aaaa() && !silent.get() {
            true => reply(asked),
            false => no_aaaa(asked),
        });
        eight(&scene, "a.example:80");
        is_silent.set(false);
        assert_eq!(starts(&scene, "a.example:80"), "20");
        is_silent.set(true);
        assert_eq!(starts(&scene, "a.example:80"), next);
    }
}

#[test]
fn an_aaaa_that_is_remembered_says_nothing_of_a_server() {
    let mut scene = one(|asked| match (asked.name.as_str(), asked.is_aaaa()) {
        ("b.example.", true) => after(5, asked.found(&["2001:db8::1"])),
        ("b.example.", false) => {
            let mut reply = asked.reply(NoError);
            reply.add_answer(address("b.example.", 0, "192.0.2.2"));
            after(20, reply)
        }
        _ => no_aaaa(asked),
    });
    scene.resolver = scene.resolver.with_cache_capacity(100);
    scene.lines("b.example:80");
    for _ in 0..8 {
        starts(&scene, "a.example:80");
    }
    // Its A is asked for again.
    assert_eq!(connect_by(&scene, "b.example:80", Policy::new()), ["0 [2001:db8::1]:80"]);
    assert_eq!(scene.servers.log().iter().filter(|it| it.name == "b.example.").count(), 3);
    assert_eq!(starts(&scene, "a.example:80"), "0");
}

#[test]
fn a_connect_that_is_dropped_before_the_delay_has_run_out_counts_for_nothing() {
    let scene = one(no_aaaa);
    let query = Query::new(Target::parse("a.example:80").unwrap());
    for (waits, ninth) in [(49, "70"), (50, "20")] {
        for _ in 0..8 {
            let mut answers = pin!(scene.resolver.resolve(&query));
            let mut all = pin!(poll_fn(|cx| loop {
                match answers.as_mut().poll_next(cx) {
                    Poll::Ready(Some(_)) => {}
                    other => return other.map(|_| ()),
                }
            }));
            let end = scene.clock.elapsed() + ms(20 + waits);
            assert!(scene.clock.run_until(end, all.as_mut()).is_pending());
        }
        assert_eq!(starts(&scene, "a.example:80"), ninth, "{waits}");
    }
}

#[test]
fn a_longer_delay_is_spent_as_far_as_it_was_waited() {
    let policy = || Policy::new().with_resolution_delay(ms(200)).unwrap();
    let scene = one(no_aaaa);
    for _ in 0..8 {
        assert_eq!(connect_by(&scene, "a.example:80", policy()), ["220 192.0.2.1:80"]);
    }
    assert_eq!(connect_by(&scene, "a.example:80", policy()), ["20 192.0.2.1:80"]);
    // What was learned with the usual delay does not shorten a longer one by more.
    let scene = one(no_aaaa);
    eight(&scene, "a.example:80");
    assert_eq!(connect_by(&scene, "a.example:80", policy()), ["140 192.0.2.1:80"]);
}

#[test]
fn a_race_that_waits_for_late_replies_still_gets_them() {
    let policy = || Policy::new().with_resolution_delay(ms(200)).unwrap();
    let delay = Rc::new(Cell::new(Some(150)));
    let scene = one(aaaa_after(&delay));
    for _ in 0..12 {
        assert_eq!(connect_by(&scene, "a.example:80", policy()), ["170 [2001:db8::1]:80"]);
    }
}

#[test]
fn each_server_is_learned_of_by_itself() {
    // The first server fails for names with b.
    let scene = Scene::new(config(2), |asked| match asked.name.starts_with('b') {
        true if asked.server == 1 && !asked.is_aaaa() => after(0, asked.reply(ServFail)),
        _ => no_aaaa(asked),
    });
    eight(&scene, "a.example:80");
    assert_eq!(starts(&scene, "a.example:80"), "20");
    eight(&scene, "b.example:80");
    assert_eq!(starts(&scene, "b.example:80"), "20");
}

#[test]
fn connects_at_one_time_that_share_a_lookup_count_once() {
    for (names, next) in [(1, "70"), (8, "20")] {
        let scene = one(no_aaaa);
        let dials = (0..8).map(|number| {
            let name = format!("n{}.example:80", number % names);
            let (scene, policy) = (scene.clone_of(), Policy::new());
            let clock = scene.clock.clone();
            let connector = connector_fn(move |addr: SocketAddr| {
                let sleep = clock.sleep(ms(30));
                async move {
                    sleep.await;
                    Ok::<_, std::io::Error>(addr)
                }
            });
            let dialer = Dialer::new(scene.resolver, connector, scene.clock).with_policy(policy);
            Box::pin(async move { dialer.connect(name.as_str()).await })
        });
        let mut dials: Vec<_> = dials.collect();
        scene.clock.run(poll_fn(|cx| {
            dials.retain_mut(|dial| Future::poll(dial.as_mut(), cx).is_pending());
            if dials.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(starts(&scene, "a.example:80"), next, "{names}");
    }
}

#[test]
fn a_query_for_one_family_teaches_nothing_and_is_told_nothing() {
    let scene = one(no_aaaa);
    let ipv4 = || Policy::new().with_families(Families::Ipv4);
    for _ in 0..9 {
        assert_eq!(connect_by(&scene, "a.example:80", ipv4()), ["20 192.0.2.1:80"]);
    }
    eight(&scene, "a.example:80");
    let answer_lines = scene.resolve("a.example:80", Families::Ipv4);
    assert_eq!(answer_lines[0].1.delay_spent(), Duration::ZERO);
}

#[test]
fn clearing_the_cache_forgets_what_was_learned() {
    let scene = one(no_aaaa);
    eight(&scene, "a.example:80");
    scene.resolver.clear_cache();
    assert_eq!(starts(&scene, "a.example:80"), "70");
}

#[test]
fn another_configuration_forgets_what_was_learned() {
    let clock = Clock::new();
    let servers = Servers::new(&clock, no_aaaa);
    let file = File::new("nameserver 192.0.2.1\noptions timeout:1 attempts:1\n");
    let watched = WatchedFile::config(&file.0, Environment::new());
    let resolver = DnsResolver::new(Config::new(), servers, clock.clone())
        .with_cache_capacity(0)
        .with_config_file(watched)
        // A failure would be returned at once, and would not be late.
        .with_server_policy(ServerPolicy::new().with_failures_remembered(false));
    let spent = || {
        let query = Query::new(Target::parse("a.example:80").unwrap());
        let mut answers = pin!(resolver.resolve(&query));
        let mut spent = Duration::ZERO;
        // Longer than the resolution delay, and until AAAA has failed.
        while let Some(answer) = futures_lite::future::block_on(poll_fn(|cx| {
            let polled = answers.as_mut().poll_next(cx);
            if polled.is_pending() && clock.timers() > 0 {
                clock.advance(ms(1));
                cx.waker().wake_by_ref();
            }
            polled
        })) {
            spent = spent.max(answer.delay_spent());
        }
        spent
    };
    assert!((0..8).all(|_| spent().is_zero()));
    assert_eq!(spent(), ms(980));
    fs::write(&file.0, "nameserver 192.0.2.1\noptions timeout:1 attempts:1 ndots:2\n").unwrap();
    clock.advance(ms(1000));
    answer_lines(&resolver, &clock, "a.example:80");
    assert!(spent().is_zero());
}
