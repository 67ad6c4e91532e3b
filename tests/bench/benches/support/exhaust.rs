//! What a listener does without descriptors.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use smol::future::or;
use stagger::Timer as _;
use stagger_tests::descriptor;

use stagger_bench::{Accepting, BoxError, Listening as Way, Peers, Side};

/// How many connections wait all the while.
const WAITING: usize = 8;

/// What it has cost to ask for connections without a descriptor for one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exhausted {
    /// How long it was tried.
    pub(crate) real: Duration,
    /// How much processor time the process took for it.
    pub(crate) processor: Duration,
    /// How many accepts have failed.
    pub(crate) failed: usize,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { real, processor, failed } = self;
        let (real, processor) = (real.as_secs_f64(), processor.as_secs_f64());
        write!(f, "{:.1} | {:.1} % | {failed}", processor * 1e3, 100.0 * processor / real)
    }
}

/// Accepts again and again for so long while this process may open no descriptor and connections
/// wait; then lets it open some again, and accepts all.
///
/// # Errors
///
/// An error of another kind, or a connection that was lost.
pub(crate) fn exhaust<S: Side>(side: &S, way: Way, real: Duration) -> Result<Exhausted, BoxError> {
    side.run(async {
        let mut listener = Accepting::<S>::begin(way, Peers::Ipv4).await?;
        // Has the runtime open what it opens once.
        drop((listener.connect(Peers::Ipv4, 1)?, listener.accept().await?));
        let clients = listener.connect(Peers::Ipv4, WAITING)?;
        let none_left = descriptor::exhaust();
        let (began, processor) = (Instant::now(), clock_gettime(ClockId::ProcessCPUTime));
        let timer = S::Timer::default();
        let mut failed = 0;
        while began.elapsed() < real {
            let alarm = timer.sleep_until(began + real);
            let accepted = async { Some(listener.accept().await) };
            match or(accepted, async {
                alarm.await;
                None
            })
            .await
            {
                None => break,
                Some(Ok(_)) => return Err("a connection was accepted without descriptors".into()),
                Some(Err(error)) if is_exhaustion(&error) => failed += 1,
                Some(Err(error)) => return Err(error),
            }
        }
        let (took, now) = (began.elapsed(), clock_gettime(ClockId::ProcessCPUTime));
        drop(none_left);
        let since = Duration::try_from(now)? - Duration::try_from(processor)?;
        let mut accepted = Vec::new();
        for client in &clients {
            let (stream, peer) = listener.accept().await?;
            if peer != client.local_addr()? {
                return Err(format!("{peer} was accepted out of turn").into());
            }
            accepted.push(stream);
        }
        Ok(Exhausted { real: took, processor: since, failed })
    })
}

fn is_exhaustion(error: &BoxError) -> bool {
    let ours = error.downcast_ref::<stagger_net::tcp::AcceptError>();
    let code = ours.map(|error| error.raw_os_error());
    let own = || error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    code.unwrap_or_else(own) == Some(rustix::io::Errno::MFILE.raw_os_error())
}
