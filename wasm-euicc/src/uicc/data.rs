//! Reading and writing of elementary files (ETSI TS 102 221 §11.1.3 to
//! §11.1.8, §11.1.14, §11.1.15, §11.3).

use apdu::{Command, Response, StatusWord, ins};

use super::Uicc;
use super::access::Access;
use super::file::{Elementary, File, Structure, put_header};
use super::select::Selection;
use crate::nvm::SlotKey;

/// RETRIEVE DATA.
pub(super) const RETRIEVE_DATA: u8 = 0xCB;
/// SET DATA.
pub(super) const SET_DATA: u8 = 0xDB;

/// A current EF that may be accessed.
pub(super) struct Opened {
    file: File,
    pub(super) elementary: Elementary,
}

/// The file that P1 or P2 names.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Current,
    Sfi(u8),
}

impl Named {
    /// Five bits: 0 is the current file, 31 is nothing.
    const fn from_bits(bits: u8) -> Result<Self, StatusWord> {
        match bits {
            0 => Ok(Self::Current),
            31 => Err(StatusWord::WRONG_P1P2),
            sfi => Ok(Self::Sfi(sfi)),
        }
    }
}

impl Uicc<'_> {
    pub(super) fn read_binary(
        &self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        no_data(command)?;
        let (named, offset) = offset(command)?;
        let opened = self.open(selection, named, Access::Read)?;
        if opened.elementary.structure != Structure::Transparent {
            return Err(StatusWord::FILE_STRUCTURE);
        }
        let body = self.tree().body(&opened.elementary);
        let rest = body.get(offset..).filter(|rest| !rest.is_empty()).ok_or(StatusWord::WRONG_PARAMETERS)?;
        let le = command.le.unwrap_or(256) as usize;
        let data = match rest.get(..le) {
            Some(data) => data,
            // Le 00: all there is.
            None if le >= 256 => rest,
            None => return Err(StatusWord::wrong_le(rest.len())),
        };
        Ok(Response::new(data.to_vec(), StatusWord::OK))
    }

    pub(super) fn update_binary(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        some_data(command)?;
        let (named, offset) = offset(command)?;
        let opened = self.open(selection, named, Access::Update)?;
        if opened.elementary.structure != Structure::Transparent {
            return Err(StatusWord::FILE_STRUCTURE);
        }
        let mut body = self.tree().body(&opened.elementary).to_vec();
        if offset >= body.len() {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let place = body.get_mut(offset..offset + command.data.len()).ok_or(StatusWord::WRONG_LENGTH)?;
        place.copy_from_slice(command.data);
        self.keep_body(&opened, body)
    }

    pub(super) fn read_record(
        &self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        no_data(command)?;
        let named = Named::from_bits(command.p2 >> 3)?;
        let opened = self.open(selection, named, Access::Read)?;
        let record = self.record(selection, &opened, command)?;
        let data = self.record_bytes(&opened, record)?.to_vec();
        if command.le.is_some_and(|le| le < 256 && le as usize != data.len()) {
            return Err(StatusWord::wrong_le(data.len()));
        }
        Ok(Response::new(data, StatusWord::OK))
    }

    pub(super) fn update_record(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        some_data(command)?;
        let named = Named::from_bits(command.p2 >> 3)?;
        let opened = self.open(selection, named, Access::Update)?;
        match opened.elementary.structure {
            Structure::Cyclic(len) => {
                // The oldest record is overwritten and becomes the first.
                if command.p2 & 0x07 != 0x03 || command.p1 != 0 {
                    return Err(StatusWord::WRONG_P1P2);
                }
                if command.data.len() != usize::from(len) {
                    return Err(StatusWord::WRONG_LENGTH);
                }
                let body = self.rotated(&opened, command.data);
                selection.record = Some(1);
                self.keep_body(&opened, body)
            }
            Structure::LinearFixed(len) => {
                let record = self.record(selection, &opened, command)?;
                if command.data.len() != usize::from(len) {
                    return Err(StatusWord::WRONG_LENGTH);
                }
                let mut body = self.tree().body(&opened.elementary).to_vec();
                let start = usize::from(record - 1) * usize::from(len);
                body.get_mut(start..start + usize::from(len))
                    .ok_or(StatusWord::RECORD_NOT_FOUND)?
                    .copy_from_slice(command.data);
                self.keep_body(&opened, body)
            }
            _ => Err(StatusWord::FILE_STRUCTURE),
        }
    }

    /// SEARCH RECORD (ETSI TS 102 221 §11.1.7): the numbers of the records that
    /// hold the pattern, in the order of the search.
    pub(super) fn search_record(
        &self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        some_data(command)?;
        let named = Named::from_bits(command.p2 >> 3)?;
        let opened = self.open(selection, named, Access::Read)?;
        let Some(len) = opened.elementary.structure.record_len() else {
            return Err(StatusWord::FILE_STRUCTURE);
        };
        let count = opened.elementary.records();
        let search = Search::parse(command)?;
        if search.pattern.is_empty() || search.pattern.len() > usize::from(len) {
            return Err(StatusWord::WRONG_DATA);
        }
        let current = || selection.record.ok_or(StatusWord::RECORD_NOT_FOUND);
        let (start, backward) = match search.direction {
            Direction::Forward | Direction::Backward => {
                let start = if command.p1 == 0 { current()? } else { command.p1 };
                (start, search.direction == Direction::Backward)
            }
            Direction::FromNext => (selection.record.unwrap_or(0).saturating_add(1), false),
            Direction::FromPrevious => {
                (selection.record.map_or(count, |record| record.saturating_sub(1)), true)
            }
        };
        if matches!(search.direction, Direction::Forward | Direction::Backward)
            && !(1..=count).contains(&start)
        {
            return Err(StatusWord::RECORD_NOT_FOUND);
        }
        let order: Vec<u8> =
            if backward { (1..=start.min(count)).rev().collect() } else { (start.max(1)..=count).collect() };
        let mut found = Vec::new();
        for record in order {
            if search.is_in(self.record_bytes(&opened, record)?) {
                found.push(record);
            }
        }
        let Some(&first) = found.first() else { return Err(StatusWord::END_OF_FILE) };
        selection.record = Some(first);
        Ok(Response::new(found, StatusWord::OK))
    }

    /// INCREASE (ETSI TS 102 221 §11.1.8): adds to the last written record of a
    /// cyclic file and writes the sum as a new one.
    pub(super) fn increase(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let named = match command.p1 {
            0x00 => Named::Current,
            0x81..=0x9E => Named::from_bits(command.p1 & 0x1F)?,
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        if command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let opened = self.open(selection, named, Access::Instruction(ins::INCREASE))?;
        let Structure::Cyclic(len) = opened.elementary.structure else {
            return Err(StatusWord::FILE_STRUCTURE);
        };
        if !(1..=127).contains(&command.data.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let mut sum = self.record_bytes(&opened, 1)?.to_vec();
        let mut carry = 0;
        let added = command.data.iter().rev().chain(core::iter::repeat(&0));
        for (digit, &add) in sum.iter_mut().rev().zip(added) {
            carry += u16::from(*digit) + u16::from(add);
            *digit = carry as u8;
            carry >>= 8;
        }
        let beyond = command.data.len().saturating_sub(usize::from(len));
        if carry != 0 || command.data.iter().take(beyond).any(|&byte| byte != 0) {
            return Err(StatusWord::INCREASE_MAXIMUM);
        }
        let body = self.rotated(&opened, &sum);
        selection.record = Some(1);
        let answer = [&sum[..], command.data].concat();
        self.keep_body(&opened, body)?;
        Ok(Response::new(answer, StatusWord::OK))
    }

    /// DEACTIVATE FILE and ACTIVATE FILE (ETSI TS 102 221 §11.1.14, §11.1.15):
    /// of the current file, or of the file with the identifier in the data.
    pub(super) fn set_life_cycle(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
        deactivated: bool,
    ) -> Result<Response, StatusWord> {
        let mut target = selection.clone();
        match (command.p1, command.data) {
            (0x00, []) => {}
            (0x00, [high, low]) => target.by_fid(self.tree(), u16::from_be_bytes([*high, *low]))?,
            (0x08, path) if !path.is_empty() && path.len() % 2 == 0 => {
                target.by_path(self.tree(), path, true)?;
            }
            (0x09, path) if !path.is_empty() && path.len() % 2 == 0 => {
                target.by_path(self.tree(), path, false)?;
            }
            (0x00 | 0x08 | 0x09, _) => return Err(StatusWord::WRONG_LENGTH),
            _ => return Err(StatusWord::WRONG_P1P2),
        }
        if command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let (mut file, _) = self.current_elementary(&target)?;
        self.check(&target, &file, if deactivated { Access::Deactivate } else { Access::Activate })?;
        if file.deactivated != deactivated {
            file.deactivated = deactivated;
            let parent = target.directory();
            self.commit(|tx, slot| put_header(tx, slot, parent, &file))?;
        }
        Ok(StatusWord::OK.into())
    }

    /// RETRIEVE DATA (ETSI TS 102 221 §11.3.1): an object of a BER-TLV file,
    /// whole; long ones leave through GET RESPONSE.
    pub(super) fn retrieve_data(
        &self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let opened = self.open_ber_tlv(selection, command, Access::Read)?;
        let wanted = tag(command.data)?;
        let mut reader = tlv::Reader::new(self.tree().body(&opened.elementary));
        while let Some(object) = reader.next().map_err(|_| StatusWord::TECHNICAL_PROBLEM)? {
            if object.tag == wanted {
                return Ok(Response::new(object.raw.to_vec(), StatusWord::OK));
            }
        }
        Err(StatusWord::REFERENCE_NOT_FOUND)
    }

    /// SET DATA (ETSI TS 102 221 §11.3.2): puts an object into a BER-TLV file,
    /// or with a tag alone takes it out.
    pub(super) fn set_data(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        let opened = self.open_ber_tlv(selection, command, Access::Update)?;
        let (wanted, new) = match tlv::Tlv::single(command.data) {
            Ok(object) if !object.value.is_empty() => (object.tag, object.raw),
            Ok(object) => (object.tag, &[][..]),
            Err(_) => (tag(command.data)?, &[][..]),
        };
        let mut body = Vec::new();
        let mut existed = false;
        let mut reader = tlv::Reader::new(self.tree().body(&opened.elementary));
        while let Some(object) = reader.next().map_err(|_| StatusWord::TECHNICAL_PROBLEM)? {
            if object.tag == wanted {
                existed = true;
            } else {
                body.extend_from_slice(object.raw);
            }
        }
        if new.is_empty() && !existed {
            return Err(StatusWord::REFERENCE_NOT_FOUND);
        }
        body.extend_from_slice(new);
        if body.len() > opened.elementary.size as usize {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        self.keep_body(&opened, body)
    }

    fn open_ber_tlv(
        &self,
        selection: &mut Selection,
        command: &Command<'_>,
        access: Access,
    ) -> Result<Opened, StatusWord> {
        const FIRST_BLOCK: u8 = 0x80;
        some_data(command)?;
        if command.p1 != 0 || command.p2 & 0xE0 != FIRST_BLOCK {
            return Err(StatusWord::WRONG_P1P2);
        }
        let opened = self.open(selection, Named::from_bits(command.p2 & 0x1F)?, access)?;
        if opened.elementary.structure != Structure::BerTlv {
            return Err(StatusWord::FILE_STRUCTURE);
        }
        Ok(opened)
    }

    /// Makes the named file current and checks its state and access rules.
    pub(super) fn open(
        &self,
        selection: &mut Selection,
        named: Named,
        access: Access,
    ) -> Result<Opened, StatusWord> {
        const USABLE_WHEN_DEACTIVATED: u8 = 0x40;
        if let Named::Sfi(sfi) = named {
            selection.by_sfi(self.tree(), sfi)?;
        }
        let (file, elementary) = self.current_elementary(selection)?;
        self.check(selection, &file, access)?;
        if file.deactivated && elementary.special & USABLE_WHEN_DEACTIVATED == 0 {
            return Err(StatusWord::DATA_INVALIDATED);
        }
        Ok(Opened { file, elementary })
    }

    /// Number of the record that P1 and the mode in P2 mean. NEXT and PREVIOUS
    /// move the record pointer, absolute access does not.
    fn record(
        &self,
        selection: &mut Selection,
        opened: &Opened,
        command: &Command<'_>,
    ) -> Result<u8, StatusWord> {
        const NEXT: u8 = 0x02;
        const PREVIOUS: u8 = 0x03;
        const ABSOLUTE: u8 = 0x04;
        if opened.elementary.structure.record_len().is_none() {
            return Err(StatusWord::FILE_STRUCTURE);
        }
        let count = opened.elementary.records();
        let cyclic = matches!(opened.elementary.structure, Structure::Cyclic(_));
        let mode = command.p2 & 0x07;
        let record = match (mode, command.p1, selection.record) {
            (ABSOLUTE, 0, current) => current,
            (ABSOLUTE, number, _) => Some(number),
            (NEXT, 0, None) => Some(1),
            (NEXT, 0, Some(current)) if current < count => Some(current + 1),
            (NEXT, 0, Some(_)) if cyclic => Some(1),
            (PREVIOUS, 0, None) => Some(count),
            (PREVIOUS, 0, Some(current)) if current > 1 => Some(current - 1),
            (PREVIOUS, 0, Some(_)) if cyclic => Some(count),
            (NEXT | PREVIOUS, 0, Some(_)) => None,
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        let record =
            record.filter(|record| (1..=count).contains(record)).ok_or(StatusWord::RECORD_NOT_FOUND)?;
        if mode != ABSOLUTE {
            selection.record = Some(record);
        }
        Ok(record)
    }

    pub(super) fn record_bytes(&self, opened: &Opened, record: u8) -> Result<&[u8], StatusWord> {
        let len = usize::from(opened.elementary.structure.record_len().unwrap_or(0)).max(1);
        let index = usize::from(record).checked_sub(1).ok_or(StatusWord::RECORD_NOT_FOUND)?;
        let body = self.tree().body(&opened.elementary);
        body.chunks_exact(len).nth(index).ok_or(StatusWord::RECORD_NOT_FOUND)
    }

    /// The body of a cyclic file after `first` was put in front of it.
    fn rotated(&self, opened: &Opened, first: &[u8]) -> Vec<u8> {
        let old = self.tree().body(&opened.elementary);
        let kept = old.len().saturating_sub(first.len());
        [first, &old[..kept]].concat()
    }

    fn keep_body(&mut self, opened: &Opened, body: Vec<u8>) -> Result<Response, StatusWord> {
        debug_assert!(opened.file.elementary().is_some());
        self.commit_value(SlotKey::Body(opened.elementary.body), body)?;
        Ok(StatusWord::OK.into())
    }
}

/// P1 and P2 of the binary commands: a short identifier and an offset of 8
/// bits, or an offset of 15 bits in the current file.
fn offset(command: &Command<'_>) -> Result<(Named, usize), StatusWord> {
    let Command { p1, p2, .. } = *command;
    match p1 & 0xE0 {
        0x80 => match Named::from_bits(p1 & 0x1F)? {
            Named::Current => Err(StatusWord::WRONG_P1P2),
            named => Ok((named, usize::from(p2))),
        },
        high if high & 0x80 != 0 => Err(StatusWord::WRONG_P1P2),
        _ => Ok((Named::Current, usize::from(u16::from_be_bytes([p1, p2])))),
    }
}

fn no_data(command: &Command<'_>) -> Result<(), StatusWord> {
    if command.data.is_empty() { Ok(()) } else { Err(StatusWord::WRONG_LENGTH) }
}

fn some_data(command: &Command<'_>) -> Result<(), StatusWord> {
    if command.data.is_empty() { Err(StatusWord::WRONG_LENGTH) } else { Ok(()) }
}

/// A tag that stands alone, or with a length of zero.
fn tag(bytes: &[u8]) -> Result<tlv::Tag, StatusWord> {
    let padded = [bytes, &[0]].concat();
    match tlv::Tlv::single(bytes).or_else(|_| tlv::Tlv::single(&padded)) {
        Ok(object) if object.value.is_empty() => Ok(object.tag),
        _ => Err(StatusWord::WRONG_DATA),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
    FromNext,
    FromPrevious,
}

/// What SEARCH RECORD looks for.
struct Search<'a> {
    direction: Direction,
    from: From,
    pattern: &'a [u8],
}

/// Where in a record a search begins.
enum From {
    Offset(usize),
    /// After the first byte with this value.
    AfterByte(u8),
}

impl<'a> Search<'a> {
    fn parse(command: &Command<'a>) -> Result<Self, StatusWord> {
        const SIMPLE_FORWARD: u8 = 0x04;
        const SIMPLE_BACKWARD: u8 = 0x05;
        const ENHANCED: u8 = 0x06;
        let simple = |direction| Self { direction, from: From::Offset(0), pattern: command.data };
        match command.p2 & 0x07 {
            SIMPLE_FORWARD => Ok(simple(Direction::Forward)),
            SIMPLE_BACKWARD => Ok(simple(Direction::Backward)),
            ENHANCED => {
                let [indication, start, pattern @ ..] = command.data else {
                    return Err(StatusWord::WRONG_LENGTH);
                };
                let direction = match indication & 0x07 {
                    0x04 => Direction::Forward,
                    0x05 => Direction::Backward,
                    0x06 => Direction::FromNext,
                    0x07 => Direction::FromPrevious,
                    _ => return Err(StatusWord::WRONG_DATA),
                };
                let from = match indication & 0xF8 {
                    0x00 => From::Offset(usize::from(*start)),
                    0x08 => From::AfterByte(*start),
                    _ => return Err(StatusWord::WRONG_DATA),
                };
                Ok(Self { direction, from, pattern })
            }
            _ => Err(StatusWord::WRONG_P1P2),
        }
    }

    fn is_in(&self, record: &[u8]) -> bool {
        let start = match self.from {
            From::Offset(offset) => Some(offset),
            From::AfterByte(value) => record.iter().position(|&byte| byte == value).map(|at| at + 1),
        };
        let part = start.and_then(|start| record.get(start..)).unwrap_or_default();
        part.windows(self.pattern.len()).any(|window| window == self.pattern)
    }
}
