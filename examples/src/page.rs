//! Runs the code of the README, of the crates' READMEs and of the guide as doc tests.

/// Makes a documented item of each page.
macro_rules! pages {
    ($($name:ident: $path:literal)*) => {$(
        #[doc = include_str!(concat!("../../", $path))]
        pub struct $name;
    )*};
}

pages! {
    ReadMe: "README.md"
    Core: "crates/stagger/README.md"
    Net: "crates/stagger-net/README.md"
    Dns: "crates/stagger-dns/README.md"
    TlsReadMe: "crates/stagger-tls/README.md"
    Proxy: "crates/stagger-proxy/README.md"
    Ssh: "crates/stagger-ssh/README.md"
    HyperReadMe: "crates/stagger-hyper/README.md"
    Reconnect: "crates/stagger-reconnect/README.md"
    EndpointReadMe: "crates/stagger-endpoint/README.md"
    Testkit: "crates/stagger-testkit/README.md"
    Tokio: "crates/stagger-tokio/README.md"
    Smol: "crates/stagger-smol/README.md"
    AsyncStd: "crates/stagger-async-std/README.md"
    Guide: "docs/guide/README.md"
    FromTcpStream: "docs/guide/from-tcp-stream.md"
    FromHyper: "docs/guide/from-hyper.md"
    FromTwisted: "docs/guide/from-twisted.md"
    Listening: "docs/guide/listening.md"
    Library: "docs/guide/library.md"
    Resolver: "docs/guide/resolver.md"
    Connector: "docs/guide/connector.md"
    Nat64: "docs/guide/nat64.md"
    History: "docs/guide/history.md"
    Testing: "docs/guide/testing.md"
    Tls: "docs/guide/tls.md"
    Stacking: "docs/guide/stacking.md"
    SshGuide: "docs/guide/ssh.md"
    Diagnosing: "docs/guide/diagnosing.md"
    ProxyCommand: "docs/guide/proxy-command.md"
}
