//! The commands of the old SIM, class `A0`, on the files of the enabled profile
//! (3GPP TS 51.011 §8, §9): modems ask with them first whether there is a SIM.
//!
//! What is there for them is what the profile made for them: a DF.GSM `7F20` of its own or
//! a link to the ADF of its USIM. CHV1 is the application PIN `01`, CHV2 the local PIN
//! `81` of the first USIM, the algorithm is the one of the first USIM with conversion
//! functions c2 and c3 (3GPP TS 33.102 §6.8.1.2).

use apdu::{Command, Response, StatusWord, ins};

use super::Uicc;
use super::access::{self, Access};
use super::data::Named;
use super::file::{Elementary, File, Kind, MF_FID, Structure};
use super::pin;
use super::select::{Occurrence, Selection};

/// INVALIDATE and REHABILITATE have the numbers of DEACTIVATE FILE and ACTIVATE FILE; SEEK
/// that of SEARCH RECORD, RUN GSM ALGORITHM that of AUTHENTICATE.
mod sw {
    use apdu::StatusWord;

    pub(super) const NO_EF_SELECTED: StatusWord = StatusWord(0x9400);
    pub(super) const OUT_OF_RANGE: StatusWord = StatusWord(0x9402);
    pub(super) const NOT_FOUND: StatusWord = StatusWord(0x9404);
    pub(super) const INCONSISTENT: StatusWord = StatusWord(0x9408);
    pub(super) const NO_CHV: StatusWord = StatusWord(0x9802);
    pub(super) const ACCESS: StatusWord = StatusWord(0x9804);
    pub(super) const CHV_STATUS: StatusWord = StatusWord(0x9808);
    pub(super) const INVALIDATED: StatusWord = StatusWord(0x9810);
    pub(super) const CHV_BLOCKED: StatusWord = StatusWord(0x9840);
    pub(super) const MEMORY: StatusWord = StatusWord(0x9240);
    pub(super) const WRONG_P1P2: StatusWord = StatusWord(0x6B00);
}

const CHV1: u8 = 0x01;
const CHV2: u8 = 0x81;

/// What a command of the old SIM comes to.
pub(crate) enum GsmAnswer {
    /// Data, if any, with `9000`.
    Now(Vec<u8>),
    /// Data that waits for GET RESPONSE, announced by `9F XX`.
    Waits(Vec<u8>),
}

