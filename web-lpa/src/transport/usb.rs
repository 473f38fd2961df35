//! A card in a USB reader that the page drives itself (WebUSB). How readers are spoken to stands in
//! crate `ccid`; here its effects become transfers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ccid::descriptor::Interface;
use ccid::message::{Icc, Notice};
use ccid::{Driver, Effect, Error, Event, Options, Procedure, Recipient, RequestKind, Setup, Step, Unfit};
use js_sys::{Array, DataView, Function, Object, Promise, Reflect, Uint8Array};
use lpa::CardLost;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use words::{Text, text};

use super::card::{Later, RealCard};
use super::chip::words;
use super::later;
use crate::road::Trouble;

// What is used of WebUSB <https://wicg.github.io/webusb/>. web-sys has it behind a flag that changes
// others of its types too.
#[wasm_bindgen]
extern "C" {
    type Usb;

    #[wasm_bindgen(method, js_name = requestDevice)]
    fn request_device(this: &Usb, options: &JsValue) -> Promise;

    #[wasm_bindgen(method, js_name = addEventListener)]
    fn add_event_listener(this: &Usb, kind: &str, listener: &Function);

    /// A device that the person has granted to this page.
    #[derive(Clone)]
    pub(crate) type UsbDevice;

    #[wasm_bindgen(method, getter, js_name = productName)]
    fn product_name(this: &UsbDevice) -> Option<String>;

    #[wasm_bindgen(method, getter, js_name = vendorId)]
    fn vendor(this: &UsbDevice) -> u16;

    #[wasm_bindgen(method, getter, js_name = productId)]
    fn product(this: &UsbDevice) -> u16;

    #[wasm_bindgen(method, getter, js_name = serialNumber)]
    fn serial_number(this: &UsbDevice) -> Option<String>;

    #[wasm_bindgen(method)]
    fn open(this: &UsbDevice) -> Promise;

    #[wasm_bindgen(method)]
    fn close(this: &UsbDevice) -> Promise;

    #[wasm_bindgen(method, js_name = selectConfiguration)]
    fn select_configuration(this: &UsbDevice, value: u8) -> Promise;

    #[wasm_bindgen(method, js_name = claimInterface)]
    fn claim_interface(this: &UsbDevice, number: u8) -> Promise;

    #[wasm_bindgen(method, js_name = selectAlternateInterface)]
    fn select_alternate_interface(this: &UsbDevice, number: u8, alternate: u8) -> Promise;

    #[wasm_bindgen(method, js_name = controlTransferIn)]
    fn control_transfer_in(this: &UsbDevice, setup: &JsValue, length: u16) -> Promise;

    #[wasm_bindgen(method, js_name = controlTransferOut)]
    fn control_transfer_out(this: &UsbDevice, setup: &JsValue, data: &Uint8Array) -> Promise;

    #[wasm_bindgen(method, js_name = transferIn)]
    fn transfer_in(this: &UsbDevice, endpoint: u8, length: u32) -> Promise;

    #[wasm_bindgen(method, js_name = transferOut)]
    fn transfer_out(this: &UsbDevice, endpoint: u8, data: &Uint8Array) -> Promise;

    #[wasm_bindgen(method, js_name = clearHalt)]
    fn clear_halt(this: &UsbDevice, direction: &str, endpoint: u8) -> Promise;
}

/// How long a transfer may take that does not wait for the card.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often in a row a reader's notices may fail before no more is expected of them.
const MAX_DEAF: u32 = 8;

/// What happens to a reader by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The reader tells that its card was taken out, or it was unplugged.
    Out,
    /// The reader tells that there is a card in it.
    In,
    /// The connection to the card has ended so. Unless it says that there is none, it can be powered
    /// anew: of that no notice need come.
    Lost(Error),
}

/// Who is told.
type Listener = Rc<dyn Fn(News)>;

/// The card of a reader that this page has to itself.
pub(crate) struct UsbCard {
    line: Rc<Line>,
    driver: Driver,
    slot: u8,
    name: String,
    /// Whether the reader tells by itself that a card was put in or taken out.
    tells: bool,
    /// The card that was powered is not there any more: what is, is not spoken with as if it were.
    swapped: Cell<bool>,
    news: RefCell<Option<Listener>>,
}

