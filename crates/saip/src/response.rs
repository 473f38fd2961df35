//! What the eUICC answers to a profile package.
//!
//! ```asn1
//! EUICCResponse ::= SEQUENCE { peStatus SEQUENCE OF PEStatus,
//!   profileInstallationAborted NULL OPTIONAL,
//!   statusMessage UTF8String (SIZE (2..64)) OPTIONAL }
//! ```

use rasn::prelude::{AsnType, Decode, Decoder, Encode};

use crate::Error;

/// ```asn1
/// PEStatus ::= SEQUENCE { status INTEGER { ok(0), .. }, identification UInt15 OPTIONAL,
///   additional-information UInt8 OPTIONAL, offset UInt31 OPTIONAL }
/// ```
#[derive(AsnType, Decode, Encode, Clone, Debug, PartialEq, Eq)]
#[rasn(automatic_tags)]
pub struct PeStatus {
    /// One of the constants, or a status word of ISO 7816 where one tells more.
    pub status: u16,
    /// `identification` of the profile element that failed.
    pub identification: Option<u16>,
    /// More about the status.
    pub additional_information: Option<u8>,
    /// Where in the element.
    pub offset: Option<u32>,
}

impl PeStatus {
    /// Installed.
    pub const OK: u16 = 0;
    /// The profile element is not supported.
    pub const PE_NOT_SUPPORTED: u16 = 1;
    /// Writing memory failed.
    pub const MEMORY_FAILURE: u16 = 2;
    /// A value is not allowed.
    pub const BAD_VALUES: u16 = 3;
    /// Memory is used up.
    pub const NOT_ENOUGH_MEMORY: u16 = 4;
    /// Not the ASN.1 that it should be.
    pub const INVALID_REQUEST_FORMAT: u16 = 5;
    /// A parameter is not allowed.
    pub const INVALID_PARAMETER: u16 = 6;
    /// The runtime environment is not supported.
    pub const RUNTIME_NOT_SUPPORTED: u16 = 7;
    /// A library is not supported.
    pub const LIB_NOT_SUPPORTED: u16 = 8;
    /// A template is not supported.
    pub const TEMPLATE_NOT_SUPPORTED: u16 = 9;
    /// A mandatory service is not supported.
    pub const FEATURE_NOT_SUPPORTED: u16 = 10;
    /// A PIN or PUK that is referred to is not there.
    pub const PIN_CODE_MISSING: u16 = 11;
    /// The version of the package is not supported.
    pub const UNSUPPORTED_PROFILE_VERSION: u16 = 31;

    /// A status about one profile element.
    #[must_use]
    pub const fn new(status: u16, identification: Option<u16>) -> Self {
        Self { status, identification, additional_information: None, offset: None }
    }
}

/// The answer to a whole package.
#[derive(AsnType, Decode, Encode, Clone, Debug, PartialEq, Eq)]
#[rasn(automatic_tags)]
pub struct EuiccResponse {
    /// At least one status; the last one is that of the failing element.
    pub pe_status: Vec<PeStatus>,
    /// Present: nothing has been installed.
    pub profile_installation_aborted: Option<()>,
    /// Words.
    #[rasn(size("2..=64"))]
    pub status_message: Option<String>,
}

impl EuiccResponse {
    /// All was installed.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            pe_status: vec![PeStatus::new(PeStatus::OK, None)],
            profile_installation_aborted: None,
            status_message: None,
        }
    }

    /// Stopped at an element; nothing was installed.
    #[must_use]
    pub fn aborted(status: PeStatus) -> Self {
        Self { pe_status: vec![status], profile_installation_aborted: Some(()), status_message: None }
    }

    /// Whether all was installed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.profile_installation_aborted.is_none()
            && self.pe_status.iter().all(|status| status.status == PeStatus::OK)
    }

    /// As the bytes of `simaResponse`.
    ///
    /// # Errors
    /// [`Error::Asn1`] when the message has not 2 to 64 characters.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        rasn::der::encode(self).map_err(|_| Error::Asn1("EUICCResponse"))
    }

    /// Reads the bytes of `simaResponse`.
    ///
    /// # Errors
    /// [`Error::Asn1`] when they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        rasn::der::decode(bytes).map_err(|_| Error::Asn1("EUICCResponse"))
    }
}
