//! Wireshark on the command line, for the story that opens what the page has saved of APDUs.

use super::{Report, browser};
use crate::place::Place;
use crate::process;

/// Debian's package.
const PACKAGES: [&str; 1] = ["tshark"];

/// Installs it where it is missing and that may be done. Nothing else needs it, so that a machine
/// without goes on: the story says that it was skipped.
pub(super) fn ensure(place: &Place, report: &Report) {
    if process::which("tshark").is_some() || !browser::may_install() {
        return;
    }
    let installs = || browser::apt_install(place, &PACKAGES);
    if let Err(error) = report.step("tshark", "apt-get install tshark", installs) {
        report.say(&format!("setup: tshark: going on without; its story will be skipped. {error:#}"));
    }
}