impl Uicc<'_> {
    /// Executes a command of class `A0` other than GET RESPONSE and those of the toolkit.
    pub(crate) fn gsm(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<GsmAnswer, StatusWord> {
        let mut changed = selection.clone();
        let answer = match command.ins {
            ins::SELECT => self.gsm_select(&mut changed, command),
            ins::STATUS => self.gsm_status(&changed, command),
            ins::READ_BINARY => {
                binary(command)?;
                exactly(command, self.read_binary(&mut changed, command))
            }
            ins::UPDATE_BINARY => {
                binary(command)?;
                now(self.update_binary(&mut changed, command))
            }
            ins::READ_RECORD => {
                record(command)?;
                exactly(command, self.read_record(&mut changed, command))
            }
            ins::UPDATE_RECORD => {
                record(command)?;
                now(self.update_record(&mut changed, command))
            }
            ins::SEARCH_RECORD => self.seek(&mut changed, command),
            ins::INCREASE => {
                no_parameters(command)?;
                self.increase(&mut changed, command).map(|Response { data, .. }| GsmAnswer::Waits(data))
            }
            ins::VERIFY_PIN | ins::CHANGE_PIN | ins::DISABLE_PIN | ins::ENABLE_PIN | ins::UNBLOCK_PIN => {
                return self.chv(command);
            }
            ins::DEACTIVATE_FILE | ins::ACTIVATE_FILE => {
                no_parameters(command)?;
                let invalidate = command.ins == ins::DEACTIVATE_FILE;
                now(self.set_life_cycle(&changed, &Command { data: &[], ..*command }, invalidate))
            }
            ins::AUTHENTICATE => return self.run_gsm_algorithm(command).map_err(of_files),
            _ => return Err(StatusWord::INS_NOT_SUPPORTED),
        }
        .map_err(of_files)?;
        *selection = changed;
        Ok(answer)
    }

    /// SELECT (TS 51.011 §8.1): by identifier only.
    fn gsm_select(&self, selection: &mut Selection, command: &Command<'_>) -> Result<GsmAnswer, StatusWord> {
        no_parameters(command)?;
        let [high, low] = *command.data else { return Err(wrong_p3(2)) };
        selection.by_fid(self.tree(), u16::from_be_bytes([high, low]))?;
        let file = self.current(selection).ok_or(StatusWord::FILE_NOT_FOUND)?;
        Ok(GsmAnswer::Waits(match &file.kind {
            Kind::Directory(_) => self.directory_data(selection, &file).to_vec(),
            Kind::Elementary(elementary) => self.elementary_data(selection, &file, elementary).to_vec(),
        }))
    }

    /// STATUS (TS 51.011 §8.2): of the current directory.
    fn gsm_status(&self, selection: &Selection, command: &Command<'_>) -> Result<GsmAnswer, StatusWord> {
        no_parameters(command)?;
        let directory = selection.current_directory(self.tree()).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let data = self.directory_data(selection, &directory);
        let asked = command.le.unwrap_or(0) as usize;
        data.get(..asked).map(|data| GsmAnswer::Now(data.to_vec())).ok_or_else(|| wrong_p3(data.len()))
    }

    /// SEEK (TS 51.011 §8.7): the record that starts with the pattern.
    fn seek(&self, selection: &mut Selection, command: &Command<'_>) -> Result<GsmAnswer, StatusWord> {
        const MODE: u8 = 0x0F;
        const WITH_NUMBER: u8 = 0x10;
        if command.p1 != 0 || command.p2 & !(MODE | WITH_NUMBER) != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let opened = self.open(selection, Named::Current, Access::Read)?;
        let Structure::LinearFixed(len) = opened.elementary.structure else {
            return Err(StatusWord::FILE_STRUCTURE);
        };
        if command.data.is_empty() || command.data.len() > usize::from(len) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let count = opened.elementary.records();
        let order: Vec<u8> = match (command.p2 & MODE, selection.record) {
            (0x00, _) | (0x02, None) => (1..=count).collect(),
            (0x01, _) | (0x03, None) => (1..=count).rev().collect(),
            (0x02, Some(current)) => (current.saturating_add(1)..=count).collect(),
            (0x03, Some(current)) => (1..current).rev().collect(),
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        for number in order {
            if self.record_bytes(&opened, number)?.starts_with(command.data) {
                selection.record = Some(number);
                let numbered = command.p2 & WITH_NUMBER != 0;
                return Ok(if numbered {
                    GsmAnswer::Waits(vec![number])
                } else {
                    GsmAnswer::Now(Vec::new())
                });
            }
        }
        Err(sw::NOT_FOUND)
    }

    /// The CHV commands (TS 51.011 §8.9 to §8.13).
    fn chv(&mut self, command: &Command<'_>) -> Result<GsmAnswer, StatusWord> {
        let reference = match (command.ins, command.p2) {
            (ins::UNBLOCK_PIN, 0x00) | (ins::VERIFY_PIN..=ins::ENABLE_PIN, 0x01) => CHV1,
            (ins::UNBLOCK_PIN | ins::VERIFY_PIN | ins::CHANGE_PIN, 0x02) => CHV2,
            _ => return Err(sw::WRONG_P1P2),
        };
        // Without data the commands of the UICC tell the tries; here SELECT does.
        if command.data.is_empty() {
            return Err(wrong_p3(if matches!(command.ins, ins::CHANGE_PIN | ins::UNBLOCK_PIN) {
                16
            } else {
                8
            }));
        }
        let at = self.sim();
        let command = Command { p2: reference, ..*command };
        now(match command.ins {
            ins::VERIFY_PIN => self.verify_pin(&at, &command),
            ins::CHANGE_PIN => self.change_pin(&at, &command),
            ins::DISABLE_PIN => self.disable_pin(&at, &command),
            ins::ENABLE_PIN => self.enable_pin(&at, &command),
            _ => self.unblock_pin(&at, &command),
        })
        .map_err(of_chv)
    }

    /// RUN GSM ALGORITHM (TS 51.011 §8.16): SRES and Kc.
    fn run_gsm_algorithm(&self, command: &Command<'_>) -> Result<GsmAnswer, StatusWord> {
        no_parameters(command)?;
        let rand: [u8; 16] = command.data.try_into().map_err(|_| wrong_p3(16))?;
        let at = self.sim();
        if !self.pin_satisfied(&at, CHV1) {
            return Err(sw::ACCESS);
        }
        let answer = self.gsm_algorithm(&at, &rand).ok_or(sw::NO_EF_SELECTED)?;
        Ok(GsmAnswer::Waits([&answer.sres[..], &answer.kc].concat()))
    }

    /// Where the PINs and keys of the SIM are: the first USIM, else the MF.
    fn sim(&self) -> Selection {
        const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
        let mut at = Selection::default();
        // A profile without a USIM has the PINs of the MF, and no key.
        let _: Result<(), StatusWord> = at.by_aid(self.tree(), &USIM, Occurrence::First);
        at
    }

    /// Response data of an MF or DF (TS 51.011 §9.2.1).
    fn directory_data(&self, selection: &Selection, directory: &File) -> [u8; 22] {
        /// Clock stop allowed, no preferred level; clock of 13/8 MHz.
        const CHARACTERISTICS: u8 = 0x01;
        const CHV1_DISABLED: u8 = 0x80;
        let (children, sim) = (self.tree().children(selection.directory()), self.sim());
        let number =
            |of: &dyn Fn(&File) -> bool| children.iter().filter(|file| of(file)).count().min(255) as u8;
        let directories = number(&|file| file.directory().is_some() && !file.is_application());
        let elementary = number(&|file| file.elementary().is_some());
        let [chv1, puk1] = pin::gsm_status(self.tree(), &sim, CHV1);
        let [chv2, puk2] = pin::gsm_status(self.tree(), &sim, CHV2);
        let disabled = pin::find(self.tree(), sim.path(), CHV1).is_none_or(|(_, pin)| !pin.enabled);
        let characteristics = CHARACTERISTICS | if disabled { CHV1_DISABLED } else { 0 };
        let [high, low] = directory.fid.to_be_bytes();
        let kind = if directory.fid == MF_FID { 0x01 } else { 0x02 };
        let codes = [chv1, puk1, chv2, puk2].iter().filter(|&&status| status != 0).count() as u8;
        [
            0,
            0,
            0,
            0,
            high,
            low,
            kind,
            0,
            0,
            0,
            0,
            0,
            9,
            characteristics,
            directories,
            elementary,
            codes,
            0,
            chv1,
            puk1,
            chv2,
            puk2,
        ]
    }

    /// Response data of an EF (TS 51.011 §9.2.1).
    fn elementary_data(&self, selection: &Selection, file: &File, elementary: &Elementary) -> [u8; 15] {
        const USABLE_WHEN_DEACTIVATED: u8 = 0x40;
        const INCREASE_ALLOWED: u8 = 0x40;
        let level = |access| self.gsm_level(selection, file, access);
        let increase = level(Access::Instruction(ins::INCREASE));
        let cyclic = matches!(elementary.structure, Structure::Cyclic(_));
        let special = if cyclic && increase != NEVER { INCREASE_ALLOWED } else { 0 };
        let usable = if elementary.special & USABLE_WHEN_DEACTIVATED == 0 { 0 } else { 0x04 };
        let structure = match elementary.structure {
            // There was no BER-TLV file in those days.
            Structure::Transparent | Structure::BerTlv => 0x00,
            Structure::LinearFixed(_) => 0x01,
            Structure::Cyclic(_) => 0x03,
        };
        let [size_high, size_low] = u16::try_from(elementary.size).unwrap_or(u16::MAX).to_be_bytes();
        let [high, low] = file.fid.to_be_bytes();
        [
            0,
            0,
            size_high,
            size_low,
            high,
            low,
            0x04,
            special,
            level(Access::Read) << 4 | level(Access::Update),
            increase << 4,
            level(Access::Activate) << 4 | level(Access::Deactivate),
            u8::from(!file.deactivated) | usable,
            2,
            structure,
            elementary.structure.record_len().unwrap_or(0),
        ]
    }

    /// The access level that the rules of a file come to (TS 51.011 §9.3).
    fn gsm_level(&self, selection: &Selection, file: &File, access: Access) -> u8 {
        const ADM: [u8; 10] = [0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E];
        let with = |verified: &[u8]| {
            access::allowed(self.tree(), selection.path(), file, access, |reference| {
                verified.contains(&reference)
            })
        };
        [(0, &[][..]), (1, &[CHV1]), (2, &[CHV2]), (4, &ADM)]
            .into_iter()
            .find(|(_, verified)| with(verified))
            .map_or(NEVER, |(level, _)| level)
    }
}

/// The access level "never".
const NEVER: u8 = 0x0F;

/// Data that leaves at once.
fn now(response: Result<Response, StatusWord>) -> Result<GsmAnswer, StatusWord> {
    response.map(|response| GsmAnswer::Now(response.data))
}

/// Data that leaves at once; there is no "all there is" for P3.
fn exactly(command: &Command<'_>, response: Result<Response, StatusWord>) -> Result<GsmAnswer, StatusWord> {
    match response?.data {
        data if command.le == Some(data.len() as u32) => Ok(GsmAnswer::Now(data)),
        data => Err(wrong_p3(data.len())),
    }
}

const fn no_parameters(command: &Command<'_>) -> Result<(), StatusWord> {
    if command.p1 == 0 && command.p2 == 0 { Ok(()) } else { Err(StatusWord::WRONG_P1P2) }
}

/// An offset of 15 bits; there are no short identifiers.
const fn binary(command: &Command<'_>) -> Result<(), StatusWord> {
    if command.p1 & 0x80 == 0 { Ok(()) } else { Err(StatusWord::WRONG_P1P2) }
}

/// Next, previous, absolute or current; there are no short identifiers.
const fn record(command: &Command<'_>) -> Result<(), StatusWord> {
    if matches!(command.p2, 0x02..=0x04) { Ok(()) } else { Err(StatusWord::WRONG_P1P2) }
}

/// `67 XX`: P3 should have been this.
const fn wrong_p3(exact: usize) -> StatusWord {
    StatusWord(0x6700 | (exact & 0xFF) as u16)
}

/// What a status word of the UICC was called before (TS 51.011 §9.4).
pub(crate) fn of_files(word: StatusWord) -> StatusWord {
    if let Some(exact) = word.exact_le() {
        return wrong_p3(exact);
    }
    match word {
        StatusWord::NO_EF_SELECTED => sw::NO_EF_SELECTED,
        StatusWord::RECORD_NOT_FOUND | StatusWord::WRONG_PARAMETERS => sw::OUT_OF_RANGE,
        StatusWord::FILE_NOT_FOUND => sw::NOT_FOUND,
        StatusWord::FILE_STRUCTURE => sw::INCONSISTENT,
        StatusWord::SECURITY_STATUS => sw::ACCESS,
        StatusWord::DATA_INVALIDATED => sw::INVALIDATED,
        StatusWord::MEMORY_PROBLEM | StatusWord::NOT_ENOUGH_MEMORY => sw::MEMORY,
        StatusWord::WRONG_P1P2 => sw::WRONG_P1P2,
        other => other,
    }
}

/// The same for the CHV commands.
fn of_chv(word: StatusWord) -> StatusWord {
    match word {
        StatusWord::BLOCKED | StatusWord(0x63C0) => sw::CHV_BLOCKED,
        StatusWord(0x63C1..=0x63CF) => sw::ACCESS,
        StatusWord::DATA_INVALIDATED | StatusWord::CONDITIONS => sw::CHV_STATUS,
        StatusWord::REFERENCE_NOT_FOUND => sw::NO_CHV,
        other => of_files(other),
    }
}

#[cfg(test)]
mod tests;
