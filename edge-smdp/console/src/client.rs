//! The way to the server: one function through which every request goes, and what is known
//! of the right to make it.

use js_sys::{Object, Reflect, Uint8Array};
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestInit, Response, Storage};
use zeroize::Zeroizing;

use crate::api::{Health, OrderResult, Problem, ROOT};
use crate::words::Trouble;

/// How long an answer may take, in milliseconds: longer than the site waits for its
/// services, so that it is the site that says who does not answer.
const PATIENCE: u32 = 40_000;

/// Where a token is kept until the tab is closed, if the person wants it.
const KEPT: &str = "operator-token";

/// Whether the person is the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It is being found out.
    Asking,
    /// The server has no operator's interface.
    Off,
    /// A token is needed; why, if one was tried.
    Token(Option<Trouble>),
    /// The server can't be asked.
    Broken(Trouble),
    /// Yes.
    Granted,
}

/// A token. Not `Debug`.
#[derive(Clone, Default)]
struct Token(Zeroizing<String>);

/// The server, from here.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    /// Whether requests are allowed.
    pub(crate) access: RwSignal<Access>,
    token: StoredValue<Token>,
    /// Whether a token is in use, and not only the sign-in of a platform in front.
    pub(crate) has_token: RwSignal<bool>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let kept = storage().and_then(|storage| storage.get_item(KEPT).ok().flatten()).unwrap_or_default();
        Self {
            access: RwSignal::new(Access::Asking),
            has_token: RwSignal::new(!kept.is_empty()),
            token: StoredValue::new(Token(Zeroizing::new(kept))),
        }
    }

    /// Finds out whether the person is the operator: without a token first, because a platform
    /// in front may vouch for them.
    pub(crate) async fn begin(self) {
        self.access.set(Access::Asking);
        match self.health().await {
            Err(trouble) => return self.access.set(Access::Broken(trouble)),
            Ok(Health { operator: Some(false), .. }) => return self.access.set(Access::Off),
            Ok(_) => {}
        }
        let first_try = !self.has_token.get_untracked();
        match self.probe().await {
            Ok(()) => self.access.set(Access::Granted),
            // Nothing was tried yet: that is no failure.
            Err(Some(_)) if first_try => self.access.set(Access::Token(None)),
            Err(Some(refused)) => self.refuse(refused),
            Err(None) => {}
        }
    }

    /// Tries a token; keeps it in the tab's storage if `keep`.
    pub(crate) async fn enter(self, token: String, keep: bool) {
        let usable = token.bytes().all(|byte| byte.is_ascii_graphic());
        self.token.set_value(Token(Zeroizing::new(if usable { token } else { String::new() })));
        self.has_token.set(true);
        match self.probe().await {
            Ok(()) => {
                if keep && let Some(storage) = storage() {
                    self.token.with_value(|token| {
                        // A browser that forbids it: the token is then asked for again.
                        drop(storage.set_item(KEPT, &token.0));
                    });
                }
                self.access.set(Access::Granted);
            }
            Err(Some(refused)) => self.refuse(refused),
            Err(None) => {}
        }
    }

    /// Forgets the token.
    pub(crate) fn leave(self) {
        self.forget();
        self.access.set(Access::Token(None));
    }

    /// What the server says of itself to anybody.
    pub(crate) async fn health(self) -> Result<Health, Trouble> {
        let (status, body) = send("GET", &format!("{ROOT}health"), None, None).await?;
        // 503 with the same body: no valid certificate.
        serde_json::from_slice(&body).map_err(|_| Trouble::of_status(status, &problem(&body)))
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(self, path: &str) -> Result<T, Trouble> {
        let body = self.call("GET", path, None).await?;
        understood(&body)
    }

    /// Sends JSON and reads the answer.
    pub(crate) async fn send_json<T: DeserializeOwned>(
        self,
        method: &str,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, Trouble> {
        let body = serde_json::to_vec(body).map_err(|error| Trouble::not_understood(&error.to_string()))?;
        let body = self.call(method, path, Some(("application/json", &body))).await?;
        understood(&body)
    }

    /// Sends bytes and reads the answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        self,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> Result<T, Trouble> {
        let body = self.call("POST", path, Some((media_type, body))).await?;
        understood(&body)
    }

    /// Asks for something to be forgotten.
    pub(crate) async fn delete(self, path: &str) -> Result<(), Trouble> {
        self.call("DELETE", path, None).await.map(drop)
    }

    /// Whether the person is the operator; `Err(None)`: it could not be found out, and
    /// `access` says so.
    async fn probe(self) -> Result<(), Option<Trouble>> {
        match self.request("GET", &format!("{ROOT}profiles?limit=1"), None).await {
            Ok((200..=299, _)) => Ok(()),
            Ok((401 | 403, body)) => Err(Some(refusal(&body))),
            Ok((status, body)) => {
                self.access.set(Access::Broken(Trouble::of_status(status, &problem(&body))));
                Err(None)
            }
            Err(trouble) => {
                self.access.set(Access::Broken(trouble));
                Err(None)
            }
        }
    }

    async fn call(self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Vec<u8>, Trouble> {
        let (status, answer) = self.request(method, &format!("{ROOT}{path}"), body).await?;
        match status {
            200..=299 => Ok(answer),
            401 | 403 => {
                let refused = refusal(&answer);
                self.refuse(refused.clone());
                Err(refused)
            }
            _ => Err(trouble_of(status, &answer)),
        }
    }

    async fn request(
        self,
        method: &str,
        path: &str,
        body: Option<(&str, &[u8])>,
    ) -> Result<(u16, Vec<u8>), Trouble> {
        let token = self.token.with_value(|token| token.0.clone());
        let authorization = (!token.is_empty()).then(|| Zeroizing::new(format!("Bearer {}", *token)));
        send(method, path, authorization.as_ref().map(|text| text.as_str()), body).await
    }

    /// Back to the question for the token.
    fn refuse(self, refused: Trouble) {
        self.forget();
        self.access.set(Access::Token(Some(refused)));
    }

    fn forget(self) {
        self.token.set_value(Token::default());
        self.has_token.set(false);
        if let Some(storage) = storage() {
            drop(storage.remove_item(KEPT));
        }
    }
}

/// Why the token was not accepted.
fn refusal(body: &[u8]) -> Trouble {
    let said = problem(body);
    let said = if said.detail.is_empty() { said.title } else { said.detail };
    Trouble {
        what: "The server does not take you for the operator.".to_owned(),
        next: "Check the token with the one who runs the server: it is OPERATOR_TOKEN there. If you were signed in \
               before, it may have been changed."
            .to_owned(),
        codes: Some(said).filter(|text| !text.is_empty()),
        passing: false,
    }
}

/// An answer that is no success: a refusal of the standard, or a problem document.
fn trouble_of(status: u16, body: &[u8]) -> Trouble {
    match serde_json::from_slice(body) {
        Ok(OrderResult { refused: Some(code), .. }) => Trouble::refused(&code),
        _ => Trouble::of_status(status, &problem(body)),
    }
}

/// The problem document of an answer, if it is one.
fn problem(body: &[u8]) -> Problem {
    serde_json::from_slice(body).unwrap_or_default()
}

fn understood<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| Trouble::not_understood(&error.to_string()))
}

