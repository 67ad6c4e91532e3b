//! Boxes for one type in place of many: of endpoints, connectors, resolvers, dialers, listeners and
//! observers.
//!
//! A `Box…` is `Send`. A `LocalBox…` stays on its thread and holds what is not `Send`.

pub use crate::connect::boxed_connector::{BoxConnector, LocalBoxConnector};
pub use crate::connect::boxed_dialer::{BoxDialer, LocalBoxDialer};
pub use crate::connect::boxed_endpoint::{BoxEndpoint, LocalBoxEndpoint};
pub use crate::listen::boxed::{BoxListen, BoxListener, LocalBoxListen, LocalBoxListener};
pub use crate::observe::boxed::BoxObserver;
pub use crate::resolve::boxed::{BoxResolver, LocalBoxResolver};

/// Any error. A dialer boxes what a resolver or a connector reports into this type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
