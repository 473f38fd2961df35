//! Building a profile package from what a network knows of a subscriber.
//!
//! ```
//! use saip::build::{Authentication, Subscriber, package};
//! use saip::{Package, Secret};
//!
//! let subscriber = Subscriber::new(
//!     "8900101000000000016".parse().unwrap(),
//!     "001010000000001".parse().unwrap(),
//!     2,
//!     Authentication::Milenage { k: Secret::new([0x46; 16]), opc: Secret::new([0xCD; 16]) },
//! );
//! let upp = package(&subscriber).unwrap();
//! let read = Package::decode(&upp).unwrap();
//! assert_eq!(read.imsi().unwrap().as_str(), "001010000000001");
//! ```

use core::fmt;

use rasn::types::OctetString;
use rsp::{Iccid, Imsi};
use tlv::{Tag, Writer};
use zeroize::Zeroizing;

use crate::ef::{self, AccessTechnologies, Plmn};
use crate::template::{self, DEFAULT_ARR};
use crate::{
    AkaParameter, AlgoConfiguration, AlgoParameter, AlgorithmId, DEFAULT_ROTATION, DEFAULT_XORING, Error,
    Fcp, File, Package, PeHeader, Pin, PinCodes, PinSource, ProfileElement, ProfileHeader, Puk, PukCodes,
    Retry, Secret, Service, Services, TemplateElement, TemplateKind,
};

mod concealment;

use concealment::calculation_info;
pub use concealment::{Concealment, HomeNetworkKey, ProtectionScheme, RoutingIndicator, SuciCalculation};

/// AID of ADF.USIM: 3GPP (A000000087), USIM (1002), no country and operator.
pub const USIM_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00];
/// AID of ADF.ISIM (1004).
pub const ISIM_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00];

/// File identifiers that stand for the ADFs while the profile is installed.
const USIM_FID: [u8; 2] = [0x7F, 0xD0];
const ISIM_FID: [u8; 2] = [0x7F, 0xD1];

/// How the subscriber and the network prove themselves to each other.
#[derive(Clone)]
pub enum Authentication {
    /// MILENAGE.
    Milenage {
        /// K, 16 bytes.
        k: Secret,
        /// OPc, 16 bytes.
        opc: Secret,
    },
    /// TUAK.
    Tuak {
        /// K, 16 or 32 bytes.
        k: Secret,
        /// TOPc, 32 bytes.
        topc: Secret,
        /// Runs of Keccak, 1 unless the network says otherwise.
        iterations: u8,
    },
    /// The XOR algorithm of TS 34.108, for test networks only.
    TestXor {
        /// K, 16 bytes.
        k: Secret,
    },
}

impl Authentication {
    /// What an eUICC must have to run it.
    #[must_use]
    pub fn service(&self) -> Service {
        match self {
            Self::Milenage { .. } => Service::Milenage,
            Self::Tuak { k, .. } if k.len() == 32 => Service::Tuak256,
            Self::Tuak { .. } => Service::Tuak128,
            Self::TestXor { .. } => Service::UsimTestAlgorithm,
        }
    }

    /// As `algoParameter`, with the constants of the standard.
    pub(crate) fn parameter(&self) -> Result<AlgoParameter, Invalid> {
        let zero = Secret::new([0; 16]);
        let (algorithm, key, opc, iterations) = match self {
            Self::Milenage { k, opc } => (AlgorithmId::Milenage, k, opc, 1),
            Self::Tuak { k, topc, iterations } => (AlgorithmId::Tuak, k, topc, *iterations),
            Self::TestXor { k } => (AlgorithmId::UsimTest, k, &zero, 1),
        };
        let key_fits = key.len() == 16 || (algorithm == AlgorithmId::Tuak && key.len() == 32);
        if !key_fits {
            return Err(Invalid("K"));
        }
        if opc.len() != if algorithm == AlgorithmId::Tuak { 32 } else { 16 } || iterations == 0 {
            return Err(Invalid("OPc"));
        }
        Ok(AlgoParameter {
            algorithm,
            // `02` with the test algorithm: a RES of 128 bits, as TS.48 has it.
            options: if algorithm == AlgorithmId::UsimTest { 0x02 } else { 0x00 },
            key: key.clone(),
            opc: opc.clone(),
            rotation: DEFAULT_ROTATION,
            xoring: DEFAULT_XORING,
            auth_counter_max: None,
            number_of_keccak: iterations,
        })
    }
}

