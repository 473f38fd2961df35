//! A second browser engine, for the stories that are told in both.

use std::path::PathBuf;

use super::{Report, browser};
use crate::place::Place;
use crate::process;

const PROGRAMS: [&str; 2] = ["firefox-esr", "firefox"];

/// Debian's packages; the font is for pages in Japanese.
const PACKAGES: [&str; 2] = ["firefox-esr", "fonts-ipafont-gothic"];

/// The Firefox that is installed, else Debian's. A machine without goes on: the stories say
/// that they were told in one engine only.
pub(super) fn ensure(place: &Place, report: &Report) -> Option<PathBuf> {
    let find = || PROGRAMS.into_iter().find_map(process::which);
    if let Some(found) = find() {
        return Some(found);
    }
    if !browser::may_install() {
        return None;
    }
    let what = format!("apt-get install {}", PACKAGES.join(" "));
    if let Err(error) = report.step("Firefox", &what, || browser::apt_install(place, &PACKAGES)) {
        report.say(&format!("setup: Firefox: going on without; its stories are skipped. {error:#}"));
    }
    find()
}
