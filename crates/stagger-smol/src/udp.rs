//! Datagrams over UDP.

use crate::Reactor;

/// A UDP socket, with multicast; `into_inner` makes it `smol::net::UdpSocket`, which is [`async_net::UdpSocket`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// A question and its answer, which says from which address it comes:
///
/// ```
/// use stagger_smol::UdpSocket;
///
/// # smol::block_on(async {
/// let server = UdpSocket::bind("127.0.0.1:0")?;
/// let client = UdpSocket::bind("127.0.0.1:0")?;
/// client.connect(server.local_addr()?)?;
/// client.send(b"who is there?").await?;
///
/// let mut buffer = [0; 1500];
/// let asked = server.recv_from(&mut buffer).await?;
/// assert_eq!(asked.peer, client.local_addr()?);
/// server.send_to(&buffer[..asked.length], asked.peer).await?;
///
/// let answered = client.recv_from(&mut buffer[..3]).await?;
/// assert!(answered.truncated);
/// assert_eq!(&buffer[..answered.length], b"who");
///
/// // A name is refused: resolve it first, with `lookup` or a `Dialer`.
/// assert!(server.send_to(b"x", "localhost:9").await.is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// Members of a group on one machine:
///
/// ```
/// use stagger_smol::{UdpOptions, UdpSocket};
///
/// # smol::block_on(async {
/// let group = "239.255.7.9".parse()?;
/// let options = UdpOptions::new().with_reuse_address(true);
/// let first = UdpSocket::bind_with("0.0.0.0:0", &options)?;
/// let port = first.local_addr()?.port();
/// let second = UdpSocket::bind_with(("0.0.0.0", port), &options)?;
/// first.join_multicast(group, "lo")?;
/// second.join_multicast(group, "lo")?;
///
/// first.set_multicast_interface("lo")?;
/// first.send_to(b"all", (group, port)).await?;
/// let mut buffer = [0; 1500];
/// for member in [&first, &second] {
///     assert_eq!(member.recv_from(&mut buffer).await?.length, 3);
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type UdpSocket = stagger_net::UdpSocket<Reactor>;
