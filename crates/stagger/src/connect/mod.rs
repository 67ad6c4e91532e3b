//! The parts of a connect: its futures, candidates, and the connectors and endpoints of this crate.

mod at;
mod attempt_error;
pub(crate) mod boxed_connector;
pub(crate) mod boxed_dialer;
pub(crate) mod boxed_endpoint;
pub(crate) mod candidate;
mod closure;
pub(crate) mod connector;
pub(crate) mod course;
mod dial;
pub(crate) mod dialer;
pub(crate) mod endpoint;
mod host_endpoint;
pub(crate) mod progress;
mod redirect;

pub use self::at::{At, AtConnect};
pub use self::attempt_error::AttemptError;
pub use self::candidate::Binding;
pub use self::closure::{ConnectorFn, connector_fn};
pub use self::connector::Direct;
pub use self::dial::{Dial, DialWithReport};
pub use self::endpoint::{EndpointFn, endpoint_fn};
pub use self::host_endpoint::HostEndpoint;
pub use self::progress::Progress;
pub use self::redirect::Redirect;
