//! A resolver made from a closure.

use std::fmt;

use futures_core::Stream;

use crate::Answer;
use crate::Resolver;
use crate::resolve::Query;

/// A resolver made from a closure: see [`resolver_fn`].
#[derive(Clone, Copy)]
pub struct ResolverFn<F>(F);

/// Makes a [`Resolver`] from a closure that takes a query and returns a stream of answers.
///
/// [`Resolver::resolve`] calls the closure, so the closure must do no work itself. The stream does
/// the work, and begins it at its first poll. The stream answers every record that the query asks
/// for. If an async function returns all addresses at once, use [`lookup_fn`](crate::resolve::lookup_fn).
///
/// # Examples
///
/// ```
/// use futures_lite::{StreamExt as _, future, stream};
/// use stagger::resolve::{Query, Record, resolver_fn};
/// use stagger::{Answer, Resolver, Target};
///
/// let fixed = resolver_fn(|_: &Query| {
///     stream::once(Answer::<_, std::io::Error>::found(Record::Addresses, ["192.0.2.1:80"]))
/// });
/// let query = Query::new(Target::parse("example.com:80")?);
/// let answer = future::block_on(fixed.resolve(&query).next()).unwrap();
/// assert_eq!(answer.addresses().count(), 1);
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
pub fn resolver_fn<F, S, A, E>(resolve: F) -> ResolverFn<F>
where
    F: Fn(&Query) -> S,
    S: Stream<Item = Answer<A, E>>,
{
    ResolverFn(resolve)
}

impl<F, S, A, E> Resolver for ResolverFn<F>
where
    F: Fn(&Query) -> S,
    S: Stream<Item = Answer<A, E>>,
{
    type Address = A;
    type Error = E;
    type Answers = S;

    fn resolve(&self, query: &Query) -> S {
        (self.0)(query)
    }
}

impl<F> fmt::Debug for ResolverFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolverFn").finish_non_exhaustive()
    }
}