impl OtaKeys {
    /// The keys by key identifier: 1, 2, 3.
    pub(crate) fn by_identifier(&self) -> Result<[&Secret; 3], Invalid> {
        let keys = [&self.kic, &self.kid, &self.kik];
        if (1..=15).contains(&self.version) && keys.iter().all(|key| key.len() == 16) {
            Ok(keys)
        } else {
            Err(Invalid("OTA keys"))
        }
    }
}

/// PINs, PUKs and the administrative code; digits as they are typed.
#[derive(Clone, Default)]
pub struct Codes {
    /// PIN 1, 4 to 8 digits. Without one it is `0000` and switched off.
    pub pin1: Option<Secret>,
    /// PUK 1, 8 digits. Without one PIN 1 cannot be unblocked.
    pub puk1: Option<Secret>,
    /// PIN 2. Without one there are no fixed dialling numbers.
    pub pin2: Option<Secret>,
    /// PUK 2.
    pub puk2: Option<Secret>,
    /// ADM 1, 4 to 8 bytes. Without one nobody writes administrative files by APDU.
    pub adm1: Option<Secret>,
}

/// What a profile is for (SGP.22 §2.4.5.3, `ProfileClass`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Testing of devices.
    Test,
    /// Connectivity for the download of other profiles, and nothing else.
    Provisioning,
    /// A subscription.
    Operational,
}

/// The IMS subscription; gives the profile an ISIM.
#[derive(Clone, Debug)]
pub struct Ims {
    /// Private identity, `user@realm`.
    pub impi: String,
    /// Public identities, `sip:user@realm` or `tel:+…`.
    pub impu: Vec<String>,
    /// Home network domain.
    pub domain: String,
}

impl Ims {
    /// What TS 23.003 §13 derives from the IMSI.
    #[must_use]
    pub fn of_imsi(imsi: &Imsi, mnc_length: u8) -> Option<Self> {
        let mcc = imsi.as_str().get(..3)?;
        let mnc = imsi.as_str().get(3..3 + usize::from(mnc_length))?;
        let domain = format!("ims.mnc{mnc:0>3}.mcc{mcc}.3gppnetwork.org");
        let impi = format!("{imsi}@{domain}");
        Some(Self { impu: vec![format!("sip:{impi}")], impi, domain })
    }
}

/// Keys of over-the-air management (SCP80, AES-128), held by the operator's
/// security domain.
#[derive(Clone)]
pub struct OtaKeys {
    /// Key version number, 1 to 15.
    pub version: u8,
    /// Ciphering.
    pub kic: Secret,
    /// Integrity.
    pub kid: Secret,
    /// Key encryption.
    pub kik: Secret,
}

/// Everything a profile is made of.
///
/// Not `Debug`: it holds keys.
#[derive(Clone)]
pub struct Subscriber {
    /// ICCID.
    pub iccid: Iccid,
    /// IMSI.
    pub imsi: Imsi,
    /// Digits of the MNC, 2 or 3.
    pub mnc_length: u8,
    /// Algorithm and key.
    pub authentication: Authentication,
    /// PINs, PUKs, ADM.
    pub codes: Codes,
    /// The subscriber's number, with `+`.
    pub msisdn: Option<String>,
    /// Name of the service provider, shown by the terminal; at most 16 characters.
    pub spn: String,
    /// SMS service centre, with `+`.
    pub service_centre: Option<String>,
    /// Preferred languages, ISO 639.
    pub languages: Vec<[u8; 2]>,
    /// Networks that the operator prefers abroad.
    pub operator_plmns: Vec<(Plmn, AccessTechnologies)>,
    /// Further networks to be treated as home.
    pub equivalent_home: Vec<Plmn>,
    /// Networks not to be used.
    pub forbidden: Vec<Plmn>,
    /// If not empty, the only access points the terminal may use (EF.ACL): how a
    /// provisioning profile is kept to the way to its SM-DP+.
    pub access_points: Vec<String>,
    /// Emergency codes and their categories.
    pub emergency: Vec<(String, u8)>,
    /// Text of the header.
    pub profile_type: String,
    /// Whether terminals shall treat it as a type approval card (EF.AD `80`).
    pub type_approval: bool,
    /// IMS subscription.
    pub ims: Option<Ims>,
    /// Whether to create DF.5GS.
    pub five_g: bool,
    /// How the identity is concealed, where there is a DF.5GS.
    pub concealment: Concealment,
    /// Over-the-air keys; gives the profile a security domain and remote file
    /// management of the files under the MF (TAR B00120) and the USIM's (B00140).
    pub ota: Option<OtaKeys>,
}

