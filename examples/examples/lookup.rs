//! How do I look a name up without connecting to it, or the name of an address?
//!
//! `getaddrinfo` and `getnameinfo`, whole, on any executor: here on a bare `block_on`. Every adapter
//! exports the same.
//!
//! `cargo run -p stagger-examples --example lookup [HOST]`
#![allow(clippy::print_stdout, reason = "it is a program")]

use stagger::resolve::Families;
use stagger_net::lookup::{AddressLookup, lookup, reverse_lookup};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = std::env::args().nth(1).unwrap_or_else(|| "localhost".into());
    futures_lite::future::block_on(async {
        let found = lookup(&host).with_service("https").with_canonical_name(true).await?;
        // What comes from the network is escaped before it is printed.
        println!("{host} is {:?}", found.canonical_name().unwrap_or(&host));
        for addr in found.addresses() {
            let name = reverse_lookup(addr).await?;
            println!("  {addr}: {:?} on {:?}", name.service(), name.host());
        }

        let passive = AddressLookup::new().with_service("http").with_passive(true);
        for entry in &passive.with_families(Families::Ipv4).await? {
            println!("to serve http, listen on {} ({:?})", entry.address, entry.socket_type);
        }

        // What can't be asked is an error before anything is; a literal asks no network.
        println!("{}", lookup("no such host").await.unwrap_err());
        println!("{}", lookup("::1").with_families(Families::Ipv4).await.unwrap_err());
        Ok(())
    })
}
