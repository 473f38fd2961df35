//! Profile packages: ready-made ones are checked, and made for subscribers.

use rsp::metadata::{OperatorId, ProfileClass};
use rsp::{Iccid, Imsi};
use saip::TemplateKind;
use saip::build;
use saip::personalise::personalise;
use zeroize::Zeroizing;

use crate::error::Malformed;
use crate::profile::PackageFacts;
use crate::profile_type::{ProfileType, Template};
use crate::service::eligibility;

/// The longest package that is taken, in bytes.
pub(crate) const MAX_PACKAGE: usize = 1 << 20;

/// A package that was checked.
pub(crate) struct Package {
    pub(crate) iccid: Iccid,
    pub(crate) facts: PackageFacts,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Of the USIM.
    imsi: Option<Imsi>,
    /// EF.GID1 and EF.GID2 of the USIM, where it has them and EF.UST says so.
    groups: [Option<Vec<u8>>; 2],
    has_only_test_keys: bool,
}

impl Package {
    /// Whether it is the profile of this operator: what an eUICC compares at the end of the
    /// installation (SGP.22 §5.5.5), where it ends with `DATA_MISMATCH`.
    pub(crate) fn is_of(&self, owner: Option<&OperatorId>) -> Result<(), Malformed> {
        let Some(owner) = owner else { return Ok(()) };
        if self.imsi.as_ref().is_some_and(|imsi| !is_subscriber_of(imsi.as_str(), owner)) {
            return Err(Malformed::new(
                "metadata.profileOwner",
                "the IMSI of the package is another operator's",
            ));
        }
        for (name, asked, own) in
            [("gid1", &owner.gid1, &self.groups[0]), ("gid2", &owner.gid2, &self.groups[1])]
        {
            if asked.as_ref().is_some_and(|asked| !is_group(asked, own.as_deref())) {
                let what = format!("metadata.profileOwner.{name}");
                return Err(Malformed::new(&what, "the package has another group identifier, or none"));
            }
        }
        Ok(())
    }

    /// Whether it may be a profile of this class: one for tests has keys that everybody
    /// knows. An eUICC looks at them at the end of the installation (SGP.22 §5.5.5), where it
    /// ends with `TEST_PROFILE_INVALID_NAA_KEY`.
    pub(crate) fn may_be(&self, class: ProfileClass) -> Result<(), Malformed> {
        if class == ProfileClass::Test && !self.has_only_test_keys {
            let because = "a test profile has a key of its own: K must be all zero or 00 to 0F";
            return Err(Malformed::new("metadata.profileClass", because));
        }
        Ok(())
    }
}

/// Whether an IMSI begins with an operator's MCC and MNC (3GPP TS 24.008 §10.5.1.13: the
/// halves swapped, an MNC of two digits filled up with `F`).
fn is_subscriber_of(imsi: &str, owner: &OperatorId) -> bool {
    let [a, b, c] = owner.mcc_mnc;
    let digits = [a & 15, a >> 4, b & 15, c & 15, c >> 4, b >> 4];
    let wanted = digits.iter().filter(|digit| **digit != 15);
    let own = imsi.bytes().map(|digit| digit.wrapping_sub(b'0'));
    wanted.clone().count() <= imsi.len() && wanted.zip(own).all(|(wanted, own)| *wanted == own)
}

/// Whether a group identifier is that of the file, which is filled up with `FF`.
fn is_group(asked: &[u8], own: Option<&[u8]>) -> bool {
    let rest = own.unwrap_or_default().strip_prefix(asked);
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0xFF))
}

/// EF.IMSI, EF.GID1 and EF.GID2 of the USIM.
fn identifiers(package: &saip::Package) -> (Option<Imsi>, [Option<Vec<u8>>; 2]) {
    const EF_IMSI: u8 = 3;
    const EF_UST: u8 = 8;
    let file = |kind, number| package.file(kind, number)?.ok();
    let imsi = file(TemplateKind::Usim, EF_IMSI).and_then(|content| Imsi::from_ef(&content).ok());
    let services = file(TemplateKind::Usim, EF_UST).unwrap_or_default();
    // The service in EF.UST that the file needs, and its number in the template.
    let groups = [(17, 5), (18, 6)].map(|(service, number): (usize, u8)| {
        let byte = services.get((service - 1) / 8)?;
        let available = byte >> ((service - 1) % 8) & 1 == 1;
        file(TemplateKind::OptUsim, number).filter(|_| available)
    });
    (imsi, groups)
}

/// A subscriber's package of a type; `template` is the type's, where it is a package.
pub(crate) fn of_type(
    profile_type: &ProfileType,
    template: Option<&[u8]>,
    subscriber: &build::Subscriber,
) -> Result<Package, Malformed> {
    let bytes = match (profile_type.template.class(), template) {
        (Some(class), _) => {
            let subscriber = subscriber.clone().of_class(class);
            build::package(&subscriber).map_err(|error| Malformed::new("subscriber", error))?
        }
        (None, Some(_)) if subscriber.concealment != build::Concealment::default() => {
            // Its files for 5G are the template's: no field of them is a subscriber's.
            let because = "a template that was uploaded has its own";
            return Err(Malformed::new("homeNetworkKeys, suciCalculation, routingIndicator", because));
        }
        (None, Some(template)) => personalise(template, &profile_type.personalised.0, subscriber)
            .map_err(|error| Malformed::new("subscriber", error))?,
        (None, None) => return Err(Malformed::new("profileType", "its template is missing")),
    };
    let package = check(bytes)?;
    if package.iccid == subscriber.iccid {
        Ok(package)
    } else {
        Err(Malformed::new("package", "not the subscriber's ICCID"))
    }
}

/// A subscriber's package by the server's own template.
pub(crate) fn of_template(template: Template, subscriber: build::Subscriber) -> Result<Package, Malformed> {
    let subscriber = match template.class() {
        Some(class) => subscriber.of_class(class),
        None => subscriber,
    };
    check(build::package(&subscriber).map_err(|error| Malformed::new("subscriber", error))?)
}

/// Checks what is to be handed out.
pub(crate) fn check(bytes: Zeroizing<Vec<u8>>) -> Result<Package, Malformed> {
    let malformed = |e: &dyn core::fmt::Display| Malformed::new("package", e);
    if bytes.len() > MAX_PACKAGE {
        return Err(malformed(&"longer than 1 MiB"));
    }
    let report = saip::issue::validate(&bytes);
    if let Some(finding) = report.errors().next() {
        return Err(malformed(finding));
    }
    let read = saip::Package::decode(&bytes).map_err(|e| malformed(&e))?;
    let header = read.header().ok_or_else(|| malformed(&"no profile header"))?;
    let iccid = header.iccid;
    let facts = PackageFacts {
        length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        major: header.major,
        minor: header.minor,
        capabilities: eligibility::capabilities(header.services),
        memory: Some(saip::issue::required_memory(&read) / 5 * 4),
    };
    let (imsi, groups) = identifiers(&read);
    let has_only_test_keys = read.has_only_test_keys();
    Ok(Package { iccid, facts, bytes, imsi, groups, has_only_test_keys })
}
