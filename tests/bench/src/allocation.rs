//! How often a connect asks the heap for memory.

use std::alloc::System;

use stats_alloc::StatsAlloc;

use crate::server::reset;
use crate::{BoxError, Place, Server, Side, Way};

/// The system's heap, counted over all threads.
pub type Heap = StatsAlloc<System>;

/// How many more allocations one of our connects may make than the runtime's own: 8.
pub const MOST_ALLOCATIONS: usize = 8;

/// How many connects are counted. The middle one is told: now and then one makes room for those
/// after it, or a thread of a pool is made anew.
const CONNECTS: usize = 201;

/// How many allocations one connect makes by each way, in all threads; a reallocation counts as
/// one. Closing is not counted.
///
/// # Errors
///
/// A connect that failed, or the listener's.
pub fn allocations<S: Side>(
    heap: &Heap,
    side: &S,
    server: &Server,
    place: &Place,
) -> Result<Vec<(Way, usize)>, BoxError> {
    let count = async |way| {
        let mut counts = Vec::with_capacity(CONNECTS);
        for _ in 0..CONNECTS {
            let before = heap.stats();
            let stream = side.connect(way, place).await?;
            let made = heap.stats() - before;
            reset(&stream)?;
            counts.push(made.allocations + made.reallocations);
        }
        server.drain()?;
        counts.sort_unstable();
        Ok((way, counts[CONNECTS / 2]))
    };
    S::WAYS.iter().map(|way| side.run(count(*way))).collect()
}
