//! What the messages of ssh(1) mean.

use crate::command::one_line;
use crate::{Route, SshErrorKind, SshHost};

/// Texts of OpenSSH's client, and what they mean. The first that fits counts, so a line about the
/// last cause comes before a line about its effect.
const TEXTS: [(&str, SshErrorKind); 24] = [
    ("Host key verification failed", SshErrorKind::HostKey),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", SshErrorKind::HostKey),
    ("host key is known for", SshErrorKind::HostKey),
    ("has changed and you have requested strict checking", SshErrorKind::HostKey),
    ("Offending ", SshErrorKind::HostKey),
    ("Permission denied (", SshErrorKind::Login),
    ("Too many authentication failures", SshErrorKind::Login),
    ("no matching host key type", SshErrorKind::Login),
    ("Bad configuration option", SshErrorKind::Config),
    ("terminating, ", SshErrorKind::Config),
    ("Can't open user config file", SshErrorKind::Config),
    ("administratively prohibited", SshErrorKind::Forbidden),
    ("open failed", SshErrorKind::Refused),
    ("Session open refused by peer", SshErrorKind::Refused),
    ("Could not resolve", SshErrorKind::Unreached),
    ("Connection refused", SshErrorKind::Unreached),
    ("No route to host", SshErrorKind::Unreached),
    ("Network is unreachable", SshErrorKind::Unreached),
    ("timed out", SshErrorKind::Unreached),
    ("Connection closed by", SshErrorKind::Lost),
    ("closed by remote host", SshErrorKind::Lost),
    ("Broken pipe", SshErrorKind::Lost),
    ("Connection reset by", SshErrorKind::Lost),
    ("Timeout, server", SshErrorKind::Lost),
];

/// What ssh prints when its `ProxyCommand` ends first. It has no address for such a connection, so
/// it prints this one (canohost.c).
const PROXY_ENDED: &str = "UNKNOWN port 65535";

/// What ssh prints before that.
const NO_BANNER: &str = "kex_exchange_identification: ";

/// The kind of failure that ssh's standard error names, or [`SshErrorKind::Command`].
pub(super) fn kind(stderr: &str) -> SshErrorKind {
    let found = TEXTS.iter().find(|(text, _)| stderr.contains(text));
    found.map_or(SshErrorKind::Command, |(_, kind)| *kind)
}

/// The lines of standard error that tell this kind, as one short line. If none does, it is every
/// line but those about the end of a `ProxyCommand`.
pub(super) fn line(stderr: &str, kind: SshErrorKind) -> String {
    let is_telling = |line: &&str| {
        let mut texts = TEXTS.iter().filter(|(_, of)| *of == kind);
        texts.any(|(text, _)| line.contains(text)) && !is_about_proxy(line)
    };
    let frame = |line: &str| line.trim_matches(['@', ' ', '\r']).to_owned();
    let told: Vec<_> = stderr.lines().filter(is_telling).map(frame).collect();
    if !told.is_empty() {
        return one_line(&told.join("\n"));
    }
    let others: Vec<_> = stderr.lines().filter(|line| !is_about_proxy(line)).collect();
    let others = one_line(&others.join("\n"));
    if others.is_empty() { one_line(stderr) } else { others }
}

fn is_about_proxy(line: &str) -> bool {
    line.contains(PROXY_ENDED) || line.starts_with(NO_BANNER)
}

/// The host that failed in a chain of ssh(1) that ends at this one, and the host after it. All of
/// them print to the same standard error. Each ssh after the failed one prints that its
/// `ProxyCommand` ended.
pub(super) fn culprit(last: &SshHost, stderr: &str) -> (SshHost, Option<SshHost>) {
    let (mut host, mut next) = (last.clone(), None);
    for _ in stderr.matches(PROXY_ENDED) {
        // A command that is no hop of ours ended too.
        let Route::Through(parent) = host.route() else { break };
        let parent = parent.clone();
        next = Some(std::mem::replace(&mut host, parent));
    }
    (host, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_openssh_have_their_kinds() {
        let messages = [
            ("root@127.0.0.1: Permission denied (publickey).", SshErrorKind::Login),
            (
                "No ED25519 host key is known for [h]:2 and you have requested strict checking.\r\n\
              Host key verification failed.",
                SshErrorKind::HostKey,
            ),
            (
                "channel 0: open failed: connect failed: Connection refused\r\n\
              stdio forwarding failed",
                SshErrorKind::Refused,
            ),
            (
                "channel 0: open failed: administratively prohibited: open failed",
                SshErrorKind::Forbidden,
            ),
            (
                "ssh: Could not resolve hostname h: Name or service not known",
                SshErrorKind::Unreached,
            ),
            ("ssh: connect to host 127.0.0.1 port 1: Connection refused", SshErrorKind::Unreached),
            ("ssh: connect to host h port 22: Connection timed out", SshErrorKind::Unreached),
            ("kex_exchange_identification: Connection closed by remote host", SshErrorKind::Lost),
            (
                "/f: line 1: Bad configuration option: nope\r\n\
              /f: terminating, 1 bad configuration options",
                SshErrorKind::Config,
            ),
            ("Connection to h closed by remote host.", SshErrorKind::Lost),
            ("client_loop: send disconnect: Broken pipe", SshErrorKind::Lost),
            ("Timeout, server h not responding.", SshErrorKind::Lost),
            ("what is this", SshErrorKind::Command),
        ];
        for (text, expected) in messages {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn only_the_telling_lines_are_shown() {
        let ended = "kex_exchange_identification: Connection closed by remote host\r\n\
            Connection closed by UNKNOWN port 65535\r\n";
        let changed = "@@@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n\
            Please contact your system administrator.\r\nHost key verification failed.\r\n";
        let cases = [
            (
                format!("{changed}{ended}"),
                SshErrorKind::HostKey,
                "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!; Host key verification failed.",
            ),
            (
                format!("joe@h: Permission denied (publickey).\r\n{ended}"),
                SshErrorKind::Login,
                "joe@h: Permission denied (publickey).",
            ),
            (format!("no way\n{ended}"), SshErrorKind::Lost, "no way"),
            (
                ended.to_owned(),
                SshErrorKind::Lost,
                "kex_exchange_identification: Connection closed by remote host; Connection closed \
                 by UNKNOWN port 65535",
            ),
        ];
        for (stderr, expected, text) in cases {
            assert_eq!(kind(&stderr), expected, "{stderr}");
            assert_eq!(line(&stderr, expected), text);
        }
    }
}
