//! Profile types: a template, and what is personalised in it for every subscriber.

use std::collections::BTreeSet;

use rsp::es9::Base64;
use saip::build::Class;
use saip::personalise::Field;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Malformed;
use crate::profile::Requirements;
use crate::wire::network::Subscription;
use crate::wire::operator::Metadata;

/// The longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// A profile type, as the operator's interface has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileType {
    /// 1 to [`MAX_NAME`] bytes.
    pub name: String,
    /// Whether it is one of the server's own; not to be stated.
    #[serde(default)]
    pub built_in: bool,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What profiles are made of.
    #[serde(default)]
    pub template: Template,
    /// The template that is a package; in requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Base64>,
    /// Its length in bytes; in answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_length: Option<u32>,
    /// What of a package is personalised; the server's own templates take all they are
    /// given.
    #[serde(default)]
    pub personalised: Fields,
    /// What the eUICC shows, but for the ICCID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What device and eUICC must have.
    #[serde(default, skip_serializing_if = "Requirements::is_empty")]
    pub requirements: Requirements,
    /// What the network is told of subscribers that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
}

/// What profiles of a type are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Template {
    /// A subscription: the server makes the package.
    Operational,
    /// Connectivity for the download of other profiles.
    Provisioning,
    /// For testing of devices.
    Test,
    /// A profile package.
    #[default]
    Package,
}

impl Template {
    /// The class of the server's own package; `None` for one that was uploaded.
    #[must_use]
    pub const fn class(self) -> Option<Class> {
        match self {
            Self::Operational => Some(Class::Operational),
            Self::Provisioning => Some(Class::Provisioning),
            Self::Test => Some(Class::Test),
            Self::Package => None,
        }
    }
}

/// Fields by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub BTreeSet<Field>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|field| field.name()))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let field = |name: String| {
            Field::from_name(&name).ok_or_else(|| de::Error::custom(format!("there is no field {name}")))
        };
        names.into_iter().map(field).collect::<Result<_, _>>().map(Self)
    }
}

impl ProfileType {
    /// The server's own types.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        let own = |name: &str, description: &str, template| {
            let class = match template {
                Template::Provisioning => "provisioning",
                Template::Test => "test",
                _ => "operational",
            };
            Self {
                name: name.to_owned(),
                built_in: true,
                description: Some(description.to_owned()),
                template,
                package: None,
                package_length: None,
                personalised: Fields(Field::ALL.iter().copied().collect()),
                metadata: Some(Metadata::of_class(class)),
                requirements: Requirements::default(),
                subscription: None,
            }
        };
        vec![
            own("operational", "A subscription: USIM, 5G files, ISIM where wanted", Template::Operational),
            own(
                "provisioning",
                "Bootstrap: for the way to an SM-DP+, and nothing else",
                Template::Provisioning,
            ),
            own("test", "For type approval and testing of devices", Template::Test),
        ]
    }

    /// Whether it can be kept.
    ///
    /// # Errors
    /// [`Malformed`] names the part that cannot.
    pub fn check(&self) -> Result<(), Malformed> {
        let malformed = |what: &str, because: &str| Err(Malformed::new(what, because));
        if self.name.is_empty() || self.name.len() > MAX_NAME {
            return malformed("name", "1 to 64 bytes");
        }
        if self.name.contains(char::is_control) {
            return malformed("name", "no control characters");
        }
        if self.description.as_ref().is_some_and(|text| text.len() > 1000) {
            return malformed("description", "at most 1,000 bytes");
        }
        if let Some(metadata) = &self.metadata {
            if metadata.iccid.is_some() {
                return malformed("metadata.iccid", "every profile has its own");
            }
            metadata.check()?;
        }
        self.requirements.check()?;
        self.subscription.as_ref().map_or(Ok(()), Subscription::check)?;
        match (self.template, &self.package) {
            (Template::Package, None) => malformed("package", "the template is missing"),
            (Template::Package, Some(package)) => self.check_package(&package.0),
            (_, Some(_)) => malformed("package", "the server's own templates need none"),
            (_, None) => Ok(()),
        }
    }

    fn check_package(&self, package: &[u8]) -> Result<(), Malformed> {
        let report = saip::validate::validate(package);
        if let Some(finding) = report.errors().next() {
            return Err(Malformed::new("package", finding));
        }
        if !Field::REQUIRED.iter().all(|field| self.personalised.0.contains(field)) {
            return Err(Malformed::new("personalised", "iccid, imsi and authentication are needed"));
        }
        let places = saip::personalise::places(package).map_err(|error| Malformed::new("package", error))?;
        match self.personalised.0.iter().find(|field| !places.contains(field)) {
            Some(field) => {
                Err(Malformed::new("personalised", format!("the template has no place for {field}")))
            }
            None => Ok(()),
        }
    }
}
