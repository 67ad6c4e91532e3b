//! Endpoints on tokio.
//!
//! # Panics
//!
//! A connect and a listen panic outside a tokio runtime, and in one without `enable_all`.

runtime! {
    module: "tokio", adapter: stagger_tokio, stream: tokio_stream, boxed: BoxStream::new,
    tls: stagger_tls::tokio::Tokio, proxy: stagger_proxy::tokio::Tokio,
    example: (
        "#[tokio::main(flavor = \"current_thread\")]\n# async fn main() -> Result<(), Box<dyn std::error::Error>> {",
        "Ok(())\n# }"
    ),
}
