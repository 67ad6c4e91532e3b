//! The settings of a [`Policy`](crate::Policy): delays, limits and order.

mod compact;
mod range;
mod reader;
pub(crate) mod settings;

pub(crate) use self::compact::Limit;
pub use self::range::PolicyError;
pub use self::settings::Order;
