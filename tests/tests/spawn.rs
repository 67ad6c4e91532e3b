//! A dialer with boxed errors works in a spawned task of any `Send` executor.
//!
//! Each program here makes its connect inside the task, or awaits it there. Both ask the compiler
//! whether the connect is `Send`, also where its errors are boxed.

use std::future::Future;
use std::net::SocketAddr;

use stagger::boxed::{BoxConnector, BoxEndpoint, BoxError, BoxResolver};
use stagger::connect::connector_fn;
use stagger::error::{ErrorKind, SharedError};
use stagger::resolve::{Fallback, Fastest};
use stagger::{Candidate, Connector, Endpoint as _, Error};

/// Spawns the future as a task of tokio's executor with several threads.
fn on_tokio<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(task).await.unwrap() })
}

/// Spawns the future as a task of smol's executor.
fn on_smol<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    smol::block_on(smol::spawn(task))
}

/// A port of loopback that refuses. No test listens on port 1, and the system gives it to none.
fn refusing() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

fn is_refused(error: Error) {
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::ConnectionRefused);
}

macro_rules! programs {
    ($runtime:ident, $spawn:ident, $adapter:ident) => {
        mod $runtime {
            use super::*;

            type Boxed = BoxResolver<SocketAddr, SharedError>;

            /// A connector whose errors are boxed.
            macro_rules! connector {
                () => {
                    connector_fn(|address: SocketAddr| async move {
                        let connector = $adapter::TcpConnector::default();
                        Ok::<_, BoxError>(connector.connect(address.into()).await?)
                    })
                };
            }

            fn system() -> Boxed {
                Boxed::erased($adapter::SystemResolver::new())
            }

            #[test]
            fn a_connector_with_boxed_errors_connects_in_a_task() {
                let (dialer, addr) = ($adapter::dialer().with_connector(connector!()), refusing());
                is_refused(
                    $spawn(async move { dialer.connect(addr).await.map(drop) }).unwrap_err(),
                );
            }

            #[test]
            fn a_connect_made_outside_is_awaited_in_a_task() {
                let dialer = $adapter::dialer().with_connector(connector!());
                let dial = dialer.connect(refusing());
                is_refused($spawn(async move { dial.await.map(drop) }).unwrap_err());
            }

            #[test]
            fn a_boxed_connector_with_boxed_errors_connects_in_a_task() {
                let connector = BoxConnector::new(connector!());
                let (dialer, addr) = ($adapter::dialer().with_connector(connector), refusing());
                is_refused(
                    $spawn(async move { dialer.connect(addr).await.map(drop) }).unwrap_err(),
                );
            }

            #[test]
            fn an_erased_connector_connects_in_a_task() {
                let connector = BoxConnector::erased(connector!());
                let (dialer, addr) = ($adapter::dialer().with_connector(connector), refusing());
                is_refused(
                    $spawn(async move { dialer.connect(addr).await.map(drop) }).unwrap_err(),
                );
            }

            #[test]
            fn a_connector_with_a_second_step_connects_in_a_task() {
                let dialer = $adapter::dialer().map_connector(|tcp| {
                    tcp.map_err(SharedError::new).and_then(
                        |stream, to: Candidate<SocketAddr>| async move {
                            Ok((stream, to.into_address()))
                        },
                    )
                });
                let addr = refusing();
                is_refused(
                    $spawn(async move { dialer.connect(addr).await.map(drop) }).unwrap_err(),
                );
            }

            #[test]
            fn a_connector_with_mapped_errors_connects_in_a_task() {
                let dialer = $adapter::dialer().map_connector(|tcp| tcp.map_err(BoxError::from));
                let addr = refusing();
                is_refused(
                    $spawn(async move { dialer.connect(addr).await.map(drop) }).unwrap_err(),
                );
            }

            #[test]
            fn an_erased_endpoint_connects_in_a_task() {
                let dialer = $adapter::dialer().with_resolver(system());
                let endpoint = BoxEndpoint::erased(dialer.endpoint(refusing()).unwrap());
                let error = $spawn(async move { endpoint.connect().await.map(drop) }).unwrap_err();
                is_refused(error.downcast_ref::<Error>().unwrap().clone());
            }

            #[test]
            fn a_boxed_dialer_connects_in_a_task() {
                let dialer = $adapter::dialer()
                    .with_resolver(system())
                    .with_connector(BoxConnector::erased(connector!()))
                    .boxed();
                let addr = refusing();
                let connect =
                    async move { dialer.connect(("localhost", addr.port())).await.map(drop) };
                is_refused($spawn(connect).unwrap_err());
            }

            #[test]
            fn an_erased_resolver_is_asked_in_a_task() {
                let (dialer, addr) = ($adapter::dialer().with_resolver(system()), refusing());
                let connect =
                    async move { dialer.connect(("localhost", addr.port())).await.map(drop) };
                is_refused($spawn(connect).unwrap_err());
            }

            #[test]
            fn erased_resolvers_one_after_another_are_asked_in_a_task() {
                let resolver =
                    Fallback::new([Boxed::erased($adapter::DnsResolver::system()), system()]);
                let (dialer, addr) = ($adapter::dialer().with_resolver(resolver), refusing());
                let connect =
                    async move { dialer.connect(("localhost", addr.port())).await.map(drop) };
                is_refused($spawn(connect).unwrap_err());
            }

            #[test]
            fn erased_resolvers_at_once_are_asked_in_a_task() {
                let (dialer, addr) = (
                    $adapter::dialer().with_resolver(Fastest::new([system(), system()])),
                    refusing(),
                );
                let connect =
                    async move { dialer.connect(("localhost", addr.port())).await.map(drop) };
                is_refused($spawn(connect).unwrap_err());
            }

            #[test]
            fn a_lookup_and_a_report_are_awaited_in_a_task() {
                let dialer = $adapter::dialer()
                    .with_resolver(system())
                    .with_connector(BoxConnector::new(connector!()));
                let addr = refusing();
                let (found, error) = $spawn(async move {
                    let target = ("localhost", addr.port());
                    let found = dialer.resolve(target).await.map(|(addrs, _)| addrs.len());
                    (found, dialer.connect(addr).with_report().await.map(drop).unwrap_err())
                });
                assert!(found.unwrap() > 0);
                is_refused(error);
            }
        }
    };
}

programs!(tokio_tasks, on_tokio, stagger_tokio);
programs!(smol_tasks, on_smol, stagger_smol);
