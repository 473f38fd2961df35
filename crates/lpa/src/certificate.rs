//! What an LPA reads in a server's certificate: the OID of its subject alternative name
//! (SGP.22 §3.0.1 step 6, §4.1), and whether it is an SM-DS's (SGP.14, certificate
//! policies).

use rsp::Oid;
use rsp::auth::Certificate;
use tlv::{Error, Tag, Tlv};

/// `id-ce-subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1D, 0x11];
/// `id-ce-certificatePolicies`, 2.5.29.32.
const CERTIFICATE_POLICIES: [u8; 3] = [0x55, 0x1D, 0x20];
/// `id-rspRole-ds-auth` (2.23.146.1.2.1.7), and below a SubCA (2.23.146.1.2.1.0.0.2.1).
const DS_AUTH: [&[u8]; 2] = [&[0x67, 0x81, 0x12, 1, 2, 1, 7], &[0x67, 0x81, 0x12, 1, 2, 1, 0, 0, 2, 1]];

/// The registeredID of the certificate's subject alternative name, if it has one.
pub(crate) fn registered_id(certificate: &Certificate) -> Result<Option<Oid>, Error> {
    let Some(names) = extension(certificate, &SUBJECT_ALT_NAME)? else { return Ok(None) };
    let name = names.fields().optional(Tag::context(8))?;
    name.map(|tlv| Oid::from_der_contents(tlv.value).map_err(|_| Error::Value(tlv.tag))).transpose()
}

/// Whether the certificate is an SM-DS's for authentication. What can't be read is not.
pub(crate) fn is_smds(certificate: &Certificate) -> bool {
    let read = || -> Result<bool, Error> {
        let Some(policies) = extension(certificate, &CERTIFICATE_POLICIES)? else { return Ok(false) };
        let mut reader = policies.reader();
        while let Some(policy) = reader.next()? {
            if DS_AUTH.contains(&policy.fields().required(Tag::OID)?.value) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    read().unwrap_or(false)
}

/// The content of an extension.
fn extension<'a>(certificate: &'a Certificate, id: &[u8]) -> Result<Option<Tlv<'a>>, Error> {
    let tbs = Tlv::single(certificate.der())?.reader().expect(Tag::SEQUENCE)?;
    let Some(extensions) = tbs.fields().optional(Tag::context_constructed(3))? else {
        return Ok(None);
    };
    let mut list = extensions.reader().expect(Tag::SEQUENCE)?.reader();
    while let Some(extension) = list.next()? {
        let mut fields = extension.fields();
        if fields.required(Tag::OID)?.value == id {
            return Tlv::single(fields.required(Tag::OCTET_STRING)?.value).map(Some);
        }
    }
    Ok(None)
}
