//! How much work a thread does before other tasks run.

use std::cell::Cell;
use std::task::{Context, Poll};

/// The budget of a thread, for runtimes whose tasks have no budget.
///
/// An operation that completes at once never makes its task wait. A task that accepts, receives or
/// connects again and again would keep its thread busy alone. So each operation spends some of the
/// budget, and the task yields when the budget is spent. Tokio's tasks have their own budget
/// (`tokio::task::coop`), and tokio's adapter spends that.
///
/// # Examples
///
/// An operation that completes at once, but lets other tasks run now and then:
///
/// ```
/// use std::future::poll_fn;
/// use std::pin::pin;
/// use futures_lite::future::poll_once;
/// use stagger_net::reactor::Budget;
///
/// # futures_lite::future::block_on(async {
/// let mut yields = 0;
/// for _ in 0..10 * Budget::UNITS {
///     let mut operation = pin!(poll_fn(|cx| Budget::poll(cx, 1)));
///     while poll_once(&mut operation).await.is_none() {
///         yields += 1;
///     }
/// }
/// assert!((9..=10).contains(&yields), "{yields}");
/// # });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Budget(());

thread_local! {
    static SPENT: Cell<u32> = const { Cell::new(0) };
}

impl Budget {
    /// The budget that a thread spends before a task yields: 128 units. Tokio gives a task the same
    /// number.
    pub const UNITS: u32 = 128;

    /// The cost of a connect: 8 units. A connect takes about ten times as long as the receipt of a
    /// datagram, so 16 connects over loopback take about 0.3 ms. The number is ours.
    pub const CONNECT: u32 = 8;

    /// Spends some of this thread's budget, if any is left. Otherwise it starts a new budget and is
    /// pending, and the task is polled again after other tasks.
    ///
    /// Poll it before an operation that may complete at once.
    pub fn poll(cx: &mut Context<'_>, units: u32) -> Poll<()> {
        let before = spent();
        if before < Self::UNITS {
            set_spent(before.saturating_add(units));
            return Poll::Ready(());
        }
        set_spent(0);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

// A thread that is ending may have lost its budget. Its tasks need not yield.
fn spent() -> u32 {
    SPENT.try_with(Cell::get).unwrap_or(0)
}

fn set_spent(units: u32) {
    _ = SPENT.try_with(|spent| spent.set(units));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_spent_budget_is_pending_once_and_wakes_the_task() {
        let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
        let waker = Waker::from(wakes.clone());
        let mut cx = Context::from_waker(&waker);
        set_spent(0);
        for _ in 0..3 {
            for _ in 0..Budget::UNITS / Budget::CONNECT {
                assert!(Budget::poll(&mut cx, Budget::CONNECT).is_ready());
            }
            let woken = wakes.0.load(Ordering::Relaxed);
            assert!(Budget::poll(&mut cx, 1).is_pending());
            assert_eq!(wakes.0.load(Ordering::Relaxed), woken + 1);
        }
        assert!(Budget::poll(&mut cx, u32::MAX).is_ready());
        assert!(Budget::poll(&mut cx, u32::MAX).is_pending());
    }

    #[test]
    fn each_thread_has_a_budget_of_its_own() {
        set_spent(Budget::UNITS);
        std::thread::spawn(|| {
            assert!(Budget::poll(&mut Context::from_waker(Waker::noop()), 1).is_ready());
        })
        .join()
        .unwrap();
        assert!(Budget::poll(&mut Context::from_waker(Waker::noop()), 1).is_pending());
    }
}
