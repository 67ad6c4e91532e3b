//! A cache of the answers of a resolver. The file is long because its settings need long docs.

mod linger;
mod lingering;
mod memory;

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use pin_project_lite::pin_project;

pub use self::linger::Linger;
use self::lingering::{Attended, Pool, Running};
use self::memory::{Kept, Memory, answers};
use crate::Resolver;
use crate::drivers::lock;
use crate::resolve::{Query, Update};
use crate::{Answer, Timer};

/// The default number of lookups that a cache keeps: 1024. [`CachedResolver::with_capacity`]
/// changes it. The number is ours. Most programs never connect to so many names, and they take a
/// few hundred kilobytes.
pub const CACHE_CAPACITY: usize = 1024;

/// The default shortest and longest time that an answer is kept, whatever its TTL is: zero and
/// seven days (RFC 8767 §4). [`CachedResolver::with_ttl_range`] changes it.
pub const TTL_RANGE: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(7 * 24 * 60 * 60);

/// The longest time that a negative answer is kept: three hours (RFC 2308 §5).
pub const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(3 * 60 * 60);

/// How long a dropped lookup may linger: one second (draft-ietf-happy-happyeyeballs-v3 §6 and RFC
/// 8305 §5).
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// How many dropped lookups linger at most: 64. The number is ours. A lookup over DNS has one
/// socket. So all of them take a small part of the 1024 descriptors that a process usually has.
pub const MAX_LINGERING: usize = 64;

/// The largest number of answers of one lookup that are kept, and of addresses in all of them. A
/// larger lookup is not kept, so that a hostile resolver cannot fill the memory. The numbers are
/// ours.
const MAX_ANSWERS: usize = 16;
const MAX_ADDRESSES: usize = 256;

/// A resolver that caches the answers of another resolver until their TTL runs out.
///
/// A lookup is kept whole or not at all, so a query gets the same answers from memory as from the
/// resolver. A lookup is kept if all of this is true:
///
/// 1. The inner answers have ended.
/// 2. No answer was a failure, except [provisional](Answer::with_provisional) failures, which are left out.
/// 3. Each answer has a [TTL](Answer::ttl), or there is a [default TTL](Self::with_default_ttl).
///
/// The lookup is kept until the first of its answers runs out. Negative answers are kept like
/// others, but no longer than [`MAX_NEGATIVE_TTL`]. Answers of the system's resolver have no TTL,
/// so they need a default TTL.
///
/// A query is answered from memory at once, with all answers in their order. Each answer has the
/// rest of its TTL. A query matches only an equal query: `example.com:80` and `example.com:443` are
/// two queries. An address may have any type, so this resolver cannot change its port.
///
/// Memory is read when the answers are polled for the first time. So a connect that waits for an
/// hour uses no expired answers. If there is no room for a lookup, the least recently used lookup
/// is removed.
///
/// Equal queries at the same time are not joined: each query goes to the inner resolver. A race
/// often drops its lookup before the end, because it has won. Such a lookup is not kept, unless
/// [lookups linger](Self::with_lingering). No answer is refreshed before it runs out, and no answer is used afterwards.
///
/// Clones share one memory. Call [`clear`](Self::clear) when the network changes, because the answers of one
/// network may be wrong in another. All times come from the timer's clock.
///
/// # Examples
///
/// ```
/// use futures_lite::StreamExt as _;
/// use stagger::resolve::{CachedResolver, Query, Record};
/// use stagger::{Answer, Resolver as _, Target};
/// use stagger_testkit::{Clock, Ledger, Place, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock();
/// let answer = Answer::found(Record::Addresses, [Place("v4")]).with_ttl(ms(60_000));
/// let inner = ScriptedResolver::new(&ledger).answers(ms(30), answer);
/// let resolver = CachedResolver::new(inner, clock.clone());
///
/// let query = Query::new(Target::parse("example.com:443")?);
/// let look_up = || clock.run(resolver.resolve(&query).collect::<Vec<_>>());
/// look_up();
/// assert_eq!(clock.elapsed(), ms(30));
///
/// clock.advance(ms(20_000));
/// assert_eq!(look_up()[0].ttl(), Some(ms(40_000)));
/// assert_eq!(clock.elapsed(), ms(20_030));
/// assert_eq!(ledger.queries().len(), 1);
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
pub struct CachedResolver<R, T>
where
    R: Resolver,
    T: Timer,
{
    // Answers share the resolver, and query it at their first poll.
    resolver: Arc<R>,
    timer: T,
    terms: Terms,
    memory: Shared<R::Address>,
    // Absent if lookups do not linger.
    pool: Option<Arc<Pool<R, T>>>,
}

