//! How do I find the hosts on my links?
//!
//! `cargo run -p stagger-examples --example discovery [NAME]`
//!
//! With a name it asks on every link, shows the hosts that answer, and answers other hosts until it
//! is interrupted. Without a name it finds itself on each link, and nothing leaves the machine.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use futures_lite::future;
use smol::Timer;
use stagger_smol::UdpSocket;
use stagger_smol::net::UdpOptions;

/// Any port works if all hosts use the same.
const PORT: u16 = 4717;

/// How long it looks for itself at most, if it has no name.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let links = links().await?;
    if links.is_empty() {
        println!("no interface here has a link-local address");
        return Ok(());
    }
    let name = std::env::args().nth(1);
    // Unregistered groups, with the scope of a link or of one machine (RFC 4291 §2.7).
    let scope = if name.is_some() { 2 } else { 1 };
    let group = Ipv6Addr::new(0xff10 | scope, 0, 0, 0, 0, 0, 0, PORT);

    let options = UdpOptions::new().with_packet_info(true).with_reuse_address(true);
    let member = UdpSocket::bind_with((IpAddr::from(Ipv6Addr::UNSPECIFIED), PORT), &options)?;
    // It asks from another port, so that only this socket gets the answers.
    let asker = UdpSocket::bind("[::]:0")?;
    asker.set_multicast_loop(name.is_none())?;
    for &link in &links {
        member.join_multicast(group.into(), link)?;
    }
    let own_name = name.as_deref().unwrap_or("this machine");
    let mut asked = links.clone();
    for &link in &links {
        // The scope id of a group chooses the interface.
        let everybody = SocketAddr::from(SocketAddrV6::new(group, PORT, 0, link));
        if let Err(error) = asker.send_to(own_name.as_bytes(), everybody).await {
            // An error of one link does not concern the others.
            println!("nobody can be asked by interface {link}: {error}");
            asked.remove(&link);
        }
    }
    println!("asked by the interfaces {asked:?}");

    let awaited = name.is_none().then_some(asked);
    let heard = future::or(hear(&member, Some(own_name), None), hear(&asker, None, awaited));
    if name.is_some() {
        return heard.await;
    }
    let late = async {
        Timer::after(PATIENCE).await;
        Err("not heard on every link".into())
    };
    future::or(heard, late).await
}

/// The interfaces that have a link-local address.
async fn links() -> Result<BTreeSet<u32>, Box<dyn Error>> {
    // A listener on all interfaces knows the addresses of all of them.
    let addrs = stagger_smol::listen_all(0).await?.interface_addrs()?;
    let scope_id = |addr: SocketAddr| match addr {
        SocketAddr::V6(addr) if addr.ip().is_unicast_link_local() => Some(addr.scope_id()),
        _ => None,
    };
    Ok(addrs.into_iter().filter_map(scope_id).collect())
}

/// Shows each datagram, until one has come from each interface in `awaited`. Answers a question
/// with `own_name`, if there is one.
async fn hear(
    socket: &UdpSocket,
    own_name: Option<&str>,
    mut awaited: Option<BTreeSet<u32>>,
) -> Result<(), Box<dyn Error>> {
    let mut buffer = [0; 256];
    while awaited.as_ref().is_none_or(|interfaces| !interfaces.is_empty()) {
        let heard = socket.recv_from(&mut buffer).await?;
        let name = String::from_utf8_lossy(&buffer[..heard.length]);
        // The peer's scope id is the number of an interface. The lookup finds its name.
        let peer =
            stagger_smol::net::lookup::reverse_lookup(heard.peer).with_numeric_host(true).await?;
        let does = if own_name.is_some() { "asks" } else { "answers" };
        println!("{name:?} {does} from {}, which is {}", peer.host(), heard.peer);
        // Only datagrams to the group are answered, or two hosts could answer each other for ever.
        let asked = heard.arrival.filter(|arrival| arrival.destination().is_multicast());
        if let (Some(own_name), Some(arrival)) = (own_name, asked) {
            // The answer leaves by the interface by which the question came.
            let sent = socket.send_to_from(own_name.as_bytes(), heard.peer, arrival).await;
            sent.unwrap_or_else(|error| println!("{name:?} can't be told: {error}"));
        }
        if let (Some(interfaces), SocketAddr::V6(peer)) = (&mut awaited, heard.peer) {
            interfaces.remove(&peer.scope_id());
        }
    }
    Ok(())
}
