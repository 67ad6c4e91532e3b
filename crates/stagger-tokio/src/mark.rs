//! How a lookup recognises its runtime.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use stagger_net::reactor::ReactorMark;
use tokio::runtime::Handle;
use tokio::task::coop;

/// How long the alarm in a mark lasts: a year. Only the end of its runtime should end it. The
/// number is ours.
const LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Marks the current runtime.
///
/// The mark is current in the runtime with the same id, until that runtime ends. tokio may then use
/// the id again, so the mark also has an alarm: a runtime that shuts down ends all of its alarms.
/// Panics in a runtime that was built without `enable_time`, or that is being shut down.
pub(crate) fn mark() -> ReactorMark {
    let Ok(handle) = Handle::try_current() else {
        // Without a runtime, opening a socket panics anyway.
        return ReactorMark::new(|| Handle::try_current().is_err());
    };
    let id = handle.id();
    let mut life = Box::pin(tokio::time::sleep(LIFE));
    // An unpolled alarm does not learn of the runtime's end. A spent budget must not stop the poll.
    let mut first = coop::unconstrained(life.as_mut());
    let polled = Pin::new(&mut first).poll(&mut Context::from_waker(Waker::noop()));
    debug_assert_eq!(polled, Poll::Pending, "a year is over at once");
    ReactorMark::new(move || {
        !life.is_elapsed() && Handle::try_current().is_ok_and(|handle| handle.id() == id)
    })
}
