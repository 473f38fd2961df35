//! ES10b.LoadCRL (SGP.22 §5.7.12): which certificates of a CI are not to be believed
//! any more, as far as the LPA has brought its revocation lists.
//!
//! Of a list only the serial numbers are kept, one record for each CI and scope. What
//! is whole counts; parts of a fresher list count beside it from the moment they come,
//! and take its place when they are all there. A chip has no clock: a list is as fresh
//! as its number, and does not go out of date.

use apdu::StatusWord;
use rsp::codes::LoadCrlError;
use rsp::crl::{LoadCrlRequest, LoadCrlResponse};
use rsp::{CiPkId, DataObject as _};
use rsp_crypto::crl::{Crl, CrlNumber, Part};
use rsp_crypto::{ready, software};
use tlv::{Fields, Tag, Writer};

use super::{IsdrContext, keys, memory_problem};
use crate::ecasd;
use crate::nvm::{Error, Transaction, View};

/// More CIs and scopes are not kept.
const MOST_RECORDS: u32 = 8;
/// More bytes of serial numbers are not kept, all records together: twice what one
/// LoadCRL can carry.
const MOST_BYTES: usize = 64 * 1024;
/// In more parts a list may not be cut.
const MOST_PARTS: u32 = 64;

/// Serial numbers in their order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Serials(Vec<Vec<u8>>);

impl Serials {
    /// All that a list names.
    fn of(crl: &Crl) -> Self {
        let mut serials = Self::default();
        serials.change(crl);
        serials
    }

    /// Takes in what a list says.
    fn change(&mut self, crl: &Crl) {
        for entry in crl.entries() {
            match (self.0.binary_search(&entry.serial_number), entry.removed) {
                (Ok(at), true) => drop(self.0.remove(at)),
                (Err(at), false) => self.0.insert(at, entry.serial_number.clone()),
                (Ok(_), false) | (Err(_), true) => {}
            }
        }
    }

    fn contains(&self, serial_number: &[u8]) -> bool {
        self.0.iter().any(|listed| listed == serial_number)
    }

    /// Each with its length in front, of one byte.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        for serial_number in &self.0 {
            bytes.push(u8::try_from(serial_number.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(serial_number);
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Self {
        let mut serials = Vec::new();
        while let Some((&len, rest)) = bytes.split_first() {
            let Some((serial_number, rest)) = rest.split_at_checked(usize::from(len)) else { break };
            serials.push(serial_number.to_vec());
            bytes = rest;
        }
        Self(serials)
    }

    /// Bytes of the encoding.
    fn len(&self) -> usize {
        self.0.iter().map(|serial_number| serial_number.len() + 1).sum()
    }
}

/// What is known of one CI and scope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    ci: CiPkId,
    /// SHA-256 of `IssuingDistributionPoint`; `None`: all certificates of the CI.
    scope: Option<[u8; 32]>,
    whole: Option<Whole>,
    coming: Option<Coming>,
}

/// A list of which nothing is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whole {
    number: CrlNumber,
    serials: Serials,
}

/// A fresher list of which parts are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Coming {
    number: CrlNumber,
    total: u32,
    /// Bit `n - 1`: part `n` is there.
    there: u64,
    serials: Serials,
}

/// Why a list is not loaded.
enum Refusal {
    /// The list is to blame, or the room.
    Code(LoadCrlError, &'static str),
    /// The medium failed.
    Fault(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::Code(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE, "memory is used up"),
            error => Self::Fault(error),
        }
    }
}

/// LoadCRL. A list that is there already is loaded once more without change, so that
/// an answer that was lost does no harm.
pub(super) fn load_crl(
    context: &mut IsdrContext<'_>,
    request: &LoadCrlRequest,
) -> Result<Vec<u8>, StatusWord> {
    let response = match load(context, request) {
        Ok(missing_parts) => LoadCrlResponse::Ok { missing_parts },
        Err(Refusal::Code(code, because)) => {
            context.env.trace(format_args!("LoadCRL: {code}: {because}"));
            LoadCrlResponse::Error(code)
        }
        Err(Refusal::Fault(error)) => return Err(memory_problem(error)),
    };
    Ok(response.encode())
}

