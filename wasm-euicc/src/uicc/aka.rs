//! AUTHENTICATE of a USIM or an ISIM (3GPP TS 31.102 §7.1, TS 31.103 §7.1).

use aka::{Outcome, Parameters, SqnArray, SqnRules};
use apdu::{Command, Response, StatusWord};
use zeroize::{Zeroize as _, Zeroizing};

use super::Uicc;
use super::file::Tree;
use super::select::Selection;
use crate::nvm::{Error, Key, SlotId, SlotKey, Transaction, View};

/// What a network access application authenticates with, as it stands in the
/// memory: the secrets in one value, the sequence numbers, which change, in
/// another.
pub(crate) struct Aka {
    pub(crate) parameters: AkaParameters,
    pub(crate) rules: SqnRules,
}

/// Algorithm and secrets in a form that can be stored.
pub(crate) enum AkaParameters {
    Milenage {
        k: Zeroizing<[u8; 16]>,
        opc: Zeroizing<[u8; 16]>,
        rotations: [u8; 5],
        xors: Zeroizing<[u8; 80]>,
    },
    Tuak {
        k: Zeroizing<Vec<u8>>,
        topc: Zeroizing<[u8; 32]>,
        sizes: [u8; 3],
        iterations: u8,
    },
    Xor {
        k: Zeroizing<[u8; 16]>,
        res: u8,
    },
    /// Those of another application of the profile, by its directory.
    Shared(u16),
}

impl Aka {
    /// algorithm | options delta u64+1 or 0 | age u64+1 or 0 | by algorithm
    pub(crate) fn encode(&self) -> Vec<u8> {
        let limit = |limit: Option<u64>| limit.map_or(0, |limit| limit.saturating_add(1)).to_be_bytes();
        // Large enough for every algorithm: nothing is moved, no copy left behind.
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&limit(self.rules.delta));
        bytes.extend_from_slice(&limit(self.rules.age_limit));
        match &self.parameters {
            AkaParameters::Milenage { k, opc, rotations, xors } => {
                bytes.push(1);
                bytes.extend_from_slice(&k[..]);
                bytes.extend_from_slice(&opc[..]);
                bytes.extend_from_slice(rotations);
                bytes.extend_from_slice(&xors[..]);
            }
            AkaParameters::Tuak { k, topc, sizes, iterations } => {
                bytes.push(2);
                bytes.extend_from_slice(&topc[..]);
                bytes.extend_from_slice(sizes);
                bytes.push(*iterations);
                bytes.extend_from_slice(k);
            }
            AkaParameters::Xor { k, res } => {
                bytes.push(3);
                bytes.extend_from_slice(&k[..]);
                bytes.push(*res);
            }
            AkaParameters::Shared(directory) => {
                bytes.push(0);
                bytes.extend_from_slice(&directory.to_be_bytes());
            }
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let limit = |bytes: [u8; 8]| u64::from_be_bytes(bytes).checked_sub(1);
        let (delta, rest) = bytes.split_first_chunk::<8>()?;
        let (age, rest) = rest.split_first_chunk::<8>()?;
        let rules = SqnRules { delta: limit(*delta), age_limit: limit(*age) };
        let (&algorithm, rest) = rest.split_first()?;
        let parameters = match algorithm {
            0 => AkaParameters::Shared(u16::from_be_bytes(rest.try_into().ok()?)),
            1 => {
                let (k, rest) = rest.split_first_chunk::<16>()?;
                let (opc, rest) = rest.split_first_chunk::<16>()?;
                let (rotations, rest) = rest.split_first_chunk::<5>()?;
                AkaParameters::Milenage {
                    k: Zeroizing::new(*k),
                    opc: Zeroizing::new(*opc),
                    rotations: *rotations,
                    xors: Zeroizing::new(rest.try_into().ok()?),
                }
            }
            2 => {
                let (topc, rest) = rest.split_first_chunk::<32>()?;
                let (sizes, rest) = rest.split_first_chunk::<3>()?;
                let (&iterations, k) = rest.split_first()?;
                AkaParameters::Tuak {
                    k: Zeroizing::new(k.to_vec()),
                    topc: Zeroizing::new(*topc),
                    sizes: *sizes,
                    iterations,
                }
            }
            3 => {
                let (k, rest) = rest.split_first_chunk::<16>()?;
                let [res] = *rest else { return None };
                AkaParameters::Xor { k: Zeroizing::new(*k), res }
            }
            _ => return None,
        };
        Some(Self { parameters, rules })
    }
}

