//! What of a message can be covered (RFC 9421 §2).

use crate::{Unusable, unusable};

/// A request or a response, as far as signatures look at it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    control: Control<'a>,
    fields: &'a [(&'a str, &'a str)],
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The method, as it is on the wire.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// `host` or `host:port`.
    pub authority: &'a str,
    /// The path, as it is on the wire.
    pub path: &'a str,
    /// What follows the question mark, if there is one.
    pub query: Option<&'a str>,
}

#[derive(Clone, Copy, Debug)]
enum Control<'a> {
    Request(Target<'a>),
    Response(u16),
}

impl<'a> Message<'a> {
    /// A request. Names of `fields` are in lower case; one that stands several times is
    /// several entries in their order.
    #[must_use]
    pub const fn request(target: Target<'a>, fields: &'a [(&'a str, &'a str)]) -> Self {
        Self { control: Control::Request(target), fields }
    }

    /// A response.
    #[must_use]
    pub const fn response(status: u16, fields: &'a [(&'a str, &'a str)]) -> Self {
        Self { control: Control::Response(status), fields }
    }

    /// The value of a component: a field (§2.1) or a derived one (§2.2).
    pub(crate) fn component(&self, name: &str) -> Result<String, Unusable> {
        if !name.starts_with('@') {
            return self.field(name);
        }
        match (&self.control, name) {
            (Control::Response(status), "@status") => Ok(status.to_string()),
            (Control::Request(target), _) => match target.derived(name) {
                Some(value) => one_line(name, value),
                None => unusable(format!("the component \"{name}\" is not known here")),
            },
            _ => unusable(format!("the component \"{name}\" is not known here")),
        }
    }

    fn field(&self, name: &str) -> Result<String, Unusable> {
        let trimmed = |value: &str| value.trim_matches([' ', '\t']).to_owned();
        let values = self.fields.iter().filter(|(found, _)| *found == name).map(|(_, value)| trimmed(value));
        let values: Vec<String> = values.collect();
        if values.is_empty() {
            return unusable(format!("the field \"{name}\" is covered and not in the message"));
        }
        one_line(name, values.join(", "))
    }
}

impl Target<'_> {
    fn derived(&self, name: &str) -> Option<String> {
        let path = if self.path.is_empty() { "/" } else { self.path };
        let scheme = self.scheme.to_ascii_lowercase();
        let query = self.query.map(|query| format!("?{query}"));
        Some(match name {
            "@method" => self.method.to_owned(),
            "@scheme" => scheme,
            "@authority" => self.normal_authority(),
            "@path" => path.to_owned(),
            "@query" => query.unwrap_or_else(|| "?".to_owned()),
            "@request-target" => format!("{path}{}", query.unwrap_or_default()),
            "@target-uri" => {
                format!("{scheme}://{}{path}{}", self.normal_authority(), query.unwrap_or_default())
            }
            _ => return None,
        })
    }

    /// In lower case, without the scheme's own port (§2.2.3).
    fn normal_authority(&self) -> String {
        let port = if self.scheme.eq_ignore_ascii_case("http") { ":80" } else { ":443" };
        let authority = self.authority.to_ascii_lowercase();
        authority.strip_suffix(port).map(str::to_owned).unwrap_or(authority)
    }
}

/// A line end inside a value could pass for another component.
fn one_line(name: &str, value: String) -> Result<String, Unusable> {
    if value.bytes().all(|byte| byte == b'\t' || (0x20..0x7F).contains(&byte)) {
        Ok(value)
    } else {
        unusable(format!("\"{name}\" holds other than printable ASCII"))
    }
}
