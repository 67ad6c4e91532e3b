//! How many allocations a connect with TLS makes, and how many bytes a dial takes, as tables in
//! Markdown. It fails if one of our connects makes too many.
//!
//! `cargo bench -p stagger-bench --bench tls-heap [-- --quick]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

use stagger_bench::{
    Args, BoxError, Heap, Kind, MOST_ALLOCATIONS, Part, Secure, Smol, TlsServer, TlsWay, Tokio,
    Weight, allocations_of_handshakes,
};
use stats_alloc::INSTRUMENTED_SYSTEM;

#[global_allocator]
static HEAP: &Heap = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), BoxError> {
    match Args::read()?.part {
        Some(Part::Serve) => return TlsServer::serve(),
        Some(part) => return Err(format!("{part:?} is for another program to do").into()),
        None => {}
    }
    println!("### Allocations of connects with TLS\n");
    println!(
        "| runtime | to | by | allocations | beyond the runtime's own, at most {MOST_ALLOCATIONS} |"
    );
    println!("| --- | --- | --- | ---: | ---: |");
    let server = TlsServer::start()?;
    count::<Tokio>(&server)?;
    count::<Smol>(&server)?;
    println!("\n### Memory of a dial with TLS\n");
    println!("Bytes. The server of the handshake accepts and then stalls.\n");
    println!("| runtime | dial | future | heap, new | heap, in the handshake |");
    println!("| --- | --- | ---: | ---: | ---: |");
    weigh::<Tokio>()?;
    weigh::<Smol>()?;
    println!();
    Ok(())
}

fn count<S: Secure>(server: &TlsServer) -> Result<(), BoxError> {
    let side = S::new()?;
    for kind in Kind::ALL {
        let counts = allocations_of_handshakes(HEAP, &side, server, kind)?;
        let own = counts[0].1;
        for (way, count) in counts {
            let beyond = count as isize - own as isize;
            println!("| {} | {kind} | {way} | {count} | {beyond} |", S::NAME);
            let is_ours = matches!(way, TlsWay::Dialer | TlsWay::Boxed);
            if is_ours && beyond > MOST_ALLOCATIONS as isize {
                return Err(format!("{way} to a {kind} makes too many allocations").into());
            }
        }
    }
    Ok(())
}

fn weigh<S: Secure>() -> Result<(), BoxError> {
    let names = ["`TcpConnector`", "`Tls`", "`Tls` by `BoxDialer`"];
    for (name, weight) in names.into_iter().zip(S::new()?.weigh_dials(HEAP)?) {
        let Weight { future, new, handshake } = weight;
        let handshake = handshake.map_or_else(String::new, |bytes| format!(" {bytes}"));
        println!("| {} | {name} | {future} | {new} |{handshake} |", S::NAME);
    }
    Ok(())
}
