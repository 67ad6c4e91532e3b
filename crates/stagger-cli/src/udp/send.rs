//! `stagger udp send`.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures_lite::future;
use socket2::SockRef;
use stagger::Timer as _;
use stagger_net::{UdpOptions, UdpSocket};

use super::addr::{check_zone, family, interface, interface_name, is_of_link, named, socket_addr};
use super::input::Datagrams;
use super::receive::Receive;
use super::shown::Shown;
use super::{Failure, duration, is_refused_access, options};
use crate::address::address;
use crate::args::UdpSendArgs;
use crate::connect::no_runtime;
use crate::console::{Console, Exit};
use crate::runtime::{Job, Runtime};
use crate::usage::UsageError;

const ADDRESS: &str = "address";

/// How long answers that are counted are waited for, unless told otherwise: 5 s, which is what a
/// resolver gives a name server (resolv.conf(5)). The choice is ours.
const WAIT: Duration = Duration::from_secs(5);

/// Sends all there is, and waits for answers if asked.
pub(super) fn run(args: &UdpSendArgs, console: &mut Console) -> Exit {
    let shown = &Shown::new(console, &args.shown);
    let prepared = Way::of(args).and_then(|way| {
        let datagrams = Datagrams::of(args, way.room())?;
        Ok(Deliver { way, datagrams, args, shown })
    });
    let ended = match prepared {
        Ok(deliver) => args.shown.runtime.run(deliver),
        Err(error) => Err(error.into()),
    };
    shown.end(ended)
}

/// How datagrams go, and how long answers are waited for.
#[derive(Debug)]
struct Way {
    to: SocketAddr,
    from: SocketAddr,
    options: UdpOptions,
    /// The number of the interface to groups; 0 is the system's choice.
    group_interface: u32,
    /// For all answers, or, without a number of them, for whatever comes.
    wait: Option<Duration>,
}

impl Way {
    fn of(args: &UdpSendArgs) -> Result<Self, UsageError> {
        let wait = duration("--wait", args.wait.as_ref())?;
        let wait = wait.or_else(|| args.replies.map(|_| WAIT));
        let mut to = socket_addr(ADDRESS, &args.addr)?;
        if to.port() == 0 {
            return Err(UsageError::new(ADDRESS, &args.addr, "nobody receives at port 0"));
        }
        let is_group = to.ip().is_multicast();
        let mut options = options().with_broadcast(args.broadcast);
        let mut group_interface = 0;
        if let Some(text) = &args.interface {
            let index = interface("--interface", text, text)?;
            zone(&mut to, index, text)?;
            if is_group {
                group_interface = index;
            } else if index != 0 {
                options = only_by(options, index, text)?;
            }
        }
        check_zone(ADDRESS, &args.addr, to)?;
        if let Some(hops) = args.hops.filter(|_| !is_group) {
            let set = options.with_hop_limit(hops);
            options = set.map_err(|e| UsageError::new("--hops", &hops.to_string(), e))?;
        }
        if args.no_loopback && !is_group {
            let reason = "the address of a host, and --no-loopback is for groups";
            return Err(UsageError::new(ADDRESS, &args.addr, reason));
        }
        Ok(Self { to, from: from(args.bind.as_ref(), to)?, options, group_interface, wait })
    }

    /// The longest datagram. Both headers have 16 bits for lengths: that of UDP counts its own 8
    /// bytes (RFC 768), and that of IPv4 its own 20 too (RFC 791 §3.1).
    fn room(&self) -> usize {
        if self.to.is_ipv4() { 65_535 - 20 - 8 } else { 65_535 - 8 }
    }

    /// Whether answers come from the address that is sent to, and from no other.
    fn is_to_one(&self, args: &UdpSendArgs) -> bool {
        !self.to.ip().is_multicast() && !args.broadcast
    }
}

