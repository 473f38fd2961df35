//! `cargo xtask bench page`: what the page costs a person, in a browser against everything.
//!
//! Bytes over the wire, times of a first visit, and for one install what goes to the chip and
//! to the server against the least that the protocol allows, and how long the page stands still
//! (`e2e/bench/page.mjs`). It fails when more went over a wire than had to, when a first use is larger
//! than [`LIMITS`] says, and when the page stood still during the install.

use std::fs;

use anyhow::{Context, Result};

use crate::build::{self, Profile};
use crate::place::Place;
use crate::process;
use crate::seed;
use crate::setup::{self, Need};
use crate::stack::{self, Stack};
use crate::state::State;

/// Its name on the command line.
pub(crate) const NAME: &str = "page";

/// The GSMA's generic test profile, where published material is beside the repository.
const PROFILE: &str = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";

/// Where it is said how large a first use of the page is, and in which words.
const LIMITS: &str = "docs/limits.md";
const STATED: &str = "a first use of the page is some ";

/// The size that is stated, in kB.
fn stated(limits: &str) -> Option<u32> {
    let (_, after) = limits.split_once(STATED)?;
    after.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Runs `cargo xtask bench page`.
pub(super) fn run(place: &Place) -> Result<()> {
    println!("\n== bench: {NAME}");
    let mut needs = build::NEEDS.to_vec();
    needs.push(Need::Browser);
    let kit = setup::ensure(place, &needs)?;
    let limits = fs::read_to_string(place.root.join(LIMITS))?;
    let stated = stated(&limits).with_context(|| format!("{LIMITS} does not say “{STATED}… kB”"))?;
    build::everything(place, &kit, Profile::Release)?;
    let folder = place.scratch().join("bench-page");
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    let state = State::open(&folder, None)?;
    let mut stack = Stack::start(place, &kit, &state, stack::free_port()?)?;
    let order = seed::seed(&stack, &state)?.context("a fresh laboratory has no order")?;
    let mut node = kit.command("node");
    node.current_dir(place.e2e()).arg("bench/page.mjs");
    node.env("BASE_URL", stack.url())
        .env("OPERATOR_TOKEN", state.operator_token())
        .env("ACTIVATION_CODE", &order.activation_code)
        .env("STATED", stated.to_string())
        .env("CHROMIUM", &kit.browser()?.program);
    if let Some(data) = vectors::folder() {
        node.env("PROFILE", data.join(PROFILE));
    }
    process::run(&mut node)?;
    stack.stop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_where_it_is_stated() {
        assert_eq!(stated("- **Size**: a first use of the page is some 725 kB over the wire"), Some(725));
        assert_eq!(stated("a first use of the page is some kB"), None);
        assert_eq!(stated(""), None);
        let limits = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md");
        assert!(stated(&fs::read_to_string(limits).unwrap()).is_some());
    }
}
