//! The bridge to the readers of the desktop, over a WebSocket of this machine. What both say
//! stands in `card_bridge::protocol`; how it is used, in `docs/card-bridge.md`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use card_bridge::protocol::{
    Ask, Hex, MAX_COMMAND, Question, Reader, SUBPROTOCOL, Secret, Tell, VERSION, Why,
};
use lpa::CardLost;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{MessageEvent, WebSocket};
use words::{Text, text};

use super::card::{Later, RealCard};
use super::{later, once};
use crate::road::Trouble;

/// Where the token of a pairing is kept: as long as the tab is open.
const TOKEN: &str = "card-bridge";

/// How long the bridge may take to say who it is, in milliseconds.
const GREETING: u32 = 10_000;

/// How long it may take for an answer: longer than any card thinks.
const PATIENCE: u32 = 120_000;

/// What the bridge tells by itself.
pub(crate) enum News {
    /// The readers and what is in them.
    Readers(Vec<Reader>),
    /// The card of this number is out.
    Removed(u32),
    /// The virtual reader resets the chip of the page; the answer has this number.
    Power(u32),
    /// A command for the chip of the page; the answer has this number.
    Command(u32, Vec<u8>),
    /// The virtual reader is gone.
    Withdrawn,
    /// The bridge has ended, or was lost.
    Closed,
}

type Waiting = Rc<RefCell<HashMap<u32, once::Sender<Tell>>>>;

/// A connection to the bridge.
pub(crate) struct Bridge {
    socket: WebSocket,
    waiting: Waiting,
    next: Cell<u32>,
    news: Rc<dyn Fn(News)>,
}

