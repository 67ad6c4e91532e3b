//! The parts of the machine that the meaning of a file depends on.

use std::fmt;
use std::sync::Arc;

/// The parts of the machine that the meaning of a configuration file depends on.
///
/// These are the host name, the interfaces, and the environment variables of resolv.conf(5). The
/// readers of files take it as an argument, so they are pure functions. [`Environment::of_process`]
/// is the real one.
///
/// # Examples
///
/// ```
/// use stagger_dns::{Config, Environment};
///
/// let environment = Environment::new()
///     .with_host_name("www.example.com")
///     .with_res_options("ndots:2")
///     .with_interface_index(|name| (name == "eth0").then_some(2));
/// assert_eq!(environment.host_name(), Some("www.example.com"));
/// assert_eq!(environment.interface_index("eth0"), Some(2));
///
/// let config = Config::parse(b"nameserver fe80::1%eth0", &environment).value;
/// assert_eq!(config.servers(), ["[fe80::1%2]:53".parse()?]);
/// assert_eq!(config.search(), ["example.com"]);
/// assert_eq!(config.ndots(), 2);
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
#[derive(Clone)]
pub struct Environment {
    host_name: Option<Arc<str>>,
    local_domain: Option<Arc<str>>,
    res_options: Option<Arc<str>>,
    interface_index: Arc<InterfaceIndex>,
}

/// Returns the index of the interface with this name.
type InterfaceIndex = dyn Fn(&str) -> Option<u32> + Send + Sync;

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment {
    /// An empty environment: no host name, no variable and no interface.
    pub fn new() -> Self {
        Self {
            host_name: None,
            local_domain: None,
            res_options: None,
            interface_index: Arc::new(|_| None),
        }
    }

    /// The environment of this process, as it is now. Interfaces are looked up when a file names
    /// them.
    ///
    /// A process with the rights of another user or group than its caller has no variables here, as
    /// in libc. Its caller must not choose the servers that it asks. Names of interfaces are only
    /// known on Linux.
    pub fn of_process() -> Self {
        let variable = |name| {
            let value = std::env::var_os(name).filter(|_| !system::has_borrowed_rights())?;
            Some(value.to_string_lossy().into())
        };
        Self {
            host_name: system::host_name().map(Into::into),
            local_domain: variable("LOCALDOMAIN"),
            res_options: variable("RES_OPTIONS"),
            interface_index: Arc::new(system::interface_index),
        }
    }

    /// Sets the host name of the machine.
    ///
    /// The part after its first dot is the search list, unless the file or `LOCALDOMAIN` has one.
    pub fn with_host_name(mut self, host_name: &str) -> Self {
        self.host_name = Some(host_name.into());
        self
    }

    /// Unsets the host name of the machine.
    pub fn without_host_name(mut self) -> Self {
        self.host_name = None;
        self
    }

    /// The host name of the machine.
    pub fn host_name(&self) -> Option<&str> {
        self.host_name.as_deref()
    }

    /// Sets the value of `LOCALDOMAIN`, which replaces the search list of the file.
    pub fn with_local_domain(mut self, local_domain: &str) -> Self {
        self.local_domain = Some(local_domain.into());
        self
    }

    /// Unsets `LOCALDOMAIN`.
    pub fn without_local_domain(mut self) -> Self {
        self.local_domain = None;
        self
    }

    /// The value of `LOCALDOMAIN`.
    pub fn local_domain(&self) -> Option<&str> {
        self.local_domain.as_deref()
    }

    /// Sets the value of `RES_OPTIONS`, which is read after the options of the file.
    pub fn with_res_options(mut self, res_options: &str) -> Self {
        self.res_options = Some(res_options.into());
        self
    }

    /// Unsets `RES_OPTIONS`.
    pub fn without_res_options(mut self) -> Self {
        self.res_options = None;
        self
    }

    /// The value of `RES_OPTIONS`.
    pub fn res_options(&self) -> Option<&str> {
        self.res_options.as_deref()
    }

    /// Sets the function that returns the index of an interface by its name.
    pub fn with_interface_index(
        mut self,
        index: impl Fn(&str) -> Option<u32> + Send + Sync + 'static,
    ) -> Self {
        self.interface_index = Arc::new(index);
        self
    }

    /// The index of the interface with this name.
    pub fn interface_index(&self, name: &str) -> Option<u32> {
        (self.interface_index)(name)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("host_name", &self.host_name)
            .field("local_domain", &self.local_domain)
            .field("res_options", &self.res_options)
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
mod system {
    use rustix::process::{getegid, geteuid, getgid, getuid};

    pub(super) fn host_name() -> Option<String> {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        (!name.is_empty()).then_some(name)
    }

    pub(super) fn has_borrowed_rights() -> bool {
        getuid() != geteuid() || getgid() != getegid()
    }

    #[cfg(target_os = "linux")]
    pub(super) fn interface_index(name: &str) -> Option<u32> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};

        // The call needs any socket, and sends nothing. A machine without IP has local sockets too.
        let (family, kind) = (AddressFamily::UNIX, SocketType::DGRAM);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None).ok()?;
        netdevice::name_to_index(&socket, name).ok()
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn interface_index(_name: &str) -> Option<u32> {
        None
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn host_name() -> Option<String> {
        None
    }

    pub(super) fn has_borrowed_rights() -> bool {
        false
    }

    pub(super) fn interface_index(_name: &str) -> Option<u32> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn an_interface_of_this_machine_has_its_index_and_others_have_none() {
        let environment = Environment::of_process();
        // Every network namespace has the loopback interface, which is its first one.
        assert_eq!(environment.interface_index("lo"), Some(1));
        for name in ["", "none-such", "an-interface-name-that-is-too-long", "lo\0", "../lo"] {
            assert_eq!((name, environment.interface_index(name)), (name, None));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_host_name_is_the_machines_own() {
        let environment = Environment::of_process();
        let kernels = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(environment.host_name(), Some(kernels.trim_end()).filter(|n| !n.is_empty()));
    }
}
