//! Lookups that linger. The file is long because all tests share its script of lookups.

use std::collections::BTreeMap;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::task::{Wake, Waker};
use std::time::Duration;

use stagger::resolve::{MAX_LINGERING, Record};
use stagger_net::reactor::ReactorMark;
use stagger_testkit::{Clock, ms};

use super::*;
use crate::lookup::joined::JoinedLookup;
use crate::lookup::{FoundAddresses, LookupResult, LookupService};
use crate::question::{Question, name_of, shown};

/// A service whose lookups end when the script ends them, and which caches their results.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<State>>, Clock);

#[derive(Default)]
struct State {
    /// The events in order: `+a` for a lookup that begins, `.a` for a poll, `-a` for a drop.
    log: Vec<String>,
    wakers: BTreeMap<String, Waker>,
    ended: Vec<String>,
    panics: Vec<String>,
    known: Vec<String>,
    reactor: u8,
}

struct ScriptLookup(Script, String);

impl LookupService for Script {
    type Lookup = ScriptLookup;

    fn look_up(&self, question: &Question) -> ScriptLookup {
        let name = shown(&question.name);
        lock(&self.0).log.push(format!("+{name}"));
        ScriptLookup(self.clone(), name)
    }

    fn known(&self, question: &Question) -> Option<LookupResult> {
        lock(&self.0).known.contains(&shown(&question.name)).then(found)
    }

    fn reactor(&self) -> ReactorMark {
        let (script, reactor) = (self.clone(), lock(&self.0).reactor);
        ReactorMark::new(move || lock(&script.0).reactor == reactor)
    }
}

impl TimedLookups for Script {
    type Timer = Clock;

    fn timer(&self) -> &Clock {
        &self.1
    }
}

impl Future for ScriptLookup {
    type Output = LookupResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LookupResult> {
        let Self(script, name) = &*self;
        let mut state = lock(&script.0);
        state.log.push(format!(".{name}"));
        state.wakers.insert(name.clone(), cx.waker().clone());
        if state.panics.contains(name) {
            drop(state);
            panic_any("on purpose");
        }
        if !state.ended.contains(name) {
            return Poll::Pending;
        }
        state.known.push(name.clone());
        Poll::Ready(found())
    }
}

impl Drop for ScriptLookup {
    fn drop(&mut self) {
        lock(&self.0.0).log.push(format!("-{}", self.1));
    }
}

fn found() -> LookupResult {
    Ok(FoundAddresses::new(vec![[192, 0, 2, 1].into()], Duration::from_secs(60)))
}

impl Script {
    fn joining(&self) -> JoinedLookups<Self> {
        JoinedLookups::new(self.clone(), true)
    }

    /// Ends this lookup, and wakes its task.
    fn ends(&self, name: &str) {
        lock(&self.0).ended.push(name.into());
        self.wakes(name);
    }

    fn wakes(&self, name: &str) {
        let waker = lock(&self.0).wakers.remove(name);
        waker.expect("it was polled").wake();
    }

    /// The events since the last call.
    fn log(&self) -> String {
        std::mem::take(&mut lock(&self.0).log).join(" ")
    }

    fn enters(&self, reactor: u8) {
        lock(&self.0).reactor = reactor;
    }
}

fn look_up(joining: &JoinedLookups<Script>, name: &str) -> JoinedLookup<Script> {
    joining.look_up(&Question::new(name_of(name).unwrap(), Record::A))
}

