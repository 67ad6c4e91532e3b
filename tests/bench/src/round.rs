//! Time, measured in turns.

use std::time::Instant;

use fastrand::Rng;

use crate::server::{BACKLOG, reset};
use crate::{BoxError, CONTESTANTS, Contestant, Place, Server, Side, Way};

/// How many rounds go before those that count: pools of threads fill, and caches.
const WARM_UP: usize = 100;

/// The first write.
const BYTE: &[u8] = b"x";

/// How long connects of one way took, by round, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// Until the stream was there.
    pub connected: Vec<f64>,
    /// Until one byte was written to the stream too.
    pub written: Vec<f64>,
}

/// Connects once each way in every round and writes one byte to the stream. Returns the times by
/// way. Each round has an order of its own, drawn at random.
///
/// The first write is part of the measurement because a connect can leave work to it. A stream
/// whose reactor has no readiness for it yet waits for a turn of the reactor. Closing is not
/// counted.
///
/// Neighbours in time share what the machine is doing, so a round compares like with like.
///
/// # Errors
///
/// A connect that failed, or the listener's.
pub fn times<S: Side>(
    side: &S,
    server: &Server,
    place: &Place,
    rounds: usize,
    rng: &mut Rng,
) -> Result<Vec<Times>, BoxError> {
    let mut times = vec![Times::default(); S::WAYS.len()];
    let mut order: Vec<usize> = (0..S::WAYS.len()).collect();
    side.run(async {
        for round in 0..WARM_UP + rounds {
            rng.shuffle(&mut order);
            for way in &order {
                let began = Instant::now();
                let mut stream = side.connect(S::WAYS[*way], place).await?;
                let connected = began.elapsed();
                S::write_any(&mut stream, BYTE).await?;
                let written = began.elapsed();
                reset(&stream)?;
                if round >= WARM_UP {
                    times[*way].connected.push(connected.as_nanos() as f64);
                    times[*way].written.push(written.as_nanos() as f64);
                }
            }
            server.drain()?;
        }
        Ok(times)
    })
}

/// Has every contestant look up so many names in every round, in an order that is drawn anew for
/// each, and says how long a lookup took: by contestant, then by round, in nanoseconds. No name is
/// asked for twice, so nobody's memory helps.
///
/// # Errors
///
/// A lookup that failed or found something wrong.
pub fn times_of_lookups(
    rounds: usize,
    lookups: u32,
    rng: &mut Rng,
) -> Result<Vec<Vec<f64>>, BoxError> {
    let askers = CONTESTANTS.iter().map(Contestant::begin).collect::<Result<Vec<_>, _>>()?;
    let mut times = vec![Vec::with_capacity(rounds); askers.len()];
    let mut order: Vec<usize> = (0..askers.len()).collect();
    let mut number = 0;
    for round in 0..=rounds {
        rng.shuffle(&mut order);
        for place in &order {
            let began = Instant::now();
            askers[*place].ask(number, lookups, || {})?;
            let took = began.elapsed();
            number += lookups;
            // The first round warms up.
            if round > 0 {
                times[*place].push(took.as_nanos() as f64 / f64::from(lookups));
            }
        }
    }
    Ok(times)
}

/// Connects and closes so many times, for Callgrind to count. With `writes` it writes one byte to
/// each stream.
///
/// # Errors
///
/// A connect that failed, or more of them than the listener has room for: it is not drained, as
/// that would be counted too.
pub fn connect_often<S: Side>(
    side: &S,
    way: Way,
    place: &Place,
    writes: bool,
    times: usize,
) -> Result<(), BoxError> {
    if times > BACKLOG / 2 {
        return Err(format!("{times} connections are more than may wait").into());
    }
    side.run(async {
        for _ in 0..times {
            let mut stream = side.connect(way, place).await?;
            if writes {
                S::write_any(&mut stream, BYTE).await?;
            }
            reset(stream)?;
        }
        Ok(())
    })
}
