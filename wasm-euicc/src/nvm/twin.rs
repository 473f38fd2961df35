//! A medium of two files, for platforms that cannot put one file in the place of another
//! while they are open: one file is the medium, the other takes the next replacement.
//!
//! ```text
//!   file     "eUICC-TW" | generation u32 | CRC-32 of both u32 | content …
//! ```
//!
//! A replacement writes its content first and its head last, each made durable: the head
//! with the highest generation that is whole names the file that counts.

use super::{Medium, MediumError};

const MAGIC: &[u8; 8] = b"eUICC-TW";
const HEAD_LEN: usize = 16;

/// A file that is open.
pub trait RawFile {
    /// Its length in bytes.
    ///
    /// # Errors
    /// When the platform fails; so for the others.
    fn len(&mut self) -> Result<usize, MediumError>;

    /// Whether there is nothing in it.
    ///
    /// # Errors
    /// As for [`RawFile::len`].
    fn is_empty(&mut self) -> Result<bool, MediumError> {
        Ok(self.len()? == 0)
    }

    /// All of its bytes from `at` on.
    ///
    /// # Errors
    /// As for [`RawFile::len`].
    fn read_from(&mut self, at: usize) -> Result<Vec<u8>, MediumError>;

    /// Writes `bytes` at `at`; a gap before them is filled with zeros.
    ///
    /// # Errors
    /// As for [`RawFile::len`].
    fn write_at(&mut self, at: usize, bytes: &[u8]) -> Result<(), MediumError>;

    /// Forgets all of its bytes.
    ///
    /// # Errors
    /// As for [`RawFile::len`].
    fn clear(&mut self) -> Result<(), MediumError>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// As for [`RawFile::len`].
    fn flush(&mut self) -> Result<(), MediumError>;
}

/// A medium of two files.
pub struct TwinMedium<F> {
    files: [F; 2],
    /// The file that counts, its generation and its length.
    current: Option<Current>,
}

#[derive(Clone, Copy)]
struct Current {
    file: usize,
    generation: u32,
    len: usize,
}

impl<F: RawFile> TwinMedium<F> {
    /// A medium of these two files, in whatever order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open(mut files: [F; 2]) -> Result<Self, MediumError> {
        let mut current: Option<Current> = None;
        for (number, file) in files.iter_mut().enumerate() {
            let bytes = file.read_from(0)?;
            if let Some(generation) = generation(&bytes)
                && current.is_none_or(|current| current.generation < generation)
            {
                current = Some(Current { file: number, generation, len: bytes.len() });
            }
        }
        Ok(Self { files, current })
    }

    /// Forgets everything, for good.
    ///
    /// # Errors
    /// When the platform fails; some may then be left.
    pub fn erase(&mut self) -> Result<(), MediumError> {
        // The file that counts first: else the other one would count again.
        let first = self.current.take().map_or(0, |current| current.file);
        for number in [first, 1 - first] {
            self.files[number].clear()?;
            self.files[number].flush()?;
        }
        Ok(())
    }
}

impl<F: RawFile> Medium for TwinMedium<F> {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        match self.current {
            None => Ok(Vec::new()),
            Some(current) => self.files[current.file].read_from(HEAD_LEN),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        let Some(current) = &mut self.current else { return self.replace(bytes) };
        let file = &mut self.files[current.file];
        file.write_at(current.len, bytes)?;
        file.flush()?;
        current.len += bytes.len();
        Ok(())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        let (number, generation) = match self.current {
            None => (0, 1),
            Some(current) => (1 - current.file, current.generation.checked_add(1).ok_or(MediumError)?),
        };
        let file = &mut self.files[number];
        file.clear()?;
        file.write_at(HEAD_LEN, bytes)?;
        file.flush()?;
        file.write_at(0, &head(generation))?;
        file.flush()?;
        self.current = Some(Current { file: number, generation, len: HEAD_LEN + bytes.len() });
        // What was before must not be found by whoever looks at the files; that it is gone
        // is not needed for the new content to count.
        let old = &mut self.files[1 - number];
        old.clear().and_then(|()| old.flush())
    }
}

