//! The only calls into libc of the lookup: `getaddrinfo`, `getnameinfo`, `if_nametoindex` and
//! `if_indextoname`.

mod name;

use std::ffi::{CStr, CString};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ptr;

use libc::c_int;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Transport};
use stagger::target::Service;

pub(super) use self::name::name;
use super::error::{Cause, kind_of_io};
use super::{AddressEntry, AddressRequest, Protocol, SocketType};

/// Returns the addresses of `host`, in the system's order. Blocks.
pub(super) fn addresses(
    host: &str,
    port: u16,
    families: Families,
    transport: Transport,
) -> Result<Vec<SocketAddr>, Cause> {
    let host = CString::new(host).map_err(|_| Cause::Nul)?;
    let hints = hints(families, transport, 0);
    let list = List::look_up(Some(&host), None, &hints)?;
    Ok(list.addresses(Some(port)))
}

/// Returns the entries of a single lookup, in the system's order, and the canonical name if it was
/// requested. Blocks.
pub(super) fn entries(
    request: &AddressRequest,
) -> Result<(Vec<AddressEntry>, Option<String>), Cause> {
    let c_string = |text: String| CString::new(text).map_err(|_| Cause::Nul);
    let host = request.host_text().map(c_string).transpose()?;
    let service = request.service.as_ref().map(ToString::to_string).map(c_string).transpose()?;
    let mut hints = empty_hints(request.families);
    hints.ai_flags = flags(request)?;
    hints.ai_socktype = request.socket_type.map_or(0, SocketType::number);
    hints.ai_protocol = request.protocol.map_or(0, Protocol::number);
    let list = List::look_up(host.as_deref(), service.as_deref(), &hints)?;
    let entry = |entry: &libc::addrinfo| {
        Some(AddressEntry {
            address: address(entry)?,
            socket_type: SocketType::from_number(entry.ai_socktype),
            protocol: (entry.ai_protocol != 0).then(|| Protocol::from_number(entry.ai_protocol)),
        })
    };
    Ok((list.entries().filter_map(entry).collect(), list.canonical_name()))
}

fn flags(request: &AddressRequest) -> Result<c_int, Cause> {
    let asked = request.flags;
    let literal = request.host.is_some() && !request.has_a_name();
    let port = matches!(request.service, Some(Service::Port(_)));
    let mapped = mapped_flags(asked.v4_mapped, asked.all)?;
    let flags = [
        (asked.passive, libc::AI_PASSIVE),
        (asked.canonical_name, libc::AI_CANONNAME),
        // A number must not be looked up as a name.
        (asked.numeric_host || literal, libc::AI_NUMERICHOST),
        (asked.numeric_service || port, libc::AI_NUMERICSERV),
        (asked.address_configured, libc::AI_ADDRCONFIG),
    ];
    Ok(flags.iter().filter(|(set, _)| *set).fold(mapped, |all, (_, flag)| all | flag))
}

#[cfg(not(any(target_os = "netbsd", target_os = "openbsd")))]
fn mapped_flags(v4_mapped: bool, all: bool) -> Result<c_int, Cause> {
    let flag = |set, flag| if set { flag } else { 0 };
    Ok(flag(v4_mapped, libc::AI_V4MAPPED) | flag(all, libc::AI_ALL))
}

#[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
fn mapped_flags(v4_mapped: bool, all: bool) -> Result<c_int, Cause> {
    if v4_mapped || all { Err(Cause::Unsupported("mapped addresses")) } else { Ok(0) }
}

impl SocketType {
    fn number(self) -> c_int {
        match self {
            Self::Stream => libc::SOCK_STREAM,
            Self::Datagram => libc::SOCK_DGRAM,
            Self::SequencedPacket => libc::SOCK_SEQPACKET,
            Self::Raw => libc::SOCK_RAW,
            Self::Other(number) => number,
        }
    }

    fn from_number(number: c_int) -> Option<Self> {
        match number {
            0 => None,
            libc::SOCK_STREAM => Some(Self::Stream),
            libc::SOCK_DGRAM => Some(Self::Datagram),
            libc::SOCK_SEQPACKET => Some(Self::SequencedPacket),
            libc::SOCK_RAW => Some(Self::Raw),
            other => Some(Self::Other(other)),
        }
    }
}

