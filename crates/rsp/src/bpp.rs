//! The bound profile package (SGP.22 §2.5.4, §5.5): what the SM-DP+ hands out,
//! how an LPA cuts it into segments, and the ES8+ commands inside.

use core::fmt;
use core::ops::Range;

use tlv::{Error, Reader, Tag, Tlv, Writer, head};
use zeroize::Zeroizing;

use crate::auth::Signature;
use crate::components::{TRANSACTION_ID, transaction_id};
use crate::download::{ONE_TIME_PUBLIC_KEY, one_time_key};
use crate::ids::{Oid, TransactionId};
use crate::raw::DataObject;

/// `BoundProfilePackage`.
pub const BOUND_PROFILE_PACKAGE: Tag = Tag(0xBF36);
/// `firstSequenceOf87`: ConfigureISDP.
pub const FIRST_SEQUENCE_OF_87: Tag = Tag(0xA0);
/// `sequenceOf88`: StoreMetadata.
pub const SEQUENCE_OF_88: Tag = Tag(0xA1);
/// `secondSequenceOf87`: ReplaceSessionKeys.
pub const SECOND_SEQUENCE_OF_87: Tag = Tag(0xA2);
/// `sequenceOf86`: profile elements.
pub const SEQUENCE_OF_86: Tag = Tag(0xA3);

/// The control reference template of ES8+.InitialiseSecureChannel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlRefTemplate {
    /// `88`: AES (GlobalPlatform table 11-16).
    pub key_type: u8,
    /// Key length in bytes, 16.
    pub key_len: u8,
    /// 1 to 16 bytes; part of the key derivation.
    pub host_id: Vec<u8>,
}

impl ControlRefTemplate {
    /// Key type AES.
    pub const AES: u8 = 0x88;
}

/// ES8+.InitialiseSecureChannel (`BF23`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialiseSecureChannel {
    /// 1: installBoundProfilePackage.
    pub remote_op_id: u32,
    /// The session.
    pub transaction_id: TransactionId,
    /// Key agreement parameters.
    pub control_ref_template: ControlRefTemplate,
    /// otPK.DP, 65 bytes uncompressed.
    pub smdp_otpk: [u8; 65],
    /// By SK.DPpb.
    pub smdp_sign: Signature,
    signed: Vec<u8>,
}

impl InitialiseSecureChannel {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF23);
    /// `remoteOpId` installBoundProfilePackage.
    pub const INSTALL_BOUND_PROFILE_PACKAGE: u32 = 1;

    /// What `smdpSign` covers, before otPK.EUICC's TLV is appended: the bytes of
    /// all components but the signature.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        &self.signed
    }

    /// The components in front of the signature, for the one who signs.
    #[must_use]
    pub fn unsigned(
        transaction_id: &TransactionId,
        crt: &ControlRefTemplate,
        smdp_otpk: &[u8; 65],
    ) -> Vec<u8> {
        let mut w = Writer::new();
        w.unsigned(Tag(0x82), Self::INSTALL_BOUND_PROFILE_PACKAGE);
        w.tlv(TRANSACTION_ID, transaction_id.as_bytes());
        w.nested(Tag(0xA6), |w| {
            w.tlv(Tag(0x80), &[crt.key_type]);
            w.tlv(Tag(0x81), &[crt.key_len]);
            w.tlv(Tag(0x84), &crt.host_id);
        });
        w.tlv(ONE_TIME_PUBLIC_KEY, smdp_otpk);
        w.finish()
    }

    /// The whole command: the components of [`Self::unsigned`] and the signature.
    #[must_use]
    pub fn assemble(unsigned: &[u8], signature: &Signature) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.raw(unsigned);
            signature.write(w);
        });
        w.finish()
    }
}

impl DataObject for InitialiseSecureChannel {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let outer = Tlv::single_of(bytes, Self::TAG)?;
        let mut fields = outer.fields();
        let remote_op_id = fields.required(Tag(0x82))?;
        let tid = fields.required(TRANSACTION_ID)?;
        let crt = fields.required(Tag(0xA6))?;
        let otpk = fields.required(ONE_TIME_PUBLIC_KEY)?;
        let mut parts = crt.fields();
        let [key_type] = parts.required(Tag(0x80))?.array()?;
        let [key_len] = parts.required(Tag(0x81))?.array()?;
        let host_id = parts.required(Tag(0x84))?;
        if !(1..=16).contains(&host_id.value.len()) {
            return Err(Error::Value(host_id.tag));
        }
        Ok(Self {
            remote_op_id: remote_op_id.unsigned()?,
            transaction_id: transaction_id(&tid)?,
            control_ref_template: ControlRefTemplate { key_type, key_len, host_id: host_id.value.to_vec() },
            smdp_otpk: one_time_key(&otpk)?,
            smdp_sign: Signature::required(&mut fields)?,
            signed: [remote_op_id.raw, tid.raw, crt.raw, otpk.raw].concat(),
        })
    }

    fn encode(&self) -> Vec<u8> {
        Self::assemble(&self.signed, &self.smdp_sign)
    }
}

