//! A new profile type, from what the person entered.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::{Metadata, ProfileType, Requirements};
use crate::order::Wrong;
use crate::words;

/// The longest package, in bytes: more does not fit into the server's request.
pub const MAX_PACKAGE: usize = 1 << 20;

/// What can be personalised, with words.
pub const FIELDS: [(&str, &str); 18] = [
    ("iccid", "ICCID"),
    ("imsi", "IMSI"),
    ("msisdn", "MSISDN"),
    ("authentication", "Keys and algorithm"),
    ("spn", "Name of the service provider"),
    ("pin1", "PIN 1"),
    ("puk1", "PUK 1"),
    ("pin2", "PIN 2"),
    ("puk2", "PUK 2"),
    ("adm1", "ADM 1"),
    ("homePlmn", "Home network"),
    ("operatorPlmns", "Preferred networks"),
    ("equivalentHome", "Equivalent home networks"),
    ("forbiddenPlmns", "Forbidden networks"),
    ("serviceCentre", "SMS service centre"),
    ("accessPoints", "Access points"),
    ("imsIdentities", "IMS identities"),
    ("otaKeys", "Keys for remote management"),
];

/// What must be personalised.
pub const REQUIRED: [&str; 3] = ["iccid", "imsi", "authentication"];

/// Device capabilities by their names in the interface.
pub const CAPABILITIES: [(&str, &str); 11] = [
    ("gsm", "GSM"),
    ("utran", "UTRAN"),
    ("cdma2000onex", "CDMA2000 1X"),
    ("cdma2000hrpd", "CDMA2000 HRPD"),
    ("cdma2000ehrpd", "CDMA2000 eHRPD"),
    ("eutran", "E-UTRAN"),
    ("nrEpc", "NR with EPC"),
    ("nr5gc", "NR with 5GC"),
    ("eutran5gc", "E-UTRAN with 5GC"),
    ("contactless", "Contactless"),
    ("rspCrl", "RSP CRL"),
];

/// A field in words.
#[must_use]
pub fn field(name: &str) -> &str {
    FIELDS.iter().find(|(field, _)| *field == name).map_or(name, |(_, words)| words)
}

/// The form as it was filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of the form")]
pub struct Form {
    pub name: String,
    pub description: String,
    pub profile_class: String,
    pub service_provider_name: String,
    pub profile_name: String,
    pub personalised: Vec<String>,
    pub tacs: String,
    pub least_svn: String,
    pub least_profile_version: String,
    /// Least 3GPP release by capability; empty: not asked for.
    pub capabilities: BTreeMap<String, String>,
}

/// What a package looks like from outside (TCA eUICC Profile Package, §8.1: the first element is
/// the ProfileHeader, `[0]`).
///
/// # Errors
/// In words, when it can't be one.
pub fn check_package(bytes: &[u8]) -> Result<(), Wrong> {
    let words = match bytes {
        [] => "The file is empty: choose the profile package.".to_owned(),
        _ if bytes.len() > MAX_PACKAGE => format!(
            "The file has {}; a package may have {} at most.",
            words::bytes(bytes.len() as u64),
            words::bytes(MAX_PACKAGE as u64)
        ),
        [0xA0, ..] => return Ok(()),
        [b'-' | b'{' | b'v' | b'<', ..] => {
            "This is a text: choose the package in DER, as a binary file (.der, .upp, .bin).".to_owned()
        }
        _ => "This is no profile package: one begins with its header (A0). Choose the unprotected package in DER."
            .to_owned(),
    };
    Err(Wrong { field: "package", words })
}

