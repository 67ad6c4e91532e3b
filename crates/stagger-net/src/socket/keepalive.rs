//! How long an idle connection is kept open.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::within;
use super::{OptionError, TcpOptions};

impl TcpOptions {
    /// The range of the idle time before the first probe, and of the time between two probes: 1 s
    /// to 32 767 s. Linux has the same limits (`MAX_TCP_KEEPIDLE`, `MAX_TCP_KEEPINTVL`).
    pub const KEEPALIVE_RANGE: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(32_767);

    /// The range of the number of unanswered probes: 1 to 127. Linux has the same limit
    /// (`MAX_TCP_KEEPCNT`).
    pub const KEEPALIVE_RETRIES_RANGE: RangeInclusive<u32> = 1..=127;

    /// The range of the time that sent data may stay unacknowledged: 1 ms to 2³¹ - 1 ms, nearly 25
    /// days. The value 0 would mean the system's choice. Linux keeps the milliseconds in a C `int`
    /// (tcp(7)).
    pub const USER_TIMEOUT_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(1)..=Duration::from_millis(i32::MAX as u64);

    /// Sets the idle time after which a connection is probed (`SO_KEEPALIVE`, `TCP_KEEPIDLE`). It
    /// is rounded down to whole seconds.
    ///
    /// The system chooses the time between probes and their number, unless
    /// [`with_keepalive_interval`](Self::with_keepalive_interval) and
    /// [`with_keepalive_retries`](Self::with_keepalive_retries) set them.
    ///
    /// # Errors
    ///
    /// Fails if the time is not within [`KEEPALIVE_RANGE`](Self::KEEPALIVE_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use stagger_net::TcpOptions;
    ///
    /// let options = TcpOptions::new().with_keepalive(Duration::from_secs(60))?;
    /// assert_eq!(options.keepalive(), Some(Duration::from_secs(60)));
    /// assert!(options.with_keepalive(Duration::ZERO).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_keepalive(mut self, idle: Duration) -> Result<Self, OptionError> {
        let idle = within("keep-alive", idle, &Self::KEEPALIVE_RANGE)?;
        self.rare_mut().keepalive = Some(idle);
        Ok(self)
    }

    /// Turns the probes of an idle connection on, and sets the time between two unanswered probes
    /// (`SO_KEEPALIVE`, `TCP_KEEPINTVL`). It is rounded down to whole seconds.
    ///
    /// Available on Android, Apple's systems, DragonFly BSD, FreeBSD, illumos, Linux, NetBSD and
    /// Windows.
    ///
    /// # Errors
    ///
    /// Fails if the time is not within [`KEEPALIVE_RANGE`](Self::KEEPALIVE_RANGE).
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

    /// Turns the probes of an idle connection on, and sets after how many unanswered probes it is
    /// closed (`SO_KEEPALIVE`, `TCP_KEEPCNT`).
    ///
    /// Available where [`with_keepalive_interval`](Self::with_keepalive_interval) is.
    ///
    /// # Errors
    ///
    /// Fails if the number is not within [`KEEPALIVE_RETRIES_RANGE`](Self::KEEPALIVE_RETRIES_RANGE).
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

    /// Sets how long sent data may stay unacknowledged before the connection is closed
    /// (`TCP_USER_TIMEOUT`, RFC 5482). It is rounded down to whole milliseconds.
    ///
    /// Available on Linux and Android.
    ///
    /// # Errors
    ///
    /// Fails if the time is not within [`USER_TIMEOUT_RANGE`](Self::USER_TIMEOUT_RANGE).
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_user_timeout(mut self, timeout: Duration) -> Result<Self, OptionError> {
        let timeout = within("user timeout", timeout, &Self::USER_TIMEOUT_RANGE)?;
        self.rare_mut().user_timeout = Some(timeout);
        Ok(self)
    }
}
