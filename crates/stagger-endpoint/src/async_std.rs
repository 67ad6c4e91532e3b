//! Endpoints on async-std, which is discontinued upstream.

runtime! {
    module: "async_std", adapter: stagger_async_std, stream: futures_stream,
    tls: stagger_tls::futures::Futures, proxy: stagger_proxy::futures::Futures,
    example: (
        "futures_lite::future::block_on(async {",
        "Ok::<_, Box<dyn std::error::Error>>(()) })?; Ok::<_, Box<dyn std::error::Error>>(())"
    ),
}
