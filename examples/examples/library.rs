//! How do I write a library that holds a dialer, spawns its connects, and is tested without a
//! network?
//!
//! A [`BoxDialer`] is any dialer behind one type, which names only the connection. The library
//! takes it from its user, and depends on no runtime and no resolver.
#![allow(clippy::print_stdout, reason = "it is a program")]

use stagger::Error;
use stagger::boxed::BoxDialer;

/// The library: a client with a field for the dialer.
struct Client<S> {
    dialer: BoxDialer<S>,
}

impl<S: 'static> Client<S> {
    /// A connect that any executor can spawn, because it borrows nothing and is `Send`.
    fn open(&self, target: &str) -> impl Future<Output = Result<S, Error>> + Send + use<S> {
        self.dialer.connect(target)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client { dialer: stagger_tokio::dialer().boxed() };
    let task = tokio::spawn(client.open(&stagger_examples::target()?));
    println!("connected to {}", task.await??.peer_addr()?);
    Ok(())
}

#[test]
fn a_silent_address_costs_a_quarter_of_a_second() {
    use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    let ledger = Ledger::new(&Clock::new());
    let resolver = ScriptedResolver::<Place>::new(&ledger);
    let resolver = resolver.finds(ms(5), stagger::resolve::Record::Addresses, ["v6", "v4"]);
    let connector = ScriptedConnector::new(&ledger).at("v6", Fate::silent());
    let connector = connector.at("v4", Fate::connects(ms(30)));
    let dialer = stagger::Dialer::new(resolver, connector, ledger.clock().clone()).boxed();
    let connection = ledger.clock().run(Client { dialer }.open("example.com:443")).unwrap();
    assert_eq!((connection.name(), ledger.clock().elapsed()), ("v4", ms(285)));
}
