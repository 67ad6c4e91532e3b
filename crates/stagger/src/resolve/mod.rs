//! Queries, records and answers, and resolvers that wrap other resolvers.

pub(crate) mod answer;
pub(crate) mod boxed;
mod by_name;
mod cache;
mod closure;
mod fallback;
mod fastest;
pub(crate) mod future;
mod lookup_fn;
mod overrides;
mod query;
mod record;
pub(crate) mod resolver;
mod routes;
mod sorted;
mod timeout;

pub use self::answer::Update;
pub use self::by_name::{ByName, ByNameAnswers};
pub use self::cache::{
    CACHE_CAPACITY, CachedAnswers, CachedResolver, LINGER_TIMEOUT, Linger, MAX_LINGERING,
    MAX_NEGATIVE_TTL, TTL_RANGE,
};
pub use self::closure::{ResolverFn, resolver_fn};
pub use self::fallback::{Fallback, FallbackAnswers};
pub use self::fastest::{Fastest, FastestAnswers};
pub use self::future::Resolve;
pub use self::lookup_fn::{LookupFn, LookupFnAnswers, lookup_fn};
pub use self::overrides::{OverriddenAnswers, Overrides};
pub use self::query::{Families, Query, Transport};
pub use self::record::{Record, Wanted};
pub use self::routes::Routes;
pub use self::sorted::{LazySourceAddresses, SortedAnswers, SortedResolver};
pub use self::timeout::{LookupTimedOut, ResolverTimeout, TimelyAnswers};
