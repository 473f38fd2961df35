//! QR codes (ISO/IEC 18004) as the outline of an SVG.

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of quiet zone around the code that readers need.
const QUIET: i32 = 4;

/// A code ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Modules on a side, with the quiet zone.
    pub size: i32,
    /// The dark modules, as the `d` of a `path` in a view box of `size` by `size`.
    pub path: String,
}

/// Draws a text; `None` if it is longer than a QR code can be.
#[must_use]
pub fn drawing(text: &str) -> Option<Drawing> {
    // Medium: a scratched or folded sheet still reads.
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|&x| code.get_module(x, y)).count();
            let run = i32::try_from(run).ok()?;
            if run > 0 {
                path += &format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    Some(Drawing { size: code.size() + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// The modules that an outline fills, row by row.
    fn modules(drawing: &Drawing) -> Vec<String> {
        let size = usize::try_from(drawing.size).unwrap();
        let mut rows = vec![vec![b'.'; size]; size];
        for run in drawing.path.split('M').skip(1) {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (length, rest) = rest.split_once('v').unwrap();
            assert_eq!(rest, format!("1h-{length}z"));
            let (x, y, length): (usize, usize, usize) =
                (x.parse().unwrap(), y.parse().unwrap(), length.parse().unwrap());
            rows[y][x..x + length].fill(b'#');
        }
        rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect()
    }

    #[test]
    fn a_code_is_drawn_module_by_module() {
        // The example of the standard's annex (“01234567”, version 1-M) has the patterns that
        // every code has: finders in three corners, timing lines between them.
        let rows = modules(&drawing("01234567").unwrap());
        assert_eq!(rows.len(), 21 + 8);
        let (blank, code) = (".".repeat(29), |row: usize| rows[row + 4][4..25].to_owned());
        for row in (0..4).chain(25..29) {
            assert_eq!(rows[row], blank, "the quiet zone is quiet");
        }
        let finder = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"];
        for (row, shape) in finder.into_iter().enumerate() {
            assert!(code(row).starts_with(shape) && code(row).ends_with(shape), "row {row}");
            assert!(code(row + 14).starts_with(shape), "row {}", row + 14);
        }
        assert_eq!(&code(6)[6..15], "#.#.#.#.#");
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        let longest = format!("LPA:1$smdp.example${}", "A".repeat(255));
        assert!(drawing(&longest).is_some());
        assert_eq!(drawing(&"x".repeat(3000)), None);
    }
}