#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    fn polls<T>(self: &Arc<Self>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> bool {
        let waker = Waker::from(Arc::clone(self));
        poll(&mut Context::from_waker(&waker)).is_ready()
    }

    fn looks_up(self: &Arc<Self>, joined: &mut JoinedLookup<Script>) -> bool {
        self.polls(|cx| Pin::new(joined).poll(cx))
    }

    fn attends(
        self: &Arc<Self>,
        joining: &JoinedLookups<Script>,
        driver: &mut LingerDriver,
    ) -> bool {
        self.polls(|cx| driver.poll_end(joining, cx))
    }

    fn woken(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

/// Begins these lookups and drops them, all at one time.
fn drops(joining: &JoinedLookups<Script>, names: &[&str]) {
    let begun = |name: &&str| {
        let mut joined = look_up(joining, name);
        assert!(!Arc::<Task>::default().looks_up(&mut joined));
        joined
    };
    let begun: Vec<_> = names.iter().map(begun).collect();
    drop(begun);
}

fn lingering(joining: &JoinedLookups<Script>) -> usize {
    lock(&joining.0.in_flight).reactors.iter().map(|reactor| reactor.lingering.len()).sum()
}

fn is_idle(joining: &JoinedLookups<Script>, script: &Script) -> bool {
    let in_flight = lock(&joining.0.in_flight);
    in_flight.lookups.is_empty() && in_flight.reactors.is_empty() && script.1.timers() == 0
}

#[test]
fn a_dropped_lookup_lingers_and_is_joined() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    drops(&joining, &["a"]);
    assert_eq!((script.log(), lingering(&joining)), ("+a .a".into(), 1));
    let mut joined = look_up(&joining, "a");
    assert!(!task.looks_up(&mut joined));
    assert_eq!(lingering(&joining), 0);
    script.ends("a");
    assert_eq!(task.woken(), 1);
    assert!(task.looks_up(&mut joined));
    drop(joined);
    assert!(is_idle(&joining, &script));
}

#[test]
fn only_the_last_waiter_lets_a_lookup_linger() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    let [mut first, mut second] = [(); 2].map(|()| look_up(&joining, "a"));
    assert!(!task.looks_up(&mut first) && !task.looks_up(&mut second));
    drop(first);
    assert_eq!(lingering(&joining), 0);
    drop(second);
    assert_eq!(lingering(&joining), 1);
}

#[test]
fn the_waiter_of_another_lookup_polls_what_lingers_and_only_what_is_due() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    drops(&joining, &["a", "b"]);
    script.log();
    let mut other = look_up(&joining, "c");
    assert!(!task.looks_up(&mut other));
    // Each was dropped before its next poll.
    assert_eq!(script.log(), ".a .b +c .c");
    assert!(!task.looks_up(&mut other));
    assert_eq!(script.log(), ".c");
    script.ends("a");
    assert_eq!(task.woken(), 1);
    assert!(!task.looks_up(&mut other));
    assert_eq!(script.log(), ".c .a -a");
    // Its result is cached, and the other still lingers.
    assert!(task.looks_up(&mut look_up(&joining, "a")));
    assert_eq!((script.log().as_str(), lingering(&joining)), ("", 1));
}

#[test]
fn a_lookup_whose_outcome_is_remembered_polls_what_lingers_as_well() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    drops(&joining, &["a", "b"]);
    script.ends("a");
    assert!(task.looks_up(&mut look_up(&joining, "a")));
    assert_eq!(script.log(), "+a .a +b .b .a -a .b");
}

#[test]
fn a_lookup_that_begins_to_linger_wakes_a_driver() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    let mut other = look_up(&joining, "b");
    assert!(!task.looks_up(&mut other));
    drops(&joining, &["a"]);
    assert_eq!(task.woken(), 1);
    assert!(!task.looks_up(&mut other));
    assert_eq!((script.log().as_str(), script.1.timers()), ("+b .b +a .a .b .a", 1));
}

#[test]
fn an_event_wakes_one_of_many_drivers_and_another_when_that_is_dropped() {
    let script = Script::default();
    let joining = script.joining();
    let tasks: [Arc<Task>; 2] = Default::default();
    drops(&joining, &["a"]);
    let mut others = ["b", "c"].map(|name| look_up(&joining, name));
    for (task, other) in tasks.iter().zip(&mut others) {
        assert!(!task.looks_up(other));
    }
    script.wakes("a");
    assert_eq!(tasks.each_ref().map(|task| task.woken()), [1, 0]);
    let [first, second] = others;
    drop(first);
    assert_eq!(tasks.each_ref().map(|task| task.woken()), [0, 1]);
    drop(second);
}

