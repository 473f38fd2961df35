//! For tests: finds test material that other people published and that is not
//! part of this repository (profiles, certificates, a recorded session).
//!
//! It is looked for in the folder that the environment variable `ESIM_SPEC`
//! names, else in `shared/spec` beside the workspace. In a browser it is asked of
//! the server that the test runner is, which `cargo xtask test` starts in that
//! folder. Tests that need a file which is not there say so and pass:
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

/// A file of the published material; `None`, and a line on standard error (or the
/// browser's console), when it is not present.
#[must_use]
pub fn read(path: &str) -> Option<Vec<u8>> {
    #[cfg(not(target_arch = "wasm32"))]
    let bytes = folder().and_then(|folder| std::fs::read(folder.join(path)).ok());
    #[cfg(target_arch = "wasm32")]
    let bytes = browser::read(path);
    if bytes.is_none() {
        let line = format!("skipped: not present: {path}");
        #[cfg(not(target_arch = "wasm32"))]
        eprintln!("{line}");
        #[cfg(target_arch = "wasm32")]
        browser::say(&line);
    }
    bytes
}

/// Files from the server that the page with the tests came from.
#[cfg(target_arch = "wasm32")]
mod browser {
    use js_sys::{Function, JsString};
    use wasm_bindgen::{JsCast as _, JsValue};

    /// Waits for the answer, which a test that is not `async` must. Text, because a
    /// page (other than a worker) may wait for nothing else; in this encoding the low
    /// half of every character is the byte.
    const READ: &str = "
        const request = new XMLHttpRequest();
        request.open('GET', self.origin + '/' + path, false);
        request.overrideMimeType('text/plain; charset=x-user-defined');
        request.send();
        return request.status === 200 ? request.responseText : undefined;";

    pub(crate) fn read(path: &str) -> Option<Vec<u8>> {
        let answer = Function::new_with_args("path", READ).call1(&JsValue::UNDEFINED, &path.into()).ok()?;
        let text: JsString = answer.dyn_into().ok()?;
        Some(text.iter().map(|unit| unit.to_le_bytes()[0]).collect())
    }

    pub(crate) fn say(line: &str) {
        // A console that does not take the line is no reason to fail.
        let _ =
            Function::new_with_args("line", "console.warn(line)").call1(&JsValue::UNDEFINED, &line.into());
    }
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
