//! Addresses in the console: what stands behind `#`, so that a view can be linked to,
//! reloaded, and left with the browser's back button.

use crate::state::ProfileState;

/// Where the person is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The list.
    Orders(Filter),
    /// One profile with its time line, by ICCID.
    Order(String),
    /// To order; with an ICCID or profile type chosen already.
    NewOrder(Filter),
    /// Subscribers from a file.
    Batch,
    /// QR codes to print.
    Sheet(Filter),
    /// What happened.
    Log(Log, Filter),
    /// All profile types.
    Types,
    /// One.
    Type(String),
    /// A new one.
    NewType,
    /// How the server is.
    Health,
    /// Nowhere.
    Unknown,
}

/// The three logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Of the server.
    Events,
    /// From eUICCs.
    Notifications,
    /// To the operator's systems.
    Outbox,
}

/// What a list shows. Empty fields let everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A profile's state.
    pub state: Option<ProfileState>,
    /// Name of a profile type.
    pub profile_type: String,
    /// 32 digits.
    pub eid: String,
    /// First digits of an ICCID, or a matching id.
    pub search: String,
    /// Name of an event.
    pub event: String,
    /// An ICCID.
    pub iccid: String,
}

impl Filter {
    /// As `name=value&…`, in the names of the server's interface.
    #[must_use]
    pub fn query(&self) -> String {
        let fields = [
            ("state", self.state.map_or("", ProfileState::name)),
            ("profileType", &self.profile_type),
            ("eid", &self.eid),
            ("search", &self.search),
            ("event", &self.event),
            ("iccid", &self.iccid),
        ];
        let given = fields.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = given.map(|(name, value)| format!("{name}={}", escape(value))).collect();
        pairs.join("&")
    }

    fn read(query: &str) -> Self {
        let mut filter = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescape(value);
            match name {
                "state" => filter.state = ProfileState::from_name(&value),
                "profileType" => filter.profile_type = value,
                "eid" => filter.eid = value,
                "search" => filter.search = value,
                "event" => filter.event = value,
                "iccid" => filter.iccid = value,
                _ => {}
            }
        }
        filter
    }
}

impl Route {
    /// Reads what stands in the address, with or without `#`.
    #[must_use]
    pub fn read(hash: &str) -> Self {
        let text = hash.trim_start_matches('#').trim_start_matches('/');
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let filter = Filter::read(query);
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            [""] | ["orders"] => Self::Orders(filter),
            ["orders", iccid] => Self::Order(unescape(iccid)),
            ["new"] => Self::NewOrder(filter),
            ["batch"] => Self::Batch,
            ["sheet"] => Self::Sheet(filter),
            ["log"] | ["log", "events"] => Self::Log(Log::Events, filter),
            ["log", "notifications"] => Self::Log(Log::Notifications, filter),
            ["log", "outbox"] => Self::Log(Log::Outbox, filter),
            ["types"] => Self::Types,
            ["new-type"] => Self::NewType,
            ["types", name] => Self::Type(unescape(name)),
            ["health"] => Self::Health,
            _ => Self::Unknown,
        }
    }

    /// The address, with `#`.
    #[must_use]
    pub fn hash(&self) -> String {
        let with = |path: &str, filter: &Filter| match filter.query() {
            query if query.is_empty() => format!("#/{path}"),
            query => format!("#/{path}?{query}"),
        };
        match self {
            Self::Orders(filter) => with("orders", filter),
            Self::Order(iccid) => format!("#/orders/{}", escape(iccid)),
            Self::NewOrder(filter) => with("new", filter),
            Self::Batch => "#/batch".to_owned(),
            Self::Sheet(filter) => with("sheet", filter),
            Self::Log(log, filter) => with(log.path(), filter),
            Self::Types => "#/types".to_owned(),
            Self::NewType => "#/new-type".to_owned(),
            Self::Type(name) => format!("#/types/{}", escape(name)),
            Self::Health => "#/health".to_owned(),
            Self::Unknown => "#/orders".to_owned(),
        }
    }

    /// Name of the view, for the title of the page.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Orders(_) => "Orders".to_owned(),
            Self::Order(iccid) => format!("Profile …{}", last_digits(iccid)),
            Self::NewOrder(_) => "New order".to_owned(),
            Self::Batch => "Batch of subscribers".to_owned(),
            Self::Sheet(_) => "QR codes to print".to_owned(),
            Self::Log(Log::Events, _) => "Log".to_owned(),
            Self::Log(Log::Notifications, _) => "Notifications received".to_owned(),
            Self::Log(Log::Outbox, _) => "Outbox".to_owned(),
            Self::Types => "Profile types".to_owned(),
            Self::NewType => "New profile type".to_owned(),
            Self::Type(name) => format!("Profile type {name}"),
            Self::Health => "Health".to_owned(),
            Self::Unknown => "No such view".to_owned(),
        }
    }
}

impl Log {
    const fn path(self) -> &'static str {
        match self {
            Self::Events => "log/events",
            Self::Notifications => "log/notifications",
            Self::Outbox => "log/outbox",
        }
    }
}

/// The last digits of an ICCID, by which people tell profiles apart.
#[must_use]
pub fn last_digits(iccid: &str) -> &str {
    let start = iccid.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    iccid.get(start..).unwrap_or_default()
}

/// Percent-encoding (RFC 3986 §2.1) of all but unreserved characters.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// Its reverse; what is not encoded rightly is taken as it is.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn an_address_leads_back_to_where_it_was_made() {
        let filter = Filter {
            state: Some(ProfileState::Released),
            profile_type: "a/b & ü".to_owned(),
            eid: "8".repeat(32),
            search: "89#1?=%".to_owned(),
            ..Filter::default()
        };
        let log = Filter { event: "refused".to_owned(), iccid: "890".to_owned(), ..Filter::default() };
        for route in [
            Route::Orders(Filter::default()),
            Route::Orders(filter.clone()),
            Route::Sheet(filter.clone()),
            Route::NewOrder(filter),
            Route::Order("8900".to_owned()),
            Route::Batch,
            Route::Log(Log::Events, log),
            Route::Log(Log::Notifications, Filter::default()),
            Route::Log(Log::Outbox, Filter::default()),
            Route::Types,
            Route::NewType,
            Route::Type("with space/slash".to_owned()),
            Route::Health,
        ] {
            assert_eq!(Route::read(&route.hash()), route);
        }
    }

    #[test]
    fn any_address_is_somewhere() {
        assert_eq!(Route::read(""), Route::Orders(Filter::default()));
        assert_eq!(Route::read("#/orders?state=Nonsense&x"), Route::Orders(Filter::default()));
        for text in ["#/a/b/c/d", "#/%", "#/%zz", "#/orders/1/2", "#x"] {
            assert_eq!(Route::read(text), Route::Unknown, "{text}");
        }
        assert_eq!(Route::read("#/types/%FF%4"), Route::Type("\u{FFFD}%4".to_owned()));
    }

    #[test]
    fn the_last_digits_are_six_at_most() {
        assert_eq!(last_digits("8900000000000123456"), "123456");
        assert_eq!(last_digits("12"), "12");
        assert_eq!(last_digits("ü€a"), "ü€a");
    }
}
