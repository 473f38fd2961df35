//! Profile policy rules and the rules authorisation table (SGP.22 §2.9).

use rsp::metadata::{OperatorId, PprIds, ProfileClass, StoreMetadata};
use rsp::rat::RulesAuthorisationTable;

use super::Isdp;

/// Why a profile may not bring its rules; for the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// One of them is in `forbiddenProfilePolicyRules`.
    Forbidden,
    /// One of them is not known.
    Unknown,
    /// The metadata names no operator that could be authorised.
    NoOwner,
    /// No line of the table allows it to the operator.
    NotAuthorised,
    /// PPR1, and there is an operational profile already.
    NotTheFirst,
}

/// Whether a profile may be installed with the rules that it brings
/// (SGP.22 §2.9.2.1, §3.1.3).
pub(crate) fn check(
    metadata: &StoreMetadata,
    table: &RulesAuthorisationTable,
    forbidden: PprIds,
    installed: &[Isdp],
) -> Result<(), Refusal> {
    let rules = metadata.profile_policy_rules;
    if rules.has_no_rule() {
        return Ok(());
    }
    let bits = rules.0 & !PprIds::UPDATE_CONTROL.0;
    if bits & !(PprIds::PPR1.0 | PprIds::PPR2.0) != 0 {
        return Err(Refusal::Unknown);
    }
    if bits & forbidden.0 != 0 {
        return Err(Refusal::Forbidden);
    }
    let owner = metadata.profile_owner.as_ref().ok_or(Refusal::NoOwner)?;
    for rule in [PprIds::PPR1, PprIds::PPR2] {
        if rules.contains(rule) && !authorised(table, rule, owner) {
            return Err(Refusal::NotAuthorised);
        }
    }
    let is_operational = |isdp: &Isdp| isdp.class() == ProfileClass::Operational;
    if rules.contains(PprIds::PPR1) && installed.iter().any(is_operational) {
        return Err(Refusal::NotTheFirst);
    }
    Ok(())
}

/// Whether a line of the table allows the rule to the operator. Consent is the
/// LPA's to get.
fn authorised(table: &RulesAuthorisationTable, rule: PprIds, owner: &OperatorId) -> bool {
    table.0.iter().any(|line| {
        line.ppr_ids.contains(rule) && line.allowed_operators.iter().any(|allowed| matches(allowed, owner))
    })
}

/// SGP.22 §2.9.2.1: nibble `E` is any digit, an empty group identifier any
/// identifier, an absent one none.
fn matches(allowed: &OperatorId, owner: &OperatorId) -> bool {
    let digits = |bytes: &[u8; 3]| bytes.map(|byte| [byte >> 4, byte & 0x0F]);
    let plmn = digits(&allowed.mcc_mnc)
        .iter()
        .flatten()
        .zip(digits(&owner.mcc_mnc).iter().flatten())
        .all(|(allowed, own)| *allowed == 0x0E || allowed == own);
    let group = |allowed: &Option<Vec<u8>>, own: &Option<Vec<u8>>| match (allowed, own) {
        (Some(allowed), _) if allowed.is_empty() => true,
        (Some(allowed), Some(own)) => allowed == own,
        (None, None) => true,
        _ => false,
    };
    plmn && group(&allowed.gid1, &owner.gid1) && group(&allowed.gid2, &owner.gid2)
}

#[cfg(test)]
mod tests {
    use rsp::rat::ProfilePolicyAuthorisationRule;

    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn operator(mcc_mnc: [u8; 3], gid1: Option<&[u8]>) -> OperatorId {
        OperatorId { mcc_mnc, gid1: gid1.map(<[u8]>::to_vec), gid2: None }
    }

    #[test]
    fn operators_match_as_the_table_says() {
        let own = operator([0x00, 0xF1, 0x10], None);
        for (allowed, expected) in [
            (operator([0x00, 0xF1, 0x10], None), true),
            (operator([0xEE, 0xEE, 0xEE], None), true),
            (operator([0x00, 0xF1, 0xE0], None), true),
            (operator([0x00, 0xF1, 0x20], None), false),
            (operator([0x00, 0xF1, 0x10], Some(&[])), true),
            (operator([0x00, 0xF1, 0x10], Some(&[1])), false),
        ] {
            assert_eq!(matches(&allowed, &own), expected, "{allowed:?}");
        }
        let grouped = operator([0x00, 0xF1, 0x10], Some(&[1]));
        assert!(!matches(&operator([0x00, 0xF1, 0x10], None), &grouped));
        assert!(matches(&operator([0x00, 0xF1, 0x10], Some(&[])), &grouped));
        assert!(matches(&operator([0x00, 0xF1, 0x10], Some(&[1])), &grouped));
    }

    #[test]
    fn each_rule_needs_a_line_of_its_own() {
        let any = operator([0xEE; 3], None);
        let table = |ppr_ids| {
            let allowed_operators = vec![any.clone()];
            RulesAuthorisationTable(vec![ProfilePolicyAuthorisationRule {
                ppr_ids,
                allowed_operators,
                consent_required: true,
            }])
        };
        let mut metadata = StoreMetadata {
            iccid: rsp::Iccid::from_bytes([0x98; 10]),
            service_provider_name: String::new(),
            profile_name: String::new(),
            icon: None,
            profile_class: ProfileClass::Operational,
            notification_configuration: Vec::new(),
            profile_owner: Some(operator([0x00, 0xF1, 0x10], None)),
            profile_policy_rules: PprIds(PprIds::PPR1.0 | PprIds::PPR2.0),
        };
        let none = PprIds::default();
        assert_eq!(check(&metadata, &table(PprIds::PPR1), none, &[]), Err(Refusal::NotAuthorised));
        assert_eq!(check(&metadata, &table(metadata.profile_policy_rules), none, &[]), Ok(()));
        assert_eq!(
            check(&metadata, &table(metadata.profile_policy_rules), PprIds::PPR2, &[]),
            Err(Refusal::Forbidden)
        );
        metadata.profile_owner = None;
        let all = table(PprIds(0x6000_0000));
        assert_eq!(check(&metadata, &all, none, &[]), Err(Refusal::NoOwner));
        metadata.profile_policy_rules = PprIds(0x1000_0000);
        assert_eq!(check(&metadata, &all, none, &[]), Err(Refusal::Unknown));
        metadata.profile_policy_rules = PprIds::UPDATE_CONTROL;
        assert_eq!(check(&metadata, &all, none, &[]), Ok(()));
    }
}
