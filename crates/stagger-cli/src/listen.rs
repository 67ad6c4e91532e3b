//! `stagger listen`: accepts connections and echoes them, or makes a pipe of the first.

mod door;
mod echo;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use async_executor::LocalExecutor;
use futures_lite::FutureExt as _;
use stagger::listen::{Listen as _, Listener as _};
use stagger_net::{ListenAddr, TcpListen, TcpListener};

pub(crate) use self::door::{Door, NotAccepted};
use self::door::{Doors, EndpointDoor, ListenerOf};
use self::echo::echo;
use crate::address::{check_zone, port_alone, resolved, with_port};
use crate::args::ListenArgs;
use crate::console::{Console, Exit};
use crate::endpoint;
use crate::failure::{Failure, without_step};
use crate::pipe::{PipeError, carried, finish};
use crate::runtime::{Job, Runtime};
use crate::stream::Stream as _;
use crate::tls::Server;
use crate::usage::UsageError;
use stagger::text::with_causes;

const ADDRESS: &str = "address";

/// Listens until a signal ends the process or the output is lost. A pipe ends with its connection.
pub(crate) fn run(args: &ListenArgs, console: &mut Console) -> Exit {
    let place = match Place::of(args) {
        Ok(place) => place,
        Err(Failure { message, exit }) => {
            console.error(&message);
            return exit;
        }
    };
    let lent = console.lend();
    let console_of_job = Rc::clone(&lent);
    if args.pipe {
        let taken = args.runtime.run(Take { place, console: console_of_job });
        console.take_back(lent);
        return finish(taken, console);
    }
    let served = args.runtime.run(Serve { place, console: console_of_job });
    console.take_back(lent);
    match served {
        Ok(()) => Exit::Success,
        Err(Failure { message, exit }) => {
            console.error(&message);
            exit
        }
    }
}

/// Where to listen.
#[derive(Debug)]
enum Place {
    /// At these addresses, with TLS or without.
    Addrs(Vec<ListenAddr>, Option<Server>),
    /// At the endpoint of this text.
    Endpoint(String),
}

impl Place {
    fn of(args: &ListenArgs) -> Result<Self, Failure> {
        match &args.endpoint {
            Some(text) => Ok(Self::Endpoint(text.clone())),
            None => Ok(Self::Addrs(addrs(args)?, Server::of(&args.tls)?)),
        }
    }

    /// Listens. Returns all listeners as one, and lines with their addresses.
    async fn open<R: Runtime>(self) -> Result<(Door, Vec<String>), Failure> {
        match self {
            Self::Addrs(addrs, tls) => {
                let listeners = open::<R>(addrs).await?;
                let lines = listeners.iter().flat_map(lines).collect();
                let door = Door::new(Doors::<R>(listeners));
                let door = match tls {
                    Some(tls) => tls.over::<R>(door),
                    None => door,
                };
                Ok((door, lines))
            }
            Self::Endpoint(text) => {
                let door = EndpointDoor::<R>(endpoint::listen::<R>(&text).await?);
                let addrs = door.local_addrs().into_iter();
                let lines = addrs.map(|addr| format!("listening on {addr}")).collect();
                Ok((Door::new(door), lines))
            }
        }
    }
}

/// The addresses to listen on.
fn addrs(args: &ListenArgs) -> Result<Vec<ListenAddr>, UsageError> {
    let read = |text: &String| {
        let port = match port_alone(ADDRESS, text)? {
            Some(port) => port,
            None if args.all_interfaces => {
                let reason = "--all-interfaces takes only a port, as in :8080";
                return Err(UsageError::new(ADDRESS, text, reason));
            }
            None => {
                let literal = with_port(ADDRESS, text)?;
                check_zone(ADDRESS, text, resolved(ADDRESS, text, &literal)?)?;
                return Ok(literal.into());
            }
        };
        Ok(if args.all_interfaces {
            ListenAddr::all_interfaces(port)
        } else {
            ListenAddr::from(port)
        })
    };
    match &args.addrs[..] {
        [] if args.all_interfaces => Ok(vec![ListenAddr::all_interfaces(0)]),
        [] => Ok(vec![ListenAddr::default()]),
        texts => texts.iter().map(read).collect(),
    }
}

