//! What whoever starts a chip says of it, on a command line or in JavaScript; all of it may
//! be left out.
//!
//! The identity comes from one place: a factory's JSON, the published files of SGP.26, or a
//! seed, from which the laboratory makes a PKI of its own (crate `lab`). With the same seed
//! it is the same chip, and every chip of a seed trusts the same issuer.

use core::fmt;

use rsp::{Aid, Eid};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Factory;

/// Reads a published file by its place in the folder of SGP.26; `None` where there is none.
pub type ReadFile<'a> = &'a mut dyn FnMut(&str) -> Option<Vec<u8>>;

/// What a chip shall be.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Wish {
    /// 32 digits; of a chip from a seed only.
    pub eid: Option<String>,
    /// 64 hexadecimal digits are the seed; of any other text it is the SHA-256. Not a secret
    /// to rely on: without one, every chip is made from the seed of the empty text.
    pub seed: Option<String>,
    /// Non-volatile memory in bytes.
    pub memory: Option<u32>,
    /// AID of the ISD-R, hexadecimal.
    pub isdr_aid: Option<String>,
    /// Whether a chip from a seed or of SGP.26 comes with the laboratory's bootstrap profile,
    /// enabled. Otherwise it comes empty.
    pub bootstrap: bool,
    /// The JSON that [`Factory::from_json`] reads, for everything else.
    pub factory: Option<Value>,
}

/// Why no chip can be made so; in words that name the option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Refused {}

impl Wish {
    /// The seed in bytes.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        let text = self.seed.as_deref().unwrap_or_default();
        let mut seed = [0; 32];
        match hex::decode_to_slice(text, &mut seed) {
            Ok(()) => seed,
            Err(_) => Sha256::digest(text).into(),
        }
    }

    /// The factory that makes such a chip; `sgp26` reads the files of SGP.26 where the
    /// identity shall be that one.
    ///
    /// # Errors
    /// [`Refused`] when a wish is not what it should be, or contradicts another.
    pub fn factory(&self, sgp26: Option<ReadFile<'_>>) -> Result<Factory, Refused> {
        let refused = |because: &dyn fmt::Display| Refused(because.to_string());
        let json = match (&self.factory, sgp26) {
            (Some(_), Some(_)) => return Err(Refused("give a factory or SGP.26's files, not both".into())),
            (Some(given), None) => {
                self.seedless("factory")?;
                given.clone()
            }
            (None, Some(read)) => {
                self.seedless("sgp26")?;
                let trust =
                    lab::Trust::sgp26(read).map_err(|error| refused(&format_args!("sgp26: {error}")))?;
                self.preloaded(trust.chip_identity(&lab::Subscription::provisioning(&self.seed())))
            }
            (None, None) => {
                let made = lab::chip::chip(self.seed(), self.eid()?).map_err(|error| refused(&error))?;
                self.preloaded(made)
            }
        };
        let mut factory = Factory::from_json(json.to_string().as_bytes()).map_err(|error| refused(&error))?;
        factory.memory = self.memory.unwrap_or(factory.memory);
        if let Some(aid) = &self.isdr_aid {
            let parsed = hex::decode(aid).ok().and_then(|aid| Aid::from_bytes(&aid).ok());
            factory.isdr_aid =
                parsed.ok_or_else(|| Refused("isdrAid: an AID is 5 to 16 bytes in hexadecimal".into()))?;
        }
        Ok(factory)
    }

    /// The EID that is wished for.
    ///
    /// # Errors
    /// When it is none.
    pub fn eid(&self) -> Result<Option<Eid>, Refused> {
        let Some(text) = &self.eid else { return Ok(None) };
        // Test EIDs do not always keep the rule of the check digits.
        text.parse().map(Some).map_err(|error| Refused(format!("eid: {error}")))
    }

    /// The EID of these identities is in a certificate that somebody else signed.
    fn seedless(&self, source: &str) -> Result<(), Refused> {
        let given = [("eid", self.eid.is_some()), ("seed", self.seed.is_some())];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(Refused(format!("{name}: the identity comes from {source} already"))),
            None => Ok(()),
        }
    }

    fn preloaded(&self, mut made: Value) -> Value {
        if !self.bootstrap
            && let Some(fields) = made.as_object_mut()
        {
            fields.remove("preloaded");
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::BenchEnv;
    use crate::nvm::{Medium as _, MemoryMedium};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn wish(json: &str) -> Wish {
        serde_json::from_str(json).unwrap()
    }

    fn why(json: &str) -> String {
        wish(json).factory(None).err().unwrap().to_string()
    }

    #[test]
    fn a_chip_needs_no_wish_and_is_the_same_every_time() {
        let made = || {
            let factory = Wish::default().factory(None).unwrap();
            factory.manufacture(BenchEnv::new(MemoryMedium::new())).unwrap().into_env().medium
        };
        let (mut one, mut other) = (made(), made());
        assert_eq!(one.load(), other.load());
        assert_eq!(crate::resident(&mut one).unwrap().unwrap().to_string(), lab::EID);
    }

    #[test]
    fn an_eid_may_be_chosen_and_the_certificate_says_it() {
        // The EID of SGP.26's chip.
        let eid = "89049032123451234512345678901235";
        let factory = wish(&format!(r#"{{"eid":"{eid}","seed":"x"}}"#)).factory(None).unwrap();
        assert_eq!(factory.eid.to_string(), eid);
        let certificate =
            rsp_crypto::Certificate::from_der(&factory.identities[0].euicc_certificate).unwrap();
        assert_eq!(certificate.eid(), Some(factory.eid));
        assert!(factory.preloaded.is_empty());
        assert_eq!(wish(r#"{"bootstrap":true}"#).factory(None).unwrap().preloaded.len(), 1);
    }

    #[test]
    fn a_seed_is_64_digits_or_any_text() {
        let digits = "00".repeat(31) + "07";
        assert_eq!(wish(&format!(r#"{{"seed":"{digits}"}}"#)).seed()[31], 7);
        // SHA-256 of "abc" (FIPS 180-2 appendix B.1).
        assert_eq!(
            hex::encode(wish(r#"{"seed":"abc"}"#).seed()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_cannot_be_is_told_by_its_name() {
        assert!(why(r#"{"eid":"89"}"#).starts_with("eid:"));
        assert!(why(r#"{"isdrAid":"A0"}"#).starts_with("isdrAid:"));
        assert!(why(r#"{"factory":{},"seed":"x"}"#).starts_with("seed:"));
        assert!(why(r#"{"factory":{}}"#).contains("missing field"));
        assert!(serde_json::from_str::<Wish>(r#"{"sead":"x"}"#).is_err());
        let mut nothing = |_: &str| None;
        assert!(Wish::default().factory(Some(&mut nothing)).err().unwrap().to_string().starts_with("sgp26:"));
    }

    #[test]
    fn the_published_identity_is_taken_from_its_files() {
        if vectors::read("data/sgp26-certs/README.md").is_none() {
            return;
        }
        let mut read = |name: &str| vectors::read(&format!("data/sgp26-certs/{name}"));
        let factory = wish(r#"{"memory":70000}"#).factory(Some(&mut read)).unwrap();
        assert_eq!(factory.eid.to_string(), "89049032123451234512345678901235");
        assert_eq!(factory.memory, 70_000);
    }
}
