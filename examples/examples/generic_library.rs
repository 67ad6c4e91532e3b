//! How do I write a library that any runtime can use, and how do I test it?
//!
//! The library takes an [`Endpoint`] and a [`Timer`] and names no runtime. The program brings those
//! of smol. The tests bring those of the test kit, where every time is exact and no time passes.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::time::Duration;

use stagger::{Endpoint, Timer};

/// The library: connects, and doubles its pause after each failure.
async fn connect_persistently<E, T>(
    endpoint: E,
    timer: T,
    tries: u32,
) -> Result<E::Connection, E::Error>
where
    E: Endpoint,
    T: Timer,
{
    let mut pause = Duration::from_millis(100);
    let mut left = tries;
    loop {
        left = left.saturating_sub(1);
        match endpoint.connect().await {
            Err(_) if left > 0 => timer.sleep(pause).await,
            outcome => return outcome,
        }
        pause *= 2;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = stagger_smol::dialer().endpoint(stagger_examples::target()?)?;
    let stream = smol::block_on(connect_persistently(&endpoint, stagger_smol::Timer, 3))?;
    println!("{endpoint} is at {}", stream.peer_addr()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};

    use super::*;

    #[test]
    fn it_pauses_twice_as_long_after_each_failure() {
        let (clock, ledger) = on_a_virtual_clock();
        let moody = ScriptedEndpoint::new(&ledger, "moody", Fate::fails(ms(30)))
            .then(Fate::fails(ms(30)))
            .then(Fate::connects(ms(5)));
        let connection =
            clock.run(connect_persistently(&moody, &clock, 3)).expect("the third try connects");
        connection.hand_over();
        let starts = [(ms(0), "moody"), (ms(130), "moody"), (ms(360), "moody")];
        assert_eq!(ledger.starts(), starts);
        assert_eq!(clock.elapsed(), ms(365));
        ledger.assert_clean();
    }

    #[test]
    fn the_last_failure_is_returned_without_a_pause() {
        let (clock, ledger) = on_a_virtual_clock();
        let down = ScriptedEndpoint::new(&ledger, "down", Fate::fails(ms(30)));
        let outcome = clock.run(connect_persistently(&down, &clock, 2));
        assert_eq!(outcome.unwrap_err().to_string(), "down failed");
        assert_eq!(clock.elapsed(), ms(30 + 100 + 30));
        ledger.assert_clean();
    }

    #[test]
    fn cancelled_in_a_pause_it_leaves_no_timer() {
        let (clock, ledger) = on_a_virtual_clock();
        let down = ScriptedEndpoint::new(&ledger, "down", Fate::fails(ms(30)));
        let mut connecting = Box::pin(connect_persistently(&down, &clock, 2));
        assert!(clock.run_until(ms(50), connecting.as_mut()).is_pending());
        assert_eq!(clock.timers(), 1);
        drop(connecting);
        ledger.assert_clean();
    }

    fn on_a_virtual_clock() -> (Clock, Ledger) {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        (clock, ledger)
    }
}
