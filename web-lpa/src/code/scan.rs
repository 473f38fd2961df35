//! What the QR codes of a picture are good for.

use rsp::ActivationCode;
use words::Text;

use super::{Outcome, Problem, text};

/// Most characters of a foreign code that are shown.
const SHOWN: usize = 48;

/// A QR code that is no activation code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is.
    pub kind: Kind,
    /// The beginning of what it says, safe to show; nothing where that may be secret.
    pub shown: Option<String>,
}

/// What QR codes say, as far as people meet them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A link into the web.
    Link,
    /// The name and password of a wireless network.
    Wifi,
    /// A visiting card.
    Contact,
    /// A mail to be written.
    Mail,
    /// A telephone number.
    Telephone,
    /// A short message to be written.
    Message,
    /// A place on a map.
    Place,
    /// An entry for a calendar.
    Event,
    /// The key of one-time passwords.
    OneTimePassword,
    /// The EID of a chip, as it stands on the boxes of phones.
    Eid,
    /// The ICCID of a card or a profile.
    Iccid,
    /// The IMEI of a phone.
    Imei,
    /// Nothing at all.
    Empty,
    /// Something else.
    Text,
}

impl Kind {
    fn of(text: &str) -> Self {
        const BEGINNINGS: [(&str, Kind); 17] = [
            ("https:", Kind::Link),
            ("http:", Kind::Link),
            ("www.", Kind::Link),
            ("wifi:", Kind::Wifi),
            ("begin:vcard", Kind::Contact),
            ("mecard:", Kind::Contact),
            ("bizcard:", Kind::Contact),
            ("mailto:", Kind::Mail),
            ("matmsg:", Kind::Mail),
            ("tel:", Kind::Telephone),
            ("sms:", Kind::Message),
            ("smsto:", Kind::Message),
            ("mmsto:", Kind::Message),
            ("geo:", Kind::Place),
            ("begin:vevent", Kind::Event),
            ("begin:vcalendar", Kind::Event),
            ("otpauth", Kind::OneTimePassword),
        ];
        let text = text.trim();
        let begins =
            |with: &str| text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
        if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| begins(beginning)) {
            return *kind;
        }
        let number = ["eid:", "iccid:", "imei:"]
            .into_iter()
            .find(|name| begins(name))
            .map_or(text, |name| &text[name.len()..]);
        let digits = number.trim().bytes().all(|c| c.is_ascii_digit());
        match number.trim() {
            "" => Self::Empty,
            eid if digits && eid.len() == 32 && eid.starts_with("89") => Self::Eid,
            iccid if digits && matches!(iccid.len(), 19 | 20) && iccid.starts_with("89") => Self::Iccid,
            imei if digits && imei.len() == 15 => Self::Imei,
            _ => Self::Text,
        }
    }

    /// What it is, in words that go on "The QR code holds …".
    #[must_use]
    pub const fn words(self) -> Text {
        match self {
            Self::Link => Text::new("a link", "リンク"),
            Self::Wifi => Text::new("the access to a Wi-Fi network", "Wi-Fi の接続情報"),
            Self::Contact => Text::new("a contact", "連絡先"),
            Self::Mail => Text::new("a mail", "メール"),
            Self::Telephone => Text::new("a telephone number", "電話番号"),
            Self::Message => Text::new("a short message", "SMS"),
            Self::Place => Text::new("a place on a map", "地図上の場所"),
            Self::Event => Text::new("a date for a calendar", "カレンダーの予定"),
            Self::OneTimePassword => Text::new("the key of one-time passwords", "ワンタイムパスワードの設定"),
            Self::Eid => Text::new("the EID of an eSIM chip", "eSIM チップの EID"),
            Self::Iccid => {
                Text::new("the ICCID of a SIM card or profile", "SIM カードまたはプロファイルの ICCID")
            }
            Self::Imei => Text::new("the IMEI of a phone", "電話機の IMEI"),
            Self::Empty => Text::new("nothing", "空の内容"),
            Self::Text => Text::new("other text", "ほかの文字列"),
        }
    }
}

impl Foreign {
    fn of(text: &str) -> Self {
        let kind = Kind::of(text);
        let shown = match kind {
            // Of a link, whom it leads to; what is behind that may be meant for one person.
            Kind::Link => Some(safe(host(text))),
            Kind::Text => Some(safe(text)),
            _ => None,
        };
        Self { kind, shown }
    }
}

