//! How do I make hyper's client connect through Stagger?
//!
//! `cargo run -p stagger-examples --example hyper_client [HTTP-URL]`
//!
//! hyper-util's client takes any tower `Service` from a URI to a stream. `TokioIo` makes such a
//! stream of tokio's own. With the feature `http` a URI is a target.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use http_body_util::BodyExt as _;
use hyper::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpInfo;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A dialer that is hyper's connector.
#[derive(Clone)]
struct HttpDialer(stagger_tokio::Dialer);

impl Service<Uri> for HttpDialer {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if uri.scheme_str() != Some("http") {
            return Box::pin(async {
                Err("not an http URI: TLS would be a service around this".into())
            });
        }
        // With the feature `http` a URI is a target.
        let dial = self.0.connect(uri);
        Box::pin(async { Ok(TokioIo::new(dial.await?)) })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let uri: Uri = std::env::args().nth(1).map_or_else(server, Ok)?.parse()?;
    let dialer = HttpDialer(stagger_tokio::dialer());
    let client = Client::builder(TokioExecutor::new()).build::<_, String>(dialer);

    // The second request uses the connection of the first.
    for _ in 0..2 {
        let response = client.get(uri.clone()).await?;
        if let Some(info) = response.extensions().get::<HttpInfo>() {
            println!("{} from {} to {}", response.status(), info.local_addr(), info.remote_addr());
        }
        let body = response.into_body().collect().await?.to_bytes();
        println!("{}", String::from_utf8_lossy(&body).trim_end());
    }
    Ok(())
}

/// Starts a little HTTP server on loopback and returns its URL. It listens only at the IPv4 address
/// of `localhost`.
fn server() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for (number, stream) in (1..).zip(listener.incoming().flatten()) {
            // A client that leaves early does not concern the next.
            let _ = serve(&mut BufReader::new(stream), number);
        }
    });
    Ok(format!("http://localhost:{port}/"))
}

/// Answers every request of a connection. A blank line ends a request, because none has a body.
fn serve(stream: &mut BufReader<std::net::TcpStream>, number: u32) -> io::Result<()> {
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            let body = format!("hello over connection {number}\n");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.get_mut().write_all((head + &body).as_bytes())?;
        }
        line.clear();
    }
    Ok(())
}