/// Serves every peer, until the output is lost. The console then says so.
struct Serve {
    place: Place,
    console: Rc<RefCell<Console>>,
}

impl Job for Serve {
    type Output = Result<(), Failure>;

    fn run<R: Runtime>(self) -> Self::Output {
        let Self { place, console } = self;
        let executor = LocalExecutor::new();
        let tell = |text: String| console.borrow_mut().print(&format!("{text}\n"));
        let serve = async {
            let (mut door, lines) = place.open::<R>().await?;
            lines.into_iter().for_each(tell);
            let serving = Rc::default();
            loop {
                let accepted = async { Some(door.accept().await) };
                let Some(accepted) = lost(&console, &serving).or(accepted).await else {
                    return Ok(());
                };
                match accepted {
                    Ok((mut stream, peer)) => {
                        let over = stream.session().map(|tls| format!(" over {}", tls.protocol()));
                        tell(format!("{peer} connected{}", over.unwrap_or_default()));
                        let (console, serving) = (Rc::clone(&console), Rc::clone(&serving));
                        let task = executor.spawn(async move {
                            let gone = match echo(&mut stream).await {
                                Ok(bytes) => format!("{peer} closed: {bytes} bytes echoed\n"),
                                Err(error) => format!("{peer} failed: {error}\n"),
                            };
                            console.borrow_mut().print(&gone);
                            serving.take().iter().for_each(Waker::wake_by_ref);
                        });
                        task.detach();
                    }
                    // The listener goes on. It has paused if a pause helps.
                    Err(NotAccepted::Accept(reason)) => console.borrow_mut().error(&reason),
                    Err(error @ NotAccepted::Handshake(..)) => tell(error.to_string()),
                }
            }
        };
        R::block_on(executor.run(serve)).unwrap_or_else(|error| Err(Failure::no_runtime(&error)))
    }
}

/// Returns nothing when the output is lost. Each writer wakes it.
async fn lost<T>(console: &RefCell<Console>, serving: &Cell<Option<Waker>>) -> Option<T> {
    poll_fn(|cx| {
        if console.borrow().has_failed() {
            return Poll::Ready(None);
        }
        serving.set(Some(cx.waker().clone()));
        Poll::Pending
    })
    .await
}

/// Takes the first connection as a pipe. With TLS it is the first whose handshake succeeds.
struct Take {
    place: Place,
    console: Rc<RefCell<Console>>,
}

impl Job for Take {
    type Output = Result<(), PipeError>;

    fn run<R: Runtime>(self) -> Self::Output {
        let taken = async {
            let (mut door, _) = self.place.open::<R>().await?;
            let stream = loop {
                match door.accept().await {
                    Ok((stream, _)) => break stream,
                    Err(NotAccepted::Accept(reason)) => return Err(Failure::new(reason).into()),
                    Err(error @ NotAccepted::Handshake(..)) => {
                        self.console.borrow_mut().warn(&error.to_string());
                    }
                }
            };
            // No other peer is accepted.
            drop(door);
            carried(stream).await
        };
        R::block_on(taken).unwrap_or_else(|error| Err(Failure::no_runtime(&error).into()))
    }
}

/// Listens at every address, or at none.
async fn open<R: Runtime>(addrs: Vec<ListenAddr>) -> Result<Vec<ListenerOf<R>>, Failure> {
    let mut listeners = Vec::new();
    for addr in addrs {
        let text = addr.to_string();
        let listen = TcpListen::new_on(addr, R::Reactor::default(), R::timer());
        let listener = listen.listen().await;
        listeners.push(listener.map_err(|error| {
            Failure::new(format!("cannot listen on {text}: {}", without_step(&error, "listen on ")))
        })?);
    }
    Ok(listeners)
}

