//! The profile interpreter: executes the elements of a profile package, as they
//! arrive, into a slot of the memory (TCA "eUICC Profile Package", SGP.22 §2.5).
//!
//! ```text
//!   plaintext ─► Splitter ─► ProfileElement ─► files, PINs, keys in the caller's
//!                                              transaction ─► finish: consistency
//! ```
//!
//! Nothing is durable until the caller commits its transaction; to roll back is
//! to drop it.

mod codes;
mod conclusion;
mod files;
mod keys;

use std::collections::BTreeSet;

use rsp::{Iccid, Imsi};
use saip::response::{EuiccResponse, PeStatus};
use saip::{ProfileElement, ProfileHeader, Service, Services, Splitter, TemplateKind, template};
use tlv::Tag;

use crate::nvm::{self, Key, SlotId, SlotKey, Transaction};
use crate::uicc::file::MF;
use crate::uicc::remote;
use files::{Source, is_csim};

/// What a profile may require of this chip (`eUICC-Mandatory-services`). CSIM is
/// here because its files are created; CAVE, which would need its algorithm,
/// is not.
#[must_use]
pub fn services() -> Services {
    [
        Service::Usim,
        Service::Isim,
        Service::Csim,
        Service::Milenage,
        Service::Tuak128,
        Service::MultipleUsim,
        Service::MultipleIsim,
        Service::MultipleCsim,
        Service::Tuak256,
        Service::UsimTestAlgorithm,
        Service::BerTlv,
        Service::DfLink,
        Service::GetIdentity,
        Service::ProfileAX25519,
        Service::ProfileBP256,
    ]
    .into_iter()
    .fold(Services::default(), Services::with)
}

/// A profile that was built and waits for the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// As in EF.ICCID and tag 5A.
    pub iccid: Iccid,
    /// The digits of EF.IMSI of the first USIM.
    pub imsi: Option<Imsi>,
    /// Contents of EF.GID1 and EF.GID2 of the first USIM, each where its service
    /// table says that it is there.
    pub group_identifiers: [Option<Vec<u8>>; 2],
    /// Whether every key that the profile authenticates with is a published test
    /// key: all zero, or 00 to 0F (SGP.22 asks for it in Test Profiles).
    pub only_test_keys: bool,
    /// The answer for the SM-DP+; it may hold warnings.
    pub response: EuiccResponse,
}

/// Why a package was not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The answer for the SM-DP+.
    pub response: EuiccResponse,
    /// The profile element, by its name in the module.
    pub element: &'static str,
    /// What was wrong, for a trace. No real chip tells.
    pub because: &'static str,
}

/// Builds one profile.
pub struct Installer {
    slot: SlotId,
    splitter: Splitter,
    progress: Progress,
    /// Files of directories and bodies get numbers in the order of creation.
    next_directory: u16,
    next_body: u16,
    next_opaque: u16,
    next_domain: u16,
    next_rfm: u16,
    /// The directory that PINs which follow belong to.
    context: u16,
    applications: Vec<Application>,
    identifications: BTreeSet<u16>,
    warnings: Vec<PeStatus>,
    only_test_keys: bool,
}

/// An ADF that exists.
#[derive(Clone, Debug)]
struct Application {
    kind: TemplateKind,
    directory: u16,
}

enum Progress {
    /// Nothing has come yet.
    Start,
    /// The header, and then other elements.
    Elements(Box<ProfileHeader>),
    /// `end`, with its identification.
    Ended(Box<ProfileHeader>, u16),
    Failed(Failure),
}

/// A status of the answer and what was wrong.
struct Refusal {
    status: u16,
    because: &'static str,
}

type Step = Result<(), Refusal>;

const fn refuse<T>(status: u16, because: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, because })
}

impl From<nvm::Error> for Refusal {
    fn from(error: nvm::Error) -> Self {
        match error {
            nvm::Error::Full => Self { status: PeStatus::NOT_ENOUGH_MEMORY, because: "memory is used up" },
            _ => Self { status: PeStatus::MEMORY_FAILURE, because: "the medium failed" },
        }
    }
}

impl From<saip::Error> for Refusal {
    fn from(error: saip::Error) -> Self {
        match error {
            saip::Error::Tlv(_) => Self {
                status: PeStatus::INVALID_REQUEST_FORMAT,
                because: "not the data objects it should be",
            },
            saip::Error::Asn1(what) => Self { status: PeStatus::INVALID_REQUEST_FORMAT, because: what },
            saip::Error::Value(what) => Self { status: PeStatus::BAD_VALUES, because: what },
            saip::Error::TooLarge => {
                Self { status: PeStatus::NOT_ENOUGH_MEMORY, because: "the element is too large" }
            }
        }
    }
}