fn head(generation: u32) -> [u8; HEAD_LEN] {
    let mut head = [0; HEAD_LEN];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&generation.to_be_bytes());
    let crc = crc32fast::hash(&head[..12]);
    head[12..].copy_from_slice(&crc.to_be_bytes());
    head
}

fn generation(bytes: &[u8]) -> Option<u32> {
    let found = bytes.get(8..12)?.try_into().map(u32::from_be_bytes).ok()?;
    bytes.starts_with(&head(found)).then_some(found)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Files that survive; power fails after `left` operations that write.
    #[derive(Clone, Default)]
    struct Disk(Rc<RefCell<([Vec<u8>; 2], usize)>>);

    struct File(Disk, usize);

    impl Disk {
        fn files(&self, left: usize) -> [File; 2] {
            self.0.borrow_mut().1 = left;
            [File(self.clone(), 0), File(self.clone(), 1)]
        }
    }

    impl File {
        fn write(&self, change: impl FnOnce(&mut Vec<u8>)) -> Result<(), MediumError> {
            let mut disk = self.0.0.borrow_mut();
            disk.1 = disk.1.checked_sub(1).ok_or(MediumError)?;
            change(&mut disk.0[self.1]);
            Ok(())
        }
    }

    impl RawFile for File {
        fn len(&mut self) -> Result<usize, MediumError> {
            Ok(self.0.0.borrow().0[self.1].len())
        }

        fn read_from(&mut self, at: usize) -> Result<Vec<u8>, MediumError> {
            Ok(self.0.0.borrow().0[self.1].get(at..).unwrap_or_default().to_vec())
        }

        fn write_at(&mut self, at: usize, bytes: &[u8]) -> Result<(), MediumError> {
            self.write(|file| {
                file.resize(file.len().max(at + bytes.len()), 0);
                file[at..at + bytes.len()].copy_from_slice(bytes);
            })
        }

        fn clear(&mut self) -> Result<(), MediumError> {
            self.write(Vec::clear)
        }

        fn flush(&mut self) -> Result<(), MediumError> {
            self.write(|_| {})
        }
    }

    const PLENTY: usize = 1000;

    fn content(disk: &Disk) -> Vec<u8> {
        TwinMedium::open(disk.files(PLENTY)).unwrap().load().unwrap()
    }

    #[test]
    fn what_was_written_is_there_after_opening_again() {
        let disk = Disk::default();
        assert_eq!(content(&disk), b"");
        TwinMedium::open(disk.files(PLENTY)).unwrap().append(b"one").unwrap();
        assert_eq!(content(&disk), b"one");
        let mut medium = TwinMedium::open(disk.files(PLENTY)).unwrap();
        medium.append(b" two").unwrap();
        medium.replace(b"three").unwrap();
        medium.append(b" four").unwrap();
        assert_eq!(content(&disk), b"three four");
        TwinMedium::open(disk.files(PLENTY)).unwrap().erase().unwrap();
        assert_eq!(content(&disk), b"");
        assert!(disk.0.borrow().0.iter().all(Vec::is_empty));
    }

    #[test]
    fn a_replacement_happens_whole_or_not_at_all() {
        let mut seen = [false; 2];
        for left in 0..10 {
            let disk = Disk::default();
            TwinMedium::open(disk.files(PLENTY)).unwrap().append(b"before").unwrap();
            let done = TwinMedium::open(disk.files(left)).unwrap().replace(b"after").is_ok();
            let found = content(&disk);
            let after = found == b"after";
            assert!(after || found == b"before", "{left}: {found:?}");
            assert!(after || !done);
            seen[usize::from(after)] = true;
            // And it goes on from there.
            TwinMedium::open(disk.files(PLENTY)).unwrap().append(b"+").unwrap();
            assert_eq!(content(&disk), [&found[..], b"+"].concat());
        }
        assert_eq!(seen, [true, true]);
    }

    #[test]
    fn a_damaged_head_does_not_count() {
        let disk = Disk::default();
        TwinMedium::open(disk.files(PLENTY)).unwrap().append(b"x").unwrap();
        for byte in 0..HEAD_LEN {
            disk.0.borrow_mut().0[0][byte] ^= 1;
            assert_eq!(content(&disk), b"");
            disk.0.borrow_mut().0[0][byte] ^= 1;
        }
        assert_eq!(content(&disk), b"x");
    }
}
