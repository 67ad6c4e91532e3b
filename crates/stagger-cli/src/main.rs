//! The `stagger` command: connects to a host fast, and shows how.
//!
//! # Where to look
//!
//! | to find | look in |
//! | --- | --- |
//! | options and help | `args`, with a file for each command |
//! | the commands | `connect`, `resolve`, `listen`, `udp`, `history`, `demo`, `completions`, `manual` |
//! | how options are read | `target`, `address`, `bind`, `duration`, `lanes`, `policy` |
//! | the resolver and the dialer of a command line | `resolver`, `overrides`, `dial` |
//! | what to write instead of a wrong target | `hint` |
//! | messages and exit codes | `usage` (wrong arguments), `failure` (the rest), `console` |
//! | tokio, smol and async-std | `runtime`, and `stream` for their connections |
//! | TLS | `tls` |
//! | proxies | `proxy` |
//! | SSH hosts | `ssh` |
//! | `--endpoint` | `endpoint` |
//! | `--history` and its file | `history` |
//! | the race as text, as SVG and live | `picture`, `live`, `terminal` |
//! | the race as JSON | `json` |
//! | `--answers` and `--explain` | `answer`, `explain` |
//! | `--pipe` | `pipe`, over `stdio` |
//! | Ctrl-C and SIGTERM | `signal` |
#![forbid(unsafe_code)]

mod address;
mod answer;
mod args;
mod bind;
mod completions;
mod connect;
mod console;
mod demo;
mod dial;
mod duration;
mod endpoint;
mod escape;
mod explain;
mod failure;
mod hint;
mod history;
mod json;
mod lanes;
mod listen;
mod live;
mod manual;
mod nat64;
mod overrides;
mod picture;
mod pipe;
mod policy;
mod proxy;
mod race;
mod resolve;
mod resolver;
mod runtime;
mod save;
mod signal;
#[cfg(all(feature = "ssh", unix))]
mod ssh;
#[cfg(not(all(feature = "ssh", unix)))]
#[path = "ssh/absent.rs"]
mod ssh;
mod stdio;
mod stream;
mod target;
mod terminal;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls/absent.rs"]
mod tls;
mod udp;
mod usage;
mod wrap;

use std::process::ExitCode;

use args::{Args, Command};
use console::{Console, Exit};

fn main() -> ExitCode {
    let mut console = Console::of_process();
    let exit = match Args::of_process() {
        Ok(Args { command }) => match command {
            Command::Connect(args) => connect::run(&args, &mut console),
            Command::Resolve(args) => resolve::run(&args, &mut console),
            Command::Listen(args) => listen::run(&args, &mut console),
            Command::Udp(command) => udp::run(&command, &mut console),
            Command::History(args) => history::run(&args, &mut console),
            Command::Demo(args) => demo::run(&args, &mut console),
            Command::Completions { shell } => completions::run(shell, &mut console),
            Command::Man { page } => manual::run(page, &mut console),
        },
        Err(error) if error.use_stderr() => {
            // clap repeats an argument that it does not expect.
            console.complain(&usage::without_logins(error.render().to_string(), std::env::args()));
            Exit::Usage
        }
        // clap reports help and version as errors.
        Err(help) => {
            console.print(&help.render().to_string());
            Exit::Success
        }
    };
    console.end(exit).into()
}
