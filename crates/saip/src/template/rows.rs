//! How a row is written down: a constructor for each file type, then what is
//! special about it.

use super::{Content, Row, RowKind, Services};

/// A DF, an ADF (no file identifier of its own) or the MF.
pub(super) const fn df(number: u8, name: &'static str, fid: Option<u16>, arr: u8) -> Row {
    row(number, name, fid, RowKind::Directory, arr)
}

/// A transparent EF.
pub(super) const fn tr(number: u8, name: &'static str, fid: u16, size: Option<u32>, arr: u8) -> Row {
    row(number, name, Some(fid), RowKind::Transparent { size }, arr)
}

/// A BER-TLV structure EF.
pub(super) const fn bt(number: u8, name: &'static str, fid: u16, size: Option<u32>, arr: u8) -> Row {
    row(number, name, Some(fid), RowKind::BerTlv { size }, arr)
}

/// A linear fixed EF.
pub(super) const fn lf(
    number: u8,
    name: &'static str,
    fid: u16,
    records: Option<u8>,
    length: Option<u8>,
    arr: u8,
) -> Row {
    row(number, name, Some(fid), RowKind::LinearFixed { records, length }, arr)
}

/// A cyclic EF.
pub(super) const fn cy(
    number: u8,
    name: &'static str,
    fid: u16,
    records: Option<u8>,
    length: Option<u8>,
    arr: u8,
) -> Row {
    row(number, name, Some(fid), RowKind::Cyclic { records, length }, arr)
}

const fn row(number: u8, name: &'static str, fid: Option<u16>, kind: RowKind, arr: u8) -> Row {
    Row {
        number,
        name,
        fid,
        fid_last: fid,
        path: &[],
        kind,
        arr,
        sfi: None,
        sfi_required: false,
        content: Content::None,
        content_required: false,
        high_update: false,
        services: Services::None,
        since: 1,
        until: u8::MAX,
    }
}

impl Row {
    pub(super) const fn to(mut self, last: u16) -> Self {
        self.fid_last = Some(last);
        self
    }

    pub(super) const fn below(mut self, path: &'static [u16]) -> Self {
        self.path = path;
        self
    }

    pub(super) const fn sfi(mut self, sfi: u8) -> Self {
        self.sfi = Some(sfi);
        self
    }

    pub(super) const fn sfi_required(mut self) -> Self {
        self.sfi_required = true;
        self
    }

    pub(super) const fn value(mut self, value: &'static [u8]) -> Self {
        self.content = Content::Filled { head: value, byte: 0xFF, tail: &[] };
        self
    }

    pub(super) const fn filled(self, byte: u8) -> Self {
        self.filled_between(&[], byte, &[])
    }

    pub(super) const fn filled_between(mut self, head: &'static [u8], byte: u8, tail: &'static [u8]) -> Self {
        self.content = Content::Filled { head, byte, tail };
        self
    }

    pub(super) const fn repeats(mut self, pattern: &'static [u8]) -> Self {
        self.content = Content::Repeated(pattern);
        self
    }

    pub(super) const fn content_required(mut self) -> Self {
        self.content_required = true;
        self
    }

    pub(super) const fn high_update(mut self) -> Self {
        self.high_update = true;
        self
    }

    pub(super) const fn services(mut self, any: &'static [u16]) -> Self {
        self.services = Services::Any(any);
        self
    }

    pub(super) const fn all_services(mut self, all: &'static [u16]) -> Self {
        self.services = Services::All(all);
        self
    }

    pub(super) const fn naa_services(mut self, usim: u16, isim: u16) -> Self {
        self.services = Services::OfNaa { usim, isim };
        self
    }

    pub(super) const fn since(mut self, version: u8) -> Self {
        self.since = version;
        self
    }

    pub(super) const fn until(mut self, version: u8) -> Self {
        self.until = version;
        self
    }
}
