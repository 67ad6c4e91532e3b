//! A command as an endpoint.
