//! Chromium or Chrome with its driver, and the system's package manager where it may be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Result, bail};
use serde_json::json;

use super::{Report, log};
use crate::place::Place;
use crate::process;

/// A browser that tests can drive.
#[derive(Clone)]
pub(crate) struct Browser {
    /// Chromium or Chrome.
    pub(crate) program: PathBuf,
    /// The chromedriver of the same version.
    pub(crate) driver: PathBuf,
}

const PROGRAMS: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/// The browser that is installed, else Debian's.
pub(super) fn ensure(place: &Place, report: &Report) -> Result<Browser> {
    if let Some(browser) = find() {
        return matching(browser);
    }
    if !may_install() {
        bail!(
            "a Chrome or Chromium and the chromedriver of the same version are needed on the PATH.\n\
             Debian: `sudo apt-get install chromium chromium-driver`; elsewhere see \
             https://googlechromelabs.github.io/chrome-for-testing/"
        );
    }
    report.step("browser", "apt-get install chromium chromium-driver", || {
        apt_install(place, &["chromium", "chromium-driver", "fonts-liberation"])
    })?;
    match find() {
        Some(browser) => matching(browser),
        None => bail!("chromium was installed, but neither it nor chromedriver is on the PATH"),
    }
}

/// Whether this process may install packages of the system: root on a Debian.
pub(super) fn may_install() -> bool {
    let debian =
        fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(|line| line == "ID=debian"));
    debian && nix::unistd::geteuid().is_root()
}

/// Installs packages of the system, after asking for the lists once.
pub(super) fn apt_install(place: &Place, packages: &[&str]) -> Result<()> {
    // Two steps of the set-up may want packages; apt takes one at a time.
    static LISTS: Mutex<bool> = Mutex::new(false);
    let mut fresh = LISTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=300"]);
        apt
    };
    if !*fresh {
        process::logged("apt-get update", &log(place, "apt-update"), apt().arg("update"))?;
        *fresh = true;
    }
    process::logged(
        "apt-get install",
        &log(place, &format!("apt-{}", packages.first().unwrap_or(&"none"))),
        apt().args(["install", "--yes", "--no-install-recommends"]).args(packages),
    )
}

fn find() -> Option<Browser> {
    let program = PROGRAMS.into_iter().find_map(process::which)?;
    Some(Browser { program, driver: process::which("chromedriver")? })
}

/// A driver speaks only to a browser of its own major version.
fn matching(browser: Browser) -> Result<Browser> {
    let (program, driver) = (major(&browser.program), major(&browser.driver));
    if let (Some(program), Some(driver)) = (program, driver)
        && program != driver
    {
        bail!(
            "{} is version {program}, but {} is version {driver}: install the driver of the same version",
            browser.program.display(),
            browser.driver.display()
        );
    }
    Ok(browser)
}

/// The first number in what a program says about itself.
fn major(program: &Path) -> Option<u32> {
    let said = process::output(Command::new(program).arg("--version")).ok()?;
    said.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok())
}

impl Browser {
    /// Arguments for a browser without a screen, without a network of its own.
    pub(crate) const ARGUMENTS: [&str; 9] = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
    ];

    /// Capabilities for the test runner of wasm-bindgen.
    pub(crate) fn capabilities(&self) -> String {
        json!({ "goog:chromeOptions": { "binary": self.program, "args": Self::ARGUMENTS } }).to_string()
    }
}
