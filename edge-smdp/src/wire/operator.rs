//! JSON of the operator's interface: profiles in, states and time lines out.

use rsp::es9::Base64;
use rsp::metadata::{
    Icon, IconType, NotificationConfiguration, NotificationEvents, OperatorId, PprIds, ProfileClass,
    StoreMetadata,
};
use rsp::{DataObject, Iccid};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::error::Malformed;
use crate::profile::{Event, Notification, Profile, ProfileState};
use crate::store::Logged;

/// `POST /operator/profiles`: metadata, and either a package or a subscriber.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProfile {
    /// What the eUICC shows.
    pub metadata: Metadata,
    /// A ready-made unprotected profile package.
    #[serde(default)]
    pub package: Option<Base64>,
    /// Whom to make a package for.
    #[serde(default)]
    pub subscriber: Option<Subscriber>,
    /// Under which it can be ordered without naming the ICCID.
    #[serde(default)]
    pub profile_type: Option<String>,
}

impl Drop for NewProfile {
    fn drop(&mut self) {
        if let Some(package) = &mut self.package {
            package.0.zeroize();
        }
    }
}

/// `StoreMetadata` in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Must be the package's, when given.
    #[serde(default)]
    pub iccid: Option<String>,
    /// At most 32 bytes.
    pub service_provider_name: String,
    /// At most 64 bytes.
    pub profile_name: String,
    /// `test`, `provisioning` or `operational`.
    #[serde(default)]
    pub profile_class: Option<String>,
    /// Where later events are notified to; without it: this server.
    #[serde(default)]
    pub notification_address: Option<String>,
    /// The operator's picture, at most 1,024 bytes.
    #[serde(default)]
    pub icon: Option<IconJson>,
    /// MCC, MNC and group identifiers.
    #[serde(default)]
    pub profile_owner: Option<OwnerJson>,
    /// `ppr1`, `ppr2`.
    #[serde(default)]
    pub profile_policy_rules: Vec<String>,
}

/// An icon.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IconJson {
    /// `png` or `jpg`.
    pub r#type: String,
    /// The file.
    pub data: Base64,
}

/// An operator.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerJson {
    /// 3 digits.
    pub mcc: String,
    /// 2 or 3 digits.
    pub mnc: String,
    /// Hexadecimal.
    #[serde(default)]
    pub gid1: Option<String>,
    /// Hexadecimal.
    #[serde(default)]
    pub gid2: Option<String>,
}

/// A subscriber, as the operator's own systems know them. Not `Debug`: it holds
/// keys.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscriber {
    /// 18 to 20 digits.
    pub iccid: String,
    /// 6 to 15 digits.
    pub imsi: String,
    /// Digits of the MNC, 2 (the default) or 3.
    #[serde(default)]
    pub mnc_length: Option<u8>,
    /// With `+`.
    #[serde(default)]
    pub msisdn: Option<String>,
    /// `milenage` (the default), `tuak` or `testXor`.
    #[serde(default)]
    pub algorithm: Option<String>,
    /// Hexadecimal.
    pub k: String,
    /// OPc or TOPc, hexadecimal.
    #[serde(default)]
    pub opc: Option<String>,
    /// Runs of Keccak for TUAK, 1 by default.
    #[serde(default)]
    pub iterations: Option<u8>,
    /// Name of the service provider in the SIM.
    #[serde(default)]
    pub spn: Option<String>,
    /// 4 to 8 digits.
    #[serde(default)]
    pub pin1: Option<String>,
    /// 8 digits.
    #[serde(default)]
    pub puk1: Option<String>,
    /// 4 to 8 digits.
    #[serde(default)]
    pub pin2: Option<String>,
    /// 8 digits.
    #[serde(default)]
    pub puk2: Option<String>,
    /// 4 to 8 characters.
    #[serde(default)]
    pub adm1: Option<String>,
    /// SMS service centre, with `+`.
    #[serde(default)]
    pub service_centre: Option<String>,
    /// The only access points that may be used, if any are named.
    #[serde(default)]
    pub access_points: Vec<String>,
    /// Whether the profile gets an ISIM with identities derived from the IMSI.
    #[serde(default)]
    pub ims: bool,
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.k.zeroize();
        for secret in [&mut self.opc, &mut self.pin1, &mut self.puk1, &mut self.pin2, &mut self.puk2] {
            secret.zeroize();
        }
        self.adm1.zeroize();
    }
}

impl Metadata {
    /// The class.
    ///
    /// # Errors
    /// For a name that is none.
    pub fn class(&self) -> Result<ProfileClass, Malformed> {
        match self.profile_class.as_deref() {
            None | Some("operational") => Ok(ProfileClass::Operational),
            Some("provisioning") => Ok(ProfileClass::Provisioning),
            Some("test") => Ok(ProfileClass::Test),
            Some(_) => Err(Malformed::new("profileClass", "test, provisioning or operational")),
        }
    }

