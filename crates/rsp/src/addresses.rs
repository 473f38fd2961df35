//! ES10a: the addresses that are configured in the eUICC (SGP.22 §5.7.3, §5.7.4).

use tlv::{Error, Tag, Tlv, Writer};

use crate::raw::DataObject;

/// ES10a.GetEuiccConfiguredAddresses, response (`BF3C`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EuiccConfiguredAddresses {
    /// Default SM-DP+, where one is set.
    pub default_dp_address: Option<String>,
    /// Root SM-DS; empty where there is none. Cards are about that leave it out then, though its
    /// field is not optional.
    pub root_ds_address: String,
}

impl EuiccConfiguredAddresses {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF3C);
}

impl DataObject for EuiccConfiguredAddresses {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        let default = fields.optional(Tag(0x80))?;
        let root = fields.optional(Tag(0x81))?;
        Ok(Self {
            default_dp_address: default.map(|tlv| tlv.text().map(str::to_owned)).transpose()?,
            root_ds_address: root.map(|tlv| tlv.text().map(str::to_owned)).transpose()?.unwrap_or_default(),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.optional(Tag(0x80), self.default_dp_address.as_deref().map(str::as_bytes));
            w.tlv(Tag(0x81), self.root_ds_address.as_bytes());
        });
        w.finish()
    }
}

/// ES10a.SetDefaultDpAddress, request (`BF3F`); an empty address removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDefaultDpAddress(pub String);

impl SetDefaultDpAddress {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF3F);
}

impl DataObject for SetDefaultDpAddress {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let tlv = Tlv::single_of(bytes, Self::TAG)?.fields().required(Tag(0x80))?;
        tlv.text().map(|text| Self(text.to_owned()))
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(Tag(0x80), self.0.as_bytes());
        });
        w.finish()
    }
}