impl Bridge {
    /// Looks for the bridge at a port of this machine.
    ///
    /// # Errors
    /// When nothing there speaks this protocol, or does not let this page in: a browser does
    /// not tell the two apart.
    pub(crate) async fn open(port: u16, news: impl Fn(News) + 'static) -> Result<Self, Trouble> {
        let url = format!("ws://127.0.0.1:{port}/");
        let socket = WebSocket::new_with_str(&url, SUBPROTOCOL).map_err(|_| not_there(port))?;
        let waiting = Waiting::default();
        let (greet, greeted) = once::channel();
        let greet = Rc::new(RefCell::new(Some(greet)));
        let news: Rc<dyn Fn(News)> = Rc::new(news);
        let heard = Rc::clone(&news);
        let greeting = Rc::clone(&greet);

        let on_message = {
            let (socket, waiting) = (socket.clone(), Rc::clone(&waiting));
            let (greet, news) = (Rc::clone(&greet), Rc::clone(&news));
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let tell = event.data().as_string().and_then(|text| Tell::parse(&text).ok());
                match tell {
                    Some(Tell::Welcome { protocol, .. }) => {
                        if let Some(greet) = greet.borrow_mut().take() {
                            greet.send(if protocol == VERSION {
                                Ok(())
                            } else {
                                Err(other_version(protocol))
                            });
                        }
                    }
                    Some(Tell::Readers { id: None, readers }) => news(News::Readers(readers)),
                    Some(Tell::Removed { card }) => news(News::Removed(card)),
                    Some(Tell::Power { number }) => news(News::Power(number)),
                    Some(Tell::Command { number, apdu }) => news(News::Command(number, apdu.0)),
                    Some(Tell::Withdrawn { id: None }) => news(News::Withdrawn),
                    Some(answer) => {
                        // Questions are answered in their order: one that could not be read is the
                        // oldest.
                        let refused = matches!(answer, Tell::Refused { id: None, .. });
                        let oldest = || waiting.borrow().keys().min().copied().filter(|_| refused);
                        let id = answer.id().or_else(oldest);
                        let asked = id.and_then(|id| waiting.borrow_mut().remove(&id));
                        match (asked, answer) {
                            (Some(asked), answer) => asked.send(answer),
                            // Nobody waits for this card any more.
                            (None, Tell::Connected { card, .. }) => {
                                let question = Question { id: 0, ask: Ask::Disconnect { card } };
                                let _ = socket.send_with_str(&question.to_json());
                            }
                            (None, _) => {}
                        }
                    }
                    // Whoever is there does not speak this protocol: nothing more is believed.
                    None => drop(socket.close()),
                }
            })
        };
        socket.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));

        let on_close = {
            let waiting = Rc::clone(&waiting);
            Closure::<dyn Fn(JsValue)>::new(move |_: JsValue| {
                if let Some(greet) = greet.borrow_mut().take() {
                    greet.send(Err(not_there(port)));
                }
                // Taken out first: who waits may ask again at once.
                let asked = std::mem::take(&mut *waiting.borrow_mut());
                drop(asked);
                news(News::Closed);
            })
        };
        socket.set_onclose(Some(on_close.into_js_value().unchecked_ref()));
        let bridge = Self { socket, waiting, next: Cell::new(1), news: heard };
        spawn_local(async move {
            later::after(GREETING).await;
            let late = greeting.borrow_mut().take();
            drop(late);
        });
        greeted.await.unwrap_or_else(|| Err(not_there(port)))?;
        Ok(bridge)
    }

    /// Shows the code that the person has read on the bridge's terminal.
    ///
    /// # Errors
    /// When it is not that code.
    pub(crate) async fn pair(&self, code: &str) -> Result<(), Trouble> {
        self.come_in(Ask::Pair { code: Secret::new(code.to_owned()) }).await.map_err(|(_, trouble)| trouble)
    }

    /// Comes in as the page that was paired before; whether it may. Where no pairing is
    /// remembered nothing is asked.
    pub(crate) async fn resume(&self) -> bool {
        let Some(token) = storage().and_then(|kept| kept.get_item(TOKEN).ok().flatten()) else {
            return false;
        };
        let back = self.come_in(Ask::Resume { token: Secret::new(token) }).await.map_err(|(why, _)| why);
        if back == Err(Some(Why::UnknownToken))
            && let Some(kept) = storage()
        {
            let _ = kept.remove_item(TOKEN);
        }
        back.is_ok()
    }

    async fn come_in(&self, ask: Ask) -> Result<(), (Option<Why>, Trouble)> {
        match self.ask(ask).await.map_err(|trouble| (None, trouble))? {
            Tell::Paired { token, .. } => {
                if let Some(kept) = storage() {
                    // Where nothing is kept, the code is asked for after each reload.
                    let _ = kept.set_item(TOKEN, token.expose_text());
                }
                Ok(())
            }
            other => Err((reason(&other), refusal(other))),
        }
    }

    /// The readers and what is in them.
    ///
    /// # Errors
    /// When the bridge refuses or is gone.
    pub(crate) async fn readers(&self) -> Result<Vec<Reader>, Trouble> {
        match self.ask(Ask::Readers).await? {
            Tell::Readers { readers, .. } => Ok(readers),
            other => Err(refusal(other)),
        }
    }

    /// Takes the card of a reader for this page alone; returns it with its answer to reset.
    ///
    /// # Errors
    /// When the bridge refuses or is gone.
    pub(crate) async fn connect(self: &Rc<Self>, reader: &str) -> Result<(BridgeCard, Vec<u8>), Trouble> {
        match self.ask(Ask::Connect { reader: reader.to_owned() }).await? {
            Tell::Connected { card, atr, .. } => {
                Ok((BridgeCard { bridge: Rc::clone(self), number: card }, atr.0))
            }
            other => Err(refusal(other)),
        }
    }

    /// Puts a chip of the page into the virtual reader; what that asks comes as [`News`].
    ///
    /// # Errors
    /// When the bridge knows no virtual reader, or there is none.
    pub(crate) async fn offer(&self, atr: &[u8]) -> Result<(), Trouble> {
        match self.ask(Ask::Offer { atr: Hex(atr.to_vec()) }).await? {
            Tell::Offered { .. } => Ok(()),
            other => Err(refusal(other)),
        }
    }

    /// What the chip answers. One that is not wanted any more is nobody's loss.
    pub(crate) async fn answer(&self, number: u32, bytes: Vec<u8>) {
        let _ = self.ask(Ask::Answer { number, bytes: Hex(bytes) }).await;
    }

    /// Takes the chip out of the virtual reader. A bridge that is gone has let it go.
    pub(crate) async fn withdraw(&self) {
        let _ = self.ask(Ask::Withdraw).await;
    }

    /// Ends the connection: the cards are free, and who waits for an answer gets none.
    pub(crate) fn close(&self) {
        // What it still says is no longer meant for anybody.
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
        let asked = std::mem::take(&mut *self.waiting.borrow_mut());
        drop(asked);
    }

    async fn ask(&self, ask: Ask) -> Result<Tell, Trouble> {
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        let (sender, receiver) = once::channel();
        self.waiting.borrow_mut().insert(id, sender);
        if self.socket.ready_state() != WebSocket::OPEN
            || self.socket.send_with_str(&Question { id, ask }.to_json()).is_err()
        {
            self.waiting.borrow_mut().remove(&id);
            return Err(gone());
        }
        let waiting = Rc::downgrade(&self.waiting);
        spawn_local(async move {
            later::after(PATIENCE).await;
            let late = waiting.upgrade().and_then(|waiting| waiting.borrow_mut().remove(&id));
            drop(late);
        });
        receiver.await.ok_or_else(gone)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.close();
    }
}

