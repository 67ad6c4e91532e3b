//! What Stagger costs: time, instructions and memory, beside what there is already.
//!
//! The programs are in `benches`: for connects `heap` counts allocations and bytes, and `time`
//! takes times and counts instructions; for lookups over DNS so do `dns_heap` and `dns`; `stuck` is
//! about lookups that are stuck, `half-broken` about name servers that are, `accept` about
//! listeners, and `fair` about a ticker beside a task that connects. `tls` and `tls-heap` measure
//! connects with TLS, and `tls-stress` looks for what very many of them leave behind. `history`
//! compares connects with and without a history. Those of the heap are apart because a heap that
//! counts is slower. What holds on every machine is a test as well, in `tests/heap.rs`.
//! `docs/benchmarks.md` has what they print, and how to read it.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod accept;
mod allocation;
mod args;
mod fair;
mod instruction;
mod list;
mod lookup;
mod machine;
mod pending;
mod process;
mod ratio;
mod round;
mod server;
mod side;
mod stuck;
mod tls;

pub use accept::{Accepting, LISTENERS, PEERS, Peers, Way as Listening, times_of_accepts};
pub use allocation::{Heap, MOST_ALLOCATIONS, allocations};
pub use args::{Args, Count, Part, Subject};
pub use fair::{Ticks, ticks_beside};
pub use instruction::Callgrind;
pub use list::{LENGTHS, Still, fail, times_of_lists};
pub use lookup::{
    Asker, CONTESTANTS, Contestant, IN_FLIGHT, Means, NAME_SERVER, NSSWITCH_CONF, RESOLV_CONF,
};
pub use machine::Machine;
pub use pending::{MOST_BYTES, Race, weigh};
pub use process::{Resident, lost_datagrams};
pub use ratio::{Ratio, median};
pub use round::{Times, connect_often, times, times_of_lookups};
pub use server::{BACKLOG, NAME, Server, reset};
pub use side::{AsyncStd, BoxError, Dns, LocalTask, Place, Side, Smol, Stream, Tokio, Way};
pub use stuck::{Asks, Burst, LISTED, Stuck, burst, stuck};
pub use tls::{
    Clients, Crowd, CrowdServer, Crowded, Kind, Listed, ROW, Secure, SmolCrowd, TlsServer, TlsWay,
    To, TokioCrowd, Weight, allocations_of_handshakes, crowd, handshake_often, times_of_handshakes,
};
