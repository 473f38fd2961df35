//! Profile packages: ready-made ones are checked, and made for subscribers.

use rsp::Iccid;
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
    Ok(Package { iccid, facts, bytes })
}