#[test]
fn a_driver_whose_own_lookup_ends_leaves_an_event_to_another() {
    let script = Script::default();
    let joining = script.joining();
    let tasks: [Arc<Task>; 2] = Default::default();
    drops(&joining, &["a"]);
    let mut others = ["b", "c"].map(|name| look_up(&joining, name));
    for (task, other) in tasks.iter().zip(&mut others) {
        assert!(!task.looks_up(other));
    }
    script.wakes("a");
    lock(&script.0).ended.push("b".into());
    assert_eq!(tasks.each_ref().map(|task| task.woken()), [1, 0]);
    script.log();
    // It is held after its end.
    assert!(tasks[0].looks_up(&mut others[0]));
    assert_eq!((script.log().as_str(), tasks[1].woken()), (".b -b", 1));
    assert!(!tasks[1].looks_up(&mut others[1]));
    assert!(script.log().contains(".a"));
}

#[test]
fn a_lookup_lingers_for_a_second_and_no_longer() {
    let script = Script::default();
    let (joining, clock) = (script.joining(), script.1.clone());
    let task = Arc::<Task>::default();
    clock.advance(ms(40));
    drops(&joining, &["a"]);
    let mut driver = LingerDriver::default();
    assert!(!task.attends(&joining, &mut driver));
    assert_eq!(clock.next_wake(), Some(ms(1040)));
    clock.advance_to(ms(1039));
    assert!(!task.attends(&joining, &mut driver));
    script.log();
    task.woken();
    // A reply at that time comes too late.
    lock(&script.0).ended.push("a".into());
    clock.advance_to(ms(1040));
    assert_eq!(task.woken(), 1);
    assert!(task.attends(&joining, &mut driver));
    assert_eq!(script.log(), "-a");
    assert!(is_idle(&joining, &script));
}

#[test]
fn a_lookup_that_is_dropped_again_lingers_anew() {
    let script = Script::default();
    let (joining, clock) = (script.joining(), script.1.clone());
    drops(&joining, &["a"]);
    clock.advance(ms(900));
    drops(&joining, &["a"]);
    clock.advance(ms(999));
    drops(&joining, &["a"]);
    assert!(!script.log().contains('-'));
    clock.advance(ms(1000));
    drops(&joining, &["a"]);
    assert_eq!(script.log(), "-a +a .a");
}

#[test]
fn one_too_many_drops_the_oldest() {
    let script = Script::default();
    let joining = script.joining();
    let names: Vec<_> = (0..=MAX_LINGERING).map(|number| format!("n{number}")).collect();
    for name in &names[..MAX_LINGERING] {
        drops(&joining, &[name]);
    }
    assert_eq!((script.log().contains('-'), lingering(&joining)), (false, 64));
    drops(&joining, &[&names[MAX_LINGERING]]);
    assert!(script.log().ends_with("+n64 .n64 -n0"));
    assert_eq!(lingering(&joining), 64);
}

#[test]
fn one_poll_polls_a_few_and_is_repeated_for_the_rest() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    let names: Vec<_> = (0..=MAX_POLLS).map(|number| format!("n{number}")).collect();
    drops(&joining, &Vec::from_iter(names.iter().map(String::as_str)));
    script.log();
    let mut driver = LingerDriver::default();
    assert!(!task.attends(&joining, &mut driver));
    assert_eq!((script.log().split(' ').count(), task.woken()), (MAX_POLLS, 1));
    assert!(!task.attends(&joining, &mut driver));
    assert_eq!((script.log(), task.woken()), (".n16".into(), 0));
}

#[test]
fn attending_ends_when_nothing_lingers_any_more() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    let mut driver = LingerDriver::default();
    assert!(task.attends(&joining, &mut driver));
    drops(&joining, &["a", "b"]);
    assert!(!task.attends(&joining, &mut driver));
    script.ends("a");
    assert_eq!(task.woken(), 1);
    assert!(!task.attends(&joining, &mut driver));
    // Another task takes the last lookup over.
    let mut joined = look_up(&joining, "b");
    assert!(!Arc::<Task>::default().looks_up(&mut joined));
    assert_eq!(task.woken(), 1);
    assert!(task.attends(&joining, &mut driver));
}

