//! The texts of endpoints.

use stagger_endpoint::smol::{client, server};
use stagger_endpoint::{EndpointError, EndpointErrorKind, EndpointText, Hop, Login};

use crate::assert_one_line;

/// The most bytes of a message: three parts of 60 characters, each escaped, and some words.
const LONGEST_MESSAGE: usize = 2500;

/// Any bytes are read as the text of an endpoint, and as a client and a server on smol. What is
/// printed without secrets does not depend on them. What is printed with them is read as the same.
/// A line that points into the text says what is wrong.
pub fn endpoint(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let parsed = match EndpointText::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert_error(&error, &text);
            // What is no endpoint for the reader is none for the table.
            assert_eq!(client(&text).err().map(|error| error.kind()), Some(error.kind()));
            return;
        }
    };
    assert!((1..=EndpointText::MAX_HOPS).contains(&parsed.hops().len()));
    let exposed = parsed.expose_secrets();
    match EndpointText::parse(&exposed) {
        Ok(again) => assert_eq!(again, parsed, "{exposed:?}"),
        // Encoded bytes take more room.
        Err(error) => assert_eq!(error.kind(), EndpointErrorKind::TooLong, "{exposed:?}"),
    }
    let mut end = 0;
    for hop in parsed.hops() {
        assert!(hop.place().start >= end && text.get(hop.place()).is_some(), "{:?}", hop.place());
        end = hop.place().end;
        assert!(hop.options().count() <= EndpointText::MAX_OPTIONS);
        assert_hidden(hop);
    }
    assert_one_line(&parsed.to_string(), 12 * EndpointText::MAX_TEXT);
    for error in [client(&text).err(), server(&text).err()].into_iter().flatten() {
        assert_error(&error, &text);
    }
}

/// Another password gives the same text.
fn assert_hidden(hop: &Hop) {
    let Some(login) = hop.login().filter(|login| login.password().is_some()) else { return };
    let other = Login::new(login.user()).with_password("another");
    let other = hop.clone().with_login(other);
    assert_eq!(other.to_string(), hop.to_string());
    assert_eq!(format!("{other:?}").replace('*', ""), format!("{hop:?}").replace('*', ""));
}

fn assert_error(error: &EndpointError, text: &str) {
    assert_one_line(&error.to_string(), LONGEST_MESSAGE);
    assert!(text.get(error.place()).is_some(), "{error} is at {:?}", error.place());
    let pointed = error.pointed().to_string();
    let lines = pointed.lines().inspect(|line| assert_one_line(line, 12 * EndpointText::MAX_TEXT));
    assert!(matches!(lines.count(), 0 | 2), "{pointed}");
}
