//! A name server with scripted replies: late, wrong, duplicate or missing replies.
//!
//! It serves real sockets: UDP and TCP on one port of loopback. So it shows how a resolver handles
//! foreign bytes. It needs the feature `dns`.
//!
//! # Examples
//!
//! ```
//! use std::net::UdpSocket;
//! use stagger_testkit::dns::{NameServer, Record, Reply};
//!
//! let server = NameServer::start()?;
//! server.on("example.com", Record::A, Reply::addresses(["192.0.2.1"]));
//!
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
//! socket.send_to(question, server.addr())?;
//! let mut reply = [0; 512];
//! let length = socket.recv(&mut reply)?;
//! assert_eq!(reply[..2], *b"\x12\x34");
//! assert!(reply[..length].ends_with(&[192, 0, 2, 1]));
//! assert_eq!(server.asked("example.com", Record::A), 1);
//! # Ok::<_, std::io::Error>(())
//! ```

mod reply;
mod schedule;
mod server;

pub use reply::Reply;
pub use server::{NameServer, Question};
pub use stagger::resolve::Record;
