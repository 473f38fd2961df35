//! TCA profile packages ("eUICC Profile Package: Interoperable Format", 2.1 to
//! 3.3.1): splitting, decoding, templates, building, personalising and validation.
//!
//! ```text
//!  segments ──► Splitter ──► one TLV each ──► ProfileElement::decode
//!                                               │        template::row(oid, ctx)
//!                          interpreter ◄────────┴──────► defaults of every file
//!  Subscriber ──► build::package ──► UPP (DER) ──► validate, issue ──► Report
//!      └────────► personalise ──────────┘
//!  profile type ──────┘
//! ```
//!
//! Two ways of reading ASN.1 meet here. The flat types of file management and of
//! the answer ([`Fcp`], [`ProprietaryInfo`], [`Command`], [`response`]) are rasn
//! derives, field for field from the module. Everything that must outlive its
//! definition or must be forgotten is read with `tlv`: the header and its service
//! list (a service added next year has to be *seen* to be refused, and rasn stops
//! at the first unknown component), the template elements (one generic shape for
//! eighteen definitions), and whatever holds a key, PIN or PUK (rasn's octet
//! strings are shared buffers that nobody can wipe).

mod aka;
pub mod build;
mod capability;
mod codes;
pub mod ef;
mod element;
mod error;
mod file;
mod header;
pub mod issue;
mod package;
pub mod personalise;
mod remote;
pub mod response;
mod secret;
mod splitter;
pub mod template;
pub mod validate;

pub use aka::{
    AkaParameter, AlgoConfiguration, AlgoParameter, AlgorithmId, DEFAULT_ROTATION, DEFAULT_XORING,
};
pub use capability::missing_capabilities;
pub use codes::{Pin, PinCodes, PinSource, Puk, PukCodes, Retry};
pub use element::{
    CdmaParameter, GenericFileManagement, NonStandard, Opaque, PeHeader, ProfileElement, TemplateElement,
    TemplateKind, element_name,
};
pub use error::Error;
pub use file::{
    Command, Fcp, File, FileDescriptor, FileItem, FileStructure, PastEnd, ProprietaryInfo,
    SecurityAttributes, ShortFileId, fill,
};
pub use header::{MandatoryAid, ProfileHeader, Service, Services};
pub use package::Package;
pub use remote::{AdfAccess, KeyObject, Reach, Rfm, SecurityDomain};
pub use secret::Secret;
pub use splitter::Splitter;
