//! Common mutual authentication: eUICC information, `AuthenticateServer`
//! (SGP.22 §3.0.1, §5.7.7, §5.7.8, §5.7.13).

use tlv::{Error, Fields, Tag, Tlv, Writer};

use crate::codes::AuthenticateErrorCode;
use crate::components::{TRANSACTION_ID, error_code, transaction_id};
use crate::ids::{CiPkId, MatchingId, TransactionId, Version};
use crate::metadata::PprIds;
use crate::raw::{DataObject, Raw};

const SIGNATURE: Tag = Tag(0x5F37);

/// An ECDSA signature as every interface carries it: `5F37 40 r ‖ s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Reads the whole TLV. Only the one form of DER is taken, because the TLV
    /// with its head is itself input of the next signature.
    ///
    /// # Errors
    /// For anything but `5F37 40` and 64 bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let tlv = Tlv::single_of(bytes, SIGNATURE)?;
        Self::from_tlv(&tlv)
    }

    pub(crate) fn from_tlv(tlv: &Tlv<'_>) -> Result<Self, Error> {
        if tlv.raw.len() == 67 { tlv.array().map(Self) } else { Err(Error::Value(SIGNATURE)) }
    }

    /// The whole TLV.
    #[must_use]
    pub fn to_tlv(&self) -> Vec<u8> {
        tlv::encode(SIGNATURE, &self.0)
    }

    pub(crate) fn required(fields: &mut Fields<'_>) -> Result<Self, Error> {
        Self::from_tlv(&fields.required(SIGNATURE)?)
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.tlv(SIGNATURE, &self.0);
    }
}

/// An X.509 certificate as DER, kept as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(Vec<u8>);

impl Certificate {
    /// From DER: one `SEQUENCE`. What is inside is for the certificate rules.
    ///
    /// # Errors
    /// When the bytes are not exactly one `SEQUENCE`.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        Tlv::single_of(bytes, Tag::SEQUENCE).map(|tlv| Self(tlv.raw.to_vec()))
    }

    /// The DER bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn required(fields: &mut Fields<'_>) -> Result<Self, Error> {
        fields.required(Tag::SEQUENCE).map(|tlv| Self(tlv.raw.to_vec()))
    }
}

fn version(tlv: &Tlv<'_>) -> Result<Version, Error> {
    tlv.array().map(Version)
}

fn ci_list(tlv: &Tlv<'_>) -> Result<Vec<CiPkId>, Error> {
    let mut list = Vec::new();
    let mut reader = tlv.reader();
    while let Some(item) = reader.next()? {
        if item.tag == Tag::OCTET_STRING {
            list.push(CiPkId::from_bytes(item.value).map_err(|_| Error::Value(item.tag))?);
        }
    }
    Ok(list)
}

fn write_ci_list(w: &mut Writer, tag: Tag, list: &[CiPkId]) {
    w.nested(tag, |w| {
        for id in list {
            w.tlv(Tag::OCTET_STRING, id.as_bytes());
        }
    });
}

/// What anybody may know of an eUICC before it authenticates (`EUICCInfo1`, `BF20`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EuiccInfo1 {
    /// SGP.22 version supported.
    pub svn: Version,
    /// CI keys that the eUICC can verify chains with, in its order of preference.
    pub ci_pk_ids_for_verification: Vec<CiPkId>,
    /// CI keys under which the eUICC has a certificate, in its order of preference.
    pub ci_pk_ids_for_signing: Vec<CiPkId>,
}

impl EuiccInfo1 {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF20);
}

impl DataObject for EuiccInfo1 {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            svn: version(&fields.required(Tag(0x82))?)?,
            ci_pk_ids_for_verification: ci_list(&fields.required(Tag(0xA9))?)?,
            ci_pk_ids_for_signing: ci_list(&fields.required(Tag(0xAA))?)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(Tag(0x82), &self.svn.0);
            write_ci_list(w, Tag(0xA9), &self.ci_pk_ids_for_verification);
            write_ci_list(w, Tag(0xAA), &self.ci_pk_ids_for_signing);
        });
        w.finish()
    }
}

/// Free resources of the card (ETSI TS 102 226 §8.2.1.7.2): inside
/// `extCardResource`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtCardResource {
    /// Installed applications.
    pub installed_applications: u32,
    /// Free non-volatile memory in bytes.
    pub free_non_volatile_memory: u32,
    /// Free volatile memory in bytes.
    pub free_volatile_memory: u32,
}