/// A card of a reader that the bridge has lent to this page.
pub(crate) struct BridgeCard {
    bridge: Rc<Bridge>,
    number: u32,
}

impl BridgeCard {
    /// Its number on this connection.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// What a refusal means for the card: one that is out is told of by it alone.
    fn refused(&self, tell: Tell) -> CardLost {
        if let Some(Why::Removed | Why::UnknownCard | Why::NoReader | Why::NoService) = reason(&tell) {
            (self.bridge.news)(News::Removed(self.number));
        }
        lost(refusal(tell))
    }
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok().flatten()
}

fn lost(trouble: Trouble) -> CardLost {
    CardLost(trouble.what)
}

fn gone() -> Trouble {
    Trouble::new(
        Text::new("The bridge is gone.", "ブリッジとの接続が切れました。"),
        Text::new(
            "Start card-bridge again, then connect again.",
            "card-bridge を起動し直してから、もう一度接続してください。",
        ),
    )
}

fn not_there(port: u16) -> Trouble {
    let origin = web_sys::window().and_then(|window| window.location().origin().ok()).unwrap_or_default();
    Trouble::new(
        text!("No bridge answers at port {port}.", "ポート {port} のブリッジが応答しません。"),
        text!(
            "Start it on this computer: card-bridge --origin {origin}. If it runs already, it was started for another address than this page’s, or the browser was not allowed to reach this computer.",
            "このコンピューターで起動してください: card-bridge --origin {origin}。すでに動いている場合は、別のアドレス用に起動されているか、ブラウザーにこのコンピューターへの接続が許可されていません。"
        ),
    )
}

fn other_version(version: u32) -> Trouble {
    Trouble::new(
        text!(
            "The bridge speaks version {version} of its protocol, this page version {VERSION}.",
            "ブリッジのプロトコルはバージョン {version}、このページはバージョン {VERSION} です。"
        ),
        Text::new(
            "Use the card-bridge of the same release as this page.",
            "このページと同じリリースの card-bridge を使ってください。",
        ),
    )
}

/// Why it is refused, if it is.
const fn reason(tell: &Tell) -> Option<Why> {
    match tell {
        Tell::Refused { why, .. } => Some(*why),
        _ => None,
    }
}

