use crate::{Error, Tag};

/// The tag and length in front of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The tag.
    pub tag: Tag,
    /// Bytes taken by tag and length.
    pub header_len: usize,
    /// Bytes of the value, as announced.
    pub value_len: usize,
}

impl Head {
    /// Bytes of the whole data object.
    #[must_use]
    pub const fn total_len(&self) -> usize {
        self.header_len + self.value_len
    }
}

/// Reads the tag and length at the start of `bytes`; the value need not be
/// there yet. `Ok(None)`: more bytes are needed to tell.
///
/// # Errors
/// [`Error::TagTooLong`] or [`Error::Length`] for a head that no further byte
/// can make right.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, Error> {
    let Some(tag) = tag(bytes)? else {
        return Ok(None);
    };
    let mut at = tag.encoded_len();
    let Some(&length) = bytes.get(at) else {
        return Ok(None);
    };
    at += 1;
    let value_len = if length < 0x80 {
        usize::from(length)
    } else {
        let count = usize::from(length & 0x7F);
        if count == 0 || count > 4 {
            return Err(Error::Length);
        }
        let Some(field) = bytes.get(at..at + count) else {
            return Ok(None);
        };
        at += count;
        let long = field.iter().fold(0u32, |sum, &byte| sum << 8 | u32::from(byte));
        // Half the address space of the smallest target: sums of a header and
        // a length can then not overflow.
        usize::try_from(long).ok().filter(|&n| n <= 0x3FFF_FFFF).ok_or(Error::Length)?
    };
    Ok(Some(Head { tag, header_len: at, value_len }))
}

/// Reads the tag at the start of `bytes`, as in a head or in a tag list.
/// `Ok(None)`: more bytes are needed to tell.
///
/// # Errors
/// [`Error::TagTooLong`].
pub fn tag(bytes: &[u8]) -> Result<Option<Tag>, Error> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let mut tag = u32::from(first);
    if first & 0x1F != 0x1F {
        return Ok(Some(Tag(tag)));
    }
    for &next in rest.iter().take(2) {
        tag = tag << 8 | u32::from(next);
        if next & 0x80 == 0 {
            return Ok(Some(Tag(tag)));
        }
    }
    if rest.len() < 2 { Ok(None) } else { Err(Error::TagTooLong) }
}

/// One data object and the bytes it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The tag.
    pub tag: Tag,
    /// The value.
    pub value: &'a [u8],
    /// Tag, length and value, exactly as received: what signatures cover.
    pub raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// Reads a buffer that holds exactly one data object.
    ///
    /// # Errors
    /// When it does not, or when bytes follow.
    pub fn single(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let tlv = reader.next()?.ok_or(Error::Truncated)?;
        reader.end()?;
        Ok(tlv)
    }

    /// Reads a buffer that holds exactly one data object with this tag.
    ///
    /// # Errors
    /// When it holds another one, none, or more.
    pub fn single_of(bytes: &'a [u8], tag: Tag) -> Result<Self, Error> {
        let tlv = Self::single(bytes)?;
        if tlv.tag == tag { Ok(tlv) } else { Err(Error::Unexpected { expected: tag, found: tlv.tag }) }
    }

    /// A reader over the data objects inside.
    #[must_use]
    pub const fn reader(&self) -> Reader<'a> {
        Reader::new(self.value)
    }

    /// The fields inside, as of a `SEQUENCE`.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        Fields::new(self.value)
    }

    /// The value as an `INTEGER` of 0 to 2³²−1 (two's complement on the wire).
    ///
    /// # Errors
    /// [`Error::Value`] when empty, negative or larger.
    pub fn unsigned(&self) -> Result<u32, Error> {
        let bad = Error::Value(self.tag);
        let (&first, _) = self.value.split_first().ok_or(bad)?;
        if first & 0x80 != 0 {
            return Err(bad);
        }
        let start = self.value.iter().position(|&byte| byte != 0).unwrap_or(self.value.len());
        let digits = &self.value[start..];
        if digits.len() > 4 {
            return Err(bad);
        }
        Ok(digits.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    /// The value as a `BOOLEAN`; any non-zero byte is true.
    ///
    /// # Errors
    /// [`Error::Value`] when it is not one byte.
    pub fn boolean(&self) -> Result<bool, Error> {
        match self.value {
            [byte] => Ok(*byte != 0),
            _ => Err(Error::Value(self.tag)),
        }
    }

    /// The value as UTF-8 text.
    ///
    /// # Errors
    /// [`Error::Value`] when it is not UTF-8.
    pub fn text(&self) -> Result<&'a str, Error> {
        core::str::from_utf8(self.value).map_err(|_| Error::Value(self.tag))
    }

    /// The value as an array of exactly `N` bytes.
    ///
    /// # Errors
    /// [`Error::Value`] for any other length.
    pub fn array<const N: usize>(&self) -> Result<[u8; N], Error> {
        self.value.try_into().map_err(|_| Error::Value(self.tag))
    }

    /// The first 32 named bits of a `BIT STRING`: bit 0 of the standard is the
    /// most significant bit of the result. Unused bits read as zero.
    ///
    /// # Errors
    /// [`Error::Value`] without the octet that counts the unused bits, or when
    /// that count is impossible.
    pub fn bits(&self) -> Result<u32, Error> {
        let bad = Error::Value(self.tag);
        let (&unused, octets) = self.value.split_first().ok_or(bad)?;
        if unused > 7 || (octets.is_empty() && unused != 0) {
            return Err(bad);
        }
        let mut bits = 0;
        for (index, &octet) in octets.iter().take(4).enumerate() {
            let last = index + 1 == octets.len();
            let kept = if last { octet & (0xFF << unused) } else { octet };
            bits |= u32::from(kept) << (24 - 8 * index);
        }
        Ok(bits)
    }
}

