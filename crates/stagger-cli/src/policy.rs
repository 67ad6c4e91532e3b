//! The policy that the command line asks for.

use std::ops::RangeInclusive;
use std::time::Duration;

use stagger::Policy;
use stagger::policy::PolicyError;

use crate::args::{ConnectArgs, TargetArgs};
use crate::duration::duration;
use crate::usage::UsageError;

/// The part of a policy that `connect` and `resolve` share.
///
/// # Errors
///
/// A duration that cannot be read or is out of range.
pub(crate) fn of_target(args: &TargetArgs) -> Result<Policy, UsageError> {
    let policy = Policy::new().with_families(args.family.into()).with_order(args.order.into());
    with(policy, "--timeout", args.timeout.as_ref(), Policy::TIMEOUT_RANGE, Policy::with_timeout)
}

/// The policy of `connect`.
///
/// # Errors
///
/// A duration that cannot be read or is out of range.
pub(crate) fn of_connect(args: &ConnectArgs) -> Result<Policy, UsageError> {
    let policy = of_target(&args.target)?;
    let policy = with(
        policy,
        "--attempt-timeout",
        args.attempt_timeout.as_ref(),
        Policy::TIMEOUT_RANGE,
        Policy::with_attempt_timeout,
    )?;
    let policy = with(
        policy,
        "--resolution-delay",
        args.resolution_delay.as_ref(),
        Policy::RESOLUTION_DELAY_RANGE,
        Policy::with_resolution_delay,
    )?;
    if args.attempt_delay.as_deref() == Some("off") {
        return Ok(policy.without_overlap());
    }
    with(
        policy,
        "--attempt-delay",
        args.attempt_delay.as_ref(),
        Policy::ATTEMPT_DELAY_RANGE,
        Policy::with_attempt_delay,
    )
}

fn with(
    policy: Policy,
    option: &str,
    text: Option<&String>,
    range: RangeInclusive<Duration>,
    set: impl FnOnce(Policy, Duration) -> Result<Policy, PolicyError>,
) -> Result<Policy, UsageError> {
    match (duration(option, text.map(String::as_str), range)?, text) {
        (Some(duration), Some(text)) => {
            set(policy, duration).map_err(|error| UsageError::new(option, text, error))
        }
        _ => Ok(policy),
    }
}
