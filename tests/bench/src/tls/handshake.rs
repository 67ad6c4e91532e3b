//! The time and the allocations of connects with TLS.

use std::time::Instant;

use fastrand::Rng;
use stagger_tls::rustls::HandshakeKind;

use super::{Clients, Kind, Secure, TlsServer, TlsWay};
use crate::server::reset;
use crate::{BoxError, Heap, median};

/// How many connects of a row are timed.
pub const ROW: usize = 9;

/// How many connects go before those whose allocations count.
const WARM_UP: usize = 20;

/// How many connects are counted. The least of them is reported, because on smol each additional
/// turn of the reactor allocates, and a busy server causes such turns.
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
        Kind::Literal | Kind::Name | Kind::Text => HandshakeKind::Full,
        Kind::Resumed => HandshakeKind::Resumed,
    };
    match S::parts(stream).1.handshake_kind() {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("a handshake of {kind} was {found:?}").into()),
    }
}

/// In every round, connects some times in a row each way, in an order that is drawn anew for each
/// round. Returns the median times of the rows until the handshake was done, by way and then by
/// round, in nanoseconds.
///
/// A program connects one way. So the first connect of each row, which follows another way, is not
/// counted: it finds the code of that way in the caches.
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
        for round in 0..=rounds {
            rng.shuffle(&mut order);
            for way in &order {
                let mut row = Vec::with_capacity(ROW);
                for place in 0..=ROW {
                    let began = Instant::now();
                    let stream = clients.connect(TlsWay::ALL[*way]).await?;
                    let took = began.elapsed();
                    // In the first round, there is no session to resume.
                    if round > 0 && place > 0 {
                        check::<S>(kind, &stream)?;
                        row.push(took.as_nanos() as f64);
                    }
                    end(&clients, stream).await?;
                }
                if round > 0 {
                    times[*way].push(median(row.into_iter()));
                }
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
        Ok((way, counts.into_iter().min().expect("connects were counted")))
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