impl UsbCard {
    /// Takes the reader that the person has granted, and powers the card in it.
    ///
    /// # Errors
    /// When the browser or the system does not let the page have it, when it is no reader that
    /// this driver can serve, and when no card answers in it.
    pub(crate) async fn open(device: UsbDevice) -> Result<Self, Trouble> {
        let name = name(&device);
        let line = Rc::new(Line { device, gone: Cell::new(false), late: RefCell::default() });
        line.call(line.device.open()).await.map_err(|refusal| refusal.trouble(&name))?;
        let opened = Self::begin(Rc::clone(&line), name).await;
        if opened.is_err() {
            let _ = line.call(line.device.close()).await;
        }
        opened
    }

    async fn begin(line: Rc<Line>, name: String) -> Result<Self, Trouble> {
        let found = line.drive(ccid::discover()).await.map_err(told)?;
        let Some(reader) = found.readers.into_iter().next() else {
            return Err(Trouble::new(
                text!("{name} is no card reader.", "{name} はカードリーダーではありません。"),
                Text::new("Choose another device.", "別の機器を選んでください。"),
            )
            .lasting());
        };
        line.claim(&reader).await.map_err(|refusal| match refusal {
            // Not only this driver's word for it: the browser's.
            Refusal::Protected => protected(&name),
            other => other.trouble(&name),
        })?;
        let tells = reader.interrupt.is_some();
        let driver = Driver::new(found.identity, reader, Options::default()).map_err(told)?;
        if let Some(unfit @ Unfit::Contactless) = driver.quirks().unfit {
            return Err(Trouble::new(named(&name, unfit.words()), Text::<String>::default()).lasting());
        }
        let (swapped, news) = (Cell::new(false), RefCell::default());
        let mut card = Self { line, driver, slot: 0, name, tells, swapped, news };
        let mut error = None;
        for slot in (0..=u8::MAX).take(card.driver.slots()) {
            if matches!(card.line.drive(card.driver.status(slot)).await, Ok(Icc::Active | Icc::Inactive)) {
                card.slot = slot;
                match card.power().await {
                    Ok(_) => return Ok(card),
                    Err(failed) => error = Some(failed),
                }
            }
        }
        // The card need not be to blame.
        if let (Some(error), Some(unfit)) = (&error, card.driver.quirks().unfit) {
            return Err(Trouble::new(error.words(), named(&card.name, unfit.words())).lasting());
        }
        Err(error.map_or_else(
            || {
                Trouble::new(
                    text!("There is no card in {}.", "{} にカードがありません。", card.name),
                    Text::new(
                        "Put it in, then choose the reader again.",
                        "挿入してから、もう一度リーダーを選んでください。",
                    ),
                )
            },
            told,
        ))
    }

    /// The reader's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is in this device.
    pub(crate) fn is_in(&self, device: &UsbDevice) -> bool {
        Object::is(&self.line.device, device)
    }

    /// Tells when the card is taken out and when one is put in, as long as the reader is there and
    /// tells it.
    pub(crate) fn follow(self: &Rc<Self>, news: impl Fn(News) + 'static) {
        let news: Listener = Rc::new(news);
        *self.news.borrow_mut() = Some(Rc::clone(&news));
        if !self.tells {
            return;
        }
        let card = Rc::downgrade(self);
        spawn_local(async move {
            let mut deaf = 0;
            loop {
                let Some((line, driver, slot)) =
                    card.upgrade().map(|card| (Rc::clone(&card.line), card.driver.clone(), card.slot))
                else {
                    return;
                };
                match line.drive(driver.notice()).await {
                    Ok(notices) => {
                        deaf = 0;
                        for notice in notices {
                            if let Notice::SlotChange { slot: changed, present } = notice
                                && changed == slot
                            {
                                news(if present { News::In } else { News::Out });
                            }
                        }
                    }
                    Err(Error::Unplugged) => return news(News::Out),
                    // One transfer that fails is no reason to hear nothing more. A reader that goes
                    // on so does not tell it: a command that gets no answer will.
                    Err(_) if deaf < MAX_DEAF => {
                        deaf += 1;
                        drop((line, driver));
                        later::after(100 * deaf).await;
                    }
                    Err(_) => return,
                }
            }
        });
    }

    /// The card has been out, and another one may be in: what was known of it is no more.
    fn is_swapped(&self, error: &Error) {
        self.swapped.set(true);
        let news = self.news.borrow().clone();
        if let Some(news) = news {
            news(News::Lost(*error));
        }
    }

