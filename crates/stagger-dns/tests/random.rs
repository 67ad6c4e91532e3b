//! Servers with random behaviour. Every lookup ends as it must.
#![allow(clippy::print_stdout, reason = "the seed is for the reader")]

mod support;

use std::collections::BTreeMap;
use std::env;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::pin::pin;

use futures_lite::StreamExt as _;
use hickory_proto::op::ResponseCode::{FormErr, NXDomain, NoError, NotImp, Refused, ServFail};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use stagger::resolve::{Families, Query, Record};
use stagger::{Resolver as _, Target};
use stagger_testkit::ms;
use support::{Asked, Replies, Scene, address, after, alias, config, fails, name_server, silence};

/// The question, the servers, and the numbers that decide their behaviour.
#[derive(Clone, Debug)]
struct Case {
    servers: u8,
    attempts: u8,
    search: usize,
    ndots: u8,
    tcp: bool,
    edns: bool,
    families: u8,
    name: &'static str,
    salt: u64,
    /// The behaviour of servers. Each question takes one.
    moods: Vec<u8>,
    /// When the lookup is dropped in a second run.
    dropped_at: u64,
}

const SEARCH: [&str; 2] = ["x.test", "y.test"];

fn cases() -> impl Strategy<Value = Case> {
    let settings = (1..=3_u8, 1..=2_u8, 0..=2_usize, 0..=2_u8, any::<bool>(), any::<bool>());
    let name = prop_oneof![Just("a"), Just("a.b"), Just("a.b.")];
    let rest = (0..3_u8, name, any::<u64>(), vec(0..MOODS, 1..=6), 0..4000_u64);
    (settings, rest).prop_map(|(settings, rest)| {
        let (servers, attempts, search, ndots, tcp, edns) = settings;
        let (families, name, salt, moods, dropped_at) = rest;
        Case {
            servers,
            attempts,
            search,
            ndots,
            tcp: tcp && edns,
            edns,
            families,
            name,
            salt,
            moods,
            dropped_at,
        }
    })
}

const MOODS: u8 = 20;

impl Case {
    fn config(&self) -> stagger_dns::Config {
        config(self.servers)
            .with_attempts(self.attempts.into())
            .and_then(|config| config.with_search(&SEARCH[..self.search]))
            .and_then(|config| config.with_ndots(self.ndots.into()))
            .unwrap()
            .with_use_vc(self.tcp)
            .with_edns0(self.edns)
    }

    fn families(&self) -> Families {
        [Families::Any, Families::Ipv4, Families::Ipv6][usize::from(self.families)]
    }

    /// The names to ask for, in order.
    fn candidates(&self) -> Vec<String> {
        let written = format!("{}.", self.name.trim_end_matches('.'));
        if self.name.ends_with('.') {
            return vec![written];
        }
        let mut names: Vec<_> =
            SEARCH[..self.search].iter().map(|domain| format!("{written}{domain}.")).collect();
        let dots = self.name.matches('.').count();
        let place = if dots >= usize::from(self.ndots) { 0 } else { names.len() };
        names.insert(place, written);
        names
    }

    /// Which of these names was asked for, directly or by an alias.
    fn candidate(&self, asked: &str) -> usize {
        let name = asked.trim_start_matches("z.");
        self.candidates().iter().position(|known| known == name).expect("a name of the list")
    }

    fn say(&self, asked: &Asked) -> Replies {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let is_plain = asked.message.edns.is_none();
        let lot = hasher.hash_one((
            self.salt,
            asked.server,
            &asked.name,
            asked.is_aaaa(),
            asked.tcp,
            is_plain,
        ));
        let mood = self.moods[lot as usize % self.moods.len()];
        let delay = (lot >> 32) % 5 * 300;
        let id = u8::try_from(self.candidate(&asked.name)).unwrap();
        let mine = match asked.is_aaaa() {
            true => format!("2001:db8::{id}"),
            false => format!("192.0.2.{id}"),
        };
        let found = asked.found(&[&mine]);
        match mood {
            0..=3 => after(delay, found),
            4 | 5 => after(delay, asked.nothing(NXDomain)),
            6 => after(delay, asked.nothing(NoError)),
            7 => after(delay, asked.reply(ServFail)),
            8 => after(delay, asked.reply(Refused)),
            9 => after(delay, asked.reply(FormErr)),
            10 => after(delay, asked.reply(NotImp)),
            11 => silence(),
            12 => fails(delay, io::ErrorKind::ConnectionRefused),
            13 => {
                let mut reply = found;
                reply.metadata.truncation = true;
                after(delay, reply)
            }
            14 => {
                let mut stray = found.clone();
                stray.metadata.id ^= 1;
                let mut said = after(delay, stray);
                said.extend(after(delay, found));
                said
            }
            15 => (0..40).map(|n| (ms(delay + n), Ok(vec![n as u8; n as usize]))).collect(),
            16 => {
                let mut bytes = found.to_vec().unwrap();
                bytes.truncate(bytes.len() - 1 - lot as usize % 20);
                vec![(ms(delay), Ok(bytes))]
            }
            17 => {
                let mut reply = asked.reply(NoError);
                let target = format!("z.{}", asked.name);
                reply.add_answer(alias(&asked.name, 60, &target));
                if lot % 2 == 0 {
                    reply.add_answer(address(&target, 60, &mine));
                }
                after(delay, reply)
            }
            18 => {
                let mut reply = asked.reply(NoError);
                reply.add_answer(alias(&asked.name, 60, &asked.name));
                after(delay, reply)
            }
            _ => {
                let mut reply = asked.reply(NoError);
                reply.metadata.recursion_available = false;
                reply.add_authority(name_server("test."));
                after(delay, reply)
            }
        }
    }
}

