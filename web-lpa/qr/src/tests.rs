//! Codes drawn by crate qrcodegen, which shares nothing with the decoder, as people hold them
//! before a camera.

use qrcodegen::{QrCode, QrCodeEcc};

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const CODE: &str = "LPA:1$smdp.example.com$04386-AGYFT-A74Y8-3F815";
const LONG: &str = "LPA:1$smdp-plus.production.esim.example.com$04386-AGYFT-A74Y8-3F815-04386-AGYFT-A74Y8-3F815$1.3.6.1.4.1.31746$1";

/// White paper to draw on.
struct Paper {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

impl Paper {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, grey: vec![255; width * height] }
    }

    /// A code with its corner there, `module` pixels to a module; turned by an angle in degrees
    /// around its middle.
    fn code(mut self, text: &str, left: usize, top: usize, module: f64, angle: f64) -> Self {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let edge = f64::from(code.size()) * module;
        let (middle_x, middle_y) = (left as f64 + edge / 2.0, top as f64 + edge / 2.0);
        let (sin, cos) = angle.to_radians().sin_cos();
        for y in 0..self.height {
            for x in 0..self.width {
                let (dx, dy) = (x as f64 + 0.5 - middle_x, y as f64 + 0.5 - middle_y);
                let (along, down) = (dx * cos + dy * sin + edge / 2.0, dy * cos - dx * sin + edge / 2.0);
                if (0.0..edge).contains(&along) && (0.0..edge).contains(&down) {
                    let dark = code.get_module((along / module) as i32, (down / module) as i32);
                    self.grey[y * self.width + x] = if dark { 20 } else { 235 };
                }
            }
        }
        self
    }

    /// Dirt of that strength, the same each time.
    fn noise(mut self, strength: u8) -> Self {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        for grey in &mut self.grey {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let change = (state % (2 * u64::from(strength) + 1)) as i32 - i32::from(strength);
            *grey = (i32::from(*grey) + change).clamp(0, 255) as u8;
        }
        self
    }

    /// Light falls from the left: the right is almost dark.
    fn shade(mut self) -> Self {
        for (index, grey) in self.grey.iter_mut().enumerate() {
            let lit = 255 - 190 * (index % self.width) / self.width;
            *grey = (usize::from(*grey) * lit / 255) as u8;
        }
        self
    }

    /// A thumb on it.
    fn cover(mut self, left: usize, top: usize, edge: usize) -> Self {
        for y in top..top + edge {
            self.grey[y * self.width + left..][..edge].fill(120);
        }
        self
    }

    fn picture(self) -> Picture {
        Picture::from_grey(self.width, self.grey).unwrap()
    }
}

fn texts(picture: &Picture, effort: Effort) -> Vec<String> {
    read(picture, effort).texts
}

#[test]
fn a_code_is_read_however_it_is_held() {
    for angle in [0.0, 7.0, 45.0, 90.0, 133.0, 180.0, 270.0, 301.0] {
        let picture = Paper::new(480, 400).code(CODE, 140, 100, 6.0, angle).picture();
        assert_eq!(texts(&picture, Effort::Glance), [CODE], "{angle}°");
        assert_eq!(texts(&picture.inverted(), Effort::Glance), [CODE], "{angle}°, light on dark");
    }
}

#[test]
fn small_and_large_codes_are_read() {
    for (module, text) in [(2.0, CODE), (3.0, CODE), (2.5, CODE), (3.0, LONG), (11.0, CODE), (9.0, LONG)] {
        let edge = (60.0 * module) as usize + 80;
        let picture = Paper::new(edge, edge).code(text, 40, 40, module, 0.0).picture();
        assert_eq!(texts(&picture, Effort::Search), [text], "{module} pixels to a module");
    }
    // A module is one pixel, as in icons.
    let picture = Paper::new(45, 45).code(CODE, 6, 6, 1.0, 0.0).picture();
    assert_eq!(texts(&picture, Effort::Search), [CODE]);
    // A poster in a photograph.
    let picture = Paper::new(2400, 1800).code(CODE, 1500, 900, 5.0, 12.0).noise(20).picture();
    assert_eq!(texts(&picture, Effort::Search), [CODE]);
}

