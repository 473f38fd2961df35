//! Profiles come in: ready-made packages, or subscribers to make packages for.

use rsp::Iccid;
use rsp::metadata::ProfileClass;
use saip::Secret;
use saip::build::{self, Authentication, Class, Codes, Ims};
use zeroize::Zeroizing;

use crate::error::Malformed;
use crate::profile::PackageFacts;
use crate::wire::operator::{NewProfile, Subscriber};

/// The longest package that is taken, in bytes.
pub(crate) const MAX_PACKAGE: usize = 1 << 20;
/// The longest profile type, in bytes.
const MAX_PROFILE_TYPE: usize = 64;

/// A package that was checked.
pub(crate) struct Package {
    pub(crate) iccid: Iccid,
    pub(crate) facts: PackageFacts,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// The package of a request: the one uploaded, or one that is made.
pub(crate) fn package(new: &NewProfile) -> Result<Package, Malformed> {
    let class = new.metadata.class()?;
    if new.profile_type.as_ref().is_some_and(|t| t.is_empty() || t.len() > MAX_PROFILE_TYPE) {
        return Err(Malformed::new("profileType", "1 to 64 bytes"));
    }
    let bytes = match (&new.package, &new.subscriber) {
        (Some(package), None) => Zeroizing::new(package.0.clone()),
        (None, Some(subscriber)) => generate(subscriber, class)?,
        _ => return Err(Malformed::new("request", "either package or subscriber is expected")),
    };
    let package = check(bytes)?;
    let stated = new.metadata.iccid.as_deref().map(str::parse::<Iccid>).transpose();
    match stated.map_err(|e| Malformed::new("metadata.iccid", e))? {
        Some(stated) if stated != package.iccid => {
            Err(Malformed::new("metadata.iccid", "the package has another ICCID"))
        }
        _ => Ok(package),
    }
}

fn check(bytes: Zeroizing<Vec<u8>>) -> Result<Package, Malformed> {
    let malformed = |e: &dyn core::fmt::Display| Malformed::new("package", e);
    if bytes.len() > MAX_PACKAGE {
        return Err(malformed(&"longer than 1 MiB"));
    }
    let report = saip::validate::validate(&bytes);
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
        ..PackageFacts::default()
    };
    Ok(Package { iccid, facts, bytes })
}

fn generate(subscriber: &Subscriber, class: ProfileClass) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    let malformed = |what: &str| Malformed::new(&format!("subscriber.{what}"), "not a value of its kind");
    let key = |text: &str, what: &str| hex::decode(text).map(Secret::new).map_err(|_| malformed(what));
    let code = |text: &Option<String>| text.as_ref().map(|text| Secret::new(text.as_bytes()));
    let k = key(&subscriber.k, "k")?;
    let opc = subscriber.opc.as_deref().map(|opc| key(opc, "opc")).transpose()?;
    let algorithm = subscriber.algorithm.as_deref().unwrap_or("milenage").to_ascii_lowercase();
    let authentication = match (algorithm.as_str(), opc) {
        ("milenage", Some(opc)) => Authentication::Milenage { k, opc },
        ("tuak", Some(topc)) => {
            Authentication::Tuak { k, topc, iterations: subscriber.iterations.unwrap_or(1) }
        }
        ("testxor", None) => Authentication::TestXor { k },
        ("milenage" | "tuak", None) => return Err(malformed("opc")),
        _ => return Err(malformed("algorithm")),
    };
    let iccid = subscriber.iccid.parse().map_err(|_| malformed("iccid"))?;
    let imsi = subscriber.imsi.parse().map_err(|_| malformed("imsi"))?;
    let mnc_length = subscriber.mnc_length.unwrap_or(2);
    let mut made = build::Subscriber::new(iccid, imsi, mnc_length, authentication);
    made.msisdn.clone_from(&subscriber.msisdn);
    made.spn = subscriber.spn.clone().unwrap_or_default();
    made.codes = Codes {
        pin1: code(&subscriber.pin1),
        puk1: code(&subscriber.puk1),
        pin2: code(&subscriber.pin2),
        puk2: code(&subscriber.puk2),
        adm1: code(&subscriber.adm1),
    };
    made.service_centre.clone_from(&subscriber.service_centre);
    made.access_points.clone_from(&subscriber.access_points);
    if subscriber.ims {
        made.ims = Some(Ims::of_imsi(&made.imsi, mnc_length).ok_or_else(|| malformed("imsi"))?);
    }
    let made = made.of_class(match class {
        ProfileClass::Test => Class::Test,
        ProfileClass::Provisioning => Class::Provisioning,
        ProfileClass::Operational => Class::Operational,
    });
    build::package(&made).map_err(|e| Malformed::new("subscriber", e))
}
