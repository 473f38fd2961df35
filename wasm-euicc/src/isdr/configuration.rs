//! What the chip was made to announce and to allow, beside its identity.

use rsp::metadata::PprIds;
use rsp::rat::RulesAuthorisationTable;
use rsp::{Aid, DataObject as _, Version};
use tlv::{Fields, Tag, Writer};

use super::keys;
use crate::nvm::{Error, Transaction, View};

/// Constants of a chip's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// Non-volatile memory, in bytes.
    pub(crate) memory: u32,
    /// AID of the ISD-R.
    pub(crate) isdr_aid: Aid,
    /// SGP.22 version.
    pub(crate) svn: Version,
    /// Version of the profile package format.
    pub(crate) profile_version: Version,
    /// Firmware.
    pub(crate) firmware_version: Version,
    /// Default SM-DP+ address that a memory reset goes back to.
    pub(crate) default_dp_address: Option<String>,
    /// Root SM-DS.
    pub(crate) root_ds_address: String,
    /// Which operators may bring which rules.
    pub(crate) rules: RulesAuthorisationTable,
    /// Rules that nobody may bring.
    pub(crate) forbidden_rules: PprIds,
    /// Protection profile.
    pub(crate) pp_version: Version,
    /// Accreditation number of the production site.
    pub(crate) sas_accreditation_number: String,
    /// Java Card API version announced.
    pub(crate) ts102241_version: Option<Version>,
    /// GlobalPlatform version announced.
    pub(crate) globalplatform_version: Option<Version>,
    /// `category` announced.
    pub(crate) category: Option<u32>,
    /// `uiccCapability` announced; none: what the chip can do.
    pub(crate) uicc_capability: Option<u32>,
    /// `rspCapability` announced; none: what the chip can do.
    pub(crate) rsp_capability: Option<u32>,
    /// Whether the provisioning profile is enabled when no other is any more.
    pub(crate) fallback: bool,
}

impl Configuration {
    pub(crate) fn store(&self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let mut w = Writer::new();
        w.tlv(Tag(0x80), &self.svn.0);
        w.tlv(Tag(0x81), &self.profile_version.0);
        w.tlv(Tag(0x82), &self.firmware_version.0);
        w.optional(Tag(0x83), self.default_dp_address.as_deref().map(str::as_bytes));
        w.tlv(Tag(0x84), self.root_ds_address.as_bytes());
        w.raw(&self.rules.encode());
        w.bits(Tag(0x85), self.forbidden_rules.0);
        w.tlv(Tag(0x86), &self.pp_version.0);
        w.tlv(Tag(0x87), self.sas_accreditation_number.as_bytes());
        w.tlv(Tag(0x88), &self.memory.to_be_bytes());
        w.tlv(Tag(0x89), self.isdr_aid.as_bytes());
        w.optional(Tag(0x8A), self.ts102241_version.as_ref().map(|version| &version.0[..]));
        w.optional(Tag(0x8B), self.globalplatform_version.as_ref().map(|version| &version.0[..]));
        for (tag, number) in
            [(Tag(0x8C), self.category), (Tag(0x8D), self.uicc_capability), (Tag(0x8E), self.rsp_capability)]
        {
            w.optional(tag, number.map(u32::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
        }
        w.boolean(Tag(0x8F), self.fallback);
        tx.put(keys::CONFIGURATION, w.finish())
    }

    /// `None` for a chip that was not made yet.
    pub(crate) fn load(view: &(impl View + ?Sized)) -> Option<Self> {
        Self::decode(view.get(keys::CONFIGURATION)?).ok()
    }

    fn decode(bytes: &[u8]) -> Result<Self, tlv::Error> {
        let mut fields = Fields::new(bytes);
        let version = |fields: &mut Fields<'_>, tag| fields.required(tag)?.array().map(Version);
        let mut last = Fields::new(bytes);
        let memory = last.required(Tag(0x88))?.array()?;
        let aid = last.required(Tag(0x89))?;
        // Chips that were made before there was a choice have none of these.
        let mut announced = |tag| last.optional(tag)?.map(|tlv| tlv.array().map(Version)).transpose();
        let (ts102241_version, globalplatform_version) = (announced(Tag(0x8A))?, announced(Tag(0x8B))?);
        let mut number = |tag| last.optional(tag)?.map(|tlv| tlv.array().map(u32::from_be_bytes)).transpose();
        let (category, uicc_capability, rsp_capability) =
            (number(Tag(0x8C))?, number(Tag(0x8D))?, number(Tag(0x8E))?);
        let fallback = last.optional(Tag(0x8F))?.map_or(Ok(false), |tlv| tlv.boolean())?;
        Ok(Self {
            memory: u32::from_be_bytes(memory),
            isdr_aid: Aid::from_bytes(aid.value).map_err(|_| tlv::Error::Value(aid.tag))?,
            svn: version(&mut fields, Tag(0x80))?,
            profile_version: version(&mut fields, Tag(0x81))?,
            firmware_version: version(&mut fields, Tag(0x82))?,
            default_dp_address: match fields.optional(Tag(0x83))? {
                Some(tlv) => Some(tlv.text()?.to_owned()),
                None => None,
            },
            root_ds_address: fields.required(Tag(0x84))?.text()?.to_owned(),
            rules: RulesAuthorisationTable::decode(fields.required(RulesAuthorisationTable::TAG)?.raw)?,
            forbidden_rules: PprIds(fields.required(Tag(0x85))?.bits()?),
            pp_version: version(&mut fields, Tag(0x86))?,
            sas_accreditation_number: fields.required(Tag(0x87))?.text()?.to_owned(),
            ts102241_version,
            globalplatform_version,
            category,
            uicc_capability,
            rsp_capability,
            fallback,
        })
    }
}
