//! Links that bring a code: `#phone?code=…` in the page's own address, where no server sees it,
//! and what a browser hands over for `web+lpa:` links.

use percent_encoding::percent_decode_str;

/// The longest fragment that is looked at.
const MAX: usize = 8 * 1024;

/// What registers the page for `web+lpa:` links; the browser puts the link for `%s`.
pub const HANDLER: &str = "#phone?code=%s";

/// The text that an address's fragment brings as a code.
#[must_use]
pub fn code_in(fragment: &str) -> Option<String> {
    let (view, query) = fragment.trim_start_matches('#').split_once('?')?;
    if view != "phone" || query.len() > MAX {
        return None;
    }
    let value = query.split('&').find_map(|pair| pair.strip_prefix("code="))?;
    // What is damaged is told by who reads the code.
    let decoded = percent_decode_str(value).decode_utf8();
    Some(decoded.map_or_else(|_| value.to_owned(), Into::into))
}

#[cfg(test)]
mod tests {
    use super::super::{Outcome, text};
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_link_brings_a_code() {
        for fragment in [
            "#phone?code=LPA:1$smdp.example.com$A-1",
            "#phone?code=1%24smdp.example.com%24A-1",
            "#phone?x=1&code=LPA%3A1%24smdp.example.com%24A-1&y=2",
            "phone?code=lpa:1$smdp.example.com$A-1",
            "#phone?code=web+lpa:1$smdp.example.com$A-1",
            // As a browser hands a handler's link over, encoded once more.
            "#phone?code=web%2Blpa%3A1%24smdp.example.com%24A-1",
            "#phone?code=web%2Blpa%3A1%2524smdp.example.com%2524A-1",
            "#phone?code=web%2Blpa%3A%2F%2F1%2524smdp.example.com%2524A-1",
        ] {
            let Outcome::Code(code) = text::read(&code_in(fragment).unwrap()) else {
                unreachable!("{fragment}")
            };
            assert_eq!(code.to_string(), "1$smdp.example.com$A-1", "{fragment}");
        }
    }

    #[test]
    fn other_fragments_bring_none() {
        for fragment in
            ["", "#", "#phone", "#phone?", "#phone?x=1", "#trace?code=1$h$A", "#phones?code=1$h$A"]
        {
            assert_eq!(code_in(fragment), None, "{fragment}");
        }
        assert_eq!(code_in("#phone?code="), Some(String::new()));
        assert_eq!(code_in("#phone?code=1%FF"), Some("1%FF".into()));
        assert_eq!(code_in(&format!("#phone?code={}", "1".repeat(MAX))), None);
    }
}
