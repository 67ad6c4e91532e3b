//! `getnameinfo`.

use std::ffi::CStr;

use libc::{c_char, c_int};
use socket2::SockAddr;

use super::cause;
use crate::lookup::error::Cause;
use crate::lookup::{NameInfo, NameRequest};

/// The longest host name in bytes, with its NUL: `NI_MAXHOST` of `netdb.h`. It is 1025 in glibc and
/// the BSDs, and 255 in musl.
const MAX_HOST: usize = 1025;

/// The longest service name in bytes, with its NUL: `NI_MAXSERV` of `netdb.h`.
const MAX_SERVICE: usize = 32;

/// Returns the names of an address and its port. Blocks.
pub(in crate::lookup) fn name(request: &NameRequest) -> Result<NameInfo, Cause> {
    let flags: [(bool, c_int); 5] = [
        (request.numeric_host, libc::NI_NUMERICHOST as _),
        (request.numeric_service, libc::NI_NUMERICSERV as _),
        (request.name_required, libc::NI_NAMEREQD as _),
        (request.short_name, libc::NI_NOFQDN as _),
        (request.datagram, libc::NI_DGRAM as _),
    ];
    let flags = flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag);
    let addr = SockAddr::from(request.addr);
    let (mut host, mut service) = ([0 as c_char; MAX_HOST], [0 as c_char; MAX_SERVICE]);
    // SAFETY: `addr` is a socket address with its own length. Each buffer is written only up to the
    // length that is given with it. All live through the call.
    let code = unsafe {
        libc::getnameinfo(
            addr.as_ptr().cast(),
            addr.len(),
            host.as_mut_ptr(),
            MAX_HOST as _,
            service.as_mut_ptr(),
            MAX_SERVICE as _,
            flags as _,
        )
    };
    if code != 0 {
        return Err(cause(code));
    }
    Ok(NameInfo { host: text(&host).into(), service: text(&service).into() })
}

/// Returns the text of a buffer before its NUL.
fn text(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> = buffer.iter().map(|&byte| byte as u8).collect();
    let text = CStr::from_bytes_until_nul(&bytes);
    text.map_or_else(|_| String::from_utf8_lossy(&bytes), CStr::to_string_lossy).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced_and_what_follows_the_nul_is_not_read() {
        let buffer = b"a\xffb\0c".map(|byte| byte as c_char);
        assert_eq!(text(&buffer), "a\u{fffd}b");
        assert_eq!(text(&buffer[..3]), "a\u{fffd}b");
    }
}
