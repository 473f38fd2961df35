//! JSON of the operator's interface: profiles in, states and time lines out.

use rsp::es9::Base64;
use rsp::metadata::{
    Icon, IconType, NotificationConfiguration, NotificationEvents, OperatorId, PprIds, ProfileClass,
    StoreMetadata,
};
use rsp::status::{ResponseHeader, StatusCode, StatusCodeData};
use rsp::{DataObject, Eid, Iccid, MatchingId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::error::{Malformed, Refusal};
use crate::outbox::Outgoing;
use crate::profile::{Event, Notification, Profile, ProfileState, Requirements};
use crate::store::{Added, Logged};
use crate::wire::network::Subscription;
use crate::wire::subscriber::Subscriber;

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
    /// What device and eUICC must have.
    #[serde(default)]
    pub requirements: Requirements,
    /// What the network is told when it is ordered; without it nothing.
    #[serde(default)]
    pub subscription: Option<Subscription>,
}

impl Drop for NewProfile {
    fn drop(&mut self) {
        if let Some(package) = &mut self.package {
            package.0.zeroize();
        }
    }
}

/// `StoreMetadata` in JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Must be the package's, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// At most 32 bytes.
    pub service_provider_name: String,
    /// At most 64 bytes.
    pub profile_name: String,
    /// `test`, `provisioning` or `operational`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_class: Option<String>,
    /// Where later events are notified to; without it: this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_address: Option<String>,
    /// The operator's picture, at most 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<IconJson>,
    /// MCC, MNC and group identifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_owner: Option<OwnerJson>,
    /// `ppr1`, `ppr2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profile_policy_rules: Vec<String>,
}

/// An icon.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IconJson {
    /// `png` or `jpg`.
    pub r#type: String,
    /// The file.
    pub data: Base64,
}

/// An operator.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerJson {
    /// 3 digits.
    pub mcc: String,
    /// 2 or 3 digits.
    pub mnc: String,
    /// Hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid1: Option<String>,
    /// Hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid2: Option<String>,
}

impl Metadata {
    /// Of a class, and otherwise what the profiles' own data say.
    #[must_use]
    pub fn of_class(class: &str) -> Self {
        Self {
            iccid: None,
            service_provider_name: String::new(),
            profile_name: String::new(),
            profile_class: Some(class.to_owned()),
            notification_address: None,
            icon: None,
            profile_owner: None,
            profile_policy_rules: Vec::new(),
        }
    }

    /// Whether it could be a profile's.
    ///
    /// # Errors
    /// As [`Metadata::encode`].
    pub fn check(&self) -> Result<(), Malformed> {
        let iccid = "8900000000000000000".parse().map_err(|e| Malformed::new("metadata", e))?;
        self.encode(iccid, "smdp.example").map(drop)
    }

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

