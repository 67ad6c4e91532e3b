//! Strings that name endpoints.
#![forbid(unsafe_code)]

#[cfg(feature = "net")]
#[macro_use]
mod runtime;

#[cfg(feature = "async-std")]
pub mod async_std;
mod client;
mod endpoint_text;
mod error;
mod hop;
mod login;
mod near;
mod percent;
mod reader;
#[cfg(feature = "net")]
mod scheme;
mod schemes;
mod server;
mod shown;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "net")]
mod stream;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use stagger;

pub use self::client::{ClientConnector, ClientDialer, ClientEndpoint, MapConnector};
pub use self::endpoint_text::EndpointText;
pub use self::error::{EndpointError, EndpointErrorKind};
pub use self::hop::Hop;
pub use self::login::Login;
pub use self::reader::HopReader;
pub use self::schemes::Schemes;
pub use self::server::{AddrText, ServerEndpoint, ServerListener};
