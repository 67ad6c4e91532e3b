//! Types for datagrams over UDP, ICMP errors and address errors.

mod addr;
mod bind;
mod icmp;
mod message;
mod multicast;
mod open;
pub(crate) mod option;
mod reported;
pub(crate) mod socket;
mod system;
mod waiter;

pub use self::addr::UdpAddrError;
pub use self::icmp::IcmpError;
#[cfg(all(fuzzing, target_os = "linux"))]
#[doc(hidden)]
pub use self::message::fuzzing::control;
pub use self::message::{Arrival, Datagram};
