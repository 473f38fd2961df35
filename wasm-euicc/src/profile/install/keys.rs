//! What an application authenticates with: `akaParameter`.

use saip::response::PeStatus;
use saip::{AlgoConfiguration, AlgorithmId};
use zeroize::Zeroizing;

use super::{Installer, Refusal, Step, refuse};
use crate::nvm::{SlotKey, Transaction};
use crate::uicc::aka::{Aka, AkaParameters, put_aka};
use crate::uicc::file::{File, Tree};

impl Installer {
    pub(super) fn aka(&mut self, tx: &mut Transaction<'_>, parameter: &saip::AkaParameter) -> Step {
        let Some(application) = self.applications.last() else {
            return refuse(PeStatus::INVALID_PARAMETER, "akaParameter before any application");
        };
        let directory = application.directory;
        let rules =
            aka::SqnRules::from_options(parameter.sqn_options, parameter.sqn_delta, parameter.sqn_age_limit);
        let parameters = match &parameter.configuration {
            AlgoConfiguration::Mapping { source, .. } => self.mapped(tx, source)?,
            AlgoConfiguration::Algorithm(algorithm) => {
                self.only_test_keys &= algorithm.has_test_key();
                algorithm_parameters(algorithm)?
            }
        };
        let sqn = parameter.sqn_init.as_deref().copied().unwrap_or([0; aka::IND_COUNT]);
        if aka::SqnArray::from_values(sqn, rules).is_err() {
            return refuse(PeStatus::BAD_VALUES, "sqnInit");
        }
        Ok(put_aka(tx, self.slot, directory, &Aka { parameters, rules }, &sqn)?)
    }

    /// The parameters of another application, which must have some of its own.
    fn mapped(&self, tx: &Transaction<'_>, source: &[u8]) -> Result<AkaParameters, Refusal> {
        let tree = Tree::new(tx, self.slot);
        let applications = tree.applications();
        let mut directories = applications.iter().filter_map(File::directory);
        let other = directories.find(|directory| directory.aid.as_deref() == Some(source));
        match other {
            Some(other) if tree.get(SlotKey::Sqn(other.id)).is_some() => Ok(AkaParameters::Shared(other.id)),
            _ => refuse(PeStatus::INVALID_PARAMETER, "mappingSource"),
        }
    }
}

fn algorithm_parameters(algorithm: &saip::AlgoParameter) -> Result<AkaParameters, Refusal> {
    const WRONG_LENGTH: Refusal = Refusal { status: PeStatus::BAD_VALUES, because: "length of key or opc" };
    let key = &algorithm.key;
    let opc = &algorithm.opc;
    let parameters = match algorithm.algorithm {
        AlgorithmId::Milenage => AkaParameters::Milenage {
            k: key.expose_array().ok_or(WRONG_LENGTH)?,
            opc: opc.expose_array().ok_or(WRONG_LENGTH)?,
            rotations: algorithm.rotation,
            xors: Zeroizing::new(algorithm.xoring),
        },
        AlgorithmId::Tuak => {
            let sizes = aka::TuakSizes::default();
            AkaParameters::Tuak {
                k: Zeroizing::new(key.expose_secret().to_vec()),
                topc: opc.expose_array().ok_or(WRONG_LENGTH)?,
                sizes: [sizes.res, sizes.ck, sizes.ik],
                iterations: algorithm.number_of_keccak,
            }
        }
        AlgorithmId::UsimTest => {
            /// `algorithmOptions` of the test algorithm: RES of 128 bits.
            const LONG_RES: u8 = 0x02;
            let res = if algorithm.options & LONG_RES != 0 { 16 } else { 8 };
            AkaParameters::Xor { k: key.expose_array().ok_or(WRONG_LENGTH)?, res }
        }
        AlgorithmId::Other(_) => return refuse(PeStatus::FEATURE_NOT_SUPPORTED, "algorithmID"),
    };
    if parameters.open().is_none() {
        return refuse(PeStatus::BAD_VALUES, "algoParameter");
    }
    Ok(parameters)
}