    /// The operator.
    ///
    /// # Errors
    /// For codes that are none.
    pub fn owner(&self) -> Result<Option<OperatorId>, Malformed> {
        self.profile_owner.as_ref().map(OwnerJson::read).transpose()
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
        let names =
            [("serviceProviderName", &self.service_provider_name), ("profileName", &self.profile_name)];
        if let Some((what, _)) = names.iter().find(|(_, name)| name.contains(char::is_control)) {
            return Err(Malformed::new(what, "no control characters"));
        }
        // No eUICC authorises a rule to nobody (SGP.22 §2.9.2.1).
        if rules != 0 && self.profile_owner.is_none() {
            return Err(Malformed::new("profilePolicyRules", "not without a profileOwner"));
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
            profile_owner: self.owner()?,
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
    /// Where a discovery event is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    smds_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    /// `off`, `pending`, `fed` or `refused`.
    network: &'static str,
    changed: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// What looks mistyped, and is taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Warning {
    /// The last digit of the ICCID does not check the rest.
    IccidCheckDigit,
    /// The last two digits of the EID do not check the rest.
    EidCheckDigits,
}

impl Warning {
    fn of(iccid: &Iccid, eid: Option<&Eid>) -> Vec<Self> {
        let iccid = iccid.has_wrong_check_digit().then_some(Self::IccidCheckDigit);
        let eid = eid.is_some_and(|eid| !eid.has_valid_check_digits()).then_some(Self::EidCheckDigits);
        iccid.into_iter().chain(eid).collect()
    }
}

/// What a person enters to get the profile of an order (SGP.22 §4.1).
#[must_use]
pub fn activation_code(
    smdp_address: &str,
    matching_id: &MatchingId,
    confirmation_code_required: bool,
) -> rsp::ActivationCode {
    rsp::ActivationCode {
        smdp_address: smdp_address.to_owned(),
        matching_id: matching_id.clone(),
        smdp_oid: None,
        confirmation_code_required,
        delete_notification_for_device_change: false,
    }
}

impl ProfileLine {
    /// What may be shown of a profile: nothing that is secret.
    #[must_use]
    pub fn new(profile: &Profile, smdp_address: &str) -> Self {
        let metadata = StoreMetadata::decode(&profile.metadata.0).ok();
        let order = profile.order.as_ref();
        let matching_id = order.and_then(|order| order.matching_id.as_ref());
        let confirmation_code_required = order.is_some_and(|order| order.confirmation_code.is_some());
        let activation_code = matching_id
            .filter(|id| !id.is_empty())
            .map(|id| format!("LPA:{}", activation_code(smdp_address, id, confirmation_code_required)));
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
            smds_address: order.and_then(|order| order.smds_address.clone()),
            expires: order.map(|order| order.expires),
            network: profile.network().name(),
            changed: profile.events.last().map_or(0, |event| event.at),
            warnings: Warning::of(&profile.iccid, order.and_then(|order| order.eid.as_ref())),
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
        let Event { at, event, detail, eid, seq_number, .. } = logged.event;
        let notification = Notification { at, eid: eid?, seq_number: seq_number?, event, detail };
        Some(Self { iccid: logged.place.iccid.to_string(), notification })
    }
}

/// One line of `GET /operator/events`.
#[derive(Serialize)]
pub struct EventLine {
    iccid: String,
    #[serde(flatten)]
    event: Event,
}

impl EventLine {
    /// An event of the journal.
    #[must_use]
    pub fn of(logged: Logged) -> Self {
        Self { iccid: logged.place.iccid.to_string(), event: logged.event }
    }
}

/// One line of `GET /operator/outbox`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingLine<'a> {
    id: &'a str,
    function: &'static str,
    iccid: String,
    attempts: u32,
    due: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
}

impl<'a> OutgoingLine<'a> {
    /// A message that waits.
    #[must_use]
    pub fn of(message: &'a Outgoing) -> Self {
        Self {
            id: &message.id,
            function: message.message.function(),
            iccid: message.iccid.to_string(),
            attempts: message.attempts,
            due: message.due,
            last_error: message.last_error.as_deref(),
        }
    }
}

/// What became of the rows of a batch.
#[derive(Default, Serialize)]
pub struct BatchReport {
    created: usize,
    replaced: usize,
    failed: usize,
    results: Vec<BatchLine>,
}

/// What became of one row.
#[derive(Serialize)]
pub struct BatchLine {
    row: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    iccid: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

impl BatchLine {
    /// The row, counted from 1, the profile that came of it, and how it ended.
    #[must_use]
    pub fn new(row: usize, iccid: Option<Iccid>, added: Result<Added, String>) -> Self {
        let (status, detail) = match added {
            Ok(Added::New) => ("created", None),
            Ok(Added::Replaced) => ("replaced", None),
            Ok(Added::InUse) => {
                ("failed", Some("the profile has been ordered; it stays as it is".to_owned()))
            }
            Err(because) => ("failed", Some(because)),
        };
        let warnings = iccid.as_ref().map(|iccid| Warning::of(iccid, None)).unwrap_or_default();
        Self { row, iccid: iccid.map(|iccid| iccid.to_string()), status, detail, warnings }
    }
}

impl BatchReport {
    /// Adds a row.
    pub fn add(&mut self, line: BatchLine) {
        match line.status {
            "created" => self.created += 1,
            "replaced" => self.replaced += 1,
            _ => self.failed += 1,
        }
        self.results.push(line);
    }
}

/// An order of `POST /operator/orders`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    /// The profile.
    #[serde(default)]
    pub iccid: Option<String>,
    /// Or any available one of this type.
    #[serde(default)]
    pub profile_type: Option<String>,
    /// For this eUICC only.
    #[serde(default)]
    pub eid: Option<String>,
    /// Generated if absent; empty: found by EID.
    #[serde(default)]
    pub matching_id: Option<String>,
    /// Demanded from the end user.
    #[serde(default)]
    pub confirmation_code: Option<String>,
    /// Registers a discovery event there.
    #[serde(default)]
    pub smds_address: Option<String>,
    /// Whether it may be downloaded at once.
    #[serde(default = "yes")]
    pub release: bool,
}

const fn yes() -> bool {
    true
}

/// What became of an order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    iccid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<ProfileState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matching_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activation_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<StatusCodeData>,
}

impl OrderResult {
    /// The order as it stands.
    #[must_use]
    pub fn of(line: &ProfileLine) -> Self {
        Self {
            iccid: Some(line.iccid.clone()),
            state: Some(line.state),
            matching_id: line.matching_id.clone(),
            activation_code: line.activation_code.clone(),
            network: Some(line.network),
            warnings: line.warnings.clone(),
            refused: None,
        }
    }

    /// The standard's refusal.
    #[must_use]
    pub fn refused(iccid: Option<&str>, refusal: &Refusal) -> Self {
        let header = ResponseHeader::failed(refusal.code, &refusal.because);
        Self {
            iccid: iccid.map(str::to_owned),
            state: None,
            matching_id: None,
            activation_code: None,
            network: None,
            warnings: Vec::new(),
            refused: header.function_execution_status.status_code_data,
        }
    }

    /// One of several that can't be read.
    #[must_use]
    pub fn malformed(malformed: Malformed) -> Self {
        Self::refused(None, &Refusal::new(StatusCode::PROTOCOL_FORMAT_INVALID, malformed.because))
    }
}
