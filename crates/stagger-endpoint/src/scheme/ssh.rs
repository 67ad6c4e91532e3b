//! The scheme `ssh`.

use stagger::boxed::BoxError;
use stagger::{Connector, Target, Timer};
use stagger_ssh::config::ConfigFiles;
use stagger_ssh::{ControlSocket, Destination, Ssh, SshAlias, SshCommand};

use crate::error::{EndpointError, EndpointErrorKind as Kind};
use crate::{ClientEndpoint, HopReader};

/// The SSH port of a host of the configuration. A hop `tcp` after it is reached from the host.
pub(crate) fn client<S, C, T>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
    ssh: &Ssh<C, T>,
    stream: fn(C) -> S,
) -> Result<ClientEndpoint<S>, BoxError>
where
    S: Send + 'static,
    C: Send + 'static,
    T: Timer + Clone,
{
    if hop.has_below() {
        let reason = "ssh must be the first hop: write a jump host into the SSH configuration, \
                      with ProxyJump";
        return Err(hop.hop_error(Kind::TakesNoBelow, reason).into());
    }
    let destination = destination(hop)?;
    let mut ssh = ssh.clone();
    if let Some(path) = hop.take_path("config")? {
        ssh = ssh.with_config(match path.as_os_str() == "none" {
            true => ConfigFiles::none(),
            false => ConfigFiles::file(path),
        });
    }
    let backend = hop.take("backend", |text| match text {
        "control" => Ok(true),
        "command" => Ok(false),
        _ => Err("write control or command"),
    })?;
    ssh = match backend {
        Some(true) => ssh.with_backend(ControlSocket::new()),
        Some(false) => ssh.with_backend(SshCommand::new()),
        None => ssh,
    };
    let targets = ssh.through(destination.clone()).connector().clone();
    let targets = Connector::<Target>::map(targets, stream);
    let host = Connector::<SshAlias>::map(ssh.connector(), stream);
    Ok(ClientEndpoint::addressed(host, SshAlias::from(destination)).with_relay(targets))
}

/// `[USER@]HOST` with the option `port`. A host may have characters that no host name has.
fn destination<L>(hop: &mut HopReader<'_, L>) -> Result<Destination, EndpointError> {
    let host = hop.text_as("HOST")?;
    if host.starts_with("//") {
        return Err(hop.rest_error("no slashes are before the host: write ssh:HOST"));
    }
    if let Some((host, port)) = host.split_once(':') {
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        if is_port && !host.is_empty() {
            return Err(hop.rest_error("a port is an option: write ssh:HOST?port=NUMBER"));
        }
    }
    let destination = Destination::new(host);
    let mut destination = destination.map_err(|error| hop.rest_error(error))?;
    if let Some(login) = hop.login() {
        if login.password().is_some() {
            let reason = "ssh takes no password: its configuration names keys and agents";
            return Err(hop.login_error(reason));
        }
        let user = std::str::from_utf8(login.user());
        let user = user.map_err(|_| hop.login_error("the bytes of the user are not UTF-8"))?;
        let with_user = destination.with_user(user);
        destination = with_user.map_err(|error| hop.login_error(error))?;
    }
    if let Some(port) = hop.take_number("port", 1..=u32::from(u16::MAX))? {
        destination = destination.with_port(port.try_into().expect("the range was checked"));
    }
    Ok(destination)
}
