//! How do I look up a name, or the name of an address, without connecting?
//!
//! `lookup` is `getaddrinfo` and `reverse_lookup` is `getnameinfo`, with all flags. They run on any
//! executor, here on a bare `block_on`.
//!
//! `cargo run -p stagger-examples --example lookup [HOST]`
#![allow(clippy::print_stdout, reason = "it is a program")]

use stagger::resolve::Families;
use stagger_net::lookup::{AddressLookup, lookup, reverse_lookup};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = std::env::args().nth(1).unwrap_or_else(|| "localhost".into());
    futures_lite::future::block_on(async {
        let found = lookup(&host).with_service("https").with_canonical_name(true).await?;
        // The name comes from the network, so it is escaped.
        println!("{host} is {:?}", found.canonical_name().unwrap_or(&host));
        for addr in found.addresses() {
            let name = reverse_lookup(addr).await?;
            println!("  {addr}: {:?} on {:?}", name.service(), name.host());
        }

        let passive = AddressLookup::new().with_service("http").with_passive(true);
        for entry in &passive.with_families(Families::Ipv4).await? {
            println!("to serve http, listen on {} ({:?})", entry.address, entry.socket_type);
        }

        // An invalid name is an error before any query. A literal needs no query.
        println!("{}", lookup("no such host").await.unwrap_err());
        println!("{}", lookup("::1").with_families(Families::Ipv4).await.unwrap_err());
        Ok(())
    })
}
