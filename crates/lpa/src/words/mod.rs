//! What people read, in every language: names of stages and steps, questions, failures
//! and what to do about them.

mod code;
mod failure;
mod outcome;
pub(crate) mod refusal;
mod steps;

pub use code::{activation_code_advice, activation_code_words};
pub use steps::{cancel_words, event_words, removal_words};

use rsp::CiPkId;
use words::{Text, text};

/// A certificate issuer's key by the name that people know it by, else by its identifier.
#[must_use]
pub fn ci_words(id: &CiPkId) -> Text<String> {
    match id.to_string().to_ascii_uppercase().as_str() {
        "81370F5125D0B1D408D4C3B232E6D25E795BEBFB" => text!("GSMA's issuer (live)", "GSMAの認証局（商用）"),
        "F54172BDF98A95D65CBEB88A38A1C11D800A85C3" => {
            text!("GSMA's test issuer (SGP.26, NIST P-256)", "GSMAのテスト用認証局（SGP.26、NIST P-256）")
        }
        "C0BC70BA36929D43B467FF57570530E57AB8FCD8" => {
            text!(
                "GSMA's test issuer (SGP.26, brainpoolP256r1)",
                "GSMAのテスト用認証局（SGP.26、brainpoolP256r1）"
            )
        }
        other => {
            let short: String = other.chars().take(8).collect();
            text!("the issuer with key {short}…", "鍵が {short}… の認証局")
        }
    }
}