impl Installer {
    /// Builds into a slot, which must be empty.
    #[must_use]
    pub fn new(slot: SlotId) -> Self {
        Self {
            slot,
            splitter: Splitter::new(),
            progress: Progress::Start,
            next_directory: MF,
            next_body: 1,
            next_opaque: 1,
            next_domain: remote::OPERATORS_DOMAIN,
            next_rfm: 1,
            context: MF,
            applications: Vec::new(),
            identifications: BTreeSet::new(),
            warnings: Vec::new(),
            only_test_keys: true,
        }
    }

    /// The slot built into.
    #[must_use]
    pub const fn slot(&self) -> SlotId {
        self.slot
    }

    /// Takes bytes of the package as they arrive and executes the elements that
    /// they complete.
    ///
    /// # Errors
    /// [`Failure`] at the first element that cannot be executed, and again at
    /// every later call.
    pub fn feed(&mut self, tx: &mut Transaction<'_>, bytes: &[u8]) -> Result<(), Failure> {
        if let Progress::Failed(failure) = &self.progress {
            return Err(failure.clone());
        }
        if let Err(error) = self.splitter.push(bytes) {
            return Err(self.fail(None, "package", error.into()));
        }
        loop {
            let raw = match self.splitter.next_element() {
                Ok(Some(raw)) => raw,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.fail(None, "package", error.into())),
            };
            let tag = tlv::head(&raw).ok().flatten().map_or(Tag(0), |head| head.tag);
            if let Err(refusal) = self.element(tx, &raw) {
                return Err(self.fail(identification(&raw), saip::element_name(tag), refusal));
            }
        }
    }

    /// After the last byte: checks that the profile is whole and consistent and
    /// takes out of its service tables what this chip does not do.
    ///
    /// # Errors
    /// [`Failure`] when it is not.
    pub fn finish(mut self, tx: &mut Transaction<'_>) -> Result<Installed, Failure> {
        let (header, end) = match core::mem::replace(&mut self.progress, Progress::Start) {
            Progress::Failed(failure) => return Err(failure),
            Progress::Ended(header, end) if self.splitter.finish().is_ok() => (header, end),
            _ => {
                let refusal = Refusal {
                    status: PeStatus::INVALID_REQUEST_FORMAT,
                    because: "the package stops before its end",
                };
                return Err(self.fail(None, "package", refusal));
            }
        };
        match self.conclude(tx, &header) {
            Ok(installed) => Ok(installed),
            Err(refusal) => Err(self.fail(Some(end), "end", refusal)),
        }
    }

    fn fail(&mut self, identification: Option<u16>, element: &'static str, refusal: Refusal) -> Failure {
        let status = PeStatus::new(refusal.status, identification);
        let mut response = EuiccResponse::aborted(status);
        response.pe_status.splice(0..0, self.warnings.drain(..));
        let failure = Failure { response, element, because: refusal.because };
        self.progress = Progress::Failed(failure.clone());
        failure
    }

    fn element(&mut self, tx: &mut Transaction<'_>, raw: &[u8]) -> Step {
        if matches!(self.progress, Progress::Ended(..)) {
            return refuse(PeStatus::INVALID_REQUEST_FORMAT, "an element after the end");
        }
        let element = ProfileElement::decode(raw)?;
        let first = matches!(self.progress, Progress::Start);
        if first != matches!(element, ProfileElement::Header(_)) {
            return refuse(
                PeStatus::INVALID_REQUEST_FORMAT,
                "the header is the first element, and the only one",
            );
        }
        if let Some(identification) = element.identification()
            && !self.identifications.insert(identification)
        {
            return refuse(PeStatus::BAD_VALUES, "identification is not unique");
        }
        let mandated = element.header().is_some_and(|header| header.mandated);
        match element {
            ProfileElement::Header(header) => self.header(tx, header),
            ProfileElement::GenericFileManagement(element) => {
                element.commands.iter().try_for_each(|commands| self.file_management(tx, commands))
            }
            ProfileElement::PinCodes(codes) => self.pin_codes(tx, &codes.source),
            ProfileElement::PukCodes(codes) => self.puk_codes(tx, &codes),
            ProfileElement::AkaParameter(parameter) => self.aka(tx, &parameter),
            // Kept for whoever comes to serve it; no application here uses it.
            ProfileElement::CdmaParameter(_) => self.keep_opaque(tx, raw),
            ProfileElement::SecurityDomain(domain) => self.security_domain(tx, &domain),
            ProfileElement::Rfm(rfm) => self.rfm(tx, &rfm),
            ProfileElement::Application(_) if mandated => {
                refuse(PeStatus::RUNTIME_NOT_SUPPORTED, "no Java Card here")
            }
            ProfileElement::Template(element) => match Source::of(&element) {
                Some(source) => self.template(tx, &element, source),
                None if mandated => refuse(PeStatus::TEMPLATE_NOT_SUPPORTED, "an unknown template"),
                None => self.skip(element.header.identification),
            },
            ProfileElement::NonStandard(_) | ProfileElement::Unknown { .. } if mandated => {
                refuse(PeStatus::PE_NOT_SUPPORTED, "an unknown element")
            }
            ProfileElement::Application(_)
            | ProfileElement::NonStandard(_)
            | ProfileElement::Unknown { .. } => match identification(raw) {
                Some(identification) => self.skip(identification),
                None => Ok(()),
            },
            ProfileElement::End(header) => {
                if let Progress::Elements(own) = core::mem::replace(&mut self.progress, Progress::Start) {
                    self.progress = Progress::Ended(own, header.identification);
                }
                Ok(())
            }
        }
    }

    /// Leaves an element out that the profile does not insist on.
    fn skip(&mut self, identification: u16) -> Step {
        const MOST_WARNINGS: usize = 32;
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(PeStatus::new(PeStatus::PE_NOT_SUPPORTED, Some(identification)));
        }
        Ok(())
    }

    fn header(&mut self, tx: &mut Transaction<'_>, header: Box<ProfileHeader>) -> Step {
        if !matches!(header.major, 2 | 3) {
            return refuse(PeStatus::UNSUPPORTED_PROFILE_VERSION, "major-version");
        }
        if !header.services.missing_from(services()).is_empty() {
            return refuse(PeStatus::FEATURE_NOT_SUPPORTED, "eUICC-Mandatory-services");
        }
        if !header.templates.iter().all(|oid| template::by_oid(oid).is_some() || is_csim(oid)) {
            return refuse(PeStatus::TEMPLATE_NOT_SUPPORTED, "eUICC-Mandatory-GFSTEList");
        }
        if !header.mandatory_aids.is_empty() {
            return refuse(PeStatus::LIB_NOT_SUPPORTED, "eUICC-Mandatory-AIDs");
        }
        if !header.iccid.is_well_formed() {
            return refuse(PeStatus::BAD_VALUES, "iccid");
        }
        tx.put(Key::Slot(self.slot, SlotKey::Profile), header.iccid.as_bytes().to_vec())?;
        self.progress = Progress::Elements(header);
        Ok(())
    }

    fn keep_opaque(&mut self, tx: &mut Transaction<'_>, raw: &[u8]) -> Step {
        let number = take(&mut self.next_opaque)?;
        Ok(tx.put(Key::Slot(self.slot, SlotKey::Opaque(number)), raw.to_vec())?)
    }

    fn security_domain(&mut self, tx: &mut Transaction<'_>, domain: &saip::SecurityDomain) -> Step {
        if remote::domain_of(tx, self.slot, domain.instance.as_bytes()).is_some() {
            return refuse(PeStatus::BAD_VALUES, "a security domain that exists already");
        }
        let number = take(&mut self.next_domain)?;
        Ok(remote::put_domain(tx, self.slot, number, domain)?)
    }

    fn rfm(&mut self, tx: &mut Transaction<'_>, rfm: &saip::Rfm) -> Step {
        let domain = match &rfm.security_domain {
            Some(aid) => remote::domain_of(tx, self.slot, aid.as_bytes()),
            // The operator's, which is the first.
            None => Some(remote::OPERATORS_DOMAIN),
        };
        let Some(domain) = domain else {
            return refuse(PeStatus::INVALID_PARAMETER, "securityDomainAID");
        };
        let number = take(&mut self.next_rfm)?;
        Ok(remote::put_rfm(tx, self.slot, number, domain, rfm)?)
    }
}

/// What names an element in the answer, also when the element does not decode.
fn identification(raw: &[u8]) -> Option<u16> {
    let element = tlv::Tlv::single(raw).ok()?;
    let header = element.fields().optional(Tag(0xA0)).ok()??;
    let number = header.fields().optional(Tag(0x81)).ok()??.unsigned().ok()?;
    u16::try_from(number).ok()
}

fn take(counter: &mut u16) -> Result<u16, Refusal> {
    let number = *counter;
    match number.checked_add(1) {
        Some(next) => *counter = next,
        None => return refuse(PeStatus::NOT_ENOUGH_MEMORY, "too many files"),
    }
    Ok(number)
}
