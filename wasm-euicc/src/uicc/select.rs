//! Which file a channel stands on, and SELECT (ETSI TS 102 221 §8.4, §11.1.1).

use apdu::StatusWord;

use super::file::{File, MF, MF_FID, Tree};
use crate::nvm::View;

/// What a channel has selected in the profile.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The directories from the MF down to the current one.
    path: Vec<Step>,
    /// The application whose session is open; `7FFF` names its ADF.
    application: Option<Opened>,
    /// Identifier of the current EF in the current directory.
    pub(super) file: Option<u16>,
    /// The current record, from 1; none after a selection.
    pub(super) record: Option<u8>,
}

/// One directory on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) fid: u16,
    pub(super) id: u16,
}

/// An open application session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Its AID.
    pub(crate) aid: Vec<u8>,
    /// Number of its ADF.
    pub(crate) directory: u16,
    fid: u16,
}

impl Default for Selection {
    fn default() -> Self {
        Self { path: vec![Step { fid: MF_FID, id: MF }], application: None, file: None, record: None }
    }
}

/// Which of several applications with a fitting AID is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence {
    First,
    Last,
    Next,
    Previous,
}

impl Selection {
    /// The application whose session is open.
    pub(crate) const fn application(&self) -> Option<&Opened> {
        self.application.as_ref()
    }

    /// What a channel opened from this one stands on: the same directory and
    /// application, no EF (ETSI TS 102 221 §8.7).
    pub(crate) fn opened_from(&self) -> Self {
        Self { file: None, record: None, ..self.clone() }
    }

    /// The directories from the MF to the current one.
    pub(super) fn path(&self) -> &[Step] {
        &self.path
    }

    /// Number of the current directory.
    pub(super) fn directory(&self) -> u16 {
        self.path.last().map_or(MF, |step| step.id)
    }

    /// The header of the current directory.
    pub(super) fn current_directory<V: View + ?Sized>(&self, tree: Tree<'_, V>) -> Option<File> {
        match self.path.as_slice() {
            [.., parent, own] => tree.file(parent.id, own.fid),
            _ => tree.mf(),
        }
    }

    /// The header of the current EF.
    pub(super) fn current_file<V: View + ?Sized>(&self, tree: Tree<'_, V>) -> Option<File> {
        tree.file(self.directory(), self.file?)
    }

    /// P1 `00`: by file identifier.
    pub(super) fn by_fid<V: View + ?Sized>(&mut self, tree: Tree<'_, V>, fid: u16) -> Result<(), StatusWord> {
        if fid == MF_FID {
            self.path.truncate(1);
            self.leave_file();
            return Ok(());
        }
        if fid == Self::CURRENT_ADF {
            return self.enter_application();
        }
        // The current directory itself, then its parent; an ADF has no
        // identifier that a command can name.
        for (index, step) in self.path.iter().enumerate().rev().take(2) {
            let is_adf = index == 1 && self.path_in_application(tree);
            if step.fid == fid && !is_adf {
                self.path.truncate(index + 1);
                self.leave_file();
                return Ok(());
            }
        }
        // Its children.
        if let Some(file) = Self::child(tree, self.directory(), fid) {
            self.enter(&file);
            return Ok(());
        }
        // The directories beside it.
        if let [.., parent, _] = self.path.as_slice()
            && let Some(file) = Self::child(tree, parent.id, fid)
            && file.directory().is_some()
        {
            self.path.pop();
            self.enter(&file);
            return Ok(());
        }
        Err(StatusWord::FILE_NOT_FOUND)
    }

    /// P1 `01`: a directory in the current one.
    pub(super) fn child_directory<V: View + ?Sized>(
        &mut self,
        tree: Tree<'_, V>,
        fid: u16,
    ) -> Result<(), StatusWord> {
        let file = Self::child(tree, self.directory(), fid)
            .filter(|file| file.directory().is_some())
            .ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.enter(&file);
        Ok(())
    }

    /// P1 `03`: the directory above the current one.
    pub(super) fn parent(&mut self) -> Result<(), StatusWord> {
        if self.path.len() < 2 {
            return Err(StatusWord::FILE_NOT_FOUND);
        }
        self.path.pop();
        self.leave_file();
        Ok(())
    }

