//! TLS: the options `--tls` and those that need it.
//!
//! | to find | look in |
//! | --- | --- |
//! | options and their help | `args` |
//! | certificates and keys in files | `pem` |
//! | how a client checks a certificate | `client`, `insecure` |
//! | the description of a connection, as text and JSON | `session`, `date` |
//! | reads and writes of a connection | `stream` |
//! | hints after a failure | `hint` |
//! | the certificate of a server, and its handshakes | `server` |
//! | TLS of `--endpoint` | `endpoint` |
//! | the two ends of the demo | `demo` |
//!
//! Without the feature `tls`, `absent` has the same names and no options.

mod args;
mod client;
mod date;
mod demo;
mod endpoint;
mod hint;
mod insecure;
mod pem;
mod server;
mod session;
mod stream;

pub(crate) use self::args::{
    CONNECT_EXAMPLE, CONNECT_EXAMPLES, CONNECT_HELP, ConnectTls, LISTEN_EXAMPLE, ListenTls, WRONG,
};
pub(crate) use self::client::Client;
pub(crate) use self::demo::Pair;
pub(crate) use self::endpoint::{failed_handshake, session_on_futures, session_on_tokio};
pub(crate) use self::hint::{hint, proxy_hint};
pub(crate) use self::server::Server;
pub(crate) use self::session::Session;

/// Whether this build has TLS.
pub(crate) const PRESENT: bool = true;