    /// Powers the card anew; returns the answer to reset.
    pub(crate) async fn power(&self) -> Result<Vec<u8>, Error> {
        // What is not powered need not be switched off.
        let _ = self.line.drive(self.driver.disconnect(self.slot)).await;
        let connection = self.line.drive(self.driver.connect(self.slot)).await?;
        self.swapped.set(false);
        Ok(connection.atr.bytes().to_vec())
    }
}

/// By what a device is known again that is plugged in again: vendor, product, and the serial number
/// of those that have one.
pub(crate) fn identity(device: &UsbDevice) -> (u16, u16, Option<String>) {
    (device.vendor(), device.product(), device.serial_number())
}

/// What a device calls itself.
pub(crate) fn name(device: &UsbDevice) -> String {
    device.product_name().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "USB".to_owned())
}

/// Lets the person choose a reader: those of the class that browsers keep from pages too, so that
/// the page can say why.
///
/// # Errors
/// When none was chosen.
pub(crate) async fn choose() -> Result<UsbDevice, Trouble> {
    let usb = usb().ok_or_else(nothing_chosen)?;
    let filter = |fields: &[(&str, u16)]| {
        let filter = Object::new();
        for (name, value) in fields {
            let _ = Reflect::set(&filter, &(*name).into(), &(*value).into());
        }
        filter
    };
    let filters = Array::new();
    filters.push(&filter(&[("classCode", 0x0B)]));
    // Those of vendor class that are in no list: what they are, their descriptors say.
    filters.push(&filter(&[("classCode", 0xFF)]));
    for (vendor, product) in ccid::VENDOR_CLASS_READERS {
        filters.push(&filter(&[("vendorId", vendor), ("productId", product)]));
    }
    let options = Object::new();
    let _ = Reflect::set(&options, &"filters".into(), &filters);
    let chosen = JsFuture::from(usb.request_device(&options)).await.map_err(|_| nothing_chosen())?;
    Ok(chosen.unchecked_into())
}

/// Whether this browser has USB devices for pages.
pub(crate) fn is_there() -> bool {
    usb().is_some()
}

/// Tells of every granted device that is plugged in or pulled out from now on.
pub(crate) fn follow(plugged: impl Fn(UsbDevice) + 'static, pulled: impl Fn(UsbDevice) + 'static) {
    let Some(usb) = usb() else { return };
    let listener = |told: Box<dyn Fn(UsbDevice)>| {
        Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            if let Ok(device) = Reflect::get(&event, &"device".into()) {
                told(device.unchecked_into());
            }
        })
        .into_js_value()
    };
    usb.add_event_listener("connect", listener(Box::new(plugged)).unchecked_ref());
    usb.add_event_listener("disconnect", listener(Box::new(pulled)).unchecked_ref());
}

fn usb() -> Option<Usb> {
    let navigator = web_sys::window()?.navigator();
    let usb = Reflect::get(&navigator, &"usb".into()).ok()?;
    usb.is_object().then(|| usb.unchecked_into())
}

/// A device, and the transfers that came too late for who waited.
struct Line {
    device: UsbDevice,
    gone: Cell<bool>,
    /// A transfer can't be called off: the next one from this endpoint takes its bytes.
    late: RefCell<HashMap<u8, Promise>>,
}

/// Why the browser or the system says no.
enum Refusal {
    /// The interface is of a class that pages may not have.
    Protected,
    /// The system has it, or another program.
    Held(String),
    /// It is not there any more.
    Gone,
    /// It does not answer.
    Late,
    /// Something else, in the browser's words.
    Other(String),
}

impl Refusal {
    fn of(error: &JsValue) -> Self {
        let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
        match name.as_deref() {
            Some("SecurityError") => Self::Protected,
            Some("NetworkError" | "InvalidStateError") => Self::Held(words(error)),
            Some("NotFoundError") => Self::Gone,
            _ => Self::Other(words(error)),
        }
    }

    fn trouble(self, name: &str) -> Trouble {
        match self {
            // Opening is refused so where the system keeps the device from the browser.
            Self::Protected => Trouble::new(
                text!(
                    "The system does not let the browser open {name}.",
                    "システムが {name} の使用をブラウザーに許可していません。"
                ),
                Text::new(
                    "On Linux a udev rule grants it; on Windows the reader has to be bound to WinUSB. Or use the bridge.",
                    "Linux では udev ルール、Windows では WinUSB ドライバーの割り当てが必要です。または、ブリッジを使ってください。",
                ),
            ),
            Self::Held(said) => Trouble::new(
                text!(
                    "Another program has {name}: {said}",
                    "別のプログラムが {name} を使用しています: {said}"
                ),
                Text::new(
                    "Stop the smart card service (Linux: pcscd.socket and pcscd), or use the bridge, which works with it.",
                    "スマートカードサービス (Linux では pcscd.socket と pcscd) を停止するか、サービスと併用できるブリッジを使ってください。",
                ),
            ),
            Self::Gone | Self::Late => Trouble::new(
                text!("{name} is not there any more.", "{name} が見つかりません。"),
                Text::new("Plug it in again.", "もう一度接続してください。"),
            ),
            Self::Other(said) => Trouble::new(
                text!("{name} can’t be used: {said}", "{name} を使えません: {said}"),
                Text::new("Plug it in again, or use the bridge.", "接続し直すか、ブリッジを使ってください。"),
            ),
        }
    }
}

