//! Finds the code in text that people have: a mail, a message, a line of a table.
//!
//! What a code and a link to one look like is known to [`ActivationCode`]; here it is
//! found among other words, where it ends, and where a line break has cut it in two.

use rsp::ActivationCode;
use rsp::activation_code::InvalidActivationCode;

use super::{Outcome, Problem};

/// The longest text that is looked through, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// Most words that a code is put together from.
const MAX_JOINED: usize = 8;

/// Reads text.
#[must_use]
pub fn read(text: &str) -> Outcome {
    let wrong = |error| Outcome::Problem(Problem::Code(error));
    if text.len() > MAX_TEXT {
        return wrong(InvalidActivationCode::TooLong);
    }
    let whole = text.parse::<ActivationCode>();
    let pieces = pieces(text);
    if let (Ok(code), true) = (&whole, pieces.len() <= 1) {
        return Outcome::Code(code.clone());
    }
    // One word that is a code from its first letter on, and goes on behind a sign that no code
    // has: it is not cut to what would be another order.
    if let (Err(error), [piece]) = (&whole, &pieces[..])
        && beginning(&piece.word) == Some(0)
        && piece.word[until_it_ends(&piece.word).len()..]
            .contains(|c: char| c.is_ascii_alphanumeric() || c == '$')
    {
        return wrong(*error);
    }
    let mut codes: Vec<ActivationCode> = Vec::new();
    let mut first_error = None;
    for index in 0..pieces.len() {
        let Some(candidate) = candidate(&pieces[index..]) else { continue };
        if is_cut(&candidate, &pieces[index + 1..]) {
            first_error = first_error.or(Some(InvalidActivationCode::Address));
            continue;
        }
        match candidate.parse() {
            Ok(code) if codes.contains(&code) => {}
            Ok(code) => codes.push(code),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match (codes.is_empty(), first_error, whole) {
        (true, Some(error), _) => wrong(error),
        // Spaces between all of its parts, as some write it down.
        (true, None, Ok(code)) => Outcome::Code(code),
        (true, None, Err(error)) => wrong(error),
        (false, ..) => Outcome::of(codes, || Problem::Code(InvalidActivationCode::Format)),
    }
}

/// A word, and whether it begins a line.
struct Piece {
    word: String,
    on_new_line: bool,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (index, word) in line.split_whitespace().enumerate() {
            let word = word.chars().map(fold).collect();
            pieces.push(Piece { word, on_new_line: index == 0 && number > 0 });
        }
    }
    pieces
}

/// Full-width letters, digits and signs as ASCII.
fn fold(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        c => c,
    }
}

/// What may be a code that begins in the first of these words.
fn candidate(pieces: &[Piece]) -> Option<String> {
    let first = &pieces.first()?.word;
    let start = beginning(first)?;
    let rest = first.get(start..)?;
    let mut code = until_it_ends(rest).to_owned();
    let mut complete = code.len() < rest.len();
    for next in pieces.get(1..)?.iter().take(MAX_JOINED) {
        if complete || !goes_on(&code, next) {
            break;
        }
        let more = until_it_ends(&next.word);
        complete = more.len() < next.word.len();
        code.push_str(more);
    }
    // A sentence may end behind it.
    code.truncate(code.trim_end_matches(['.', ',', ';', ':', '!', '?']).len());
    Some(code)
}

/// Whether a space has cut a code in its server's name, which has none: the second `$` (SGP.22
/// §4.1) comes later, and not with a code of its own.
fn is_cut(code: &str, next: &[Piece]) -> bool {
    let separators = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.matches('$').count() + text.matches("%24").count()
    };
    separators(code) == 1
        && next
            .iter()
            .map(|piece| piece.word.as_str())
            .take_while(|word| beginning(word).is_none())
            .any(|word| separators(word) > 0)
}

