//! How large a picture says it is, before a browser unpacks it: a file of a few kilobytes can
//! stand for gigabytes of pixels.

/// The largest file that is opened, in bytes.
pub const MAX_FILE: f64 = 32.0 * 1024.0 * 1024.0;

/// How much of a file is looked at, in bytes: cameras put a preview before the size.
pub const HEAD: i32 = 256 * 1024;

/// Most pixels that a browser is asked to unpack: more than any phone's camera has.
const MAX_PIXELS: u64 = 128 * 1_000_000;

/// Width and height, in pixels, of a PNG, a GIF, a BMP, a WebP or a JPEG by its first bytes;
/// `None` for what is none of these or does not say.
#[must_use]
pub fn of(head: &[u8]) -> Option<[u32; 2]> {
    let big = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let little = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let short = |at: usize| Some(u32::from(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?)));
    if head.starts_with(b"\x89PNG\r\n\x1A\n") {
        // IHDR is the first chunk (PNG §5.6).
        Some([big(16)?, big(20)?])
    } else if head.starts_with(b"GIF8") {
        Some([short(6)?, short(8)?])
    } else if head.starts_with(b"BM") {
        // A negative height counts from the top.
        Some([little(18)?, little(22)?.cast_signed().unsigned_abs()])
    } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        match head.get(12..16)? {
            b"VP8X" => Some([(little(24)? & 0xFF_FFFF) + 1, (little(26)? >> 8) + 1]),
            b"VP8 " => Some([short(26)? & 0x3FFF, short(28)? & 0x3FFF]),
            b"VP8L" => {
                let bits = little(21)?;
                Some([(bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1])
            }
            _ => None,
        }
    } else if head.starts_with(&[0xFF, 0xD8]) {
        jpeg(head)
    } else {
        None
    }
}

/// Walks the segments of a JPEG (ITU-T T.81 §B.2) to the frame header.
fn jpeg(head: &[u8]) -> Option<[u32; 2]> {
    let mut at = 2;
    loop {
        let [0xFF, marker, rest @ ..] = head.get(at..)? else { return None };
        // Fill bytes stand before a marker; these have no length.
        if matches!(marker, 0xFF | 0x01 | 0xD0..=0xD7) {
            at += if *marker == 0xFF { 1 } else { 2 };
            continue;
        }
        let short = |at: usize| Some(u32::from(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?)));
        // A frame header, whatever the coding: length, precision, lines, samples in a line.
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            return Some([short(5)?, short(3)?]);
        }
        at += 2 + usize::try_from(short(0)?).ok()?.max(2);
    }
}

/// Whether a picture of that size is not opened.
#[must_use]
pub fn is_too_large([width, height]: [u32; 2]) -> bool {
    u64::from(width) * u64::from(height) > MAX_PIXELS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The first bytes of white pictures as Pillow writes them: PNG, GIF, BMP, WebP (without
    /// loss, with loss, with Exif), JPEG.
    const SAMPLES: [(&str, [u32; 2]); 7] = [
        ("89504e470d0a1a0a0000000d494844520000012c000000c80802000000ddbd4b02", [300, 200]),
        ("4749463837612c01c800810000", [300, 200]),
        ("424d56bf02000000000036000000280000002c010000c800000001001800", [300, 200]),
        ("5249464624000000574542505650384c180000002f2bc1310007d0fffef7bfff010045faff9f22fa", [300, 200]),
        ("52494646a600000057454250565038209a0000007010009d012a2c01c8003ed168b153282624a2a0", [300, 200]),
        ("52494646e800000057454250565038580a000000180000002b0100c70000414c5048110000000107", [300, 200]),
        (
            "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763ffdb0043011112121815182f1a1a2f634238426363636363636363636363636363636363636363636363636363636363636363636363636363636363636363636363636363ffc000110800c8012c03",
            [300, 200],
        ),
    ];

    #[test]
    fn sizes_are_read() {
        for (head, size) in SAMPLES {
            assert_eq!(of(&hex::decode(head).unwrap()), Some(size), "{head}");
        }
    }

    #[test]
    fn what_is_cut_off_or_foreign_has_no_size() {
        for (head, _) in SAMPLES {
            let head = hex::decode(head).unwrap();
            for length in 0..10 {
                assert_eq!(of(&head[..length]), None);
            }
        }
        assert_eq!(of(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), None);
        assert_eq!(of(&[0xFF, 0xD8, 0x00]), None);
        // Segments of length nought, and markers without end.
        assert_eq!(of(&[&[0xFF, 0xD8][..], &[0xFF, 0xE0, 0, 0].repeat(1000)].concat()), None);
        assert_eq!(of(&[0xFF; 5000]), None);
        let mut fill = vec![0xFF; 5000];
        fill[1] = 0xD8;
        assert_eq!(of(&fill), None);
    }

    #[test]
    fn what_no_camera_makes_is_too_large() {
        assert!(!is_too_large([12_000, 9_000]));
        assert!(is_too_large([60_000, 60_000]));
        assert!(is_too_large([u32::MAX, u32::MAX]));
    }
}