impl Line {
    /// A transfer that is not one of waiting: WebUSB itself would wait for ever.
    async fn soon(&self, promise: Promise) -> Result<JsValue, Refusal> {
        let first = Promise::race(&Array::of2(&promise, &after(PATIENCE)));
        match self.call(first).await {
            Ok(result) if result.is_undefined() => Err(Refusal::Late),
            result => result,
        }
    }

    async fn call(&self, promise: Promise) -> Result<JsValue, Refusal> {
        JsFuture::from(promise).await.map_err(|error| {
            let refusal = Refusal::of(&error);
            if matches!(refusal, Refusal::Gone) {
                self.gone.set(true);
            }
            refusal
        })
    }

    async fn claim(&self, reader: &Interface) -> Result<(), Refusal> {
        self.call(self.device.select_configuration(reader.configuration)).await?;
        self.call(self.device.claim_interface(reader.number)).await?;
        if reader.alternate != 0 {
            self.call(self.device.select_alternate_interface(reader.number, reader.alternate)).await?;
        }
        Ok(())
    }

    /// Performs the effects of a procedure until it is over.
    async fn drive<T: 'static>(&self, mut procedure: Procedure<T>) -> Result<T, Error> {
        let mut event = Event::Begin;
        loop {
            event = match procedure.resume(event) {
                Step::Done(result) => return result,
                Step::Do(effect) => self.perform(effect).await,
            };
        }
    }

    async fn perform(&self, effect: Effect) -> Event {
        if self.gone.get() {
            return Event::Unplugged;
        }
        let device = &self.device;
        let result = match effect {
            Effect::ControlIn { setup, length } => {
                self.soon(device.control_transfer_in(&fields(setup), length)).await.map(received)
            }
            Effect::ControlOut { setup, data } => {
                let data = Uint8Array::from(&data[..]);
                self.soon(device.control_transfer_out(&fields(setup), &data)).await.map(sent)
            }
            Effect::BulkOut { endpoint, data } => {
                let data = Uint8Array::from(&data[..]);
                self.soon(device.transfer_out(endpoint & 15, &data)).await.map(sent)
            }
            Effect::BulkIn { endpoint, length, timeout } => {
                let promise = self.late.borrow_mut().remove(&endpoint);
                let promise = promise.unwrap_or_else(|| device.transfer_in(endpoint & 15, length as u32));
                let timer = after(timeout);
                let first = Promise::race(&Array::of2(&promise, &timer));
                match self.call(first).await {
                    Ok(result) if result.is_undefined() => {
                        self.late.borrow_mut().insert(endpoint, promise);
                        return Event::Timeout;
                    }
                    result => result.map(received),
                }
            }
            Effect::InterruptIn { endpoint, length } => {
                self.call(device.transfer_in(endpoint & 15, length as u32)).await.map(received)
            }
            Effect::ClearHalt { endpoint } => {
                let direction = if endpoint & 0x80 == 0 { "out" } else { "in" };
                self.call(device.clear_halt(direction, endpoint & 15)).await.map(|_| Event::Continue)
            }
            Effect::Wait(duration) => {
                later::after(milliseconds(duration)).await;
                Ok(Event::Continue)
            }
            Effect::Report(_) => Ok(Event::Continue),
        };
        match result {
            Ok(event) => event,
            Err(Refusal::Gone) => Event::Unplugged,
            // A transfer that failed is one that the reader refuses.
            Err(_) if self.gone.get() => Event::Unplugged,
            Err(_) => Event::Stall,
        }
    }
}

