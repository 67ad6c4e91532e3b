//! How much a thread does at once before other tasks have their turn.

use std::cell::Cell;
use std::task::{Context, Poll};

/// The budget of a thread, for runtimes whose tasks have none.
///
/// An operation that is over at once never makes its task wait. A task that accepts, receives or
/// connects again and again would keep its thread for itself. So each operation spends some of the
/// budget, and the task yields when the budget is spent. Tokio's tasks have a budget of their own
/// (`tokio::task::coop`), which its adapter spends instead.
///
/// # Examples
///
/// An operation that is over at once lets others run now and then:
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
    /// What a thread may spend before a task yields: 128. It is the number that tokio gives to a
    /// task.
    pub const UNITS: u32 = 128;

    /// What a connect spends: 8. It takes about ten times as long as to receive a datagram, so 16
    /// connects over loopback take some 0.3 ms. The number is ours.
    pub const CONNECT: u32 = 8;

    /// Spends some of this thread's budget, if any of it is left. If none is left, it begins a new
    /// budget and is pending, and the task is polled again after others.
    ///
    /// Poll it before an operation that may be over at once.
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

// A thread that is ending may have no place for it any more: its tasks have no need to share.
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
