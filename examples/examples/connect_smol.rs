//! How do I connect to a name on smol?
//!
//! `cargo run -p stagger-examples --example connect_smol [HOST:SERVICE]`
#![allow(clippy::print_stdout, reason = "it is a program")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let target = stagger_examples::target()?;
        // The first address that connects wins. All other attempts are closed before this returns.
        let stream: smol::net::TcpStream = stagger_smol::connect(target).await?;
        println!("connected to {}", stream.peer_addr()?);
        Ok(())
    })
}