/// ES8+.ConfigureISDP (`BF24`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigureIsdp {
    /// `DpProprietaryData` with its head (`B8`), at most 128 bytes.
    pub dp_proprietary_data: Option<Vec<u8>>,
}

impl ConfigureIsdp {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF24);
    const DP_PROPRIETARY_DATA: Tag = Tag(0xB8);
}

impl DataObject for ConfigureIsdp {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        let data = fields.optional(Self::DP_PROPRIETARY_DATA)?;
        if let Some(data) = data {
            let oid = data.fields().required(Tag::OID)?;
            Oid::from_der_contents(oid.value).map_err(|_| Error::Value(oid.tag))?;
            if data.raw.len() > 128 {
                return Err(Error::Value(data.tag));
            }
        }
        Ok(Self { dp_proprietary_data: data.map(|tlv| tlv.raw.to_vec()) })
    }

    fn encode(&self) -> Vec<u8> {
        tlv::encode(Self::TAG, self.dp_proprietary_data.as_deref().unwrap_or_default())
    }
}

/// ES8+.ReplaceSessionKeys (`BF26`): the profile protection keys. Neither printed
/// nor compared; gone from memory when dropped.
pub struct ReplaceSessionKeys {
    initial_mcv: Zeroizing<[u8; 16]>,
    ppk_enc: Zeroizing<[u8; 16]>,
    ppk_cmac: Zeroizing<[u8; 16]>,
}

impl ReplaceSessionKeys {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF26);

    /// From the initial MAC chaining value and the two keys.
    #[must_use]
    pub fn new(initial_mcv: [u8; 16], ppk_enc: [u8; 16], ppk_cmac: [u8; 16]) -> Self {
        Self {
            initial_mcv: Zeroizing::new(initial_mcv),
            ppk_enc: Zeroizing::new(ppk_enc),
            ppk_cmac: Zeroizing::new(ppk_cmac),
        }
    }

    /// Reads the command.
    ///
    /// # Errors
    /// When a component is absent or not 16 bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self::new(
            fields.required(Tag(0x80))?.array()?,
            fields.required(Tag(0x81))?.array()?,
            fields.required(Tag(0x82))?.array()?,
        ))
    }

    /// The command's bytes, keys included.
    #[must_use]
    pub fn expose_encoded(&self) -> Zeroizing<Vec<u8>> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(Tag(0x80), &self.initial_mcv[..]);
            w.tlv(Tag(0x81), &self.ppk_enc[..]);
            w.tlv(Tag(0x82), &self.ppk_cmac[..]);
        });
        Zeroizing::new(w.finish())
    }

    /// Initial MAC chaining value, PPK-ENC, PPK-CMAC.
    #[must_use]
    pub fn expose_keys(&self) -> (&[u8; 16], &[u8; 16], &[u8; 16]) {
        (&self.initial_mcv, &self.ppk_enc, &self.ppk_cmac)
    }
}

/// The parts of a bound profile package, each a list of whole protected TLVs
/// (`87`, `88`, `87`, `86`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundProfilePackage {
    /// `BF23` as a whole.
    pub initialise_secure_channel: Vec<u8>,
    /// `87` TLVs of ConfigureISDP.
    pub configure_isdp: Vec<Vec<u8>>,
    /// `88` TLVs of StoreMetadata.
    pub store_metadata: Vec<Vec<u8>>,
    /// `87` TLVs of ReplaceSessionKeys; empty when session keys go on.
    pub replace_session_keys: Vec<Vec<u8>>,
    /// `86` TLVs of the profile elements.
    pub profile_elements: Vec<Vec<u8>>,
}

impl DataObject for BoundProfilePackage {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Tlv::single_of(bytes, BOUND_PROFILE_PACKAGE)?.reader();
        let initialise_secure_channel = reader.expect(InitialiseSecureChannel::TAG)?.raw.to_vec();
        let configure_isdp = protected(&reader.expect(FIRST_SEQUENCE_OF_87)?, Tag(0x87))?;
        let store_metadata = protected(&reader.expect(SEQUENCE_OF_88)?, Tag(0x88))?;
        let mut next = reader.next()?.ok_or(Error::Missing(SEQUENCE_OF_86))?;
        let mut replace_session_keys = Vec::new();
        if next.tag == SECOND_SEQUENCE_OF_87 {
            replace_session_keys = protected(&next, Tag(0x87))?;
            next = reader.next()?.ok_or(Error::Missing(SEQUENCE_OF_86))?;
        }
        if next.tag != SEQUENCE_OF_86 {
            return Err(Error::Unexpected { expected: SEQUENCE_OF_86, found: next.tag });
        }
        reader.end()?;
        Ok(Self {
            initialise_secure_channel,
            configure_isdp,
            store_metadata,
            replace_session_keys,
            profile_elements: protected(&next, Tag(0x86))?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(BOUND_PROFILE_PACKAGE, |w| {
            w.raw(&self.initialise_secure_channel);
            w.tlv(FIRST_SEQUENCE_OF_87, &self.configure_isdp.concat());
            w.tlv(SEQUENCE_OF_88, &self.store_metadata.concat());
            if !self.replace_session_keys.is_empty() {
                w.tlv(SECOND_SEQUENCE_OF_87, &self.replace_session_keys.concat());
            }
            w.tlv(SEQUENCE_OF_86, &self.profile_elements.concat());
        });
        w.finish()
    }
}

fn protected(sequence: &Tlv<'_>, tag: Tag) -> Result<Vec<Vec<u8>>, Error> {
    let mut reader = sequence.reader();
    let mut list = Vec::new();
    while !reader.is_empty() {
        list.push(reader.expect(tag)?.raw.to_vec());
    }
    Ok(list)
}

/// Which part of the package a segment belongs to: what progress is told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// `BF36` head and `BF23`.
    InitialiseSecureChannel,
    /// `A0` and its `87`s.
    ConfigureIsdp,
    /// `A1` head, and its `88`s.
    StoreMetadata,
    /// `A2` and its `87`s.
    ReplaceSessionKeys,
    /// `A3` head, and its `86`s.
    ProfileElements,
}