/// The type that the form describes.
///
/// # Errors
/// The first field that can't be taken.
pub fn profile_type(form: &Form, package: &[u8]) -> Result<ProfileType, Wrong> {
    let wrong = |field: &'static str, words: &str| Err(Wrong { field, words: words.to_owned() });
    let name = form.name.trim();
    if name.is_empty() || name.len() > 64 {
        return wrong("name", "Enter a name, at most 64 bytes.");
    }
    check_package(package)?;
    let provider = form.service_provider_name.trim();
    if provider.is_empty() || provider.len() > 32 {
        return wrong("provider", "Enter the operator’s name, at most 32 bytes.");
    }
    let profile_name = form.profile_name.trim();
    if profile_name.is_empty() || profile_name.len() > 64 {
        return wrong("profile-name", "Enter a name for the profiles, at most 64 bytes.");
    }
    if !REQUIRED.iter().all(|needed| form.personalised.iter().any(|field| field == needed)) {
        return wrong(
            "personalised",
            "ICCID, IMSI, and keys and algorithm must be personalised: no two subscribers have the same.",
        );
    }
    let tacs: Vec<String> = form
        .tacs
        .split([',', ';', ' ', '\n', '\r', '\t'])
        .filter(|tac| !tac.is_empty())
        .map(str::to_owned)
        .collect();
    if tacs.iter().any(|tac| !(2..=8).contains(&tac.len()) || !tac.bytes().all(|c| c.is_ascii_digit())) {
        return wrong(
            "tacs",
            "A type allocation code has 8 digits; its first 2 or more may stand for all of them.",
        );
    }
    let version = |field: &'static str, text: &str| match text.trim() {
        "" => Ok(None),
        text if text.parse::<rsp::Version>().is_ok() => Ok(Some(text.to_owned())),
        _ => Err(Wrong { field, words: "Enter three numbers with dots, as 2.2.2.".to_owned() }),
    };
    let mut device_capabilities = BTreeMap::new();
    for (capability, release) in &form.capabilities {
        match release.trim() {
            "" => {}
            text => match text.parse::<u32>() {
                Ok(release @ 0..=99) => drop(device_capabilities.insert(capability.clone(), release)),
                _ => return wrong("capabilities", "Enter the number of a 3GPP release, as 15."),
            },
        }
    }
    let requirements = Requirements {
        tacs,
        device_capabilities,
        least_svn: version("svn", &form.least_svn)?,
        least_profile_version: version("profile-version", &form.least_profile_version)?,
    };
    let class = Some(form.profile_class.clone()).filter(|class| !class.is_empty());
    Ok(ProfileType {
        name: name.to_owned(),
        description: Some(form.description.trim().to_owned()).filter(|text| !text.is_empty()),
        template: Some("package".to_owned()),
        package: Some(STANDARD.encode(package)),
        personalised: form.personalised.clone(),
        metadata: Some(Metadata {
            service_provider_name: provider.to_owned(),
            profile_name: profile_name.to_owned(),
            profile_class: class,
            notification_address: None,
        }),
        requirements: (!requirements.is_empty()).then_some(requirements),
        ..ProfileType::default()
    })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn form() -> Form {
        Form {
            name: "travel".into(),
            profile_class: "operational".into(),
            service_provider_name: "Telco".into(),
            profile_name: "Travel".into(),
            personalised: REQUIRED.map(str::to_owned).to_vec(),
            ..Form::default()
        }
    }

    #[test]
    fn a_type_says_only_what_was_entered() {
        let made = profile_type(&form(), &[0xA0, 0x00]).unwrap();
        assert_eq!(
            serde_json::to_string(&made).unwrap(),
            r#"{"name":"travel","template":"package","package":"oAA=","personalised":["iccid","imsi","authentication"],"metadata":{"serviceProviderName":"Telco","profileName":"Travel","profileClass":"operational"}}"#
        );
        let asks = Form {
            tacs: "35290611, 86".into(),
            least_svn: "2.2.2".into(),
            capabilities: [("eutran".into(), "9".into()), ("gsm".into(), " ".into())].into(),
            ..form()
        };
        let requirements = profile_type(&asks, &[0xA0, 0x00]).unwrap().requirements.unwrap();
        assert_eq!(requirements.tacs, ["35290611", "86"]);
        assert_eq!(requirements.device_capabilities, [("eutran".to_owned(), 9)].into());
    }

    #[test]
    fn the_first_wrong_field_is_named() {
        let field = |form: Form| profile_type(&form, &[0xA0, 0x00]).unwrap_err().field;
        assert_eq!(field(Form { name: " ".into(), ..form() }), "name");
        assert_eq!(field(Form { name: "ü".repeat(33), ..form() }), "name");
        assert_eq!(field(Form { service_provider_name: "x".repeat(33), ..form() }), "provider");
        assert_eq!(field(Form { personalised: vec!["imsi".into()], ..form() }), "personalised");
        assert_eq!(field(Form { tacs: "1".into(), ..form() }), "tacs");
        assert_eq!(field(Form { least_svn: "2.2".into(), ..form() }), "svn");
        assert_eq!(
            field(Form { capabilities: [("gsm".into(), "x".into())].into(), ..form() }),
            "capabilities"
        );
        for bad in [&b""[..], b"-----BEGIN", b"\x30\x00", &vec![0xA0; MAX_PACKAGE + 1]] {
            assert_eq!(profile_type(&form(), bad).unwrap_err().field, "package");
        }
    }

    #[test]
    fn fields_have_words() {
        assert_eq!((field("authentication"), field("newest")), ("Keys and algorithm", "newest"));
    }
}
