//! Name servers that follow a script, on the clock of the test kit.
#![allow(dead_code, reason = "each test uses a part")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::process;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_lite::StreamExt as _;
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use stagger::resolve::{Families, Query};
use stagger::{Answer, Resolver, Target, Timer as _};
use stagger_dns::{Config, DnsError, DnsResolver, Network};
use stagger_testkit::{Clock, ms};

/// The messages of a server for one question, each with its time after the question.
pub(crate) type Replies = Vec<(Duration, io::Result<Vec<u8>>)>;

/// A question that has reached a server.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The time since the start of the clock.
    pub(crate) at: Duration,
    /// The last number of the server's address.
    pub(crate) server: u8,
    pub(crate) tcp: bool,
    /// In lower case, with the dot at its end.
    pub(crate) name: String,
    pub(crate) record_type: RecordType,
    pub(crate) message: Message,
}

impl Asked {
    pub(crate) fn is_aaaa(&self) -> bool {
        self.record_type == RecordType::AAAA
    }

    /// One line: the time, the server and the question.
    pub(crate) fn line(&self) -> String {
        let Self { at, server, tcp, name, record_type, .. } = self;
        let tcp = if *tcp { " tcp" } else { "" };
        format!("{} #{server}{tcp} {name} {record_type}", at.as_millis())
    }

    /// A reply without records.
    pub(crate) fn reply(&self, code: ResponseCode) -> Message {
        let mut reply =
            Message::new(self.message.metadata.id, MessageType::Response, OpCode::Query);
        reply.metadata.recursion_desired = true;
        reply.metadata.recursion_available = true;
        reply.metadata.response_code = code;
        reply.add_queries(self.message.queries.clone());
        reply
    }

    /// A reply with these addresses of the name that was asked for.
    pub(crate) fn found(&self, addresses: &[&str]) -> Message {
        let mut reply = self.reply(ResponseCode::NoError);
        for text in addresses {
            reply.add_answer(address(&self.name, 300, text));
        }
        reply
    }