/// Whether a certificate by this CI is revoked.
pub(super) fn is_revoked(view: &(impl View + ?Sized), ci: &CiPkId, serial_number: &[u8]) -> bool {
    records(view).filter(|(_, record)| record.ci == *ci).any(|(_, record)| {
        record.whole.is_some_and(|whole| whole.serials.contains(serial_number))
            || record.coming.is_some_and(|coming| coming.serials.contains(serial_number))
    })
}

fn load(context: &mut IsdrContext<'_>, request: &LoadCrlRequest) -> Result<Vec<u32>, Refusal> {
    let crl = Crl::from_der(&request.crl)
        .map_err(|error| Refusal::Code(LoadCrlError::INVALID_CRL_FORMAT, error.part))?;
    let ci = ecasd::ci_keys(context.store).into_iter().find(|ci| ci.id().as_bytes() == crl.issuer());
    let unknown = Refusal::Code(LoadCrlError::VERIFICATION_KEY_NOT_FOUND, "authorityKeyIdentifier");
    let ci = ci.ok_or(unknown)?;
    if !ready(crl.is_by(&ecasd::provider(context.env), &ci)).unwrap_or(false) {
        return Err(Refusal::Code(LoadCrlError::INVALID_SIGNATURE, "signatureValue"));
    }
    let scope = crl.scope().map(software::sha256);
    let mut all: Vec<(u32, Record)> = records(context.store).collect();
    let known = all.iter().position(|(_, record)| record.ci == *ci.id() && record.scope == scope);
    let at = match known {
        Some(at) => at,
        None => {
            let number = u32::try_from(all.len()).ok().filter(|number| *number < MOST_RECORDS);
            let surplus = Refusal::Code(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE, "too many CIs and scopes");
            let number = number.ok_or(surplus)?;
            all.push((number, Record { ci: ci.id().clone(), scope, whole: None, coming: None }));
            all.len() - 1
        }
    };
    let (number, record) = &mut all[at];
    let before = record.clone();
    let missing = record.take(&crl)?;
    let (number, changed) = (*number, (*record != before).then(|| record.clone()));
    if all.iter().map(|(_, record)| record.len()).sum::<usize>() > MOST_BYTES {
        return Err(Refusal::Code(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE, "too many serial numbers"));
    }
    if let Some(record) = changed {
        let mut tx = context.store.begin();
        record.store(&mut tx, number)?;
        tx.commit(context.env.medium())?;
    }
    context.env.trace(format_args!(
        "LoadCRL: thisUpdate {}, {} entries, {} parts missing",
        crl.this_update(),
        crl.entries().len(),
        missing.len()
    ));
    Ok(missing)
}

impl Record {
    /// Takes a list of its CI and scope; which parts are missing then.
    fn take(&mut self, crl: &Crl) -> Result<Vec<u32>, Refusal> {
        let number = crl.number();
        let fresher = self.whole.as_ref().map(|whole| whole.number);
        if fresher > Some(number) {
            return Err(Refusal::Code(LoadCrlError::FRESHER_CRL_ALREADY_LOADED, "cRLNumber"));
        }
        if fresher == Some(number) {
            return Ok(Vec::new());
        }
        match (crl.base(), crl.part()) {
            (None, None) => self.complete(number, Serials::of(crl)),
            (Some(base), None) => {
                let serials = self.changed(base, crl)?;
                self.complete(number, serials);
            }
            (None, Some(part)) => return self.take_part(crl, part),
            // SGP.22 does not say how the two go together.
            (Some(_), Some(_)) => {
                return Err(Refusal::Code(LoadCrlError::UNDEFINED_ERROR, "a part of changes"));
            }
        }
        Ok(Vec::new())
    }

    /// The list that is there, with the changes that `crl` tells (RFC 5280 §5.2.4).
    fn changed(&self, base: CrlNumber, crl: &Crl) -> Result<Serials, Refusal> {
        let whole = self.whole.as_ref().filter(|whole| whole.number >= base);
        let missing = Refusal::Code(LoadCrlError::BASE_CRL_MISSING, "deltaCRLIndicator");
        let mut serials = whole.ok_or(missing)?.serials.clone();
        serials.change(crl);
        Ok(serials)
    }

