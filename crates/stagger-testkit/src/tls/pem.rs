//! The text form of keys and certificates (RFC 7468).

/// The alphabet of base64 (RFC 4648 §4).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How many bytes a line has, of which it makes 64 characters (RFC 7468 §2).
const LINE: usize = 48;

/// Encodes one value.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(LINE) {
        for group in line.chunks(3) {
            let byte = |n: usize| u32::from(group.get(n).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for n in 0..4 {
                let sextet = (bits >> (18 - 6 * n)) as usize & 63;
                text.push(if n <= group.len() { char::from(ALPHABET[sextet]) } else { '=' });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn text_of_any_length_is_read_as_the_same_bytes() {
        for length in 1..=2 * LINE + 1 {
            let bytes: Vec<u8> = (0..length).map(|n| (n * 37 + 200) as u8).collect();
            let text = encode("CERTIFICATE", &bytes);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
            let read = CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
            assert_eq!(&*read, &*bytes, "{text}");
        }
    }

    #[test]
    fn base64_is_as_in_the_standard() {
        // RFC 4648 §10.
        for (bytes, text) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            let line = encode("X", bytes.as_bytes());
            assert_eq!(line.lines().nth(1), Some(text));
        }
    }
}
