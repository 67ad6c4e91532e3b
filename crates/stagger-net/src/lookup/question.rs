//! What the system is asked, and the places from which it is asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use super::pool::{Joined, Pool};
use super::{AddressRequest, Addresses, Found, LookupError, NameInfo, NameRequest, Request};

/// How many calls of `getaddrinfo` and `getnameinfo` run at once in a process: 64.
///
/// Each holds a thread until libc returns, and with a dead name server that is 10 s or more. The
/// bound is ours: about an eighth of the 500 threads of the pool under it, which the program's own
/// blocking work shares, and far more than a working name server keeps busy.
const CAPACITY: usize = 64;

/// How many of them may be for one family beside a full lookup that is late: half of them. When
/// every lookup is late, those of names that were not asked for yet find places all the same. The
/// share is ours.
const SPARE_CAPACITY: usize = CAPACITY / 2;

static POOL: LazyLock<Pool<Question, Reply>> =
    LazyLock::new(|| Pool::new(CAPACITY, SPARE_CAPACITY, Question::answer));

/// One question. Two that are equal get one reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// The addresses of a target.
    Target(Request),
    /// What a lookup of one's own asks for.
    Address(AddressRequest),
    /// The name of an address.
    Name(NameRequest),
}

/// What comes of it.
#[derive(Clone)]
pub(crate) enum Reply {
    Target(Found),
    Address(Result<Addresses, LookupError>),
    Name(Result<NameInfo, LookupError>),
}

impl Question {
    /// Asks the system. Blocks for as long as it takes.
    fn answer(&self) -> Reply {
        match self {
            Self::Target(request) => Reply::Target(request.look_up()),
            Self::Address(request) => Reply::Address(request.look_up()),
            Self::Name(request) => Reply::Name(request.look_up()),
        }
    }

    /// Whether the network may be asked, so that the answer may take long.
    fn may_ask_the_network(&self) -> bool {
        match self {
            Self::Target(_) => true,
            Self::Address(request) => request.may_ask_the_network(),
            Self::Name(request) => request.may_ask_the_network(),
        }
    }
}

/// A question that was put, and what to make of its reply. Dropped, it is abandoned.
pub(crate) struct Call<V>(Stage<V>);

enum Stage<V> {
    /// In the pool, with others that ask the same.
    Joined(Joined<Question, Reply>, fn(Reply) -> V),
    /// On a thread of its own, past the pool's queue.
    Aside(blocking::Task<V>),
    Known(Option<V>),
}

impl<V: Send + 'static> Call<V> {
    /// Puts a question. One that asks no network does not wait for those that do.
    pub(crate) fn put(question: Question, read: fn(Reply) -> V) -> Self {
        if question.may_ask_the_network() {
            Self(Stage::Joined(POOL.join(question), read))
        } else {
            Self::aside(move || read(question.answer()))
        }
    }

    /// Puts a question that is asked beside another, which is late.
    pub(crate) fn put_spare(question: Question, read: fn(Reply) -> V) -> Self {
        Self(Stage::Joined(POOL.join_spare(question), read))
    }

    /// Runs what reads this machine's files, and no more, on a thread.
    pub(crate) fn aside(call: impl FnOnce() -> V + Send + 'static) -> Self {
        Self(Stage::Aside(blocking::unblock(call)))
    }

    /// What needs no asking.
    pub(crate) fn known(value: V) -> Self {
        Self(Stage::Known(Some(value)))
    }
}

impl<V> Unpin for Call<V> {}

impl<V> Future for Call<V> {
    type Output = V;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<V> {
        match &mut self.0 {
            Stage::Joined(joined, read) => Poll::Ready(read(ready!(Pin::new(joined).poll(cx)))),
            Stage::Aside(task) => Pin::new(task).poll(cx),
            Stage::Known(value) => Poll::Ready(value.take().expect("what is known is told once")),
        }
    }
}

impl Reply {
    pub(crate) fn target(self) -> Found {
        match self {
            Self::Target(found) => found,
            _ => unreachable!("a question has a reply of its own sort"),
        }
    }

    pub(crate) fn address(self) -> Result<Addresses, LookupError> {
        match self {
            Self::Address(found) => found,
            _ => unreachable!("a question has a reply of its own sort"),
        }
    }

    pub(crate) fn name(self) -> Result<NameInfo, LookupError> {
        match self {
            Self::Name(found) => found,
            _ => unreachable!("a question has a reply of its own sort"),
        }
    }
}
