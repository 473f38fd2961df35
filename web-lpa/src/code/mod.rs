//! How an activation code gets in: from text, links, pictures and the camera.
//!
//! ```text
//!   text, link ───────────────────────────► text ──► Outcome: a code, several, or a Problem
//!   picture ──► pictures ──► reader ──► scan ──▲         │
//!   camera ──► camera ───────▲ (worker: web-lpa/qr)      ▼ shown; nothing is sent before the person
//!   parts ────────────────────────────────► parts          has confirmed what the code says
//! ```
//!
//! All of it is what anybody may have written: it is read, never followed.

pub mod link;
pub mod parts;
pub mod problem;
pub mod scan;
pub mod size;
pub mod text;

#[cfg(target_arch = "wasm32")]
pub(crate) mod camera;
#[cfg(target_arch = "wasm32")]
pub(crate) mod pictures;
#[cfg(target_arch = "wasm32")]
pub(crate) mod reader;

pub use problem::{CameraProblem, Problem};

use rsp::ActivationCode;

/// Most codes that a person is let choose from.
pub const MAX_CHOICE: usize = 8;

/// What came of looking for a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// One code.
    Code(ActivationCode),
    /// Several that differ: two at least, [`MAX_CHOICE`] at most.
    Choice(Vec<ActivationCode>),
    /// None, and why.
    Problem(Problem),
}

impl Outcome {
    /// Of the codes that were found, each once; `otherwise` where there are none.
    fn of(mut codes: Vec<ActivationCode>, otherwise: impl FnOnce() -> Problem) -> Self {
        codes.truncate(MAX_CHOICE);
        match codes.len() {
            0 => Self::Problem(otherwise()),
            1 => Self::Code(codes.remove(0)),
            _ => Self::Choice(codes),
        }
    }
}
