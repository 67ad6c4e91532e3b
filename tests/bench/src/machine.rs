//! On what was measured.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

/// What a figure depends on beside the code, as one line.
#[derive(Clone, Debug)]
pub struct Machine(String);

impl Machine {
    /// This machine, now. What cannot be found out is left out.
    pub fn here() -> Self {
        let mut parts = Vec::new();
        let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        parts.extend(date.split('T').next().map(str::to_owned));
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        parts.extend(model.map(|(_, model)| model.to_owned()));
        parts.extend(thread::available_parallelism().map(|cores| format!("{cores} cores")));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease");
        parts.extend(kernel.map(|release| format!("Linux {}", release.trim())));
        let rustc = Command::new("rustc").arg("--version").output();
        parts.extend(rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        parts.extend(load.split(' ').next().map(|load| format!("load {load} at the beginning")));
        if cfg!(debug_assertions) {
            parts.push("**not optimised: the figures mean nothing**".to_owned());
        }
        Self(parts.join("; "))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
