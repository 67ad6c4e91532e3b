//! What the files of the machine say, and the types around them.
//!
//! The settings themselves are at the root of the crate:
//!
//! | file | type |
//! | --- | --- |
//! | `resolv.conf` | [`Config`](crate::Config) |
//! | `/etc/hosts` | [`Hosts`](crate::Hosts) |
//! | `nsswitch.conf` | [`Switch`](crate::Switch) |
//! | `gai.conf` | [`AddressPolicy`](crate::AddressPolicy) |
//!
//! Each type reads its file from bytes, and returns [`Parsed`]: the value, and [`Warnings`] about
//! the parts of the file that were ignored. A [`WatchedFile`](crate::WatchedFile) reads the file
//! itself, and reads it again when it has changed.
//!
//! # Examples
//!
//! ```
//! use stagger_dns::{Config, Environment};
//!
//! let parsed = Config::parse(b"nameserver 192.0.2.53\nnameserver 192.0.2\n", &Environment::new());
//! assert_eq!(parsed.value.servers().len(), 2);
//! let parsed = Config::parse(b"nameserver 192.0.2.53\nnameserver dns.test\n", &Environment::new());
//! assert_eq!(parsed.value.servers().len(), 1);
//! assert_eq!(parsed.warnings.iter().next().unwrap().text(), "dns.test");
//!
//! let error = Config::new().with_attempts(6).unwrap_err();
//! assert_eq!(error.setting(), "attempts");
//! ```

pub(crate) mod address_policy;
pub(crate) mod environment;
pub(crate) mod hosts;
pub(crate) mod resolv_conf;
mod scoped_address;
pub(crate) mod setting;
pub(crate) mod switch;
mod text;
mod warning;
pub(crate) mod watched_file;

pub use self::resolv_conf::ConfigError;
pub use self::switch::{SwitchAction, SwitchError, SwitchSource, SwitchStatus};
pub use self::warning::{Parsed, Warning, WarningKind, WarningLocation, Warnings};
pub use self::watched_file::{CHECK_INTERVAL, FileError, ReadFile};
