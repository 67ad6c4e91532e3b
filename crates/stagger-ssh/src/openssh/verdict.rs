//! What the messages of ssh(1) mean.

use crate::SshErrorKind;

/// Texts of OpenSSH's client, and what they mean. The first that fits counts, so a line about the
/// last cause comes before a line about its effect.
const TEXTS: [(&str, SshErrorKind); 19] = [
    ("Host key verification failed", SshErrorKind::HostKey),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", SshErrorKind::HostKey),
    ("host key is known for", SshErrorKind::HostKey),
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
    ("Connection reset by", SshErrorKind::Lost),
];

/// The kind of failure that ssh's standard error tells, or [`SshErrorKind::Command`].
pub(super) fn kind(stderr: &str) -> SshErrorKind {
    let found = TEXTS.iter().find(|(text, _)| stderr.contains(text));
    found.map_or(SshErrorKind::Command, |(_, kind)| *kind)
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
            ("what is this", SshErrorKind::Command),
        ];
        for (text, expected) in messages {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
