//! What kind of reader it is, and how it says so.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::descriptor::{CLASS_VENDOR, ClassDescriptor, Features, Identity, Level, Voltages};

/// What kind of reader it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// Who made it.
    pub identity: Identity,
    /// `bInterfaceClass`.
    pub class: u8,
    /// `bInterfaceNumber`; interfaces of a keyboard come before it.
    pub interface: u8,
    /// Whether the class descriptor comes behind the endpoints.
    pub descriptor_last: bool,
    /// The class descriptor.
    pub reader: ClassDescriptor,
    /// `wMaxPacketSize` of the bulk endpoints.
    pub packet: u16,
    /// The rates that it lists, in bits per second.
    pub rates: Vec<u32>,
    /// Whether a message that ends with a full packet is followed by a zero-length one.
    pub sends_zero_length: bool,
    /// Whether it waits for one behind such a message.
    pub wants_zero_length: bool,
    /// Whether its firmware, at the levels of APDUs, does GET RESPONSE for T=0 by itself.
    pub collects: bool,
    /// Whether it knows the control request ABORT.
    pub knows_abort: bool,
    /// What a transfer takes besides its bytes: a frame.
    pub transfer: Duration,
    /// How often it sends a time extension while a card works.
    pub beat: Duration,
}

impl Design {
    /// A reader of one slot that exchanges at this level: at that of TPDUs it leaves everything
    /// to the host, at the others it does all by itself.
    #[must_use]
    pub fn new(level: Level) -> Self {
        let features = match level {
            Level::Character | Level::Tpdu => Features::AUTO_CLOCK.with(Features::AUTO_BAUD),
            Level::ShortApdu | Level::ExtendedApdu => Features::AUTO_PARAMETERS
                .with(Features::AUTO_CLOCK)
                .with(Features::AUTO_BAUD)
                .with(Features::AUTO_NEGOTIATION)
                .with(Features::AUTO_IFSD),
        };
        let reader = ClassDescriptor {
            release: 0x0110,
            max_slot_index: 0,
            voltages: Voltages::ALL,
            protocols: 3,
            default_clock: 4000,
            maximum_clock: 4000,
            clocks: 0,
            data_rate: 10_752,
            max_data_rate: 344_086,
            data_rates: 0,
            max_ifsd: 254,
            synch_protocols: 0,
            mechanical: 0,
            features: features.at(level),
            max_message: 271,
            class_get_response: 0xFF,
            class_envelope: 0xFF,
            lcd_layout: 0,
            pin_support: 0,
            max_busy_slots: 1,
        };
        Self {
            identity: Identity { vendor: 0x1209, product: 0x0001, version: 0x0100 },
            class: CLASS_VENDOR,
            interface: 0,
            descriptor_last: false,
            reader,
            packet: 64,
            rates: Vec::new(),
            sends_zero_length: false,
            wants_zero_length: false,
            collects: false,
            knows_abort: true,
            transfer: Duration::from_millis(1),
            beat: Duration::from_secs(1),
        }
    }

    /// The address of the endpoint that commands go to.
    pub const BULK_OUT: u8 = 0x01;
    /// The address of the endpoint that answers come from.
    pub const BULK_IN: u8 = 0x82;
    /// The address of the endpoint that notices come from.
    pub const INTERRUPT: u8 = 0x83;

    /// The device descriptor.
    #[must_use]
    pub fn device_descriptor(&self) -> Vec<u8> {
        let mut d = vec![18, 1, 0x00, 0x02, 0, 0, 0, 64];
        for value in [self.identity.vendor, self.identity.product, self.identity.version] {
            d.extend(value.to_le_bytes());
        }
        d.extend([0, 0, 0, 1]);
        d
    }

    /// The configuration descriptor and all that belongs to it.
    #[must_use]
    pub fn configuration_descriptor(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for number in 0..self.interface {
            body.extend([9, 4, number, 0, 1, 3, 1, 1, 0]);
            body.extend([9, 0x21, 0x11, 0x01, 0, 1, 0x22, 63, 0]);
            body.extend([7, 5, 0x84, 3, 8, 0, 10]);
        }
        body.extend([9, 4, self.interface, 0, 3, self.class, 0, 0, 0]);
        let class = self.reader.to_vec();
        if !self.descriptor_last {
            body.extend(&class);
        }
        let [low, high] = self.packet.to_le_bytes();
        body.extend([7, 5, Self::BULK_OUT, 2, low, high, 0]);
        body.extend([7, 5, Self::BULK_IN, 2, low, high, 0]);
        body.extend([7, 5, Self::INTERRUPT, 3, 8, 0, 16]);
        if self.descriptor_last {
            body.extend(&class);
        }
        let total = (9 + body.len()) as u16;
        let mut bytes = vec![9, 2];
        bytes.extend(total.to_le_bytes());
        bytes.extend([self.interface + 1, 1, 0, 0x80, 50]);
        bytes.extend(body);
        bytes
    }
}
