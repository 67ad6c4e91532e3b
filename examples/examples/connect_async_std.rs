//! How do I connect to a name on async-std?
//!
//! `cargo run -p stagger-examples --example connect_async_std [HOST:SERVICE]`
#![allow(clippy::print_stdout, reason = "it is a program")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    async_std::task::block_on(async {
        let target = stagger_examples::target()?;
        // The first address that connects wins. All other attempts are closed before this returns.
        let stream: async_std::net::TcpStream = stagger_async_std::connect(target).await?;
        println!("connected to {}", stream.peer_addr()?);
        Ok(())
    })
}
