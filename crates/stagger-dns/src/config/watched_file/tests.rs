use std::cell::Cell;
use std::error::Error;
use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use futures_lite::future::block_on;
use stagger::resolve::Families;

use super::*;

/// A directory that is removed with its content when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);

        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stagger-dns-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file as a list of its bytes, and how often it was read.
fn counted(path: PathBuf, max_bytes: u64) -> (WatchedFile<Vec<u8>>, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reads);
    let watched = WatchedFile::new(path, max_bytes, move |bytes: Option<&[u8]>| {
        count.fetch_add(1, Ordering::Relaxed);
        bytes.unwrap_or_default().to_vec()
    });
    (watched, reads)
}

/// A time that is this many checks from now.
fn later(start: Instant, checks: u32) -> Instant {
    start + checks * CHECK_INTERVAL
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_file_is_read_when_asked_for_and_not_again_before_the_next_check() {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    fs::write(&path, "one").unwrap();
    let start = Instant::now();
    let (watched, reads) = counted(path.clone(), 100);
    assert_eq!(reads.load(Ordering::Relaxed), 0);
    assert_eq!(*block_on(watched.get(start)).unwrap(), b"one");

    fs::write(&path, "other").unwrap();
    let just_before = later(start, 1) - Duration::from_nanos(1);
    assert_eq!(*block_on(watched.get(just_before)).unwrap(), b"one");
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    assert_eq!(*block_on(watched.get(later(start, 1))).unwrap(), b"other");
    // An earlier time, of a slow caller, changes nothing.
    assert_eq!(*block_on(watched.get(start)).unwrap(), b"other");
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

#[test]
fn a_change_within_one_step_of_the_clock_and_of_equal_length_is_seen() {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    let start = Instant::now();
    fs::write(&path, "0").unwrap();
    let time = SystemTime::now();
    let (watched, _) = counted(path.clone(), 100);
    for round in 0..9_u8 {
        fs::write(&path, [round]).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let now = later(start, round.into());
        assert_eq!(*block_on(watched.get(now)).unwrap(), [round]);
    }
}

#[test]
fn as_long_as_a_file_is_as_it_was_its_content_is_the_same_arc() {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    fs::write(&path, "one").unwrap();
    let start = Instant::now();
    let (watched, _) = counted(path, 100);
    let first = block_on(watched.get(start)).unwrap();
    // The file was just written, so it is read again. Its content is equal.
    let second = block_on(watched.get(later(start, 1))).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[cfg(unix)]
#[test]
fn a_file_that_has_not_changed_for_long_is_looked_at_and_not_read() {
    // The device is as old as the machine's start, and no test changes it.
    let (watched, reads) = counted("/dev/null".into(), 100);
    let start = Instant::now();
    for check in 0..5 {
        assert!(block_on(watched.get(later(start, check))).unwrap().is_empty());
    }
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[test]
fn a_missing_file_is_an_empty_one_until_it_is_there() {
    let scratch = Scratch::new();
    let path = scratch.path("hosts");
    let start = Instant::now();
    let hosts = WatchedFile::hosts(&path, Environment::new());
    let first = block_on(hosts.get(start)).unwrap();
    assert!(first.value.is_empty());
    assert!(Arc::ptr_eq(&first, &block_on(hosts.get(later(start, 1))).unwrap()));

    fs::write(&path, "192.0.2.1 a\n").unwrap();
    let found = block_on(hosts.get(later(start, 2))).unwrap();
    assert_eq!(found.value.addresses("a", Families::Any, 0).count(), 1);
    fs::remove_file(&path).unwrap();
    assert!(block_on(hosts.get(later(start, 3))).unwrap().value.is_empty());

    // A path below a file is missing too.
    let config = WatchedFile::config("/dev/null/resolv.conf", Environment::new());
    assert_eq!(block_on(config.get(start)).unwrap().value, Config::new());
    let switch = WatchedFile::switch(scratch.path("none").join("nsswitch.conf"));
    assert_eq!(block_on(switch.get(start)).unwrap().value, Switch::default());
}

#[test]
fn another_file_in_its_place_is_seen() {
    let scratch = Scratch::new();
    let path = scratch.path("resolv.conf");
    let start = Instant::now();
    fs::write(&path, "nameserver 192.0.2.1\n").unwrap();
    let config = WatchedFile::config(&path, Environment::new());
    let server = |now| block_on(config.get(now)).unwrap().value.servers()[0].to_string();
    assert_eq!(server(start), "192.0.2.1:53");
    let other = scratch.path("other");
    fs::write(&other, "nameserver 192.0.2.2\n").unwrap();
    fs::rename(&other, &path).unwrap();
    assert_eq!(server(later(start, 1)), "192.0.2.2:53");
}

#[test]
fn a_file_that_is_too_large_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    let start = Instant::now();
    fs::write(&path, [b'x'; 101]).unwrap();
    let (watched, reads) = counted(path.clone(), 100);
    let err = block_on(watched.get(start)).unwrap_err();
    assert_eq!(err.to_string(), format!("{path:?} is larger than 100 bytes"));
    assert_eq!((err.path(), err.kind()), (path.as_path(), io::ErrorKind::FileTooLarge));
    assert_eq!(reads.load(Ordering::Relaxed), 0);
    // The error is kept until the next look, and then tried again.
    fs::write(&path, [b'x'; 100]).unwrap();
    assert!(block_on(watched.get(start)).is_err());
    assert_eq!(block_on(watched.get(later(start, 1))).unwrap().len(), 100);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_an_end_is_too_large() {
    let (watched, _) = counted("/dev/zero".into(), 1 << 20);
    let err = block_on(watched.get(Instant::now())).unwrap_err();
    assert_eq!(err.kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_directory_is_no_file() {
    let scratch = Scratch::new();
    let path = scratch.path(".");
    let (watched, _) = counted(path.clone(), 100);
    let err = block_on(watched.get(Instant::now())).unwrap_err();
    assert_eq!(err.to_string(), format!("{path:?} is no file"));
    assert_eq!(io::Error::from(err).kind(), io::ErrorKind::InvalidInput);
}

#[cfg(unix)]
#[test]
fn what_the_system_refuses_is_an_error_with_the_path_and_the_cause() {
    let scratch = Scratch::new();
    let path = scratch.path("loop");
    // A link to itself is an error for root too.
    std::os::unix::fs::symlink("loop", &path).unwrap();
    let (watched, _) = counted(path.clone(), 100);
    let start = Instant::now();
    let err = block_on(watched.get(start)).unwrap_err();
    assert_eq!(err.to_string(), format!("can't read {path:?}"));
    let cause = err.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), err.kind());

    fs::remove_file(&path).unwrap();
    fs::write(&path, "one").unwrap();
    assert_eq!(*block_on(watched.get(later(start, 1))).unwrap(), b"one");
}

#[test]
fn however_many_ask_and_leave_one_check_runs_at_a_time() {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    fs::write(&path, "one").unwrap();
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel::<()>();
    let gate = Mutex::new((begun, released));
    let watched = WatchedFile::new(path, 100, move |bytes: Option<&[u8]>| {
        count.fetch_add(1, Ordering::Relaxed);
        let gate = gate.lock().unwrap();
        gate.0.send(()).unwrap();
        gate.1.recv().unwrap();
        bytes.unwrap_or_default().to_vec()
    });
    let now = Instant::now();
    for _ in 0..10 {
        assert!(poll(pin!(watched.get(now))).is_pending());
    }
    has_begun.recv().unwrap();
    let mut first = pin!(watched.get(now));
    let mut second = pin!(watched.get(now));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    release.send(()).unwrap();
    let (first, second) = (block_on(first).unwrap(), block_on(second).unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(started.load(Ordering::Relaxed), 1);
}

#[test]
fn a_panic_in_reading_is_an_error_and_nobody_waits_for_ever() {
    let scratch = Scratch::new();
    let path = scratch.path("file");
    let parse = |bytes: Option<&[u8]>| {
        assert_eq!(bytes, Some(&[][..]), "meant to panic");
        0
    };
    fs::write(&path, "one").unwrap();
    let watched = WatchedFile::new(path.clone(), 100, parse);
    let start = Instant::now();
    let err = block_on(watched.get(start)).unwrap_err();
    assert_eq!(err.to_string(), format!("reading {path:?} panicked"));
    fs::write(&path, "").unwrap();
    assert_eq!(*block_on(watched.get(later(start, 1))).unwrap(), 0);
}

#[test]
fn a_read_fits_any_executor() {
    fn is_send<T: Send>(_: &T) {}
    let hosts = WatchedFile::hosts("/etc/hosts", Environment::new());
    is_send(&hosts.get(Instant::now()));
}

/// A file whose first check finds no thread. Later checks find none while `NO_THREAD` is set.
#[test]
fn without_a_thread_the_last_content_counts_and_else_it_is_an_error_that_the_next_call_forgets() {
    thread_local! {
        static NO_THREAD: Cell<bool> = const { Cell::new(true) };
    }
    let on_thread: OnThread = |look| match NO_THREAD.get() {
        true => look(Err(io::Error::from_raw_os_error(11))),
        false => look(Ok(())),
    };
    let scratch = Scratch::new();
    let path = scratch.path("file");
    fs::write(&path, "one").unwrap();
    let (mut watched, reads) = counted(path.clone(), 100);
    Arc::get_mut(&mut watched.shared).unwrap().on_thread = on_thread;
    let start = Instant::now();
    for _ in 0..2 {
        let err = block_on(watched.get(start)).unwrap_err();
        assert_eq!(err.to_string(), format!("no thread could be started to read {path:?}"));
        assert_eq!(err.kind(), io::ErrorKind::Other);
        let cause = err.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(cause.raw_os_error(), Some(11));
    }
    // The time is the same, so the error was not kept.
    NO_THREAD.set(false);
    assert_eq!(*block_on(watched.get(start)).unwrap(), b"one");

    fs::write(&path, "other").unwrap();
    NO_THREAD.set(true);
    assert_eq!(*block_on(watched.get(later(start, 1))).unwrap(), b"one");
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    NO_THREAD.set(false);
    assert_eq!(*block_on(watched.get(later(start, 1))).unwrap(), b"other");
}
