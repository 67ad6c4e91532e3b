//! How a lookup recognises its runtime.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use stagger_net::reactor::ReactorMark;
use tokio::runtime::Handle;
use tokio::task::coop;
use tokio::time::Sleep;

/// How long a runtime's sign of life lasts: a year. Only its runtime's end is meant to wake it, and
/// it ends with the lookup that holds it. The number is ours.
const LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Marks the current runtime.
///
/// The mark is current in the runtime with the same id, until that runtime ends. tokio may use the
/// id again afterwards, so the mark also has an alarm of the runtime: a runtime that shuts down
/// ends all of its alarms.
///
/// # Panics
///
/// In a runtime that was built without `enable_time`, or that is being shut down.
pub(crate) fn mark() -> ReactorMark {
    let Ok(handle) = Handle::try_current() else {
        // Without a runtime no socket can be made, and what tries to make one says so.
        return ReactorMark::new(|| Handle::try_current().is_err());
    };
    let (id, life) = (handle.id(), begin());
    ReactorMark::new(move || {
        !life.is_elapsed() && Handle::try_current().is_ok_and(|handle| handle.id() == id)
    })
}

/// An alarm that has begun: one that was never polled does not learn of the runtime's end.
fn begin() -> Pin<Box<Sleep>> {
    let mut life = Box::pin(tokio::time::sleep(LIFE));
    // A task whose budget is spent could not begin it otherwise.
    let mut first = coop::unconstrained(life.as_mut());
    let polled = Pin::new(&mut first).poll(&mut Context::from_waker(Waker::noop()));
    debug_assert_eq!(polled, Poll::Pending, "a year is over at once");
    life
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtimes() -> [Runtime; 2] {
        let multi_thread = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        [Builder::new_current_thread().enable_all().build().unwrap(), multi_thread.unwrap()]
    }

    #[test]
    fn a_mark_is_current_in_its_own_runtime_alone() {
        let [a, b] = runtimes();
        let (of_a, of_b) = (a.block_on(async { mark() }), b.block_on(async { mark() }));
        let seen = || [of_a.is_current(), of_b.is_current()];
        assert_eq!(a.block_on(async { seen() }), [true, false]);
        assert_eq!(b.block_on(async { seen() }), [false, true]);
        assert_eq!(seen(), [false, false]);
        assert!(mark().is_current());
    }

    #[test]
    fn a_mark_of_a_runtime_that_has_ended_is_not_current_even_under_its_id() {
        for runtime in runtimes() {
            let mark = runtime.block_on(async { mark() });
            let handle = runtime.handle().clone();
            let _context = handle.enter();
            assert!(mark.is_current());
            drop(runtime);
            // The handle still has the id, as a new runtime may.
            assert!(!mark.is_current());
        }
    }

    #[test]
    fn a_mark_that_was_made_with_a_spent_budget_learns_of_the_end_too() {
        let [runtime, _] = runtimes();
        let handle = runtime.handle().clone();
        let mark = runtime.block_on(async {
            std::future::poll_fn(|cx| {
                while coop::poll_proceed(cx).map(|budget| budget.made_progress()).is_ready() {}
                Poll::Ready(())
            })
            .await;
            mark()
        });
        let _context = handle.enter();
        assert!(mark.is_current());
        drop(runtime);
        assert!(!mark.is_current());
    }
}