fn host(link: &str) -> &str {
    let link = link.trim();
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

/// Whether a character is not seen where it stands: it moves or hides others, or is nothing.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202F}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A foreign name as people may read it: nothing in it turns letters around, which others would then type as
/// they see them; empty where nothing of it would be seen. What joins letters or leaves them apart stays.
#[must_use]
pub fn seen(name: &str) -> String {
    if name.chars().all(|c| c.is_whitespace() || is_unseen(c)) {
        return String::new();
    }
    let turns = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    name.trim().chars().filter(|c| !turns(*c)).collect()
}

/// Foreign text as it may stand on the page: its beginning, with nothing in it that moves or
/// hides other text.
#[must_use]
pub fn safe(text: &str) -> String {
    let mut shown = String::new();
    for (taken, c) in text.trim().chars().enumerate() {
        if taken == SHOWN {
            shown.push('…');
            break;
        }
        // Marks that pile up on a letter.
        let mark = matches!(c, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}');
        if is_unseen(c) || mark {
            shown.push('\u{FFFD}');
        } else {
            shown.push(c);
        }
    }
    shown
}

/// What came of a picture: `texts` are what its QR codes say, `unreadable` is how many more
/// were seen.
#[must_use]
pub fn judge(texts: &[String], unreadable: usize) -> Outcome {
    let mut codes: Vec<ActivationCode> = Vec::new();
    let mut wrong = None;
    let mut foreign = Vec::new();
    for one in texts {
        match text::read(one) {
            Outcome::Code(code) => codes.extend((!codes.contains(&code)).then_some(code)),
            Outcome::Choice(several) => {
                for code in several {
                    codes.extend((!codes.contains(&code)).then_some(code));
                }
            }
            Outcome::Problem(Problem::Code(error)) if means_a_code(one) => {
                wrong = wrong.or_else(|| Some(Problem::WrongCode(error, safe(one))));
            }
            Outcome::Problem(_) => foreign.push(Foreign::of(one)),
        }
    }
    Outcome::of(codes, || match (wrong, foreign.len()) {
        (Some(wrong), _) => wrong,
        (None, 0) if unreadable > 0 => Problem::Unreadable,
        (None, 0) => Problem::NoQr,
        (None, 1) => Problem::Foreign(foreign.remove(0)),
        (None, several) => Problem::SeveralForeign(several),
    })
}

/// Whether text was meant to be an activation code.
fn means_a_code(text: &str) -> bool {
    let text = text.trim();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    ["lpa:", "web+lpa:", "lpa%3a", "1$"].into_iter().any(begins)
        || (begins("http") && text.to_ascii_lowercase().contains("carddata="))
        || text
            .split_once('$')
            .is_some_and(|(format, _)| !format.is_empty() && format.bytes().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use rsp::activation_code::InvalidActivationCode as Invalid;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn judged(texts: &[&str]) -> Outcome {
        judge(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>(), 0)
    }

    fn code(text: &str) -> ActivationCode {
        text.parse().unwrap()
    }

    #[test]
    fn the_code_of_a_picture_is_found_among_others() {
        assert_eq!(judged(&["LPA:1$h$A"]), Outcome::Code(code("1$h$A")));
        assert_eq!(judged(&["https://example.com", "LPA:1$h$A", "1$h$A"]), Outcome::Code(code("1$h$A")));
        assert_eq!(judged(&["LPA:1$h$A", "LPA:1$h$B"]), Outcome::Choice(vec![code("1$h$A"), code("1$h$B")]));
    }

    #[test]
    fn each_way_a_picture_has_no_code_is_told_apart() {
        assert_eq!(judge(&[], 0), Outcome::Problem(Problem::NoQr));
        assert_eq!(judge(&[], 2), Outcome::Problem(Problem::Unreadable));
        assert_eq!(
            judged(&["LPA:1$h$a_b"]),
            Outcome::Problem(Problem::WrongCode(Invalid::MatchingId, "LPA:1$h$a_b".into()))
        );
        assert_eq!(
            judged(&["2$h$ab"]),
            Outcome::Problem(Problem::WrongCode(Invalid::Version, "2$h$ab".into()))
        );
        assert_eq!(judged(&["hello", "there"]), Outcome::Problem(Problem::SeveralForeign(2)));
    }

    #[test]
    fn what_a_foreign_code_is_is_told_without_its_secrets() {
        for (text, kind, shown) in [
            ("https://user@example.com/a/b?token=secret", Kind::Link, Some("user@example.com")),
            ("HTTP://EXAMPLE.COM", Kind::Link, Some("EXAMPLE.COM")),
            ("WIFI:T:WPA;S:home;P:secret;;", Kind::Wifi, None),
            ("BEGIN:VCARD\nFN:Somebody", Kind::Contact, None),
            ("mailto:somebody@example.com", Kind::Mail, None),
            ("tel:+15550100", Kind::Telephone, None),
            ("SMSTO:+15550100:hi", Kind::Message, None),
            ("geo:1,2", Kind::Place, None),
            ("BEGIN:VEVENT", Kind::Event, None),
            ("otpauth://totp/x?secret=ABC", Kind::OneTimePassword, None),
            ("89049032123451234512345678901235", Kind::Eid, None),
            ("EID:89049032123451234512345678901235", Kind::Eid, None),
            ("8900000000000000012", Kind::Iccid, None),
            ("356938035643809", Kind::Imei, None),
            ("", Kind::Empty, None),
            ("4006381333931", Kind::Text, Some("4006381333931")),
        ] {
            let expected = Foreign { kind, shown: shown.map(str::to_owned) };
            assert_eq!(judged(&[text]), Outcome::Problem(Problem::Foreign(expected)), "{text}");
        }
    }

    #[test]
    fn foreign_text_is_shown_short_and_still() {
        assert_eq!(safe("  a\u{202E}b\u{0}c\nd\u{200B}e  "), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e");
        assert_eq!(safe("e\u{0301}\u{0301}"), "e\u{FFFD}\u{FFFD}");
        assert_eq!(safe("<script>日本語"), "<script>日本語");
        // An override, an isolate that is not ended, a line; a Persian name with its joiner.
        assert_eq!(seen("\u{202E}abc\u{2067}-x\nyz "), "abc-xyz");
        assert_eq!(seen("می\u{200C}خواهم"), "می\u{200C}خواهم");
        assert_eq!(seen("\u{200B}\u{2060} \u{3164}"), "");
        let long = safe(&"x".repeat(7000));
        assert_eq!(long.chars().count(), SHOWN + 1);
        assert!(long.ends_with('…'));
    }
}
