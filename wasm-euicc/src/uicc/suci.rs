//! Concealment of the subscription identifier (3GPP TS 33.501 Annex C) and GET
//! IDENTITY, by which the USIM does it (TS 31.102 §7.5).

use apdu::{Command, Response, StatusWord};
use suci::{Scheme, conceal};
use tlv::{Reader, Tag};
use zeroize::Zeroizing;

use super::Uicc;
use super::file::{File, Tree};
use super::select::Selection;
use crate::nvm::View;

/// GET IDENTITY.
pub(super) const GET_IDENTITY: u8 = 0x78;

/// The scheme output for `plaintext`, with a one-time key from `random`. `None` when the
/// home network's key is none.
fn concealed(
    scheme: Scheme,
    key: &[u8],
    plaintext: &[u8],
    random: &mut dyn FnMut(&mut [u8]),
) -> Option<Vec<u8>> {
    // Again, for the very few scalars that are no key of P-256.
    (0..8).find_map(|_| {
        let mut one_time = Zeroizing::new([0; 32]);
        if scheme != Scheme::Null {
            random(&mut one_time[..]);
        }
        conceal(scheme, key, plaintext, *one_time).ok()
    })
}

/// The scheme of highest priority in EF.SUCI_Calc_Info, with the identifier and
/// the value of its key (TS 31.102 §4.4.11.8); the null scheme when there is
/// none. `None`: the file makes no sense.
fn protection(info: &[u8]) -> Option<(Scheme, u8, Vec<u8>)> {
    const SCHEMES: Tag = Tag(0xA0);
    const KEYS: Tag = Tag(0xA1);
    const IDENTIFIER: Tag = Tag(0x80);
    const KEY: Tag = Tag(0x81);
    let mut reader = Reader::new(info);
    let (mut schemes, mut keys) = (&[][..], &[][..]);
    while reader.rest().first().is_some_and(|&byte| byte != 0xFF) {
        let object = reader.next().ok()??;
        match object.tag {
            SCHEMES => schemes = object.value,
            KEYS => keys = object.value,
            _ => {}
        }
    }
    let known = |pair: &[u8]| Some((Scheme::from_number(*pair.first()?)?, *pair.get(1)?));
    let Some((scheme, index)) = schemes.chunks_exact(2).find_map(known) else {
        return Some((Scheme::Null, 0, Vec::new()));
    };
    if scheme == Scheme::Null {
        return Some((scheme, 0, Vec::new()));
    }
    // Index 1 is the first key; each is an identifier followed by a value.
    let mut reader = Reader::new(keys);
    for _ in 1..index {
        reader.expect(IDENTIFIER).ok()?;
        reader.expect(KEY).ok()?;
    }
    let identifier = reader.expect(IDENTIFIER).ok()?.array::<1>().ok()?;
    let key = reader.expect(KEY).ok()?.value.to_vec();
    Some((scheme, identifier[0], key))
}

/// MCC, MNC and MSIN of an IMSI as 5GS mobile identities have them
/// (TS 24.501 §9.11.3.4): half bytes swapped, `F` for what is missing.
fn split_imsi(imsi: &[u8], mnc_len: usize) -> Option<([u8; 3], Vec<u8>)> {
    let (&len, rest) = imsi.split_first()?;
    let halves = rest.get(..usize::from(len))?.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]).skip(1);
    let digits: Vec<u8> = halves.take_while(|&half| half < 10).collect();
    let (mcc, rest) = digits.split_first_chunk::<3>()?;
    let (mnc, msin) = rest.split_at_checked(mnc_len)?;
    let third = mnc.get(2).copied().unwrap_or(0x0F);
    let plmn = [mcc[1] << 4 | mcc[0], third << 4 | mcc[2], mnc.get(1)? << 4 | mnc.first()?];
    let swapped = |pair: &[u8]| pair.get(1).copied().unwrap_or(0x0F) << 4 | pair[0];
    Some((plmn, msin.chunks(2).map(swapped).collect()))
}

