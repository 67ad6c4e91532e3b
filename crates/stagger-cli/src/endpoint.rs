//! `--endpoint`: endpoints as strings.

mod stream;

use stagger::listen::Listen as _;
use stagger::text::with_causes;
use stagger::{Connector, Policy};
use stagger_endpoint::{ClientEndpoint, EndpointError, EndpointText, ServerListener};

use crate::console::Exit;
use crate::dial::{Dialed, StreamConnector};
use crate::failure::Failure;
use crate::runtime::Runtime;
use crate::stream::{BoxStream, Proxied};

/// The listener of a runtime's endpoint.
pub(crate) type EndpointListenerOf<R> = ServerListener<<R as Runtime>::EndpointStream>;

/// The text of an endpoint that can be shown, even if it is wrong.
pub(crate) fn shown(text: &str) -> String {
    match EndpointText::parse(text) {
        Ok(parsed) => parsed.to_string(),
        Err(error) => {
            let pointed = error.pointed().to_string();
            pointed.lines().next().unwrap_or_default().to_owned()
        }
    }
}

/// Begins a connect to the endpoint of this text, with a policy for the whole.
///
/// # Errors
///
/// What is wrong with the text, and a file in it that cannot be used.
pub(crate) fn begin<R: Runtime>(text: &str, policy: Policy) -> Result<Dialed, Failure> {
    let endpoint = R::schemes().client(text).map_err(|error| wrong(&error))?;
    let is_over_tls = last_scheme(text).as_deref() == Some("tls");
    let open = move |stream: R::EndpointStream| -> BoxStream {
        match is_over_tls {
            true => stream.into(),
            // A TLS session below another hop is not one with the peer.
            false => Proxied::from(stream.into()).into(),
        }
    };
    let dialer = endpoint.dialer(R::timer()).with_policy(policy).map_connector(|connector| {
        let connector = Connector::<ClientEndpoint<_>>::map(connector, open);
        StreamConnector::<ClientEndpoint<_>>::new(connector)
    });
    Ok(Dialed::of(dialer, |dialer| dialer.connect_addresses([endpoint])))
}

/// Listens at the endpoint of this text.
///
/// # Errors
///
/// What is wrong with the text, and why there is no listener.
pub(crate) async fn listen<R: Runtime>(text: &str) -> Result<EndpointListenerOf<R>, Failure> {
    let endpoint = R::schemes().server(text).map_err(|error| wrong(&error))?;
    endpoint.listen().await.map_err(|error| {
        let line = with_causes(&error);
        let step = line.starts_with("could not ");
        Failure::new(if step { line } else { format!("cannot listen on {endpoint}: {line}") })
    })
}

/// The scheme of the last hop.
fn last_scheme(text: &str) -> Option<String> {
    let parsed = EndpointText::parse(text).ok()?;
    Some(parsed.hops().last()?.scheme().to_owned())
}

/// A line that says what is wrong, and two that show where.
fn wrong(error: &EndpointError) -> Failure {
    let (line, pointed) = (with_causes(error), error.pointed().to_string());
    let pointed = pointed.lines().map(|line| format!("\n  {line}"));
    Failure { message: line + &pointed.collect::<String>(), exit: Exit::Usage }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_text_is_shown_below_the_reason_with_its_place_and_without_secrets() {
        let error = EndpointText::parse("tcp:a:1 | sock s5:me:secret@b:2").unwrap_err();
        let Failure { message, exit } = wrong(&error);
        assert_eq!(exit, Exit::Usage);
        assert_eq!(
            message,
            "bad endpoint at byte 10: \"sock s5\" is not a scheme; a scheme has letters and digits
  tcp:a:1 | sock s5:me:***@b:2
            ^^^^^^^"
        );
        assert_eq!(shown("tcp:a:1 | sock s5:me:secret@b:2"), "tcp:a:1 | sock s5:me:***@b:2");
        assert_eq!(shown("tcp:a:1 | socks5:me:secret@b:2"), "tcp:a:1 | socks5:me:***@b:2");
        // A text that is too long is not shown.
        assert_eq!(shown(&"a".repeat(10_000)), "");
    }
}
