//! The threads of lookups: how many there are, when they end, and what happens when none can be
//! started.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::StreamExt as _;
use futures_lite::future::{block_on, poll_once};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use stagger::connect::connector_fn;
use stagger::error::{ErrorKind, LookupErrorKind};
use stagger::resolve::Query;
use stagger::{Dialer, Resolver as _, Target};
use stagger_net::SystemResolver;
use stagger_net::lookup::PendingLookup;
use stagger_net::system::on_thread;
use stagger_testkit::Clock;
use stagger_tests::process::{alone, as_another_user, threads};

/// What has not happened after this hangs.
const HANG: Duration = Duration::from_secs(10);

/// How long an idle thread is kept.
const KEPT: Duration = Duration::from_secs(10);

macro_rules! here {
    ($name:ident) => {
        concat!(module_path!(), "::", stringify!($name))
    };
}

/// Lets this process have so many threads more than it has now, or as many as it likes.
fn allow_more_threads(more: Option<usize>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nproc);
    let current = more.map_or(maximum, |more| Some((threads() + more) as u64));
    setrlimit(Resource::Nproc, Rlimit { current, maximum }).unwrap();
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

/// A name from the hosts file of every machine. The port makes lookups different.
fn lookup(port: u16) -> PendingLookup<stagger_net::lookup::Addresses> {
    stagger_net::lookup::lookup("localhost").with_service(port).into_future()
}

/// Polls the future to its end, however long it is not woken, while `HANG` is not over.
fn soon<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let deadline = Instant::now() + HANG;
    loop {
        if let Some(output) = block_on(poll_once(&mut future)) {
            return output;
        }
        assert!(Instant::now() < deadline, "it hangs");
        thread::yield_now();
    }
}

#[test]
fn without_a_thread_lookups_fail_at_once_and_work_again_when_there_may_be_threads() {
    as_another_user(
        here!(without_a_thread_lookups_fail_at_once_and_work_again_when_there_may_be_threads),
        || {
            for _ in 0..2 {
                allow_more_threads(Some(0));
                let (began, processor) = (Instant::now(), processor_time());
                // What asks the network, and what does not; many at a time.
                for port in 1..=100 {
                    let error = block_on(lookup(port)).unwrap_err();
                    assert_eq!(error.kind(), LookupErrorKind::Temporary, "{error}");
                    assert!(error.to_string().contains("no thread could be started"), "{error}");
                    assert_eq!(error.os_error(), Some(rustix::io::Errno::AGAIN.raw_os_error()));
                }
                let query = Query::new(Target::parse("127.0.0.1:https").unwrap());
                let mut answers = pin!(SystemResolver::new_on(Clock::new()).resolve(&query));
                let answer = block_on(answers.next()).unwrap();
                assert_eq!(answer.kind(), Some(LookupErrorKind::Temporary));
                let connector = connector_fn(|_: SocketAddr| pending::<io::Result<()>>());
                let resolver = SystemResolver::new_on(Clock::new());
                let dialer = Dialer::new(resolver, connector, Clock::new());
                let error = block_on(dialer.connect("localhost:https")).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Lookup);
                assert_eq!(error.lookup_kind(), Some(LookupErrorKind::Temporary));
                let took = began.elapsed();
                assert!(took < HANG, "{took:?}");
                let processor = processor_time() - processor;
                assert!(processor < HANG / 10, "{processor:?} of the processor");

                allow_more_threads(None);
                let found = soon(lookup(1)).unwrap();
                assert!(found.addresses().count() > 0);
                let answer = block_on(SystemResolver::new_on(Clock::new()).resolve(&query).next());
                assert_eq!(answer.unwrap().addresses().count(), 1);
                // The thread has to be gone, or the next round finds it.
                until_all_have_ended(KEPT + HANG);
            }
        },
    );
}