/// Puts an address that is of a link in the zone of this interface.
fn zone(addr: &mut SocketAddr, index: u32, text: &str) -> Result<(), UsageError> {
    let SocketAddr::V6(v6) = addr else { return Ok(()) };
    if v6.scope_id() == 0 && is_of_link(v6.ip()) {
        v6.set_scope_id(index);
    }
    if index != 0 && ![0, index].contains(&v6.scope_id()) {
        let reason = format!("the address is in the zone {}", interface_name(v6.scope_id()));
        return Err(UsageError::new("--interface", text, reason));
    }
    Ok(())
}

/// Sends by this interface alone.
#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
fn only_by(options: UdpOptions, index: u32, text: &str) -> Result<UdpOptions, UsageError> {
    // An interface that is not there is an error now, and not only of the socket.
    let interface = stagger_net::Interface::from(index);
    interface.name().map_err(|error| UsageError::new("--interface", text, error))?;
    options.with_interface(interface).map_err(|error| UsageError::new("--interface", text, error))
}

#[cfg(not(any(target_os = "android", target_os = "linux", target_vendor = "apple")))]
fn only_by(_: UdpOptions, _: u32, text: &str) -> Result<UdpOptions, UsageError> {
    let reason = "only for groups on this system, or as the zone of a link-local address";
    Err(UsageError::new("--interface", text, reason))
}

/// Where to send from: what was typed, or what the system chooses.
fn from(bind: Option<&String>, to: SocketAddr) -> Result<SocketAddr, UsageError> {
    const BIND: &str = "--bind";
    let Some(text) = bind else {
        return Ok(match to {
            SocketAddr::V4(_) => (IpAddr::from(Ipv4Addr::UNSPECIFIED), 0).into(),
            SocketAddr::V6(_) => (IpAddr::from(Ipv6Addr::UNSPECIFIED), 0).into(),
        });
    };
    let mut from = address(BIND, text, 0)?;
    if from.is_ipv4() != to.is_ipv4() {
        let (own, other) = (family(from.ip()), family(to.ip()));
        let reason = format!("an {own} address, and the datagram goes to one of {other}");
        return Err(UsageError::new(BIND, text, reason));
    }
    if let (SocketAddr::V6(from), SocketAddr::V6(to)) = (&mut from, to) {
        // Both ends are on the one link.
        if from.scope_id() == 0 && from.ip().is_unicast_link_local() {
            from.set_scope_id(to.scope_id());
        }
    }
    check_zone(BIND, text, from)?;
    Ok(from)
}

struct Deliver<'s, 'c> {
    way: Way,
    datagrams: Datagrams,
    args: &'s UdpSendArgs,
    shown: &'s Shown<'c>,
}

impl Job for Deliver<'_, '_> {
    type Output = Result<(), Failure>;

    fn run<R: Runtime>(self) -> Self::Output {
        let delivered = R::block_on(self.deliver::<R>());
        delivered.unwrap_or_else(|error| Err(Failure::new(no_runtime(&error))))
    }
}

/// What ended first.
enum Ended {
    Sending(Result<(), Failure>),
    Receiving(io::Result<()>),
}

impl Deliver<'_, '_> {
    async fn deliver<R: Runtime>(self) -> Result<(), Failure> {
        let Self { way, datagrams, args, shown } = self;
        let socket = way.open::<R>(args)?;
        let Some(wait) = way.wait else {
            way.send_all(&socket, datagrams, args, shown).await?;
            // What the machine knows by now, which without a way to the peer is all there will be.
            return match SockRef::from(&socket).take_error() {
                Ok(Some(error)) | Err(error) => Err(way.unsent(&error, args)),
                Ok(None) => Ok(()),
            };
        };
        let receive = Receive {
            buffer: args.shown.buffer,
            most: args.replies,
            echo: false,
            shown,
            came: Cell::new(0),
        };
        let unheard =
            |error| Failure::new(format!("cannot receive from {}: {error}", named(way.to)));
        let mut sending = pin!(way.send_all(&socket, datagrams, args, shown));
        let mut receiving = pin!(receive.all(&socket));
        let first = future::or(async { Ended::Sending((&mut sending).await) }, async {
            Ended::Receiving((&mut receiving).await)
        });
        match first.await {
            Ended::Sending(sent) => sent?,
            Ended::Receiving(received) => {
                received.map_err(unheard)?;
                // As many as were asked for are there, and the rest is sent all the same.
                if !shown.is_lost() {
                    return sending.await;
                }
            }
        }
        if shown.is_lost() {
            return Ok(());
        }
        let timer = R::timer();
        let late = async {
            timer.sleep(wait).await;
            way.late(receive.came.get(), args, wait)
        };
        future::or(late, async { receiving.await.map_err(unheard) }).await
    }
}

