//! The command line of `stagger history`, and the option of `connect`.

use std::path::PathBuf;

/// The text below the options.
pub(super) const HELP: &str = "\
A row is what is known about a prefix of addresses, or about a whole family: the
round-trip time and its variance, how often it was silent since it connected
last, and for how long it is still demoted. The network is the beginning of its
number. In each network, families come first, and the last used entry is below.

Exit status:
  0    shown
  1    the file cannot be read, or is not a history

Examples:
  stagger connect example.com:https --history ~/.cache/stagger.json
  stagger history ~/.cache/stagger.json";

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// A file that `stagger connect --history` or another program with Stagger has written
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// The option of `connect`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ConnectHistory {
    /// Learn from earlier connects, and keep what was learned in this file
    ///
    /// An address that was silent before goes last until its time is over. The file has prefixes
    /// of addresses, round-trip times and no names. It is made if it is missing. A file that cannot
    /// be used is a warning.
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
}