/// What an eUICC tells of itself under its signature (`EUICCInfo2`, `BF22`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EuiccInfo2 {
    /// Version of the profile package format supported.
    pub profile_version: Version,
    /// SGP.22 version supported.
    pub svn: Version,
    /// Firmware of the eUICC.
    pub firmware_version: Version,
    /// Resources.
    pub ext_card_resource: ExtCardResource,
    /// `UICCCapability` bits, bit 0 most significant.
    pub uicc_capability: u32,
    /// Java Card API version, where there is one.
    pub ts102241_version: Option<Version>,
    /// GlobalPlatform version.
    pub globalplatform_version: Option<Version>,
    /// `RspCapability` bits, bit 0 most significant.
    pub rsp_capability: u32,
    /// As in [`EuiccInfo1`].
    pub ci_pk_ids_for_verification: Vec<CiPkId>,
    /// As in [`EuiccInfo1`].
    pub ci_pk_ids_for_signing: Vec<CiPkId>,
    /// 0 other, 1 basic, 2 medium, 3 contactless.
    pub category: Option<u32>,
    /// Profile policy rules that this eUICC never takes.
    pub forbidden_profile_policy_rules: PprIds,
    /// Protection profile version.
    pub pp_version: Version,
    /// Accreditation number of the production site.
    pub sas_accreditation_number: String,
}

impl EuiccInfo2 {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF22);
}

impl DataObject for EuiccInfo2 {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        let profile_version = version(&fields.required(Tag(0x81))?)?;
        let svn = version(&fields.required(Tag(0x82))?)?;
        let firmware_version = version(&fields.required(Tag(0x83))?)?;
        let mut resource = fields.required(Tag(0x84))?.fields();
        let mut count = |tag| resource.optional(tag)?.map_or(Ok(0), |tlv| unsigned_octets(&tlv));
        let ext_card_resource = ExtCardResource {
            installed_applications: count(Tag(0x81))?,
            free_non_volatile_memory: count(Tag(0x82))?,
            free_volatile_memory: count(Tag(0x83))?,
        };
        Ok(Self {
            profile_version,
            svn,
            firmware_version,
            ext_card_resource,
            uicc_capability: fields.required(Tag(0x85))?.bits()?,
            ts102241_version: fields.optional(Tag(0x86))?.as_ref().map(version).transpose()?,
            globalplatform_version: fields.optional(Tag(0x87))?.as_ref().map(version).transpose()?,
            rsp_capability: fields.required(Tag(0x88))?.bits()?,
            ci_pk_ids_for_verification: ci_list(&fields.required(Tag(0xA9))?)?,
            ci_pk_ids_for_signing: ci_list(&fields.required(Tag(0xAA))?)?,
            category: fields.optional(Tag(0x8B))?.map(|tlv| tlv.unsigned()).transpose()?,
            forbidden_profile_policy_rules: PprIds::optional(&mut fields)?,
            pp_version: version(&fields.required(Tag::OCTET_STRING)?)?,
            sas_accreditation_number: fields.required(Tag::UTF8_STRING)?.text()?.to_owned(),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(Tag(0x81), &self.profile_version.0);
            w.tlv(Tag(0x82), &self.svn.0);
            w.tlv(Tag(0x83), &self.firmware_version.0);
            w.nested(Tag(0x84), |w| {
                let resource = &self.ext_card_resource;
                w.tlv(Tag(0x81), &[resource.installed_applications.min(255) as u8]);
                w.tlv(Tag(0x82), &resource.free_non_volatile_memory.to_be_bytes());
                w.tlv(Tag(0x83), &resource.free_volatile_memory.to_be_bytes());
            });
            w.bits(Tag(0x85), self.uicc_capability);
            w.optional(Tag(0x86), self.ts102241_version.as_ref().map(|v| &v.0[..]));
            w.optional(Tag(0x87), self.globalplatform_version.as_ref().map(|v| &v.0[..]));
            w.bits(Tag(0x88), self.rsp_capability);
            write_ci_list(w, Tag(0xA9), &self.ci_pk_ids_for_verification);
            write_ci_list(w, Tag(0xAA), &self.ci_pk_ids_for_signing);
            if let Some(category) = self.category {
                w.unsigned(Tag(0x8B), category);
            }
            self.forbidden_profile_policy_rules.write(w);
            w.tlv(Tag::OCTET_STRING, &self.pp_version.0);
            w.tlv(Tag::UTF8_STRING, self.sas_accreditation_number.as_bytes());
        });
        w.finish()
    }
}

/// An unsigned number as plain octets (TS 102 226: not an `INTEGER`).
fn unsigned_octets(tlv: &Tlv<'_>) -> Result<u32, Error> {
    let start = tlv.value.iter().position(|&byte| byte != 0).unwrap_or(tlv.value.len());
    match &tlv.value[start..] {
        digits if digits.len() <= 4 => Ok(digits.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte))),
        _ => Err(Error::Value(tlv.tag)),
    }
}

/// What the server signs first (`ServerSigned1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSigned1 {
    /// The session.
    pub transaction_id: TransactionId,
    /// The challenge that the eUICC gave out.
    pub euicc_challenge: [u8; 16],
    /// The address under which the server was called.
    pub server_address: String,
    /// The server's own challenge.
    pub server_challenge: [u8; 16],
}