#[test]
fn what_lingers_is_polled_on_its_own_reactor_alone_and_ends_on_any() {
    let script = Script::default();
    let (joining, clock) = (script.joining(), script.1.clone());
    let task = Arc::<Task>::default();
    script.enters(1);
    drops(&joining, &["a"]);
    script.enters(2);
    assert!(task.attends(&joining, &mut LingerDriver::default()));
    let mut other = look_up(&joining, "a");
    assert!(!task.looks_up(&mut other));
    assert_eq!(script.log(), "+a .a +a .a");
    clock.advance(ms(1000));
    assert!(!task.looks_up(&mut other));
    assert_eq!((script.log().as_str(), lingering(&joining)), (".a -a", 0));
}

#[test]
fn a_task_that_moves_to_another_reactor_is_a_driver_there() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    script.enters(1);
    drops(&joining, &["a"]);
    let mut other = look_up(&joining, "b");
    assert!(!task.looks_up(&mut other));
    let on_first = lock(&script.0).wakers.remove("a").unwrap();
    script.enters(2);
    drops(&joining, &["a"]);
    assert!(!task.looks_up(&mut other));
    task.woken();
    on_first.wake();
    assert_eq!(task.woken(), 0);
    script.wakes("a");
    assert_eq!(task.woken(), 1);
}

#[test]
fn what_lingers_goes_with_the_last_handle_of_its_source() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    drops(&joining, &["a"]);
    let mut other = look_up(&joining, "b");
    assert!(!task.looks_up(&mut other));
    script.log();
    drop(joining);
    assert_eq!(script.log(), "");
    drop(other);
    let log = script.log();
    assert!(log == "-a -b" || log == "-b -a", "{log}");
    assert_eq!(script.1.timers(), 0);
}

#[test]
fn lingering_can_be_stopped_for_good() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    drops(&joining, &["a"]);
    let mut driver = LingerDriver::default();
    assert!(!task.attends(&joining, &mut driver));
    let mut other = look_up(&joining, "b");
    assert!(!task.looks_up(&mut other));
    script.log();
    task.woken();
    joining.stop_lingering();
    assert_eq!((script.log().as_str(), task.woken()), ("-a", 1));
    assert!(task.attends(&joining, &mut driver));
    drop(other);
    assert_eq!(script.log(), "-b");
    assert!(is_idle(&joining, &script));
}

#[test]
fn a_lookup_that_panics_while_it_lingers_harms_nobody() {
    let script = Script::default();
    let joining = script.joining();
    let task = Arc::<Task>::default();
    drops(&joining, &["a", "b"]);
    lock(&script.0).panics.push("a".into());
    script.log();
    let mut other = look_up(&joining, "c");
    assert!(!task.looks_up(&mut other));
    assert_eq!((script.log().as_str(), lingering(&joining)), (".a -a .b +c .c", 1));
    // The next lookup begins anew.
    lock(&script.0).panics.clear();
    assert!(!task.looks_up(&mut look_up(&joining, "a")));
    assert!(script.log().starts_with("+a .a"));
}

#[test]
fn tasks_on_many_threads_leave_nothing_behind() {
    for _ in 0..30 {
        let script = Script::default();
        let joining = script.joining();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (script, joining) = (script.clone(), joining.clone());
                scope.spawn(move || {
                    let task = Arc::<Task>::default();
                    let mut driver = LingerDriver::default();
                    for round in 0..20 {
                        let name = format!("n{}", (thread + round) % 3);
                        let mut joined = look_up(&joining, &name);
                        task.looks_up(&mut joined);
                        if round % 5 == 4 {
                            lock(&script.0).ended.push(name);
                        }
                        drop(joined);
                        task.attends(&joining, &mut driver);
                    }
                });
            }
        });
        script.1.advance(LINGER_TIMEOUT);
        assert!(Arc::<Task>::default().attends(&joining, &mut LingerDriver::default()));
        assert!(is_idle(&joining, &script));
        let log = script.log();
        let count = |sign| log.split(' ').filter(|step| step.starts_with(sign)).count();
        assert_eq!(count('+'), count('-'));
    }
}
