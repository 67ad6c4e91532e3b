//! Boxed resolvers, so that a program can choose one at run time.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use futures_core::Stream;

use crate::Answer;
use crate::Resolver;
use crate::boxed::BoxError;
use crate::error::SharedError;
use crate::resolve::Query;

/// A resolver's stream, boxed, `Send`.
type BoxAnswers<A, E> = Pin<Box<dyn Stream<Item = Answer<A, E>> + Send>>;
/// A resolver's stream, boxed, for one thread.
type LocalBoxAnswers<A, E> = Pin<Box<dyn Stream<Item = Answer<A, E>>>>;

/// Any resolver with these types, boxed. It is `Send` and `Sync`, and cheap to clone.
pub struct BoxResolver<A, E>(
    Arc<dyn Resolver<Address = A, Error = E, Answers = BoxAnswers<A, E>> + Send + Sync>,
);

/// Any resolver with these types, boxed, for one thread. It is cheap to clone.
pub struct LocalBoxResolver<A, E>(
    Rc<dyn Resolver<Address = A, Error = E, Answers = LocalBoxAnswers<A, E>>>,
);

impl<A, E> BoxResolver<A, E> {
    /// Boxes a resolver, so that a program can choose one at run time.
    pub fn new<N>(resolver: N) -> Self
    where
        N: Resolver<Address = A, Error = E, Answers: Send + 'static> + Send + Sync + 'static,
    {
        Self(Arc::new(Boxing(resolver)))
    }
}

impl<A> BoxResolver<A, SharedError> {
    /// Boxes a resolver and its errors, so that resolvers with different errors fit one list. Each
    /// error becomes a [`SharedError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::boxed::BoxResolver;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Ledger, Place, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let first = ScriptedResolver::<Place>::new(&ledger).fails(ms(5), Record::Addresses);
    /// let other = stagger::resolve::resolver_fn(|_: &_| {
    ///     let answer = stagger::Answer::<_, std::io::Error>::found(Record::Addresses, [Place("v4")]);
    ///     futures_lite::stream::once(answer)
    /// });
    /// let list = [BoxResolver::erased(first), BoxResolver::erased(other)];
    /// ```
    pub fn erased<N>(resolver: N) -> Self
    where
        N: Resolver<Address = A, Error: Into<BoxError>, Answers: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        Self::new(resolver.map_err(SharedError::new))
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

impl<A> LocalBoxResolver<A, SharedError> {
    /// Boxes a resolver that need not be `Send`, and its errors.
    pub fn erased<N>(resolver: N) -> Self
    where
        N: Resolver<Address = A, Error: Into<BoxError>, Answers: 'static> + 'static,
    {
        Self::new(resolver.map_err(SharedError::new))
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
