//! OpenSSH's programs as backends.