impl Subscriber {
    /// A subscriber with home network only, no PINs, 5G files and no IMS.
    #[must_use]
    pub fn new(iccid: Iccid, imsi: Imsi, mnc_length: u8, authentication: Authentication) -> Self {
        Self {
            iccid,
            imsi,
            mnc_length,
            authentication,
            codes: Codes::default(),
            msisdn: None,
            spn: String::new(),
            service_centre: None,
            languages: vec![*b"en"],
            operator_plmns: Vec::new(),
            equivalent_home: Vec::new(),
            forbidden: Vec::new(),
            access_points: Vec::new(),
            emergency: vec![("112".to_owned(), 0), ("911".to_owned(), 0)],
            profile_type: "Operational".to_owned(),
            type_approval: false,
            ims: None,
            five_g: true,
            concealment: Concealment::default(),
            ota: None,
        }
    }

    /// As a profile of this class: the header says so, and a test profile makes the
    /// terminal take it for a type approval card. The class itself is the metadata's
    /// to state; a provisioning profile should also name its `access_points`.
    #[must_use]
    pub fn of_class(mut self, class: Class) -> Self {
        let (text, type_approval) = match class {
            Class::Test => ("Test", true),
            Class::Provisioning => ("Provisioning", false),
            Class::Operational => ("Operational", false),
        };
        text.clone_into(&mut self.profile_type);
        self.type_approval = type_approval;
        self
    }
}

/// The datum of a subscriber that cannot be put into a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid(pub &'static str);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be put into a profile", self.0)
    }
}

impl core::error::Error for Invalid {}

impl From<Error> for Invalid {
    fn from(_: Error) -> Self {
        Self("file control parameters")
    }
}

/// The unprotected profile package.
///
/// # Errors
/// [`Invalid`] names the datum that has no coding.
pub fn package(subscriber: &Subscriber) -> Result<Zeroizing<Vec<u8>>, Invalid> {
    Ok(Package { elements: elements(subscriber)? }.encode()?)
}

/// The profile elements, in the order of installation.
///
/// # Errors
/// As [`package`].
pub fn elements(subscriber: &Subscriber) -> Result<Vec<ProfileElement>, Invalid> {
    let mut builder = Builder { subscriber, elements: Vec::new() };
    builder.header()?;
    builder.mf()?;
    builder.puk_codes()?;
    builder.global_pins()?;
    builder.telecom()?;
    builder.usim()?;
    builder.opt_usim()?;
    builder.local_pins()?;
    builder.aka()?;
    builder.gsm_access();
    if subscriber.five_g {
        builder.df_5gs()?;
        builder.df_saip()?;
    }
    if let Some(ims) = &subscriber.ims {
        builder.isim(ims)?;
    }
    if let Some(keys) = &subscriber.ota {
        builder.security_domain(keys)?;
        builder.remote_file_management()?;
    }
    let end = ProfileElement::End(builder.next());
    builder.elements.push(end);
    Ok(builder.elements)
}

struct Builder<'a> {
    subscriber: &'a Subscriber,
    elements: Vec<ProfileElement>,
}

