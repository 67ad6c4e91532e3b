//! The parts of an [`Error`](crate::Error), and errors that several resolvers share.

mod cause;
pub(crate) mod connect;
mod line;
mod lookup;
pub(crate) mod shared;

pub(crate) use self::cause::below;
pub use self::cause::causes;
pub use self::connect::{ErrorKind, Phase};
pub use self::lookup::LookupErrorKind;
pub use self::shared::SharedError;