    /// A negative reply of `code`, which may be cached for a minute.
    pub(crate) fn nothing(&self, code: ResponseCode) -> Message {
        let mut reply = self.reply(code);
        reply.add_authority(authority(".", 60, 3600));
        reply
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

pub(crate) fn address(owner: &str, ttl: u32, text: &str) -> Record {
    let data = match text.parse().unwrap() {
        IpAddr::V4(addr) => RData::A(A(addr)),
        IpAddr::V6(addr) => RData::AAAA(AAAA(addr)),
    };
    Record::from_rdata(name(owner), ttl, data)
}

pub(crate) fn alias(owner: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

pub(crate) fn authority(zone: &str, ttl: u32, minimum: u32) -> Record {
    let soa = SOA::new(name("ns.example."), name("mail.example."), 1, 2, 3, 4, minimum);
    Record::from_rdata(name(zone), ttl, RData::SOA(soa))
}

pub(crate) fn name_server(zone: &str) -> Record {
    Record::from_rdata(name(zone), 60, RData::NS(NS(name("ns.example."))))
}

/// One message, this long after the question.
pub(crate) fn after(milliseconds: u64, message: Message) -> Replies {
    vec![(ms(milliseconds), Ok(message.to_vec().unwrap()))]
}

pub(crate) fn fails(milliseconds: u64, kind: io::ErrorKind) -> Replies {
    vec![(ms(milliseconds), Err(kind.into()))]
}

pub(crate) fn silence() -> Replies {
    Vec::new()
}

/// Servers that all follow one script.
#[derive(Clone)]
pub(crate) struct Servers(Rc<Inner>);

struct Inner {
    clock: Clock,
    script: Box<dyn Fn(&Asked) -> Replies>,
    log: RefCell<Vec<Asked>>,
    open: RefCell<usize>,
    source: Cell<IpAddr>,
}

impl Servers {
    pub(crate) fn new(clock: &Clock, script: impl Fn(&Asked) -> Replies + 'static) -> Self {
        Self(Rc::new(Inner {
            clock: clock.clone(),
            script: Box::new(script),
            log: RefCell::default(),
            open: RefCell::default(),
            source: Cell::new([192, 0, 2, 100].into()),
        }))
    }

    pub(crate) fn log(&self) -> Vec<Asked> {
        self.0.log.borrow().clone()
    }

    /// The questions, one on each line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log().iter().map(Asked::line).collect()
    }

    /// Messages leave from this address now.
    pub(crate) fn set_source(&self, source: impl Into<IpAddr>) {
        self.0.source.set(source.into());
    }

    /// How many sockets are open.
    pub(crate) fn open(&self) -> usize {
        *self.0.open.borrow()
    }
}

impl Network for Servers {
    type Datagrams = Socket;
    type Reply = Socket;

    fn datagrams(&self, server: SocketAddr, message: Vec<u8>) -> Socket {
        Socket::new(self.clone(), server, message, false)
    }

    fn reply(&self, server: SocketAddr, message: Vec<u8>) -> Socket {
        Socket::new(self.clone(), server, message, true)
    }

    fn source_address(&self, _: SocketAddr) -> Option<IpAddr> {
        Some(self.0.source.get())
    }
}

/// A conversation, over UDP or TCP. It begins when it is polled.
pub(crate) struct Socket {
    servers: Servers,
    server: SocketAddr,
    message: Vec<u8>,
    tcp: bool,
    said: Option<VecDeque<(Duration, io::Result<Vec<u8>>)>>,
    sleep: Option<stagger_testkit::Sleep>,
}

impl Socket {
    fn new(servers: Servers, server: SocketAddr, message: Vec<u8>, tcp: bool) -> Self {
        Self { servers, server, message, tcp, said: None, sleep: None }
    }

    fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let inner = Rc::clone(&self.servers.0);
        let said = self.said.get_or_insert_with(|| {
            *inner.open.borrow_mut() += 1;
            let message = Message::from_vec(&self.message).unwrap();
            let question = &message.queries[0];
            let IpAddr::V4(addr) = self.server.ip() else { panic!("servers have IPv4 addresses") };
            let asked = Asked {
                at: inner.clock.elapsed(),
                server: addr.octets()[3],
                tcp: self.tcp,
                name: question.name.to_ascii().to_lowercase(),
                record_type: question.query_type,
                message: message.clone(),
            };
            inner.log.borrow_mut().push(asked.clone());
            let said = (inner.script)(&asked);
            said.into_iter().map(|(delay, what)| (asked.at + delay, what)).collect()
        });
        let Some((due, _)) = said.front() else { return Poll::Pending };
        let (due, now) = (*due, inner.clock.elapsed());
        if due > now {
            let deadline = inner.clock.now() + (due - now);
            let sleep = self.sleep.insert(inner.clock.sleep_until(deadline));
            assert!(pin!(sleep).poll(cx).is_pending());
            return Poll::Pending;
        }
        self.sleep = None;
        Poll::Ready(said.pop_front().unwrap().1)
    }
}

impl Stream for Socket {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_said(cx).map(Some)
    }
}

impl Future for Socket {
    type Output = io::Result<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_said(cx)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.said.is_some() {
            *self.servers.0.open.borrow_mut() -= 1;
        }
    }
}

/// This number of servers. Each has 1 s for a reply, and the list is asked once.
pub(crate) fn config(servers: u8) -> Config {
    let config = Config::new().with_timeout(ms(1000)).unwrap().with_attempts(1).unwrap();
    config.with_servers((1..=servers).map(|last| ([192, 0, 2, last], 53).into())).unwrap()
}

/// A clock, servers of this script, and a resolver that asks one of them.
pub(crate) fn one(script: impl Fn(&Asked) -> Replies + 'static) -> Scene {
    Scene::new(config(1), script)
}

/// Servers, and a resolver that asks them.
pub(crate) struct Scene {
    pub(crate) clock: Clock,
    pub(crate) servers: Servers,
    pub(crate) resolver: DnsResolver<Servers, Clock>,
}