#[test]
fn with_one_thread_lookups_wait_their_turn_and_all_have_theirs_when_there_may_be_more() {
    as_another_user(
        here!(with_one_thread_lookups_wait_their_turn_and_all_have_theirs_when_there_may_be_more),
        || {
            allow_more_threads(Some(1));
            let release = hold(1);
            let mut waiting: Vec<_> = (1..=64).map(lookup).collect();
            for lookup in &mut waiting {
                assert!(block_on(poll_once(lookup)).is_none());
            }
            assert_eq!(of_lookups().len(), 1);
            drop(release);
            for lookup in waiting {
                assert!(soon(lookup).unwrap().addresses().count() > 0);
            }
            assert_eq!(of_lookups().len(), 1);

            // The next call brings threads for those that wait already.
            let release = hold(1);
            let mut waiting: Vec<_> = (1..=8).map(lookup).collect();
            for lookup in &mut waiting {
                assert!(block_on(poll_once(lookup)).is_none());
            }
            allow_more_threads(None);
            assert!(soon(lookup(9)).unwrap().addresses().count() > 0);
            for lookup in waiting {
                assert!(soon(lookup).unwrap().addresses().count() > 0);
            }
            assert!(of_lookups().len() > 1);
            drop(release);
        },
    );
}

#[test]
fn after_a_burst_no_thread_wakes_and_all_have_ended_some_10_s_later() {
    alone(here!(after_a_burst_no_thread_wakes_and_all_have_ended_some_10_s_later), || {
        const BURST: u16 = 64;

        let before = threads();
        let release = hold(BURST.into());
        let mut lookups: Vec<_> = (1..=BURST).map(lookup).collect();
        lookups.retain_mut(|lookup| block_on(poll_once(lookup)).is_none());
        assert!(of_lookups().len() >= BURST.into());
        assert!(of_lookups().len() <= usize::from(BURST) * 2, "more threads than calls");
        drop(release);
        for lookup in lookups {
            soon(lookup).unwrap();
        }
        let idle = Instant::now();
        let deadline = idle + HANG;
        // A thread that waits for a lock looks idle for a moment, and is counted once more after it.
        let (mut switches, mut since) = (of_lookups(), Instant::now());
        while since.elapsed() < Duration::from_secs(1) {
            assert!(Instant::now() < deadline, "the threads are not idle");
            pause();
            let now = of_lookups();
            if now != switches || threads_awake() > 0 {
                (switches, since) = (now, Instant::now());
            }
        }
        // A wake-up in between would be a voluntary switch more.
        let mut last = switches.clone();
        while idle.elapsed() < KEPT - Duration::from_secs(1) {
            last = of_lookups();
            pause();
        }
        assert_eq!(last, switches);
        until_all_have_ended(KEPT + HANG);
        assert_eq!(threads(), before);
    });
}

/// Takes so many threads of the pool, until what it returns is dropped.
fn hold(count: usize) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let (tell, begun) = mpsc::channel();
    for _ in 0..count {
        let (released, tell) = (released.clone(), tell.clone());
        on_thread(move |thread| {
            tell.send(thread.is_ok()).unwrap();
            // It ends when the sender is dropped.
            let _ = released.lock().unwrap().recv();
        });
    }
    for _ in 0..count {
        assert!(begun.recv().unwrap());
    }
    release
}

/// A moment without a look at the condition that is waited for.
fn pause() {
    thread::park_timeout(Duration::from_millis(50));
}

fn until_all_have_ended(patience: Duration) {
    let deadline = Instant::now() + patience;
    while !of_lookups().is_empty() {
        assert!(Instant::now() < deadline, "{} threads are left", of_lookups().len());
        pause();
    }
}

/// How often each thread for lookups has given the processor away by itself, by its number.
fn of_lookups() -> BTreeMap<u32, u64> {
    tasks()
        .into_iter()
        .map(|(id, status)| (id, number(&status, "voluntary_ctxt_switches:")))
        .collect()
}

/// How many threads for lookups do not wait.
fn threads_awake() -> usize {
    let waits = |status: &str| status.lines().any(|line| line.starts_with("State:\tS"));
    tasks().values().filter(|status| !waits(status)).count()
}

/// The status of each thread for lookups. One that ends meanwhile is left out.
fn tasks() -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap();
        let Ok(status) = fs::read_to_string(task.path().join("status")) else { continue };
        if status.starts_with("Name:\tstagger-lookup\n") {
            found.insert(task.file_name().to_str().unwrap().parse().unwrap(), status);
        }
    }
    found
}

fn number(status: &str, field: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    value.unwrap().trim().parse().unwrap()
}
