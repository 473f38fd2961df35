//! Whether a device and its eUICC can take a profile (SGP.22 §3.1.3, §4.2, §4.3).
//!
//! | asked | of whom | code |
//! | --- | --- | --- |
//! | major version of the package format | `EUICCInfo2.profileVersion` | 8.2.5/4.3 |
//! | capabilities that the package needs | `EUICCInfo2.uiccCapability` | 8.2.5/4.3 |
//! | policy rules | `EUICCInfo2.forbiddenProfilePolicyRules` | 8.2.5/4.3 |
//! | least versions | `EUICCInfo2.svn`, `profileVersion` | 8.2.5/4.3 |
//! | device type, 3GPP releases | `DeviceInfo` | 8.2.5/4.3 |
//! | memory | `EUICCInfo2.extCardResource` | 8.1/4.8 |
//!
//! A higher minor version of the package format than the eUICC names is no obstacle: what
//! is new in it is optional for the eUICC, or named among the mandatory services. Who
//! wants more asks for `leastProfileVersion`.

use rsp::DataObject;
use rsp::auth::{DeviceInfo, EuiccInfo2, EuiccSigned1};
use rsp::metadata::StoreMetadata;
use rsp::status::StatusCode;
use saip::{Service, Services};

use crate::error::Refusal;
use crate::profile::{PackageFacts, Profile, Requirements};

/// Whether the profile can go there: 8.2.5/4.3 or 8.1/4.8 and why if it cannot.
pub(crate) fn check(profile: &Profile, signed1: &EuiccSigned1) -> Result<(), Refusal> {
    let info = &signed1.euicc_info2;
    package(&profile.package, info)?;
    let rules = StoreMetadata::decode(&profile.metadata.0).map(|m| m.profile_policy_rules);
    if rules.is_ok_and(|rules| rules.0 & info.forbidden_profile_policy_rules.0 != 0) {
        return Err(ineligible("the eUICC forbids a policy rule of the profile"));
    }
    euicc(&profile.requirements, info)?;
    device(&profile.requirements, &signed1.ctx_params1.device_info)?;
    let (needed, free) = (profile.package.needed_memory(), info.ext_card_resource.free_non_volatile_memory);
    if free < needed {
        let because = format!("{needed} bytes are needed, {free} are free");
        return Err(Refusal::new(StatusCode::EUICC_INSUFFICIENT_MEMORY, because));
    }
    Ok(())
}

fn ineligible(because: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::NO_ELIGIBLE_PROFILE, because)
}

fn package(package: &PackageFacts, info: &EuiccInfo2) -> Result<(), Refusal> {
    let [major, ..] = info.profile_version.0;
    if package.major > major {
        return Err(ineligible(format!(
            "the package is of format {}.{}, the eUICC takes {}",
            package.major, package.minor, info.profile_version
        )));
    }
    let needed = |service: &Service| package.capabilities & bit(*service) != 0;
    let needed = Service::ALL.iter().copied().filter(needed).fold(Services::default(), Services::with);
    let missing = saip::missing_capabilities(needed, info.uicc_capability);
    if !missing.is_empty() {
        let names: Vec<&str> = missing.into_iter().map(Service::name).collect();
        return Err(ineligible(format!("the eUICC is not capable of {}", names.join(", "))));
    }
    Ok(())
}

/// What a package asks of an eUICC, as [`PackageFacts::capabilities`] has it.
pub(crate) fn capabilities(services: Services) -> u32 {
    services.iter().fold(0, |bits, service| bits | bit(service))
}

/// A service's place in `uiccCapability`.
const fn bit(service: Service) -> u32 {
    0x8000_0000 >> service.capability()
}

fn euicc(wanted: &Requirements, info: &EuiccInfo2) -> Result<(), Refusal> {
    let versions = [
        ("of SGP.22", wanted.least_svn, info.svn),
        ("of the package format", wanted.least_profile_version, info.profile_version),
    ];
    for (what, least, has) in versions {
        if let Some(least) = least.filter(|least| has.0 < least.0) {
            return Err(ineligible(format!("version {least} {what} is needed, the eUICC has {has}")));
        }
    }
    Ok(())
}

fn device(wanted: &Requirements, device: &DeviceInfo) -> Result<(), Refusal> {
    // By SGP.22 v2.1 the low nibble of a byte is the first digit, before it was the high
    // one; which of them an LPA writes, it does not say.
    let plain = hex::encode(device.tac);
    let swapped = hex::encode(device.tac.map(|byte| byte.rotate_left(4)));
    let begins = |tac: &String| plain.starts_with(tac.as_str()) || swapped.starts_with(tac.as_str());
    if !wanted.tacs.is_empty() && !wanted.tacs.iter().any(begins) {
        return Err(ineligible("the profile is not for this type of device"));
    }
    for (name, least) in &wanted.device_capabilities {
        let index = Requirements::CAPABILITIES.iter().position(|known| known == name);
        let release = index.and_then(|index| device.capabilities.get(index).copied().flatten());
        if release.is_none_or(|release| release.0[0] < *least) {
            return Err(ineligible(format!("release {least} of {name} is needed")));
        }
    }
    Ok(())
}