/// The page that shows this one in a frame. It is of this site: the policy allows no other.
pub(crate) fn page_around() -> Option<web_sys::Window> {
    let window = web_sys::window()?;
    let around = window.parent().ok().flatten()?;
    (around != window).then_some(around)
}

fn storage() -> Option<Storage> {
    web_sys::window()?.session_storage().ok().flatten()
}

async fn send(
    method: &str,
    path: &str,
    authorization: Option<&str>,
    body: Option<(&str, &[u8])>,
) -> Result<(u16, Vec<u8>), Trouble> {
    exchange(method, path, authorization, body).await.map_err(|error| {
        let name = Reflect::get(&error, &"name".into()).ok().and_then(|name| name.as_string());
        match name.as_deref() {
            Some("TimeoutError") => Trouble::no_answer(&format!("no answer within {} s", PATIENCE / 1000)),
            Some(name) => Trouble::no_answer(name),
            None => Trouble::no_answer(""),
        }
    })
}

async fn exchange(
    method: &str,
    path: &str,
    authorization: Option<&str>,
    body: Option<(&str, &[u8])>,
) -> Result<(u16, Vec<u8>), JsValue> {
    let headers = Object::new();
    if let Some(text) = authorization {
        Reflect::set(&headers, &"authorization".into(), &text.into())?;
    }
    let init = RequestInit::new();
    init.set_method(method);
    if let Some((media_type, bytes)) = body {
        Reflect::set(&headers, &"content-type".into(), &media_type.into())?;
        init.set_body(&Uint8Array::from(bytes));
    }
    init.set_headers(&headers);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE)));
    let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
    let response: Response = JsFuture::from(window.fetch_with_str_and_init(path, &init)).await?.dyn_into()?;
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok((response.status(), Uint8Array::new(&buffer).to_vec()))
}
