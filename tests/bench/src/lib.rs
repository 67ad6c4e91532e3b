//! What Stagger costs: time, instructions and memory, beside the runtimes' own connects.
//!
//! The programs are in `benches`: `heap` counts allocations and bytes, `time` takes times and counts
//! instructions. They are apart because a heap that counts is slower. What holds on every machine is
//! a test as well, in `tests/heap.rs`. `docs/benchmarks.md` has what they print, and how to read it.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod allocation;
mod args;
mod instruction;
mod list;
mod machine;
mod pending;
mod ratio;
mod round;
mod server;
mod side;

pub use allocation::{Heap, MOST_ALLOCATIONS, allocations};
pub use args::{Args, Count, Subject};
pub use instruction::Callgrind;
pub use list::{LENGTHS, Still, fail, times_of_lists};
pub use machine::Machine;
pub use pending::{MOST_BYTES, Race, weigh};
pub use ratio::{Ratio, median};
pub use round::{connect_often, times};
pub use server::{BACKLOG, Server, reset};
pub use side::{AsyncStd, BoxError, Place, Side, Smol, Stream, Tokio, Way};
