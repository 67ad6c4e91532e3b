//! What the system reads as an IPv4 address is never a name, and anything else may be one.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::ffi::{CString, c_char, c_int};
use std::net::Ipv4Addr;

use stagger::Target;
use stagger::target::{Host, TargetErrorKind};

unsafe extern "C" {
    /// See inet(3). `libc` does not have it.
    fn inet_aton(text: *const c_char, addr: *mut libc::in_addr) -> c_int;
}

/// The address as glibc reads it.
fn read(text: &str) -> Option<Ipv4Addr> {
    let text = CString::new(text).unwrap();
    let mut addr = libc::in_addr { s_addr: 0 };
    // SAFETY: `text` ends in NUL, and both pointers are valid through the call.
    let code = unsafe { inet_aton(text.as_ptr(), &raw mut addr) };
    (code != 0).then(|| Ipv4Addr::from(u32::from_be(addr.s_addr)))
}

/// Every edge of each place of an address, and what is no number.
const LABELS: [&str; 20] = [
    "0",
    "00",
    "1",
    "08",
    "0177",
    "0400",
    "0x",
    "0x7f",
    "0x100",
    "0xg",
    "255",
    "256",
    "65535",
    "65536",
    "16777215",
    "16777216",
    "4294967295",
    "4294967296",
    "99999999999999999999999",
    "web",
];

/// Whether glibc would read it if it read a bare `0x` as zero, as some systems do.
fn reads_with_bare_prefix(text: &str) -> bool {
    let labels = text.split('.').map(|label| if label == "0x" { "0" } else { label });
    read(&labels.collect::<Vec<_>>().join(".")).is_some()
}

fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(digits) => digits.chars().all(|c| c.is_ascii_hexdigit()),
        None => label.chars().all(|c| c.is_ascii_digit()),
    }
}

fn check(text: &str) {
    let is_four = text.split('.').count() == 4 && text.split('.').all(is_number);
    let reads = read(text).is_some() || reads_with_bare_prefix(text);
    for dot in ["", "."] {
        let written = format!("{text}{dot}");
        match Target::try_from((written.as_str(), 80)).map(|target| target.host().clone()) {
            Ok(Host::Ipv4(addr)) => {
                assert_eq!((read(&written), addr.to_string()), (Some(addr), written));
            }
            Ok(host) => {
                assert!(!is_four && !reads, "{written} is a name");
                assert_eq!(host.to_string(), written);
            }
            Err(error) => {
                assert_eq!(error.kind(), TargetErrorKind::InvalidIpv4, "{error}");
                assert!(is_four || reads, "{error}");
            }
        }
    }
}

#[test]
fn what_the_system_reads_as_an_address_is_no_name_and_all_else_may_be_one() {
    for labels in 1..=4 {
        for number in 0..LABELS.len().pow(labels) {
            let label = |place| LABELS[number / LABELS.len().pow(place) % LABELS.len()];
            check(&(0..labels).map(label).collect::<Vec<_>>().join("."));
        }
    }
    for text in ["1.2.3.4.5", "0.0.0.0.0", "1.2.3.4.web", "web.1.2.3.4", "192.0.2.1"] {
        check(text);
    }
}
