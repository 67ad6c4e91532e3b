//! How do I change what some names resolve to, and leave the rest to the system?
//!
//! One resolver goes around another. From the outside in:
//!
//! 1. Two names have the addresses that this program gives them.
//! 2. Names below a suffix have their own resolver.
//! 3. The system resolves all other names, and its answers are kept for a minute.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::time::{Duration, Instant};

use futures_lite::StreamExt as _;
use stagger::boxed::BoxResolver;
use stagger::resolve::{CachedResolver, Overrides, Query, ResolverTimeout, Routes};
use stagger::{Resolver as _, Target};
use stagger_tokio::{SystemResolver, Timer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let greeter = stagger_examples::greeter()?;
    let port = greeter.port();

    // Answers of the system have no TTL, so this program sets one.
    let system = ResolverTimeout::new(SystemResolver::new(), Timer, Duration::from_secs(10));
    let cached = CachedResolver::new(system, Timer).with_default_ttl(Duration::from_secs(60));
    // The routes have resolvers of different types and errors, so they are boxed.
    let cluster = stagger_examples::listed([greeter]);
    let routes = Routes::new(BoxResolver::erased(cached.clone()))
        .with_suffix("cluster.test", BoxResolver::erased(cluster))?;
    let resolver = Overrides::new(routes)
        .with_host("pinned.test", [greeter.ip()])?
        .with_host("blocked.test", [])?;

    let dialer = stagger_tokio::dialer().with_resolver(&resolver);
    for host in ["pinned.test", "db.cluster.test", "localhost"] {
        let stream = dialer.connect((host, port)).await?;
        println!("{host} is at {}", stream.peer_addr()?);
    }
    println!("{}", dialer.connect(("blocked.test", port)).await.unwrap_err());

    // The connect above has looked this name up, so the answer comes from the cache.
    let query = Query::new(Target::try_from(("localhost", port))?);
    let began = Instant::now();
    let answers: Vec<_> = resolver.resolve(&query).collect().await;
    println!("{} answer from memory in {:?}", answers.len(), began.elapsed());
    assert_eq!(cached.len(), 1);
    Ok(())
}
