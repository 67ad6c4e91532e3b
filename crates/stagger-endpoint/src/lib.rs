//! Strings that name endpoints.
#![forbid(unsafe_code)]

mod client;
mod endpoint_text;
mod error;
mod hop;
mod login;
mod near;
mod percent;
mod reader;
mod schemes;
mod server;
mod shown;

pub use self::client::{ClientConnector, ClientDialer, ClientEndpoint, MapConnector};
pub use self::endpoint_text::EndpointText;
pub use self::error::{EndpointError, EndpointErrorKind};
pub use self::hop::Hop;
pub use self::login::Login;
pub use self::reader::HopReader;
pub use self::schemes::Schemes;
pub use self::server::{AddrText, ServerEndpoint, ServerListener};