fn fields(setup: Setup) -> JsValue {
    let object = Object::new();
    let kind = match setup.kind {
        RequestKind::Standard => "standard",
        RequestKind::Class => "class",
    };
    let recipient = match setup.recipient {
        Recipient::Device => "device",
        Recipient::Interface => "interface",
    };
    for (name, value) in [
        ("requestType", JsValue::from(kind)),
        ("recipient", recipient.into()),
        ("request", setup.request.into()),
        ("value", setup.value.into()),
        ("index", setup.index.into()),
    ] {
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

fn is_ok(result: &JsValue) -> bool {
    Reflect::get(result, &"status".into()).is_ok_and(|status| status.as_string().as_deref() == Some("ok"))
}

fn sent(result: JsValue) -> Event {
    if is_ok(&result) { Event::Sent } else { Event::Stall }
}

fn received(result: JsValue) -> Event {
    if !is_ok(&result) {
        return Event::Stall;
    }
    let view = Reflect::get(&result, &"data".into()).ok().and_then(|data| data.dyn_into::<DataView>().ok());
    Event::Received(view.map_or_else(Vec::new, |view| {
        let (from, length) = (view.byte_offset() as u32, view.byte_length() as u32);
        Uint8Array::new_with_byte_offset_and_length(&view.buffer(), from, length).to_vec()
    }))
}

fn after(long: Duration) -> Promise {
    let long = milliseconds(long);
    wasm_bindgen_futures::future_to_promise(async move {
        later::after(long).await;
        Ok(JsValue::UNDEFINED)
    })
}

fn milliseconds(long: Duration) -> u32 {
    u32::try_from(long.as_millis()).unwrap_or(u32::MAX)
}

fn lost(error: Error) -> CardLost {
    CardLost(error.words())
}

/// What the driver says, which says what to do as well.
pub(crate) fn told(error: Error) -> Trouble {
    let trouble = Trouble::new(error.words(), Text::<String>::default());
    if matches!(error, Error::CharacterLevel | Error::Descriptor(_) | Error::NoProtocol) {
        trouble.lasting()
    } else {
        trouble
    }
}

/// What is said of a reader by its name.
fn named(name: &str, words: Text) -> Text<String> {
    Text::new(format!("{name}: {}", words.en), format!("{name}: {}", words.ja))
}

fn protected(name: &str) -> Trouble {
    Trouble::new(
        text!(
            "{name} is of the class “smart card”, which browsers keep from pages.",
            "{name} は「スマートカード」クラスの機器で、ブラウザーはページに渡しません。"
        ),
        Text::new(
            "Use the bridge, which has every reader of this computer. Or install this page as an Isolated Web App, which may have any reader (docs/isolated-web-app.md says how).",
            "このコンピューターのどのリーダーでも使えるブリッジを使ってください。または、どのリーダーも使える Isolated Web App としてこのページをインストールしてください (手順は docs/isolated-web-app.md)。",
        ),
    )
    .lasting()
}

fn nothing_chosen() -> Trouble {
    Trouble::new(
        Text::new("No reader was chosen.", "リーダーが選択されませんでした。"),
        Text::new(
            "Plug it in and press the button again. A reader that is not in the list is not one that pages can have: use the bridge.",
            "接続してからもう一度ボタンを押してください。一覧にないリーダーはページから使えません。ブリッジを使ってください。",
        ),
    )
}

impl RealCard for UsbCard {
    fn transmit<'a>(&'a self, apdu: &'a [u8]) -> Later<'a, Result<Vec<u8>, CardLost>> {
        Box::pin(async move {
            if self.swapped.get() {
                return Err(lost(Error::CardReset));
            }
            let answer = match self.driver.connection(self.slot) {
                Some(_) => self.line.drive(self.driver.transmit(self.slot, apdu)).await,
                // After a failure the driver wants the card to be begun with anew.
                None => Err(Error::CardReset),
            };
            match &answer {
                Err(error @ (Error::CardReset | Error::CardRemoved)) => self.is_swapped(error),
                // A card that has to be powered anew may be another one, which no reader tells: it is
                // looked at before anything is done to it.
                Err(error) if self.driver.connection(self.slot).is_none() => self.is_swapped(error),
                _ => {}
            }
            answer.map_err(lost)
        })
    }

    fn reset(&self) -> Later<'_, Result<Vec<u8>, CardLost>> {
        Box::pin(async move {
            if self.swapped.get() {
                return Err(lost(Error::CardReset));
            }
            self.power().await.map_err(lost)
        })
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async move {
            // A reader that is gone has no power anyway.
            let _ = self.line.drive(self.driver.disconnect(self.slot)).await;
            let _ = self.line.call(self.line.device.close()).await;
        })
    }
}
