//! The parts of an [`Error`](crate::Error), and errors that several resolvers share.

pub(crate) mod connect;
mod line;
mod lookup;
pub(crate) mod shared;

pub use self::connect::{ErrorKind, Phase};
pub(crate) use self::line::WithCauses;
pub use self::lookup::LookupErrorKind;
pub use self::shared::SharedError;
