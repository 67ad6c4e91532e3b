//! What to write instead of a wrong target.

pub(crate) mod service;
pub(crate) mod url;
pub(crate) mod zone;
