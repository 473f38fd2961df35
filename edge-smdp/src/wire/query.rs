//! Parameters of a query, and pages.

use http::Request;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::error::Malformed;
use crate::store::{JournalPlace, MAX_PAGE, Place};

/// What a page holds when nobody says how much.
const USUAL: usize = 50;

/// The parameters of a request.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn of(request: &Request<Vec<u8>>) -> Self {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        Self(form_urlencoded::parse(query).into_owned().collect())
    }

    /// A parameter's value.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    /// A parameter's value as what it should be.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        let Some(text) = self.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| Malformed::new(name, "not a value of its kind"))
    }

    /// How long a page is to be.
    pub(crate) fn limit(&self) -> Result<usize, Malformed> {
        let limit = self.parsed("limit", |text| text.parse().ok())?.unwrap_or(USUAL);
        if (1..=MAX_PAGE).contains(&limit) { Ok(limit) } else { Err(Malformed::new("limit", "1 to 200")) }
    }

    pub(crate) fn place(&self) -> Result<Option<Place>, Malformed> {
        self.parsed("cursor", |text| text.parse().ok())
    }

    pub(crate) fn journal_place(&self) -> Result<Option<JournalPlace>, Malformed> {
        self.parsed("cursor", |text| text.parse().ok())
    }
}

/// A page: its lines under a name, and where the next one begins.
pub(crate) struct Page<L> {
    name: &'static str,
    lines: Vec<L>,
    next: Option<String>,
}

impl<L> Page<L> {
    pub(crate) const fn new(name: &'static str, lines: Vec<L>, next: Option<String>) -> Self {
        Self { name, lines, next }
    }
}

impl<L: Serialize> Serialize for Page<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.name, &self.lines)?;
        if let Some(next) = &self.next {
            map.serialize_entry("next", next)?;
        }
        map.end()
    }
}
