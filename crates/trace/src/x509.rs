//! Certificates and revocation lists (RFC 5280), with the roles and extensions of SGP.14 and
//! SGP.22 §4.5.2. For showing only: nothing is verified here.

use crate::der::{Decoder, Field, Kind, f, fs};
use crate::node::{Node, Secrecy};
use crate::values;

/// Certificate.
pub(crate) static CERTIFICATE: [Field; 3] = [
    f(0x30, "tbsCertificate", Kind::Seq(&TBS)),
    f(0x30, "signatureAlgorithm", Kind::Algorithm),
    f(0x03, "signatureValue", Kind::BitString),
];

static TBS: [Field; 8] = [
    f(0xA0, "version", Kind::Seq(&VERSION)),
    f(0x02, "serialNumber", Kind::Hex),
    f(0x30, "signature", Kind::Algorithm),
    f(0x30, "issuer", Kind::Name),
    f(0x30, "validity", Kind::Validity),
    f(0x30, "subject", Kind::Name),
    f(0x30, "subjectPublicKeyInfo", Kind::Seq(&SPKI)),
    f(0xA3, "extensions", Kind::Seq(&EXTENSIONS)),
];
static VERSION: [Field; 1] = [f(0x02, "version", Kind::Enum("0 v1|1 v2|2 v3"))];
static SPKI: [Field; 2] =
    [f(0x30, "algorithm", Kind::Algorithm), f(0x03, "subjectPublicKey", Kind::BitString)];
static EXTENSIONS: [Field; 1] = [f(0x30, "extensions", Kind::Of(&EXTENSION))];
static EXTENSION: [Field; 1] = [f(0x30, "extension", Kind::Extension)];

/// CertificateList.
pub(crate) static CRL: [Field; 3] = [
    f(0x30, "tbsCertList", Kind::Seq(&TBS_CRL)),
    f(0x30, "signatureAlgorithm", Kind::Algorithm),
    f(0x03, "signatureValue", Kind::BitString),
];
static TBS_CRL: [Field; 7] = [
    f(0x02, "version", Kind::Enum("1 v2")),
    f(0x30, "signature", Kind::Algorithm),
    f(0x30, "issuer", Kind::Name),
    f(0x17, "thisUpdate", Kind::Time),
    f(0x17, "nextUpdate", Kind::Time),
    f(0x30, "revokedCertificates", Kind::Of(&REVOKED)),
    f(0xA0, "crlExtensions", Kind::Seq(&EXTENSIONS)),
];
static REVOKED: [Field; 1] = [f(0x30, "revoked", Kind::Seq(&REVOKED_ONE))];
static REVOKED_ONE: [Field; 4] = [
    f(0x02, "userCertificate", Kind::Hex),
    f(0x17, "revocationDate", Kind::Time),
    f(0x18, "revocationDate", Kind::Time),
    f(0x30, "crlEntryExtensions", Kind::Of(&EXTENSION)),
];

