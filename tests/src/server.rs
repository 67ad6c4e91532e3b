//! A server that is none of ours.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::{Scratch, skip};

/// nginx on port 80 of every address, for a namespace of its own; killed when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    _scratch: Scratch,
}

/// One process, with all its files in its prefix. The user is named so that nginx, which is root
/// in the namespace, does not look for one that the namespace lacks.
const CONFIGURATION: &str = "
    daemon off;
    master_process off;
    user root root;
    pid nginx.pid;
    events {}
    http {
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        server {
            listen 0.0.0.0:80;
            listen [::]:80 ipv6only=on;
            root .;
        }
    }
";

impl Nginx {
    /// Starts it and waits until it listens. None where nginx is not installed: the test is then
    /// [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If it ends before it listens.
    pub fn start() -> Option<Self> {
        let scratch = Scratch::new();
        let configuration = scratch.write("nginx.conf", CONFIGURATION);
        scratch.write("index.html", "it is nginx\n");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(scratch.path());
        command.arg("-c").arg(configuration).args(["-e", "stderr"]);
        let mut child = match command.stdout(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                skip::skip("nginx is not installed");
                return None;
            }
            Err(error) => panic!("nginx: {error}"),
        };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, 80)).is_err() {
            let ended = child.try_wait().expect("nginx is our child");
            assert_eq!(ended, None, "nginx ended before it listened");
            thread::yield_now();
        }
        let _scratch = scratch;
        Some(Self { child, _scratch })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
