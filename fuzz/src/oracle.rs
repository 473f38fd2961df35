//! What must hold whatever came in.

use std::rc::Rc;

use wasm_euicc::Factory;
use wasm_euicc::nvm::MemoryMedium;

use crate::card::{Card, factory, hex};
use crate::observe::{Place, observe, places};
use crate::server::{Lab, iccid, install, metadata, package_with};
use crate::subject::install_rich;

/// What all inputs begin with: made once.
pub(crate) struct Base {
    pub(crate) lab: Lab,
    pub(crate) made: Factory,
    /// Two profiles and a test profile, the first enabled; notifications waiting.
    pub(crate) medium: MemoryMedium,
    /// No profile.
    pub(crate) blank: MemoryMedium,
    places: Vec<Place>,
}

thread_local! {
    static BASE: Rc<Base> = Rc::new(Base::make());
}

impl Base {
    pub(crate) fn shared() -> Rc<Self> {
        BASE.with(Rc::clone)
    }

    fn make() -> Self {
        let lab = Lab::new();
        let made = factory(&lab);
        let blank = Card::made_by(&made).chip.into_env().medium;
        let mut card = Card::made_by(&made);
        install_rich(&mut card, &lab, 1, |_| {});
        install_rich(&mut card, &lab, 2, |_| {});
        let mut test = metadata(3);
        test.profile_class = rsp::metadata::ProfileClass::Test;
        install(&mut card, &lab, &test, &package_with(3, [0; 16]));
        let enable = format!("BF3111 A00C5A0A{} 810100", hex(iccid(1).as_bytes()));
        assert_eq!(card.es10_hex(&enable), "BF3103800100");
        let medium = card.chip.into_env().medium;
        let places = places(&made, &medium);
        Self { lab, made, medium, blank, places }
    }

    /// A chip on a copy of a medium.
    pub(crate) fn chip(&self, medium: &MemoryMedium) -> Watched<'_> {
        let card = Card::on(&self.made, medium.clone());
        Watched { base: self, card, start: medium.clone(), changed: false }
    }
}

/// The list of profiles, as a chip that is opened from the medium tells it.
fn profiles(base: &Base, medium: &MemoryMedium) -> String {
    Card::on(&base.made, medium.clone()).es10_hex("BF2D0B5C095A4F9F709091929395")
}

/// A chip whose answers are looked at.
pub(crate) struct Watched<'a> {
    base: &'a Base,
    pub(crate) card: Card<MemoryMedium>,
    /// The medium as it was.
    start: MemoryMedium,
    /// Whether a function that changes profiles was answered with ok.
    changed: bool,
}

impl Watched<'_> {
    /// Sends a command and checks the form of its answer.
    pub(crate) fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.card.chip.transmit(command);
        assert!(answer.len() >= 2, "an answer without a status word");
        let (data, sw) = answer.split_at(answer.len() - 2);
        assert!((0x61..=0x6F).contains(&sw[0]) || (0x90..=0x9F).contains(&sw[0]), "{sw:02X?}");
        // ISO 7816-4 §5.1: at most Ne bytes; 256 unless the length is an extended one.
        let extended = command.get(4) == Some(&0) && command.len() > 6;
        assert!(data.len() <= if extended { 65_536 } else { 256 }, "{} bytes", data.len());
        // Errors have no data (but for warnings, and what waits).
        if matches!(sw[0], 0x64..=0x6F) {
            assert!(data.is_empty(), "data with {sw:02X?}");
        }
        // What comes in pieces counts from its first one.
        self.heard(data, sw);
        answer
    }

    pub(crate) fn reset(&mut self) {
        let atr = self.card.chip.reset();
        assert_eq!(atr, wasm_euicc::Options::ATR);
        // A change that waited for it takes place.
    }

    /// One ES10 request on channel 1.
    pub(crate) fn store_data(&mut self, request: &[u8]) -> (Vec<u8>, u16) {
        let (data, sw) = self.card.store_data(request);
        self.heard(&data, &sw.to_be_bytes());
        (data, sw)
    }

    /// EnableProfile, DisableProfile, DeleteProfile, eUICCMemoryReset and SetNickname with
    /// result ok; ProfileInstallationResult.
    fn heard(&mut self, data: &[u8], sw: &[u8]) {
        let well = matches!(sw[0], 0x90 | 0x91 | 0x61);
        let ok = matches!(data, [0xBF, 0x31..=0x34 | 0x29, 0x03, 0x80, 0x01, 0x00]);
        // The data may wait for GET RESPONSE, or leave byte by byte; then it is not known
        // here, and anything may have changed.
        let unknown = sw[0] == 0x61 || (well && data.len() < 6 && !data.is_empty());
        self.changed |= well && (ok || unknown || data.starts_with(&[0xBF, 0x37]));
    }

    /// The end: all that must hold.
    pub(crate) fn look(mut self) {
        let select = [&[0x00, 0xA4, 0x04, 0x0C, 0x10][..], &rsp::ids::ISD_R].concat();
        let answer = self.card.chip.transmit(&select);
        assert!(matches!(answer[..], [0x90, 0x00] | [0x91, _]), "SELECT ISD-R: {answer:02X?}");
        self.card.chip.reset();
        let answer = self.card.chip.transmit(&select);
        assert_eq!(answer, [0x90, 0x00], "SELECT ISD-R after a reset");

        // The running chip and one from its medium.
        let running = self.card.chip.free_memory();
        let image = MemoryMedium::holding(self.card.chip.expose_snapshot().to_vec());
        let medium = self.card.chip.into_env().medium;
        let opened = Card::on(&self.base.made, medium.clone());
        assert_eq!(opened.chip.free_memory(), running, "free memory, counted again");
        // The same memory is the same chip; where it is not, it is told what differs.
        if *opened.chip.expose_snapshot() != image.expose_bytes() {
            let of_medium = observe(&self.base.made, &medium, &self.base.places);
            let of_running = observe(&self.base.made, &image, &self.base.places);
            assert_eq!(of_medium, of_running, "the chip that ran and the one on its medium");
            panic!("the memory of the chip that ran and of the one on its medium differ");
        }

        if !self.changed && medium.expose_bytes() != self.start.expose_bytes() {
            assert_eq!(
                profiles(self.base, &medium),
                profiles(self.base, &self.start),
                "profiles changed, and no function said so"
            );
        }
    }
}