impl AkaParameters {
    /// What the algorithm runs with; `None` for a reference to another
    /// application and for what no algorithm can run with.
    pub(crate) fn open(&self) -> Option<Parameters> {
        match self {
            Self::Milenage { k, opc, rotations, xors } => {
                let mut constants = [[0; 16]; 5];
                for (own, given) in constants.iter_mut().zip(xors.chunks_exact(16)) {
                    own.copy_from_slice(given);
                }
                Some(Parameters::milenage_with(**k, **opc, *rotations, constants))
            }
            Self::Tuak { k, topc, sizes: [res, ck, ik], iterations } => {
                let sizes = aka::TuakSizes { res: *res, ck: *ck, ik: *ik };
                Parameters::tuak(k, **topc, sizes, *iterations).ok()
            }
            Self::Xor { k, res } => Parameters::xor(**k, *res).ok(),
            Self::Shared(_) => None,
        }
    }
}

/// Writes what an application authenticates with, and where its sequence
/// numbers start.
pub(crate) fn put_aka(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    directory: u16,
    aka: &Aka,
    sqn: &[u64; aka::IND_COUNT],
) -> Result<(), Error> {
    tx.put(Key::Slot(slot, SlotKey::Aka(directory)), aka.encode())?;
    if !matches!(aka.parameters, AkaParameters::Shared(_)) {
        tx.put(Key::Slot(slot, SlotKey::Sqn(directory)), encode_sqn(sqn))?;
    }
    Ok(())
}

fn encode_sqn(sqn: &[u64; aka::IND_COUNT]) -> Vec<u8> {
    sqn.iter().flat_map(|seq| seq.to_be_bytes()).collect()
}

/// What the application in a directory authenticates with, and the directory
/// that holds it.
fn find<V: View + ?Sized>(tree: Tree<'_, V>, directory: u16) -> Option<(u16, Parameters, SqnArray)> {
    let mut directory = directory;
    let mut aka = Aka::decode(tree.get(SlotKey::Aka(directory))?)?;
    if let AkaParameters::Shared(other) = aka.parameters {
        directory = other;
        aka = Aka::decode(tree.get(SlotKey::Aka(directory))?)?;
    }
    let mut seq = [0; aka::IND_COUNT];
    let stored = tree.get(SlotKey::Sqn(directory))?;
    for (own, bytes) in seq.iter_mut().zip(stored.as_chunks::<8>().0) {
        *own = u64::from_be_bytes(*bytes);
    }
    let array = SqnArray::from_values(seq, aka.rules).ok()?;
    Some((directory, aka.parameters.open()?, array))
}

/// The security context that P2 asks for.
enum Context {
    Gsm,
    ThirdGeneration,
}