/// What is not the answer to what was asked.
fn refusal(tell: Tell) -> Trouble {
    let Tell::Refused { why, text, .. } = tell else { return gone() };
    let (what, advice) = match why {
        Why::WrongCode => (
            Text::new("That is not the code.", "コードが違います。"),
            Text::new(
                "Read it again on the bridge’s terminal.",
                "ブリッジの端末でもう一度確認してください。",
            ),
        ),
        Why::NoCode => (
            Text::new("The code has been used up or is too old.", "コードは無効か、期限切れです。"),
            Text::new(
                "Press Enter in the bridge’s terminal for a new one.",
                "ブリッジの端末で Enter を押すと、新しいコードが表示されます。",
            ),
        ),
        Why::NotPaired | Why::UnknownToken => (
            Text::new("The bridge does not know this page.", "ブリッジはこのページを知りません。"),
            Text::new(
                "Enter the code that its terminal shows.",
                "ブリッジの端末に表示されているコードを入力してください。",
            ),
        ),
        Why::NoService => (
            Text::new(
                "The computer’s smart card service is not running.",
                "コンピューターのスマートカードサービスが動いていません。",
            ),
            Text::new(
                "Start it (Linux: pcscd), then look for readers again.",
                "サービスを起動してから (Linux では pcscd)、もう一度リーダーを探してください。",
            ),
        ),
        Why::NoReader => (
            Text::new("The reader is not there any more.", "リーダーが見つかりません。"),
            Text::new("Plug it in again.", "もう一度接続してください。"),
        ),
        Why::NoCard | Why::Removed | Why::UnknownCard => (
            Text::new("The card is not in the reader.", "リーダーにカードがありません。"),
            Text::new("Put it in again.", "もう一度挿入してください。"),
        ),
        Why::Mute => (
            Text::new("The card does not answer a reset.", "カードがリセットに応答しません。"),
            Text::new(
                "It may be upside down; take it out and put it in again.",
                "裏返しになっている可能性があります。抜いて挿し直してください。",
            ),
        ),
        Why::Taken => (
            Text::new(
                "Another program or page has the card.",
                "別のプログラムまたはページがカードを使用しています。",
            ),
            Text::new(
                "Close that one, then connect again.",
                "そちらを閉じてから、もう一度接続してください。",
            ),
        ),
        Why::TooMany => (
            Text::new(
                "This page has as many cards as it may.",
                "このページで使えるカードの数が上限に達しています。",
            ),
            Text::new("Give one back first.", "先に一枚を返却してください。"),
        ),
        Why::NoVirtualReader => {
            return Trouble::new(
                text!(
                    "The bridge has no virtual reader: {text}.",
                    "ブリッジに仮想リーダーがありません: {text}。"
                ),
                Text::new(
                    "Install vsmartcard-vpcd, start pcscd, and start the bridge with --vpcd.",
                    "vsmartcard-vpcd をインストールし、pcscd を起動してから、--vpcd を付けてブリッジを起動してください。",
                ),
            );
        }
        Why::Malformed | Why::Command | Why::NotAsked | Why::Failed => {
            return Trouble::new(
                text!("The bridge refuses: {text}.", "ブリッジが拒否しました: {text}。"),
                Text::new("Connect again.", "もう一度接続してください。"),
            );
        }
    };
    Trouble::new(what.owned(), advice.owned())
}

impl RealCard for BridgeCard {
    fn transmit<'a>(&'a self, apdu: &'a [u8]) -> Later<'a, Result<Vec<u8>, CardLost>> {
        Box::pin(async move {
            if apdu.len() > MAX_COMMAND {
                return Err(CardLost(text!(
                    "the bridge takes commands of at most {MAX_COMMAND} bytes",
                    "ブリッジが受け付けるコマンドは {MAX_COMMAND} バイトまでです"
                )));
            }
            let ask = Ask::Transmit { card: self.number, apdu: Hex(apdu.to_vec()) };
            match self.bridge.ask(ask).await.map_err(lost)? {
                Tell::Response { apdu, .. } => Ok(apdu.0),
                other => Err(self.refused(other)),
            }
        })
    }

    fn reset(&self) -> Later<'_, Result<Vec<u8>, CardLost>> {
        Box::pin(async move {
            match self.bridge.ask(Ask::Reset { card: self.number }).await.map_err(lost)? {
                Tell::Reset { atr, .. } => Ok(atr.0),
                other => Err(self.refused(other)),
            }
        })
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async move {
            // A bridge that is gone has let it go.
            let _ = self.bridge.ask(Ask::Disconnect { card: self.number }).await;
        })
    }
}
