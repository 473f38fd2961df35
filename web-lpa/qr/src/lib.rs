//! Reads QR codes in pictures.
//!
//! ```text
//!   page ──ImageBitmap──► worker (static/worker.js) ──RGBA──► this module
//!                              ◄── texts, and how many codes can't be read ──
//! ```
//!
//! A module of its own, in a worker of its own: a page that never sees a picture does not load
//! it, and a picture that takes long, or breaks the decoder, stops neither page nor chip. The
//! page ends such a worker and starts another.

mod picture;
#[cfg(target_arch = "wasm32")]
pub mod wasm;

pub use picture::Picture;

use rqrr::PreparedImage;

/// Most pixels of a picture that is looked at: the worker makes larger ones smaller.
pub const MAX_PIXELS: usize = 2600 * 2600;

/// Most codes of one picture that are told.
pub const MAX_CODES: usize = 16;

/// Below this many pixels a picture may be doubled: its modules may be a pixel or two wide.
const SMALL: usize = 640 * 640;

/// Above this many pixels a picture is looked at in half its size first.
const LARGE: usize = 1000 * 1000;

/// How long may be looked for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A frame of a film: the next one comes at once.
    Glance,
    /// A picture that there is only one of: also in other sizes.
    Search,
}

/// What was read in a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What the codes say, each once, in the order they were found. Bytes that are no UTF-8
    /// stand as U+FFFD.
    pub texts: Vec<String>,
    /// Codes that were seen, but can't be read: blurred, cut off, or covered.
    pub unreadable: usize,
}

/// Reads every code of a picture, dark on light or light on dark.
#[must_use]
pub fn read(picture: &Picture, effort: Effort) -> Reading {
    let pixels = picture.width() * picture.height();
    let mut sizes: Vec<Picture> = Vec::new();
    if effort == Effort::Search && pixels > LARGE {
        // Half the size is quick, and blurs the noise of a photograph away.
        sizes.push(picture.halved());
    }
    sizes.push(picture.clone());
    if effort == Effort::Search {
        sizes.push(if pixels <= SMALL { picture.doubled() } else { picture.halved().halved() });
    }
    let mut unreadable = 0;
    for size in sizes {
        // A little blur takes specks away, and modules of a pixel too: so it comes last.
        let blurred = size.blurred();
        for shown in [size.clone(), size.inverted(), blurred.inverted(), blurred] {
            let reading = read_once(&shown);
            if !reading.texts.is_empty() {
                return reading;
            }
            unreadable = unreadable.max(reading.unreadable);
        }
    }
    Reading { texts: Vec::new(), unreadable }
}

fn read_once(picture: &Picture) -> Reading {
    let (width, height) = (picture.width(), picture.height());
    let mut reading = Reading::default();
    if width == 0 || height == 0 {
        return reading;
    }
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.at(x, y));
    for grid in prepared.detect_grids() {
        let mut bytes = Vec::new();
        if grid.decode_to(&mut bytes).is_err() {
            reading.unreadable += 1;
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if !reading.texts.contains(&text) && reading.texts.len() < MAX_CODES {
            reading.texts.push(text);
        }
    }
    reading
}

#[cfg(test)]
mod tests;
