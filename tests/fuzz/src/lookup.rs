//! Whole lookups over DNS.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_lite::StreamExt as _;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{self, RData};
use stagger::resolve::{Families, Query, Record};
use stagger::{Resolver as _, Target};
use stagger_dns::cache::MAX_TTL;
use stagger_dns::{Environment, Hosts, Switch};
use stagger_testkit::ms;

use self::support::{Asked, Replies, Scene, TimedAnswer, config, name_server};
use crate::assert_one_line;

// The name servers of a script that the tests of the resolver have.
#[path = "name_servers.rs"]
mod support;

const NAMES: [&str; 4] = ["a", "a.b", "a.b.", "www.example.com"];

const SEARCH: [&str; 2] = ["x.test", "y.test"];

/// What the hosts file says, where there is one.
const HOSTS: &str = "192.0.2.200 a.b\n2001:db8::200 a.b www.example.com\n";

/// Whom a lookup may go by. The first is without a hosts file.
const SWITCHES: [&str; 16] = [
    "dns",
    "files dns",
    "dns files",
    "files",
    "files [NOTFOUND=return] dns",
    "dns [NOTFOUND=return] files",
    "dns [UNAVAIL=return] files",
    "dns [!UNAVAIL=return] files",
    "files [SUCCESS=continue] dns",
    "dns [SUCCESS=continue] files",
    "files [SUCCESS=merge] dns",
    "dns [SUCCESS=merge] files",
    "dns [SUCCESS=merge UNAVAIL=return] files",
    "resolve [!UNAVAIL=return] files dns",
    "mdns4_minimal [NOTFOUND=return] dns files",
    "mymachines",
];

/// How long a whole lookup may take: for each of three names, seventeen questions at the end of
/// sixteen aliases, to three servers, twice round, of three messages each (with EDNS, without, over
/// TCP), one second a message.
const LONGEST: Duration = Duration::from_secs(3 * 17 * 3 * 2 * 3);

/// The most questions of one lookup: as many for each family as take the longest time.
const MOST_QUESTIONS: u64 = 2 * LONGEST.as_secs();

/// The most bytes of a message: a name, and for each of three servers its words, all escaped.
const LONGEST_MESSAGE: usize = 4 * 255 + 3 * (10 * 200 + 200);

/// A name is looked up twice, and once more by a lookup that is dropped, while name servers answer
/// with any bytes at any time: each family is answered once, in bounded time, and nothing is left
/// behind. The hosts file may have a word in it, before them or after.
///
/// The first three bytes are the resolver's settings, the fourth says when the third lookup is
/// dropped. The rest is what the servers say, one after another as they are asked: see
/// `Script::say`.
pub fn lookup(input: &[u8]) {
    let Some((&[settings, more, name, dropped_at], said)) = input.split_first_chunk() else {
        return;
    };
    let config = config(1 + settings % 3)
        .with_attempts(1 + u32::from(settings >> 2 & 1))
        .and_then(|config| config.with_search(&SEARCH[..usize::from(more % 3)]))
        .and_then(|config| config.with_ndots(u32::from(more >> 2 & 3)))
        .expect("the settings are within every range")
        .with_use_vc(settings & 8 != 0)
        .with_edns0(settings & 16 != 0);
    let families = match settings >> 5 & 3 {
        0 => Families::Ipv4,
        1 => Families::Ipv6,
        _ => Families::Any,
    };
    let script = RefCell::new(Script(said.to_vec().into()));
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let mut scene = Scene::new(config, move |asked| {
        count.set(count.get() + 1);
        script.borrow_mut().say(asked)
    });
    if settings & 128 != 0 {
        scene.resolver = scene.resolver.with_cache_capacity(8);
    }
    let switch = usize::from(more >> 4);
    if switch > 0 {
        let hosts = Hosts::parse(HOSTS.as_bytes(), &Environment::new()).value;
        let switch = Switch::parse(format!("hosts: {}", SWITCHES[switch]).as_bytes()).value;
        scene.resolver = scene.resolver.with_hosts(hosts).with_switch(switch);
    }

    let target = format!("{}:1", NAMES[usize::from(name % 4)]);
    let first = resolve(&scene, &target, families);
    let again = resolve(&scene, &target, families);
    assert!(asked.get() <= 2 * MOST_QUESTIONS, "{} questions", asked.get());
    // With a search list another name may be found the next time.
    if switch == 0 && settings & 128 != 0 && (more % 3 == 0 || target.contains(".:")) {
        check_cache(&first, &again);
    }

    let query = Query::new(Target::parse(&target).unwrap()).with_families(families);
    let mut answers = Box::pin(scene.resolver.resolve(&query));
    let all = async { while answers.next().await.is_some() {} };
    let until = scene.clock.elapsed() + ms(16 * u64::from(dropped_at));
    let _ = scene.clock.run_until(until, pin!(all));
    drop(answers);
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0), "left behind by a drop");
}

