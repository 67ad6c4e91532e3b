//! How do I add schemes of my own to the texts that name endpoints?
//!
//! A scheme is a function from its hop to a layer. `echo` is a first hop, `banner` is a handshake
//! over any hops, and `retry` connects again. Each takes under 20 lines.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::io;

use stagger::Endpoint as _;
use stagger::boxed::BoxError;
use stagger::connect::endpoint_fn;
use stagger::listen::{Listen as _, Listener as _};
use stagger_endpoint::tokio::{BoxStream, ClientEndpoint, Schemes, schemes};
use stagger_endpoint::{AddrText, HopReader, ServerEndpoint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

type ClientHop<'a> = HopReader<'a, ClientEndpoint>;

/// `echo`: a peer within the process that sends everything back.
fn echo(_: &mut ClientHop<'_>) -> Result<ClientEndpoint, BoxError> {
    Ok(ClientEndpoint::new(endpoint_fn(|| async {
        let (near, far) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(far);
            tokio::io::copy(&mut read, &mut write).await
        });
        Ok::<_, io::Error>(BoxStream::new(near).with_peer("echo"))
    })))
}

/// `banner?text=TEXT`: the server must begin with this text. Over `tcp` this is inside the race, so
/// an address with another server loses.
fn banner(hop: &mut ClientHop<'_>) -> Result<ClientEndpoint, BoxError> {
    let text = hop.take_text("text")?.ok_or_else(|| hop.missing("text"))?;
    Ok(hop.below()?.and_then(move |mut stream, _target| {
        let expected = text.clone().into_bytes();
        async move {
            let mut banner = vec![0; expected.len()];
            stream.read_exact(&mut banner).await?;
            match banner == expected {
                true => Ok(stream),
                false => Err(io::Error::other("the server has another banner")),
            }
        }
    }))
}

/// `retry?times=N`: connects again after a failure.
fn retry(hop: &mut ClientHop<'_>) -> Result<ClientEndpoint, BoxError> {
    let times = hop.take_number("times", 1..=100)?.unwrap_or(3);
    let below = hop.below()?;
    Ok(ClientEndpoint::new(endpoint_fn(move || {
        let below = below.clone();
        async move {
            for _ in 1..times {
                if let Ok(stream) = below.connect().await {
                    return Ok(stream);
                }
            }
            below.connect().await
        }
    })))
}

fn extended() -> Schemes {
    // For servers: each client first gets a text.
    let greet = |hop: &mut HopReader<'_, ServerEndpoint<BoxStream>>| {
        let text = hop.text()?;
        let step = move |mut stream: BoxStream, _: &AddrText| {
            let text = text.clone();
            async move { stream.write_all(text.as_bytes()).await.map(|()| stream) }
        };
        let listen = hop.below()?.with_handshake(stagger_tokio::Timer, step);
        Ok(ServerEndpoint::new(listen, |stream, peer: AddrText| (stream, peer)))
    };
    let schemes = schemes().with_client("echo", echo).with_client("banner", banner);
    schemes.with_client("retry", retry).with_server("greet", greet)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let schemes = extended();
    let mut listener = schemes.server("tcp:127.0.0.1:0 | greet:220%20ready")?.listen().await?;
    let addr = listener.local_addrs().remove(0);
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });

    for text in [
        "echo | banner?text=hello".to_owned(),
        format!("tcp:{addr} | banner?text=220 | retry?times=2"),
        format!("tcp:{addr} | baner?text=220"),
        format!("tcp:{addr} | banner"),
    ] {
        match schemes.client(&text) {
            Ok(endpoint) if text.starts_with("tcp") => {
                let stream = endpoint.connect().await?;
                println!("{endpoint}: connected to {}", stream.peer().unwrap_or("a peer"));
            }
            Ok(endpoint) => println!("{endpoint}: an endpoint"),
            Err(error) => println!("{error}\n{}", error.pointed()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_first_hop_and_a_handshake_work_as_the_schemes_of_the_crate_do() {
        let mut stream = extended().client("echo").unwrap().connect().await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hello");
        let error = extended().client("echo:x").unwrap_err();
        assert_eq!(error.reason(), "nothing may follow echo here except options after '?'");
    }

    #[tokio::test]
    async fn another_banner_is_an_error_after_as_many_tries_as_the_text_says() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            for _ in 0..3 {
                listener.accept().await.unwrap().0.write_all(b"110 busy").await.unwrap();
            }
        });
        let text = format!("tcp:{addr} | banner?text=220 | retry?times=3");
        let error = extended().client(&text).unwrap().connect().await.unwrap_err();
        assert!(error.to_string().ends_with("the server has another banner"), "{error}");
        served.await.unwrap();
    }

    #[test]
    fn each_scheme_takes_under_20_lines() {
        let source = include_str!("own_schemes.rs");
        for scheme in ["echo", "banner", "retry"] {
            let start = source.find(&format!("\nfn {scheme}(")).expect("it is there") + 1;
            let length = source[start..].find("\n}\n").expect("it ends") + 2;
            let lines = source[start..start + length].lines().count();
            assert!(lines < 20, "{scheme} takes {lines} lines");
        }
    }
}