/// The addresses of a listener, a line each.
fn lines<R, T>(listener: &TcpListener<R, T>) -> Vec<String>
where
    R: stagger_net::Accept,
    T: stagger::Timer,
{
    let addrs = listener.local_addrs();
    let mut lines: Vec<_> = addrs.iter().map(|addr| format!("listening on {addr}")).collect();
    if let Some((family, error)) = listener.missing() {
        lines.push(format!("not listening on {family}: {}", with_causes(error)));
    }
    // These lines are a help, so an error is ignored.
    for addr in listener.interface_addrs().unwrap_or_default() {
        if !addrs.contains(&addr) {
            lines.push(format!("  reachable at {addr}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::TcpStream;
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    use clap::ValueEnum as _;

    use super::*;
    use crate::args::RuntimeName;
    use crate::tls::ListenTls;

    fn read(texts: &[&str], all_interfaces: bool) -> Result<Vec<String>, String> {
        let addrs = texts.iter().map(ToString::to_string).collect();
        let args = ListenArgs {
            addrs,
            endpoint: None,
            all_interfaces,
            pipe: false,
            runtime: RuntimeName::default(),
            tls: ListenTls::default(),
        };
        let addrs = super::addrs(&args).map_err(|error| error.to_string())?;
        Ok(addrs.iter().map(ToString::to_string).collect())
    }

    /// Takes so many lines, sends each on, and has no room for more.
    struct Room(usize, Sender<String>);

    impl io::Write for Room {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            self.1.send(String::from_utf8(line.to_vec()).unwrap()).unwrap();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_listen_ends_when_what_became_of_a_peer_can_not_be_shown() {
        for runtime in ["tokio", "smol", "async-std"] {
            let (sender, lines) = channel();
            // Where it listens, and that two peers are here.
            let console = Console::new(Box::new(Room(3, sender)), Box::new(io::sink()));
            let console = Rc::new(RefCell::new(console));
            let peers = thread::spawn(move || {
                let line = lines.recv().unwrap();
                let addr = line.strip_prefix("listening on ").unwrap().trim_end();
                let connect = || {
                    let peer = TcpStream::connect(addr).unwrap();
                    assert!(lines.recv().unwrap().ends_with(" connected\n"));
                    peer
                };
                let (stays, leaves) = (connect(), connect());
                drop(leaves);
                // Nothing else happens, and the other is not waited for.
                stays
            });
            let addrs = vec!["127.0.0.1:0".parse().unwrap()];
            let runtime = RuntimeName::from_str(runtime, false).unwrap();
            let served = runtime
                .run(Serve { place: Place::Addrs(addrs, None), console: Rc::clone(&console) });
            assert_eq!(served, Ok(()));
            drop(peers.join().unwrap());
            // Nobody writes any more.
            let console = Rc::into_inner(console).unwrap().into_inner();
            assert_eq!(console.end(Exit::Success), Exit::Failure);
        }
    }

    #[test]
    fn an_address_is_a_literal_with_a_port_or_a_port_alone() {
        let addrs = read(&["127.0.0.1:80", "[fe80::1%lo]:81", ":82", "83"], false).unwrap();
        assert_eq!(addrs, ["127.0.0.1:80", "[fe80::1%lo]:81", "0.0.0.0:82", "0.0.0.0:83"]);
        assert_eq!(read(&[], false).unwrap(), ["0.0.0.0:0"]);
        assert_eq!(read(&[":80"], true).unwrap(), ["all interfaces at port 80"]);
        assert_eq!(read(&[], true).unwrap(), ["all interfaces at port 0"]);
    }

    #[test]
    fn what_is_no_address_is_refused_and_quoted() {
        let error = read(&["localhost:80"], false).unwrap_err();
        assert!(error.starts_with("bad address \"localhost:80\": "), "{error}");
        for text in ["+5", ":+5", ":"] {
            let error = read(&[text], false).unwrap_err();
            assert!(error.starts_with(&format!("bad address {text:?}: ")), "{error}");
        }
        let error = read(&["127.0.0.1:80"], true).unwrap_err();
        assert!(error.contains("takes only a port"), "{error}");
    }
}