/// Returns the port of the service with this name. Blocks while libc reads its files. There is no
/// network traffic.
pub(super) fn service_port(name: &str, transport: Transport) -> Result<u16, Cause> {
    let service = CString::new(name).map_err(|_| Cause::Nul)?;
    // Without a host the list has the loopback address, with the port (getaddrinfo(3)).
    let hints = hints(Families::Ipv4, transport, libc::AI_NUMERICHOST);
    let unknown = |code, symbol| Cause::Service {
        name: name.into(),
        transport: Some(transport),
        code,
        symbol,
    };
    let list = List::look_up(None, Some(&service), &hints).map_err(|cause| match cause {
        // The BSDs return EAI_NONAME here.
        Cause::Code { code: code @ (libc::EAI_SERVICE | libc::EAI_NONAME), symbol, .. } => {
            unknown(Some(code), symbol)
        }
        other => other,
    })?;
    let first = list.addresses(None).first().map(SocketAddr::port);
    first.ok_or_else(|| unknown(None, ""))
}

/// Returns the index of the network interface with this name.
pub(super) fn interface_index(name: &str) -> Result<u32, Cause> {
    let c_name = CString::new(name).map_err(|_| Cause::Nul)?;
    // SAFETY: `c_name` is a NUL-terminated string that lives through the call.
    let index = unsafe { libc::if_nametoindex(c_name.as_ptr()) };
    if index == 0 {
        let os_error = io::Error::last_os_error().raw_os_error();
        return Err(Cause::Zone { name: name.into(), os_error });
    }
    Ok(index)
}

/// Returns the name of the network interface with this index.
pub(super) fn interface_name(index: u32) -> io::Result<String> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: there is room for the longest name and its NUL (if_indextoname(3)).
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    if found.is_null() {
        let error = io::Error::last_os_error();
        return Err(match error.raw_os_error() {
            Some(libc::ENXIO | libc::ENODEV) => io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("no network interface has the index {index}"),
            ),
            _ => error,
        });
    }
    // SAFETY: the call has put a NUL-terminated name there, and `name` outlives the borrow.
    Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
}

fn hints(families: Families, transport: Transport, flags: c_int) -> libc::addrinfo {
    let mut hints = empty_hints(families);
    hints.ai_flags = flags;
    // With both values there is one entry for each address, not one for each kind of socket.
    (hints.ai_socktype, hints.ai_protocol) = match transport {
        Transport::Udp => (libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        _ => (libc::SOCK_STREAM, libc::IPPROTO_TCP),
    };
    hints
}

pub(super) fn empty_hints(families: Families) -> libc::addrinfo {
    // SAFETY: an `addrinfo` is integers and pointers, for which all zeros is a valid value.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = match families {
        Families::Any => libc::AF_UNSPEC,
        Families::Ipv4 => libc::AF_INET,
        Families::Ipv6 => libc::AF_INET6,
    };
    hints
}

/// A list that `getaddrinfo` returned, freed when dropped.
struct List(*mut libc::addrinfo);

impl List {
    fn look_up(
        host: Option<&CStr>,
        service: Option<&CStr>,
        hints: &libc::addrinfo,
    ) -> Result<Self, Cause> {
        let host = host.map_or(ptr::null(), CStr::as_ptr);
        let service = service.map_or(ptr::null(), CStr::as_ptr);
        let mut list = ptr::null_mut();
        // SAFETY: `host` and `service` are null or NUL-terminated strings that live through the
        // call, as does `hints`. `list` is a place for the result.
        let code = unsafe { libc::getaddrinfo(host, service, hints, &mut list) };
        if code == 0 { Ok(Self(list)) } else { Err(cause(code)) }
    }

