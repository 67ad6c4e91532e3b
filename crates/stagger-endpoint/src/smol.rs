//! Endpoints on smol, or on any other executor.

runtime! {
    module: "smol", adapter: stagger_smol, stream: futures_stream, boxed: BoxStream::new,
    tls: stagger_tls::futures::Futures, proxy: stagger_proxy::futures::Futures,
    example: (
        "futures_lite::future::block_on(async {",
        "Ok::<_, Box<dyn std::error::Error>>(()) })?; Ok::<_, Box<dyn std::error::Error>>(())"
    ),
}
