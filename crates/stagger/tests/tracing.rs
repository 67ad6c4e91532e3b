//! What `tracing` receives about a connect, in order.
#![cfg(feature = "tracing")]

use std::error::Error;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use stagger::history::{Key, Knowledge, Memory, NetworkKey, Subnet};
use stagger::observe::Tracing;
use stagger::resolve::{Families, Record};
use stagger::{Dialer, History, Policy, Timer};
use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
use tracing::field::{Field, Visit};
use tracing::span::{self, Attributes, Id};
use tracing::subscriber::with_default;
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes a line for each call: spans by number, fields in their order.
#[derive(Clone)]
struct Listener(Arc<Mutex<Heard>>);

struct Heard {
    level: Level,
    lines: Vec<String>,
    /// The number of handles of each span.
    handles: Vec<usize>,
    entered: Vec<Id>,
}

impl Listener {
    /// Records events of this level and of more severe levels.
    fn new(level: Level) -> Self {
        let (lines, handles, entered) = Default::default();
        Self(Arc::new(Mutex::new(Heard { level, lines, handles, entered })))
    }

    fn write(&self, line: String) {
        self.0.lock().unwrap().lines.push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().lines.clone()
    }

    /// The span of an event: the span that it names, or the span that is entered.
    fn place(&self, parent: Option<&Id>, contextual: bool) -> String {
        let entered = || self.0.lock().unwrap().entered.last().cloned();
        let parent = parent.cloned().or_else(|| contextual.then(entered).flatten());
        parent.map_or_else(|| "nowhere".into(), |id| format!("in {}", id.into_u64()))
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.0.lock().unwrap().level
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let metadata = span.metadata();
        let place = self.place(span.parent(), span.is_contextual());
        let mut heard = self.0.lock().unwrap();
        heard.handles.push(1);
        let id = heard.handles.len() as u64;
        let (level, target, name) = (metadata.level(), metadata.target(), metadata.name());
        heard.lines.push(format!("{level} {target} span {id} {place}: {name}{}", fields.0));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let place = self.place(event.parent(), event.is_contextual());
        let (level, target) = (metadata.level(), metadata.target());
        self.write(format!("{level} {target} {place}:{}", fields.0));
    }

    fn enter(&self, id: &Id) {
        self.write(format!("enter {}", id.into_u64()));
        self.0.lock().unwrap().entered.push(id.clone());
    }

    fn exit(&self, id: &Id) {
        self.write(format!("exit {}", id.into_u64()));
        assert_eq!(self.0.lock().unwrap().entered.pop().as_ref(), Some(id));
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.0.lock().unwrap().handles[id.into_u64() as usize - 1] += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut heard = self.0.lock().unwrap();
        let handles = &mut heard.handles[id.into_u64() as usize - 1];
        *handles -= 1;
        let closed = *handles == 0;
        if closed {
            heard.lines.push(format!("close {}", id.into_u64()));
        }
        closed
    }
}

/// Fields as text, the message without its name.
#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        write!(self.0, " {}=\"{value}\"", field.name()).unwrap();
        if let Some(source) = value.source() {
            write!(self.0, " because of \"{source}\"").unwrap();
        }
    }
}

struct World {
    clock: Clock,
    ledger: Ledger,
}

impl World {
    fn new() -> Self {
        let clock = Clock::new();
        Self { ledger: Ledger::new(&clock), clock }
    }