impl Way {
    /// A socket by which datagrams go that way.
    fn open<R: Runtime>(&self, args: &UdpSendArgs) -> Result<UdpSocket<R::Reactor>, Failure> {
        let socket = UdpSocket::<R::Reactor>::bind_with(self.from, &self.options)
            .map_err(|error| Failure::new(format!("cannot open a socket: {error}")))?;
        let set = |set: io::Result<()>| set.map_err(|error| self.unsent(&error, args));
        if self.group_interface != 0 {
            set(socket.set_multicast_interface(self.group_interface))?;
        }
        if let Some(hops) = args.hops.filter(|_| self.to.ip().is_multicast()) {
            set(socket.set_multicast_hops(hops))?;
        }
        if args.no_loopback {
            set(socket.set_multicast_loop(false))?;
        }
        if self.is_to_one(args) {
            set(socket.connect(self.to))?;
        }
        Ok(socket)
    }

    /// Sends each, unless what is sent can't be shown any more.
    async fn send_all<R>(
        &self,
        socket: &UdpSocket<R>,
        mut datagrams: Datagrams,
        args: &UdpSendArgs,
        shown: &Shown<'_>,
    ) -> Result<(), Failure>
    where
        R: stagger_net::Register<std::net::UdpSocket>,
    {
        while !shown.is_lost()
            && let Some(bytes) = datagrams.next().await?
        {
            let sent = match self.is_to_one(args) {
                true => socket.send(&bytes).await,
                false => socket.send_to(&bytes, self.to).await,
            };
            sent.map_err(|error| self.unsent(&error, args))?;
            shown.sent(&bytes, self.to, socket.local_addr().ok());
            // Answers are seen to meanwhile, and signals.
            future::yield_now().await;
        }
        Ok(())
    }

    fn unsent(&self, error: &io::Error, args: &UdpSendArgs) -> Failure {
        let hint = match self.to.is_ipv4() && !args.broadcast && is_refused_access(error) {
            true => "; a broadcast address needs --broadcast",
            false => "",
        };
        Failure::new(format!("cannot send to {}: {error}{hint}", named(self.to)))
    }