    /// `BF25` for a profile; all four events are notified to `notification_address`
    /// unless the metadata names another one.
    ///
    /// # Errors
    /// For values that the standard does not allow.
    pub fn encode(&self, iccid: Iccid, notification_address: &str) -> Result<Vec<u8>, Malformed> {
        let address = self.notification_address.as_deref().unwrap_or(notification_address);
        if !rsp::activation_code::is_address(address) {
            return Err(Malformed::new("notificationAddress", "a host name with an optional port"));
        }
        let mut rules = 0;
        for rule in &self.profile_policy_rules {
            rules |= match rule.as_str() {
                "ppr1" => PprIds::PPR1.0,
                "ppr2" => PprIds::PPR2.0,
                _ => return Err(Malformed::new("profilePolicyRules", "ppr1, ppr2")),
            };
        }
        let metadata = StoreMetadata {
            iccid,
            service_provider_name: self.service_provider_name.clone(),
            profile_name: self.profile_name.clone(),
            icon: self.icon.as_ref().map(IconJson::read).transpose()?,
            profile_class: self.class()?,
            notification_configuration: vec![NotificationConfiguration {
                events: NotificationEvents::ALL,
                address: address.to_owned(),
            }],
            profile_owner: self.profile_owner.as_ref().map(OwnerJson::read).transpose()?,
            profile_policy_rules: PprIds(rules),
        };
        let bytes = metadata.encode();
        // The lengths are the reader's to check.
        StoreMetadata::decode(&bytes).map_err(|e| Malformed::new("metadata", e))?;
        Ok(bytes)
    }
}

impl IconJson {
    fn read(&self) -> Result<Icon, Malformed> {
        let icon_type = match self.r#type.as_str() {
            "png" => IconType::Png,
            "jpg" => IconType::Jpg,
            _ => return Err(Malformed::new("icon.type", "png or jpg")),
        };
        Ok(Icon { icon_type, data: self.data.0.clone() })
    }
}

impl OwnerJson {
    fn read(&self) -> Result<OperatorId, Malformed> {
        let gid = |text: &Option<String>| {
            text.as_ref().map(hex::decode).transpose().map_err(|e| Malformed::new("profileOwner.gid", e))
        };
        Ok(OperatorId { mcc_mnc: self.plmn()?, gid1: gid(&self.gid1)?, gid2: gid(&self.gid2)? })
    }

    /// 3GPP TS 24.008 §10.5.1.3.
    fn plmn(&self) -> Result<[u8; 3], Malformed> {
        let digits: Option<Vec<u8>> =
            self.mcc.chars().chain(self.mnc.chars()).map(|c| c.to_digit(10).map(|d| d as u8)).collect();
        match (digits.as_deref(), self.mcc.len()) {
            (Some([a, b, c, d, e]), 3) => Ok([b << 4 | a, 0xF0 | c, e << 4 | d]),
            (Some([a, b, c, d, e, f]), 3) => Ok([b << 4 | a, f << 4 | c, e << 4 | d]),
            _ => Err(Malformed::new("profileOwner", "mcc of 3 digits, mnc of 2 or 3")),
        }
    }
}

/// One line of `GET /operator/profiles`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileLine {
    iccid: String,
    state: ProfileState,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_type: Option<String>,
    service_provider_name: String,
    profile_name: String,
    profile_class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    eid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matching_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activation_code: Option<String>,
    confirmation_code_required: bool,
    download_attempts: u32,
    package_length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    changed: u64,
}

impl ProfileLine {
    /// What may be shown of a profile: nothing that is secret.
    #[must_use]
    pub fn new(profile: &Profile, smdp_address: &str) -> Self {
        let metadata = StoreMetadata::decode(&profile.metadata.0).ok();
        let order = profile.order.as_ref();
        let matching_id = order.and_then(|order| order.matching_id.as_ref());
        let confirmation_code_required = order.is_some_and(|order| order.confirmation_code.is_some());
        let activation_code = matching_id.filter(|id| !id.is_empty()).map(|id| {
            let code = rsp::ActivationCode {
                smdp_address: smdp_address.to_owned(),
                matching_id: id.clone(),
                smdp_oid: None,
                confirmation_code_required,
            };
            format!("LPA:{code}")
        });
        let (service_provider_name, profile_name, class) = metadata
            .map_or_else(Default::default, |m| (m.service_provider_name, m.profile_name, m.profile_class));
        Self {
            iccid: profile.iccid.to_string(),
            state: profile.state,
            profile_type: profile.profile_type.clone(),
            service_provider_name,
            profile_name,
            profile_class: match class {
                ProfileClass::Test => "test",
                ProfileClass::Provisioning => "provisioning",
                ProfileClass::Operational => "operational",
            },
            eid: order.and_then(|order| order.eid).map(|eid| eid.to_string()),
            matching_id: matching_id.map(|id| id.as_str().to_owned()),
            activation_code,
            confirmation_code_required,
            download_attempts: order.map_or(0, |order| order.download_attempts),
            package_length: profile.package.length,
            expires: order.map(|order| order.expires),
            changed: profile.events.last().map_or(0, |event| event.at),
        }
    }
}

/// `GET /operator/orders/{iccid}`.
#[derive(Serialize)]
pub struct OrderDetail<'a> {
    /// As in the list.
    #[serde(flatten)]
    pub line: ProfileLine,
    /// The time line, oldest first.
    pub events: &'a [Event],
    /// What the eUICC reported.
    pub notifications: &'a [Notification],
}

/// One line of `GET /operator/notifications`.
#[derive(Serialize)]
pub struct NotificationLine {
    /// The profile.
    pub iccid: String,
    /// The rest.
    #[serde(flatten)]
    pub notification: Notification,
}

impl NotificationLine {
    /// An event of the journal, when an eUICC reported it.
    #[must_use]
    pub fn of(logged: Logged) -> Option<Self> {
        let Event { at, event, detail, eid, seq_number } = logged.event;
        let notification = Notification { at, eid: eid?, seq_number: seq_number?, event, detail };
        Some(Self { iccid: logged.place.iccid.to_string(), notification })
    }
}
