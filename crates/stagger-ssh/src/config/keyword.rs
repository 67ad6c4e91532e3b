//! The keywords of ssh_config(5).

macro_rules! keywords {
    ($($name:ident)+) => {
        /// A keyword that decides where and how to connect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Keyword {
            $($name,)+
        }

        const READ: &[(&str, Keyword)] = &[$((stringify!($name), Keyword::$name),)+];
    };
}

keywords! {
    AddressFamily BindAddress BindInterface CanonicalDomains CanonicalizeFallbackLocal
    CanonicalizeHostname CanonicalizeMaxDots CanonicalizePermittedCNAMEs CertificateFile
    ConnectTimeout ConnectionAttempts ControlMaster ControlPath ControlPersist
    GlobalKnownHostsFile Host HostKeyAlias HostName IdentitiesOnly IdentityAgent IdentityFile
    IgnoreUnknown Include Match Port ProxyCommand ProxyJump ProxyUseFdpass RefuseConnection
    StrictHostKeyChecking Tag User UserKnownHostsFile
}

/// Keywords of OpenSSH 9.2 to 10.5, and of Debian's and Apple's versions, that the reader passes
/// over. Old and unsupported ones are among them.
const PASSED: &[&str] = &[
    "AddKeysToAgent",
    "AFSTokenPassing",
    "BatchMode",
    "CASignatureAlgorithms",
    "ChallengeResponseAuthentication",
    "ChannelTimeout",
    "CheckHostIP",
    "Cipher",
    "Ciphers",
    "ClearAllForwardings",
    "Compression",
    "CompressionLevel",
    "DSAAuthentication",
    "DynamicForward",
    "EnableEscapeCommandline",
    "EnableSSHKeysign",
    "EscapeChar",
    "ExitOnForwardFailure",
    "FallBackToRsh",
    "FingerprintHash",
    "ForkAfterAuthentication",
    "ForwardAgent",
    "ForwardX11",
    "ForwardX11Timeout",
    "ForwardX11Trusted",
    "GatewayPorts",
    "GlobalKnownHostsFile2",
    "GSSAPIAuthentication",
    "GSSAPIClientIdentity",
    "GSSAPIDelegateCredentials",
    "GSSAPIKexAlgorithms",
    "GSSAPIKeyExchange",
    "GSSAPIRenewalForcesRekey",
    "GSSAPIServerIdentity",
    "GSSAPITrustDNS",
    "HashKnownHosts",
    "HostbasedAcceptedAlgorithms",
    "HostbasedAuthentication",
    "HostbasedKeyTypes",
    "HostKeyAlgorithms",
    "IPQoS",
    "KbdInteractiveAuthentication",
    "KbdInteractiveDevices",
    "KeepAlive",
    "KerberosAuthentication",
    "KerberosTGTPassing",
    "KexAlgorithms",
    "KnownHostsCommand",
    "LocalCommand",
    "LocalForward",
    "LogLevel",
    "LogVerbose",
    "MACs",
    "NoHostAuthenticationForLocalhost",
    "NumberOfPasswordPrompts",
    "ObscureKeystrokeTiming",
    "PasswordAuthentication",
    "PermitLocalCommand",
    "PermitRemoteOpen",
    "PKCS11Provider",
    "PreferredAuthentications",
    "Protocol",
    "ProtocolKeepAlives",
    "PubkeyAcceptedAlgorithms",
    "PubkeyAcceptedKeyTypes",
    "PubkeyAuthentication",
    "RekeyLimit",
    "RemoteCommand",
    "RemoteForward",
    "RequestTTY",
    "RequiredRSASize",
    "RevokedHostKeys",
    "RhostsAuthentication",
    "RhostsRSAAuthentication",
    "RSAAuthentication",
    "SecurityKeyProvider",
    "SendEnv",
    "ServerAliveCountMax",
    "ServerAliveInterval",
    "SessionType",
    "SetEnv",
    "SetupTimeOut",
    "SKeyAuthentication",
    "SmartcardDevice",
    "StdinNull",
    "StreamLocalBindMask",
    "StreamLocalBindUnlink",
    "SyslogFacility",
    "TCPKeepAlive",
    "TISAuthentication",
    "Tunnel",
    "TunnelDevice",
    "UpdateHostkeys",
    #[cfg(target_os = "macos")]
    "UseKeychain",
    "UsePrivilegedPort",
    "UserKnownHostsFile2",
    "UseRoaming",
    "UseRsh",
    "VerifyHostKeyDNS",
    "VersionAddendum",
    "VisualHostKey",
    "WarnWeakCrypto",
    "XAuthLocation",
];

/// What a word at the start of a line is.
pub(super) enum Kind {
    Read(Keyword, &'static str),
    Passed(&'static str),
    Unknown,
}

pub(super) fn kind(word: &[u8]) -> Kind {
    let is_word = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if is_word("IdentityFile2") {
        return Kind::Read(Keyword::IdentityFile, "IdentityFile");
    }
    if let Some((name, keyword)) = READ.iter().find(|(name, _)| is_word(name)) {
        return Kind::Read(*keyword, name);
    }
    match PASSED.iter().find(|name| is_word(name)) {
        Some(name) => Kind::Passed(name),
        None => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_have_no_case_and_each_has_one_kind() {
        assert!(matches!(kind(b"hOsTnAmE"), Kind::Read(Keyword::HostName, "HostName")));
        assert!(matches!(kind(b"compression"), Kind::Passed("Compression")));
        assert!(matches!(kind(b"compressions"), Kind::Unknown));
        for name in PASSED {
            assert!(READ.iter().all(|(read, _)| !read.eq_ignore_ascii_case(name)), "{name}");
        }
    }
}
