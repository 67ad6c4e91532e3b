//! A real name server, asked.

use std::net::SocketAddr;
use std::time::Duration;

use ::futures_lite::StreamExt as _;
use stagger::resolve::{Families, Query};
use stagger::{Answer, Resolver as _, Target};
use stagger_dns::{Config, DnsError};
use stagger_tests::{Runtime, Unbound, battery};

use super::{Dns, PATIENCE, configured, line, lines};

battery! {
    {
        unbound_s_addresses_of_both_families_are_found_also_through_aliases,
        unbound_s_word_that_there_is_nothing_is_believed_for_its_ttl,
        what_does_not_fit_into_a_datagram_of_unbound_s_comes_over_tcp,
        unbound_puts_more_into_a_datagram_for_whom_edns_allows_it,
        what_unbound_said_holds_for_its_ttl_also_when_it_is_gone,
    }
}

fn config(server: &Unbound) -> Config {
    let config = Config::new().with_servers([server.addr()]).unwrap();
    config.with_timeout(PATIENCE).and_then(|it| it.with_attempts(1)).unwrap()
}

fn asking<R: Runtime>(server: &Unbound) -> Dns<R> {
    configured::<R>(config(server))
}

fn answers<R: Runtime>(resolver: &Dns<R>, name: &str) -> Vec<Answer<SocketAddr, DnsError>> {
    let query = Query::new(Target::new(name, "80").unwrap());
    let mut answers: Vec<_> = R::new().run(resolver.resolve(&query).collect());
    answers.sort_by_key(Answer::record);
    answers
}

fn told(answers: &[Answer<SocketAddr, DnsError>]) -> Vec<(String, Option<Duration>)> {
    answers.iter().map(|answer| (line(answer), answer.ttl())).collect()
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn unbound_s_addresses_of_both_families_are_found_also_through_aliases<R: Runtime>() {
    let Some(server) = Unbound::start() else { return };
    let resolver = asking::<R>(&server);
    // The least TTL on the way counts.
    for (name, ttl) in [("www", 300), ("alias", 100), ("WWW", 300)] {
        let found =
            answers::<R>(&resolver.clone().with_cache_capacity(0), &format!("{name}.stagger.test"));
        let expected = ["A 192.0.2.1:80", "AAAA [2001:db8::1]:80"];
        assert_eq!(told(&found), expected.map(|text| (text.to_owned(), seconds(ttl))));
    }
}

fn unbound_s_word_that_there_is_nothing_is_believed_for_its_ttl<R: Runtime>() {
    let Some(server) = Unbound::start() else { return };
    let resolver = asking::<R>(&server);
    let nothing = answers::<R>(&resolver, "v4.stagger.test");
    let expected = [("A 192.0.2.4:80".to_owned(), seconds(300)), ("AAAA none".into(), seconds(30))];
    assert_eq!(told(&nothing), expected);
    let nowhere = answers::<R>(&resolver, "nowhere.stagger.test");
    let expected = ["A NotFound", "AAAA NotFound"].map(|text| (text.to_owned(), seconds(30)));
    assert_eq!(told(&nowhere), expected);
    // Gone, it is still believed.
    drop(server);
    assert_eq!(line(&answers::<R>(&resolver, "v4.stagger.test")[1]), "AAAA none");
    let again = answers::<R>(&resolver, "nowhere.stagger.test");
    assert!(
        again.iter().all(|answer| answer.ttl() < seconds(30) && line(answer).ends_with("NotFound"))
    );
}

fn count<R: Runtime>(resolver: &Dns<R>, name: &str) -> usize {
    let target = format!("{name}.stagger.test:80");
    let lines = lines(&R::new(), resolver, &target, Families::Ipv4);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    if line.starts_with("A 10.") { line.split(' ').count() - 1 } else { panic!("{line}") }
}

fn what_does_not_fit_into_a_datagram_of_unbound_s_comes_over_tcp<R: Runtime>() {
    let Some(server) = Unbound::start() else { return };
    assert_eq!(count::<R>(&asking::<R>(&server), "many"), Unbound::MANY);
    // All over TCP from the beginning.
    let resolver = configured::<R>(config(&server).with_use_vc(true));
    assert_eq!(count::<R>(&resolver, "some"), Unbound::SOME);
    drop(server);
    // And by nothing else: without TCP it is told, and not cut short.
    let Some(server) = Unbound::start_with("do-tcp: no") else { return };
    let found = lines(&R::new(), &asking::<R>(&server), "many.stagger.test:80", Families::Ipv4);
    assert_eq!(found, ["A Temporary"]);
}

fn unbound_puts_more_into_a_datagram_for_whom_edns_allows_it<R: Runtime>() {
    // Without TCP, so that what comes has come in a datagram.
    let Some(server) = Unbound::start_with("do-tcp: no") else { return };
    assert_eq!(count::<R>(&asking::<R>(&server), "some"), Unbound::SOME);
    let without = configured::<R>(config(&server).with_edns0(false));
    let found =
        |name: &str| lines(&R::new(), &without, &format!("{name}.stagger.test:80"), Families::Ipv4);
    assert_eq!(found("some"), ["A Temporary"]);
    assert_eq!(found("www"), ["A 192.0.2.1:80"]);
}

fn what_unbound_said_holds_for_its_ttl_also_when_it_is_gone<R: Runtime>() {
    let Some(server) = Unbound::start() else { return };
    let resolver = asking::<R>(&server);
    let fresh = answers::<R>(&resolver, "www.stagger.test");
    drop(server);
    let mut former = fresh;
    for _ in 0..3 {
        let kept = answers::<R>(&resolver, "www.stagger.test");
        assert_eq!(kept.len(), former.len());
        for (kept, former) in kept.iter().zip(&former) {
            assert_eq!(line(kept), line(former));
            assert!(kept.ttl() < former.ttl() && kept.ttl() > None, "{kept:?}");
        }
        former = kept;
    }
    // What was not asked for is not known.
    assert!(answers::<R>(&resolver, "v4.stagger.test").iter().all(|it| it.error().is_some()));
}