/// An answer, and when it came.
pub(crate) type TimedAnswer = (u128, Answer<SocketAddr, DnsError>);

impl Scene {
    pub(crate) fn new(config: Config, script: impl Fn(&Asked) -> Replies + 'static) -> Self {
        let clock = Clock::new();
        let servers = Servers::new(&clock, script);
        let resolver = DnsResolver::new(config, servers.clone(), clock.clone());
        let resolver = resolver.with_cache_capacity(0);
        Self { clock, servers, resolver }
    }

    /// The same scene with a clone of the resolver.
    pub(crate) fn clone_of(&self) -> Self {
        let Self { clock, servers, resolver } = self;
        Self { clock: clock.clone(), servers: servers.clone(), resolver: resolver.clone() }
    }

    /// Resolves a target to the end.
    pub(crate) fn resolve(&self, target: &str, families: Families) -> Vec<TimedAnswer> {
        self.hear(&Query::new(Target::parse(target).unwrap()).with_families(families))
    }

    /// Reads the answers to a query to the end, and checks that nothing is left.
    pub(crate) fn hear(&self, query: &Query) -> Vec<TimedAnswer> {
        let mut stream = pin!(self.resolver.resolve(query));
        let mut answers = Vec::new();
        self.clock.run(async {
            while let Some(answer) = stream.next().await {
                answers.push((self.clock.elapsed().as_millis(), answer));
            }
        });
        assert_eq!((self.servers.open(), self.clock.timers()), (0, 0), "left behind");
        answers
    }

    /// Resolves a target. Returns each answer as a line.
    pub(crate) fn lines(&self, target: &str) -> Vec<String> {
        self.resolve(target, Families::Any).iter().map(line).collect()
    }

    /// The only answer for the IPv4 addresses of a name, as a line.
    pub(crate) fn ipv4(&self, name: &str) -> String {
        let answers = self.resolve(&format!("{name}:80"), Families::Ipv4);
        assert_eq!(answers.len(), 1);
        line(&answers[0])
    }

    /// The error of the lookup of the IPv4 addresses of a name.
    pub(crate) fn error(&self, name: &str) -> DnsError {
        let answers = self.resolve(&format!("{name}:80"), Families::Ipv4);
        answers[0].1.error().expect("an error").clone()
    }
}

/// An answer as one line: its time, its record, and its addresses or the kind of its error.
pub(crate) fn line((at, answer): &TimedAnswer) -> String {
    let record = answer.record();
    match answer.error() {
        Some(error) => {
            assert_eq!(answer.kind(), Some(error.kind()), "the kind of an answer is its error's");
            format!("{at} {record} {:?}", error.kind())
        }
        None => {
            let addresses: Vec<_> = answer.addresses().map(ToString::to_string).collect();
            match addresses.is_empty() {
                true => format!("{at} {record} none"),
                false => format!("{at} {record} {}", addresses.join(" ")),
            }
        }
    }
}

/// A file of this name, which is removed when this is dropped.
pub(crate) struct File(pub(crate) PathBuf);

impl File {
    pub(crate) fn new(text: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("stagger-dns-{}-{number}", process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The answers for the IPv4 addresses of a target, as lines without their time. Files are read on
/// another thread, which the clock does not know.
pub(crate) fn answer_lines(
    resolver: &DnsResolver<Servers, Clock>,
    clock: &Clock,
    target: &str,
) -> Vec<String> {
    let query = Query::new(Target::parse(target).unwrap()).with_families(Families::Ipv4);
    let mut answers = std::pin::pin!(resolver.resolve(&query));
    let mut lines = Vec::new();
    while let Some(answer) = futures_lite::future::block_on(async {
        // A virtual clock only moves while a future waits on it.
        std::future::poll_fn(|cx| {
            let polled = answers.as_mut().poll_next(cx);
            if polled.is_pending() && clock.timers() > 0 {
                clock.advance(ms(1));
                cx.waker().wake_by_ref();
            }
            polled
        })
        .await
    }) {
        lines.push(line(&(0, answer)));
    }
    lines
}
