//! Three tools in one program, told apart by the name they are called by.
//!
//! One program is compiled and linked once; `cargo xtask setup` gives it its three names.
//! (A program *named* `wasm-bindgen` cannot be built: rustc takes it for an old version of
//! the library.)

use std::ffi::OsString;
use std::path::Path;

use anyhow::bail;
use clap::Parser;

fn main() -> anyhow::Result<()> {
    env_logger::init();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = arguments
        .first()
        .and_then(|path| Path::new(path).file_stem())
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match name {
        "wasm-bindgen" => wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(arguments),
        "wasm-bindgen-test-runner" => {
            wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments)
        }
        "wasm-pack" => pack(),
        _ => bail!(
            "call this program as wasm-bindgen, wasm-bindgen-test-runner or wasm-pack; \
             it was called as {name:?}"
        ),
    }
}

/// `wasm-pack`, without its look for a newer version of itself.
fn pack() -> anyhow::Result<()> {
    let arguments = wasm_pack::Cli::parse();
    wasm_pack::PBAR.set_log_level(arguments.log_level);
    if arguments.quiet {
        wasm_pack::PBAR.set_quiet(true);
    }
    wasm_pack::command::run_wasm_pack(arguments.cmd)
}