impl Builder<'_> {
    /// The header of the next element: numbered by its place.
    fn next(&self) -> PeHeader {
        PeHeader::mandated(u16::try_from(self.elements.len()).unwrap_or(u16::MAX))
    }

    fn template(&mut self, kind: TemplateKind, number: u8, mut files: Vec<(u8, File)>) {
        files.sort_by_key(|(number, _)| *number);
        let header = self.next();
        let template = template::oid(number, 1);
        self.elements.push(ProfileElement::Template(TemplateElement { kind, header, template, files }));
    }

    fn header(&mut self) -> Result<(), Invalid> {
        let subscriber = self.subscriber;
        if !subscriber.iccid.is_well_formed() {
            return Err(Invalid("ICCID"));
        }
        if !(1..=100).contains(&subscriber.profile_type.len()) {
            return Err(Invalid("profile type"));
        }
        let mut services = Services::default().with(Service::Usim);
        services = services.with(subscriber.authentication.service());
        let mut templates = vec![1, 3, 4, 5, 7];
        if subscriber.five_g {
            templates.push(13);
            for service in subscriber.concealment.services() {
                services = services.with(service);
            }
            if subscriber.concealment.is_by_usim() {
                templates.push(14);
            }
        }
        if subscriber.ims.is_some() {
            services = services.with(Service::Isim);
            templates.push(8);
        }
        self.elements.push(ProfileElement::Header(Box::new(ProfileHeader {
            major: 2,
            minor: 3,
            profile_type: Some(subscriber.profile_type.clone()),
            iccid: subscriber.iccid,
            pol: None,
            services,
            templates: templates.into_iter().map(|number| template::oid(number, 1)).collect(),
            connectivity: None,
            mandatory_aids: Vec::new(),
            iot_pix: None,
        })));
        Ok(())
    }

    /// Key references in the PIN status template of the MF, or of an ADF, where
    /// PIN 2 is one more.
    fn pin_status(&self, local: bool) -> OctetString {
        let codes = &self.subscriber.codes;
        let mut references = vec![0x01];
        references.extend((local && codes.pin2.is_some()).then_some(0x81));
        references.extend(codes.adm1.is_some().then_some(0x0A));
        references.into()
    }

    fn directory(&self, local: bool) -> Fcp {
        Fcp { pin_status_template_do: Some(self.pin_status(local)), ..Fcp::default() }
    }

    fn mf(&mut self) -> Result<(), Invalid> {
        let subscriber = self.subscriber;
        let languages = subscriber.languages.concat();
        let language_count = subscriber.languages.len();
        if !(1..=32).contains(&language_count) {
            return Err(Invalid("languages"));
        }
        let mut applications = vec![ef::directory_entry(&USIM_AID, "USIM")];
        if subscriber.ims.is_some() {
            applications.push(ef::directory_entry(&ISIM_AID, "ISIM"));
        }
        let files = vec![
            (2, File::new(Some(self.directory(false)), &[])),
            (3, sized(&languages, 2)?),
            (4, File::new(None, subscriber.iccid.as_bytes())),
            (5, records(&applications)?),
            (6, access_rules()?),
            // No power class, no extra time: the values of TS.48.
            (7, File::new(None, &[0x3C, 0x3C, 0x00, 0x00, 0x00])),
        ];
        self.template(TemplateKind::Mf, 1, files);
        Ok(())
    }

    fn puk_codes(&mut self) -> Result<(), Invalid> {
        let subscriber = self.subscriber;
        let mut codes = Vec::new();
        for (key_reference, value) in [(0x01, &subscriber.codes.puk1), (0x81, &subscriber.codes.puk2)] {
            if let Some(value) = value {
                let value = code(value, 8, "PUK")?;
                codes.push(Puk { key_reference, value, retry: Retry::PUK });
            }
        }
        if !codes.is_empty() {
            let header = self.next();
            self.elements.push(ProfileElement::PukCodes(PukCodes { header, codes }));
        }
        Ok(())
    }

    fn global_pins(&mut self) -> Result<(), Invalid> {
        let subscriber = self.subscriber;
        let (value, attributes) = match &subscriber.codes.pin1 {
            Some(pin) => (code(pin, 4, "PIN 1")?, Pin::DEFAULT_ATTRIBUTES),
            None => (code(&Secret::new(*b"0000"), 4, "PIN 1")?, Pin::DEFAULT_ATTRIBUTES & !1),
        };
        let unblocking = subscriber.codes.puk1.is_some().then_some(0x01);
        let mut pins = vec![Pin { key_reference: 0x01, value, unblocking, attributes, retry: Retry::PIN }];
        if let Some(adm) = &subscriber.codes.adm1 {
            let value = padded(adm, 4, "ADM 1")?;
            let retry = Retry { max: 10, left: 10 };
            pins.push(Pin { key_reference: 0x0A, value, unblocking: None, attributes: 3, retry });
        }
        self.pins(PinSource::Pins(pins));
        Ok(())
    }

    fn local_pins(&mut self) -> Result<(), Invalid> {
        if let Some(pin) = &self.subscriber.codes.pin2 {
            let value = code(pin, 4, "PIN 2")?;
            let unblocking = self.subscriber.codes.puk2.is_some().then_some(0x81);
            let pin = Pin { key_reference: 0x81, value, unblocking, attributes: 3, retry: Retry::PIN };
            self.pins(PinSource::Pins(vec![pin]));
        }
        Ok(())
    }

    fn pins(&mut self, source: PinSource) {
        let header = self.next();
        self.elements.push(ProfileElement::PinCodes(PinCodes { header, source }));
    }

    fn telecom(&mut self) -> Result<(), Invalid> {
        let files = vec![(2, File::new(Some(self.directory(true)), &[])), (3, access_rules()?)];
        self.template(TemplateKind::Telecom, 3, files);
        Ok(())
    }

    /// The services of EF.UST that the files created here give.
    fn usim_services(&self) -> Vec<u8> {
        let subscriber = self.subscriber;
        // SMS, SMSP, user's networks, GSM access, "shall be 1", GSM security
        // context, home network selector, EPS mobility management.
        let mut services = vec![10, 12, 20, 27, 33, 38, 43, 85];
        let mut when = |condition: bool, more: &[u8]| {
            if condition {
                services.extend_from_slice(more);
            }
        };
        when(!subscriber.spn.is_empty(), &[19]);
        when(subscriber.ota.is_some(), &[28]);
        when(subscriber.codes.pin2.is_some(), &[2, 34]);
        when(subscriber.msisdn.is_some(), &[21]);
        when(!subscriber.operator_plmns.is_empty(), &[42]);
        when(!subscriber.equivalent_home.is_empty(), &[71]);
        when(!subscriber.access_points.is_empty(), &[34, 35]);
        when(subscriber.five_g, &[122, 123, 124, 126]);
        when(subscriber.five_g && subscriber.concealment.is_by_usim(), &[125]);
        services
    }

    fn usim(&mut self) -> Result<(), Invalid> {
        let subscriber = self.subscriber;
        if !matches!(subscriber.mnc_length, 2 | 3) {
            return Err(Invalid("length of the MNC"));
        }
        let fcp = Fcp {
            file_id: Some(USIM_FID.to_vec().into()),
            df_name: Some(USIM_AID.to_vec().into()),
            ..self.directory(true)
        };
        // EF.EST: b1 fixed dialling stays off, b3 the list of access points is on.
        let enabled = if subscriber.access_points.is_empty() { 0x00 } else { 0x04 };
        // Display condition: show the PLMN too, at home and abroad.
        let mut spn = vec![if subscriber.spn.is_empty() { 0xFF } else { 0x01 }];
        spn.extend(ef::alpha(&subscriber.spn, 16).ok_or(Invalid("SPN"))?);
        let emergency: Option<Vec<Vec<u8>>> = subscriber
            .emergency
            .iter()
            .map(|(digits, categories)| ef::emergency_code(digits, *categories).map(Vec::from))
            .collect();
        let emergency = emergency.filter(|codes| !codes.is_empty()).ok_or(Invalid("emergency codes"))?;
        let mode = if subscriber.type_approval { 0x80 } else { 0x00 };
        let mut files = vec![
            (2, File::new(Some(fcp), &[])),
            (3, File::new(None, &subscriber.imsi.to_ef())),
            (4, access_rules()?),
            (8, sized(&ef::service_table(&self.usim_services(), 17), 14)?),
            (13, File::new(None, &spn)),
            (14, File::new(None, &[enabled])),
            (18, File::new(None, &ef::access_class(&subscriber.imsi))),
            (21, File::new(None, &[mode, 0x00, 0x00, subscriber.mnc_length])),
            (22, records(&emergency)?),
        ];
        if subscriber.codes.pin2.is_none() {
            files.push((9, File::absent()));
        }
        if !subscriber.forbidden.is_empty() {
            let forbidden: Vec<u8> = subscriber.forbidden.iter().flat_map(Plmn::to_bytes).collect();
            files.push((19, sized(&forbidden, 12)?));
        }
        if let Some(centre) = &subscriber.service_centre {
            let record = ef::sms_parameters(centre, 10).ok_or(Invalid("service centre"))?;
            files.push((11, File::new(None, &record)));
        }
        self.template(TemplateKind::Usim, 4, files);
        Ok(())
    }

    fn opt_usim(&mut self) -> Result<(), Invalid> {
        let subscriber = self.subscriber;
        let home = Plmn::of_imsi(&subscriber.imsi, subscriber.mnc_length).ok_or(Invalid("IMSI"))?;
        let home_selector = ef::plmn_selector(&[(home, AccessTechnologies::ALL)]);
        // Created with defaults: the user's own preferred networks.
        let mut files = vec![(15, File::default()), (17, File::new(None, &home_selector))];
        if let Some(number) = &subscriber.msisdn {
            let record = ef::dialling_number("", number, 10).ok_or(Invalid("MSISDN"))?;
            files.push((7, File::new(None, &record)));
        }
        if !subscriber.operator_plmns.is_empty() {
            files.push((16, sized(&ef::plmn_selector(&subscriber.operator_plmns), 40)?));
        }
        if !subscriber.equivalent_home.is_empty() {
            let networks: Vec<u8> = subscriber.equivalent_home.iter().flat_map(Plmn::to_bytes).collect();
            files.push((58, sized(&networks, 15)?));
        }
        if !subscriber.access_points.is_empty() {
            let list = ef::access_point_names(&subscriber.access_points).ok_or(Invalid("access points"))?;
            files.push((25, sized(&list, 101)?));
        }
        self.template(TemplateKind::OptUsim, 5, files);
        Ok(())
    }

    fn aka(&mut self) -> Result<(), Invalid> {
        let parameter = self.subscriber.authentication.parameter()?;
        self.aka_parameter(AlgoConfiguration::Algorithm(Box::new(parameter)));
        Ok(())
    }

    fn aka_parameter(&mut self, configuration: AlgoConfiguration) {
        let header = self.next();
        self.elements.push(ProfileElement::AkaParameter(Box::new(AkaParameter {
            header,
            configuration,
            sqn_options: AkaParameter::DEFAULT_SQN_OPTIONS,
            sqn_delta: AkaParameter::DEFAULT_LIMIT,
            sqn_age_limit: AkaParameter::DEFAULT_LIMIT,
            sqn_init: None,
        })));
    }

    fn gsm_access(&mut self) {
        let files =
            vec![(2, File::new(Some(self.directory(true)), &[])), (3, File::default()), (4, File::default())];
        self.template(TemplateKind::GsmAccess, 7, files);
    }

    fn df_5gs(&mut self) -> Result<(), Invalid> {
        let concealment = &self.subscriber.concealment;
        let mut files = vec![
            (2, File::new(Some(self.directory(true)), &[])),
            (3, File::default()),
            (4, File::default()),
            (5, File::default()),
            (6, File::default()),
            // No keys yet.
            (7, File::new(None, &[0xFF; 110])),
            (8, File::new(None, &[0; 4])),
        ];
        // Where the USIM computes, the file shall not be there for the terminal (TS 31.102 §4.4.11.8).
        if !concealment.is_by_usim() {
            files.push((9, calculation_info(concealment)?));
        }
        files.push(match concealment.routing_indicator() {
            None => (12, File::default()),
            Some(contents) => (12, File::new(None, &contents)),
        });
        self.template(TemplateKind::Df5gs, 13, files);
        Ok(())
    }

    /// The keys by which the USIM itself conceals.
    fn df_saip(&mut self) -> Result<(), Invalid> {
        let concealment = &self.subscriber.concealment;
        if concealment.is_by_usim() {
            let files =
                vec![(2, File::new(Some(self.directory(true)), &[])), (3, calculation_info(concealment)?)];
            self.template(TemplateKind::DfSaip, 14, files);
        }
        Ok(())
    }

    fn isim(&mut self, ims: &Ims) -> Result<(), Invalid> {
        let fcp = Fcp {
            file_id: Some(ISIM_FID.to_vec().into()),
            df_name: Some(ISIM_AID.to_vec().into()),
            ..self.directory(true)
        };
        if ims.impu.is_empty() || [&ims.impi, &ims.domain].iter().any(|text| text.is_empty()) {
            return Err(Invalid("IMS identities"));
        }
        let public: Vec<Vec<u8>> = ims.impu.iter().map(|text| ef::uri(text)).collect();
        let files = vec![
            (2, File::new(Some(fcp), &[])),
            (3, sized(&ef::uri(&ims.impi), 1)?),
            (4, records(&public)?),
            (5, sized(&ef::uri(&ims.domain), 1)?),
            // No service: P-CSCF is found by the network's means.
            (6, File::new(None, &[0; 14])),
            (8, access_rules()?),
        ];
        self.template(TemplateKind::Isim, 8, files);
        if self.subscriber.codes.pin2.is_some() {
            self.pins(PinSource::SharedWith(USIM_FID.to_vec()));
        }
        self.aka_parameter(AlgoConfiguration::Mapping { options: 0x06, source: USIM_AID.to_vec() });
        Ok(())
    }

    /// The operator's security domain with keys for SCP80, coded as TS.48 has it.
    fn security_domain(&mut self, keys: &OtaKeys) -> Result<(), Invalid> {
        let [kic, kid, kik] = keys.by_identifier()?;
        let mut writer = Writer::new();
        self.next().encode_into(&mut writer);
        writer.nested(Tag(0xA1), |instance| {
            instance.tlv(Tag(0x4F), &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x53, 0x50]);
            instance.tlv(Tag(0x4F), &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x53, 0x50, 0x41]);
            instance.tlv(Tag(0x4F), &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00]);
            instance.tlv(Tag(0x82), &[0x82, 0xDC, 0x00]);
            instance.tlv(Tag(0x83), &[0x0F]);
            instance.tlv(
                Tag(0xC9),
                &[0x81, 0x02, 0x80, 0x00, 0x82, 0x01, 0xF0, 0x83, 0x01, 0xF0, 0x87, 0x01, 0xF0],
            );
            instance.nested(Tag(0xEA), |parameters| {
                let toolkit = [1, 0, 0, 0, 0, 2, 1, 2, 6, 0xB2, 1, 0, 0, 0, 0, 0];
                parameters.tlv(Tag(0x80), &toolkit);
            });
        });
        writer.nested(Tag(0xA2), |list| {
            for (usage, id, key) in [(0x18, 1, kic), (0x14, 2, kid), (0x48, 3, kik)] {
                list.nested(Tag::SEQUENCE, |object| {
                    object.tlv(Tag(0x95), &[usage]).tlv(Tag(0x82), &[id]).tlv(Tag(0x83), &[keys.version]);
                    object.nested(Tag::SEQUENCE, |components| {
                        components.nested(Tag::SEQUENCE, |component| {
                            // AES
                            component.tlv(Tag(0x80), &[0x88]).tlv(Tag(0x86), key.expose_secret());
                        });
                    });
                });
            }
        });
        let raw = Zeroizing::new(tlv::encode(Tag(0xA6), &Zeroizing::new(writer.finish())));
        self.elements.push(ProfileElement::decode(&raw)?);
        Ok(())
    }

    /// Remote file management with the keys of the security domain: of the files
    /// under the MF, and of the USIM's. TARs and access as TS.48 has them; nothing
    /// that is not signed and numbered is taken.
    fn remote_file_management(&mut self) -> Result<(), Invalid> {
        const SIGNED_AND_HIGHER: u8 = 0x12;
        const FULL_ACCESS: [u8; 1] = [0x00];
        let aid = |last| [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0x00, last];
        for (last, tar, adf) in [(1, [0xB0, 0x01, 0x20], None), (2, [0xB0, 0x01, 0x40], Some(&USIM_AID))] {
            let mut writer = Writer::new();
            self.next().encode_into(&mut writer);
            writer.tlv(Tag(0x4F), &aid(last));
            writer.nested(Tag(0xA0), |list| {
                list.tlv(Tag::OCTET_STRING, &tar);
            });
            writer.tlv(Tag(0x81), &[SIGNED_AND_HIGHER]);
            writer.tlv(Tag::OCTET_STRING, &FULL_ACCESS).tlv(Tag::OCTET_STRING, &FULL_ACCESS);
            if let Some(adf) = adf {
                writer.nested(Tag::SEQUENCE, |access| {
                    access.tlv(Tag(0x80), adf).tlv(Tag(0x81), &FULL_ACCESS).tlv(Tag(0x82), &FULL_ACCESS);
                });
            }
            let raw = tlv::encode(Tag(0xA7), &writer.finish());
            self.elements.push(ProfileElement::decode(&raw)?);
        }
        Ok(())
    }
}