    fn entries(&self) -> impl Iterator<Item = &libc::addrinfo> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: `getaddrinfo` made the list, and it is freed with `self`, which is borrowed
            // for as long as the entry. So each entry is null or valid.
            let entry = unsafe { next.as_ref() }?;
            next = entry.ai_next;
            Some(entry)
        })
    }

    /// Returns the addresses, with `port` instead of their own port if it is given.
    fn addresses(&self, port: Option<u16>) -> Vec<SocketAddr> {
        let mut found: Vec<_> = self.entries().filter_map(address).collect();
        if let Some(port) = port {
            found.iter_mut().for_each(|addr| addr.set_port(port));
        }
        found
    }

    /// Returns the canonical name, which is in the first entry (POSIX, `getaddrinfo`).
    fn canonical_name(&self) -> Option<String> {
        let name = self.entries().map(|entry| entry.ai_canonname).find(|name| !name.is_null())?;
        // SAFETY: the list is of `getaddrinfo` and not yet freed. In it, a name that is not null is
        // a NUL-terminated string.
        Some(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the list came from `getaddrinfo`, and no other code frees it.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

/// Returns the address of an entry, if our sockets can use it.
fn address(entry: &libc::addrinfo) -> Option<SocketAddr> {
    if entry.ai_addr.is_null() {
        return None;
    }
    let has = |size: usize| usize::try_from(entry.ai_addrlen).is_ok_and(|length| length >= size);
    match entry.ai_family {
        libc::AF_INET if has(size_of::<libc::sockaddr_in>()) => {
            // SAFETY: `ai_addr` points to `ai_addrlen` bytes, and the check shows that this is
            // enough. They hold the type that `ai_family` gives. The read needs no alignment.
            let raw = unsafe { entry.ai_addr.cast::<libc::sockaddr_in>().read_unaligned() };
            let ip = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddrV4::new(ip, u16::from_be(raw.sin_port)).into())
        }
        libc::AF_INET6 if has(size_of::<libc::sockaddr_in6>()) => {
            // SAFETY: as above.
            let raw = unsafe { entry.ai_addr.cast::<libc::sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
            // Flow info is passed unchanged, as the standard library does when it converts it back.
            let port = u16::from_be(raw.sin6_port);
            Some(SocketAddrV6::new(ip, port, raw.sin6_flowinfo, raw.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// Returns the meaning of a code of `getaddrinfo` or `getnameinfo`. Must be called right after it,
/// before `errno` changes.
fn cause(code: c_int) -> Cause {
    let os_error = (code == libc::EAI_SYSTEM).then(io::Error::last_os_error);
    // SAFETY: the result is null or a NUL-terminated string that is never freed.
    let words = unsafe {
        let words = libc::gai_strerror(code);
        (!words.is_null()).then(|| CStr::from_ptr(words))
    };
    let words = words.unwrap_or(c"unknown error").to_string_lossy();
    let (symbol, mut kind) = meaning(code);
    if let Some(error) = &os_error {
        kind = kind_of_io(error.kind());
    }
    let os_error = os_error.and_then(|error| error.raw_os_error());
    Cause::Code { kind, code, symbol, os_error, words: words.into() }
}

fn meaning(code: c_int) -> (&'static str, LookupErrorKind) {
    use LookupErrorKind::{NotFound, Other, Temporary, UnknownService};
    match code {
        libc::EAI_NONAME => ("EAI_NONAME", NotFound),
        libc::EAI_AGAIN => ("EAI_AGAIN", Temporary),
        libc::EAI_SERVICE => ("EAI_SERVICE", UnknownService),
        libc::EAI_FAIL => ("EAI_FAIL", Other),
        libc::EAI_FAMILY => ("EAI_FAMILY", Other),
        libc::EAI_MEMORY => ("EAI_MEMORY", Other),
        libc::EAI_SOCKTYPE => ("EAI_SOCKTYPE", Other),
        libc::EAI_BADFLAGS => ("EAI_BADFLAGS", Other),
        libc::EAI_SYSTEM => ("EAI_SYSTEM", Other),
        libc::EAI_OVERFLOW => ("EAI_OVERFLOW", Other),
        // The other codes are not in POSIX, and FreeBSD has dropped them.
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        libc::EAI_NODATA => ("EAI_NODATA", LookupErrorKind::NoAddress),
        #[cfg(target_os = "linux")]
        EAI_ADDRFAMILY => ("EAI_ADDRFAMILY", LookupErrorKind::NoAddress),
        _ => ("an unknown code", Other),
    }
}

/// `EAI_ADDRFAMILY` of glibc's and musl's `netdb.h`; the `libc` crate lacks it.
#[cfg(target_os = "linux")]
const EAI_ADDRFAMILY: c_int = -9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_nul_character_is_an_error() {
        let found = addresses("a\0b", 80, Families::Any, Transport::Tcp);
        assert_eq!(found, Err(Cause::Nul));
        assert_eq!(service_port("a\0b", Transport::Tcp), Err(Cause::Nul));
        assert_eq!(interface_index("a\0b"), Err(Cause::Nul));
    }

    #[test]
    fn an_address_keeps_its_flow_info_and_scope_id() {
        // SAFETY: both are integers, arrays of them and pointers, for which zeros are valid.
        let (mut entry, mut raw): (libc::addrinfo, libc::sockaddr_in6) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        let expected = SocketAddrV6::new("fe80::7".parse().unwrap(), 443, 0xabcde, 5);
        raw.sin6_port = expected.port().to_be();
        raw.sin6_flowinfo = expected.flowinfo();
        raw.sin6_addr.s6_addr = expected.ip().octets();
        raw.sin6_scope_id = expected.scope_id();
        entry.ai_family = libc::AF_INET6;
        entry.ai_addrlen = size_of::<libc::sockaddr_in6>().try_into().unwrap();
        entry.ai_addr = (&raw mut raw).cast();
        assert_eq!(address(&entry), Some(expected.into()));
        entry.ai_addrlen -= 1;
        assert_eq!(address(&entry), None);
    }

    #[test]
    fn a_literal_zone_is_resolved_by_the_system_into_a_scope_id() {
        let host = c"fe80::1%1";
        let hints = hints(Families::Any, Transport::Tcp, libc::AI_NUMERICHOST);
        let list = List::look_up(Some(host), None, &hints).unwrap_or_else(|_| panic!("no list"));
        let expected = SocketAddrV6::new("fe80::1".parse().unwrap(), 9, 0, 1);
        assert_eq!(list.addresses(Some(9)), [expected.into()]);
    }

    #[test]
    fn a_code_keeps_its_number_and_gets_its_words() {
        let Cause::Code { code, symbol, words, kind, .. } = cause(libc::EAI_AGAIN) else {
            panic!("not a code");
        };
        assert_eq!((code, symbol), (libc::EAI_AGAIN, "EAI_AGAIN"));
        assert_eq!(kind, LookupErrorKind::Temporary);
        assert!(!words.is_empty());
    }

    #[test]
    fn each_code_has_the_kind_of_the_core_s_table() {
        for (code, symbol, kind) in [
            (libc::EAI_NONAME, "EAI_NONAME", LookupErrorKind::NotFound),
            (libc::EAI_AGAIN, "EAI_AGAIN", LookupErrorKind::Temporary),
            (libc::EAI_SERVICE, "EAI_SERVICE", LookupErrorKind::UnknownService),
            (libc::EAI_FAIL, "EAI_FAIL", LookupErrorKind::Other),
            (libc::EAI_BADFLAGS, "EAI_BADFLAGS", LookupErrorKind::Other),
            #[cfg(any(target_os = "linux", target_vendor = "apple"))]
            (libc::EAI_NODATA, "EAI_NODATA", LookupErrorKind::NoAddress),
            #[cfg(target_os = "linux")]
            (EAI_ADDRFAMILY, "EAI_ADDRFAMILY", LookupErrorKind::NoAddress),
            (4711, "an unknown code", LookupErrorKind::Other),
        ] {
            assert_eq!(meaning(code), (symbol, kind));
        }
    }

    #[test]
    fn a_system_error_has_the_kind_of_its_errno() {
        for (errno, kind) in [
            (libc::ETIMEDOUT, LookupErrorKind::TimedOut),
            (libc::ENETUNREACH, LookupErrorKind::Temporary),
            (libc::ECONNREFUSED, LookupErrorKind::Temporary),
            (libc::EMFILE, LookupErrorKind::Other),
        ] {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(kind_of_io(error.kind()), kind, "{error}");
        }
    }
}
