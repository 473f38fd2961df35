//! What a device says of itself: its device and configuration descriptors (USB 2.0 §9.6) and
//! in them the smart card class descriptor (CCID Rev 1.1 §5.1).

use alloc::vec::Vec;

use crate::error::DescriptorError;

/// The class of smart card interfaces.
pub const CLASS_SMART_CARD: u8 = 0x0B;
/// The class of interfaces that their vendor defines: some readers say so and speak CCID.
pub const CLASS_VENDOR: u8 = 0xFF;

const DEVICE: u8 = 0x01;
const CONFIGURATION: u8 = 0x02;
const INTERFACE: u8 = 0x04;
const ENDPOINT: u8 = 0x05;
/// The smart card class descriptor.
const FUNCTIONAL: u8 = 0x21;
/// Its length; HID has a descriptor of the same type, of nine bytes.
const FUNCTIONAL_LENGTH: usize = 54;

/// Who made the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// `idVendor`.
    pub vendor: u16,
    /// `idProduct`.
    pub product: u16,
    /// `bcdDevice`: version 5.18 is 0x0518.
    pub version: u16,
}

impl Identity {
    /// Reads a device descriptor.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let head: &[u8; 18] = bytes.first_chunk().ok_or(DescriptorError::Truncated)?;
        if head[1] != DEVICE || head[0] < 18 {
            return Err(DescriptorError::Unexpected);
        }
        let word = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        Ok(Self { vendor: word(8), product: word(10), version: word(12) })
    }
}

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address: the number, and the uppermost bit for those into the host.
    pub address: u8,
    /// The most bytes of one packet, 1 to 2,047.
    pub packet: u16,
}

impl Endpoint {
    /// Its number, which WebUSB asks for.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.address & 0x0F
    }
}

/// An interface that speaks CCID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `bConfigurationValue` of its configuration.
    pub configuration: u8,
    /// `bInterfaceNumber`.
    pub number: u8,
    /// `bAlternateSetting`.
    pub alternate: u8,
    /// `bInterfaceClass`: [`CLASS_SMART_CARD`] or [`CLASS_VENDOR`].
    pub class: u8,
    /// The endpoint that commands go to.
    pub bulk_out: Endpoint,
    /// The endpoint that answers come from.
    pub bulk_in: Endpoint,
    /// The endpoint that tells of changes, where the reader has one.
    pub interrupt: Option<Endpoint>,
    /// What the reader can do.
    pub reader: ClassDescriptor,
}

impl Interface {
    /// Whether a web page may claim it by WebUSB: only interfaces of no protected class.
    #[must_use]
    pub const fn is_open_to_pages(&self) -> bool {
        self.class != CLASS_SMART_CARD
    }
}

/// The interfaces of a configuration that could be readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Those that are.
    pub readers: Vec<Interface>,
    /// Those of the smart card class that this driver cannot use, by number, and why.
    pub refused: Vec<(u8, DescriptorError)>,
}

/// An interface descriptor and what came behind it.
struct Open<'a> {
    head: [u8; 9],
    endpoints: Vec<(Endpoint, u8)>,
    functional: Option<&'a [u8]>,
    /// A class descriptor came, of a length that none has.
    misshapen: bool,
}

