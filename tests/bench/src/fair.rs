//! A ticker beside a task that connects again and again.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use stagger::Timer as _;

use crate::server::reset;
use crate::{BoxError, Place, Server, Side, Way};

/// How often the ticker ticks.
const TICK: Duration = Duration::from_millis(1);

/// After how many connects the listener is drained. Draining takes the thread too.
const DRAINED: usize = 64;

/// What became of the ticker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ticks {
    /// The longest time between two ticks.
    pub longest: Duration,
    /// How many ticks there were.
    pub count: usize,
    /// How long the connects took, all in all.
    pub took: Duration,
}

/// Connects so many times in one task, beside a task that ticks every millisecond, both on one
/// thread.
///
/// # Errors
///
/// A connect that failed, or the listener's.
pub fn ticks_beside<S: Side + 'static>(way: Way, connects: usize) -> Result<Ticks, BoxError> {
    let server = Server::start()?;
    let [(_, literal), _] = server.places();
    let place = Place::new(literal)?;
    let side = Rc::new(S::new()?);
    let connecting_side = side.clone();
    let ticks = Rc::new(Cell::new(Ticks::default()));
    let over = Rc::new(Cell::new(false));
    let (kept, is_over) = (ticks.clone(), over.clone());
    let ticker = async move {
        let timer = S::Timer::default();
        let mut last = Instant::now();
        while !is_over.get() {
            timer.sleep_until(timer.now() + TICK).await;
            let Ticks { longest, count, took } = kept.get();
            kept.set(Ticks { longest: longest.max(last.elapsed()), count: count + 1, took });
            last = Instant::now();
        }
        Ok(())
    };
    let kept = ticks.clone();
    let connecting = async move {
        let began = Instant::now();
        for number in 1..=connects {
            reset(connecting_side.connect(way, &place).await?)?;
            if number % DRAINED == 0 {
                server.drain()?;
            }
        }
        kept.set(Ticks { took: began.elapsed(), ..kept.get() });
        over.set(true);
        Ok(())
    };
    side.run_local(vec![Box::pin(ticker), Box::pin(connecting)])?;
    Ok(ticks.get())
}
