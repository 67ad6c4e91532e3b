//! How do I send to all members of a group on a link?
//!
//! `cargo run -p stagger-examples --example multicast_chat [INTERFACE NAME]`
//!
//! With an interface and a name it sends each typed line to all members on that link, until the
//! input ends. Without arguments three members talk over the loopback interface. A datagram to the
//! group reaches all members, and its sender too. An answer reaches one member.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use stagger_tokio::UdpSocket;
use stagger_tokio::net::{UdpOptions, udp::Datagram};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// A group of organisation-local scope, which is free to use (RFC 2365 §6.2). Datagrams stay on the
/// link, because they have one hop unless the sender sets more.
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 192, 7, 9));

/// Any port works if all members use the same.
const PORT: u16 = 4718;

/// A member on this port, which all members share. The first member passes 0.
fn join(port: u16, interface: &str) -> io::Result<UdpSocket> {
    let options = UdpOptions::new().with_reuse_address(true);
    let member = UdpSocket::bind_with((IpAddr::V4(Ipv4Addr::UNSPECIFIED), port), &options)?;
    member.join_multicast(GROUP, interface)?;
    member.set_multicast_interface(interface)?;
    Ok(member)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    match (args.next(), args.next(), args.next()) {
        (Some(interface), Some(name), None) => chat(&interface, &name).await?,
        // The name of the loopback interface on Linux.
        (None, ..) => three("lo").await?,
        _ => {
            eprintln!("usage: multicast_chat [INTERFACE NAME]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn chat(interface: &str, name: &str) -> io::Result<()> {
    let member = join(PORT, interface)?;
    println!("{name} is here");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut buffer = [0; 1500];
    loop {
        tokio::select! {
            heard = member.recv_from(&mut buffer) => {
                let heard = heard?;
                println!("{} says {:?}", heard.peer.ip(), text(&buffer, heard));
            }
            line = lines.next_line() => match line? {
                Some(line) => {
                    member.send_to(format!("{name}: {line}").as_bytes(), (GROUP, PORT)).await?;
                }
                None => return Ok(()),
            },
        }
    }
}

async fn three(interface: &str) -> io::Result<()> {
    let ann = join(0, interface)?;
    let port = ann.local_addr()?.port();
    let members = [("Ann", ann), ("Bob", join(port, interface)?), ("Cy", join(port, interface)?)];

    // It asks from another port, so that only this socket gets the answers.
    let asker = UdpSocket::bind("0.0.0.0:0")?;
    asker.set_multicast_interface(interface)?;
    asker.send_to(b"who is there?", (GROUP, port)).await?;

    let mut buffer = [0; 1500];
    for (name, member) in &members {
        let heard = member.recv_from(&mut buffer).await?;
        println!("{name} hears {:?}", text(&buffer, heard));
        member.send_to(format!("{name} is").as_bytes(), heard.peer).await?;
    }
    for _ in &members {
        let answer = asker.recv_from(&mut buffer).await?;
        println!("{}", text(&buffer, answer));
    }

    // A member that has left receives nothing more. The others still do.
    let [(_, ann), (_, bob), _] = &members;
    ann.leave_multicast(GROUP, interface)?;
    bob.send_to(b"bye", (GROUP, port)).await?;
    let heard = bob.recv_from(&mut buffer).await?;
    println!("Bob hears {:?}", text(&buffer, heard));
    Ok(())
}

/// The text of a datagram, which may come from any sender.
fn text(buffer: &[u8], heard: Datagram) -> String {
    String::from_utf8_lossy(&buffer[..heard.length]).into_owned()
}
