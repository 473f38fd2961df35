//! Readers that are not what they say, as data.

use core::time::Duration;

use words::Text;

use crate::descriptor::Identity;

/// How a reader differs from its descriptors or from the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// A command whose length is a multiple of the packet size needs a zero-length packet
    /// behind it.
    pub zero_length_packet: bool,
    /// SetParameters takes effect the second time only.
    pub set_parameters_twice: bool,
    /// The real greatest data rate in bits per second.
    pub max_data_rate: Option<u32>,
    /// The real greatest block of T=1.
    pub max_ifsd: Option<u32>,
    /// What the reader needs before its first command.
    pub start: Duration,
    /// What the reader needs before every command.
    pub pause: Duration,
    /// What a command may take at least, where the usual patience is too short.
    pub patience: Option<Duration>,
    /// The escape command after which it exchanges short APDUs, though it says TPDUs.
    pub apdu_mode: Option<&'static [u8]>,
    /// From this slot on there is a contactless antenna, which exchanges short APDUs.
    pub contactless_from: Option<u8>,
    /// Why a SIM should not be tried in it.
    pub unfit: Option<Unfit>,
}

/// Why a reader is not for SIMs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It reads contactless cards.
    Contactless,
    /// Its firmware is known to fail and there is a newer one.
    Firmware,
}

impl Unfit {
    /// In words, with what to do.
    #[must_use]
    pub const fn words(self) -> Text {
        match self {
            Self::Contactless => Text::new(
                "This reader is for contactless cards; a SIM has contacts. Use another reader.",
                "非接触カード用のリーダーです。SIM は接触式なので、別のリーダーを使ってください。",
            ),
            Self::Firmware => Text::new(
                "The firmware of this reader is known to fail, and there is a newer one. Update it, or use another reader.",
                "このリーダーのファームウェアには既知の不具合があり、新しい版があります。更新するか、別のリーダーを使ってください。",
            ),
        }
    }
}

/// What is known of a family of readers.
struct Known {
    vendor: u16,
    products: &'static [u16],
    /// `bcdDevice`, from and up to.
    versions: core::ops::RangeInclusive<u16>,
    quirks: Quirks,
}

const ANY: core::ops::RangeInclusive<u16> = 0..=u16::MAX;
const PLAIN: Quirks = Quirks {
    zero_length_packet: false,
    set_parameters_twice: false,
    max_data_rate: None,
    max_ifsd: None,
    start: Duration::ZERO,
    pause: Duration::ZERO,
    patience: None,
    apdu_mode: None,
    contactless_from: None,
    unfit: None,
};

