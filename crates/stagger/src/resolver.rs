//! What turns a query into answers.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use futures_core::Stream;

use crate::{Answer, Query};

/// Turns a query into answers, each as soon as it is known.
///
/// The stream ends when every lookup has answered. It does no work until it is polled, never
/// blocks, and reports a failed lookup as an [`Answer`] of its class, not by ending early.
///
/// # Cancel safety
///
/// Dropping the stream abandons the lookup.
pub trait Resolver {
    /// What an answer holds: usually [`std::net::SocketAddr`], but anything that a
    /// [`Connector`](crate::Connector) takes will do.
    type Address;
    /// Why a lookup failed.
    type Error;
    /// The answers, in the order in which they become known.
    type Answers: Stream<Item = Answer<Self::Address, Self::Error>>;

    /// Begins the lookup of `query`.
    fn resolve(&self, query: &Query) -> Self::Answers;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<R: Resolver + ?Sized> Resolver for $pointer {
            type Address = R::Address;
            type Error = R::Error;
            type Answers = R::Answers;

            fn resolve(&self, query: &Query) -> Self::Answers {
                (**self).resolve(query)
            }
        }
    )*};
}

forward!(&R, Box<R>, Rc<R>, Arc<R>);

/// A resolver made of a closure: see [`resolver_fn`].
#[derive(Clone, Copy)]
pub struct ResolverFn<F>(F);

/// Makes a [`Resolver`] of a closure from a query to a stream of answers.
///
/// # Examples
///
/// ```
/// use futures_lite::{StreamExt as _, future, stream};
/// use stagger::{Answer, Class, Query, Resolver, Target, resolver_fn};
///
/// let fixed = resolver_fn(|_: &Query| {
///     stream::once(Answer::<_, std::io::Error>::found(Class::All, ["192.0.2.1:80"]))
/// });
/// let query = Query::new(Target::parse("example.com:80")?);
/// let answer = future::block_on(fixed.resolve(&query).next()).unwrap();
/// assert_eq!(answer.addresses().count(), 1);
/// # Ok::<_, stagger::TargetError>(())
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

/// A resolver's stream, boxed, `Send`.
type BoxAnswers<A, E> = Pin<Box<dyn Stream<Item = Answer<A, E>> + Send>>;
/// A resolver's stream, boxed, for one thread.
type LocalBoxAnswers<A, E> = Pin<Box<dyn Stream<Item = Answer<A, E>>>>;

/// Any resolver with these types, boxed: `Send` and `Sync`, cheap to clone.
pub struct BoxResolver<A, E>(
    Arc<dyn Resolver<Address = A, Error = E, Answers = BoxAnswers<A, E>> + Send + Sync>,
);

/// Any resolver with these types, boxed, for one thread; cheap to clone.
pub struct LocalBoxResolver<A, E>(
    Rc<dyn Resolver<Address = A, Error = E, Answers = LocalBoxAnswers<A, E>>>,
);

impl<A, E> BoxResolver<A, E> {
    /// Boxes a resolver, so that one can be chosen at run time.
    pub fn new<N>(resolver: N) -> Self
    where
        N: Resolver<Address = A, Error = E, Answers: Send + 'static> + Send + Sync + 'static,
    {
        Self(Arc::new(Boxing(resolver)))
    }
}

impl<A, E> LocalBoxResolver<A, E> {
    /// Boxes a resolver that need not be `Send`.
    pub fn new<N>(resolver: N) -> Self
    where
        N: Resolver<Address = A, Error = E, Answers: 'static> + 'static,
    {
        Self(Rc::new(LocalBoxing(resolver)))
    }
}

struct Boxing<N>(N);
struct LocalBoxing<N>(N);

impl<N: Resolver<Answers: Send + 'static>> Resolver for Boxing<N> {
    type Address = N::Address;
    type Error = N::Error;
    type Answers = BoxAnswers<N::Address, N::Error>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        Box::pin(self.0.resolve(query))
    }
}

impl<N: Resolver<Answers: 'static>> Resolver for LocalBoxing<N> {
    type Address = N::Address;
    type Error = N::Error;
    type Answers = LocalBoxAnswers<N::Address, N::Error>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        Box::pin(self.0.resolve(query))
    }
}

macro_rules! boxed {
    ($name:ident, $stream:ident) => {
        impl<A, E> Resolver for $name<A, E> {
            type Address = A;
            type Error = E;
            type Answers = $stream<A, E>;

            fn resolve(&self, query: &Query) -> Self::Answers {
                self.0.resolve(query)
            }
        }

        impl<A, E> Clone for $name<A, E> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<A, E> fmt::Debug for $name<A, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

boxed!(BoxResolver, BoxAnswers);
boxed!(LocalBoxResolver, LocalBoxAnswers);
