//! The one thing that an LPA reads in a server's certificate: the OID of its
//! subject alternative name (SGP.22 §3.0.1 step 6, §4.1).

use rsp::Oid;
use rsp::auth::Certificate;
use tlv::{Error, Tag, Tlv};

/// `id-ce-subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1D, 0x11];

/// The registeredID of the certificate's subject alternative name, if it has one.
pub(crate) fn registered_id(certificate: &Certificate) -> Result<Option<Oid>, Error> {
    let tbs = Tlv::single(certificate.der())?.reader().expect(Tag::SEQUENCE)?;
    let Some(extensions) = tbs.fields().optional(Tag::context_constructed(3))? else {
        return Ok(None);
    };
    let mut list = extensions.reader().expect(Tag::SEQUENCE)?.reader();
    while let Some(extension) = list.next()? {
        let mut fields = extension.fields();
        if fields.required(Tag::OID)?.value == SUBJECT_ALT_NAME {
            let names = Tlv::single(fields.required(Tag::OCTET_STRING)?.value)?;
            let name = names.fields().optional(Tag::context(8))?;
            let oid = name.map(|tlv| Oid::from_der_contents(tlv.value).map_err(|_| Error::Value(tlv.tag)));
            return oid.transpose();
        }
    }
    Ok(None)
}