    /// P1 `08` and `09`: by path, from the MF (or, led by `7FFF`, from the ADF
    /// of the open application) or from the current directory.
    pub(super) fn by_path<V: View + ?Sized>(
        &mut self,
        tree: Tree<'_, V>,
        path: &[u8],
        from_mf: bool,
    ) -> Result<(), StatusWord> {
        let mut fids = path.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).peekable();
        let mut to = self.clone();
        to.leave_file();
        if from_mf {
            if fids.peek() == Some(&Self::CURRENT_ADF) {
                fids.next();
                to.enter_application()?;
            } else {
                to.path.truncate(1);
            }
        }
        for fid in fids {
            // An elementary file has nothing below it.
            if to.file.is_some() {
                return Err(StatusWord::FILE_NOT_FOUND);
            }
            let file = Self::child(tree, to.directory(), fid).ok_or(StatusWord::FILE_NOT_FOUND)?;
            to.enter(&file);
        }
        *self = to;
        Ok(())
    }

    /// P1 `04`: an application by its AID, which may be cut off at the right.
    pub(super) fn by_aid<V: View + ?Sized>(
        &mut self,
        tree: Tree<'_, V>,
        aid: &[u8],
        occurrence: Occurrence,
    ) -> Result<(), StatusWord> {
        let fitting: Vec<File> = tree
            .applications()
            .into_iter()
            .filter(|file| {
                let own = file.directory().and_then(|directory| directory.aid.as_deref());
                own.is_some_and(|own| own.starts_with(aid))
            })
            .collect();
        let current = self.application.as_ref().and_then(|opened| {
            fitting.iter().position(|file| file.directory().map(|own| own.id) == Some(opened.directory))
        });
        let index = match (occurrence, current) {
            (Occurrence::First, _) => Some(0),
            (Occurrence::Last, _) => fitting.len().checked_sub(1),
            (Occurrence::Next, None) => Some(0),
            (Occurrence::Next, Some(current)) => Some(current + 1),
            (Occurrence::Previous, None) => fitting.len().checked_sub(1),
            (Occurrence::Previous, Some(current)) => current.checked_sub(1),
        };
        let file = index.and_then(|index| fitting.get(index)).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let directory = file.directory().ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.application = Some(Opened {
            aid: directory.aid.clone().unwrap_or_default(),
            directory: directory.id,
            fid: file.fid,
        });
        self.enter_application()
    }

    /// Ends the session of the open application; the MF is current then.
    pub(super) fn end_application(&mut self) {
        *self = Self::default();
    }

    /// Makes the EF with this short identifier the current one.
    pub(super) fn by_sfi<V: View + ?Sized>(
        &mut self,
        tree: Tree<'_, V>,
        sfi: u8,
    ) -> Result<File, StatusWord> {
        let file = tree
            .children(self.directory())
            .into_iter()
            .find(|file| file.elementary().is_some_and(|own| own.sfi == Some(sfi)))
            .ok_or(StatusWord::FILE_NOT_FOUND)?;
        if self.file != Some(file.fid) {
            self.record = None;
        }
        self.file = Some(file.fid);
        Ok(file)
    }

    /// The identifier that stands for the ADF of the open application.
    const CURRENT_ADF: u16 = 0x7FFF;

    /// A file that commands can name by its identifier.
    fn child<V: View + ?Sized>(tree: Tree<'_, V>, parent: u16, fid: u16) -> Option<File> {
        tree.file(parent, fid).filter(|file| !file.is_application())
    }

    /// Whether the path leads through an ADF.
    pub(super) fn path_in_application<V: View + ?Sized>(&self, tree: Tree<'_, V>) -> bool {
        let second = self.path.get(1).and_then(|step| tree.file(MF, step.fid));
        second.is_some_and(|file| file.is_application())
    }

    fn enter_application(&mut self) -> Result<(), StatusWord> {
        let opened = self.application.as_ref().ok_or(StatusWord::FILE_NOT_FOUND)?;
        let step = Step { fid: opened.fid, id: opened.directory };
        self.path.truncate(1);
        self.path.push(step);
        self.leave_file();
        Ok(())
    }

    fn enter(&mut self, file: &File) {
        self.leave_file();
        match file.directory() {
            Some(directory) => self.path.push(Step { fid: file.fid, id: directory.id }),
            None => self.file = Some(file.fid),
        }
    }

    fn leave_file(&mut self) {
        self.file = None;
        self.record = None;
    }
}
