//! The UICC of the enabled profile: its file system, PINs and network access
//! applications (ETSI TS 102 221, 3GPP TS 31.102). While no profile is enabled
//! it is the default file system of slot 0 (SGP.22 §3.4).

mod access;
pub(crate) mod aka;
mod data;
mod default;
mod fcp;
pub(crate) mod file;
mod gsm;
pub(crate) mod pin;
pub(crate) mod remote;
mod select;
mod suci;

pub(crate) use default::ensure_default;
pub(crate) use gsm::{GsmAnswer, of_files as gsm_status_word};
pub(crate) use select::Selection;

use std::collections::BTreeSet;

use apdu::{Command, Response, StatusWord, ins};

use crate::nvm::{Error, Key, SlotId, Store, Transaction, View};
use crate::{Env, profile};
use file::{Elementary, File, Tree};
use select::Occurrence;

/// What is volatile and not of one channel: the PINs verified since the reset,
/// by the directory they belong to and their key reference.
#[derive(Debug, Default)]
pub(crate) struct Session {
    verified: BTreeSet<(u16, u8)>,
    /// What a remote application may do; none at the terminal, where PINs count.
    rights: Option<remote::Rights>,
}

impl Session {
    /// The session of the application in this directory is over: its own PINs
    /// are no longer verified.
    pub(crate) fn end_application(&mut self, directory: u16) {
        self.verified.retain(|&(context, _)| context != directory);
    }
}

impl From<Error> for StatusWord {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::NOT_ENOUGH_MEMORY,
            Error::Medium | Error::Foreign | Error::Version(_) | Error::Damaged => Self::MEMORY_PROBLEM,
        }
    }
}

/// The slot whose files are seen.
pub(crate) fn visible_slot(view: &impl View) -> SlotId {
    profile::enabled(view).unwrap_or(SlotId::DEFAULT)
}

/// The UICC during one command.
pub(crate) struct Uicc<'a> {
    pub(crate) env: &'a mut dyn Env,
    pub(crate) store: &'a mut Store,
    pub(crate) session: &'a mut Session,
}

