//! Timeouts of a pool: 1,000 callers ask at once for a connection to a dead name.
//!
//! The pool is deadpool-postgres. Its manager counts the dials. Traps:
//!
//! - Without any timeout each caller waits until the system gives up the address, which takes about
//!   two minutes. Set the dialer's `Policy::with_timeout`, which returns the reason.
//! - The pool's `create_timeout` drops the dial, and the caller learns nothing of its addresses.
//!   Make it longer than the dialer's timeout.
//! - A pool of ten serves a thousand callers ten at a time. Set `wait_timeout`, or the last one
//!   waits a hundred times as long as a dial.
//!
//! `docs/clients.md` has more about pools.

use std::fs;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::future::join_all;
use lab::Server;
use stagger::Policy;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

/// Callers at the same time.
const CALLERS: usize = 1000;

/// The longest dial. It is short because the program waits for it. The number is ours.
const DIAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest wait for a turn, and for a connection. It is longer than a dial, so that a caller
/// gets the reason. The number is ours.
const POOL_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest run of all callers on a busy machine. It bounds a failing run only.
const PATIENCE: Duration = Duration::from_secs(30);

/// The glue: one dialer for the whole pool, with a timeout.
fn dialer() -> lab::Result<stagger_tokio::Dialer> {
    let policy = Policy::new().with_timeout(DIAL_TIMEOUT)?;
    Ok(stagger_tokio::dialer().with_policy(policy))
}

/// The glue: a pool that gives up after the dialer.
fn pool(manager: Manager, size: usize) -> lab::Result<Pool> {
    let builder = Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1);
    Ok(builder.wait_timeout(Some(POOL_TIMEOUT)).create_timeout(Some(POOL_TIMEOUT)).build()?)
}

/// What the dials of a pool did.
#[derive(Default)]
struct Log {
    now: AtomicUsize,
    most: AtomicUsize,
    causes: Mutex<Vec<String>>,
}

/// Dials `dead.lab.test`, as `deadpool_postgres.rs` does, and counts.
struct Dialed {
    dialer: stagger_tokio::Dialer,
    port: u16,
    log: Arc<Log>,
}

/// A dial that runs, until this is dropped.
struct Running<'a>(&'a Log);

impl<'a> Running<'a> {
    fn new(log: &'a Log) -> Self {
        let now = log.now.fetch_add(1, Ordering::SeqCst) + 1;
        log.most.fetch_max(now, Ordering::SeqCst);
        Self(log)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connect for Dialed {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        let config = config.clone();
        Box::pin(async move {
            let _running = Running::new(&self.log);
            let failed = match self.dialer.connect((lab::DEAD, self.port)).await {
                Ok(stream) => config.connect_raw(stream, NoTls).await.map(drop),
                Err(error) => {
                    self.log.causes.lock().expect("nothing panics").push(error.to_string());
                    // Without a host it dials nothing, and its error is of the right type.
                    Config::new().connect(NoTls).await.map(drop)
                }
            };
            Err(failed.expect_err("the name is dead"))
        })
    }
}

fn manager(dialer: stagger_tokio::Dialer, port: u16) -> lab::Result<(Manager, Arc<Log>)> {
    let log = Arc::new(Log::default());
    let dialed = Dialed { dialer, port, log: log.clone() };
    let config = "user=postgres dbname=postgres".parse()?;
    // An idle connection is asked before it is used.
    let settings = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    Ok((Manager::from_connect(config, dialed, settings), log))
}

/// The errors of all callers, who ask at once.
async fn errors(pool: &Pool) -> Vec<PoolError> {
    let start = Instant::now();
    let results = join_all((0..CALLERS).map(|_| pool.get())).await;
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    let error = |result: Result<_, _>| match result {
        Ok(_) => panic!("the name is dead"),
        Err(error) => error,
    };
    results.into_iter().map(error).collect()
}

/// The number of open descriptors.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

fn main() {
    lab::run(async || {
        let server = Server::postgresql();
        let port = server.port();
        lab::serve(port);
        // The runtime and the resolver open what they keep.
        assert!(dialer()?.connect((lab::DEAD, port)).await.is_err(), "the name is dead");
        let before = descriptors();

        // A pool that is large enough dials for each caller. Each gets the dialer's timeout.
        let (many, log) = manager(dialer()?, port)?;
        for error in errors(&pool(many, CALLERS)?).await {
            assert!(matches!(error, PoolError::Backend(_)), "{error}");
        }
        let causes = log.causes.lock().expect("nothing panics").clone();
        assert_eq!(causes.len(), CALLERS);
        assert!(causes.iter().all(|cause| cause.contains(lab::DEAD)), "{}", causes[0]);
        assert_eq!((log.now.load(Ordering::SeqCst), descriptors()), (0, before));
        eprintln!("a large pool: {CALLERS} dials, and {}", causes[0]);

        // A small pool dials ten at once. Most callers get no turn before the pool's timeout.
        let size = 10;
        let (few, log) = manager(dialer()?, port)?;
        let failed = errors(&pool(few, size)?).await;
        let dialed = log.causes.lock().expect("nothing panics").len();
        let waited = |error: &&_| matches!(error, PoolError::Timeout(TimeoutType::Wait));
        let waited = failed.iter().filter(waited).count();
        assert_eq!(log.most.load(Ordering::SeqCst), size);
        // A turn that comes just before the pool's timeout is the last.
        assert!(dialed <= size * 4 && dialed + waited == CALLERS, "{dialed} + {waited}");
        assert_eq!((log.now.load(Ordering::SeqCst), descriptors()), (0, before));
        eprintln!("a pool of {size}: {dialed} dials, and {waited} callers without a turn");

        // A pool that gives up before the dialer returns no reason, and leaves nothing.
        let (hasty, log) = manager(stagger_tokio::dialer(), port)?;
        let failed = errors(&pool(hasty, CALLERS)?).await;
        let created = |error: &_| matches!(error, PoolError::Timeout(TimeoutType::Create));
        assert!(failed.iter().all(created));
        assert!(log.causes.lock().expect("nothing panics").is_empty());
        assert_eq!((log.now.load(Ordering::SeqCst), descriptors()), (0, before));
        Ok(())
    });
}
