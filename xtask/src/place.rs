//! Where things are: the checkout, its build directory, the tools that outlive both.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders the tasks work in.
#[derive(Clone)]
pub(crate) struct Place {
    /// The root of the checkout.
    pub(crate) root: PathBuf,
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
    /// Installed tools, one folder per tool and version, shared by all checkouts.
    pub(crate) tools: PathBuf,
}

impl Place {
    /// Finds the checkout this program was built from.
    ///
    /// `XTASK_TOOLS` names another folder for the tools than `~/.cache/xtask-tools`.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the xtask package lies in no workspace")?
            .to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |given| root.join(PathBuf::from(given)));
        let tools = match env::var_os("XTASK_TOOLS") {
            Some(given) => root.join(PathBuf::from(given)),
            None => cache().map_or_else(|| target.join("tools"), |cache| cache.join("xtask-tools")),
        };
        Ok(Self { root, target, tools })
    }

    /// Where the tasks keep what is neither cargo's nor for anybody's eyes.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The npm package with the tools and the stories.
    pub(crate) fn e2e(&self) -> PathBuf {
        self.root.join("e2e")
    }

    /// A program that npm installed.
    pub(crate) fn npm_bin(&self, name: &str) -> PathBuf {
        self.e2e().join("node_modules/.bin").join(name)
    }

    /// The folder the site is served from.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }
}

/// The user's cache folder, as the XDG specification has it.
fn cache() -> Option<PathBuf> {
    match env::var_os("XDG_CACHE_HOME") {
        Some(given) if !given.is_empty() => Some(PathBuf::from(given)),
        _ => env::home_dir().map(|home| home.join(".cache")),
    }
}