/// Where in a word a code begins.
fn beginning(word: &str) -> Option<usize> {
    const MARKS: [&str; 6] = ["https://", "http://", "web+lpa:", "lpa:", "lpa%3a", "1$"];
    let lower = word.to_ascii_lowercase();
    // A link to something else is no code.
    let is_link = |at: usize| lower.get(at..).is_some_and(|link| link.contains("carddata="));
    // `1$` also stands in the middle of numbers.
    let apart = |at: usize| {
        let before = lower.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_ascii_alphanumeric() && before != '$' && before != '.')
    };
    let found = MARKS.iter().filter_map(|mark| {
        let at = lower.match_indices(mark).map(|(at, _)| at).find(|at| apart(*at))?;
        (!mark.starts_with("http") || is_link(at)).then_some(at)
    });
    found.min()
}

/// As much of a word as can belong to a code or a link.
fn until_it_ends(word: &str) -> &str {
    let ends = |c: char| match c {
        '<' | '>' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '\\' | ',' | ';' => true,
        c if c.is_ascii() => false,
        // Hyphens and what keyboards make of them, and what is not seen.
        '\u{00AD}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2212}'
        | '\u{30FC}'
        | '\u{200B}'..='\u{200F}'
        | '\u{2060}'
        | '\u{FEFF}' => false,
        _ => true,
    };
    word.split(ends).next().unwrap_or_default()
}