    fn dialer(
        &self,
        resolver: ScriptedResolver,
        fates: impl IntoIterator<Item = (&'static str, Fate)>,
    ) -> Dialer<ScriptedResolver, ScriptedConnector, Clock, Tracing> {
        let start = ScriptedConnector::new(&self.ledger);
        let connector =
            fates.into_iter().fold(start, |connector, (name, fate)| connector.at(name, fate));
        Dialer::new(resolver, connector, self.clock.clone()).with_observer(Tracing::new())
    }

    fn resolver(&self) -> ScriptedResolver {
        ScriptedResolver::new(&self.ledger)
    }
}

#[test]
fn a_won_race_is_traced_in_order_and_never_entered() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(10), Record::A, [Place("v4a"), Place("v4b")]).finds(
        ms(100),
        Record::Aaaa,
        [Place("v6")],
    );
    let dialer = world.dialer(
        resolver,
        [
            ("v4a", Fate::fails(ms(20)).saying("refused")),
            ("v4b", Fate::silent()),
            ("v6", Fate::connects(ms(30))),
        ],
    );
    let listener = Listener::new(Level::TRACE);
    with_default(listener.clone(), || {
        world.clock.run(dialer.connect("host.example:https")).unwrap().hand_over();
    });
    assert_eq!(
        listener.lines(),
        [
            "DEBUG stagger span 1 nowhere: connect host=host.example service=https",
            "TRACE stagger in 1: lookup started elapsed=0ns",
            "TRACE stagger in 1: lookup answered elapsed=10ms asked=0ns record=\"A\" addresses=2",
            "TRACE stagger in 1: waiting for the preferred family elapsed=10ms until=60ms",
            "TRACE stagger in 1: attempt started elapsed=60ms address=v4a",
            "TRACE stagger in 1: attempt failed elapsed=80ms address=v4a error=\"refused\"",
            "TRACE stagger in 1: attempt started elapsed=80ms address=v4b",
            "TRACE stagger in 1: lookup answered elapsed=100ms asked=0ns record=\"AAAA\" addresses=1",
            "TRACE stagger in 1: attempt started elapsed=330ms address=v6",
            "TRACE stagger in 1: attempt dropped elapsed=360ms address=v4b",
            "DEBUG stagger in 1: connected elapsed=360ms address=v6",
            "close 1",
        ]
    );
    world.ledger.assert_clean();
}

#[test]
fn an_address_that_a_history_moves_back_is_traced_with_its_reason() {
    let world = World::new();
    let texts = ["192.0.2.1:443", "198.51.100.1:443", "203.0.113.1:443"];
    let [silent, slow, fast] = texts.map(|text| text.parse::<SocketAddr>().unwrap());
    let memory = Memory::new();
    let known = |address: SocketAddr, entry| {
        (Key::new(NetworkKey::default(), Subnet::of(address.ip())), entry)
    };
    let after = |took| Knowledge::new().with_round_trip(ms(took), ms(0));
    let now = world.clock.now();
    memory.restore([
        known(silent, Knowledge::new().with_silences(1, now, ms(30_000))),
        known(slow, after(310)),
        known(fast, after(30)),
    ]);
    let connector = ScriptedConnector::new(&world.ledger).at(fast, Fate::connects(ms(30)));
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = Dialer::new(resolver, connector, world.clock.clone())
        .with_history(History::new().with_store(memory))
        .with_observer(Tracing::new());
    let listener = Listener::new(Level::TRACE);
    with_default(listener.clone(), || {
        world.clock.run(dialer.connect_addresses([silent, slow, fast])).unwrap().hand_over();
    });
    let pace = "100 ms, because the address has connected before";
    assert_eq!(
        listener.lines(),
        [
            "DEBUG stagger span 1 nowhere: connect",
            "TRACE stagger in 1: candidate demoted elapsed=0ns address=192.0.2.1:443 demoted_for=30s",
            "TRACE stagger in 1: candidate outranked elapsed=0ns address=198.51.100.1:443 round_trip=310ms",
            &format!(
                "TRACE stagger in 1: attempt started elapsed=0ns address=203.0.113.1:443 pace={pace}"
            ),
            "DEBUG stagger in 1: connected elapsed=30ms address=203.0.113.1:443",
            "close 1",
        ]
    );
}

