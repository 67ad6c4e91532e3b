//! What a history of outcomes saves: a simulation of many networks, on a virtual clock.
//!
//! The race, the dialer and the history are the real ones. The networks are a [`Model`] with ten
//! classes of networks and a seed. `docs/history.md` has the results, and this writes them there:
//!
//! ```text
//! cargo run --release -p stagger-simulation -- --write
//! ```
//!
//! | to find | look in |
//! | --- | --- |
//! | the classes and the numbers of the model | `model` |
//! | one network and the fate of each attempt | `network` |
//! | the policies, and a life on a network | `life` |
//! | sums over networks, weights and percentiles | `total` |
//! | the tables and the plot | `table`, `plot` |
#![forbid(unsafe_code)]

pub mod life;
pub mod model;
pub mod network;
pub mod plot;
mod random;
pub mod table;
pub mod total;

pub use self::life::Strategy;
pub use self::model::{Class, Model};
pub use self::random::Random;
pub use self::total::{Outcome, simulate};
