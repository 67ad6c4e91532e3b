//! How shared sockets recognise their reactor.

use std::fmt;
use std::sync::Arc;

/// Recognises the reactor on which it was made.
///
/// Some runtimes, such as tokio, have a reactor for each runtime value, and a process may run
/// several of them. A socket works only on its own reactor. Elsewhere a task may wait for a
/// reactor that is idle, busy or gone. So code that shares sockets between tasks makes a
/// mark with [`Register::reactor`](crate::Register::reactor). It polls the sockets only where the
/// mark [is current](Self::is_current).
///
/// Clones recognise the same reactor.
///
/// # Examples
///
/// A runtime whose reactors have numbers that are never reused:
///
/// ```
/// use std::cell::Cell;
/// use stagger_net::reactor::ReactorMark;
///
/// thread_local! {
///     static CURRENT: Cell<u64> = const { Cell::new(1) };
/// }
///
/// fn reactor() -> ReactorMark {
///     let number = CURRENT.get();
///     ReactorMark::new(move || CURRENT.get() == number)
/// }
///
/// let mark = reactor();
/// assert!(mark.is_current());
/// CURRENT.set(2);
/// assert!(!mark.is_current());
/// // A runtime with one reactor for the whole process has a mark that is always current.
/// assert!(ReactorMark::process().is_current());
/// ```
#[derive(Clone, Default)]
pub struct ReactorMark {
    /// `None` if there is one reactor for the whole process.
    is_current: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl ReactorMark {
    /// Makes a mark of the only reactor of the process. It is always current.
    pub fn process() -> Self {
        Self::default()
    }

    /// Makes a mark that is current when `is_current` returns `true`.
    ///
    /// - It must return `true` exactly where a socket registered now would be on the marked
    ///   reactor.
    /// - It must return `false` forever after the marked reactor has ended. If the runtime reuses
    ///   the ids of its reactors, a comparison of ids is not enough.
    /// - It runs at every poll, with a lock held, so it must neither block nor call back.
    pub fn new(is_current: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { is_current: Some(Arc::new(is_current)) }
    }

    /// Returns whether a socket registered now would be on the marked reactor.
    pub fn is_current(&self) -> bool {
        self.is_current.as_ref().is_none_or(|is_current| is_current())
    }
}

/// Prints whether it is current.
impl fmt::Debug for ReactorMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReactorMark").field("is_current", &self.is_current()).finish()
    }
}
