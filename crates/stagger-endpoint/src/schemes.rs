//! The table of schemes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use stagger::boxed::BoxError;

use crate::error::{EndpointError, EndpointErrorKind as Kind};
use crate::near::nearest;
use crate::shown::Shown;
use crate::{ClientEndpoint, EndpointText, Hop, HopReader, ServerEndpoint};

type Make<L> = Arc<dyn Fn(&mut HopReader<'_, L>) -> Result<L, BoxError> + Send + Sync>;
pub(crate) type Table<L> = BTreeMap<String, Make<L>>;

/// The schemes that texts may have, for clients and for servers. A program extends it.
///
/// A scheme is a function from its hop, and the layer below, to a layer. `S` is the stream, such as
/// the `BoxStream` of a runtime's module. The functions `schemes` of those modules return a table
/// with all schemes of this crate. A scheme that is set again replaces the old one.
///
/// # Examples
///
/// A program with three schemes of its own. Its streams are texts here:
///
/// ```
/// use stagger::connect::endpoint_fn;
/// use stagger::Endpoint as _;
/// use stagger_endpoint::{ClientEndpoint, Schemes};
///
/// let schemes = Schemes::<String>::new()
///     .with_client("say", |hop| {
///         let text = hop.text()?;
///         Ok(ClientEndpoint::new(endpoint_fn(move || {
///             let text = text.clone();
///             async { Ok::<_, std::io::Error>(text) }
///         })))
///     })
///     .with_client("twice", |hop| {
///         Ok(hop.below()?.and_then(|text, _| async move {
///             Ok::<_, std::io::Error>(text.repeat(2))
///         }))
///     })
///     .with_client("cut", |hop| {
///         let most = hop.take_number("bytes", 1..=80)?.ok_or_else(|| hop.missing("bytes"))?;
///         Ok(hop.below()?.and_then(move |text, _| async move {
///             Ok::<_, std::io::Error>(text.chars().take(most as usize).collect())
///         }))
///     });
///
/// let endpoint = schemes.client("say:ab%20 | twice | cut?bytes=5")?;
/// assert_eq!(futures_lite::future::block_on(endpoint.connect())?, "ab ab");
/// assert_eq!(endpoint.to_string(), "say:ab%20 | twice | cut?bytes=5");
///
/// for (text, error) in [
///     ("say:ab | cut", "at byte 9: cut needs the option bytes: write cut?bytes=VALUE"),
///     ("say:ab | cut?byte=5", "at byte 13: cut has no option byte; did you mean bytes?"),
///     ("twice", "at byte 0: twice needs a hop before it, as in tcp:HOST:PORT | twice"),
///     ("say:ab | twice?times=3", "at byte 15: twice has no option times; it has none"),
///     ("say:ab | twcie", "at byte 9: there is no client scheme twcie; did you mean twice?"),
/// ] {
///     assert_eq!(schemes.client(text).unwrap_err().to_string(), format!("bad endpoint {error}"));
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Schemes<S> {
    clients: Table<ClientEndpoint<S>>,
    servers: Table<ServerEndpoint<S>>,
}

impl<S> Schemes<S> {
    /// A table without schemes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the client scheme of this name. The name is in lower case.
    pub fn with_client<F>(mut self, scheme: &str, make: F) -> Self
    where
        F: Fn(&mut HopReader<'_, ClientEndpoint<S>>) -> Result<ClientEndpoint<S>, BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.clients.insert(scheme.to_owned(), Arc::new(make));
        self
    }

    /// Removes the client scheme of this name. So a program forbids a scheme in texts from outside.
    pub fn without_client(mut self, scheme: &str) -> Self {
        self.clients.remove(scheme);
        self
    }

    /// Sets the server scheme of this name. The name is in lower case.
    pub fn with_server<F>(mut self, scheme: &str, make: F) -> Self
    where
        F: Fn(&mut HopReader<'_, ServerEndpoint<S>>) -> Result<ServerEndpoint<S>, BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.servers.insert(scheme.to_owned(), Arc::new(make));
        self
    }

    /// Removes the server scheme of this name.
    pub fn without_server(mut self, scheme: &str) -> Self {
        self.servers.remove(scheme);
        self
    }

    /// The names of the client schemes, in alphabetical order.
    pub fn client_names(&self) -> impl Iterator<Item = &str> {
        self.clients.keys().map(String::as_str)
    }

    /// The names of the server schemes, in alphabetical order.
    pub fn server_names(&self) -> impl Iterator<Item = &str> {
        self.servers.keys().map(String::as_str)
    }

    /// Makes the client endpoint that a text names. Nothing is connected.
    ///
    /// A scheme may read files, such as certificates. So this call may block.
    ///
    /// # Errors
    ///
    /// Fails if the text is wrong, or if a scheme cannot make its layer. The error has the place.
    pub fn client(&self, text: &str) -> Result<ClientEndpoint<S>, EndpointError> {
        let name = |layer: ClientEndpoint<S>, name: &str| layer.with_name(name);
        make(&self.clients, text, "client", name, self.servers.keys())
    }

    /// Makes the client endpoint of a text that is parsed or made from parts already. Places in
    /// errors are those of [`EndpointText::expose_secrets`].
    ///
    /// # Errors
    ///
    /// Fails as [`client`](Self::client) does.
    pub fn client_of(&self, text: &EndpointText) -> Result<ClientEndpoint<S>, EndpointError> {
        self.client(&text.expose_secrets())
    }

    /// Makes the server endpoint that a text names. Nothing listens yet.
    ///
    /// A scheme may read files, such as certificates. So this call may block.
    ///
    /// # Errors
    ///
    /// Fails if the text is wrong, or if a scheme cannot make its layer. The error has the place.
    pub fn server(&self, text: &str) -> Result<ServerEndpoint<S>, EndpointError> {
        let name = |layer: ServerEndpoint<S>, name: &str| layer.with_name(name);
        make(&self.servers, text, "server", name, self.clients.keys())
    }

    /// Makes the server endpoint of a text that is parsed or made from parts already. Places in
    /// errors are those of [`EndpointText::expose_secrets`].
    ///
    /// # Errors
    ///
    /// Fails as [`server`](Self::server) does.
    pub fn server_of(&self, text: &EndpointText) -> Result<ServerEndpoint<S>, EndpointError> {
        self.server(&text.expose_secrets())
    }
}

fn make<'a, L>(
    table: &Table<L>,
    text: &str,
    side: &str,
    with_name: impl Fn(L, &str) -> L,
    mut other_side: impl Iterator<Item = &'a String>,
) -> Result<L, EndpointError> {
    let (parsed, shown) = EndpointText::parse_shown(text)?;
    let mut name = String::new();
    let mut below = None;
    for hop in parsed.hops() {
        name.push_str(if name.is_empty() { "" } else { " | " });
        name.push_str(&hop.to_string());
        let make = table.get(hop.scheme());
        let make = make.ok_or_else(|| unknown(table, hop, &shown, side, &mut other_side))?;
        let mut reader = HopReader::new(hop, &shown, table, below.take());
        let layer = make(&mut reader).map_err(|error| reader.located(error))?;
        reader.finish()?;
        below = Some(with_name(layer, &name));
    }
    Ok(below.expect("a text has at least one hop"))
}

