//! The marks of an inner connector's errors: whether they end a race, and whether this machine was
//! short of something.
#![cfg(feature = "futures")]

use std::future::{Ready, ready};
use std::io::{self, ErrorKind};

use futures_lite::io::Cursor;
use stagger::{Candidate, Connector, Target};
use stagger_proxy::futures::{Router, Socks5, Tunnel};
use stagger_proxy::{ConnectError, Environment, RouterError};

/// A connector that marks two kinds of errors.
#[derive(Clone)]
struct Marking;

const FINAL: ErrorKind = ErrorKind::PermissionDenied;
const SHORTAGE: ErrorKind = ErrorKind::AddrNotAvailable;

impl Connector<Target> for Marking {
    type Connection = Cursor<Vec<u8>>;
    type Error = io::Error;
    type Attempt = Ready<io::Result<Cursor<Vec<u8>>>>;

    fn connect(&self, _: Candidate<Target>) -> Self::Attempt {
        ready(Err(FINAL.into()))
    }

    fn is_final(&self, error: &io::Error) -> bool {
        error.kind() == FINAL
    }

    fn is_local_shortage(&self, error: &io::Error) -> bool {
        error.kind() == SHORTAGE
    }
}

/// The two marks of an error.
fn marks<C: Connector<Target>>(connector: &C, error: &C::Error) -> (bool, bool) {
    (connector.is_final(error), connector.is_local_shortage(error))
}

#[test]
fn an_error_of_the_way_to_a_proxy_keeps_its_marks() {
    let proxy = "socks5h://proxy.example".parse().unwrap();
    let socks = Socks5::new(Marking, "proxy.example:1080".parse().unwrap());
    let tunnel = Tunnel::new(Marking, &proxy, "example.com:443".parse().unwrap());
    let router = Router::new(Marking, Environment::new()).with_tls(Marking);
    for (kind, expected) in [
        (FINAL, (true, false)),
        (SHORTAGE, (false, true)),
        (ErrorKind::ConnectionRefused, (false, false)),
    ] {
        let transport = || ConnectError::Transport(kind.into());
        assert_eq!(marks(&socks, &transport()), expected, "{kind}");
        assert_eq!(marks(&tunnel, &transport()), expected, "{kind}");
        for error in [
            RouterError::Direct(kind.into()),
            RouterError::Proxy(transport()),
            RouterError::Tls(transport()),
        ] {
            assert_eq!(marks(&router, &error), expected, "{error}");
        }
    }
}
