//! How do I talk to everybody on a link?
//!
//! `cargo run -p stagger-examples --example multicast_chat [INTERFACE NAME]`
//!
//! With an interface and a name, each line that is typed goes to everybody there who runs this too,
//! until the input ends. Without, three members talk over the loopback interface. What one says all
//! hear, itself included; an answer to one goes to that one alone.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use stagger_tokio::UdpSocket;
use stagger_tokio::net::{UdpOptions, udp::Datagram};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Of the scope of an organisation, as anybody may use them (RFC 2365 §6.2). Datagrams to it stay on
/// the link, as long as nobody sets another number of hops.
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 192, 7, 9));

/// Any that all agree on.
const PORT: u16 = 4718;

/// A member on this port, which all members share; with 0 the first of them.
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
        // The loopback interface of Linux.
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

    // Asked from a port of its own, so that the answers come to the asker alone.
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

    // Who has left hears no more, and the others do.
    let [(_, ann), (_, bob), _] = &members;
    ann.leave_multicast(GROUP, interface)?;
    bob.send_to(b"bye", (GROUP, port)).await?;
    let heard = bob.recv_from(&mut buffer).await?;
    println!("Bob hears {:?}", text(&buffer, heard));
    Ok(())
}

/// What a datagram says. Anybody may have sent it.
fn text(buffer: &[u8], heard: Datagram) -> String {
    String::from_utf8_lossy(&buffer[..heard.length]).into_owned()
}
