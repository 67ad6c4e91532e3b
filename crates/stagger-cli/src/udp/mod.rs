//! `stagger udp`: sends and receives datagrams.

mod addr;
mod group;
mod input;
mod listen;
mod receive;
mod send;
mod shown;
mod socket;

use crate::args::UdpCommand;
use crate::console::{Console, Exit};

/// Receives or sends.
pub(crate) fn run(command: &UdpCommand, console: &mut Console) -> Exit {
    match command {
        UdpCommand::Listen(args) => listen::run(args, console),
        UdpCommand::Send(args) => send::run(args, console),
    }
}
