//! What the programs share: a network in a namespace, real servers in it, and the row of a client.
//!
//! A program starts itself again in a network of its own, so nothing leaves the machine. There it
//! starts the server that most people run, and a name server. A [`Row`] then connects the client to
//! one name per [`Situation`], first by the client's own dial and then through Stagger.
//!
//! Everything here panics if the machine lacks something: a program without its server proves
//! nothing.

mod namespace;
mod network;
mod process;
mod row;
mod server;
mod version;

pub use namespace::{run, within};
pub use network::{DEAD, SERVER, Situation, serve};
pub use row::Row;
pub use server::{Server, Ssh, certificates};

/// Any error. Clients have many kinds.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a way to connect returns. Its time is measured to the first real answer.
pub type Result<T = ()> = std::result::Result<T, BoxError>;
