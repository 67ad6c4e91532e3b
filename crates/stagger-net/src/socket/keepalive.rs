//! How long a connection is kept on which nothing comes.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::within;
use super::{OptionError, TcpOptions};

impl TcpOptions {
    /// How long a connection may be idle before it is probed, and how long between two probes: 1 s to
    /// 32 767 s, which is what Linux takes (`MAX_TCP_KEEPIDLE`, `MAX_TCP_KEEPINTVL`).
    pub const KEEPALIVE_RANGE: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(32_767);

    /// How many probes may be in vain: 1 to 127, which is what Linux takes (`MAX_TCP_KEEPCNT`).
    pub const KEEPALIVE_RETRIES_RANGE: RangeInclusive<u32> = 1..=127;

    /// How long what was sent may stay unacknowledged: 1 ms, for 0 means the system's choice, to
    /// 2³¹ - 1 ms, nearly 25 days, for Linux takes no more milliseconds than a C `int` holds (tcp(7)).
    pub const USER_TIMEOUT_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(1)..=Duration::from_millis(i32::MAX as u64);

    /// Probes a connection that has been idle for this long (`SO_KEEPALIVE`, `TCP_KEEPIDLE`), in
    /// whole seconds; a fraction is cut off. How often, and how often in vain, stays the system's
    /// choice unless [`keepalive_interval`](Self::with_keepalive_interval) and
    /// [`keepalive_retries`](Self::with_keepalive_retries) say it.
    ///
    /// # Errors
    ///
    /// If it is not within [`KEEPALIVE_RANGE`](Self::KEEPALIVE_RANGE).
    pub fn with_keepalive(mut self, idle: Duration) -> Result<Self, OptionError> {
        let idle = within("keep-alive", idle, &Self::KEEPALIVE_RANGE)?;
        self.rare_mut().keepalive = Some(idle);
        Ok(self)
    }

    /// Probes an idle connection, and again after this long without an answer (`SO_KEEPALIVE`,
    /// `TCP_KEEPINTVL`), in whole seconds; a fraction is cut off.
    ///
    /// On Android, Apple's systems, DragonFly BSD, FreeBSD, illumos, Linux, NetBSD and Windows.
    ///
    /// # Errors
    ///
    /// If it is not within [`KEEPALIVE_RANGE`](Self::KEEPALIVE_RANGE).
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "illumos",
        target_os = "linux",
        target_os = "netbsd",
        target_vendor = "apple",
        windows
    ))]
    pub fn with_keepalive_interval(mut self, interval: Duration) -> Result<Self, OptionError> {
        let interval = within("keep-alive interval", interval, &Self::KEEPALIVE_RANGE)?;
        self.rare_mut().keepalive_interval = Some(interval);
        Ok(self)
    }

    /// Probes an idle connection, and gives it up after so many probes without an answer
    /// (`SO_KEEPALIVE`, `TCP_KEEPCNT`).
    ///
    /// Where [`keepalive_interval`](Self::with_keepalive_interval) is.
    ///
    /// # Errors
    ///
    /// If it is not within [`KEEPALIVE_RETRIES_RANGE`](Self::KEEPALIVE_RETRIES_RANGE).
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "illumos",
        target_os = "linux",
        target_os = "netbsd",
        target_vendor = "apple",
        windows
    ))]
    pub fn with_keepalive_retries(mut self, retries: u32) -> Result<Self, OptionError> {
        let retries = within("keep-alive retries", retries, &Self::KEEPALIVE_RETRIES_RANGE)?;
        self.rare_mut().keepalive_retries = Some(retries);
        Ok(self)
    }

    /// Gives a connection up when what was sent has not been acknowledged for this long
    /// (`TCP_USER_TIMEOUT`, RFC 5482), in whole milliseconds; a fraction is cut off.
    ///
    /// On Linux and Android.
    ///
    /// # Errors
    ///
    /// If it is not within [`USER_TIMEOUT_RANGE`](Self::USER_TIMEOUT_RANGE).
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_user_timeout(mut self, timeout: Duration) -> Result<Self, OptionError> {
        let timeout = within("user timeout", timeout, &Self::USER_TIMEOUT_RANGE)?;
        self.rare_mut().user_timeout = Some(timeout);
        Ok(self)
    }
}