fn check(case: &Case) {
    let script = case.clone();
    let scene = Scene::new(case.config(), move |asked| script.say(asked));
    // This checks that no socket and no timer is left.
    let answer_lines = scene.resolve(&format!("{}:1", case.name), case.families());

    let mut records: Vec<_> = answer_lines.iter().map(|(_, answer)| answer.record()).collect();
    records.sort();
    let wanted: &[_] = match case.families() {
        Families::Any => &[Record::A, Record::Aaaa],
        Families::Ipv4 => &[Record::A],
        Families::Ipv6 => &[Record::Aaaa],
    };
    assert_eq!(records, wanted, "each family is answered once");

    let mut ids: Vec<_> = answer_lines
        .iter()
        .flat_map(|(_, answer)| answer.addresses())
        .map(|addr| match addr.ip() {
            IpAddr::V4(addr) => addr.octets()[3],
            IpAddr::V6(addr) => addr.octets()[15],
        })
        .collect();
    ids.dedup();
    assert!(ids.len() <= 1, "addresses of several names: {ids:?}");

    let log = scene.servers.log();
    let walked: Vec<_> = log.iter().map(|asked| case.candidate(&asked.name)).collect();
    assert!(walked.is_sorted(), "the list is walked in order: {walked:?}");
    if let Some(id) = ids.first() {
        assert_eq!(walked.last(), Some(&usize::from(*id)), "nothing is asked beyond what is found");
    }
    for number in 0..case.candidates().len() {
        let of_number = |asked: &&Asked| case.candidate(&asked.name) == number;
        let first = |aaaa| log.iter().filter(of_number).find(|asked| asked.is_aaaa() == aaaa);
        if let (Some(aaaa), Families::Any) = (first(true), case.families()) {
            assert_eq!(first(false).map(|a| a.at), Some(aaaa.at), "{number}: in one poll");
        }
    }
    assert!(log.len() <= 3 * 2 * 17 * 2 * 2 * 3, "{} questions", log.len());
    let mut questions = BTreeMap::<_, Vec<_>>::new();
    for asked in &log {
        questions.entry((asked.server, &asked.name, asked.is_aaaa())).or_default().push(asked);
    }
    for ((server, name, _), asked) in questions {
        // There is one try more than the attempts, for a lost datagram, but at most three. Each has
        // a message with EDNS or without, one more without, and one over TCP.
        let most = 3 * usize::from(case.attempts + 1).min(3);
        assert!(asked.len() <= most, "#{server} was asked {} times for {name}", asked.len());
        // Its tries have 1 s each, and a reply may require two messages with 1 s each.
        let took = asked[asked.len() - 1].at - asked[0].at;
        assert!(took <= ms(1000) * (u32::from(case.attempts) + 2), "#{server} had {took:?}");
    }

    let script = case.clone();
    let scene = Scene::new(case.config(), move |asked| script.say(asked));
    let query = Query::new(Target::new(case.name, "1").unwrap()).with_families(case.families());
    let mut answers = Box::pin(scene.resolver.resolve(&query));
    let all = async { while answers.next().await.is_some() {} };
    let _ = scene.clock.run_until(ms(case.dropped_at), pin!(all));
    drop(answers);
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0), "left behind by a drop");
}

#[test]
fn whatever_servers_do_each_family_is_answered_once_of_one_name_and_nothing_is_left_behind() {
    let seed = env::var("STAGGER_SEED").ok().map_or_else(
        || RandomState::new().hash_one(0),
        |seed| seed.parse().expect("STAGGER_SEED is a number"),
    );
    println!("STAGGER_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: 2000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&cases(), |case| {
        check(&case);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("STAGGER_SEED={seed}: {why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("STAGGER_SEED={seed}: {why}"),
    }
}
