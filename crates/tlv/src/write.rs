use crate::Tag;

/// Collects data objects with the shortest length form (DER).
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends a data object.
    pub fn tlv(&mut self, tag: Tag, value: &[u8]) -> &mut Self {
        self.head(tag, value.len());
        self.bytes.extend_from_slice(value);
        self
    }

    /// Appends a data object when there is a value for it.
    pub fn optional(&mut self, tag: Tag, value: Option<&[u8]>) -> &mut Self {
        if let Some(value) = value {
            self.tlv(tag, value);
        }
        self
    }

    /// Appends a constructed data object with what `inside` writes.
    pub fn nested(&mut self, tag: Tag, inside: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self::new();
        inside(&mut inner);
        self.tlv(tag, &inner.bytes)
    }

    /// Appends an `INTEGER` (or one under an implicit tag): two's complement,
    /// as few bytes as can be.
    pub fn unsigned(&mut self, tag: Tag, value: u32) -> &mut Self {
        let wide = [&[0][..], &value.to_be_bytes()].concat();
        let start = (0..4).find(|&i| wide[i] != 0 || wide[i + 1] & 0x80 != 0).unwrap_or(4);
        self.tlv(tag, &wide[start..])
    }

    /// Appends a `BOOLEAN`; true is `FF`.
    pub fn boolean(&mut self, tag: Tag, value: bool) -> &mut Self {
        self.tlv(tag, &[if value { 0xFF } else { 0 }])
    }

    /// Appends a `BIT STRING` of named bits, bit 0 in the most significant bit
    /// of `bits`; trailing zero bits are dropped (X.690 §11.2.2).
    pub fn bits(&mut self, tag: Tag, bits: u32) -> &mut Self {
        let used = 32 - bits.trailing_zeros().min(32);
        let octets = used.div_ceil(8) as usize;
        let mut value = vec![(octets as u32 * 8 - used) as u8];
        value.extend_from_slice(&bits.to_be_bytes()[..octets]);
        self.tlv(tag, &value)
    }

    /// Appends bytes that are data objects already.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends a tag and a length whose value follows by [`Writer::raw`].
    pub fn head(&mut self, tag: Tag, value_len: usize) -> &mut Self {
        let tag_bytes = tag.0.to_be_bytes();
        self.bytes.extend_from_slice(&tag_bytes[4 - tag.encoded_len()..]);
        if value_len < 0x80 {
            self.bytes.push(value_len as u8);
        } else {
            let length = (value_len as u64).to_be_bytes();
            let start = length.iter().position(|&byte| byte != 0).unwrap_or(7);
            self.bytes.push(0x80 | (8 - start) as u8);
            self.bytes.extend_from_slice(&length[start..]);
        }
        self
    }

    /// What has been written.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }
}

/// One data object as bytes.
#[must_use]
pub fn encode(tag: Tag, value: &[u8]) -> Vec<u8> {
    Writer::new().tlv(tag, value).finish()
}
