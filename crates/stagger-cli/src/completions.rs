//! `stagger completions`: prints the script with which a shell completes the command line.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::args::Args;
use crate::console::{Console, Exit};

/// Prints the script for a shell.
pub(crate) fn run(shell: Shell, console: &mut Console) -> Exit {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    console.print(&String::from_utf8_lossy(&script));
    Exit::Success
}
