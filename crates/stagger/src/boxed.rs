//! Boxed endpoints, connectors, resolvers, dialers, listeners and observers, which hide the inner
//! type.
//!
//! A `Box…` is `Send`. A `LocalBox…` stays on its thread and may hold values that are not `Send`.

pub use crate::connect::boxed_connector::{BoxConnector, LocalBoxConnector};
pub use crate::connect::boxed_dialer::{BoxDialer, LocalBoxDialer};
pub use crate::connect::boxed_endpoint::{BoxEndpoint, LocalBoxEndpoint};
pub use crate::listen::boxed::{BoxListen, BoxListener, LocalBoxListen, LocalBoxListener};
pub use crate::observe::boxed::BoxObserver;
pub use crate::resolve::boxed::{BoxResolver, LocalBoxResolver};

/// Any error. A dialer boxes the errors of a resolver or a connector into this type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