impl DataObject for ServerSigned1 {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE)?.fields();
        Ok(Self {
            transaction_id: transaction_id(&fields.required(TRANSACTION_ID)?)?,
            euicc_challenge: fields.required(Tag(0x81))?.array()?,
            server_address: fields.required(Tag(0x83))?.text()?.to_owned(),
            server_challenge: fields.required(Tag(0x84))?.array()?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(TRANSACTION_ID, self.transaction_id.as_bytes());
            w.tlv(Tag(0x81), &self.euicc_challenge);
            w.tlv(Tag(0x83), self.server_address.as_bytes());
            w.tlv(Tag(0x84), &self.server_challenge);
        });
        w.finish()
    }
}

/// What the device tells of itself (`DeviceInfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Type allocation code: the first 8 digits of the IMEI, coded as in it.
    pub tac: [u8; 4],
    /// Highest release supported, in the order of `DeviceCapabilities`: GSM, UTRAN,
    /// cdma2000 1x, HRPD, eHRPD, E-UTRAN, contactless, RSP CRL, NR-EPC, NR-5GC,
    /// E-UTRAN-5GC.
    pub capabilities: [Option<Version>; 11],
    /// IMEI with its check digit in the high nibble of the last byte.
    pub imei: Option<[u8; 8]>,
}

impl DeviceInfo {
    fn read(tlv: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = tlv.fields();
        let tac = fields.required(Tag(0x80))?.array()?;
        let mut listed = fields.required(Tag(0xA1))?.fields();
        let mut capabilities = [None; 11];
        for (number, capability) in capabilities.iter_mut().enumerate() {
            *capability = listed.optional(Tag::context(number as u8))?.as_ref().map(version).transpose()?;
        }
        let imei = fields.optional(Tag(0x82))?.map(|tlv| tlv.array()).transpose()?;
        Ok(Self { tac, capabilities, imei })
    }

    fn write(&self, w: &mut Writer) {
        w.tlv(Tag(0x80), &self.tac);
        w.nested(Tag(0xA1), |w| {
            for (number, capability) in self.capabilities.iter().enumerate() {
                w.optional(Tag::context(number as u8), capability.as_ref().map(|v| &v.0[..]));
            }
        });
        w.optional(Tag(0x82), self.imei.as_ref().map(|imei| &imei[..]));
    }
}

/// What the LPA adds to the authentication (`CtxParams1`, the one alternative
/// that is defined: `ctxParamsForCommonAuthentication`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtxParams1 {
    /// Token of the activation code or event id; absent or empty: by EID.
    pub matching_id: Option<MatchingId>,
    /// The device.
    pub device_info: DeviceInfo,
}

impl CtxParams1 {
    const TAG: Tag = Tag(0xA0);
}

impl DataObject for CtxParams1 {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        let matching_id = match fields.optional(Tag(0x80))? {
            Some(tlv) => Some(tlv.text()?.parse().map_err(|_| Error::Value(tlv.tag))?),
            None => None,
        };
        Ok(Self { matching_id, device_info: DeviceInfo::read(&fields.required(Tag(0xA1))?)? })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.optional(Tag(0x80), self.matching_id.as_ref().map(|id| id.as_str().as_bytes()));
            w.nested(Tag(0xA1), |w| self.device_info.write(w));
        });
        w.finish()
    }
}

/// ES10b.AuthenticateServer, request (`BF38`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticateServerRequest {
    /// What the server signed.
    pub server_signed1: Raw<ServerSigned1>,
    /// Its signature, by SK.DPauth or SK.DSauth.
    pub server_signature1: Signature,
    /// The CI key that the eUICC is to use, in both directions.
    pub ci_pk_id_to_be_used: CiPkId,
    /// CERT.DPauth or CERT.DSauth.
    pub server_certificate: Certificate,
    /// Copied by the eUICC, as bytes, into what it signs.
    pub ctx_params1: Raw<CtxParams1>,
}

impl AuthenticateServerRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF38);
}

impl DataObject for AuthenticateServerRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        let server_signed1 = Raw::decode(fields.required(Tag::SEQUENCE)?.raw)?;
        let server_signature1 = Signature::required(&mut fields)?;
        let ci = fields.required(Tag::OCTET_STRING)?;
        Ok(Self {
            server_signed1,
            server_signature1,
            ci_pk_id_to_be_used: CiPkId::from_bytes(ci.value).map_err(|_| Error::Value(ci.tag))?,
            server_certificate: Certificate::required(&mut fields)?,
            ctx_params1: Raw::decode(fields.required(CtxParams1::TAG)?.raw)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.raw(self.server_signed1.bytes());
            self.server_signature1.write(w);
            w.tlv(Tag::OCTET_STRING, self.ci_pk_id_to_be_used.as_bytes());
            w.raw(self.server_certificate.der());
            w.raw(self.ctx_params1.bytes());
        });
        w.finish()
    }
}