/// Values of extensions by identifier.
static VALUES: [(&str, Field); 15] = [
    ("2.5.29.14", f(0x04, "keyIdentifier", Kind::Hex)),
    ("2.5.29.35", f(0x30, "AuthorityKeyIdentifier", Kind::Seq(&AKI))),
    ("2.5.29.15", f(0x03, "KeyUsage", Kind::Bits(USAGE))),
    ("2.5.29.19", f(0x30, "BasicConstraints", Kind::Seq(&BASIC))),
    ("2.5.29.32", fs(0x30, "CertificatePolicies", Kind::Of(&POLICIES), "SGP.22 §4.5.2")),
    ("2.5.29.17", f(0x30, "SubjectAltName", Kind::Of(&GENERAL_NAMES))),
    ("2.5.29.30", f(0x30, "NameConstraints", Kind::Seq(&CONSTRAINTS))),
    ("2.5.29.31", f(0x30, "CRLDistributionPoints", Kind::Of(&POINTS))),
    ("2.5.29.37", f(0x30, "ExtKeyUsage", Kind::Of(&USAGES))),
    ("2.5.29.20", f(0x02, "CRLNumber", Kind::Int)),
    ("2.5.29.27", f(0x02, "BaseCRLNumber", Kind::Int)),
    ("2.5.29.21", f(0x0A, "CRLReason", Kind::Enum(REASONS))),
    ("2.23.146.1.2.0.2", f(0x02, "totalPartialCrlNumber", Kind::Int)),
    ("2.23.146.1.2.0.3", f(0x02, "partialCrlNumber", Kind::Int)),
    ("2.23.146.1.2.0.1", f(0x18, "expirationDate", Kind::Time)),
];
static AKI: [Field; 1] = [f(0x80, "keyIdentifier", Kind::Hex)];
const USAGE: &str = "digitalSignature|nonRepudiation|keyEncipherment|dataEncipherment|keyAgreement|keyCertSign|cRLSign|encipherOnly|decipherOnly";
const REASONS: &str = "0 unspecified|1 keyCompromise|2 cACompromise|3 affiliationChanged|4 superseded|5 cessationOfOperation|6 certificateHold|8 removeFromCRL|9 privilegeWithdrawn|10 aACompromise";
static BASIC: [Field; 2] = [f(0x01, "cA", Kind::Bool), f(0x02, "pathLenConstraint", Kind::Int)];
static POLICIES: [Field; 1] = [f(0x30, "policy", Kind::Seq(&POLICY))];
static POLICY: [Field; 1] = [f(0x06, "policyIdentifier", Kind::Oid)];
static GENERAL_NAMES: [Field; 4] = [
    f(0x82, "dNSName", Kind::Text),
    f(0x86, "uniformResourceIdentifier", Kind::Text),
    f(0x88, "registeredID", Kind::Oid),
    f(0xA4, "directoryName", Kind::Of(&DIRECTORY)),
];
static DIRECTORY: [Field; 1] = [f(0x30, "name", Kind::Name)];
static CONSTRAINTS: [Field; 2] =
    [f(0xA0, "permittedSubtrees", Kind::Of(&SUBTREE)), f(0xA1, "excludedSubtrees", Kind::Of(&SUBTREE))];
static SUBTREE: [Field; 1] = [f(0x30, "subtree", Kind::Of(&GENERAL_NAMES))];
static POINTS: [Field; 1] = [f(0x30, "point", Kind::Of(&POINT))];
static POINT: [Field; 1] = [f(0xA0, "distributionPoint", Kind::Of(&POINT_NAME))];
static POINT_NAME: [Field; 1] = [f(0xA0, "fullName", Kind::Of(&GENERAL_NAMES))];
static USAGES: [Field; 1] = [f(0x06, "usage", Kind::Oid)];

/// A name: its attributes in one line, and each of them.
pub(crate) fn name(
    decoder: &mut Decoder,
    label: &'static str,
    value: &[u8],
    base: usize,
    depth: usize,
) -> Node {
    static RDN: [Field; 1] = [f(0x31, "rdn", Kind::Of(&ATTRIBUTE))];
    static ATTRIBUTE: [Field; 1] = [f(0x30, "attribute", Kind::Of(&PAIR))];
    static PAIR: [Field; 4] = [
        f(0x06, "type", Kind::Oid),
        f(0x0C, "value", Kind::Text),
        f(0x13, "value", Kind::Text),
        f(0x16, "value", Kind::Text),
    ];
    let raw = decoder.objects(value, base, &RDN, false, depth + 1);
    let mut attributes = Vec::new();
    let mut faults = Vec::new();
    for node in raw {
        node.walk(&mut |inner| {
            if inner.name == "attribute" {
                let text = |of: &str| inner.children.iter().find(|child| child.name == of);
                let kind = text("type").map_or("?", |node| node.value.as_str());
                // "2.5.4.3 (CN)": the name where there is one.
                let short = kind.split_once(" (").map_or(kind, |(_, name)| name.trim_end_matches(')'));
                let value = text("value").map_or(String::new(), |node| node.value.clone());
                let mut attribute = Node::new(short.to_owned(), value, inner.range.clone());
                // The serial number in the subject of an eUICC is its EID (SGP.22 §4.5.2).
                if short == "serialNumber" && attribute.value.len() == 32 {
                    attribute.secrecy = Secrecy::Identifier;
                }
                attributes.push(attribute);
            } else if inner.fault {
                faults.push(inner.clone());
            }
        });
    }
    let line: Vec<String> = attributes.iter().map(|node| format!("{}={}", node.name, node.value)).collect();
    let secret = attributes.iter().map(|node| node.secrecy).max().unwrap_or_default();
    attributes.append(&mut faults);
    Node::new(label, line.join(", "), base..base + value.len()).secret(secret).holding(attributes)
}

