//! `stagger udp send`: sends datagrams to a host or a group.

mod setup;

use std::cell::Cell;
use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_lite::future;
use socket2::SockRef;
use stagger::Timer as _;
use stagger_net::UdpSocket;

use self::setup::SendSetup;
use super::addr::named;
use super::input::Datagrams;
use super::receive::Receive;
use super::shown::Shown;
use super::socket::is_refused_access;
use crate::args::UdpSendArgs;
use crate::console::{Console, Exit};
use crate::duration::spelled;
use crate::failure::{Failure, without_step};
use crate::runtime::{Job, Runtime};
use stagger::text::with_causes;

/// Sends every datagram, and waits for answers if asked.
pub(super) fn run(args: &UdpSendArgs, console: &mut Console) -> Exit {
    let shown = &Shown::new(console, &args.output);
    let prepared = SendSetup::of(args).and_then(|setup| {
        let datagrams = Datagrams::of(args, setup.room())?;
        Ok(Deliver { setup, datagrams, args, shown })
    });
    let ended = match prepared {
        Ok(deliver) => args.output.runtime.run(deliver),
        Err(error) => Err(error.into()),
    };
    shown.end(ended)
}

struct Deliver<'s, 'c> {
    setup: SendSetup,
    datagrams: Datagrams,
    args: &'s UdpSendArgs,
    shown: &'s Shown<'c>,
}

impl Job for Deliver<'_, '_> {
    type Output = Result<(), Failure>;

    fn run<R: Runtime>(self) -> Self::Output {
        let delivered = R::block_on(self.deliver::<R>());
        delivered.unwrap_or_else(|error| Err(Failure::no_runtime(&error)))
    }
}

/// The part that ended first.
enum Ended {
    Sending(Result<(), Failure>),
    Receiving(io::Result<()>),
}

impl Deliver<'_, '_> {
    async fn deliver<R: Runtime>(self) -> Result<(), Failure> {
        let Self { setup, datagrams, args, shown } = self;
        let socket = setup.open::<R>(args)?;
        let Some(wait) = setup.wait else {
            setup.send_all(&socket, datagrams, args, shown).await?;
            // An error that the system knows by now, such as a missing route.
            return match SockRef::from(&socket).take_error() {
                Ok(Some(error)) | Err(error) => Err(setup.unsent(&error, args)),
                Ok(None) => Ok(()),
            };
        };
        let receive = Receive {
            buffer: args.output.buffer,
            most: args.replies,
            echo: false,
            shown,
            came: Cell::new(0),
        };
        let unheard = |error| {
            Failure::new(format!(
                "cannot receive from {}: {}",
                named(setup.to),
                with_causes(&error)
            ))
        };
        let mut sending = pin!(setup.send_all(&socket, datagrams, args, shown));
        let mut receiving = pin!(receive.all(&socket));
        let first = future::or(async { Ended::Sending((&mut sending).await) }, async {
            Ended::Receiving((&mut receiving).await)
        });
        match first.await {
            Ended::Sending(sent) => sent?,
            Ended::Receiving(received) => {
                received.map_err(unheard)?;
                // Enough answers have come. The rest is still sent.
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
            setup.late(receive.came.get(), args, wait)
        };
        future::or(late, async { receiving.await.map_err(unheard) }).await
    }
}

impl SendSetup {
    /// Opens the socket.
    fn open<R: Runtime>(&self, args: &UdpSendArgs) -> Result<UdpSocket<R::Reactor>, Failure> {
        let socket = UdpSocket::<R::Reactor>::bind_with(self.from, &self.options)
            .map_err(|error| self.unbound(&error))?;
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

    fn unbound(&self, error: &io::Error) -> Failure {
        let reason = without_step(error, "bind to ");
        Failure::new(format!("cannot send from {}: {reason}", named(self.from)))
    }

    /// Sends every datagram, until the output is lost.
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
            // Answers and signals have their turn.
            future::yield_now().await;
        }
        Ok(())
    }

    fn unsent(&self, error: &io::Error, args: &UdpSendArgs) -> Failure {
        let hint = match self.to.is_ipv4() && !args.broadcast && is_refused_access(error) {
            true => "; a broadcast address needs --broadcast",
            false => "",
        };
        Failure::new(format!("cannot send to {}: {}{hint}", named(self.to), with_causes(error)))
    }

    /// The result if only this many answers have come when the time is up.
    fn late(&self, came: u64, args: &UdpSendArgs, wait: Duration) -> Result<(), Failure> {
        let (to, within) = (named(self.to), spelled(wait));
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

    use super::setup::WAIT;
    use super::*;
    use crate::args::{Args, Command, UdpCommand};

    fn parsed(words: &[&str]) -> UdpSendArgs {
        let args = Args::try_parse_from([&["stagger", "udp", "send"], words].concat()).unwrap();
        let Command::Udp(UdpCommand::Send(args)) = args.command else { panic!("{args:?}") };
        args
    }

    #[test]
    fn too_few_answers_are_a_failure_that_says_how_many_came() {
        let late = |came, replies| {
            let args = UdpSendArgs { replies, ..parsed(&["127.0.0.1:9"]) };
            let late = SendSetup::of(&args).unwrap().late(came, &args, WAIT);
            late.map_err(|failure| (failure.message, failure.exit))
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
            let failure = SendSetup::of(&args).unwrap().unsent(&errno.into(), &args);
            assert_eq!(failure.message.contains("--broadcast"), hints, "{failure:?}");
        }
    }
}
