//! The ISD-Ps: what the chip knows of each profile beside its files, and how
//! profiles change state (SGP.22 §2.4.5, §3.2).

pub(crate) mod policy;
pub(crate) mod switch;

use apdu::StatusWord;
use rsp::metadata::{PprIds, ProfileClass, StoreMetadata, UpdateMetadataRequest};
use rsp::profiles::{ProfileIdentifier, ProfileState};
use rsp::{Aid, CiPkId, DataObject as _, Raw};
use tlv::{Fields, Tag, Writer};

use crate::nvm::{Error, Key, SlotId, SlotKey, Store, Transaction, View};
use crate::{Env, profile};

/// `DpProprietaryData`, metadata, nickname and the rest are values of their
/// own: each changes alone.
const RECORD: u8 = 0;
const METADATA: u8 = 1;
const NICKNAME: u8 = 2;
const DP_PROPRIETARY_DATA: u8 = 3;

/// The first number that an ISD-P may have in its AID (SGP.02 §2.2.3).
const FIRST_NUMBER: u16 = 0x0010;

/// One installed profile.
#[derive(Clone, Debug)]
pub(crate) struct Isdp {
    /// Where its files are.
    pub(crate) slot: SlotId,
    /// The number in its AID.
    pub(crate) number: u16,
    /// As the SM-DP+ sent it, byte for byte; anew after ES6.UpdateMetadata.
    pub(crate) metadata: Raw<StoreMetadata>,
    /// As the user set it.
    pub(crate) nickname: Option<String>,
    /// `DpProprietaryData` with its head.
    pub(crate) dp_proprietary_data: Option<Vec<u8>>,
    /// Whether it came by a download; else the chip was made with it.
    pub(crate) field_loaded: bool,
    /// The CI under which it was downloaded: its notifications are signed with
    /// the certificate under that CI.
    pub(crate) ci: Option<CiPkId>,
}

impl Isdp {
    /// AID of the ISD-P.
    pub(crate) fn aid(&self) -> Aid {
        Aid::isd_p(self.number)
    }

    /// Whether it is the Enabled Profile.
    pub(crate) fn state(&self, view: &(impl View + ?Sized)) -> ProfileState {
        if profile::enabled(view) == Some(self.slot) { ProfileState::Enabled } else { ProfileState::Disabled }
    }

    /// Its class.
    pub(crate) fn class(&self) -> ProfileClass {
        self.metadata.profile_class
    }

    /// Whether a command that names a profile so means this one.
    pub(crate) fn is(&self, id: &ProfileIdentifier) -> bool {
        match id {
            ProfileIdentifier::Aid(aid) => self.aid() == *aid,
            ProfileIdentifier::Iccid(iccid) => self.metadata.iccid == *iccid,
        }
    }

    /// Writes the record of a new profile.
    pub(crate) fn store(&self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let mut w = Writer::new();
        w.tlv(Tag(0x80), &self.number.to_be_bytes());
        w.boolean(Tag(0x81), self.field_loaded);
        w.optional(Tag(0x82), self.ci.as_ref().map(CiPkId::as_bytes));
        tx.put(key(self.slot, RECORD), w.finish())?;
        tx.put(key(self.slot, METADATA), self.metadata.bytes().to_vec())?;
        if let Some(data) = &self.dp_proprietary_data {
            tx.put(key(self.slot, DP_PROPRIETARY_DATA), data.clone())?;
        }
        Ok(())
    }

    fn load(view: &(impl View + ?Sized), slot: SlotId) -> Option<Self> {
        let mut fields = Fields::new(view.get(key(slot, RECORD))?);
        let number = u16::from_be_bytes(fields.required(Tag(0x80)).ok()?.array().ok()?);
        let field_loaded = fields.required(Tag(0x81)).ok()?.boolean().ok()?;
        let ci = fields.optional(Tag(0x82)).ok()?.and_then(|tlv| CiPkId::from_bytes(tlv.value).ok());
        let nickname = view.get(key(slot, NICKNAME)).and_then(|text| String::from_utf8(text.to_vec()).ok());
        Some(Self {
            slot,
            number,
            metadata: Raw::decode(view.get(key(slot, METADATA))?).ok()?,
            nickname,
            dp_proprietary_data: view.get(key(slot, DP_PROPRIETARY_DATA)).map(<[u8]>::to_vec),
            field_loaded,
            ci,
        })
    }
}

/// All installed profiles, in the order of their AIDs.
pub(crate) fn all(view: &(impl View + ?Sized)) -> Vec<Isdp> {
    let mut list: Vec<Isdp> =
        profile::slots(view).into_iter().filter_map(|slot| Isdp::load(view, slot)).collect();
    list.sort_unstable_by_key(|isdp| isdp.number);
    list
}

/// The profile that a command names.
pub(crate) fn find(view: &(impl View + ?Sized), id: &ProfileIdentifier) -> Option<Isdp> {
    all(view).into_iter().find(|isdp| isdp.is(id))
}

/// The Enabled Profile.
pub(crate) fn enabled(view: &(impl View + ?Sized)) -> Option<Isdp> {
    Isdp::load(view, profile::enabled(view)?)
}

/// The profile in a slot.
pub(crate) fn at(view: &(impl View + ?Sized), slot: SlotId) -> Option<Isdp> {
    Isdp::load(view, slot)
}

/// The lowest number that no AID of an ISD-P has.
pub(crate) fn free_number(view: &(impl View + ?Sized)) -> Option<u16> {
    let taken = all(view);
    (FIRST_NUMBER..=u16::MAX).find(|number| taken.iter().all(|isdp| isdp.number != *number))
}

/// Sets or, when it is empty, removes the nickname.
pub(crate) fn set_nickname(tx: &mut Transaction<'_>, slot: SlotId, nickname: &str) -> Result<(), Error> {
    let key = key(slot, NICKNAME);
    if nickname.is_empty() {
        tx.delete(key);
        return Ok(());
    }
    tx.put(key, nickname.as_bytes().to_vec())
}

/// ES6.UpdateMetadata (SGP.22 §5.4.1): names and icon are replaced, policy rules
/// are only ever taken away.
///
/// # Errors
/// `6A88` for another request, `6A80` for a malformed one or one that sets
/// `pprUpdateControl`, and what the memory says.
pub(crate) fn update_metadata(
    store: &mut Store,
    env: &mut dyn Env,
    slot: SlotId,
    request: &[u8],
) -> Result<(), StatusWord> {
    if !matches!(tlv::tag(request), Ok(Some(UpdateMetadataRequest::TAG))) {
        return Err(StatusWord::REFERENCE_NOT_FOUND);
    }
    let request = UpdateMetadataRequest::decode(request).map_err(|_| StatusWord::WRONG_DATA)?;
    let isdp = at(store, slot).ok_or(StatusWord::CONDITIONS)?;
    let mut metadata = isdp.metadata.into_value();
    if let Some(rules) = request.profile_policy_rules {
        if rules.contains(PprIds::UPDATE_CONTROL) {
            return Err(StatusWord::WRONG_DATA);
        }
        metadata.profile_policy_rules.0 &= rules.0;
    }
    if let Some(name) = request.service_provider_name {
        metadata.service_provider_name = name;
    }
    if let Some(name) = request.profile_name {
        metadata.profile_name = name;
    }
    if let Some(icon) = request.icon {
        metadata.icon = Some(icon);
    }
    let mut tx = store.begin();
    tx.put(key(slot, METADATA), metadata.encode())?;
    Ok(tx.commit(env.medium())?)
}

const fn key(slot: SlotId, number: u8) -> Key {
    Key::Slot(slot, SlotKey::Isdp(number))
}
