//! TLS over our dials, beside the runtime's own TLS library over the runtime's own connect.

mod crowd;
mod handshake;
mod server;
mod side;
mod weight;

pub use crowd::{Crowd, CrowdServer, Crowded, SmolCrowd, TokioCrowd, crowd};
pub use handshake::{ROW, allocations_of_handshakes, handshake_often, times_of_handshakes};
pub use server::TlsServer;
pub use side::{Clients, Kind, Listed, Secure, TlsWay, To};
pub use weight::Weight;
