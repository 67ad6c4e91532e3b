//! The pages of the manual.

use clap::ValueEnum;

/// A page of the manual for one command.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Page {
    Connect,
    Resolve,
    Listen,
    Udp,
    UdpListen,
    UdpSend,
    History,
    Demo,
    Completions,
    Man,
}

impl Page {
    /// The words of the command.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Connect => &["connect"],
            Self::Resolve => &["resolve"],
            Self::Listen => &["listen"],
            Self::Udp => &["udp"],
            Self::UdpListen => &["udp", "listen"],
            Self::UdpSend => &["udp", "send"],
            Self::History => &["history"],
            Self::Demo => &["demo"],
            Self::Completions => &["completions"],
            Self::Man => &["man"],
        }
    }
}
