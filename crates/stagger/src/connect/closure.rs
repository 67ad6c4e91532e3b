//! A connector made from a closure.

use std::fmt;
use std::future::Future;

use crate::Candidate;
use crate::Connector;

/// A connector made from a closure: see [`connector_fn`].
#[derive(Clone, Copy)]
pub struct ConnectorFn<F>(F);

/// Makes a [`Connector`] from a closure that takes an address and returns a future.
///
/// The closure receives only the address. To read the target or to report progress, implement
/// [`Connector`], or add a second step with [`Connector::and_then`].
///
/// # Examples
///
/// ```
/// use stagger::Connector;
/// use stagger::connect::connector_fn;
///
/// let echo = connector_fn(|address: u8| async move { Ok::<_, std::io::Error>(address) });
/// assert_eq!(futures_lite::future::block_on(echo.connect(7.into())).unwrap(), 7);
/// ```
pub fn connector_fn<F, A, C, T, E>(connect: F) -> ConnectorFn<F>
where
    F: Fn(A) -> C,
    C: Future<Output = Result<T, E>>,
{
    ConnectorFn(connect)
}

impl<F, A, C, T, E> Connector<A> for ConnectorFn<F>
where
    F: Fn(A) -> C,
    C: Future<Output = Result<T, E>>,
{
    type Connection = T;
    type Error = E;
    type Attempt = C;

    fn connect(&self, to: Candidate<A>) -> C {
        (self.0)(to.into_address())
    }

    fn reports_progress(&self) -> bool {
        false
    }
}

impl<F> fmt::Debug for ConnectorFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorFn").finish_non_exhaustive()
    }
}