/// From the reader list and the exceptions of Linux's CCID driver, and from reports of users.
const KNOWN: [Known; 11] = [
    // GemPC Twin with firmware 2.00.
    Known {
        vendor: 0x08E6,
        products: &[0x3437],
        versions: 0x0200..=0x0200,
        quirks: Quirks { zero_length_packet: true, ..PLAIN },
    },
    // GemPC Twin, GemPC Key.
    Known {
        vendor: 0x08E6,
        products: &[0x3437, 0x3438],
        versions: ANY,
        quirks: Quirks { apdu_mode: Some(&[0xA0, 0x02]), ..PLAIN },
    },
    // SCR331, SCR331-DI, SCR335, SCR3310, SCR3320, SCR3310-NTTCom, SCR331-DI-NTTCOM.
    Known {
        vendor: 0x04E6,
        products: &[0xE001, 0x5111, 0x5115, 0x5116, 0x5117, 0x511A, 0x5120],
        versions: ANY,
        quirks: Quirks { set_parameters_twice: true, ..PLAIN },
    },
    // SCR331 before 5.18.
    Known {
        vendor: 0x04E6,
        products: &[0xE001],
        versions: 0..=0x0517,
        quirks: Quirks { unfit: Some(Unfit::Firmware), ..PLAIN },
    },
    // SCR331-DI, SCR331-DI-NTTCOM, SDI010: the antenna is the second slot.
    Known {
        vendor: 0x04E6,
        products: &[0x5111, 0x5120, 0x5121],
        versions: ANY,
        quirks: Quirks { contactless_from: Some(1), ..PLAIN },
    },
    // SCL010, SCL01x.
    Known {
        vendor: 0x04E6,
        products: &[0x5291, 0x5292],
        versions: ANY,
        quirks: Quirks {
            pause: Duration::from_millis(350),
            contactless_from: Some(0),
            unfit: Some(Unfit::Contactless),
            ..PLAIN
        },
    },
    // Alcor AU9540.
    Known {
        vendor: 0x058F,
        products: &[0x9540],
        versions: ANY,
        quirks: Quirks { max_data_rate: Some(200_000), ..PLAIN },
    },
    // O2 Micro OZ776.
    Known {
        vendor: 0x0B97,
        products: &[0x7762, 0x7772],
        versions: ANY,
        quirks: Quirks { max_data_rate: Some(9600), ..PLAIN },
    },
    // ACR122U: a SAM besides; IccPowerOn of its empty slot hangs.
    Known {
        vendor: 0x072F,
        products: &[0x2200],
        versions: ANY,
        quirks: Quirks { contactless_from: Some(0), unfit: Some(Unfit::Contactless), ..PLAIN },
    },
    // CL1356D.
    Known {
        vendor: 0x0B81,
        products: &[0x0200],
        versions: ANY,
        quirks: Quirks {
            start: Duration::from_secs(1),
            patience: Some(Duration::from_secs(60)),
            contactless_from: Some(0),
            unfit: Some(Unfit::Contactless),
            ..PLAIN
        },
    },
    // MySmartPad.
    Known {
        vendor: 0x09BE,
        products: &[0x0002],
        versions: ANY,
        quirks: Quirks { max_ifsd: Some(254), ..PLAIN },
    },
];

impl Quirks {
    /// What is known of a reader; all that is known of it together.
    #[must_use]
    pub fn of(device: Identity) -> Self {
        let known = KNOWN.iter().filter(|known| {
            known.vendor == device.vendor
                && known.products.contains(&device.product)
                && known.versions.contains(&device.version)
        });
        known.fold(PLAIN, |all, known| all.and(known.quirks))
    }

    fn and(self, other: Self) -> Self {
        Self {
            zero_length_packet: self.zero_length_packet || other.zero_length_packet,
            set_parameters_twice: self.set_parameters_twice || other.set_parameters_twice,
            max_data_rate: self.max_data_rate.or(other.max_data_rate),
            max_ifsd: self.max_ifsd.or(other.max_ifsd),
            start: self.start.max(other.start),
            pause: self.pause.max(other.pause),
            patience: self.patience.or(other.patience),
            apdu_mode: self.apdu_mode.or(other.apdu_mode),
            contactless_from: self.contactless_from.or(other.contactless_from),
            unfit: self.unfit.or(other.unfit),
        }
    }

    /// Whether a slot is an antenna.
    #[must_use]
    pub fn is_contactless(&self, slot: u8) -> bool {
        self.contactless_from.is_some_and(|first| slot >= first)
    }
}

/// Readers of vendor class that speak CCID, by vendor and product: those that a web page may
/// ask for and claim. More are found by their descriptors.
pub const VENDOR_CLASS_READERS: [(u16, u16); 24] = [
    (0x04E6, 0x5111),
    (0x04E6, 0x5120),
    (0x04E6, 0x511A),
    (0x04E6, 0xE003),
    (0x04E6, 0x5121),
    (0x04E6, 0x512B),
    (0x04E6, 0x512C),
    (0x04E6, 0x5291),
    (0x04E6, 0x5292),
    (0x046A, 0x003E),
    (0x413C, 0x2100),
    (0x076B, 0x532A),
    (0x076B, 0x5340),
    (0x0C4B, 0x0300),
    (0x0C4B, 0x0500),
    (0x1DB2, 0x0600),
    (0x1DB2, 0x0604),
    (0x09BE, 0x0002),
    (0x08E6, 0x2202),
    (0x08E6, 0x1359),
    (0x08E6, 0xACE0),
    (0x0973, 0x0003),
    (0x1A74, 0x6354),
    (0x1A74, 0x6356),
];
