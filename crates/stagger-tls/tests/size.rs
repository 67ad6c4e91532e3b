//! How large a connect with TLS is. Every task that awaits a connect holds it.

/// The most bytes of a connect over the default parts of tokio. Four attempts in flight are part of
/// it. Their handshakes are on the heap.
#[cfg(feature = "tokio")]
const MOST_BYTES_ON_TOKIO: usize = 2088;

/// The most bytes of a connect over the default parts of smol.
#[cfg(feature = "futures")]
const MOST_BYTES_ON_SMOL: usize = 1944;

#[cfg(feature = "tokio")]
#[test]
fn a_connect_with_tls_on_tokio_is_no_larger_than_its_bound() {
    let config = stagger_testkit::tls::Authority::new().unwrap().client().unwrap();
    let tcp = stagger_tokio::TcpConnector::default();
    let dialer = stagger_tokio::dialer().with_connector(stagger_tls::tokio::Tls::new(tcp, config));
    let size = size_of_val(&dialer.connect("localhost:1"));
    assert!(size <= MOST_BYTES_ON_TOKIO, "{size} bytes");
}

#[cfg(feature = "futures")]
#[test]
fn a_connect_with_tls_on_smol_is_no_larger_than_its_bound() {
    let config = stagger_testkit::tls::Authority::new().unwrap().client().unwrap();
    let tcp = stagger_smol::TcpConnector::default();
    let dialer = stagger_smol::dialer().with_connector(stagger_tls::futures::Tls::new(tcp, config));
    let size = size_of_val(&dialer.connect("localhost:1"));
    assert!(size <= MOST_BYTES_ON_SMOL, "{size} bytes");
}
