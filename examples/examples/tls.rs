//! How do I race TLS handshakes, and not just TCP connections?
//!
//! The first address accepts and then sends nothing, like a server whose TLS has stalled. It would
//! win a race of TCP connections, and the program would hang. Here the handshake is part of the
//! attempt.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::net::Ipv4Addr;

use stagger::report::AttemptOutcome;
use stagger_examples::listed;
use stagger_testkit::tls::{Authority, Server};
use stagger_tls::tokio::Tls;
use stagger_tokio::TcpConnector;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const NAME: &str = "tls.example";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new()?;
    let stalled = Server::stalled(Ipv4Addr::LOCALHOST)?;
    let server = Server::echo(Ipv4Addr::LOCALHOST, &authority, NAME)?;

    let connector = Tls::new(TcpConnector::default(), authority.client()?);
    let dialer = stagger_tokio::dialer()
        .with_resolver(listed([stalled.addr(), server.addr()]))
        .with_connector(connector);
    let (mut stream, report) = dialer.connect((NAME, 443)).with_report().await?;

    for attempt in report.attempts() {
        let tcp =
            attempt.progressed.map_or_else(|| "no TCP".into(), |at| format!("TCP after {at:?}"));
        let outcome = attempt.outcome.as_str();
        println!("{}: {tcp}, {outcome} after {:?}", attempt.address, attempt.ended);
    }
    assert!(matches!(report.attempts()[0].outcome, AttemptOutcome::Dropped));

    stream.write_all(b"hello").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"hello");
    Ok(())
}
