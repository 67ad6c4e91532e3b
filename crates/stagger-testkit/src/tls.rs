//! Certificates of an authority of the test's own, and TLS servers on loopback with them.
//!
//! # Examples
//!
//! ```
//! use std::io::{Read as _, Write as _};
//! use std::net::TcpStream;
//!
//! use stagger_testkit::tls::{Authority, Server};
//!
//! let authority = Authority::new()?;
//! let server = Server::echo([127, 0, 0, 1], &authority, "tls.example")?;
//!
//! let name = "tls.example".try_into()?;
//! let session = rustls::ClientConnection::new(authority.client()?, name)?;
//! let mut stream = rustls::StreamOwned::new(session, TcpStream::connect(server.addr())?);
//! stream.write_all(b"hello")?;
//! let mut answer = [0; 5];
//! stream.read_exact(&mut answer)?;
//! assert_eq!(&answer, b"hello");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod authority;
mod identity;
mod pem;
mod request;
mod server;

pub use self::authority::Authority;
pub use self::identity::Identity;
pub use self::request::{Request, Usage};
pub use self::server::Server;
