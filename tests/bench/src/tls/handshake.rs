//! The time and the allocations of connects with TLS.

use std::time::Instant;

use fastrand::Rng;
use stagger_tls::rustls::HandshakeKind;

use super::{Clients, Kind, Secure, TlsServer, TlsWay};
use crate::server::reset;
use crate::{BoxError, Heap};

/// How many rounds go before those that count. In the first, there is no session to resume.
const WARM_UP: usize = 20;

/// How many connects are counted. The middle one is reported.
const CONNECTS: usize = 51;

/// Ends a connection. Where the next handshake resumes it, this first reads the server's byte and
/// with it the tickets, which come before it.
async fn end<S: Secure>(clients: &Clients<S>, mut stream: S::Secured) -> Result<(), BoxError> {
    if clients.kind == Kind::Resumed {
        S::read_byte(&mut stream).await?;
    }
    Ok(reset(S::parts(&stream).0)?)
}

/// Checks that the handshake was of the kind that is measured.
fn check<S: Secure>(kind: Kind, stream: &S::Secured) -> Result<(), BoxError> {
    let expected = match kind {
        Kind::Literal | Kind::Name => HandshakeKind::Full,
        Kind::Resumed => HandshakeKind::Resumed,
    };
    match S::parts(stream).1.handshake_kind() {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("a handshake of {kind} was {found:?}").into()),
    }
}

/// Connects once each way in every round, in an order that is drawn anew for each round. Returns
/// the times until the handshake was done, by way and then by round, in nanoseconds.
///
/// # Errors
///
/// Those of a connect or a handshake, or a handshake of the wrong kind.
pub fn times_of_handshakes<S: Secure>(
    side: &S,
    server: &TlsServer,
    kind: Kind,
    rounds: usize,
    rng: &mut Rng,
) -> Result<Vec<Vec<f64>>, BoxError> {
    let clients = Clients::<S>::new(server, kind)?;
    let mut times = vec![Vec::with_capacity(rounds); TlsWay::ALL.len()];
    let mut order: Vec<usize> = (0..TlsWay::ALL.len()).collect();
    side.run(async {
        for round in 0..WARM_UP + rounds {
            rng.shuffle(&mut order);
            for way in &order {
                let began = Instant::now();
                let stream = clients.connect(TlsWay::ALL[*way]).await?;
                let took = began.elapsed();
                if round >= WARM_UP {
                    check::<S>(kind, &stream)?;
                    times[*way].push(took.as_nanos() as f64);
                }
                end(&clients, stream).await?;
            }
        }
        Ok(times)
    })
}

/// How many allocations one connect makes by each way, in all threads, until the handshake is done.
/// A reallocation counts as one.
///
/// # Errors
///
/// As for [`times_of_handshakes`].
pub fn allocations_of_handshakes<S: Secure>(
    heap: &Heap,
    side: &S,
    server: &TlsServer,
    kind: Kind,
) -> Result<Vec<(TlsWay, usize)>, BoxError> {
    let clients = Clients::<S>::new(server, kind)?;
    let count = async |way| {
        let mut counts = Vec::with_capacity(CONNECTS);
        for round in 0..WARM_UP + CONNECTS {
            let before = heap.stats();
            let stream = clients.connect(way).await?;
            let made = heap.stats() - before;
            if round >= WARM_UP {
                check::<S>(kind, &stream)?;
                counts.push(made.allocations + made.reallocations);
            }
            end(&clients, stream).await?;
        }
        counts.sort_unstable();
        Ok((way, counts[CONNECTS / 2]))
    };
    TlsWay::ALL.into_iter().map(|way| side.run(count(way))).collect()
}

/// Connects and closes so many times, for Callgrind to count. The server is another process, so it
/// is not counted.
///
/// # Errors
///
/// Those of a connect or a handshake.
pub fn handshake_often<S: Secure>(
    side: &S,
    server: &TlsServer,
    kind: Kind,
    way: TlsWay,
    times: usize,
) -> Result<(), BoxError> {
    let clients = Clients::<S>::new(server, kind)?;
    side.run(async {
        for _ in 0..times {
            end(&clients, clients.connect(way).await?).await?;
        }
        Ok(())
    })
}