#[test]
fn dirt_and_shade_are_looked_through() {
    let drawn = || Paper::new(640, 480).code(CODE, 200, 120, 6.0, 5.0);
    assert_eq!(texts(&drawn().noise(60).picture(), Effort::Glance), [CODE]);
    assert_eq!(texts(&drawn().shade().noise(10).picture(), Effort::Glance), [CODE]);
    // A corner of the data, not of the pattern: correction makes up for it.
    assert_eq!(
        texts(
            &Paper::new(640, 480).code(CODE, 200, 120, 6.0, 0.0).cover(300, 220, 24).picture(),
            Effort::Glance
        ),
        [CODE]
    );
}

#[test]
fn every_code_of_a_picture_is_told_once() {
    let other = "https://example.com/";
    let picture = Paper::new(800, 700)
        .code(CODE, 40, 40, 6.0, 0.0)
        .code(other, 450, 60, 8.0, 0.0)
        .code(CODE, 60, 400, 6.0, 0.0)
        .picture();
    let mut found = texts(&picture, Effort::Search);
    found.sort();
    assert_eq!(found, [CODE, other]);
}

#[test]
fn a_code_that_is_covered_is_seen_but_not_read() {
    let picture = Paper::new(480, 400).code(CODE, 140, 100, 6.0, 0.0).cover(200, 160, 90).picture();
    let reading = read(&picture, Effort::Search);
    assert_eq!(reading.texts, Vec::<String>::new());
    assert!(reading.unreadable > 0);
}

#[test]
fn there_is_nothing_in_nothing() {
    let empty = Reading::default();
    for (width, height) in [(1, 1), (1, 700), (700, 1), (2, 2), (33, 17), (900, 1300)] {
        let blank = Paper::new(width, height);
        assert_eq!(read(&blank.picture(), Effort::Search), empty, "{width} × {height}");
    }
    let nothing = Picture::from_grey(5, Vec::new()).unwrap();
    assert_eq!(read(&nothing, Effort::Search), empty);
}

#[test]
fn what_is_no_picture_is_refused() {
    assert_eq!(Picture::from_grey(0, vec![1]), None);
    assert_eq!(Picture::from_grey(2, vec![1; 3]), None);
    assert_eq!(Picture::from_rgba(1, &[1; 6]), None);
    assert_eq!(Picture::from_grey(MAX_PIXELS + 1, vec![0; MAX_PIXELS + 1]), None);
    // Transparent ink is paper.
    assert_eq!(Picture::from_rgba(1, &[0, 0, 0, 0]), Picture::from_grey(1, vec![255]));
}

#[test]
fn patterns_that_mean_harm_end() {
    // A sheet of finder patterns, and noise in black and white.
    let ring = |x: usize, y: usize| {
        let (x, y) = (x % 9, y % 9);
        let edge = x.min(y).min(6_usize.saturating_sub(x)).min(6_usize.saturating_sub(y));
        x < 7 && y < 7 && edge != 1
    };
    let (width, height) = (72, 54);
    let grey = (0..width * height).map(|i| if ring(i % width, i / width) { 0 } else { 255 }).collect();
    let _ = read(&Picture::from_grey(width, grey).unwrap(), Effort::Glance);
    let mut noise = Paper::new(640, 480).noise(255);
    noise.grey.iter_mut().for_each(|grey| *grey = if *grey < 200 { 0 } else { 255 });
    let _ = read(&noise.picture(), Effort::Search);
    // Bytes that are no text.
    let bytes = QrCode::encode_binary(&[0xFF, 0xFE, 0x00, 0x80], QrCodeEcc::Low).unwrap();
    let edge = (bytes.size() as usize + 8) * 4;
    let dark = |i: usize| bytes.get_module((i % edge / 4) as i32 - 4, (i / edge / 4) as i32 - 4);
    let grey = (0..edge * edge).map(|i| if dark(i) { 0 } else { 255 }).collect();
    let texts = texts(&Picture::from_grey(edge, grey).unwrap(), Effort::Glance);
    assert_eq!(texts, ["\u{FFFD}\u{FFFD}\0\u{FFFD}"]);
}
