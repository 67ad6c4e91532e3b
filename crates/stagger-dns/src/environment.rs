//! What the meaning of a file depends on, beside the file.

use std::fmt;
use std::sync::Arc;

/// What a configuration file is read in: the machine's name and interfaces, and the environment
/// variables of resolv.conf(5).
///
/// It is given to the readers, so that they are pure functions; [`Environment::of_process`] is
/// the real one.
#[derive(Clone)]
pub struct Environment {
    host_name: Option<Arc<str>>,
    local_domain: Option<Arc<str>>,
    res_options: Option<Arc<str>>,
    interface_index: Arc<InterfaceIndex>,
}

/// How the name of an interface becomes its index.
type InterfaceIndex = dyn Fn(&str) -> Option<u32> + Send + Sync;

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment {
    /// An empty one: no host name, no variable, no interface.
    pub fn new() -> Self {
        Self {
            host_name: None,
            local_domain: None,
            res_options: None,
            interface_index: Arc::new(|_| None),
        }
    }

    /// That of this process, as it is now. The interfaces are looked up when they are asked for.
    ///
    /// A process that runs with the rights of another user or group than its caller's has no
    /// variables, as in libc: the caller must not say for it who is asked. Interfaces by name
    /// are known on Linux alone.
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

    /// Sets the machine's host name. What follows its first dot is the search list where nothing
    /// else says one.
    pub fn with_host_name(mut self, host_name: &str) -> Self {
        self.host_name = Some(host_name.into());
        self
    }

    /// Sets the value of `LOCALDOMAIN`, which is the search list whatever the file says.
    pub fn with_local_domain(mut self, local_domain: &str) -> Self {
        self.local_domain = Some(local_domain.into());
        self
    }

    /// Sets the value of `RES_OPTIONS`, which is read after the file's options.
    pub fn with_res_options(mut self, res_options: &str) -> Self {
        self.res_options = Some(res_options.into());
        self
    }

    /// Sets how the name of an interface becomes its index.
    pub fn with_interfaces(
        mut self,
        index: impl Fn(&str) -> Option<u32> + Send + Sync + 'static,
    ) -> Self {
        self.interface_index = Arc::new(index);
        self
    }

    pub(crate) fn host_name(&self) -> Option<&str> {
        self.host_name.as_deref()
    }

    pub(crate) fn local_domain(&self) -> Option<&str> {
        self.local_domain.as_deref()
    }

    pub(crate) fn res_options(&self) -> Option<&str> {
        self.res_options.as_deref()
    }

    pub(crate) fn interface_index(&self, name: &str) -> Option<u32> {
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

        // Any socket will do: the question needs one, and nothing is sent. Of the local kind,
        // which a machine without IP has too.
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
        // The loopback interface is there in every network namespace, and is its first.
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
