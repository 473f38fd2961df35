//! PC/SC with a virtual reader, for the test of the chip in one, and what the bridge is linked
//! with.

use std::process::Command;

use super::{Report, browser};
use crate::place::Place;
use crate::process;

/// Debian's packages: the service, the virtual reader, a client (`scriptor`), `ip`, and the
/// library with what finds it.
const PACKAGES: [&str; 6] =
    ["pcscd", "vsmartcard-vpcd", "pcsc-tools", "iproute2", "libpcsclite-dev", "pkg-config"];

/// Installs what is missing where that may be done. Nothing else needs it, so that a machine
/// without goes on: the test says that it was skipped.
pub(super) fn ensure(place: &Place, report: &Report) {
    let there = ["pcscd", "scriptor", "ip"].iter().all(|program| process::which(program).is_some());
    if (there && has_library()) || !browser::may_install() {
        return;
    }
    let what = format!("apt-get install {}", PACKAGES.join(" "));
    if let Err(error) = report.step("PC/SC", &what, || browser::apt_install(place, &PACKAGES)) {
        report.say(&format!("setup: PC/SC: going on without; its test will be skipped. {error:#}"));
    }
}

/// Whether programs can be linked with PC/SC: Windows and macOS have it.
pub(crate) fn has_library() -> bool {
    !cfg!(target_os = "linux")
        || process::output(Command::new("pkg-config").args(["--exists", "libpcsclite"])).is_ok()
}
