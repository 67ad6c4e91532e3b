//! A database behind two jump hosts is one line, on smol here.
//!
//! The hosts are of a configuration that this program writes, and no SSH server is needed. With the
//! arguments `ALIAS HOST:SERVICE` it uses `~/.ssh/config` and OpenSSH, and connects for real.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use stagger_examples::{Rehearsal, SshConfig};
    use stagger_ssh::Ssh;
    use stagger_ssh::config::ConfigFiles;

    let ssh = Ssh::new(stagger_smol::dialer());
    let mut args = std::env::args().skip(1);
    if let (Some(alias), Some(target)) = (args.next(), args.next()) {
        return smol::block_on(async {
            let connect = ssh.through(&*alias).connect(&*target).with_report();
            let (_stream, report) = connect.await?;
            println!("{report}");
            Ok(())
        });
    }

    let gateway = stagger_examples::greeter()?;
    let config = SshConfig::new(&format!(
        "Host db-gateway
            HostName gateway.internal
            ProxyJump ann@bastion
        Host bastion
            HostName {}
            Port {}
            ConnectTimeout 10\n",
        gateway.ip(),
        gateway.port()
    ))?;
    let ssh = ssh.with_config(ConfigFiles::file(config.path())).with_backend(Rehearsal);

    smol::block_on(async {
        // Where the configuration leads is known before anything is dialed.
        let host = ssh.resolve("db-gateway").await?;
        for hop in host.hops() {
            let config = hop.config();
            println!("{hop}: {}@{}, port {}", config.user(), config.host_name(), config.port());
        }

        // The race to the bastion is a child of the attempt.
        let connect = ssh.through("db-gateway").connect("db.internal:5432").with_report();
        let (mut stream, report) = connect.await?;
        println!("{report}");

        stream.write_all(b"Ada\n").await?;
        let mut greeting = String::new();
        stream.read_to_string(&mut greeting).await?;
        println!("{}", greeting.trim_end());
        Ok(())
    })
}

#[cfg(not(unix))]
fn main() {}