    /// What it means that this many answers have come when the time is up.
    fn late(&self, came: u64, args: &UdpSendArgs, wait: Duration) -> Result<(), Failure> {
        let (to, within) = (named(self.to), humantime::format_duration(wait));
        match args.replies {
            None if came > 0 => Ok(()),
            Some(replies) if came > 0 => {
                let text = format!("{came} of {replies} answers came from {to} within {within}");
                Err(Failure::new(text))
            }
            _ => Err(Failure::new(format!("no answer came from {to} within {within}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command, UdpCommand};

    fn parsed(words: &[&str]) -> UdpSendArgs {
        let args = Args::try_parse_from([&["stagger", "udp", "send"], words].concat()).unwrap();
        let Command::Udp(UdpCommand::Send(args)) = args.command else { panic!("{args:?}") };
        args
    }

    fn way(words: &[&str]) -> Result<Way, String> {
        Way::of(&parsed(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn too_few_answers_are_a_failure_that_says_how_many_came() {
        let late = |came, replies| {
            let args = UdpSendArgs { replies, ..parsed(&["127.0.0.1:9"]) };
            let late = Way::of(&args).unwrap().late(came, &args, WAIT);
            late.map_err(|failure| (failure.text, failure.exit))
        };
        assert_eq!(late(1, None), Ok(()));
        let none = "no answer came from 127.0.0.1:9 within 5s".to_owned();
        assert_eq!(late(0, None), Err((none.clone(), Exit::Failure)));
        assert_eq!(late(0, Some(3)), Err((none, Exit::Failure)));
        let few = "1 of 3 answers came from 127.0.0.1:9 within 5s".to_owned();
        assert_eq!(late(1, Some(3)), Err((few, Exit::Failure)));
    }

    #[test]
    #[cfg(unix)]
    fn broadcasting_is_thought_of_only_where_it_was_not_asked_for_and_is_what_is_refused() {
        use rustix::io::Errno;

        for (words, errno, hints) in [
            (&["192.0.2.255:9"][..], Errno::ACCESS, true),
            (&["192.0.2.255:9"], Errno::PERM, false),
            (&["192.0.2.255:9", "--broadcast"], Errno::ACCESS, false),
            (&["[2001:db8::1]:9"], Errno::ACCESS, false),
        ] {
            let args = parsed(words);
            let failure = Way::of(&args).unwrap().unsent(&errno.into(), &args);
            assert_eq!(failure.text.contains("--broadcast"), hints, "{failure:?}");
        }
    }

    #[test]
    fn answers_are_waited_for_if_they_are_asked_for() {
        for (words, wait) in [
            (&["127.0.0.1:9"][..], None),
            (&["127.0.0.1:9", "--replies", "2"], Some(WAIT)),
            (&["127.0.0.1:9", "--wait", "1s"], Some(Duration::from_secs(1))),
            (&["127.0.0.1:9", "--replies", "2", "--wait", "1s"], Some(Duration::from_secs(1))),
        ] {
            assert_eq!(way(words).unwrap().wait, wait, "{words:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_address_of_a_link_is_in_the_zone_of_the_interface_and_so_is_where_it_is_sent_from() {
        for (words, to, from, interface) in [
            (&["[fe80::1]:9", "--interface", "lo"][..], "[fe80::1%1]:9", "[::]:0", 0),
            (&["[fe80::1%lo]:9", "--bind", "fe80::2"], "[fe80::1%1]:9", "[fe80::2%1]:0", 0),
            (&["[ff02::1]:9", "--interface", "1"], "[ff02::1%1]:9", "[::]:0", 1),
            (&["[ff0e::1]:9", "--interface", "lo"], "[ff0e::1]:9", "[::]:0", 1),
            (&["239.1.2.3:9", "--interface", "lo"], "239.1.2.3:9", "0.0.0.0:0", 1),
            (&["192.0.2.1:9", "--interface", "lo"], "192.0.2.1:9", "0.0.0.0:0", 0),
        ] {
            let way = way(words).unwrap();
            let found = (way.to.to_string(), way.from.to_string(), way.group_interface);
            assert_eq!(found, (to.to_owned(), from.to_owned(), interface), "{words:?}");
        }
    }

    #[test]
    fn what_can_not_be_sent_to_is_refused_and_quoted() {
        for (words, error) in [
            (&["localhost:9"][..], "bad address \"localhost:9\": the host is a name, and"),
            (&[":5000"], "bad address \":5000\": a port without an address, as in \"127.0.0.1:5"),
            (&["127.0.0.1:0"], "bad address \"127.0.0.1:0\": nobody receives at port 0"),
            (&["[fe80::1]:9"], "bad address \"[fe80::1]:9\": a link-local address needs a zone"),
            (&["127.0.0.1:9", "--no-loopback"], "bad address \"127.0.0.1:9\": the address of a h"),
            (&["127.0.0.1:9", "--hops", "0"], "bad --hops \"0\": hop limit"),
            (&["127.0.0.1:9", "--bind", "::1"], "bad --bind \"::1\": an IPv6 address, and the"),
            (
                &["[::1]:9", "--bind", "fe80::1"],
                "bad --bind \"fe80::1\": a link-local address needs a zone",
            ),
            (&["127.0.0.1:9", "--wait", "0s"], "bad --wait \"0s\": not within 1ms to 1day"),
            (&["127.0.0.1:9", "--wait", "1"], "bad --wait \"1\": not a duration"),
        ] {
            let found = way(words).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }
}
