//! The identity of the chip: SK.EUICC, CERT.EUICC, CERT.EUM and the public keys
//! of the Certificate Issuers (SGP.22 §2.4.3). The private key is used here and
//! read nowhere else.

use core::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use rsp::auth::{Certificate, Signature};
use rsp::{CiPkId, Eid};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{CiKey, Curve, PublicKey, Software};
use tlv::{Fields, Reader, Tag, Writer};
use zeroize::Zeroizing;

use crate::Env;
use crate::isdr::keys;
use crate::nvm::{Error, Transaction, View};

/// A certificate of the eUICC under one CI, with its private key, on that CI's
/// curve.
pub(crate) struct Credential {
    /// The CI at the root of CERT.EUM.
    pub(crate) ci: CiPkId,
    /// CERT.EUICC.
    pub(crate) euicc_certificate: Certificate,
    /// CERT.EUM.
    pub(crate) eum_certificate: Certificate,
    key: SigningKey,
}

/// Which tag a key has in the chip's memory. Chips that were made when there was
/// but one curve have the first of them.
pub(crate) const fn key_tag(curve: Curve) -> Tag {
    match curve {
        Curve::P256 => Tag(0x81),
        Curve::BrainpoolP256r1 => Tag(0x82),
    }
}

/// The curve that a tag of the memory stands for.
pub(crate) fn curve_of(tag: Tag) -> Option<Curve> {
    Curve::ALL.into_iter().find(|curve| key_tag(*curve) == tag)
}

impl Credential {
    const CI: Tag = Tag(0x80);

    pub(crate) const fn new(
        ci: CiPkId,
        key: SigningKey,
        euicc_certificate: Certificate,
        eum_certificate: Certificate,
    ) -> Self {
        Self { ci, euicc_certificate, eum_certificate, key }
    }

    /// Signs as the eUICC.
    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }

    /// The credential under a CI.
    pub(crate) fn load(view: &(impl View + ?Sized), ci: &CiPkId) -> Option<Self> {
        Self::load_all(view).find(|credential| credential.ci == *ci)
    }

    /// The one that the chip prefers.
    pub(crate) fn load_first(view: &(impl View + ?Sized)) -> Option<Self> {
        Self::load_all(view).next()
    }

    /// All of them, in the order of preference.
    pub(crate) fn load_all(view: &(impl View + ?Sized)) -> impl Iterator<Item = Self> {
        (0..).map_while(|number| Self::decode(view.get(keys::credential(number))?))
    }

    /// The CIs of all of them, in the order of preference.
    pub(crate) fn issuers(view: &(impl View + ?Sized)) -> Vec<CiPkId> {
        (0..)
            .map_while(|number| {
                let ci = Fields::new(view.get(keys::credential(number))?).required(Self::CI).ok()?;
                CiPkId::from_bytes(ci.value).ok()
            })
            .collect()
    }

    pub(crate) fn store(&self, tx: &mut Transaction<'_>, number: u32) -> Result<(), Error> {
        let mut w = Writer::new();
        w.tlv(Self::CI, self.ci.as_bytes());
        w.tlv(key_tag(self.key.curve()), &self.key.expose_scalar()[..]);
        w.raw(self.euicc_certificate.der()).raw(self.eum_certificate.der());
        tx.put(keys::credential(number), w.finish())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let ci = CiPkId::from_bytes(reader.expect(Self::CI).ok()?.value).ok()?;
        let secret = reader.next().ok()??;
        let scalar: Zeroizing<[u8; 32]> = Zeroizing::new(secret.array().ok()?);
        let key = SigningKey::from_scalar(curve_of(secret.tag)?, &scalar)?;
        let mut certificate = || Certificate::from_der(reader.expect(Tag::SEQUENCE).ok()?.raw).ok();
        let (euicc_certificate, eum_certificate) = (certificate()?, certificate()?);
        Some(Self { ci, euicc_certificate, eum_certificate, key })
    }
}

/// The EID; `None` for a chip that was not made yet.
pub(crate) fn eid(view: &(impl View + ?Sized)) -> Option<Eid> {
    Eid::from_bytes(view.get(keys::EID)?.try_into().ok()?).ok()
}

/// The CI keys that chains are verified with, in the order of preference.
pub(crate) fn ci_keys(view: &(impl View + ?Sized)) -> Vec<CiKey> {
    (0..)
        .map_while(|number| {
            let mut reader = Reader::new(view.get(keys::ci_key(number))?);
            let id = CiPkId::from_bytes(reader.expect(Tag(0x80)).ok()?.value).ok()?;
            let point = reader.next().ok()??;
            Some(CiKey::new(id, PublicKey::from_sec1(curve_of(point.tag)?, point.value)?))
        })
        .collect()
}

pub(crate) fn store_ci_key(tx: &mut Transaction<'_>, number: u32, ci: &CiKey) -> Result<(), Error> {
    let mut w = Writer::new();
    let key = ci.public_key();
    w.tlv(Tag(0x80), ci.id().as_bytes()).tlv(key_tag(key.curve()), key.as_bytes());
    tx.put(keys::ci_key(number), w.finish())
}

/// The identifier of the CI key that issued CERT.EUM.
pub(crate) fn issuer_of(eum_certificate: &rsp_crypto::Certificate) -> Option<CiPkId> {
    CiPkId::from_bytes(eum_certificate.authority_key_identifier()?.as_bytes()).ok()
}

/// The chip's cryptography, with the chance of its world.
pub(crate) fn provider(env: &mut dyn Env) -> Software<EnvRng<'_>> {
    Software::new(EnvRng(env))
}

/// [`Env::fill_random`] as the random number generator that libraries expect.
pub(crate) struct EnvRng<'a>(&'a mut dyn Env);

impl TryRng for EnvRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill_random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill_random(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_random(bytes);
        Ok(())
    }
}

impl TryCryptoRng for EnvRng<'_> {}