impl fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InitialiseSecureChannel => "InitialiseSecureChannel",
            Self::ConfigureIsdp => "ConfigureISDP",
            Self::StoreMetadata => "StoreMetadata",
            Self::ReplaceSessionKeys => "ReplaceSessionKeys",
            Self::ProfileElements => "LoadProfileElements",
        })
    }
}

/// One segment: its own STORE DATA chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it belongs to.
    pub kind: SegmentKind,
    /// Its place in the bytes of the package.
    pub bytes: Range<usize>,
}

/// Cuts a bound profile package as SGP.22 §2.5.5 says. The segments follow each
/// other without gap and cover the package.
///
/// # Errors
/// When the bytes are not a bound profile package.
pub fn segments(package: &[u8]) -> Result<Vec<Segment>, Error> {
    let outer = head(package)?.ok_or(Error::Truncated)?;
    let whole = Tlv::single_of(package, BOUND_PROFILE_PACKAGE)?;
    let mut list = Vec::new();
    let mut start = 0;
    let mut at = outer.header_len;
    let mut reader = whole.reader();
    let mut expected = 0;
    while let Some(part) = reader.next()? {
        let order = [
            InitialiseSecureChannel::TAG,
            FIRST_SEQUENCE_OF_87,
            SEQUENCE_OF_88,
            SECOND_SEQUENCE_OF_87,
            SEQUENCE_OF_86,
        ];
        let place = order.iter().position(|&tag| tag == part.tag);
        let skipped_optional = expected == 3 && place == Some(4);
        let Some(place) = place.filter(|&place| place == expected || skipped_optional) else {
            return Err(Error::Unexpected { expected: order[expected.min(4)], found: part.tag });
        };
        expected = place + 1;
        let part_head = part.raw.len() - part.value.len();
        let part_end = at + part.raw.len();
        match part.tag {
            InitialiseSecureChannel::TAG => {
                list.push(Segment { kind: SegmentKind::InitialiseSecureChannel, bytes: start..part_end });
                start = part_end;
            }
            tag => {
                let (kind, inner, head_alone) = match tag {
                    FIRST_SEQUENCE_OF_87 => (SegmentKind::ConfigureIsdp, Tag(0x87), false),
                    SEQUENCE_OF_88 => (SegmentKind::StoreMetadata, Tag(0x88), true),
                    SECOND_SEQUENCE_OF_87 => (SegmentKind::ReplaceSessionKeys, Tag(0x87), false),
                    _ => (SegmentKind::ProfileElements, Tag(0x86), true),
                };
                let mut end = at + part_head;
                if head_alone {
                    list.push(Segment { kind, bytes: start..end });
                    start = end;
                }
                let mut inside = Reader::new(part.value);
                while !inside.is_empty() {
                    end += inside.expect(inner)?.raw.len();
                    list.push(Segment { kind, bytes: start..end });
                    start = end;
                }
                if start != end {
                    return Err(Error::Missing(inner));
                }
            }
        }
        at = part_end;
    }
    if expected == 5 { Ok(list) } else { Err(Error::Missing(SEQUENCE_OF_86)) }
}

/// The plaintext that a package's `88` TLVs carry, MACs cut off: the metadata as
/// the SM-DP+ will store it, readable for the LPA (SGP.22 §3.1.3.2).
///
/// # Errors
/// When the package or a segment is malformed.
pub fn readable_metadata(package: &BoundProfilePackage) -> Result<Vec<u8>, Error> {
    let mut metadata = Vec::new();
    for segment in &package.store_metadata {
        let tlv = Tlv::single_of(segment, Tag(0x88))?;
        let body = tlv.value.len().checked_sub(8).ok_or(Error::Value(tlv.tag))?;
        metadata.extend_from_slice(&tlv.value[..body]);
    }
    Ok(metadata)
}
