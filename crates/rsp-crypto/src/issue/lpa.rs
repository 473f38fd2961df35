//! A CA of LPAs: no part of SGP.22, for servers that admit certified LPAs only.

use rand_core::CryptoRng;

use super::{Attribute, File, Identity, PkiError, Shape, Template, Validity, file_pair, serial};
use crate::software::SigningKey;
use crate::{Curve, Role};

/// A CA of LPAs and one LPA under it.
#[derive(Clone)]
pub struct LpaPki {
    /// The CA.
    pub ca: Identity,
    /// An LPA.
    pub lpa: Identity,
}

impl LpaPki {
    /// Makes keys and certificates. The same `rng` state makes the same ones.
    ///
    /// # Errors
    /// When `validity` cannot be written.
    pub fn generate(rng: &mut impl CryptoRng, curve: Curve, validity: Validity) -> Result<Self, PkiError> {
        let key = SigningKey::generate(curve, rng);
        let ca = template(rng, Shape::LpaIssuer, "Test LPA CA", validity);
        let ca = Identity::new(ca.self_sign(&key)?, key)?;
        let lpa = template(rng, Shape::Lpa, "Test LPA", validity);
        let lpa = ca.issue_with_new_key(rng, &lpa)?;
        Ok(Self { ca, lpa })
    }

    /// One more LPA of the CA.
    ///
    /// # Errors
    /// When `validity` cannot be written.
    pub fn issue_lpa(
        &self,
        rng: &mut impl CryptoRng,
        name: &str,
        validity: Validity,
    ) -> Result<Identity, PkiError> {
        let lpa = template(rng, Shape::Lpa, name, validity);
        self.ca.issue_with_new_key(rng, &lpa)
    }

    /// As files: `CERT_name.der` and `SK_name.pem` (PKCS#8) for `LPA_CA` and `LPA`.
    ///
    /// # Errors
    /// [`PkiError::Key`] never happens for keys made here.
    pub fn expose_files(&self) -> Result<Vec<File>, PkiError> {
        let pairs = [file_pair("LPA_CA", &self.ca)?, file_pair("LPA", &self.lpa)?];
        Ok(pairs.into_iter().flatten().collect())
    }
}

fn template(rng: &mut impl CryptoRng, shape: Shape, name: &str, validity: Validity) -> Template {
    Template {
        serial: serial(rng),
        subject: vec![Attribute::Organization("RSPTEST".into()), Attribute::CommonName(name.into())],
        validity,
        // Not written in these shapes.
        role: Role::Ci,
        shape,
        registered_id: None,
        revocation_lists: Vec::new(),
    }
}
