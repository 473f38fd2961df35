//! A code in parts, for typing it from a letter.

use rsp::ActivationCode;
use rsp::activation_code::InvalidActivationCode as Invalid;

use super::{Outcome, text};

/// What is typed, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The SM-DP+ address.
    pub server: String,
    /// The matching id; may be empty.
    pub matching_id: String,
    /// The SM-DP+ OID; may be empty.
    pub oid: String,
    /// Whether a confirmation code was announced.
    pub confirmation: bool,
}

/// The field that something is wrong with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// [`Parts::server`].
    Server,
    /// [`Parts::matching_id`].
    MatchingId,
    /// [`Parts::oid`].
    Oid,
}

impl Parts {
    /// The code of these parts. A whole code in the first field is taken as it is.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn code(&self) -> Result<ActivationCode, (Field, Invalid)> {
        if self.server.contains('$')
            && let Outcome::Code(code) = text::read(&self.server)
        {
            return Ok(code);
        }
        let empty = |text: &str| text.trim().is_empty();
        if empty(&self.server) {
            return Err((Field::Server, Invalid::AddressMissing));
        }
        // What separates the fields would move the ones behind it.
        let fields = [
            (Field::Server, &self.server, Invalid::Address),
            (Field::MatchingId, &self.matching_id, Invalid::MatchingId),
            (Field::Oid, &self.oid, Invalid::Oid),
        ];
        for (field, text, error) in fields {
            if text.contains(['$', '%', '＄', '﹩', '％']) {
                return Err((field, error));
            }
        }
        let flag = if self.confirmation { "1" } else { "" };
        let whole = format!("1${}${}${}${flag}", self.server, self.matching_id, self.oid);
        whole.parse().map_err(|error| {
            let field = match error {
                Invalid::MatchingId => Field::MatchingId,
                Invalid::Oid => Field::Oid,
                Invalid::TooLong if self.matching_id.len() > self.server.len() => Field::MatchingId,
                _ => Field::Server,
            };
            (field, error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn code(
        server: &str,
        matching_id: &str,
        oid: &str,
        confirmation: bool,
    ) -> Result<String, (Field, Invalid)> {
        let text = str::to_owned;
        Parts { server: text(server), matching_id: text(matching_id), oid: text(oid), confirmation }
            .code()
            .map(|code| code.to_string())
    }

    #[test]
    fn parts_are_put_together() {
        assert_eq!(code("h.example", "A-1", "", false), Ok("1$h.example$A-1".into()));
        assert_eq!(code(" h.example:8443 ", "", "2.999", false), Ok("1$h.example:8443$$2.999".into()));
        assert_eq!(code("h", "A", "", true), Ok("1$h$A$$1".into()));
        assert_eq!(code("h", "A", "2.999.10", true), Ok("1$h$A$2.999.10$1".into()));
        assert_eq!(code("LPA:1$h$A", "", "", false), Ok("1$h$A".into()));
    }

    #[test]
    fn what_is_wrong_is_told_where_it_is() {
        for (parts, told) in [
            (["", "A", ""], (Field::Server, Invalid::AddressMissing)),
            (["  ", "A", ""], (Field::Server, Invalid::AddressMissing)),
            (["https://h", "A", ""], (Field::Server, Invalid::AddressIsLink)),
            (["a b!", "A", ""], (Field::Server, Invalid::Address)),
            (["h$x", "A", ""], (Field::Server, Invalid::Address)),
            (["h%24x", "A", ""], (Field::Server, Invalid::Address)),
            (["h", "a_b", ""], (Field::MatchingId, Invalid::MatchingId)),
            (["h", "A$1", ""], (Field::MatchingId, Invalid::MatchingId)),
            (["h", "A", "1.x"], (Field::Oid, Invalid::Oid)),
            (["h", "A", "1.2$1"], (Field::Oid, Invalid::Oid)),
        ] {
            assert_eq!(code(parts[0], parts[1], parts[2], false), Err(told), "{parts:?}");
        }
        let long = "A".repeat(300);
        assert_eq!(code("h", &long, "", false), Err((Field::MatchingId, Invalid::TooLong)));
    }
}
