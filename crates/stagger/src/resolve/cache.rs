//! A memory of what resolvers have answered. Long for what is said of its settings.

mod linger;
mod lingering;
mod memory;

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use pin_project_lite::pin_project;

pub use self::linger::Linger;
use self::lingering::{Attended, Pool, Running};
use self::memory::{Kept, Memory, answers};
use crate::Resolver;
use crate::resolve::{Query, Update};
use crate::{Answer, Timer};

/// How many lookups are kept: 1024, unless [said](CachedResolver::with_capacity). The number is
/// ours; it is more names than most programs ever connect to, in a few hundred kilobytes.
pub const CACHE_CAPACITY: usize = 1024;

/// Between which times an answer is kept, whatever its TTL says, unless
/// [said](CachedResolver::with_ttl_range): none at all and seven days (RFC 8767 §4).
pub const TTL_RANGE: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(7 * 24 * 60 * 60);

/// How long at most an answer is kept that there are no addresses: three hours (RFC 2308 §5).
pub const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(3 * 60 * 60);

/// How long a dropped lookup may linger: one second, as draft-ietf-happy-happyeyeballs-v3 §6 and
/// RFC 8305 §5 have it.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// How many dropped lookups linger at the most: 64. The number is ours. A lookup over DNS has one
/// socket, so all of them take a small part of the 1024 descriptors that a process usually has.
pub const MAX_LINGERING: usize = 64;

/// How many answers of one lookup are kept, and how many addresses in them all. A lookup with more
/// is not kept, so that a hostile resolver can't fill the memory. The numbers are ours.
const MAX_ANSWERS: usize = 16;
const MAX_ADDRESSES: usize = 256;

/// A resolver that keeps what another answers, for as long as the answers say.
///
/// A lookup is kept whole or not at all, so that a query gets from memory what it would have got
/// from the resolver: when the answers inside have ended, none of them was a failure, and each has
/// a [TTL](Answer::ttl), it is kept until the first of these has run out. Negative answers are kept
/// like others, but no longer than [`MAX_NEGATIVE_TTL`]. What the system's resolver answers has no
/// TTL and is not kept unless there is a [default](Self::with_default_ttl).
/// [Provisional](Answer::with_provisional) failures are not kept, and do not stop the rest from being kept.
///
/// A query is answered from memory at once, with all answers in their order, each with what is left
/// of its TTL. It is known by all that it asks for: `example.com:80` and `example.com:443` are two
/// queries, because an address may be of any type and this resolver can't give it another port.
/// Memory is read when the answers are polled for the first time, so a connect that waits for an
/// hour uses nothing that has expired. When there is no room for a lookup, the lookup that has not
/// been used for the longest time is forgotten.
///
/// Equal queries at one time are not joined: each asks the resolver inside. A lookup that is dropped
/// before its end, because the race was won in the meantime, is not kept, unless
/// [lookups linger](Self::with_lingering). Nothing is fetched anew before it runs out, and nothing is
/// used afterwards.
///
/// Clones share one memory. Forget it with [`clear`](Self::clear) when the network changes: what a
/// name server of one network says may be wrong in another. Times are those of the timer's clock.
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
    // Answers share it, and ask it at their first poll.
    resolver: Arc<R>,
    timer: T,
    terms: Terms,
    memory: Shared<R::Address>,
    // Absent if lookups do not linger.
    pool: Option<Arc<Pool<R, T>>>,
}

type Shared<A> = Arc<Mutex<Memory<A>>>;

/// What is kept, and how long.
#[derive(Clone, Debug)]
struct Terms {
    capacity: usize,
    default: Option<Duration>,
    range: RangeInclusive<Duration>,
}

impl Terms {
    /// For how long an answer is to be kept; none if it is not.
    fn ttl<A, E>(&self, answer: &Answer<A, E>) -> Option<Duration> {
        let ttl = answer.ttl().or(self.default)?;
        let ttl = ttl.max(*self.range.start()).min(*self.range.end());
        let ttl = if answer.is_empty() { ttl.min(MAX_NEGATIVE_TTL) } else { ttl };
        // What has no time at all is for this once (RFC 1035 §3.2.1).
        (!ttl.is_zero()).then_some(ttl)
    }
}

impl<R: Resolver, T: Timer> CachedResolver<R, T> {
    /// Keeps what this resolver answers, by this timer's clock.
    pub fn new(resolver: R, timer: T) -> Self {
        let terms = Terms { capacity: CACHE_CAPACITY, default: None, range: TTL_RANGE };
        Self { resolver: Arc::new(resolver), timer, terms, memory: Arc::default(), pool: None }
    }

