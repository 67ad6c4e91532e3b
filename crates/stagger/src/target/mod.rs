//! The parts of a [`Target`](crate::Target): a host and a service.

mod convert;
mod error;
mod host;
pub(crate) mod host_service;
#[cfg(feature = "http")]
mod http;
mod name;
mod service;
#[cfg(any(feature = "http", feature = "url"))]
mod uri;
#[cfg(feature = "url")]
mod url;

pub use self::error::{TargetError, TargetErrorKind};
pub use self::host::{Host, Zone};
pub use self::name::Name;
pub use self::service::Service;
