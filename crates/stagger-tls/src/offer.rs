//! The protocols that a candidate is offered (ALPN).

use std::sync::Arc;

use rustls::ClientConfig;
use stagger::connect::Binding;

use crate::error::{TlsError, TlsErrorKind, cut};

/// The configuration for one candidate. It offers only protocols that the candidate's service
/// binding lists, if there is one (RFC 9460 §7.1.2). The order stays the program's.
pub(crate) fn config_for(
    config: &Arc<ClientConfig>,
    binding: Option<&Binding>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let listed = binding.map_or(&[][..], Binding::alpn);
    // A program that offers no protocol does not use ALPN at all.
    if listed.is_empty() || config.alpn_protocols.iter().all(|protocol| listed.contains(protocol)) {
        return Ok(Arc::clone(config));
    }
    let mut narrowed = ClientConfig::clone(config);
    narrowed.alpn_protocols.retain(|protocol| listed.contains(protocol));
    if narrowed.alpn_protocols.is_empty() {
        let text = format!(
            "TLS has no protocol in common with this address: it supports {}, and {} is offered",
            protocols(listed),
            protocols(&config.alpn_protocols),
        );
        return Err(TlsError::new(TlsErrorKind::NoCommonProtocol, text));
    }
    Ok(Arc::new(narrowed))
}

/// The names of protocols, for a person. A binding comes from the network, and its names may take
/// 64 KiB.
fn protocols(list: &[Vec<u8>]) -> String {
    let names: Vec<_> = list.iter().map(|name| name.escape_ascii().to_string()).collect();
    cut(&names.join(", "))
}

#[cfg(test)]
mod tests {
    use stagger_testkit::tls::Authority;

    use super::*;

    #[test]
    fn the_names_of_a_long_binding_are_cut_short() {
        let mut config = ClientConfig::clone(&Authority::new().unwrap().client().unwrap());
        config.alpn_protocols = vec![b"h2".to_vec()];
        let binding = Binding::default().with_alpn(vec![vec![0xff; 255]; 250]);
        let error = config_for(&Arc::new(config), Some(&binding)).unwrap_err();
        let text = error.to_string();
        assert!(text.len() < 1000 && text.ends_with("..., and h2 is offered"), "{text}");
    }
}