/// What the eUICC signs first (`EuiccSigned1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EuiccSigned1 {
    /// The session.
    pub transaction_id: TransactionId,
    /// The server's address as the server signed it.
    pub server_address: String,
    /// The server's challenge.
    pub server_challenge: [u8; 16],
    /// The eUICC.
    pub euicc_info2: Raw<EuiccInfo2>,
    /// What the LPA added.
    pub ctx_params1: Raw<CtxParams1>,
}

impl DataObject for EuiccSigned1 {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE)?.fields();
        Ok(Self {
            transaction_id: transaction_id(&fields.required(TRANSACTION_ID)?)?,
            server_address: fields.required(Tag(0x83))?.text()?.to_owned(),
            server_challenge: fields.required(Tag(0x84))?.array()?,
            euicc_info2: Raw::decode(fields.required(EuiccInfo2::TAG)?.raw)?,
            ctx_params1: Raw::decode(fields.required(CtxParams1::TAG)?.raw)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(TRANSACTION_ID, self.transaction_id.as_bytes());
            w.tlv(Tag(0x83), self.server_address.as_bytes());
            w.tlv(Tag(0x84), &self.server_challenge);
            w.raw(self.euicc_info2.bytes());
            w.raw(self.ctx_params1.bytes());
        });
        w.finish()
    }
}

/// ES10b.AuthenticateServer, response (`BF38`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticateServerResponse {
    /// The server is authenticated and the eUICC authenticates itself.
    Ok(Box<AuthenticateResponseOk>),
    /// The eUICC refuses.
    Error {
        /// The session.
        transaction_id: TransactionId,
        /// Why.
        code: AuthenticateErrorCode,
    },
}

/// The eUICC's side of the mutual authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticateResponseOk {
    /// What the eUICC signed.
    pub euicc_signed1: Raw<EuiccSigned1>,
    /// Its signature, by SK.EUICC.
    pub euicc_signature1: Signature,
    /// CERT.EUICC.
    pub euicc_certificate: Certificate,
    /// CERT.EUM.
    pub eum_certificate: Certificate,
}

impl DataObject for AuthenticateServerResponse {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut choice = Tlv::single_of(bytes, AuthenticateServerRequest::TAG)?.reader();
        let tlv = choice.next()?.ok_or(Error::Missing(Tag(0xA0)))?;
        let mut fields = tlv.fields();
        match tlv.tag {
            Tag(0xA0) => Ok(Self::Ok(Box::new(AuthenticateResponseOk {
                euicc_signed1: Raw::decode(fields.required(Tag::SEQUENCE)?.raw)?,
                euicc_signature1: Signature::required(&mut fields)?,
                euicc_certificate: Certificate::required(&mut fields)?,
                eum_certificate: Certificate::required(&mut fields)?,
            }))),
            Tag(0xA1) => Ok(Self::Error {
                transaction_id: transaction_id(&fields.required(TRANSACTION_ID)?)?,
                code: AuthenticateErrorCode(error_code(&mut fields)?),
            }),
            found => Err(Error::Unexpected { expected: Tag(0xA0), found }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(AuthenticateServerRequest::TAG, |w| match self {
            Self::Ok(ok) => {
                w.nested(Tag(0xA0), |w| {
                    w.raw(ok.euicc_signed1.bytes());
                    ok.euicc_signature1.write(w);
                    w.raw(ok.euicc_certificate.der());
                    w.raw(ok.eum_certificate.der());
                });
            }
            Self::Error { transaction_id, code } => {
                w.nested(Tag(0xA1), |w| {
                    w.tlv(TRANSACTION_ID, transaction_id.as_bytes());
                    w.unsigned(Tag::INTEGER, code.0.into());
                });
            }
        });
        w.finish()
    }
}

/// Reads `GetEUICCChallenge`'s response (`BF2E { 80 16 bytes }`).
///
/// # Errors
/// When it is anything else.
pub fn decode_euicc_challenge(bytes: &[u8]) -> Result<[u8; 16], Error> {
    Tlv::single_of(bytes, EUICC_CHALLENGE)?.fields().required(Tag(0x80))?.array()
}

/// Writes `GetEUICCChallenge`'s response.
#[must_use]
pub fn encode_euicc_challenge(challenge: &[u8; 16]) -> Vec<u8> {
    Writer::new()
        .nested(EUICC_CHALLENGE, |w| {
            w.tlv(Tag(0x80), challenge);
        })
        .finish()
}

/// Tag of `GetEUICCChallenge`, request and response.
pub const EUICC_CHALLENGE: Tag = Tag(0xBF2E);