type Shared<A> = Arc<Mutex<Memory<A>>>;

/// What is kept, and for how long.
#[derive(Clone, Debug)]
struct Terms {
    capacity: usize,
    default: Option<Duration>,
    range: RangeInclusive<Duration>,
}

impl Terms {
    /// How long an answer is kept, or `None` if it is not kept.
    fn ttl<A, E>(&self, answer: &Answer<A, E>) -> Option<Duration> {
        let ttl = answer.ttl().or(self.default)?;
        let ttl = ttl.max(*self.range.start()).min(*self.range.end());
        let ttl = if answer.is_empty() { ttl.min(MAX_NEGATIVE_TTL) } else { ttl };
        // A TTL of zero is for this use only (RFC 1035 §3.2.1).
        (!ttl.is_zero()).then_some(ttl)
    }
}

impl<R: Resolver, T: Timer> CachedResolver<R, T> {
    /// Creates a cache for this resolver, by this timer's clock.
    pub fn new(resolver: R, timer: T) -> Self {
        let terms = Terms { capacity: CACHE_CAPACITY, default: None, range: TTL_RANGE };
        Self { resolver: Arc::new(resolver), timer, terms, memory: Arc::default(), pool: None }
    }

    /// Sets the number of lookups to keep, in place of [`CACHE_CAPACITY`]. With 0 no lookup is
    /// kept. Earlier clones share the memory and use their own number.
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.terms.capacity = capacity;
        self
    }

    /// Sets how long an answer without a TTL is kept. By default it is not kept.
    pub fn with_default_ttl(mut self, ttl: Duration) -> Self {
        self.terms.default = Some(ttl);
        self
    }

    /// Keeps no answer without a TTL.
    pub fn without_default_ttl(mut self) -> Self {
        self.terms.default = None;
        self
    }

    /// Sets the shortest and the longest time that answers are kept, in place of [`TTL_RANGE`]. If
    /// the range is empty, its end counts for both.
    pub fn with_ttl_range(mut self, range: RangeInclusive<Duration>) -> Self {
        self.terms.range = range;
        self
    }

    /// Sets whether dropped lookups go on for a while, so that they can be kept.
    ///
    /// By default, dropping the answers drops the lookup at once. Earlier clones share the memory,
    /// but no lingering lookups.
    ///
    /// A race drops its lookup when it has won, often before the slower family has an answer. A
    /// lookup is kept whole or not at all, so it is then lost. draft-ietf-happy-happyeyeballs-v3 §6
    /// asks for late replies to be accepted for about a second.
    ///
    /// With lingering, a dropped lookup goes on for [`LINGER_TIMEOUT`], or until it ends. At most
    /// [`MAX_LINGERING`] lookups linger. One more drops the oldest. A lookup that cannot be kept
    /// does not linger, because of a failure or an answer without a TTL. An equal query takes over
    /// a lingering lookup: it begins with the answers that the lookup has already returned.
    ///
    /// Nothing is spawned, so a lingering lookup makes progress only when one of these is polled:
    ///
    /// - the answers to any later query to this resolver or a clone;
    /// - the future of [`linger`](Self::linger).
    ///
    /// Otherwise a lingering lookup holds its resources, such as sockets, until the next query.
    /// They are also released when the last clone and its answers are dropped.
    ///
    /// # Runtime
    ///
    /// The task of another query may poll a lookup. So with lingering, a cache around a resolver
    /// with sockets belongs to one runtime. A program with several runtimes makes one cache for
    /// each.
    ///
    /// # Examples
    ///
    /// A race over IPv6 is won before the answer for A comes. The lookup is still kept:
    ///
    /// ```
    /// use stagger::resolve::{CachedResolver, Record};
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let clock = ledger.clock();
    /// let found = |record, place| Answer::found(record, [Place(place)]).with_ttl(ms(60_000));
    /// let inner = ScriptedResolver::new(&ledger)
    ///     .answers(ms(5), found(Record::Aaaa, "v6"))
    ///     .answers(ms(30), found(Record::A, "v4"));
    /// let resolver = CachedResolver::new(inner, clock.clone()).with_lingering(true);
    /// let connector = ScriptedConnector::new(&ledger).at("v6", Fate::connects(ms(10)));
    /// let dialer = Dialer::new(resolver.clone(), connector, clock.clone());
    ///
    /// clock.run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!((clock.elapsed(), resolver.len()), (ms(15), 0));
    /// clock.run(resolver.linger());
    /// assert_eq!((clock.elapsed(), resolver.len()), (ms(30), 1));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_lingering(mut self, lingering: bool) -> Self {
        self.pool = lingering.then(Arc::default);
        self
    }

    /// The largest number of lookups that are kept.
    pub fn capacity(&self) -> usize {
        self.terms.capacity
    }

    /// How long an answer without a TTL is kept, or `None` if it is not kept.
    pub fn default_ttl(&self) -> Option<Duration> {
        self.terms.default
    }

    /// The shortest and the longest time that answers are kept.
    pub fn ttl_range(&self) -> RangeInclusive<Duration> {
        self.terms.range.clone()
    }

    /// Whether dropped lookups go on for a while.
    pub fn lingering(&self) -> bool {
        self.pool.is_some()
    }

    /// Polls the lookups that [linger](Self::with_lingering), and ends when no lookup lingers.
    ///
    /// A program can spawn it after a connect. It also polls lookups that begin to linger later. It
    /// ends at once if no lookup lingers. Otherwise it ends at most [`LINGER_TIMEOUT`] after the
    /// last lookup was dropped. Until then it holds the lingering lookups, and not the inner
    /// resolver.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the lookups as they are. They go on lingering, and another future or a
    /// later query can poll them. Several of these futures may run at the same time.
    pub fn linger(&self) -> Linger<R, T>
    where
        T: Clone,
    {
        Linger::new(self.pool.clone(), self.timer.clone())
    }

    /// Removes everything from the memory of all clones, and drops the lingering lookups of this
    /// clone. Other lookups in progress are still kept when they end.
    pub fn clear(&self) {
        if let Some(pool) = &self.pool {
            pool.clear();
        }
        let forgotten = std::mem::take(&mut *memory(&self.memory));
        drop(forgotten);
    }

    /// The number of lookups in memory. It includes expired lookups that no query has asked for
    /// since.
    pub fn len(&self) -> usize {
        memory(&self.memory).len()
    }

    /// Whether the memory is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A panic under the lock leaves the memory whole. An address may do anything in its `drop`, even
