//! What this machine has: its addresses, its default routes, and its local shortages.

pub use crate::connectivity::Connectivity;
#[doc(hidden)]
pub use crate::lookup::question::on_thread;
pub use crate::network::network_key;
pub use crate::socket::is_local_shortage;
pub use crate::source::{SystemSourceAddresses, source_address};