/// Reads a configuration descriptor with all that follows it: every interface, its class
/// descriptor before or behind its endpoints.
///
/// # Errors
/// When the lengths do not add up. An interface that cannot be used is no error: it is in
/// [`Found::refused`].
pub fn interfaces(bytes: &[u8]) -> Result<Found, DescriptorError> {
    let head: &[u8; 9] = bytes.first_chunk().ok_or(DescriptorError::Truncated)?;
    if head[1] != CONFIGURATION || head[0] < 9 {
        return Err(DescriptorError::Unexpected);
    }
    let total = usize::from(u16::from_le_bytes([head[2], head[3]]));
    let mut rest = bytes.get(..total).ok_or(DescriptorError::Truncated)?;
    let configuration = head[5];
    let mut found = Found::default();
    let mut open: Option<Open<'_>> = None;
    while let Some(&length) = rest.first() {
        let length = usize::from(length);
        if length < 2 {
            return Err(DescriptorError::Length);
        }
        let (descriptor, after) = rest.split_at_checked(length).ok_or(DescriptorError::Truncated)?;
        rest = after;
        match (descriptor[1], &mut open) {
            (INTERFACE, _) => {
                let head = *descriptor.first_chunk::<9>().ok_or(DescriptorError::Length)?;
                close(configuration, open.take(), &mut found);
                open = Some(Open { head, endpoints: Vec::new(), functional: None, misshapen: false });
            }
            (ENDPOINT, Some(open)) => {
                let d: &[u8; 7] = descriptor.first_chunk().ok_or(DescriptorError::Length)?;
                let packet = u16::from_le_bytes([d[4], d[5]]) & 0x07FF;
                open.endpoints.push((Endpoint { address: d[2], packet }, d[3] & 0x03));
            }
            (FUNCTIONAL, Some(open)) if descriptor.len() == FUNCTIONAL_LENGTH => {
                open.functional = Some(descriptor);
            }
            (FUNCTIONAL, Some(open)) => open.misshapen = true,
            _ => {}
        }
    }
    close(configuration, open, &mut found);
    Ok(found)
}

fn close(configuration: u8, open: Option<Open<'_>>, found: &mut Found) {
    let Some(open) = open else { return };
    let [_, _, number, alternate, _, class, ..] = open.head;
    // A keyboard has a descriptor of the same type.
    let could_be = class == CLASS_SMART_CARD || (class == CLASS_VENDOR && open.functional.is_some());
    if !could_be {
        return;
    }
    match usable(&open) {
        Ok((reader, [bulk_out, bulk_in], interrupt)) => found.readers.push(Interface {
            configuration,
            number,
            alternate,
            class,
            bulk_out,
            bulk_in,
            interrupt,
            reader,
        }),
        Err(error) => found.refused.push((number, error)),
    }
}

type Usable = (ClassDescriptor, [Endpoint; 2], Option<Endpoint>);

fn usable(open: &Open<'_>) -> Result<Usable, DescriptorError> {
    let missing = if open.misshapen { DescriptorError::Length } else { DescriptorError::NoClassDescriptor };
    let reader = ClassDescriptor::parse(open.functional.ok_or(missing)?)?;
    let find = |kind: u8, into: bool| {
        let of = |(endpoint, k): &&(Endpoint, u8)| {
            *k == kind && (endpoint.address & 0x80 != 0) == into && endpoint.packet > 0
        };
        open.endpoints.iter().find(of).map(|(endpoint, _)| *endpoint)
    };
    // CCID answers over bulk endpoints; what has none is an ICCD that is spoken to by control
    // transfers.
    let (Some(bulk_out), Some(bulk_in)) = (find(2, false), find(2, true)) else {
        return Err(DescriptorError::NoBulkEndpoints);
    };
    Ok((reader, [bulk_out, bulk_in], find(3, true)))
}