    fn take_part(&mut self, crl: &Crl, part: Part) -> Result<Vec<u32>, Refusal> {
        let number = crl.number();
        if part.total > MOST_PARTS {
            return Err(Refusal::Code(LoadCrlError::NOT_ENOUGH_MEMORY_SPACE, "totalPartialCrlNumber"));
        }
        let coming = self.coming.take().filter(|coming| coming.number >= number);
        let mut coming = coming.unwrap_or_else(|| Coming {
            number,
            total: part.total,
            there: 0,
            serials: Serials::default(),
        });
        if coming.number > number {
            return Err(Refusal::Code(LoadCrlError::FRESHER_CRL_ALREADY_LOADED, "cRLNumber of a part"));
        }
        if coming.total != part.total {
            return Err(Refusal::Code(LoadCrlError::INVALID_CRL_FORMAT, "totalPartialCrlNumber"));
        }
        coming.there |= bit(part.number);
        coming.serials.change(crl);
        let missing: Vec<u32> = (1..=coming.total).filter(|part| coming.there & bit(*part) == 0).collect();
        if missing.is_empty() {
            self.complete(number, coming.serials);
        } else {
            self.coming = Some(coming);
        }
        Ok(missing)
    }

    /// Nothing is missing of this list: it takes the place of those before it.
    fn complete(&mut self, number: CrlNumber, serials: Serials) {
        self.whole = Some(Whole { number, serials });
        self.coming = self.coming.take().filter(|coming| coming.number > number);
    }

    /// Bytes of its serial numbers.
    fn len(&self) -> usize {
        self.whole.as_ref().map_or(0, |whole| whole.serials.len())
            + self.coming.as_ref().map_or(0, |coming| coming.serials.len())
    }

    const CI: Tag = Tag(0x80);
    const SCOPE: Tag = Tag(0x81);
    const WHOLE: Tag = Tag(0xA2);
    const COMING: Tag = Tag(0xA3);
    const NUMBER: Tag = Tag(0x80);
    const SERIALS: Tag = Tag(0x81);
    const TOTAL: Tag = Tag(0x82);
    const THERE: Tag = Tag(0x83);

    fn store(&self, tx: &mut Transaction<'_>, number: u32) -> Result<(), Error> {
        let mut w = Writer::new();
        w.tlv(Self::CI, self.ci.as_bytes());
        w.optional(Self::SCOPE, self.scope.as_ref().map(|scope| &scope[..]));
        if let Some(Whole { number, serials }) = &self.whole {
            w.nested(Self::WHOLE, |w| {
                w.tlv(Self::NUMBER, number.as_bytes()).tlv(Self::SERIALS, &serials.encode());
            });
        }
        if let Some(Coming { number, total, there, serials }) = &self.coming {
            w.nested(Self::COMING, |w| {
                w.tlv(Self::NUMBER, number.as_bytes()).tlv(Self::SERIALS, &serials.encode());
                w.unsigned(Self::TOTAL, *total).tlv(Self::THERE, &there.to_be_bytes());
            });
        }
        tx.put(keys::crl(number), w.finish())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let number = |fields: &mut Fields<'_>| {
            Some(CrlNumber::from_bytes(fields.required(Self::NUMBER).ok()?.array().ok()?))
        };
        let serials =
            |fields: &mut Fields<'_>| Some(Serials::decode(fields.required(Self::SERIALS).ok()?.value));
        let ci = CiPkId::from_bytes(fields.required(Self::CI).ok()?.value).ok()?;
        let scope = match fields.optional(Self::SCOPE).ok()? {
            Some(scope) => Some(scope.array().ok()?),
            None => None,
        };
        let whole = match fields.optional(Self::WHOLE).ok()? {
            Some(whole) => {
                let mut fields = whole.fields();
                Some(Whole { number: number(&mut fields)?, serials: serials(&mut fields)? })
            }
            None => None,
        };
        let coming = match fields.optional(Self::COMING).ok()? {
            Some(coming) => {
                let mut fields = coming.fields();
                Some(Coming {
                    number: number(&mut fields)?,
                    serials: serials(&mut fields)?,
                    total: fields.required(Self::TOTAL).ok()?.unsigned().ok()?,
                    there: u64::from_be_bytes(fields.required(Self::THERE).ok()?.array().ok()?),
                })
            }
            None => None,
        };
        Some(Self { ci, scope, whole, coming })
    }
}

fn records(view: &(impl View + ?Sized)) -> impl Iterator<Item = (u32, Record)> {
    (0..MOST_RECORDS).map_while(|number| Some((number, Record::decode(view.get(keys::crl(number))?)?)))
}

/// The bit of a part; parts are counted from 1 to [`MOST_PARTS`].
const fn bit(part: u32) -> u64 {
    1 << (part - 1)
}
