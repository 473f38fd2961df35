//! PC/SC with a virtual reader, for the test of the chip in one.

use super::{Report, browser};
use crate::place::Place;
use crate::process;

/// Debian's packages: the service, the virtual reader, a client (`scriptor`), and `ip`.
const PACKAGES: [&str; 4] = ["pcscd", "vsmartcard-vpcd", "pcsc-tools", "iproute2"];

/// Installs what is missing where that may be done. Nothing else needs it, so that a machine
/// without goes on: the test says that it was skipped.
pub(super) fn ensure(place: &Place, report: &Report) {
    let there = ["pcscd", "scriptor", "ip"].iter().all(|program| process::which(program).is_some());
    if there || !browser::may_install() {
        return;
    }
    let what = format!("apt-get install {}", PACKAGES.join(" "));
    if let Err(error) = report.step("PC/SC", &what, || browser::apt_install(place, &PACKAGES)) {
        report.say(&format!("setup: PC/SC: going on without; its test will be skipped. {error:#}"));
    }
}
