//! Sleeps on each runtime's own clock.

use std::time::Duration;

use ::futures_lite::future;
use stagger::Timer as _;
use stagger_tests::{Adapter, Runtime, battery};

battery! {
    {
        a_sleep_that_no_clock_can_tell_holds_nobody_up,
    }
}

fn a_sleep_that_no_clock_can_tell_holds_nobody_up<R: Runtime>() {
    let timer = <R::Adapter as Adapter>::Timer::default();
    let before = timer.now();
    R::new().run(async move {
        let timer = <R::Adapter as Adapter>::Timer::default();
        for delay in [Duration::MAX, Duration::MAX / 2, Duration::from_secs(i64::MAX as u64)] {
            let endless = async {
                timer.sleep(delay).await;
                "endless"
            };
            let short = async {
                timer.sleep(Duration::from_millis(1)).await;
                "short"
            };
            assert_eq!(future::or(endless, short).await, "short");
        }
    });
    assert!(timer.now() - before >= Duration::from_millis(3));
}
