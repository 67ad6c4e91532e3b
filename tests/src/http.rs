//! A request of HTTP and a check of its answer, which show that a stream works.

/// A request for the root, after whose answer the server closes.
pub const GET: &[u8] = b"GET / HTTP/1.0\r\nHost: stagger.test\r\n\r\n";

/// Checks that a whole answer has status 200.
///
/// # Panics
///
/// If it has not.
pub fn assert_ok(answer: &[u8]) {
    let answer = String::from_utf8_lossy(answer);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
