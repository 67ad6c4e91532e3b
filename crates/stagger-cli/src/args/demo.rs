//! The command line of `stagger demo`.

use super::choice::{ColorWhen, RuntimeName};

pub(super) const HELP: &str = "\
Exit status:
  0    every race went as it should
  1    a race did not
  2    the arguments are wrong
  128+N  ended by signal N: 130 for Ctrl-C

Examples:
  stagger demo
  stagger demo --runtime smol";

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// The async runtime
    #[arg(long, value_enum, default_value_t)]
    pub(crate) runtime: RuntimeName,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorWhen,
}