    /// Keeps so many lookups in place of [`CACHE_CAPACITY`]; none with 0. Clones made before share
    /// the memory and keep to their own number.
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.terms.capacity = capacity;
        self
    }

    /// Keeps an answer without a TTL for this long; without this it is not kept.
    pub fn with_default_ttl(mut self, ttl: Duration) -> Self {
        self.terms.default = Some(ttl);
        self
    }

    /// Keeps answers for no less and no more than this, in place of [`TTL_RANGE`]. Of an
    /// empty range the end counts.
    pub fn with_ttl_range(mut self, range: RangeInclusive<Duration>) -> Self {
        self.terms.range = range;
        self
    }

    /// Whether lookups whose answers have been dropped go on for a while, so that they can be kept.
    /// Unless set, they do not, and dropping answers drops the lookup at once. Clones made before share
    /// the memory and no lingering lookups.
    ///
    /// A race drops its lookup when it has won, often before the slower family has been answered. A
    /// lookup is kept whole or not at all. draft-ietf-happy-happyeyeballs-v3 §6 wants late replies taken
    /// in for about a second.
    ///
    /// With lingering, a dropped lookup goes on for [`LINGER_TIMEOUT`], or until it ends. At most
    /// [`MAX_LINGERING`] lookups linger; one more drops the oldest. A lookup that can't be kept anyway,
    /// because of a failure or an answer without a TTL, does not linger. An equal query takes a lingering
    /// lookup over: it begins with the answers that the lookup has given already.
    ///
    /// Nothing is spawned, so a lingering lookup makes progress only when one of these is polled:
    ///
    /// - the answers to any later query to this resolver or a clone;
    /// - the future of [`linger`](Self::linger).
    ///
    /// Otherwise the resources of a lingering lookup, such as sockets, are held until the next query. They
    /// are also released when the last clone and its answers are dropped.
    ///
    /// # Runtime
    ///
    /// A lookup may be polled by the task of another query. So with lingering, a cache round a resolver
    /// that has sockets belongs to one runtime, and a program with several makes one for each.
    ///
    /// # Examples
    ///
    /// A race over IPv6 is won before A is known. The lookup is still kept:
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

    /// How many lookups are kept at most.
    pub fn capacity(&self) -> usize {
        self.terms.capacity
    }

    /// How long an answer without a TTL is kept; `None` if it is not.
    pub fn default_ttl(&self) -> Option<Duration> {
        self.terms.default
    }

    /// How long answers are kept at least and at most.
    pub fn ttl_range(&self) -> RangeInclusive<Duration> {
        self.terms.range.clone()
    }

    /// Whether dropped lookups go on for a while.
    pub fn lingering(&self) -> bool {
        self.pool.is_some()
    }

    /// Polls the lookups that [linger](Self::with_lingering), and ends when no lookup lingers.
    ///
    /// A program can spawn it after a connect. It also polls lookups that begin to linger later. It ends
    /// at once if no lookup lingers, and at most [`LINGER_TIMEOUT`] after the last lookup was dropped.
    /// Until then it holds the lingering lookups, and not the resolver inside.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the lookups as they are. They go on to linger, and another future or a later
    /// query can poll them. Several of these futures may run at the same time.
    pub fn linger(&self) -> Linger<R, T>
    where
        T: Clone,
    {
        Linger::new(self.pool.clone(), self.timer.clone())
    }

    /// Forgets everything, for all clones, and drops the lookups of this clone that linger. Any other
    /// lookup in progress is kept all the same when it ends.
    pub fn clear(&self) {
        if let Some(pool) = &self.pool {
            pool.clear();
        }
        let forgotten = std::mem::take(&mut *memory(&self.memory));
        drop(forgotten);
    }

    /// How many lookups are kept, those among them that have run out since they were last asked
    /// for.
    pub fn len(&self) -> usize {
        memory(&self.memory).len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whoever panicked with it left it whole. An address may do anything when it is dropped, even ask
/// this very cache, so none is dropped before the lock is.
fn memory<A>(shared: &Shared<A>) -> MutexGuard<'_, Memory<A>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// What a [`CachedResolver`] answers: from memory, or what the resolver inside it does.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup inside, of which nothing is kept then, unless lookups
    /// [linger](CachedResolver::with_lingering).
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
    /// What it has brought; none if it is not to be kept.
    heard: Option<Vec<Kept<A>>>,
}

impl<A, T> Keeping<A, T> {
    /// Whether all that has come so far can be kept.
    fn is_kept(&self) -> bool {
        self.heard.is_some()
    }
}

impl<A: Clone, T: Timer> Keeping<A, T> {
    /// What memory has for the query.
    fn recall<E>(&self) -> Option<VecDeque<Answer<A, E>>> {
        let now = self.timer.now();
        let kept = memory(&self.memory).recall(&self.query, now)?;
        kept.is_current(now).then(|| kept.answers(now))
    }

    /// What the lookup has answered so far, if none of it has run out.
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
                // First, because this may bring the query into memory.
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
