//! What this process takes of the system.

use std::fs;

use crate::BoxError;

/// Resident memory, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    /// At this moment.
    pub now: usize,
    /// The most so far.
    pub most: usize,
}

impl Resident {
    /// As `/proc` tells it.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn now() -> Result<Self, BoxError> {
        let status = fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| -> Result<usize, BoxError> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number.ok_or_else(|| format!("/proc/self/status has no {name}"))?.parse()?)
        };
        Ok(Self { now: field("VmRSS:")?, most: field("VmHWM:")? })
    }
}

/// How many datagrams over IPv4 found no room in this network so far, whoever was to receive them.
///
/// # Errors
///
/// If `/proc` does not tell it.
pub fn lost_datagrams() -> Result<usize, BoxError> {
    let told = fs::read_to_string("/proc/self/net/snmp")?;
    let mut udp = told.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, numbers) = (udp.next().unwrap_or_default(), udp.next().unwrap_or_default());
    let mut fields = names.split(' ').zip(numbers.split(' '));
    let lost = fields.find(|(name, _)| *name == "RcvbufErrors");
    Ok(lost.ok_or("/proc/self/net/snmp does not tell RcvbufErrors")?.1.parse()?)
}
