//! How do I write a resolver?
//!
//! Names come from a table, as in a test bed or a service registry. Everything else (order, delays,
//! deadline, sockets) stays as it is. `docs/guide/resolver.md` explains more.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_lite::stream::{self, Iter};
use stagger::resolve::{Query, Record};
use stagger::{Answer, Resolver};

/// Names and their addresses. A dialer clones its resolver for each connect, so cloning is cheap.
#[derive(Clone)]
struct Table(Arc<HashMap<&'static str, Vec<SocketAddr>>>);

impl Resolver for Table {
    type Address = SocketAddr;
    type Error = io::Error;
    type Answers = Iter<std::vec::IntoIter<Answer<SocketAddr, io::Error>>>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let target = query.target().to_string();
        // Each record of the query is answered, so that the race waits for none. An unknown name is
        // an error. An empty list would mean that the name has no addresses.
        let answers = query.wanted().records().map(|record| match self.0.get(target.as_str()) {
            _ if record == Record::Https => Answer::negative(record),
            Some(addresses) => Answer::found(record, addresses.iter().copied()),
            None => Answer::failed(record, io::Error::other("not in the table")),
        });
        stream::iter(answers.collect::<Vec<_>>())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The first address refuses, so the race goes on to the second.
    let refusing = "127.0.0.1:1".parse()?;
    let addresses = vec![refusing, stagger_examples::greeter()?];
    let table = Table(Arc::new(HashMap::from([("greeter.test:hello", addresses)])));

    let dialer = stagger_tokio::dialer().with_resolver(table);
    let stream = dialer.connect("greeter.test:hello").await?;
    println!("greeter.test is at {}", stream.peer_addr()?);

    let error = dialer.connect("stranger.test:hello").await.unwrap_err();
    println!("{error}");
    Ok(())
}