impl Uicc<'_> {
    pub(super) fn authenticate(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        const PIN1: u8 = 0x01;
        if command.p1 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let context = match command.p2 {
            0x80 => Context::Gsm,
            0x81 => Context::ThirdGeneration,
            // VGCS/VBS, GBA, MBMS, local key establishment.
            0x82 | 0x84 | 0x85 | 0x86 => return Err(StatusWord::CONTEXT_NOT_SUPPORTED),
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        // The command is of the application whose directory is current, or
        // above the current one.
        let opened = selection
            .application()
            .filter(|opened| selection.path().iter().any(|step| step.id == opened.directory))
            .ok_or(StatusWord::CONDITIONS)?;
        if !self.pin_satisfied(selection, PIN1) {
            return Err(StatusWord::SECURITY_STATUS);
        }
        let (directory, parameters, array) =
            find(self.tree(), opened.directory).ok_or(StatusWord::CONDITIONS)?;
        match context {
            Context::Gsm => self.gsm_context(opened.directory, &parameters, command.data),
            Context::ThirdGeneration => {
                let application = opened.directory;
                self.third_generation(application, directory, &parameters, array, command.data)
            }
        }
    }

    fn third_generation(
        &mut self,
        application: u16,
        directory: u16,
        parameters: &Parameters,
        mut array: SqnArray,
        data: &[u8],
    ) -> Result<Response, StatusWord> {
        const SUCCESS: u8 = 0xDB;
        const SYNCHRONISATION_FAILURE: u8 = 0xDC;
        const GSM_ACCESS: usize = 27;
        let [rand, autn] = challenge(data)?;
        let before = *array.values();
        match aka::authenticate(parameters, &mut array, &rand, &autn) {
            Outcome::MacFailure => {
                self.env.trace(format_args!(
                    "AUTHENTICATE: MAC-A is not the one of this key: another K or OPc, or another algorithm"
                ));
                Err(StatusWord::INCORRECT_MAC)
            }
            Outcome::SyncFailure { auts } => {
                let highest = before.iter().max().copied().unwrap_or_default();
                self.env.trace(format_args!(
                    "AUTHENTICATE: SQN is used or too far ahead; the highest SEQ accepted so far is {highest}"
                ));
                let mut answer = vec![SYNCHRONISATION_FAILURE, auts.len() as u8];
                answer.extend_from_slice(&auts);
                Ok(Response::new(answer, StatusWord::OK))
            }
            Outcome::Success { res, ck, ik, mut kc } => {
                // The number is used up before the answer is out.
                if *array.values() != before {
                    self.commit_value(SlotKey::Sqn(directory), encode_sqn(array.values()))?;
                }
                let mut answer = vec![SUCCESS];
                for part in [&res, &ck, &ik] {
                    answer.push(part.expose_bytes().len() as u8);
                    answer.extend_from_slice(part.expose_bytes());
                }
                if self.service(application, GSM_ACCESS) {
                    answer.push(kc.len() as u8);
                    answer.extend_from_slice(&kc);
                }
                kc.zeroize();
                Ok(Response::new(answer, StatusWord::OK))
            }
        }
    }

    /// SRES and Kc of the application that `selection` has open.
    pub(super) fn gsm_algorithm(&self, selection: &Selection, rand: &[u8; 16]) -> Option<aka::Gsm> {
        let (_, parameters, _) = find(self.tree(), selection.application()?.directory)?;
        Some(aka::gsm(&parameters, rand))
    }

    fn gsm_context(
        &self,
        application: u16,
        parameters: &Parameters,
        data: &[u8],
    ) -> Result<Response, StatusWord> {
        const GSM_SECURITY_CONTEXT: usize = 38;
        let [rand] = challenge(data)?;
        if !self.service(application, GSM_SECURITY_CONTEXT) {
            return Err(StatusWord::CONTEXT_NOT_SUPPORTED);
        }
        let answer = aka::gsm(parameters, &rand);
        let mut bytes = vec![answer.sres.len() as u8];
        bytes.extend_from_slice(&answer.sres);
        bytes.push(answer.kc.len() as u8);
        bytes.extend_from_slice(&answer.kc);
        Ok(Response::new(bytes, StatusWord::OK))
    }

    /// Whether a service is available in EF.UST of a USIM. An ISIM has other
    /// services under these numbers, and no EF.UST.
    pub(super) fn service(&self, application: u16, number: usize) -> bool {
        const EF_UST: u16 = 0x6F38;
        let tree = self.tree();
        let Some(file) = tree.file(application, EF_UST) else { return false };
        let table = file.elementary().map(|elementary| tree.body(elementary)).unwrap_or_default();
        let index = number - 1;
        table.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }
}

/// Fields of 16 bytes, each after a byte with its length, and nothing else.
fn challenge<const N: usize>(data: &[u8]) -> Result<[[u8; 16]; N], StatusWord> {
    let mut fields = [[0; 16]; N];
    let mut rest = data;
    for field in &mut fields {
        let (&len, tail) = rest.split_first().ok_or(StatusWord::WRONG_LENGTH)?;
        if len != 16 {
            return Err(StatusWord::WRONG_DATA);
        }
        let (value, tail) = tail.split_first_chunk::<16>().ok_or(StatusWord::WRONG_LENGTH)?;
        *field = *value;
        rest = tail;
    }
    if rest.is_empty() { Ok(fields) } else { Err(StatusWord::WRONG_LENGTH) }
}
