use rsp::{Iccid, Imsi};
use zeroize::Zeroizing;

use crate::{
    AkaParameter, AlgoConfiguration, Error, ProfileElement, ProfileHeader, Splitter, TemplateKind, template,
};

/// A whole profile package: its elements, in order.
///
/// Not `Debug`: it holds keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    /// The elements.
    pub elements: Vec<ProfileElement>,
}

impl Package {
    /// Reads the unprotected profile package.
    ///
    /// # Errors
    /// For the first element that does not follow its definition.
    pub fn decode(package: &[u8]) -> Result<Self, Error> {
        let elements = Splitter::split(package)?.into_iter().map(ProfileElement::decode);
        Ok(Self { elements: elements.collect::<Result<_, _>>()? })
    }

    /// As DER.
    ///
    /// # Errors
    /// As [`ProfileElement::encode`].
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut bytes = Zeroizing::new(Vec::new());
        for element in &self.elements {
            bytes.extend_from_slice(&element.encode()?);
        }
        Ok(bytes)
    }

    /// The header, which has to be the first element.
    #[must_use]
    pub fn header(&self) -> Option<&ProfileHeader> {
        match self.elements.first() {
            Some(ProfileElement::Header(header)) => Some(header),
            _ => None,
        }
    }

    /// The ICCID of the header: what `StoreMetadata` must say too.
    #[must_use]
    pub fn iccid(&self) -> Option<Iccid> {
        self.header().map(|header| header.iccid)
    }

    /// The IMSI in the first EF.IMSI.
    #[must_use]
    pub fn imsi(&self) -> Option<Imsi> {
        [(TemplateKind::Usim, 3), (TemplateKind::Iot, 9)]
            .into_iter()
            .find_map(|(kind, number)| Imsi::from_ef(&self.file(kind, number)?.ok()?).ok())
    }

    /// The parameters of authentication, application by application.
    pub fn aka(&self) -> impl Iterator<Item = &AkaParameter> {
        self.elements.iter().filter_map(|element| match element {
            ProfileElement::AkaParameter(parameter) => Some(&**parameter),
            _ => None,
        })
    }

    /// Whether it authenticates with test keys only ([`crate::AlgoParameter::has_test_key`]): what
    /// a profile of class `test` must.
    #[must_use]
    pub fn has_only_test_keys(&self) -> bool {
        self.aka().all(|parameter| match &parameter.configuration {
            // Another application's, which is looked at itself.
            AlgoConfiguration::Mapping { .. } => true,
            AlgoConfiguration::Algorithm(algorithm) => algorithm.has_test_key(),
        })
    }

    /// The body of a file as it will be installed: `number` is the context tag of
    /// the member in the first element of that kind. `None` when there is no such
    /// member.
    pub fn file(&self, kind: TemplateKind, number: u8) -> Option<Result<Vec<u8>, Error>> {
        let element = self.elements.iter().find_map(|element| match element {
            ProfileElement::Template(element) if element.kind == kind => Some(element),
            _ => None,
        })?;
        let file = element.file(number)?;
        let row = template::row(kind, &element.template, number);
        let attributes = match (row, file.fcp()) {
            // Without a row and a descriptor the content is all there is to know.
            (None, fcp) if fcp.is_none_or(|fcp| fcp.file_descriptor.is_none()) => {
                let mut body = vec![0xFF; file.content_end()];
                return Some(
                    file.apply(&mut body).map(|()| body).map_err(|_| Error::Value("fillFileContent")),
                );
            }
            (row, fcp) => template::resolve(row, fcp),
        };
        Some(attributes.and_then(|attributes| attributes.body(row, file)))
    }
}
