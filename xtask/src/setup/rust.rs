//! The `wasm32-unknown-unknown` target.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Report, browser, log};
use crate::place::Place;
use crate::process;

/// The target's triple.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The name under which rustup knows Debian's compiler.
const DEBIAN: &str = "debian-wasm";

/// Sees to it that cargo can build for the target; the answer is what cargo then needs in
/// its environment.
///
/// rustup has it. Where rustup's servers cannot be reached but Debian's can, Debian's own
/// compiler builds the standard library for the target from Debian's source package.
pub(super) fn wasm_target(place: &Place, report: &Report) -> Result<Vec<(&'static str, String)>> {
    if has_target(place, None) {
        return Ok(Vec::new());
    }
    let by_debian = || vec![("RUSTUP_TOOLCHAIN", DEBIAN.to_owned())];
    if has_target(place, Some(DEBIAN)) {
        return Ok(by_debian());
    }
    let added = report.step("wasm32 target", "rustup target add", || {
        let mut rustup = Command::new("rustup");
        rustup.current_dir(&place.root).args(["target", "add", WASM]);
        process::logged("wasm32 target", &log(place, "target"), &mut rustup)
    });
    if added.is_ok() && has_target(place, None) {
        return Ok(Vec::new());
    }
    if !browser::may_install() {
        let advice = format!("install the target by hand: `rustup target add {WASM}`");
        return match added {
            Ok(()) => bail!("rustup added the target, but the compiler does not find it; {advice}"),
            Err(error) => Err(error).context(advice),
        };
    }
    report.step("wasm32 target", "rustup does not have it; building it with Debian's compiler", || {
        build_with_debian(place)
    })?;
    if !has_target(place, Some(DEBIAN)) {
        bail!("the target was built, but Debian's compiler does not find it");
    }
    Ok(by_debian())
}

fn has_target(place: &Place, toolchain: Option<&str>) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(&place.root).args(["--print", "target-libdir", "--target", WASM]);
    if let Some(toolchain) = toolchain {
        rustc.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    let Ok(folder) = process::output(&mut rustc) else { return false };
    fs::read_dir(folder.trim()).is_ok_and(|mut entries| entries.next().is_some())
}

fn build_with_debian(place: &Place) -> Result<()> {
    let log = log(place, "target-debian");
    browser::apt_install(place, &["rustc-web", "cargo-web", "rust-web-src", "lld-22"])?;

    let scratch = place.scratch().join("std-for-wasm");
    fs::create_dir_all(scratch.join("src"))?;
    fs::write(
        scratch.join("Cargo.toml"),
        "[package]\nname = \"std-for-wasm\"\nedition = \"2021\"\n[workspace]\n[lib]\n",
    )?;
    fs::write(scratch.join("src/lib.rs"), "")?;
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo
        .current_dir(&scratch)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTUP_TOOLCHAIN")
        .args(["build", "--release", "--target", WASM])
        .args(["-Z", "build-std=std,panic_abort,proc_macro,test", "--target-dir", "target"]);
    process::logged("wasm32 target", &log, &mut cargo)?;

    let library = PathBuf::from(format!("/usr/lib/rustlib/{WASM}/lib"));
    fs::create_dir_all(&library)?;
    for entry in fs::read_dir(scratch.join("target").join(WASM).join("release/deps"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.contains("std_for_wasm") {
            fs::copy(&path, library.join(name))?;
        }
    }
    let linkers = Path::new("/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin");
    fs::create_dir_all(linkers)?;
    if !linkers.join("rust-lld").exists() {
        std::os::unix::fs::symlink("/usr/bin/lld-22", linkers.join("rust-lld"))?;
    }
    process::run(Command::new("rustup").args(["toolchain", "link", DEBIAN, "/usr"]))
}
