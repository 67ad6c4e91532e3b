//! A connect and the step after it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

pin_project! {
    /// A connect, and then a step over its connection. `K` is the input of the step besides the
    /// connection.
    #[project = StepsProjection]
    #[project_replace = StepsReplaced]
    pub(super) enum Steps<C, K, S> {
        First { #[pin] inner: C, keep: K },
        Second { #[pin] step: S },
        Over,
    }
}

impl<C, K, S> Steps<C, K, S> {
    pub(super) fn new(inner: C, keep: K) -> Self {
        Self::First { inner, keep }
    }

    /// Polls the connect, or the step that `begin` makes from the kept value and the connection.
    pub(super) fn poll_with<T, U, E>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        begin: impl FnOnce(K, T) -> S,
    ) -> Poll<Result<U, E>>
    where
        C: Future<Output = Result<T, E>>,
        S: Future<Output = Result<U, E>>,
    {
        if let StepsProjection::First { inner, .. } = self.as_mut().project() {
            let connected = ready!(inner.poll(cx));
            // The connect is dropped before the step begins.
            let StepsReplaced::First { keep, .. } = self.as_mut().project_replace(Self::Over)
            else {
                unreachable!("it was the first step")
            };
            match connected {
                Ok(connection) => self.set(Self::Second { step: begin(keep, connection) }),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let StepsProjection::Second { step } = self.as_mut().project() else {
            panic!("polled after it was ready");
        };
        let output = ready!(step.poll(cx));
        self.set(Self::Over);
        Poll::Ready(output)
    }
}
