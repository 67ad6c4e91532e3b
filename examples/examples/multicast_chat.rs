//! How do I talk to everybody on a link?
//!
//! Three members join a group on one interface, here the loopback one, by its name. What one says all
//! hear, itself included; an answer to one goes to that one alone.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use stagger_tokio::{UdpOptions, UdpSocket};

/// Of the scope of an organisation, as anybody may use them (RFC 2365 §6.2).
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 192, 7, 9));

/// The loopback interface of Linux. A program on a real link asks its user for another.
const INTERFACE: &str = "lo";

/// A member on this port, which all members share; with 0 the first of them.
fn join(port: u16) -> io::Result<UdpSocket> {
    let options = UdpOptions::new().reuse_address(true);
    let member = UdpSocket::bind_with((IpAddr::V4(Ipv4Addr::UNSPECIFIED), port), &options)?;
    member.join_multicast(GROUP, INTERFACE)?;
    member.set_multicast_interface(INTERFACE)?;
    Ok(member)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let ann = join(0)?;
    let port = ann.local_addr()?.port();
    let members = [("Ann", ann), ("Bob", join(port)?), ("Cy", join(port)?)];

    // Asked from a port of its own, so that the answers come to the asker alone.
    let asker = UdpSocket::bind("0.0.0.0:0")?;
    asker.set_multicast_interface(INTERFACE)?;
    asker.send_to(b"who is there?", (GROUP, port)).await?;

    let mut buffer = [0; 1500];
    for (name, member) in &members {
        let heard = member.recv_from(&mut buffer).await?;
        let text = String::from_utf8_lossy(&buffer[..heard.length]);
        println!("{name} hears {text:?}");
        member.send_to(format!("{name} is").as_bytes(), heard.peer).await?;
    }
    for _ in &members {
        let answer = asker.recv_from(&mut buffer).await?;
        println!("{}", String::from_utf8_lossy(&buffer[..answer.length]));
    }

    // Who has left hears no more, and the others do.
    let [(_, ann), (_, bob), _] = &members;
    ann.leave_multicast(GROUP, INTERFACE)?;
    bob.send_to(b"bye", (GROUP, port)).await?;
    let heard = bob.recv_from(&mut buffer).await?;
    println!("Bob hears {:?}", String::from_utf8_lossy(&buffer[..heard.length]));
    Ok(())
}