/// query this cache. So no address is dropped before the lock is released.
fn memory<A>(shared: &Shared<A>) -> MutexGuard<'_, Memory<A>> {
    lock(shared)
}

impl<R: Resolver, T: Timer + Clone> Clone for CachedResolver<R, T> {
    fn clone(&self) -> Self {
        Self {
            resolver: Arc::clone(&self.resolver),
            timer: self.timer.clone(),
            terms: self.terms.clone(),
            memory: Arc::clone(&self.memory),
            pool: self.pool.clone(),
        }
    }
}

impl<R: Resolver + fmt::Debug, T: Timer> fmt::Debug for CachedResolver<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedResolver")
            .field("resolver", &self.resolver)
            .field("terms", &self.terms)
            .field("lingering", &self.pool.is_some())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<R, T> Resolver for CachedResolver<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer + Clone,
{
    type Address = R::Address;
    type Error = R::Error;
    type Answers = CachedAnswers<R, T>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let keeping = Keeping {
            query: query.clone(),
            timer: self.timer.clone(),
            terms: self.terms.clone(),
            memory: Arc::clone(&self.memory),
            heard: Some(Vec::new()),
        };
        let resolver = Arc::clone(&self.resolver);
        CachedAnswers { stage: Stage::Due { resolver, keeping, pool: self.pool.clone() } }
    }
}

pin_project! {
    /// The answers of a [`CachedResolver`]: from memory, or from the inner resolver.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner lookup, which is then not kept, unless lookups [linger](CachedResolver::with_lingering).
    #[must_use = "streams do nothing unless polled"]
    pub struct CachedAnswers<R, T>
    where
        R: Resolver,
        R::Address: Clone,
        T: Timer,
    {
        #[pin]
        stage: Stage<R, T>,
    }
}