/// Walks data objects one after another.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next data object; `None` at the end.
    ///
    /// # Errors
    /// When the bytes that are left are not a data object.
    #[expect(
        clippy::should_implement_trait,
        reason = "a fallible walk; `Iterator` would hide the error at the end"
    )]
    pub fn next(&mut self) -> Result<Option<Tlv<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let head = head(self.rest)?.ok_or(Error::Truncated)?;
        let raw = self.rest.get(..head.total_len()).ok_or(Error::Truncated)?;
        self.rest = &self.rest[head.total_len()..];
        Ok(Some(Tlv { tag: head.tag, value: &raw[head.header_len..], raw }))
    }

    /// The next data object, which must have this tag.
    ///
    /// # Errors
    /// [`Error::Missing`] at the end, [`Error::Unexpected`] for another tag.
    pub fn expect(&mut self, tag: Tag) -> Result<Tlv<'a>, Error> {
        let tlv = self.next()?.ok_or(Error::Missing(tag))?;
        if tlv.tag == tag { Ok(tlv) } else { Err(Error::Unexpected { expected: tag, found: tlv.tag }) }
    }

    /// Asserts that everything has been read.
    ///
    /// # Errors
    /// [`Error::Trailing`] when not.
    pub const fn end(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Trailing) }
    }
}

/// The components of an extensible `SEQUENCE`, asked for in the order of the
/// definition: data objects that are not asked for are skipped, as
/// `EXTENSIBILITY IMPLIED` demands.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    reader: Reader<'a>,
}

impl<'a> Fields<'a> {
    /// Over the value of a constructed data object.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self { reader: Reader::new(value) }
    }

    /// The next component with this tag, at or after the place reached. When
    /// there is none the place stays, so that later components are still found.
    ///
    /// # Errors
    /// When the bytes on the way are not data objects.
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Tlv<'a>>, Error> {
        let mut ahead = self.reader;
        while let Some(tlv) = ahead.next()? {
            if tlv.tag == tag {
                self.reader = ahead;
                return Ok(Some(tlv));
            }
        }
        Ok(None)
    }

    /// As [`Fields::optional`], for a mandatory component.
    ///
    /// # Errors
    /// [`Error::Missing`] when it is absent.
    pub fn required(&mut self, tag: Tag) -> Result<Tlv<'a>, Error> {
        self.optional(tag)?.ok_or(Error::Missing(tag))
    }
}
