//! How do I connect to a name on tokio?
//!
//! `cargo run -p stagger-examples --example connect_tokio [HOST:SERVICE]`
#![allow(clippy::print_stdout, reason = "it is a program")]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = stagger_examples::target()?;
    // The first address that connects wins. All other attempts are closed before this returns.
    let stream: tokio::net::TcpStream = stagger_tokio::connect(target).await?;
    println!("connected to {}", stream.peer_addr()?);
    Ok(())
}
