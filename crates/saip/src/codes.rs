//! PINs and PUKs.

use tlv::{Tag, Tlv, Writer};

use crate::{Error, PeHeader, Secret};

/// `maxNumOfAttemps-retryNumLeft`: the maximum in the upper half, what is left in
/// the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often may be tried at most, 1 to 15.
    pub max: u8,
    /// How often may still be tried.
    pub left: u8,
}

impl Retry {
    /// Three of three: what a PIN has when nothing is said.
    pub const PIN: Self = Self { max: 3, left: 3 };
    /// Ten of ten: what a PUK has when nothing is said.
    pub const PUK: Self = Self { max: 10, left: 10 };

    const fn from_byte(byte: u8) -> Self {
        Self { max: byte >> 4, left: byte & 0x0F }
    }

    /// As on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.max << 4 | (self.left & 0x0F)
    }
}

/// A PIN or administrative code.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin {
    /// Key reference as in `VERIFY`: `01` PIN 1, `0A` ADM 1, `81` PIN 2.
    pub key_reference: u8,
    /// Eight bytes, digits in ASCII, `FF` after the last.
    pub value: Secret,
    /// Key reference of the PUK; without one the PIN cannot be unblocked.
    pub unblocking: Option<u8>,
    /// Bit field: b1 enabled, b2 may be changed, b3 may be disabled.
    pub attributes: u8,
    /// Attempts.
    pub retry: Retry,
}

impl Pin {
    /// What stands when nothing is said.
    pub const DEFAULT_ATTRIBUTES: u8 = 7;

    /// Whether it has to be presented from the start (b1).
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.attributes & 1 != 0
    }
}

/// Where the PINs of the current directory come from.
#[derive(Clone, PartialEq, Eq)]
pub enum PinSource {
    /// From here.
    Pins(Vec<Pin>),
    /// They are those of the DF or ADF at this path (temporary file identifier).
    SharedWith(Vec<u8>),
}

/// ```asn1
/// PE-PINCodes ::= SEQUENCE { pin-Header PEHeader,
///   pinCodes CHOICE { pinconfig SEQUENCE (SIZE (1..26)) OF PINConfiguration,
///                     filePath OCTET STRING (SIZE (0..8)) } }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PinCodes {
    /// Header.
    pub header: PeHeader,
    /// The PINs, global after the MF, local after an ADF or DF.
    pub source: PinSource,
}

impl PinCodes {
    /// The PINs defined here; none when they are shared.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        match &self.source {
            PinSource::Pins(pins) => pins,
            PinSource::SharedWith(_) => &[],
        }
    }

    pub(crate) fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let choice = fields.required(Tag(0xA1))?;
        let mut choice = choice.reader();
        let source = choice.next()?.ok_or(Error::Value("pinCodes"))?;
        let source = match source.tag {
            Tag(0xA0) => PinSource::Pins(list(&source, 26, |fields| {
                Ok(Pin {
                    key_reference: byte(fields.required(Tag(0x80))?)?,
                    value: Secret::sized(fields.required(Tag(0x81))?.value, &[8], "pinValue")?,
                    unblocking: fields.optional(Tag(0x82))?.map(byte).transpose()?,
                    attributes: optional_byte(fields, Tag(0x83), Pin::DEFAULT_ATTRIBUTES)?,
                    retry: Retry::from_byte(optional_byte(fields, Tag(0x84), Retry::PIN.byte())?),
                })
            })?),
            Tag(0x81) if source.value.len() <= 8 && source.value.len().is_multiple_of(2) => {
                PinSource::SharedWith(source.value.to_vec())
            }
            _ => return Err(Error::Value("pinCodes")),
        };
        Ok(Self { header, source })
    }

    pub(crate) fn encode_into(&self, writer: &mut Writer) {
        self.header.encode_into(writer);
        writer.nested(Tag(0xA1), |choice| match &self.source {
            PinSource::SharedWith(path) => {
                choice.tlv(Tag(0x81), path);
            }
            PinSource::Pins(pins) => {
                choice.nested(Tag(0xA0), |list| {
                    for pin in pins {
                        list.nested(Tag::SEQUENCE, |fields| {
                            fields.unsigned(Tag(0x80), u32::from(pin.key_reference));
                            fields.tlv(Tag(0x81), pin.value.expose_secret());
                            if let Some(puk) = pin.unblocking {
                                fields.unsigned(Tag(0x82), u32::from(puk));
                            }
                            if pin.attributes != Pin::DEFAULT_ATTRIBUTES {
                                fields.unsigned(Tag(0x83), u32::from(pin.attributes));
                            }
                            if pin.retry != Retry::PIN {
                                fields.unsigned(Tag(0x84), u32::from(pin.retry.byte()));
                            }
                        });
                    }
                });
            }
        });
    }
}

/// A PUK.
#[derive(Clone, PartialEq, Eq)]
pub struct Puk {
    /// Key reference that PINs name: `01` PUK 1, `81` the second PUK.
    pub key_reference: u8,
    /// Eight bytes.
    pub value: Secret,
    /// Attempts.
    pub retry: Retry,
}

/// ```asn1
/// PE-PUKCodes ::= SEQUENCE { puk-Header PEHeader, pukCodes SEQUENCE (SIZE (1..16)) OF PUKConfiguration }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PukCodes {
    /// Header.
    pub header: PeHeader,
    /// The PUKs.
    pub codes: Vec<Puk>,
}

impl PukCodes {
    pub(crate) fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let codes = list(&fields.required(Tag(0xA1))?, 16, |fields| {
            Ok(Puk {
                key_reference: byte(fields.required(Tag(0x80))?)?,
                value: Secret::sized(fields.required(Tag(0x81))?.value, &[8], "pukValue")?,
                retry: Retry::from_byte(optional_byte(fields, Tag(0x82), Retry::PUK.byte())?),
            })
        })?;
        Ok(Self { header, codes })
    }

    pub(crate) fn encode_into(&self, writer: &mut Writer) {
        self.header.encode_into(writer);
        writer.nested(Tag(0xA1), |list| {
            for puk in &self.codes {
                list.nested(Tag::SEQUENCE, |fields| {
                    fields.unsigned(Tag(0x80), u32::from(puk.key_reference));
                    fields.tlv(Tag(0x81), puk.value.expose_secret());
                    if puk.retry != Retry::PUK {
                        fields.unsigned(Tag(0x82), u32::from(puk.retry.byte()));
                    }
                });
            }
        });
    }
}

fn list<'a, T>(
    list: &Tlv<'a>,
    most: usize,
    entry: impl Fn(&mut tlv::Fields<'a>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut reader = list.reader();
    let mut entries = Vec::new();
    while let Some(tlv) = reader.next()? {
        if tlv.tag != Tag::SEQUENCE || entries.len() == most {
            return Err(Error::Value("SEQUENCE OF"));
        }
        entries.push(entry(&mut tlv.fields())?);
    }
    Ok(entries)
}

fn byte(tlv: Tlv<'_>) -> Result<u8, Error> {
    u8::try_from(tlv.unsigned()?).map_err(|_| Error::Tlv(tlv::Error::Value(tlv.tag)))
}

fn optional_byte(fields: &mut tlv::Fields<'_>, tag: Tag, otherwise: u8) -> Result<u8, Error> {
    fields.optional(tag)?.map_or(Ok(otherwise), byte)
}