/// The algorithm and its curve.
pub(crate) fn algorithm(
    decoder: &mut Decoder,
    label: &'static str,
    value: &[u8],
    base: usize,
    depth: usize,
) -> Node {
    let parts = decoder.objects(value, base, &[], false, depth + 1);
    let line: Vec<&str> = parts.iter().map(|node| node.value.as_str()).collect();
    let line = line.join(", ");
    Node::new(label, line, base..base + value.len())
}

/// From and to.
pub(crate) fn validity(
    decoder: &mut Decoder,
    label: &'static str,
    value: &[u8],
    base: usize,
    depth: usize,
) -> Node {
    let mut times = decoder.objects(value, base, &[], false, depth + 1);
    for (time, name) in times.iter_mut().filter(|node| !node.fault).zip(["notBefore", "notAfter"]) {
        time.name = name.into();
    }
    let line: Vec<&str> = times.iter().map(|node| node.value.as_str()).collect();
    let line = line.join(" to ");
    Node::new(label, line, base..base + value.len()).holding(times)
}

/// An extension: named by its identifier, its value decoded.
pub(crate) fn extension(
    decoder: &mut Decoder,
    label: &'static str,
    value: &[u8],
    base: usize,
    depth: usize,
) -> Node {
    let range = base..base + value.len();
    let mut reader = tlv::Reader::new(value);
    let Ok(Some(id)) = reader.next() else {
        return Node::fault(format!("no extension: {}", values::hex(value)), range);
    };
    let dotted = values::oid(id.value).unwrap_or_default();
    let (mut critical, mut inner, mut at) = (false, &[][..], base + id.raw.len());
    while let Ok(Some(object)) = reader.next() {
        match object.tag.0 {
            0x01 => critical = object.value.first().is_some_and(|byte| *byte != 0),
            0x04 => {
                inner = object.value;
                at += object.raw.len() - object.value.len();
                break;
            }
            _ => {}
        }
        at += object.raw.len();
    }
    let fields = VALUES
        .iter()
        .find(|(known, _)| *known == dotted)
        .map_or(&[][..], |(_, field)| std::slice::from_ref(field));
    let mut children = decoder.objects(inner, at, fields, false, depth + 1);
    let mut node = Node::new(label, String::new(), range);
    node.name = match values::oid_name(&dotted) {
        Some(name) => name.into(),
        None => dotted.into(),
    };
    // An extension is its value: the only node inside is unwrapped.
    if let [only] = children.as_mut_slice() {
        node.value = std::mem::take(&mut only.value);
        node.secrecy = only.secrecy;
        node.section = only.section;
        node.fault = only.fault;
        let inside = std::mem::take(&mut only.children);
        children = inside;
    }
    if critical {
        node.value = format!("{}{}critical", node.value, if node.value.is_empty() { "" } else { ", " });
    }
    node.holding(children)
}
