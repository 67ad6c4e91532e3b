//! The steps that an [`Observer`](crate::Observer) receives, and the observers of this crate.

pub(crate) mod boxed;
mod child;
mod kind;
mod log;
pub(crate) mod observer;
mod recorder;
#[cfg(feature = "tracing")]
mod tracing;

pub use self::child::ChildStep;
pub(crate) use self::child::Parent;
pub(crate) use self::log::Log;
pub use self::observer::Step;
pub use self::recorder::Recorder;
#[cfg(feature = "tracing")]
pub use self::tracing::Tracing;