impl Uicc<'_> {
    /// GET IDENTITY: `A1 LL` SUCI without the first three bytes of its
    /// information element.
    pub(super) fn identity(
        &mut self,
        selection: &Selection,
        command: &Command<'_>,
    ) -> Result<Response, StatusWord> {
        const PIN1: u8 = 0x01;
        const SUCI: u8 = 0x01;
        const SUCI_TYPE_IMSI: u8 = 0x01;
        const SUCI_CALCULATION: usize = 124;
        const SUCI_BY_USIM: usize = 125;
        if command.p1 != 0 || command.p2 != SUCI {
            return Err(StatusWord::WRONG_P1P2);
        }
        let application = selection.application().ok_or(StatusWord::CONDITIONS)?.directory;
        if !self.pin_satisfied(selection, PIN1) {
            return Err(StatusWord::SECURITY_STATUS);
        }
        if !self.service(application, SUCI_CALCULATION) || !self.service(application, SUCI_BY_USIM) {
            return Err(StatusWord::CONDITIONS);
        }
        let tree = self.tree();
        let missing = StatusWord::REFERENCE_NOT_FOUND;
        let imsi = content(tree, application, &[0x6F07]).ok_or(missing)?;
        // The last byte of EF.AD tells the length of the MNC.
        let mnc_len =
            match content(tree, application, &[0x6FAD]).and_then(|ad| ad.get(3)).map(|len| len & 0x0F) {
                Some(3) => 3,
                _ => 2,
            };
        let routing = content(tree, application, &[0x5FC0, 0x4F0A]).and_then(<[u8]>::first_chunk::<2>);
        let routing = *routing.unwrap_or(&[0xF0, 0xFF]);
        let info = content(tree, application, &[0x5FD0, 0x4F01]).unwrap_or_default();
        let (scheme, key_identifier, key) = protection(info).ok_or(missing)?;
        let (plmn, msin) = split_imsi(imsi, mnc_len).ok_or(missing)?;
        let mut random = |bytes: &mut [u8]| self.env.fill_random(bytes);
        let output = concealed(scheme, &key, &msin, &mut random).ok_or(missing)?;

        let mut suci = vec![SUCI_TYPE_IMSI];
        suci.extend_from_slice(&plmn);
        suci.extend_from_slice(&routing);
        suci.extend_from_slice(&[scheme as u8, key_identifier]);
        suci.extend_from_slice(&output);
        Ok(Response::new(tlv::encode(Tag(0xA1), &suci), StatusWord::OK))
    }
}

/// The body of a file below an application.
fn content<'v, V: View + ?Sized>(tree: Tree<'v, V>, application: u16, path: &[u16]) -> Option<&'v [u8]> {
    let (&file, directories) = path.split_last()?;
    let directory = directories.iter().try_fold(application, |parent, &fid| {
        tree.file(parent, fid).as_ref().and_then(File::directory).map(|directory| directory.id)
    })?;
    let file = tree.file(directory, file)?;
    Some(tree.body(file.elementary()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn conceal(scheme: Scheme, key: &str, one_time: &str) -> String {
        let one_time = vectors::bytes(one_time);
        let mut random = |bytes: &mut [u8]| bytes.copy_from_slice(&one_time);
        let output =
            concealed(scheme, &vectors::bytes(key), &vectors::bytes("00012080F6"), &mut random).unwrap();
        crate::bench::hex(&output)
    }

    /// 3GPP TS 33.501 §C.4.3.
    #[test]
    fn profile_a_gives_the_published_output() {
        assert_eq!(
            conceal(
                Scheme::ProfileA,
                "5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650",
                "C80949F13EBE61AF4EBDBD293EA4F942696B9E815D7E8F0096BBF6ED7DE62256",
            ),
            "B2E92F836055A255837DEBF850B528997CE0201CB82ADFE4BE1F587D07D8457D\
             CB02352410CDDD9E730EF3FA87"
        );
    }

    /// 3GPP TS 33.501 §C.4.4.
    #[test]
    fn profile_b_gives_the_published_output() {
        assert_eq!(
            conceal(
                Scheme::ProfileB,
                "0272DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1",
                "99798858A1DC6A2C68637149A4B1DBFD1FDFF5ADDD62A2142F06699ED7602529",
            ),
            "039AAB8376597021E855679A9778EA0B67396E68C66DF32C0F41E9ACCA2DA9B9D1\
             46A33FC2716AC7DAE96AA30A4D"
        );
    }

    /// The two keys of EF.SUCI_Calc_Info in `vectors-ef.json` (pySim's test value).
    #[test]
    fn the_scheme_of_highest_priority_is_taken() {
        let key = "4E858C4D49D1343E6181284C47CA721730C98742CB7C6182D2E8126E08088D36";
        let other = "D1BC365F4997D17CE4374E72181431CBFEBA9E1B98D7618F79D48561B144672A";
        let keys = format!("A14A 80010A 8120{key} 80010B 8120{other}");
        let of = |text: &str| protection(&vectors::bytes(text));
        assert_eq!(of(&format!("A00401010000 {keys}")), Some((Scheme::ProfileA, 10, vectors::bytes(key))));
        assert_eq!(of(&format!("A0020102 {keys} FFFF")), Some((Scheme::ProfileA, 11, vectors::bytes(other))));
        assert_eq!(of(&format!("A0020103 {keys}")), None);
        // Unknown schemes are passed over.
        assert_eq!(of(&format!("A0040C010000 {keys}")), Some((Scheme::Null, 0, vec![])));
        for nothing in ["", "FFFF", "A0020000FFFF", "A000"] {
            assert_eq!(of(nothing), Some((Scheme::Null, 0, vec![])), "{nothing}");
        }
    }

    #[test]
    fn an_imsi_is_split_where_the_network_code_ends() {
        let imsi = vectors::bytes("080910101032547698");
        assert_eq!(split_imsi(&imsi, 2), Some(([0x00, 0xF1, 0x10], vectors::bytes("1032547698"))));
        assert_eq!(split_imsi(&imsi, 3), Some(([0x00, 0x01, 0x10], vectors::bytes("21436587F9"))));
        assert_eq!(split_imsi(&[0xFF; 9], 2), None);
        assert_eq!(split_imsi(&[], 2), None);
    }
}
