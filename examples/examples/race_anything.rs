//! How do I race things that are not sockets?
//!
//! Any [`Endpoint`](stagger::Endpoint) can be raced, and `endpoint_fn` makes one of any future.
//! Here two replicas are asked the same question. The second is asked only if the first is slow or
//! fails. This is a hedged request.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io;
use std::time::Duration;

use stagger::boxed::BoxEndpoint;
use stagger::connect::endpoint_fn;
use stagger::{Policy, Timer as _, race};
use stagger_smol::Timer;

type Replica = BoxEndpoint<&'static str, io::Error>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broken = || Replica::new(endpoint_fn(|| async { Err(io::Error::other("on fire")) }));
    let silent = || Replica::new(endpoint_fn(std::future::pending));
    let healthy = || {
        Replica::new(endpoint_fn(|| async {
            Timer.sleep(Duration::from_millis(20)).await;
            Ok("42")
        }))
    };
    let hedge = || Policy::unlimited().with_attempt_delay(Duration::from_millis(50));

    // The first does not answer, so 50 ms later the second is asked too.
    let racing = race([silent(), healthy()], Timer).with_policy(hedge()?);
    let won = smol::block_on(racing)?;
    println!("replica {} says {}", won.index, won.connection);
    for attempt in won.report.attempts() {
        let (replica, outcome) = (attempt.address, attempt.outcome.as_str());
        println!("  replica {replica}: asked after {:?}, {outcome}", attempt.started);
    }

    // After a failure the second is asked at once.
    let racing = race([broken(), healthy()], Timer).with_policy(hedge()?);
    let won = smol::block_on(racing)?;
    println!("replica {} says {}", won.index, won.connection);

    // When all have failed, every error is kept.
    let error = smol::block_on(race([broken(), broken()], Timer)).unwrap_err();
    println!("{error}");
    assert_eq!(error.into_errors().count(), 2);
    Ok(())
}
