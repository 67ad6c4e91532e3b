//! SSH hosts without an SSH server, so that the examples run everywhere.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use stagger::Target;
use stagger_ssh::{Backend, Hop, Opening};

/// A backend that logs in nowhere: whatever the target, its connection leads to the SSH port of the
/// first hop. There the examples have a [`greeter`](crate::greeter).
///
/// A program uses `ControlSocket` or `SshCommand` instead.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal;

impl<S: Send + 'static> Backend<S> for Rehearsal {
    fn open(&self, hop: Hop<S>, _: &Target) -> Opening<S> {
        // A hop behind another one is opened by this backend again.
        hop.connect()
    }
}

/// A file with an SSH configuration, which is removed when this is dropped.
///
/// A program uses the user's configuration instead.
#[derive(Debug)]
pub struct SshConfig(PathBuf);

impl SshConfig {
    /// Writes the file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn new(text: &str) -> io::Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stagger-examples-{}-{count}.ssh", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text)?;
        Ok(Self(path))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SshConfig {
    fn drop(&mut self) {
        // Nothing depends on the file any more.
        let _ = std::fs::remove_file(&self.0);
    }
}