/// A transparent file of this content; its size is said when the template's, `usual`,
/// is not right.
fn sized(content: &[u8], usual: usize) -> Result<File, Invalid> {
    let fcp = (content.len() > usual || usual == 1)
        .then(|| Fcp { ef_file_size: Some(minimal(content.len()).into()), ..Fcp::default() });
    if content.len() > 0xFFFF {
        return Err(Invalid("content of a file"));
    }
    Ok(File::new(fcp, content))
}

/// A linear fixed file made for these records, as long as the longest.
fn records(records: &[impl AsRef<[u8]>]) -> Result<File, Invalid> {
    let longest = records.iter().map(|record| record.as_ref().len()).max().unwrap_or(0);
    let length = u8::try_from(longest).map_err(|_| Invalid("record"))?;
    if longest == 0 || records.len() > 254 {
        return Err(Invalid("records"));
    }
    let fcp = Fcp {
        file_descriptor: Some(vec![0x42, 0x21, 0x00, length].into()),
        ef_file_size: Some(minimal(longest * records.len()).into()),
        ..Fcp::default()
    };
    let mut content = Vec::with_capacity(longest * records.len());
    for record in records {
        content.extend_from_slice(record.as_ref());
        content.resize(content.len().next_multiple_of(longest), 0xFF);
    }
    Ok(File::new(Some(fcp), &content))
}

fn access_rules() -> Result<File, Invalid> {
    records(&DEFAULT_ARR)
}

/// A size on as few bytes as can be.
pub(crate) fn minimal(size: usize) -> Vec<u8> {
    let bytes = size.to_be_bytes();
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len() - 1);
    bytes.get(start..).unwrap_or_default().to_vec()
}

/// Digits as a PIN or PUK: eight bytes, `FF` behind.
pub(crate) fn code(digits: &Secret, least: usize, what: &'static str) -> Result<Secret, Invalid> {
    if digits.expose_secret().iter().all(u8::is_ascii_digit) {
        padded(digits, least, what)
    } else {
        Err(Invalid(what))
    }
}

pub(crate) fn padded(value: &Secret, least: usize, what: &'static str) -> Result<Secret, Invalid> {
    if !(least..=8).contains(&value.len()) {
        return Err(Invalid(what));
    }
    let mut bytes = Zeroizing::new([0xFF; 8]);
    for (to, from) in bytes.iter_mut().zip(value.expose_secret()) {
        *to = *from;
    }
    Ok(Secret::new(*bytes))
}
