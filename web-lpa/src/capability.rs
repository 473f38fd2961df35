//! What the bits of `EUICCInfo2` say (SGP.22 §4.3, annex H).

use words::Text;

/// `UICCCapability`, bit 0 first; names of the standard where they are names.
const UICC: [Option<Text>; 26] = [
    Some(Text::new("contactless (SWP)", "非接触 (SWP)")),
    Some(Text::new("USIM", "USIM")),
    Some(Text::new("ISIM", "ISIM")),
    Some(Text::new("CSIM", "CSIM")),
    Some(Text::new("AKA with Milenage", "AKA (Milenage)")),
    Some(Text::new("authentication with CAVE", "認証 (CAVE)")),
    Some(Text::new("AKA with TUAK, 128 bit", "AKA (TUAK 128 ビット)")),
    Some(Text::new("AKA with TUAK, 256 bit", "AKA (TUAK 256 ビット)")),
    None,
    None,
    Some(Text::new("GBA by the USIM", "USIM による GBA")),
    Some(Text::new("GBA by the ISIM", "ISIM による GBA")),
    Some(Text::new("MBMS by the USIM", "USIM による MBMS")),
    Some(Text::new("EAP client", "EAP クライアント")),
    Some(Text::new("Java Card", "Java Card")),
    Some(Text::new("MULTOS", "MULTOS")),
    Some(Text::new("several USIMs in a profile", "プロファイル内の複数の USIM")),
    Some(Text::new("several ISIMs in a profile", "プロファイル内の複数の ISIM")),
    Some(Text::new("several CSIMs in a profile", "プロファイル内の複数の CSIM")),
    Some(Text::new("BER-TLV files", "BER-TLV ファイル")),
    Some(Text::new("linked directories", "ディレクトリのリンク")),
    Some(Text::new("CAT_TP", "CAT_TP")),
    Some(Text::new("GET IDENTITY (SUCI)", "GET IDENTITY (SUCI)")),
    Some(Text::new("SUCI profile A (X25519)", "SUCI プロファイル A (X25519)")),
    Some(Text::new("SUCI profile B (P-256)", "SUCI プロファイル B (P-256)")),
    Some(Text::new("SUCI API for applications", "アプリケーション用 SUCI API")),
];

/// `RspCapability`, bit 0 first.
const RSP: [Option<Text>; 6] = [
    Some(Text::new("further profiles", "プロファイルの追加")),
    Some(Text::new("certificate revocation lists", "証明書失効リスト")),
    Some(Text::new("remote profile management", "リモートプロファイル管理")),
    Some(Text::new("test profiles", "テストプロファイル")),
    Some(Text::new("more device information than is known", "拡張された端末情報")),
    Some(Text::new("service-specific data", "サービス固有データ")),
];

/// What a chip's `UICCCapability` says, bit 0 most significant.
pub fn uicc(bits: u32) -> impl Iterator<Item = Text> {
    set(bits, &UICC)
}

/// What its `RspCapability` says.
pub fn rsp(bits: u32) -> impl Iterator<Item = Text> {
    set(bits, &RSP)
}

fn set(bits: u32, names: &'static [Option<Text>]) -> impl Iterator<Item = Text> {
    let on = move |bit: usize| bits & (0x8000_0000 >> bit) != 0;
    names.iter().enumerate().filter(move |(bit, _)| on(*bit)).filter_map(|(_, name)| *name)
}

/// What its category says.
#[must_use]
pub const fn category(number: u32) -> Text {
    match number {
        1 => Text::new("basic", "基本"),
        2 => Text::new("medium", "標準"),
        3 => Text::new("contactless", "非接触"),
        _ => Text::new("other", "その他"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn bit_0_is_the_most_significant() {
        // usimSupport and akaMilenage of SGP.22 annex H: bits 1 and 4.
        let names: Vec<&str> = uicc(0x4800_0000).map(|name| name.en).collect();
        assert_eq!(names, ["USIM", "AKA with Milenage"]);
        let names: Vec<&str> = rsp(0x9000_0000).map(|name| name.en).collect();
        assert_eq!(names, ["further profiles", "test profiles"]);
        assert_eq!(uicc(0).count(), 0);
    }
}