/// Whether a code that a break has cut goes on with the next word.
fn goes_on(code: &str, next: &Piece) -> bool {
    let word = next.word.as_str();
    let token = until_it_ends(word).trim_end_matches('.');
    let of_a_token = !token.is_empty()
        && token.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '-' || c == '$');
    let fields = code.matches('$').count();
    match code.chars().next_back() {
        Some(':') => beginning(word) == Some(0),
        Some('$') if fields == 1 => true,
        Some('$') => of_a_token,
        // Inside the server's name, or inside the identifier; elsewhere a sentence ends.
        Some('.') => fields == 1 || (fields == 3 && word.starts_with(|c: char| c.is_ascii_digit())),
        Some('-') => fields == 1 || of_a_token,
        _ if word.starts_with('$') || (word.starts_with('-') && of_a_token) => true,
        // A line ends where it was full: what follows looks like the rest of a token.
        _ => {
            let mixed = token.contains(|c: char| c.is_ascii_digit())
                && token.contains(|c: char| c.is_ascii_uppercase());
            next.on_new_line && fields == 2 && of_a_token && mixed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const CODE: &str = "1$smdp.example.com$04386-AGYFT";

    fn found(text: &str) -> String {
        match read(text) {
            Outcome::Code(code) => code.to_string(),
            Outcome::Choice(codes) => codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "),
            Outcome::Problem(Problem::Code(error)) => format!("{error:?}"),
            Outcome::Problem(problem) => format!("{problem:?}"),
        }
    }

    #[test]
    fn a_code_with_a_wrong_sign_in_it_is_not_cut_to_another_order() {
        for text in [
            "LPA:1$smdp.example.com$AB(CD",
            "LPA:1$smdp.example.com$AB,CD",
            "LPA:1$smdp.example.com$<AB>",
            "LPA:1$smdp.example.com$AB;1.2$$1",
        ] {
            let read = read(text);
            assert!(matches!(read, Outcome::Problem(Problem::Code(_))), "{text}: {}", found(text));
        }
        // What closes a sentence around it is none of it.
        assert_eq!(found("LPA:1$smdp.example.com$AB)"), "1$smdp.example.com$AB");
    }

    #[test]
    fn a_code_is_found_among_words() {
        for text in [
            "LPA:1$smdp.example.com$04386-AGYFT",
            "  1$smdp.example.com$04386-AGYFT\n",
            "Your code: LPA:1$smdp.example.com$04386-AGYFT Thanks",
            "Your code is LPA:1$smdp.example.com$04386-AGYFT. Have a nice trip!",
            "(LPA:1$smdp.example.com$04386-AGYFT)",
            "Activation code\tLPA:1$smdp.example.com$04386-AGYFT\tICCID\t8900123",
            "code=LPA:1$smdp.example.com$04386-AGYFT;",
            "<b>LPA:1$smdp.example.com$04386-AGYFT</b>",
            "アクティベーションコードは「LPA:1$smdp.example.com$04386-AGYFT」です。",
            "コード：LPA:1$smdp.example.com$04386-AGYFTをスキャンしてください",
            "コード： ＬＰＡ：１＄ｓｍｄｐ．ｅｘａｍｐｌｅ．ｃｏｍ＄０４３８６－ＡＧＹＦＴ です",
            "tap https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=LPA:1$smdp.example.com$04386-AGYFT to install",
            "Link: lpa:1%24smdp.example.com%2404386-AGYFT",
            "web+lpa:1$smdp.example.com$04386-AGYFT",
            "LPA:1$smdp.example.com$04386-AGYFT and again LPA:1$smdp.example.com$04386-AGYFT",
            // A break has cut it.
            "Code:\nLPA:1$smdp.example.com$04386-\nAGYFT\nThanks",
            "LPA:1$smdp.example.com$\n04386-AGYFT",
            "LPA:1$smdp.\nexample.com$04386-AGYFT",
            "LPA: 1$smdp.example.com$04386-AGYFT",
            "LPA:1$smdp.example.com\n$04386-AGYFT",
            "1 $ smdp.example.com $ 04386-AGYFT",
        ] {
            assert_eq!(found(text), CODE, "{text}");
        }
        assert_eq!(found("LPA:1$h$04386-AGY\nFT-A74Y8-3F815"), "1$h$04386-AGYFT-A74Y8-3F815");
        assert_eq!(found("use 1$h$T$2.999.10$1 now"), "1$h$T$2.999.10$1");
        assert_eq!(found("use 1$h$T$$1, now"), "1$h$T$$1");
        // A code without an identifier may do without the second separator.
        assert_eq!(found("use LPA:1$smdp.example.com now"), "1$smdp.example.com$");
        assert_eq!(found("LPA:1$not a host!$X or LPA:1$h$T"), "1$h$T");
        // What stands behind a code is no part of it.
        for text in ["1$h$ABC\nPIN 1234", "1$h$ABC 2026-11-27", "1$h$ABC\nICCID 8900", "1$h$ABC\n2026-11-27"]
        {
            assert_eq!(found(text), "1$h$ABC", "{text}");
        }
    }

    #[test]
    fn several_codes_are_a_choice() {
        assert_eq!(found("1$a$X or 1$b$Y"), "1$a$X | 1$b$Y");
        let many: String = (0..20).map(|n| format!("1$host$N{n}\n")).collect();
        assert!(matches!(read(&many), Outcome::Choice(codes) if codes.len() == super::super::MAX_CHOICE));
    }

    #[test]
    fn what_is_wrong_with_a_code_among_words_is_told() {
        for (text, told) in [
            ("", "Empty"),
            ("hello", "Format"),
            ("hello there, no code in here", "Format"),
            ("It costs 11$ or 21$ a month", "Format"),
            ("see https://example.com/", "Format"),
            ("https://example.com/", "Link"),
            ("Your code is LPA:1$smdp.example.com$a_b thanks", "MatchingId"),
            ("Your code is LPA:2$smdp.example.com$AB", "Version"),
            ("take LPA:1$$AB", "AddressMissing"),
            ("take LPA:1$https://h$AB", "AddressIsLink"),
            // A server's name has no spaces: it is not cut to what would be another server.
            ("LPA:1$not a host!$X", "Address"),
            ("LPA:1$not a host$X", "Address"),
            ("take LPA:1$smdp example com$X please", "Address"),
            ("lpa:1%24not a host%24X", "Address"),
            ("LPA:1$not a host!$X, or LPA:1$https://h$AB", "Address"),
        ] {
            assert_eq!(found(text), told, "{text}");
        }
        assert_eq!(found(&"1$h$T ".repeat(20_000)), "TooLong");
    }

    #[test]
    fn text_that_means_harm_ends() {
        for text in
            ["1$ ".repeat(20_000), "LPA: ".repeat(13_000), "$".repeat(60_000), "1$a.\n".repeat(13_000)]
        {
            let _ = read(&text);
        }
    }
}