impl Uicc<'_> {
    /// Executes a command that is for the file system or an application of it.
    /// The selection changes only when the command is carried out.
    pub(crate) fn execute(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
        proprietary: bool,
    ) -> Result<Response, StatusWord> {
        let wanted_proprietary = match command.ins {
            ins::STATUS | ins::INCREASE | data::RETRIEVE_DATA | data::SET_DATA | suci::GET_IDENTITY => true,
            ins::READ_BINARY
            | ins::UPDATE_BINARY
            | ins::READ_RECORD
            | ins::UPDATE_RECORD
            | ins::SEARCH_RECORD
            | ins::VERIFY_PIN
            | ins::CHANGE_PIN
            | ins::DISABLE_PIN
            | ins::ENABLE_PIN
            | ins::UNBLOCK_PIN
            | ins::DEACTIVATE_FILE
            | ins::ACTIVATE_FILE
            | ins::AUTHENTICATE
            | ins::GET_CHALLENGE => false,
            _ => return Err(StatusWord::INS_NOT_SUPPORTED),
        };
        if proprietary != wanted_proprietary {
            return Err(StatusWord::CLASS_NOT_SUPPORTED);
        }
        let mut changed = selection.clone();
        let response = match command.ins {
            ins::STATUS => self.status(&changed, command),
            ins::READ_BINARY => self.read_binary(&mut changed, command),
            ins::UPDATE_BINARY => self.update_binary(&mut changed, command),
            ins::READ_RECORD => self.read_record(&mut changed, command),
            ins::UPDATE_RECORD => self.update_record(&mut changed, command),
            ins::SEARCH_RECORD => self.search_record(&mut changed, command),
            ins::INCREASE => self.increase(&mut changed, command),
            ins::VERIFY_PIN => self.verify_pin(&changed, command),
            ins::CHANGE_PIN => self.change_pin(&changed, command),
            ins::DISABLE_PIN => self.disable_pin(&changed, command),
            ins::ENABLE_PIN => self.enable_pin(&changed, command),
            ins::UNBLOCK_PIN => self.unblock_pin(&changed, command),
            ins::DEACTIVATE_FILE => self.set_life_cycle(&changed, command, true),
            ins::ACTIVATE_FILE => self.set_life_cycle(&changed, command, false),
            ins::AUTHENTICATE => self.authenticate(&changed, command),
            ins::GET_CHALLENGE => self.challenge(command),
            suci::GET_IDENTITY => self.identity(&changed, command),
            data::RETRIEVE_DATA => self.retrieve_data(&mut changed, command),
            data::SET_DATA => self.set_data(&mut changed, command),
            _ => Err(StatusWord::INS_NOT_SUPPORTED),
        };
        if response.as_ref().is_err_and(|word| *word == StatusWord::SECURITY_STATUS) {
            self.trace_denied(&changed, command);
        }
        if response.is_ok() {
            *selection = changed;
        }
        response
    }

    /// Names the rule that kept a command from its file.
    fn trace_denied(&mut self, selection: &Selection, command: &Command<'_>) {
        let ins = command.ins;
        let file = selection.current_file(self.tree());
        match file.map(|file| (file.fid, file.access)) {
            _ if ins == ins::AUTHENTICATE => {
                self.env.trace(format_args!("AUTHENTICATE: PIN1 is not verified"));
            }
            Some((fid, Some(access))) => self.env.trace(format_args!(
                "INS {ins:02X} on EF {fid:04X}: record {} of EF.ARR {:04X} does not allow it now",
                access.record, access.arr
            )),
            Some((fid, None)) => {
                self.env.trace(format_args!("INS {ins:02X} on EF {fid:04X}: it has no access rules"));
            }
            None => {}
        }
    }

    /// SELECT (ETSI TS 102 221 §11.1.1). `others` are the AIDs that other
    /// channels have open.
    pub(crate) fn select(
        &mut self,
        selection: &mut Selection,
        command: &Command<'_>,
        others: &[Vec<u8>],
    ) -> Result<Response, StatusWord> {
        const RETURN_FCP: u8 = 0x04;
        const NO_DATA: u8 = 0x0C;
        const TERMINATE: u8 = 0x40;
        let by_aid = command.p1 == 0x04;
        let answer = command.p2 & 0x0C;
        let occurrence = match command.p2 & 0x03 {
            0x00 => Occurrence::First,
            0x01 => Occurrence::Last,
            0x02 => Occurrence::Next,
            _ => Occurrence::Previous,
        };
        let session = command.p2 & 0x60;
        if command.p2 & 0x90 != 0
            || !matches!(answer, 0 | RETURN_FCP | NO_DATA)
            || !matches!(session, 0 | TERMINATE)
            || (!by_aid && (occurrence != Occurrence::First || session != 0))
        {
            return Err(StatusWord::WRONG_P1P2);
        }
        let fid = || match command.data {
            [] => Ok(file::MF_FID),
            [high, low] => Ok(u16::from_be_bytes([*high, *low])),
            _ => Err(StatusWord::WRONG_LENGTH),
        };
        let path = || match command.data.len() {
            len if len == 0 || len % 2 != 0 => Err(StatusWord::WRONG_LENGTH),
            _ => Ok(command.data),
        };
        let before = selection.application().cloned();
        let tree = self.tree();
        match command.p1 {
            0x00 => selection.by_fid(tree, fid()?)?,
            0x01 => selection.child_directory(tree, fid()?)?,
            0x03 if command.data.is_empty() => selection.parent()?,
            0x03 => return Err(StatusWord::WRONG_LENGTH),
            0x04 if !(1..=16).contains(&command.data.len()) => return Err(StatusWord::WRONG_LENGTH),
            0x04 => selection.by_aid(tree, command.data, occurrence)?,
            0x08 => selection.by_path(tree, path()?, true)?,
            0x09 => selection.by_path(tree, path()?, false)?,
            _ => return Err(StatusWord::WRONG_P1P2),
        }
        let file = self.current(selection).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let data = if answer == NO_DATA { Vec::new() } else { self.fcp(selection, &file) };
        if by_aid {
            // The PINs of an application whose session ends or begins anew are
            // not verified, unless another channel is in the same session.
            for opened in before.iter().chain(selection.application()) {
                if !others.contains(&opened.aid) {
                    self.session.end_application(opened.directory);
                }
            }
            if session == TERMINATE {
                selection.end_application();
            }
        }
        let sw = if file.deactivated { StatusWord::FILE_DEACTIVATED } else { StatusWord::OK };
        Ok(Response::new(data, sw))
    }

    /// STATUS (ETSI TS 102 221 §11.1.2).
    fn status(&self, selection: &Selection, command: &Command<'_>) -> Result<Response, StatusWord> {
        if command.p1 > 0x02 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let data = match command.p2 {
            0x00 => {
                let directory = selection.current_directory(self.tree()).ok_or(StatusWord::FILE_NOT_FOUND)?;
                self.fcp(selection, &directory)
            }
            0x01 => {
                let opened = selection.application().ok_or(StatusWord::CONDITIONS)?;
                tlv::encode(tlv::Tag(0x84), &opened.aid)
            }
            0x0C => Vec::new(),
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        Ok(Response::new(data, StatusWord::OK))
    }

    /// GET CHALLENGE (ETSI TS 102 221 §11.1.15): as many bytes as Le says.
    fn challenge(&mut self, command: &Command<'_>) -> Result<Response, StatusWord> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(StatusWord::WRONG_P1P2);
        }
        let len = command.le.ok_or(StatusWord::WRONG_LENGTH)?;
        let mut bytes = vec![0; len.min(256) as usize];
        self.env.fill_random(&mut bytes);
        Ok(Response::new(bytes, StatusWord::OK))
    }

    fn slot(&self) -> SlotId {
        visible_slot(self.store)
    }

    fn tree(&self) -> Tree<'_, Store> {
        Tree::new(self.store, self.slot())
    }

    /// The header of the current EF, or else of the current directory.
    fn current(&self, selection: &Selection) -> Option<File> {
        let tree = self.tree();
        selection.current_file(tree).or_else(|| selection.current_directory(tree))
    }

    fn fcp(&self, selection: &Selection, file: &File) -> Vec<u8> {
        let tree = self.tree();
        fcp::template(file, |reference| {
            pin::find(tree, selection.path(), reference).is_some_and(|(_, pin)| pin.enabled)
        })
    }

    /// Whether the access rules let the current selection do this to a file in
    /// the current directory.
    fn check(&self, selection: &Selection, file: &File, access: access::Access) -> Result<(), StatusWord> {
        let domain = self
            .session
            .rights
            .map(|rights| rights.on(selection, selection.path_in_application(self.tree())));
        let allowed = domain.is_none_or(access::Domain::is_some)
            && access::allowed(self.tree(), selection.path(), file, access, |reference| match domain {
                Some(domain) => domain.grants(reference) || self.pin_verified(selection, reference),
                None => self.pin_satisfied(selection, reference),
            });
        if allowed { Ok(()) } else { Err(StatusWord::SECURITY_STATUS) }
    }

    /// The current EF with its header's parts; `6986` when there is none.
    fn current_elementary(&self, selection: &Selection) -> Result<(File, Elementary), StatusWord> {
        let file = selection.current_file(self.tree()).ok_or(StatusWord::NO_EF_SELECTED)?;
        let elementary = file.elementary().cloned().ok_or(StatusWord::NO_EF_SELECTED)?;
        Ok((file, elementary))
    }

    /// Makes changes that are durable before the command is answered.
    fn commit(
        &mut self,
        change: impl FnOnce(&mut Transaction<'_>, SlotId) -> Result<(), Error>,
    ) -> Result<(), StatusWord> {
        let slot = self.slot();
        let mut tx = self.store.begin();
        change(&mut tx, slot)?;
        Ok(tx.commit(self.env.medium())?)
    }

    /// As [`Self::commit`], for one value of the profile.
    fn commit_value(&mut self, key: crate::nvm::SlotKey, value: Vec<u8>) -> Result<(), StatusWord> {
        self.commit(|tx, slot| tx.put(Key::Slot(slot, key), value))
    }
}

#[cfg(test)]
mod tests;
