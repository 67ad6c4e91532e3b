//! The command line: commands, options and their help.
//!
//! Each command has a file, which holds its options and the text below them. `-h` shows the short
//! text, `--help` and the manual the long one.

mod choice;
mod connect;
mod demo;
mod history;
mod listen;
mod page;
mod resolve;
mod target;
mod udp;

use std::ffi::OsString;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::choice::{ColorWhen, FamilyName, ResolverName, RuntimeName};
pub(crate) use self::connect::ConnectArgs;
pub(crate) use self::demo::DemoArgs;
pub(crate) use self::history::{ConnectHistory, HistoryArgs};
pub(crate) use self::listen::ListenArgs;
pub(crate) use self::page::Page;
pub(crate) use self::resolve::ResolveArgs;
pub(crate) use self::target::TargetArgs;
pub(crate) use self::udp::{UdpCommand, UdpListenArgs, UdpOutputArgs, UdpSendArgs};
use crate::{ssh, tls};

const SHORT: &str = "\
Examples:
  stagger demo
  stagger connect example.com:https
  stagger resolve example.com:https

`stagger COMMAND --help` shows the options of a command.";

/// The table of exit codes. `tests/command/exit.rs` holds every row against the commands.
fn long() -> String {
    format!("{STATUS}{}{}{REST}", tls::WRONG, ssh::WRONG)
}

const STATUS: &str = "\
Exit status:
  0    success
  1    a lookup, a connection or this machine's network failed, or the output
       could not be written
  2    the arguments are wrong on any network:
       - an unknown option, service, zone or network interface
       - a malformed target, endpoint, proxy, address or duration
       - a value out of range
       - a name where an IP address is needed
       - a link-local IPv6 address without a zone
       - an IP address of the family that --family or --bind excludes
";

// A backslash at the end of a line would remove the indentation of the next one.
const REST: &str = "  130  ended by Ctrl-C; 143 by SIGTERM; 141 when nobody reads the output

Every command and every resolver use these codes alike.

Examples:
  stagger demo
  stagger connect example.com:https
  stagger resolve example.com:https
  stagger listen :8080

`stagger demo` needs no network. `stagger COMMAND --help` shows the options of a
command.";

const COMPLETIONS: &str = "\
Examples:
  stagger completions bash \\
    > ~/.local/share/bash-completion/completions/stagger
  stagger completions zsh > ~/.zfunc/_stagger
  stagger completions fish > ~/.config/fish/completions/stagger.fish";

const MAN: &str = "\
Examples:
  stagger man | man -l -
  stagger man connect > ~/.local/share/man/man1/stagger-connect.1";

/// Connect to a host fast, even if some of its addresses do not answer, and show how.
///
/// The command resolves the name and tries its addresses one after another, each shortly after the
/// one before (Happy Eyeballs, RFC 8305). The first connection wins. An address that does not
/// answer costs 250 ms instead of a minute or more.
#[derive(Debug, Parser)]
#[command(
    name = "stagger",
    bin_name = "stagger",
    version,
    max_term_width = 80,
    after_help = SHORT,
    after_long_help = long(),
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect, show the race, and close the connection
    #[command(override_usage = connect::usage())]
    #[command(after_help = connect::short(), after_long_help = connect::long())]
    #[command(mut_arg("target", |target| {
        target.required(false).required_unless_present_any(ssh::IN_PLACE_OF_TARGET)
    }))]
    Connect(Box<ConnectArgs>),
    /// Show the addresses of a host in the order in which they are tried
    #[command(override_usage = resolve::usage())]
    #[command(after_help = resolve::SHORT, after_long_help = resolve::long())]
    #[command(mut_arg("target", |target| match ssh::RESOLVE_IN_PLACE_OF_TARGET {
        [] => target,
        others => target.required(false).required_unless_present_any(others),
    }))]
    Resolve(ResolveArgs),
    /// Accept TCP connections, and send back what they send
    #[command(after_help = listen::help())]
    Listen(ListenArgs),
    /// Send and receive UDP datagrams
    #[command(subcommand, after_help = udp::HELP, disable_help_subcommand = true)]
    Udp(UdpCommand),
    /// Show what `connect --history` has learned
    #[command(after_help = history::HELP)]
    History(HistoryArgs),
    /// Run races on this machine, past addresses that do not answer
    ///
    /// The demo listens on loopback addresses: one accepts, one refuses, one never answers. Its own
    /// name server answers late. The demo races over real sockets and checks each result. It needs
    /// no network, takes some seconds, and leaves nothing behind.
    #[command(after_help = demo::HELP)]
    Demo(DemoArgs),
    /// Print the completions for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print a page of the manual, in roff
    #[command(after_help = MAN)]
    Man {
        /// The command; without it, the page of `stagger` itself
        #[arg(value_enum, value_name = "COMMAND")]
        page: Option<Page>,
    },
}

impl Args {
    /// Reads the arguments of the process. `stagger help COMMAND` is read as `stagger COMMAND
    /// --help`.
    ///
    /// # Errors
    ///
    /// Wrong arguments, and the text of a help or a version that is asked for.
    pub(crate) fn of_process() -> Result<Self, clap::Error> {
        Self::try_parse_from(help_last(std::env::args_os().collect()))
    }
}

/// Puts the word `help` behind the command that it asks about.
fn help_last(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, ValueEnum as _};

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn help_is_read_before_the_command_too() {
        for (words, read) in [
            (&["stagger", "help"][..], &["stagger", "--help"][..]),
            (&["stagger", "help", "udp", "send"], &["stagger", "udp", "send", "--help"]),
            (&["stagger", "connect", "help"], &["stagger", "connect", "help"]),
            (&["stagger"], &["stagger"]),
        ] {
            assert_eq!(help_last(words.iter().map(OsString::from).collect()), read);
        }
    }

    #[test]
    fn the_text_below_the_options_fits_into_a_terminal_of_80_columns() {
        let mut command = Args::command();
        command.build();
        for page in Page::value_variants() {
            let words = page.words().iter();
            let command = words.fold(&command, |command, word| {
                command.find_subcommand(word).expect("every page has a command")
            });
            let texts = [command.get_after_help(), command.get_after_long_help()];
            for text in texts.into_iter().flatten().map(ToString::to_string) {
                for line in text.lines() {
                    assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
                }
            }
        }
        let text = long();
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }

    #[test]
    fn every_command_has_a_page() {
        let command = Args::command();
        let mut commands = Vec::new();
        for command in command.get_subcommands() {
            commands.push(vec![command.get_name()]);
            let below = command.get_subcommands();
            commands.extend(below.map(|below| vec![command.get_name(), below.get_name()]));
        }
        let pages = Page::value_variants();
        assert!(commands.iter().eq(pages.iter().map(|page| page.words())));
        for page in pages {
            let name = page.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(name, Some(page.words().join("-")));
        }
    }
}
