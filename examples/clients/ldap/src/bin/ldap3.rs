//! ldap3 with Happy Eyeballs: `LdapConnSettings::set_std_stream` takes a stream of `std`.
//!
//! Traps:
//!
//! - The stream must be non-blocking, as `into_std` of tokio's returns it.
//! - The URL stays: with `ldaps` or `set_starttls` the client performs TLS for the URL's host,
//!   after the race. `set_std_stream` takes no TLS stream, so TLS cannot be inside the race.
//! - The settings hold one stream, so they are for one connection. A clone of them has no stream.
//! - LDAP's server does not speak first. A request inside the race, here an anonymous bind, is what
//!   passes an address that accepts and then says nothing.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;

use lab::{Row, Server};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Scope, StdStream, drive};
use stagger::Connector as _;

/// The glue.
async fn dial(host: &str, port: u16) -> lab::Result<Ldap> {
    let stream = stagger_tokio::connect((host, port)).await?.into_std()?;
    let settings = LdapConnSettings::new().set_std_stream(StdStream::Tcp(stream));
    let url = format!("ldap://{host}:{port}");
    let (connection, ldap) = LdapConnAsync::with_settings(settings, &url).await?;
    drive!(connection);
    Ok(ldap)
}

/// The glue with an anonymous bind inside the race. An address that accepts and then says nothing
/// costs 250 ms.
async fn dial_raced(host: &str, port: u16) -> lab::Result<Ldap> {
    let url = format!("ldap://{host}:{port}");
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(move |stream, _| {
            let url = url.clone();
            async move {
                let stream = StdStream::Tcp(stream.into_std()?);
                let settings = LdapConnSettings::new().set_std_stream(stream);
                let connected = LdapConnAsync::with_settings(settings, &url).await;
                let (connection, mut ldap) = connected.map_err(io::Error::other)?;
                drive!(connection);
                ldap.simple_bind("", "").await.map_err(io::Error::other)?;
                Ok(ldap)
            }
        })
    });
    Ok(dialer.connect((host, port)).await?)
}

async fn answers(mut ldap: Ldap) -> lab::Result {
    let found = ldap.search("dc=lab,dc=test", Scope::Base, "(objectClass=*)", vec!["o"]).await?;
    assert_eq!(found.success()?.0.len(), 1);
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::slapd();
        let port = server.port();
        let row = Row::new("ldap3")
            .with_own(async |host| {
                let url = format!("ldap://{host}:{port}");
                let (connection, ldap) = LdapConnAsync::new(&url).await?;
                drive!(connection);
                answers(ldap).await
            })
            .with_ours(async |host| answers(dial(host, port).await?).await)
            .with_raced(async |host| answers(dial_raced(host, port).await?).await);
        row.print(port).await;
        Ok(())
    });
}