/// Resolves the target to the end, and looks at what came.
fn resolve(scene: &Scene, target: &str, families: Families) -> Vec<TimedAnswer> {
    let begin = scene.clock.elapsed();
    // This checks that no socket and no timer is left behind.
    let answers = scene.resolve(target, families);
    assert!(scene.clock.elapsed() - begin <= LONGEST, "{:?}", scene.clock.elapsed());

    let last_words = answers.iter().filter(|(_, answer)| !answer.is_provisional());
    let mut records: Vec<_> = last_words.map(|(_, answer)| answer.record()).collect();
    records.sort();
    let wanted: &[_] = match families {
        Families::Any if records == [Record::Addresses] => &[Record::Addresses],
        Families::Any => &[Record::A, Record::Aaaa],
        Families::Ipv4 => &[Record::A],
        Families::Ipv6 => &[Record::Aaaa],
    };
    assert_eq!(records, wanted, "each family is answered once");
    for (_, answer) in &answers {
        assert!(answer.addresses().count() <= 1024);
        for addr in answer.addresses() {
            let is_of = match answer.record() {
                Record::Aaaa => addr.is_ipv6(),
                Record::A => addr.is_ipv4(),
                _ => true,
            };
            assert!(is_of && addr.port() == 1, "{answer:?}");
        }
        assert!(answer.ttl().is_none_or(|ttl| ttl <= MAX_TTL), "{:?}", answer.ttl());
        if let Some(error) = answer.error() {
            assert_one_line(&error.to_string(), LONGEST_MESSAGE);
            assert!(error.servers().len() <= 3);
        }
    }
    answers
}

/// Addresses that may be kept are not asked for again.
fn check_cache(first: &[TimedAnswer], again: &[TimedAnswer]) {
    let last = first.iter().map(|(at, _)| *at).max().unwrap_or_default();
    for (at, answer) in first {
        let Some(ttl) = answer.ttl().filter(|_| answer.error().is_none()) else { continue };
        let (_, same) = again.iter().find(|(_, same)| same.record() == answer.record()).unwrap();
        let is_kept = answer.addresses().count() <= 256 && *at + ttl.as_millis() > last;
        if is_kept {
            assert!(answer.addresses().eq(same.addresses()), "{answer:?}, then {same:?}");
            assert!(same.ttl().is_some_and(|left| left <= ttl), "{answer:?}, then {same:?}");
        }
    }
}

/// What the servers say.
struct Script(VecDeque<u8>);

impl Script {
    /// What is said to the next question: the lower five bits of a byte are a number of items.
    ///
    /// Of each the first byte is when it comes, in units of 8 ms after the one before it, and the
    /// second what it is: the lower three bits say how it is made, the next four are a response
    /// code, and with the last its id is wrong. Bytes have their length before them. When all is
    /// said, each question is answered at once, with one address.
    fn say(&mut self, asked: &Asked) -> Replies {
        if self.0.is_empty() {
            self.0.extend([1, 0, 6, 0, 1]);
        }
        let (mut said, mut at) = (Replies::new(), Duration::ZERO);
        for _ in 0..self.next() & 31 {
            at += ms(8 * u64::from(self.next()));
            said.push((at, self.item(asked)));
        }
        said
    }

    fn item(&mut self, asked: &Asked) -> io::Result<Vec<u8>> {
        let about = self.next();
        let code = ResponseCode::from(0, about >> 3 & 15);
        let mut reply = asked.reply(code);
        let name = &asked.message.queries[0].name;
        let record = |ttl, data| rr::Record::from_rdata(name.clone(), ttl, data);
        let mut bytes = match about & 7 {
            0 => self.bytes(),
            1 => return Err(io::ErrorKind::ConnectionRefused.into()),
            2 => {
                reply.metadata.truncation = true;
                reply.to_vec().expect("a reply has a form")
            }
            3 => {
                // No alias of a name that has no room for another label.
                let alias = name.prepend_label(format!("z{}", self.next() % 20));
                reply.add_answers(alias.map(|alias| record(60, RData::CNAME(CNAME(alias)))));
                reply.to_vec().expect("a reply has a form")
            }
            4 => {
                reply.metadata.recursion_available = false;
                reply.add_authority(name_server("test."));
                reply.to_vec().expect("a reply has a form")
            }
            5 => {
                let nothing = asked.nothing(code);
                nothing.to_vec().expect("a reply has a form")
            }
            6 => {
                let (ttl, last) = (self.next(), self.next());
                reply.add_answer(record(ttl.into(), address(asked, last)));
                reply.to_vec().expect("a reply has a form")
            }
            // The counts of records, and the records.
            _ => {
                let mut bytes = reply.to_vec().expect("a reply has a form");
                for place in &mut bytes[6..12] {
                    *place = 0;
                }
                for place in [7, 9, 11] {
                    bytes[place] = self.next() & 7;
                }
                bytes.extend(self.bytes());
                bytes
            }
        };
        let is_wrong = about & 128 != 0;
        if let Some(id) = bytes.get_mut(..2) {
            let right = asked.message.metadata.id ^ u16::from(is_wrong);
            id.copy_from_slice(&right.to_be_bytes());
        }
        Ok(bytes)
    }

    /// 0 when there is no more of a thing that was begun.
    fn next(&mut self) -> u8 {
        self.0.pop_front().unwrap_or_default()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = usize::from(self.next()).min(self.0.len());
        self.0.drain(..length).collect()
    }
}

fn address(asked: &Asked, last: u8) -> RData {
    match asked.is_aaaa() {
        true => RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into())),
        false => RData::A(A::new(192, 0, 2, last)),
    }
}
