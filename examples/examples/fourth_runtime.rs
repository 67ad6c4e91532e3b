//! How do I bring a runtime of my own? `docs/adding-a-runtime.md` explains this one: a toy with one
//! thread and one task. Every event wakes every waker.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::future::poll_fn;
use std::io::{self, Read as _, Write as _};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::{cell::RefCell, net::TcpStream, os::unix::net::UnixStream, sync::Arc, time::Instant};

use net::{Register, reactor::Interest};
use rustix::event::{PollFd, PollFlags, poll};
use stagger::Timer;

/// The reactor and the timer. The lists belong to the thread, so the type itself is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Toy;

type List<T> = RefCell<Vec<(T, Waker)>>;
thread_local! {
    static ALARMS: List<Instant> = RefCell::default();
    // Weak pointers, so that dropping an attempt closes its socket.
    static SOCKETS: List<(Weak<TcpStream>, PollFlags)> = RefCell::default();
}

stagger_net::adapter! {
    name: fourth_runtime, reactor: Toy, timer: Toy,
    runtime: "The `block_on` of this program.",
    example: ("fourth_runtime::block_on(async {", "})?"),
    parts: tcp(TcpStream),
}

impl Timer for Toy {
    type Sleep = std::pin::Pin<Box<dyn Future<Output = ()>>>;
    fn now(&self) -> Instant {
        Instant::now()
    }
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        Box::pin(poll_fn(move |cx| {
            ALARMS.with_borrow_mut(|alarms| alarms.push((deadline, cx.waker().clone())));
            if deadline <= Instant::now() { Poll::Ready(()) } else { Poll::Pending }
        }))
    }
}

impl Register for Toy {
    type Socket = Rc<TcpStream>;
    type Stream = TcpStream;
    fn register(&self, socket: TcpStream) -> io::Result<Rc<TcpStream>> {
        Ok(Rc::new(socket))
    }
    fn poll_io<T>(
        &self,
        socket: &Rc<TcpStream>,
        interest: Interest,
        cx: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let flags = if interest == Interest::Readable { PollFlags::IN } else { PollFlags::OUT };
        let entry = ((Rc::downgrade(socket), flags), cx.waker().clone());
        SOCKETS.with_borrow_mut(|sockets| sockets.push(entry));
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            outcome => Poll::Ready(outcome),
        }
    }
    fn finish(&self, socket: Rc<TcpStream>) -> io::Result<TcpStream> {
        Ok(Rc::into_inner(socket).expect("the loop's pointers are weak"))
    }
}

/// Ends the wait of the loop from any thread. The threads of lookups use it.
struct Nudge(UnixStream);
impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        let _ = (&self.0).write(&[0]);
    }
}

fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let (nudge, mut nudged) = UnixStream::pair()?;
    nudge.set_nonblocking(true).and_then(|()| nudged.set_nonblocking(true))?;
    let (waker, mut future) = (Waker::from(Arc::new(Nudge(nudge))), std::pin::pin!(future));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(output);
        }
        let (alarms, sockets) = (ALARMS.take(), SOCKETS.take());
        let left = alarms.iter().map(|(at, _)| at.saturating_duration_since(Instant::now())).min();
        let open: Vec<_> = sockets.iter().map(|((at, flags), _)| (at.upgrade(), *flags)).collect();
        let open = open.iter().filter_map(|(at, flags)| Some(PollFd::new(at.as_ref()?, *flags)));
        let mut watched: Vec<_> = open.chain([PollFd::new(&nudged, PollFlags::IN)]).collect();
        let left = left.and_then(|left| left.try_into().ok());
        rustix::io::retry_on_intr(|| poll(&mut watched, left.as_ref()))?;
        let wakers = alarms.into_iter().map(|it| it.1).chain(sockets.into_iter().map(|it| it.1));
        wakers.for_each(Waker::wake);
        while nudged.read(&mut [0; 64]).is_ok() {}
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (silent, greeter) = (stagger_examples::Silent::new()?, stagger_examples::greeter()?);
    let stream = block_on(connect(("localhost", greeter.port())))??;
    println!("localhost is at {}", stream.peer_addr()?);

    let resolver = stagger_examples::listed([silent.addr(), greeter]);
    let stream = block_on(dialer().with_resolver(resolver).connect("greeter.test:hello"))??;
    println!("past {}, which is silent, to {}", silent.addr(), stream.peer_addr()?);
    Ok(())
}
