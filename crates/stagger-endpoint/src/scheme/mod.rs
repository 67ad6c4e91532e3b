//! The schemes of this crate. They are the same on every runtime.

#[cfg(unix)]
pub(crate) mod inherited;
#[cfg(feature = "proxy")]
pub(crate) mod proxy;
pub(crate) mod tcp;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(unix)]
pub(crate) mod unix;
