//! A picture as the decoder sees it: how bright each pixel is.

use crate::MAX_PIXELS;

/// A picture in shades of grey, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    grey: Vec<u8>,
}

impl Picture {
    /// Of pixels with a byte each; `None` where they do not fill whole rows, or where there
    /// are more than [`MAX_PIXELS`].
    #[must_use]
    pub fn from_grey(width: usize, grey: Vec<u8>) -> Option<Self> {
        let whole = width > 0 && grey.len().is_multiple_of(width);
        (whole && grey.len() <= MAX_PIXELS).then_some(Self { width, grey })
    }

    /// Of pixels with four bytes each, as a canvas has them; what is transparent is white.
    #[must_use]
    pub fn from_rgba(width: usize, rgba: &[u8]) -> Option<Self> {
        let (pixels, rest) = rgba.as_chunks::<4>();
        if !rest.is_empty() || pixels.len() > MAX_PIXELS {
            return None;
        }
        Self::from_grey(width, pixels.iter().map(luma).collect())
    }

    /// Pixels in a row.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.grey.len() / self.width
    }

    /// How bright a pixel is; white beyond the picture.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> u8 {
        self.grey.get(y * self.width + x).copied().unwrap_or(u8::MAX)
    }

    /// Dark where it was light.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self { width: self.width, grey: self.grey.iter().map(|grey| !grey).collect() }
    }

    /// Half as wide and half as high: each pixel is the mean of four.
    #[must_use]
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height() / 2);
        if width == 0 || height == 0 {
            return self.clone();
        }
        let mean = |x: usize, y: usize| {
            let four = [self.at(x, y), self.at(x + 1, y), self.at(x, y + 1), self.at(x + 1, y + 1)];
            let sum: u16 = four.into_iter().map(u16::from).sum();
            u8::try_from(sum / 4).unwrap_or(u8::MAX)
        };
        let row = |y: usize| (0..width).map(move |x| mean(2 * x, 2 * y));
        Self { width, grey: (0..height).flat_map(row).collect() }
    }

    /// Each pixel the mean of itself and its neighbours; the edge as it was.
    #[must_use]
    pub fn blurred(&self) -> Self {
        let (width, height) = (self.width, self.height());
        let mut grey = self.grey.clone();
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let sum: u16 = (y - 1..=y + 1)
                    .filter_map(|row| self.grey.get(row * width + x - 1..row * width + x + 2))
                    .flatten()
                    .map(|&grey| u16::from(grey))
                    .sum();
                if let Some(pixel) = grey.get_mut(y * width + x) {
                    *pixel = u8::try_from(sum / 9).unwrap_or(u8::MAX);
                }
            }
        }
        Self { width, grey }
    }

    /// Twice as wide and twice as high.
    #[must_use]
    pub fn doubled(&self) -> Self {
        let width = self.width * 2;
        let row = |y: usize| (0..width).map(move |x| self.at(x / 2, y / 2));
        Self { width, grey: (0..self.height() * 2).flat_map(row).collect() }
    }
}

/// How bright a pixel is (ITU-R BT.601), on white paper.
fn luma(&[red, green, blue, alpha]: &[u8; 4]) -> u8 {
    let colour = (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000;
    let alpha = u32::from(alpha);
    let on_paper = (colour * alpha + 255 * (255 - alpha)) / 255;
    u8::try_from(on_paper).unwrap_or(u8::MAX)
}