#[test]
fn a_lost_race_is_traced_with_every_cause() {
    let world = World::new();
    let resolver = world.resolver().fails(ms(5), Record::Aaaa).finds(
        ms(10),
        Record::A,
        [Place("v6"), Place("v4a"), Place("v4b")],
    );
    let policy = Policy::new().with_attempt_timeout(ms(400)).unwrap().with_families(Families::Ipv4);
    let dialer = world
        .dialer(resolver, [("v4a", Fate::silent()), ("v4b", Fate::fails(ms(1)).saying("refused"))])
        .with_policy(policy);
    let listener = Listener::new(Level::TRACE);
    let error = with_default(listener.clone(), || {
        world.clock.run(dialer.connect("host.example:80")).map(drop).unwrap_err()
    });
    assert_eq!(
        listener.lines(),
        [
            "DEBUG stagger span 1 nowhere: connect host=host.example service=80",
            "TRACE stagger in 1: lookup started elapsed=0ns",
            "TRACE stagger in 1: lookup failed elapsed=5ms asked=0ns record=\"AAAA\" error=\"AAAA lookup failed\"",
            "TRACE stagger in 1: lookup answered elapsed=10ms asked=0ns record=\"A\" addresses=3",
            "TRACE stagger in 1: candidate skipped elapsed=10ms address=v6 error=\"only IPv4 is wanted\"",
            "TRACE stagger in 1: attempt started elapsed=10ms address=v4a",
            "TRACE stagger in 1: attempt started elapsed=260ms address=v4b",
            "TRACE stagger in 1: attempt failed elapsed=261ms address=v4b error=\"refused\"",
            "TRACE stagger in 1: attempt timed out elapsed=410ms address=v4a",
            &format!("DEBUG stagger in 1: connect failed elapsed=410ms error=\"{error}\""),
            "close 1",
        ]
    );
}

#[test]
fn a_cancelled_race_is_traced_with_its_drops() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(10), Record::Addresses, [Place("v6"), Place("v4")]);
    let dialer = world.dialer(resolver, [("v6", Fate::silent()), ("v4", Fate::silent())]);
    let listener = Listener::new(Level::TRACE);
    with_default(listener.clone(), || {
        let connect = pin!(dialer.connect("host.example:80"));
        assert!(world.clock.run_until(ms(300), connect).is_pending());
    });
    assert_eq!(
        listener.lines()[3..],
        [
            "TRACE stagger in 1: attempt started elapsed=10ms address=v6",
            "TRACE stagger in 1: attempt started elapsed=260ms address=v4",
            "TRACE stagger in 1: attempt dropped elapsed=300ms address=v6",
            "TRACE stagger in 1: attempt dropped elapsed=300ms address=v4",
            "DEBUG stagger in 1: connect cancelled elapsed=300ms",
            "close 1",
        ]
    );
}

#[test]
fn at_the_level_debug_there_is_one_event_a_connect_within_the_caller_s_span() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, [Place("v6")]);
    let dialer = world.dialer(resolver, [("v6", Fate::connects(ms(30)))]);
    let listener = Listener::new(Level::DEBUG);
    with_default(listener.clone(), || {
        let request = tracing::info_span!(target: "client", "request");
        let _entered = request.enter();
        for _ in 0..2 {
            world.clock.run(dialer.connect("host.example:80")).unwrap().hand_over();
        }
    });
    assert_eq!(
        listener.lines(),
        [
            "INFO client span 1 nowhere: request",
            "enter 1",
            "DEBUG stagger span 2 in 1: connect host=host.example service=80",
            "DEBUG stagger in 2: connected elapsed=30ms address=v6",
            "close 2",
            "DEBUG stagger span 3 in 1: connect host=host.example service=80",
            "DEBUG stagger in 3: connected elapsed=30ms address=v6",
            "close 3",
            "exit 1",
            "close 1",
        ]
    );
}

#[test]
fn a_connect_that_nobody_listens_to_or_polls_tells_nothing() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, [Place("v6")]);
    let dialer = world.dialer(resolver, [("v6", Fate::connects(ms(30)))]);
    let listener = Listener::new(Level::INFO);
    with_default(listener.clone(), || {
        world.clock.run(dialer.connect("host.example:80")).unwrap().hand_over();
    });
    assert!(listener.lines().is_empty());
    let listener = Listener::new(Level::TRACE);
    with_default(listener.clone(), || drop(dialer.connect("host.example:80")));
    assert!(listener.lines().is_empty());
}

#[test]
fn a_traced_connect_may_go_to_another_thread() {
    fn check<T: Send + Sync + Clone + 'static>(_: &T) {}
    check(&Tracing::new());
}
