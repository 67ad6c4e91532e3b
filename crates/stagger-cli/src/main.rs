//! The `stagger` command: connect to a name as fast as the network allows, and see the race.
#![forbid(unsafe_code)]

mod address;
mod args;
mod bind;
mod completions;
mod connect;
mod console;
mod demo;
mod escape;
mod explain;
mod json;
mod lanes;
mod listen;
mod live;
mod manual;
mod names;
mod picture;
mod pipe;
mod policy;
mod race;
mod resolve;
mod runtime;
mod save;
mod signal;
mod tell;
mod terminal;
mod udp;
mod usage;
mod wrap;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use console::{Console, Exit};

fn main() -> ExitCode {
    let mut console = Console::of_process();
    let exit = match Args::try_parse() {
        Ok(Args { command }) => match command {
            Command::Connect(args) => connect::run(&args, &mut console),
            Command::Resolve(args) => resolve::run(&args, &mut console),
            Command::Listen(args) => listen::run(&args, &mut console),
            Command::Udp(command) => udp::run(&command, &mut console),
            Command::Demo(args) => demo::run(&args, &mut console),
            Command::Completions { shell } => completions::run(shell, &mut console),
            Command::Man { page } => manual::run(page, &mut console),
        },
        Err(error) if error.use_stderr() => {
            console.complain(&error.render().to_string());
            Exit::Usage
        }
        // The help and the version come as errors too.
        Err(help) => {
            console.print(&help.render().to_string());
            Exit::Success
        }
    };
    console.end(exit).into()
}
