//! Lookups beside many that are stuck, and the threads that lookups leave.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use smol::stream::StreamExt as _;
use stagger::resolve::Query;
use stagger::{Resolver as _, Target};
use stagger_tokio::SystemResolver;

use crate::{BoxError, Resident};

/// A name that the hosts file has.
pub const LISTED: &str = "listed.test";

/// How many lookups a burst has.
const BURST: usize = 64;

/// Who looks names up, on tokio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// tokio's own `lookup_host`.
    Own,
    /// Our `SystemResolver`, with its lanes.
    Ours,
}

impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Own => "own",
            Self::Ours => "ours",
        })
    }
}

impl Asks {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Own, Self::Ours];

    /// The one of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn find(name: &str) -> Result<Self, BoxError> {
        let found = Self::ALL.into_iter().find(|asks| asks.to_string() == name);
        Ok(found.ok_or_else(|| format!("nobody asks by {name:?}"))?)
    }

    /// Waits for the first addresses, or for the failure.
    async fn ask(self, host: String) -> bool {
        match self {
            Self::Own => tokio::net::lookup_host((host, 80)).await.is_ok(),
            Self::Ours => {
                let target = Target::try_from((host, 80)).expect("it is a name");
                let mut answers = Box::pin(SystemResolver::new().resolve(&Query::new(target)));
                while let Some(answer) = answers.next().await {
                    if answer.addresses().next().is_some() {
                        return true;
                    }
                }
                false
            }
        }
    }
}

/// What others found while names were stuck.
#[derive(Clone, Copy, Debug)]
pub struct Stuck {
    /// How long `localhost` took.
    pub localhost: Duration,
    /// How long the name in the hosts file took.
    pub listed: Duration,
    /// The most threads of the process.
    pub threads: usize,
    /// The most resident memory, in KiB, beyond that at the beginning.
    pub resident: usize,
}

/// Asks for so many names that are stuck, and then for two that are not.
///
/// # Errors
///
/// A lookup that ended otherwise than it should.
pub fn stuck(asks: Asks, names: u32) -> Result<Stuck, BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = Resident::now()?.now;
    let (mut others, mut most) = (Vec::new(), 0);
    runtime.block_on(async {
        let stuck = (0..names).map(|number| asks.ask(format!("n{number}.test")));
        let stuck: Vec<_> = stuck.map(|lookup| tokio::spawn(lookup)).collect();
        // Each has its first poll, and so has asked.
        tokio::task::yield_now().await;
        let began = Instant::now();
        for host in ["localhost", LISTED] {
            others.push(tokio::spawn(async move {
                assert!(asks.ask(host.to_owned()).await, "{host} was not found");
                began.elapsed()
            }));
        }
        for lookup in stuck {
            most = most.max(threads());
            if lookup.await? {
                return Err("a name was found that nobody has".into());
            }
        }
        Ok::<_, BoxError>(())
    })?;
    let mut took = Vec::new();
    for other in others {
        took.push(runtime.block_on(other)?);
    }
    let resident = Resident::now()?.most - before;
    Ok(Stuck { localhost: took[0], listed: took[1], threads: most, resident })
}

/// What became of the threads after a burst of lookups.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// How many there were just after it, that of the runtime not counted.
    pub threads: usize,
    /// How often they gave the processor away by themselves in the 4 s after that.
    pub wake_ups: u64,
    /// How many were left 12 s after the burst.
    pub threads_later: usize,
}

/// Asks for many names at once, all of them from the hosts file.
///
/// # Errors
///
/// A lookup that failed, or what the system does not tell.
pub fn burst(asks: Asks) -> Result<Burst, BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = threads();
    runtime.block_on(async {
        // Equal lookups of ours are one, so the names differ.
        let hosts = (0..BURST).map(|number| format!("burst{number}.{LISTED}"));
        let lookups: Vec<_> = hosts.map(|host| tokio::spawn(asks.ask(host))).collect();
        for lookup in lookups {
            lookup.await?;
        }
        Ok::<_, BoxError>(())
    })?;
    let ended = Instant::now();
    let wait_until = |time: Duration| {
        while ended.elapsed() < time {
            std::thread::park_timeout(time.saturating_sub(ended.elapsed()));
        }
    };
    wait_until(Duration::from_millis(100));
    let (threads_then, switches) = (threads() - before, switches()?);
    wait_until(Duration::from_millis(4100));
    let wake_ups = self::switches()?.saturating_sub(switches);
    wait_until(Duration::from_secs(12));
    Ok(Burst { threads: threads_then, wake_ups, threads_later: threads() - before })
}

/// How often the threads have given the processor away by themselves, this one left out.
fn switches() -> Result<u64, BoxError> {
    let this = std::process::id().to_string();
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        let Ok(status) = fs::read_to_string(task.path().join("status")) else { continue };
        let field = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        if task.file_name() != *this {
            sum += field.ok_or("a thread does not tell its switches")?.trim().parse::<u64>()?;
        }
    }
    Ok(sum)
}

/// How many threads this process has.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("/proc is mounted").count()
}