/// The smart card class descriptor (CCID Rev 1.1 Table 5.1-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassDescriptor {
    /// `bcdCCID`: Rev 1.1 is 0x0110.
    pub release: u16,
    /// `bMaxSlotIndex`: one less than there are slots.
    pub max_slot_index: u8,
    /// `bVoltageSupport`.
    pub voltages: Voltages,
    /// `dwProtocols`: bit 0 for T=0, bit 1 for T=1.
    pub protocols: u32,
    /// `dwDefaultClock` in kHz.
    pub default_clock: u32,
    /// `dwMaximumClock` in kHz.
    pub maximum_clock: u32,
    /// `bNumClockSupported`.
    pub clocks: u8,
    /// `dwDataRate` in bits per second.
    pub data_rate: u32,
    /// `dwMaxDataRate` in bits per second.
    pub max_data_rate: u32,
    /// `bNumDataRatesSupported`; 0: all between the default and the greatest.
    pub data_rates: u8,
    /// `dwMaxIFSD`, for T=1.
    pub max_ifsd: u32,
    /// `dwSynchProtocols`.
    pub synch_protocols: u32,
    /// `dwMechanical`.
    pub mechanical: u32,
    /// `dwFeatures`.
    pub features: Features,
    /// `dwMaxCCIDMessageLength` in bytes, the ten of the header among them.
    pub max_message: u32,
    /// `bClassGetResponse`; FF: that of the command.
    pub class_get_response: u8,
    /// `bClassEnvelope`; FF: that of the command.
    pub class_envelope: u8,
    /// `wLcdLayout`.
    pub lcd_layout: u16,
    /// `bPINSupport`.
    pub pin_support: u8,
    /// `bMaxCCIDBusySlots`.
    pub max_busy_slots: u8,
}

impl ClassDescriptor {
    /// Its length in bytes.
    pub const LENGTH: usize = FUNCTIONAL_LENGTH;

    /// Reads the 54 bytes.
    ///
    /// # Errors
    /// When they are fewer, or something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let d: &[u8; FUNCTIONAL_LENGTH] = bytes.first_chunk().ok_or(DescriptorError::Length)?;
        if usize::from(d[0]) != FUNCTIONAL_LENGTH || d[1] != FUNCTIONAL {
            return Err(DescriptorError::Unexpected);
        }
        let word = |at: usize| u16::from_le_bytes([d[at], d[at + 1]]);
        let double = |at: usize| u32::from_le_bytes([d[at], d[at + 1], d[at + 2], d[at + 3]]);
        let descriptor = Self {
            release: word(2),
            max_slot_index: d[4],
            voltages: Voltages(d[5]),
            protocols: double(6),
            default_clock: double(10),
            maximum_clock: double(14),
            clocks: d[18],
            data_rate: double(19),
            max_data_rate: double(23),
            data_rates: d[27],
            max_ifsd: double(28),
            synch_protocols: double(32),
            mechanical: double(36),
            features: Features(double(40)),
            max_message: double(44),
            class_get_response: d[48],
            class_envelope: d[49],
            lcd_layout: word(50),
            pin_support: d[52],
            max_busy_slots: d[53],
        };
        // A header and the shortest answer to reset must fit.
        if descriptor.max_message < 12 {
            return Err(DescriptorError::MessageLength);
        }
        Ok(descriptor)
    }

    /// The 54 bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut d = Vec::with_capacity(FUNCTIONAL_LENGTH);
        d.extend([FUNCTIONAL_LENGTH as u8, FUNCTIONAL]);
        d.extend(self.release.to_le_bytes());
        d.extend([self.max_slot_index, self.voltages.0]);
        for value in [self.protocols, self.default_clock, self.maximum_clock] {
            d.extend(value.to_le_bytes());
        }
        d.push(self.clocks);
        d.extend(self.data_rate.to_le_bytes());
        d.extend(self.max_data_rate.to_le_bytes());
        d.push(self.data_rates);
        let rest = [self.max_ifsd, self.synch_protocols, self.mechanical, self.features.0, self.max_message];
        for value in rest {
            d.extend(value.to_le_bytes());
        }
        d.extend([self.class_get_response, self.class_envelope]);
        d.extend(self.lcd_layout.to_le_bytes());
        d.extend([self.pin_support, self.max_busy_slots]);
        d
    }
}

/// `bVoltageSupport`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Voltages(pub u8);

impl Voltages {
    /// 5 V, 3 V and 1.8 V.
    pub const ALL: Self = Self(7);

