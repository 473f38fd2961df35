//! For tests: finds test material that other people published and that is not
//! part of this repository (profiles, certificates, a recorded session).
//!
//! It is looked for in the folder that the environment variable `ESIM_SPEC`
//! names, else in `shared/spec` beside the workspace. Tests that need a file
//! which is not there say so and pass:
//!
//! ```
//! let Some(bytes) = vectors::read("data/rsp-session/euiccInfo1.der") else { return };
//! assert_eq!(bytes[..2], [0xBF, 0x20]);
//! ```

use std::path::PathBuf;

/// The folder with the published material, where there is one.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("ESIM_SPEC") {
        return Some(PathBuf::from(folder)).filter(|folder| folder.is_dir());
    }
    // Asked when the test runs, not when it was built: checkouts may share a build.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let start = package.or_else(|| std::env::current_dir().ok())?;
    start.ancestors().map(|above| above.join("shared/spec")).find(|folder| folder.is_dir())
}

/// A file of the published material; `None`, and a line on standard error, when
/// it is not present.
#[must_use]
pub fn read(path: &str) -> Option<Vec<u8>> {
    let bytes = folder().and_then(|folder| std::fs::read(folder.join(path)).ok());
    if bytes.is_none() {
        eprintln!("skipped: not present: {path}");
    }
    bytes
}

/// Bytes from hexadecimal digits; white space is allowed.
///
/// # Panics
/// When the text is not hexadecimal: a mistake in the test itself.
#[must_use]
#[expect(clippy::panic, reason = "a mistake in the test itself")]
pub fn bytes(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    hex::decode(&digits).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}
