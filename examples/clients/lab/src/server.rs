//! The servers, as Debian packages them.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ClientConfig;
use stagger_testkit::tls::{Authority, Identity, Request};

use crate::namespace::scratch;
use crate::network::{SERVER, Situation};
use crate::process::{Process, as_user, finish, until};

/// A server at [`SERVER`], which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    folder: PathBuf,
    process: Option<Process>,
}

impl Server {
    fn new(name: &str, port: u16) -> Self {
        Self { port, folder: scratch(name), process: None }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        (SERVER, self.port).into()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    fn start(mut self, command: &mut Command) -> Self {
        let log = self.folder.join("log");
        self.process = Some(Process::start(command, self.addr(), &log));
        self
    }

    /// PostgreSQL. The role `postgres` needs no password.
    pub fn postgresql() -> Self {
        Self::new("postgresql", 5432).database("host", &[])
    }

    /// PostgreSQL over TLS alone, and a configuration for its clients. It has another port than
    /// [`postgresql`](Self::postgresql), so a program can have both.
    pub fn postgresql_tls() -> (Self, Arc<ClientConfig>) {
        let server = Self::new("postgresql-tls", 5433);
        let (authority, identity) = certificates();
        let chain = server.write("chain.pem", &identity.chain_pem());
        let key = server.write("key.pem", &identity.key_pem());
        // Others could read it otherwise, which the server refuses.
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("it is our file");
        let config = authority.client().expect("it is a configuration");
        let chain = format!("ssl_cert_file={}", chain.display());
        let key = format!("ssl_key_file={}", key.display());
        (server.database("hostssl", &["-c", "ssl=on", "-c", &chain, "-c", &key]), config)
    }

    /// PostgreSQL for clients of this kind: `host`, or `hostssl` for TLS alone.
    fn database(self, clients: &str, more: &[&str]) -> Self {
        let bin = newest(Path::new("/usr/lib/postgresql")).join("bin");
        let program = |name: &str| bin.join(name).display().to_string();
        let data = self.folder.join("data");
        let port = self.port.to_string();
        // It refuses to be root.
        finish(
            as_user(&program("initdb"))
                .args(["-U", "postgres", "--auth=trust", "--no-sync", "--locale=C", "-D"])
                .arg(&data),
        );
        let anyone = format!("{clients} all all 0.0.0.0/0 trust\n");
        fs::write(data.join("pg_hba.conf"), anyone).expect("initdb made the folder");
        let server = self.start(
            as_user(&program("postgres"))
                .args(["-c", "listen_addresses=192.0.2.10", "-c", "unix_socket_directories="])
                .args(["-c", "fsync=off", "-p", &port])
                .args(more)
                .arg("-D")
                .arg(&data),
        );
        // It accepts before it is ready.
        until(Command::new(program("pg_isready")).args(["-q", "-h", "192.0.2.10", "-p", &port]));
        server
    }

    /// Redis.
    pub fn redis() -> Self {
        let server = Self::new("redis", 6379);
        let folder = server.folder.clone();
        server.start(
            Command::new("redis-server")
                .args(["--bind", "192.0.2.10", "--protected-mode", "no", "--save", "", "--dir"])
                .arg(folder),
        )
    }

    /// NATS.
    pub fn nats() -> Self {
        let program = "/usr/sbin/nats-server";
        Self::new("nats", 4222).start(Command::new(program).args(["--addr", "192.0.2.10"]))
    }

    /// RabbitMQ. The user is `guest`, who may come from other addresses than loopback here.
    pub fn rabbitmq() -> Self {
        let server = Self::new("rabbitmq", 5672);
        let folder = server.folder.clone();
        let config = server.write("rabbitmq.conf", "loopback_users = none\n");
        let plugins = server.write("enabled_plugins", "[].\n");
        server.start(
            Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server")
                .env("HOME", &folder)
                .env("RABBITMQ_NODENAME", "lab@localhost")
                .env("RABBITMQ_NODE_IP_ADDRESS", "192.0.2.10")
                .env("RABBITMQ_NODE_PORT", "5672")
                .env("RABBITMQ_CONFIG_FILE", config)
                .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
                .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
                .env("RABBITMQ_LOG_BASE", &folder)
                .env("RABBITMQ_PID_FILE", folder.join("pid")),
        )
    }

    /// OpenLDAP, with the entry `dc=lab,dc=test` alone.
    pub fn slapd() -> Self {
        let server = Self::new("slapd", 389);
        let folder = server.folder.display().to_string();
        let config = server.write(
            "slapd.conf",
            &format!(
                "include /etc/ldap/schema/core.schema\n\
                 pidfile {folder}/pid\n\
                 modulepath /usr/lib/ldap\n\
                 moduleload back_mdb\n\
                 database mdb\n\
                 suffix dc=lab,dc=test\n\
                 directory {folder}\n"
            ),
        );
        let entry = "dn: dc=lab,dc=test\nobjectClass: dcObject\nobjectClass: organization\n\
                     dc: lab\no: lab\n";
        let entries = server.write("entries.ldif", entry);
        finish(Command::new("/usr/sbin/slapadd").arg("-f").arg(&config).arg("-l").arg(entries));
        // With the option it stays in the foreground.
        server.start(
            Command::new("/usr/sbin/slapd")
                .args(["-d", "0", "-h", "ldap://192.0.2.10", "-f"])
                .arg(config),
        )
    }

    /// aiosmtpd, an SMTP server of Python's that keeps nothing.
    pub fn smtp() -> Self {
        let arguments = ["-n", "-l", "192.0.2.10:25", "-c", "aiosmtpd.handlers.Sink"];
        Self::new("smtp", 25).start(Command::new("aiosmtpd").args(arguments))
    }

    /// nginx at port 80. It answers with the line `hello`, and with a version at `/version`.
    pub fn nginx() -> Self {
        Self::new("nginx", 80).web("listen 192.0.2.10:80;")
    }

    /// nginx at port 443, with TLS and HTTP/2, and a configuration for its clients.
    pub fn nginx_tls() -> (Self, Arc<ClientConfig>) {
        Self::web_tls("")
    }

    /// nginx at port 443, with TLS and HTTP/2, before a gRPC server without TLS.
    pub fn nginx_grpc(to: SocketAddr) -> (Self, Arc<ClientConfig>) {
        Self::web_tls(&format!("location /grpc.health.v1.Health {{ grpc_pass grpc://{to}; }}"))
    }

    fn web_tls(more: &str) -> (Self, Arc<ClientConfig>) {
        let server = Self::new("nginx", 443);
        let (authority, identity) = certificates();
        server.write("chain.pem", &identity.chain_pem());
        server.write("key.pem", &identity.key_pem());
        server.write("ca.pem", &authority.certificate_pem());
        fs::write(server.folder.join("ca.der"), authority.certificate()).expect("it is our folder");
        let config = authority.client().expect("it is a configuration");
        let lines = format!(
            "listen 192.0.2.10:443 ssl http2;\nssl_certificate chain.pem;\n\
             ssl_certificate_key key.pem;\n{more}\n"
        );
        (server.web(&lines), config)
    }

    fn web(self, lines: &str) -> Self {
        let folder = self.folder.display().to_string();
        // The version is what kube asks for.
        let config = self.write(
            "nginx.conf",
            &format!(
                "daemon off;\nmaster_process off;\nuser root root;\npid {folder}/pid;\n\
                 error_log stderr;\nevents {{}}\n\
                 http {{\naccess_log off;\n\
                 client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
                 fastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\n\
                 scgi_temp_path {folder}/scgi;\n\
                 server {{\n{lines}\n\
                 location / {{ return 200 \"hello\\n\"; }}\n\
                 location /version {{ default_type application/json; return 200 \
                 '{{\"major\":\"1\",\"minor\":\"0\",\"gitVersion\":\"v1.0.0\",\
                 \"gitCommit\":\"\",\"gitTreeState\":\"\",\"buildDate\":\"\",\
                 \"goVersion\":\"\",\"compiler\":\"\",\"platform\":\"\"}}'; }}\n\
                 }}\n}}\n"
            ),
        );
        self.start(Command::new("/usr/sbin/nginx").args(["-e", "stderr", "-c"]).arg(config))
    }

    /// microsocks, a SOCKS5 proxy without a login.
    pub fn socks() -> Self {
        let arguments = ["-i", "192.0.2.10", "-p", "1080"];
        Self::new("socks", 1080).start(Command::new("microsocks").args(arguments))
    }

    /// tinyproxy, an HTTP proxy without a login.
    pub fn http_proxy() -> Self {
        let server = Self::new("http-proxy", 3128);
        let config = server
            .write("tinyproxy.conf", "Port 3128\nListen 192.0.2.10\nTimeout 60\nAllow 0.0.0.0/0\n");
        server.start(Command::new("tinyproxy").arg("-d").arg("-c").arg(config))
    }

    /// The text of the authority's certificate, after [`nginx_tls`](Self::nginx_tls).
    pub fn ca_pem(&self) -> String {
        fs::read_to_string(self.folder.join("ca.pem")).expect("nginx_tls wrote it")
    }

    /// The bytes of that certificate.
    pub fn ca_der(&self) -> Vec<u8> {
        fs::read(self.folder.join("ca.der")).expect("nginx_tls wrote it")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.take());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// OpenSSH's server, and the key of its user `lab`.
#[derive(Debug)]
pub struct Ssh(Server);

impl Ssh {
    /// Starts it.
    pub fn start() -> Self {
        let server = Server::new("ssh", 2222);
        let folder = server.folder.display().to_string();
        for name in ["host", "user"] {
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-f"];
            finish(Command::new("ssh-keygen").args(arguments).arg(server.folder.join(name)));
        }
        let config = server.write(
            "sshd_config",
            &format!(
                "ListenAddress 192.0.2.10:2222\nHostKey {folder}/host\nPidFile none\n\
                 AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\n"
            ),
        );
        // As root it would change to a user that this namespace lacks.
        Self(server.start(as_user("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(config)))
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// The file of the user's secret key.
    pub fn user_key(&self) -> PathBuf {
        self.0.folder.join("user")
    }

    /// The text of the server's public key.
    pub fn host_key(&self) -> String {
        fs::read_to_string(self.0.folder.join("host.pub")).expect("ssh-keygen wrote it")
    }
}

/// An authority, and its certificate for the names of all situations.
///
/// # Panics
///
/// If no key can be made.
pub fn certificates() -> (Authority, Identity) {
    let authority = Authority::new().expect("a key is made");
    let mut request = Request::new(Situation::ALL[0].host());
    for situation in &Situation::ALL[1..] {
        request = request.with_name(situation.host());
    }
    let identity = authority.sign(&request).expect("it is signed");
    (authority, identity)
}

/// The newest version in a folder of versions.
fn newest(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    paths.max_by_key(number).unwrap_or_else(|| panic!("{} is empty", folder.display()))
}
