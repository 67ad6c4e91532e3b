//! The policy that the command line asks for.

use std::time::Duration;

use stagger::Policy;
use stagger::policy::PolicyError;

use crate::args::{ConnectArgs, Wanted};
use crate::usage::UsageError;

/// What `connect` and `resolve` both say about a policy.
///
/// # Errors
///
/// A duration that is none or is out of range.
pub(crate) fn of_wanted(wanted: &Wanted) -> Result<Policy, UsageError> {
    let policy = Policy::new().with_families(wanted.family.into()).with_order(wanted.order.into());
    with(policy, "--timeout", wanted.timeout.as_ref(), Policy::with_timeout)
}

/// What `connect` says about a policy.
///
/// # Errors
///
/// A duration that is none or is out of range.
pub(crate) fn of_connect(args: &ConnectArgs) -> Result<Policy, UsageError> {
    let policy = of_wanted(&args.wanted)?;
    let policy = with(
        policy,
        "--attempt-timeout",
        args.attempt_timeout.as_ref(),
        Policy::with_attempt_timeout,
    )?;
    let policy = with(
        policy,
        "--resolution-delay",
        args.resolution_delay.as_ref(),
        Policy::with_resolution_delay,
    )?;
    if args.attempt_delay.as_deref() == Some("off") {
        return Ok(policy.without_overlap());
    }
    with(policy, "--attempt-delay", args.attempt_delay.as_ref(), Policy::with_attempt_delay)
}

fn with(
    policy: Policy,
    option: &str,
    text: Option<&String>,
    set: impl FnOnce(Policy, Duration) -> Result<Policy, PolicyError>,
) -> Result<Policy, UsageError> {
    let Some(text) = text else {
        return Ok(policy);
    };
    let duration = humantime::parse_duration(text)
        .map_err(|_| UsageError::new(option, text, "not a duration such as 250ms or 30s"))?;
    set(policy, duration).map_err(|error| UsageError::new(option, text, error))
}
