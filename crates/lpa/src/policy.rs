//! Whether this chip lets a profile bring its policy rules (SGP.22 §2.9.2.1,
//! §3.1.3 step 7): the LPA's own check, before the chip's.

use rsp::metadata::{OperatorId, PprIds, ProfileClass, StoreMetadata};
use rsp::profiles::ProfileInfo;
use rsp::rat::RulesAuthorisationTable;

/// What the rules authorisation table says of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// Allowed when the user says so explicitly.
    ConsentRequired,
    Forbidden,
}

/// Walks the table for each rule of the profile.
pub(crate) fn check(
    metadata: &StoreMetadata,
    forbidden: PprIds,
    table: &RulesAuthorisationTable,
    installed: &[ProfileInfo],
) -> Verdict {
    let rules = metadata.profile_policy_rules;
    if rules.has_no_rule() {
        return Verdict::Allowed;
    }
    let Some(owner) = &metadata.profile_owner else {
        return Verdict::Forbidden;
    };
    let known = PprIds::UPDATE_CONTROL.0 | PprIds::PPR1.0 | PprIds::PPR2.0;
    if rules.0 & !known != 0 || rules.0 & forbidden.0 & !PprIds::UPDATE_CONTROL.0 != 0 {
        return Verdict::Forbidden;
    }
    let operational = |info: &ProfileInfo| info.profile_class == Some(ProfileClass::Operational);
    if rules.contains(PprIds::PPR1) && installed.iter().any(operational) {
        return Verdict::Forbidden;
    }
    let mut verdict = Verdict::Allowed;
    for rule in [PprIds::PPR1, PprIds::PPR2].into_iter().filter(|rule| rules.contains(*rule)) {
        let line = table.0.iter().find(|line| {
            line.ppr_ids.contains(rule)
                && line.allowed_operators.iter().any(|allowed| matches(allowed, owner))
        });
        match line {
            None => return Verdict::Forbidden,
            Some(line) if line.consent_required => verdict = Verdict::ConsentRequired,
            Some(_) => {}
        }
    }
    verdict
}

/// Nibble `E` of the PLMN is a wildcard; an empty GID allows any, an absent one
/// demands absence (SGP.22 §2.9.3.1).
fn matches(allowed: &OperatorId, owner: &OperatorId) -> bool {
    let nibble = |a: u8, b: u8| a == 0xE || a == b;
    let plmn = allowed
        .mcc_mnc
        .iter()
        .zip(&owner.mcc_mnc)
        .all(|(&a, &b)| nibble(a >> 4, b >> 4) && nibble(a & 0xF, b & 0xF));
    let gid = |allowed: &Option<Vec<u8>>, owner: &Option<Vec<u8>>| match allowed {
        Some(value) if value.is_empty() => true,
        allowed => allowed == owner,
    };
    plmn && gid(&allowed.gid1, &owner.gid1) && gid(&allowed.gid2, &owner.gid2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsp::DataObject;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// PPR1 and PPR2 for any operator, consent required: the golden sample of GetRAT.
    const ANY: &str = "bf4319a017301580020560a10b30098003eeeeee8100820082020780";

    fn metadata(rules: u32, owner: Option<[u8; 3]>) -> StoreMetadata {
        StoreMetadata {
            iccid: "89000123456789012341".parse().unwrap(),
            service_provider_name: String::new(),
            profile_name: String::new(),
            icon: None,
            profile_class: ProfileClass::Operational,
            notification_configuration: Vec::new(),
            profile_owner: owner.map(|mcc_mnc| OperatorId { mcc_mnc, gid1: None, gid2: None }),
            profile_policy_rules: PprIds(rules),
        }
    }

    #[test]
    fn the_table_decides() {
        let any = RulesAuthorisationTable::decode(&vectors::bytes(ANY)).unwrap();
        let none = RulesAuthorisationTable::default();
        let owner = Some([0x00, 0xF1, 0x10]);
        let ppr1 = PprIds::PPR1.0;
        let check = |m: &StoreMetadata, table| check(m, PprIds::default(), table, &[]);
        assert_eq!(check(&metadata(0, None), &none), Verdict::Allowed);
        assert_eq!(check(&metadata(PprIds::UPDATE_CONTROL.0, None), &none), Verdict::Allowed);
        assert_eq!(check(&metadata(ppr1, owner), &none), Verdict::Forbidden);
        assert_eq!(check(&metadata(ppr1, owner), &any), Verdict::ConsentRequired);
        assert_eq!(check(&metadata(ppr1, None), &any), Verdict::Forbidden);
        assert_eq!(check(&metadata(0x1000_0000, owner), &any), Verdict::Forbidden);
    }

    #[test]
    fn ppr1_needs_an_empty_chip_and_no_ban() {
        let any = RulesAuthorisationTable::decode(&vectors::bytes(ANY)).unwrap();
        let profile = metadata(PprIds::PPR1.0, Some([0x00, 0xF1, 0x10]));
        let other = ProfileInfo { profile_class: Some(ProfileClass::Operational), ..ProfileInfo::default() };
        let provisioning =
            ProfileInfo { profile_class: Some(ProfileClass::Provisioning), ..ProfileInfo::default() };
        assert_eq!(check(&profile, PprIds::default(), &any, &[other]), Verdict::Forbidden);
        assert_eq!(check(&profile, PprIds::default(), &any, &[provisioning]), Verdict::ConsentRequired);
        assert_eq!(check(&profile, PprIds::PPR1, &any, &[]), Verdict::Forbidden);
    }
}
