use alloc::vec;
use alloc::vec::Vec;

use crate::StatusWord;

/// A command APDU (ISO 7816-4 §5.1), short or extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// Class byte.
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// Command data, at most 65,535 bytes.
    pub data: &'a [u8],
    /// Response bytes expected: 1 to 65,536; `None` when no Le was sent.
    pub le: Option<u32>,
}

/// Why bytes are not a command APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// Fewer than the four bytes of the header.
    Header,
    /// Lc and Le do not agree with the number of bytes.
    Length,
}

impl<'a> Command<'a> {
    /// A command without data and without Le.
    #[must_use]
    pub const fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: &[], le: None }
    }

    /// With command data.
    #[must_use]
    pub const fn data(mut self, data: &'a [u8]) -> Self {
        self.data = data;
        self
    }

    /// With Le, 1 to 65,536.
    #[must_use]
    pub const fn le(mut self, le: u32) -> Self {
        self.le = Some(le);
        self
    }

    /// Reads a command APDU: cases 1 to 4, short and extended. A lone trailing
    /// `00` after a header (the P3 of T=0) is case 2 with Le 256.
    ///
    /// # Errors
    /// [`CommandError`] when header or lengths are wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CommandError> {
        let [cla, ins, p1, p2, body @ ..] = bytes else {
            return Err(CommandError::Header);
        };
        let command = |data, le| Self { cla: *cla, ins: *ins, p1: *p1, p2: *p2, data, le };
        let short = |le: u8| if le == 0 { 256 } else { u32::from(le) };
        let long = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
        let extended = |le: u32| if le == 0 { 0x1_0000 } else { le };
        Ok(match body {
            [] => command(&[], None),
            [le] => command(&[], Some(short(*le))),
            [0, high, low] => command(&[], Some(extended(long(*high, *low)))),
            [0, high, low, rest @ ..] if long(*high, *low) != 0 => {
                let lc = long(*high, *low) as usize;
                let (data, tail) = rest.split_at_checked(lc).ok_or(CommandError::Length)?;
                match tail {
                    [] => command(data, None),
                    [high, low] => command(data, Some(extended(long(*high, *low)))),
                    _ => return Err(CommandError::Length),
                }
            }
            [lc, rest @ ..] if *lc != 0 => {
                let (data, tail) = rest.split_at_checked(usize::from(*lc)).ok_or(CommandError::Length)?;
                match tail {
                    [] => command(data, None),
                    [le] => command(data, Some(short(*le))),
                    _ => return Err(CommandError::Length),
                }
            }
            _ => return Err(CommandError::Length),
        })
    }

    /// The bytes of the command; extended lengths only where short ones cannot do.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![self.cla, self.ins, self.p1, self.p2];
        let extended = self.data.len() > 255 || self.le.is_some_and(|le| le > 256);
        if extended {
            bytes.push(0);
        }
        if !self.data.is_empty() {
            if extended {
                bytes.push((self.data.len() >> 8) as u8);
            }
            bytes.push(self.data.len() as u8);
            bytes.extend_from_slice(self.data);
        }
        if let Some(le) = self.le {
            if extended {
                bytes.push((le >> 8) as u8);
            }
            bytes.push(le as u8);
        }
        bytes
    }
}

impl From<CommandError> for StatusWord {
    fn from(_: CommandError) -> Self {
        Self::WRONG_LENGTH
    }
}
