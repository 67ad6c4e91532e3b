//! Resolves names in a process of its own, in which no file of the machine has been read before:
//! `resolve-as ours NAME...` by `DnsResolver::system`, `resolve-as system NAME...` by
//! `getaddrinfo`.
//!
//! A line for each name has the name, `joined` or `apart` or the reason for no address, and the
//! addresses in order. Addresses that come `apart` are ordered within each family, and the family
//! of the first address leads.
#![forbid(unsafe_code)]

use std::env;
use std::future::IntoFuture as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use futures_lite::StreamExt as _;
use stagger::address::Family;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Query, Record, Update};
use stagger::{Answer, Resolver as _, Target};
use stagger_dns::DnsError;
use stagger_tests::{Adapter as _, Runtime as _, Tokio, TokioCurrentThread};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let way = arguments.next();
    for name in arguments {
        let found = match way.as_deref() {
            Some("ours") => ours(&name),
            Some("system") => system(&name),
            _ => panic!("the first argument is not `ours` or `system`"),
        };
        writeln!(io::stdout(), "{name}\t{found}")?;
    }
    Ok(())
}

fn ours(name: &str) -> String {
    let Ok(target) = Target::new(name, "80") else { return "refused\t".into() };
    let answers = Tokio::dns().resolve(&Query::new(target));
    let answers: Vec<_> = TokioCurrentThread::new().run(answers.collect());
    let of = |record| addresses(&answers, record);
    let [joined, v6, v4] = [Record::Addresses, Record::Aaaa, Record::A].map(of);
    if !joined.is_empty() && v6.is_empty() && v4.is_empty() {
        return line("joined", &joined);
    }
    let leader = answers.iter().rev().find_map(Answer::leader);
    let all = if leader == Some(Family::Ipv4) { [joined, v4, v6] } else { [joined, v6, v4] };
    let all = all.concat();
    if !all.is_empty() {
        return line("apart", &all);
    }
    let kinds = answers.iter().filter(|answer| !answer.is_provisional()).filter_map(Answer::kind);
    line(reason(kinds), &[])
}

/// What the answers about a record come to.
fn addresses(answers: &[Answer<SocketAddr, DnsError>], record: Record) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for answer in answers.iter().filter(|answer| answer.record() == record) {
        if answer.update() == Update::Replace {
            addresses.clear();
        }
        addresses.extend(answer.addresses());
    }
    addresses
}

fn system(name: &str) -> String {
    let lookup = Tokio::lookup(name).with_service(80).into_future();
    match TokioCurrentThread::new().run(lookup) {
        Ok(found) => line("joined", &found.addresses().collect::<Vec<_>>()),
        Err(error) => line(reason([error.kind()].into_iter()), &[]),
    }
}

/// Why there is no address. That a lookup failed is worth more than that others found nothing.
fn reason(mut kinds: impl Iterator<Item = LookupErrorKind>) -> &'static str {
    match kinds.find(|kind| !kind.is_negative()) {
        None => "nothing",
        Some(kind) if kind.is_invalid_input() => "refused",
        Some(_) => "failed",
    }
}

fn line(word: &str, addresses: &[SocketAddr]) -> String {
    let text = |addr: &SocketAddr| match addr {
        SocketAddr::V6(addr) if addr.scope_id() != 0 => {
            format!("{}%{}", addr.ip(), addr.scope_id())
        }
        addr => addr.ip().to_string(),
    };
    format!("{word}\t{}", addresses.iter().map(text).collect::<Vec<_>>().join(" "))
}