    /// Whether the reader can give it.
    #[must_use]
    pub const fn has(self, voltage: Voltage) -> bool {
        match voltage {
            Voltage::Auto => true,
            Voltage::V5 => self.0 & 1 != 0,
            Voltage::V3 => self.0 & 2 != 0,
            Voltage::V1_8 => self.0 & 4 != 0,
        }
    }
}

/// A supply voltage: `bPowerSelect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Voltage {
    /// The reader chooses.
    Auto,
    /// Class A.
    V5,
    /// Class B.
    V3,
    /// Class C.
    V1_8,
}

impl Voltage {
    /// Those that are one, the lowest first: no card is harmed by less (ISO 7816-3 §6.2.4).
    pub const LOWEST_FIRST: [Self; 3] = [Self::V1_8, Self::V3, Self::V5];

    /// `bPowerSelect`.
    #[must_use]
    pub const fn select(self) -> u8 {
        match self {
            Self::Auto => 0,
            Self::V5 => 1,
            Self::V3 => 2,
            Self::V1_8 => 3,
        }
    }

    /// Of `bPowerSelect`.
    #[must_use]
    pub const fn from_select(select: u8) -> Option<Self> {
        Some(match select {
            0 => Self::Auto,
            1 => Self::V5,
            2 => Self::V3,
            3 => Self::V1_8,
            _ => return None,
        })
    }
}

/// `dwFeatures`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Features(pub u32);

impl Features {
    /// The reader sets the parameters from the ATR.
    pub const AUTO_PARAMETERS: Self = Self(0x02);
    /// The reader activates a card that is put in.
    pub const AUTO_ACTIVATION: Self = Self(0x04);
    /// The reader chooses the voltage.
    pub const AUTO_VOLTAGE: Self = Self(0x08);
    /// The reader changes the clock.
    pub const AUTO_CLOCK: Self = Self(0x10);
    /// The reader changes the baud rate.
    pub const AUTO_BAUD: Self = Self(0x20);
    /// The reader negotiates the parameters.
    pub const AUTO_NEGOTIATION: Self = Self(0x40);
    /// The reader makes the PPS of the active parameters.
    pub const AUTO_PPS: Self = Self(0x80);
    /// The clock can be stopped.
    pub const CLOCK_STOP: Self = Self(0x100);
    /// The node address may be another than 0.
    pub const NAD: Self = Self(0x200);
    /// The reader tells the card its block size.
    pub const AUTO_IFSD: Self = Self(0x400);

    /// Whether it has all of these.
    #[must_use]
    pub const fn has(self, features: Self) -> bool {
        self.0 & features.0 == features.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, features: Self) -> Self {
        Self(self.0 | features.0)
    }

    /// The level of exchange.
    #[must_use]
    pub const fn level(self) -> Level {
        // More than one bit is a mistake of the reader's; the highest tells most.
        if self.0 & 0x4_0000 != 0 {
            Level::ExtendedApdu
        } else if self.0 & 0x2_0000 != 0 {
            Level::ShortApdu
        } else if self.0 & 0x1_0000 != 0 {
            Level::Tpdu
        } else {
            Level::Character
        }
    }

    /// With this level of exchange.
    #[must_use]
    pub const fn at(self, level: Level) -> Self {
        Self(self.0 & !0x7_0000 | level.bits())
    }
}

/// What XfrBlock carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Characters: refused by this driver.
    Character,
    /// The units of T=0 and T=1.
    Tpdu,
    /// Short APDUs.
    ShortApdu,
    /// Short and extended APDUs.
    ExtendedApdu,
}

impl Level {
    /// The levels at which there is something to be driven.
    pub const ALL: [Self; 3] = [Self::Tpdu, Self::ShortApdu, Self::ExtendedApdu];

    const fn bits(self) -> u32 {
        match self {
            Self::Character => 0,
            Self::Tpdu => 0x1_0000,
            Self::ShortApdu => 0x2_0000,
            Self::ExtendedApdu => 0x4_0000,
        }
    }
}
