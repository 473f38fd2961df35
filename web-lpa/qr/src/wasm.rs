//! What the worker calls.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Effort, Picture};

/// What was read in a picture.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Reading(crate::Reading);

#[wasm_bindgen]
impl Reading {
    /// What the codes say.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.0.texts.clone()
    }

    /// How many codes were seen that can't be read.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn unreadable(&self) -> u32 {
        u32::try_from(self.0.unreadable).unwrap_or(u32::MAX)
    }
}

/// Reads a picture of four bytes for each pixel, as a canvas has it; `glance` is for frames of
/// a film. Nothing where the bytes are no such picture, or one that is too large.
#[wasm_bindgen]
#[must_use]
pub fn read(width: u32, rgba: &[u8], glance: bool) -> Option<Reading> {
    let picture = Picture::from_rgba(usize::try_from(width).ok()?, rgba)?;
    let effort = if glance { Effort::Glance } else { Effort::Search };
    Some(Reading(crate::read(&picture, effort)))
}