fn unknown<'a, L>(
    table: &Table<L>,
    hop: &Hop,
    shown: &Shown,
    side: &str,
    other_side: &mut impl Iterator<Item = &'a String>,
) -> EndpointError {
    let scheme = hop.scheme();
    let known = || table.keys().map(String::as_str);
    let hint = if other_side.any(|other| other == scheme) {
        let other = if side == "client" { "servers" } else { "clients" };
        format!("it is for {other} only")
    } else if let Some(near) = nearest(scheme, known()) {
        format!("did you mean {near}?")
    } else {
        format!("there are {}", known().collect::<Vec<_>>().join(", "))
    };
    let place = hop.places.scheme.clone();
    let name = shown.quoted(&place);
    let reason = format!("there is no {side} scheme {}; {hint}", name.trim_matches('"'));
    EndpointError::new(Kind::UnknownScheme, shown, place, reason)
}

impl<S> Default for Schemes<S> {
    fn default() -> Self {
        Self { clients: Table::new(), servers: Table::new() }
    }
}

impl<S> Clone for Schemes<S> {
    fn clone(&self) -> Self {
        Self { clients: self.clients.clone(), servers: self.servers.clone() }
    }
}

/// Prints the names of the schemes.
impl<S> fmt::Debug for Schemes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schemes")
            .field("clients", &self.clients.keys())
            .field("servers", &self.servers.keys())
            .finish()
    }
}