pin_project! {
    #[project = StageProjection]
    #[project_replace = StageReplaced]
    enum Stage<R, T>
    where
        R: Resolver,
        R::Address: Clone,
        T: Timer,
    {
        Due {
            resolver: Arc<R>,
            keeping: Keeping<R::Address, T>,
            pool: Option<Arc<Pool<R, T>>>,
        },
        Known { answers: VecDeque<Answer<R::Address, R::Error>> },
        Asked {
            #[pin]
            lookup: Running<R, T>,
        },
        Lingers { lookup: Attended<R, T> },
    }
}

/// A lookup that may be kept when it ends.
struct Keeping<A, T> {
    query: Query,
    timer: T,
    terms: Terms,
    memory: Shared<A>,
    /// The answers to keep. Absent if the lookup cannot be kept.
    heard: Option<Vec<Kept<A>>>,
}

impl<A, T> Keeping<A, T> {
    /// Whether all answers so far can be kept.
    fn is_kept(&self) -> bool {
        self.heard.is_some()
    }
}

impl<A: Clone, T: Timer> Keeping<A, T> {
    /// The answers in memory for the query.
    fn recall<E>(&self) -> Option<VecDeque<Answer<A, E>>> {
        let now = self.timer.now();
        let kept = memory(&self.memory).recall(&self.query, now)?;
        kept.is_current(now).then(|| kept.answers(now))
    }

    /// The answers of the lookup so far, if none of them has run out.
    fn said<E>(&self, now: Instant) -> Option<VecDeque<Answer<A, E>>> {
        answers(self.heard.as_ref()?, now)
    }

    fn hear<E>(&mut self, answer: &Answer<A, E>) {
        if answer.is_provisional() {
            return;
        }
        let Some(heard) = &mut self.heard else { return };
        let copy = self.terms.ttl(answer).and_then(|ttl| Kept::new(answer, self.timer.now(), ttl));
        let Some(copy) = copy else {
            self.heard = None;
            return;
        };
        if answer.update() == Update::Replace {
            heard.retain(|kept| !kept.is_of(answer));
        }
        heard.push(copy);
        let addresses: usize = heard.iter().map(Kept::len).sum();
        if heard.len() > MAX_ANSWERS || addresses > MAX_ADDRESSES {
            self.heard = None;
        }
    }

    fn end(&mut self) {
        let heard = self.heard.take().filter(|heard| !heard.is_empty());
        if let Some(heard) = heard {
            let query = self.query.clone();
            let forgotten = memory(&self.memory).keep(query, heard, self.terms.capacity);
            drop(forgotten);
        }
    }
}

impl<R, T> Stream for CachedAnswers<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer + Clone,
{
    type Item = Answer<R::Address, R::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut stage = self.project().stage;
        if let StageProjection::Due { .. } = stage.as_mut().project() {
            let known = Stage::Known { answers: VecDeque::new() };
            let StageReplaced::Due { resolver, keeping, pool } =
                stage.as_mut().project_replace(known)
            else {
                unreachable!("it was due")
            };
            if let Some(pool) = &pool {
                // This comes first, because it may bring the query into memory.
                Attended::drive(pool, &keeping.timer);
            }
            stage.set(match (keeping.recall(), pool) {
                (Some(answers), _) => Stage::Known { answers },
                (None, Some(pool)) => {
                    Stage::Lingers { lookup: Attended::new(pool, &resolver, keeping) }
                }
                (None, None) => {
                    let answers = resolver.resolve(&keeping.query);
                    Stage::Asked { lookup: Running::new(answers, keeping) }
                }
            });
        }
        match stage.as_mut().project() {
            StageProjection::Due { .. } => unreachable!("it is due no more"),
            StageProjection::Known { answers } => Poll::Ready(answers.pop_front()),
            StageProjection::Lingers { lookup } => lookup.poll_next(cx),
            StageProjection::Asked { lookup } => {
                let answer = ready!(lookup.poll_next(cx));
                if answer.is_none() {
                    stage.set(Stage::Known { answers: VecDeque::new() });
                }
                Poll::Ready(answer)
            }
        }
    }
}

impl<R: Resolver<Address: Clone>, T: Timer> fmt::Debug for CachedAnswers<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Due { .. } => "due",
            Stage::Known { .. } => "known",
            Stage::Asked { .. } | Stage::Lingers { .. } => "asked",
        };
        f.debug_struct("CachedAnswers").field("stage", &stage).finish_non_exhaustive()
    }
}
