//! How do I change what some names resolve to, and leave the rest to the system?
//!
//! Resolvers go round one another. From the outside in: one name leads where this program says, a
//! suffix belongs to a resolver of its own, and all else is asked of the system, once a minute.
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

    // The system tells no time for which its answers hold, so this program does.
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

    // It was looked up for the connect just now, so memory has it.
    let query = Query::new(Target::try_from(("localhost", port))?);
    let began = Instant::now();
    let answers: Vec<_> = resolver.resolve(&query).collect().await;
    println!("{} answer from memory in {:?}", answers.len(), began.elapsed());
    assert_eq!(cached.len(), 1);
    Ok(())
}
