//! The rules authorisation table (SGP.22 §2.9.3, §5.7.22): which operators may
//! bring which profile policy rules.

use tlv::{Error, Tag, Tlv, Writer};

use crate::metadata::{OperatorId, PprIds};
use crate::raw::DataObject;

/// One line of the table (`ProfilePolicyAuthorisationRule`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfilePolicyAuthorisationRule {
    /// The rules it is about.
    pub ppr_ids: PprIds,
    /// The operators that may bring them; nibble `E` is a wildcard.
    pub allowed_operators: Vec<OperatorId>,
    /// Whether the end user must consent.
    pub consent_required: bool,
}

/// ES10b.GetRAT, response (`BF43`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesAuthorisationTable(pub Vec<ProfilePolicyAuthorisationRule>);

impl RulesAuthorisationTable {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF43);
}

impl DataObject for RulesAuthorisationTable {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Tlv::single_of(bytes, Self::TAG)?.fields().required(Tag(0xA0))?.reader();
        let mut rules = Vec::new();
        while let Some(line) = reader.next()? {
            let mut fields = line.fields();
            let ppr_ids = PprIds(fields.required(Tag(0x80))?.bits()?);
            let mut operators = fields.required(Tag(0xA1))?.reader();
            let mut allowed_operators = Vec::new();
            while let Some(operator) = operators.next()? {
                allowed_operators.push(OperatorId::read(&operator)?);
            }
            let consent_required = fields.required(Tag(0x82))?.bits()? & 0x8000_0000 != 0;
            rules.push(ProfilePolicyAuthorisationRule { ppr_ids, allowed_operators, consent_required });
        }
        Ok(Self(rules))
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.nested(Tag(0xA0), |w| {
                for rule in &self.0 {
                    w.nested(Tag::SEQUENCE, |w| {
                        w.bits(Tag(0x80), rule.ppr_ids.0);
                        w.nested(Tag(0xA1), |w| {
                            for operator in &rule.allowed_operators {
                                operator.write(w, Tag::SEQUENCE);
                            }
                        });
                        w.bits(Tag(0x82), if rule.consent_required { 0x8000_0000 } else { 0 });
                    });
                }
            });
        });
        w.finish()
    }
}
