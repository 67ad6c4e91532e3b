//! Counting what this process holds open, and bounding it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{Runtime, cut_everywhere, skip, watched};

/// How long descriptors on other threads may take to go before they count as leaked. It bounds a
/// failing test only.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every open descriptor with what it is. Two such lists are equal if nothing was opened or closed
/// between them.
///
/// All threads count, so the test must be [alone](crate::process::alone) in its process.
///
/// # Panics
///
/// If `/proc` is not there.
pub fn open() -> BTreeMap<u32, PathBuf> {
    let entries = fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let entries = entries.map(|entry| entry.expect("/proc/self/fd is read"));
    let open = entries.filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        // The listing's own descriptor is gone by the end of the listing, but not yet here.
        let is = fs::read_link(entry.path()).ok()?;
        let own = is.starts_with("/proc") && is.ends_with("fd");
        (!own).then_some((number, is))
    });
    open.collect()
}

/// Drops a future after every number of polls, as [`cut_everywhere`] does, and yields its output
/// when it was not dropped.
///
/// # Panics
///
/// If a drop leaves a descriptor, or if nothing was open at any drop.
pub fn cut_leaving_none<R, F>(runtime: &R, least: usize, future: impl Fn() -> F) -> F::Output
where
    R: Runtime,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let before = open();
    let mut sockets = 0;
    let output = cut_everywhere(least, |polls| {
        let future = future();
        let (ended, most) = runtime.run(async move {
            let mut most = 0;
            let ended = watched(polls, future, || most = open().len().max(most)).await;
            (ended, most)
        });
        sockets = sockets.max(most.saturating_sub(before.len()));
        assert_eq!(open(), before, "after {polls} polls");
        ended
    });
    assert!(sockets > 0, "nothing was open at any drop");
    output
}

/// Waits until the open descriptors are these again. For where a thread that can't be stopped,
/// such as that of an abandoned lookup, may have some open for a moment.
///
/// # Panics
///
/// If they are not within a minute.
pub fn return_to(expected: &BTreeMap<u32, PathBuf>) {
    let start = Instant::now();
    while open() != *expected {
        if start.elapsed() > PATIENCE {
            assert_eq!(open(), *expected);
        }
        thread::yield_now();
    }
}

/// Lets this process have as many descriptors as it may. Where that is less than `wanted` the test
/// is [skipped](skip::skip).
///
/// # Panics
///
/// If the limit can't be set.
pub fn allow(wanted: usize) -> bool {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < wanted as u64) {
        skip::skip(&format!("{wanted} descriptors are wanted, and allowed are {limit:?}"));
        return false;
    }
    let most = Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, most).expect("a limit may be raised up to its maximum");
    true
}

/// While it lives this process can open nothing.
#[derive(Debug)]
#[must_use = "there are descriptors again when it is dropped"]
pub struct Exhausted(Rlimit);

/// Allows no number that is free; what is open above stays so.
///
/// # Panics
///
/// If the limit can't be set.
pub fn exhaust() -> Exhausted {
    let limit = getrlimit(Resource::Nofile);
    let taken = open();
    let free: u32 = (0..).find(|number| !taken.contains_key(number)).expect("few are taken");
    let none = Rlimit { current: Some(free.into()), ..limit };
    setrlimit(Resource::Nofile, none).expect("a limit may be lowered");
    Exhausted(limit)
}

impl Drop for Exhausted {
    fn drop(&mut self) {
        // A limit may always be raised to what it was, for the maximum was left alone.
        let _ = setrlimit(Resource::Nofile, self.0);
    }
}
