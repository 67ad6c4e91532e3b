//! A command as an endpoint.

mod endpoint;
mod error;
mod process;
mod stream;
mod tail;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use stagger::text::Escaped;

pub use self::endpoint::{CommandConnect, CommandEndpoint};
pub use self::error::CommandError;
#[cfg(any(feature = "futures", feature = "tokio"))]
pub(crate) use self::process::Half;
pub(crate) use self::process::{Process, Running, Spawned, Stderr};
pub use self::stream::CommandStream;
#[cfg(any(feature = "futures", feature = "tokio"))]
pub(crate) use self::stream::is_end;
pub(crate) use self::tail::one_line;

/// A program and its arguments.
///
/// Arguments may be secret. So `Debug` and `Display` print only the program's name.
///
/// # Examples
///
/// ```
/// use stagger_ssh::Command;
///
/// let command = Command::new("/usr/bin/socat").with_args(["-", "TCP4:192.0.2.1:22"]);
/// assert_eq!(command.to_string(), "socat");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    /// The line of [`shell`](Self::shell).
    line: Option<String>,
}

impl Command {
    /// Makes the command from a program. A name without a slash is searched in `PATH`.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), args: Vec::new(), line: None }
    }

    /// Makes the command that ssh(1) runs for a `ProxyCommand`: `exec` and the line, in the user's
    /// shell. The shell is `$SHELL`, or `/bin/sh` if that is unset.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_ssh::Command;
    ///
    /// let command = Command::shell("nc -X connect -x proxy:3128 192.0.2.1 22");
    /// assert_eq!(command.to_string(), "nc");
    /// ```
    pub fn shell(line: impl Into<String>) -> Self {
        let line = line.into();
        Self::in_shell(format!("exec {line}"), line)
    }

    /// Makes the command that ssh(1) runs for `Match exec`: the line, in the user's shell. It has
    /// no `exec`, because that would end a line such as `a || b` after `a`.
    pub(crate) fn criterion(line: &str) -> Self {
        Self::in_shell(line.to_owned(), line.to_owned())
    }

    fn in_shell(text: String, line: String) -> Self {
        let shell = env::var_os("SHELL").filter(|shell| !shell.is_empty());
        let args = vec!["-c".into(), text.into()];
        Self { program: shell.unwrap_or_else(|| "/bin/sh".into()), args, line: Some(line) }
    }

    /// Adds an argument.
    pub fn with_arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn with_args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Returns the program.
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Returns the arguments.
    pub fn args(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }
}

/// Prints the program's name, without its folder. A shell's line prints its first word, unless that
/// word sets a variable.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = match &self.line {
            None => &*self.program,
            Some(line) => {
                let word = line.split_whitespace().next().unwrap_or_default();
                let is_plain = |c: char| c.is_alphanumeric() || "/._+-".contains(c);
                if word.is_empty() || !word.chars().all(is_plain) {
                    return f.write_str("shell command");
                }
                OsStr::new(word)
            }
        };
        let name = Path::new(program).file_name().unwrap_or(program);
        Escaped(&name.to_string_lossy()).fmt(f)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_prints_no_argument() {
        let commands = [
            (Command::new("/opt/bin/tunnel").with_arg("secret"), "tunnel"),
            (Command::shell("/usr/bin/nc --auth secret %h"), "nc"),
            (Command::shell("KEY=secret nc host 22"), "shell command"),
            (Command::shell("'secret' 22"), "shell command"),
            (Command::shell(""), "shell command"),
        ];
        for (command, name) in commands {
            assert_eq!(command.to_string(), name);
            assert_eq!(format!("{command:?}"), format!("Command({name})"));
        }
    }

    #[test]
    fn a_shell_replaces_itself_by_the_command() {
        let command = Command::shell("true x");
        let args: Vec<_> = command.args().collect();
        assert_eq!(args, ["-c", "exec true x"]);
    }
}
