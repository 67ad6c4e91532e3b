//! `stagger udp listen`: receives datagrams from hosts and groups.

mod setup;

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;

use futures_lite::future;
use stagger::Timer as _;
use stagger_net::UdpSocket;

use self::setup::ListenSetup;
use super::addr::named;
use super::receive::Receive;
use super::shown::Shown;
use super::socket::options;
use crate::args::UdpListenArgs;
use crate::console::{Console, Exit};
use crate::duration::spelled;
use crate::failure::{Failure, without_step};
use crate::runtime::{Job, Runtime};
use stagger::text::with_causes;

/// Receives until a signal comes, or enough datagrams have come, or the time is up.
pub(super) fn run(args: &UdpListenArgs, console: &mut Console) -> Exit {
    let shown = &Shown::new(console, &args.output);
    let ended = match ListenSetup::of(args) {
        Ok(setup) => args.output.runtime.run(Serve { setup, args, shown }),
        Err(error) => Err(error.into()),
    };
    shown.end(ended)
}

struct Serve<'s, 'c> {
    setup: ListenSetup,
    args: &'s UdpListenArgs,
    shown: &'s Shown<'c>,
}

impl Job for Serve<'_, '_> {
    type Output = Result<(), Failure>;

    fn run<R: Runtime>(self) -> Self::Output {
        let served = R::block_on(self.serve::<R>());
        served.unwrap_or_else(|error| Err(Failure::no_runtime(&error)))
    }
}

impl Serve<'_, '_> {
    async fn serve<R: Runtime>(&self) -> Result<(), Failure> {
        let Self { setup, args, shown } = self;
        let failed = |what: &str, error: &io::Error| {
            Failure::new(format!("cannot {what} on {}: {}", named(setup.addr), with_causes(error)))
        };
        let options = options().with_reuse_address(args.reuse);
        let socket = match setup.both {
            true => UdpSocket::bind_all_interfaces_with(setup.addr.port(), &options),
            false => UdpSocket::<R::Reactor>::bind_with(setup.addr, &options),
        };
        let socket = socket.map_err(|error| unbound(setup.addr, &error))?;
        for group in &setup.groups {
            group.join(&socket).map_err(Failure::new)?;
        }
        // Only now: a reader of this line may send at once.
        let local = socket.local_addr().map_err(|error| failed("listen", &error))?;
        shown.listening(local, setup.both, socket.missing());
        setup.groups.iter().for_each(|group| shown.joined(group));

        let receive = Receive {
            buffer: args.output.buffer,
            most: args.count,
            echo: args.echo,
            shown,
            came: Cell::new(0),
        };
        let received = async { receive.all(&socket).await.map_err(|e| failed("receive", &e)) };
        let Some(timeout) = setup.timeout else { return received.await };
        let timer = R::timer();
        let late = async {
            timer.sleep(timeout).await;
            let Some(count) = args.count else { return Ok(()) };
            let (came, within) = (receive.came.get(), spelled(timeout));
            Err(Failure::new(format!("{came} of {count} datagrams arrived within {within}")))
        };
        future::or(late, received).await
    }
}

fn unbound(addr: SocketAddr, error: &io::Error) -> Failure {
    let reason = without_step(error, "bind to ");
    Failure::new(format!("cannot listen on {}: {reason}", named(addr)))
}
