//! A card in a modem, over a serial port that the person has chosen (Web Serial). How a modem is
//! asked stands in crate `at`; here bytes and time pass.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use at::{Failure, Host, Options, Step, Wait};
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use lpa::CardLost;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ReadableStream, ReadableStreamDefaultReader, WritableStream, WritableStreamDefaultWriter};
use words::{Text, text};

use super::card::{Gone, Later, RealCard};
use super::chip::words;
use super::{later, once};
use crate::road::Trouble;
use crate::said;

// What is used of Web Serial <https://wicg.github.io/serial/>. web-sys has it behind a flag that
// changes others of its types too.
#[wasm_bindgen]
extern "C" {
    type Serial;

    #[wasm_bindgen(method, js_name = requestPort)]
    fn request_port(this: &Serial) -> Promise;

    #[derive(Clone)]
    type SerialPort;

    #[wasm_bindgen(method)]
    fn open(this: &SerialPort, options: &JsValue) -> Promise;

    #[wasm_bindgen(method)]
    fn close(this: &SerialPort) -> Promise;

    #[wasm_bindgen(method, getter)]
    fn readable(this: &SerialPort) -> Option<ReadableStream>;

    #[wasm_bindgen(method, getter)]
    fn writable(this: &SerialPort) -> WritableStream;
}

/// What modems at USB ports take for whatever it is set to; at a real line the usual speed.
const BAUD: u32 = 115_200;

/// What the browser keeps of what comes, in bytes.
const BUFFER: u32 = 64 * 1024;

/// How long the port may take to send a command, in milliseconds.
const SENDING: u32 = 10_000;

/// Most bytes that wait to be looked at: a line that never stops is no modem's.
const MOST: usize = 1 << 20;

/// A card in a modem.
pub(crate) struct ModemCard {
    host: RefCell<Host>,
    line: Line,
    /// Who is told once that the card is out.
    out: Box<dyn Fn(Gone)>,
}

impl ModemCard {
    /// Asks the person for a port, and the modem there for its way to the card.
    ///
    /// # Errors
    /// When none was chosen, or no modem answers there.
    pub(crate) async fn open(gone: impl Fn(Gone) + Clone + 'static) -> Result<Self, Trouble> {
        let serial = serial().ok_or_else(nothing_chosen)?;
        let chosen = JsFuture::from(serial.request_port()).await.map_err(|_| nothing_chosen())?;
        let port: SerialPort = chosen.unchecked_into();
        let options = Object::new();
        let _ = Reflect::set(&options, &"baudRate".into(), &BAUD.into());
        // The usual 255 are soon overrun.
        let _ = Reflect::set(&options, &"bufferSize".into(), &BUFFER.into());
        JsFuture::from(port.open(&options)).await.map_err(|error| not_opened(&error))?;
        let unplugged = gone.clone();
        let line = match Line::new(port.clone(), move || unplugged(Gone::Modem)) {
            Ok(line) => line,
            Err(error) => {
                let _ = JsFuture::from(port.close()).await;
                return Err(not_opened(&error));
            }
        };
        let modem = Self { host: RefCell::new(Host::new(Options::default())), line, out: Box::new(gone) };
        let started = modem.host.borrow_mut().start();
        let result = match started {
            Ok(()) => modem.drive().await,
            Err(_) => Err(Failure::NoModem),
        };
        match result {
            Ok(_) => Ok(modem),
            Err(failure) => {
                modem.line.close().await;
                Err(no_card(&failure))
            }
        }
    }

    /// Sends a command APDU.
    async fn exchange(&self, apdu: &[u8]) -> Result<Vec<u8>, CardLost> {
        // What came since then answers nothing.
        let stale = self.line.came.take();
        self.host.borrow_mut().read(&stale);
        if self.host.borrow_mut().transmit(apdu).is_err() {
            let busy =
                Text::new("the modem is busy with another command", "モデムは別のコマンドを実行中です");
            return Err(CardLost(busy.owned()));
        }
        let done = self.drive().await;
        if let Err(Failure::Refused(cme)) = &done
            && cme.is_card_out()
        {
            // The port is free for who chooses it again: no modem tells when a card is put in.
            self.line.close().await;
            (self.out)(Gone::CardOfModem);
        }
        done.map_err(|failure| CardLost(in_words(&failure)))
    }

    async fn close_channels(&self) {
        let open: Vec<u8> = self.host.borrow().open_channels().collect();
        for channel in open {
            let _ = self.exchange(&[0x00, apdu::ins::MANAGE_CHANNEL, 0x80, channel, 0x00]).await;
        }
    }

    /// Passes bytes and time until what was begun is done.
    async fn drive(&self) -> Result<Vec<u8>, Failure> {
        // From the last byte that went out, and the last that came.
        let (mut written, mut came) = (now(), now());
        loop {
            let step = self.host.borrow_mut().step();
            match step {
                Step::Write(bytes) => {
                    if self.line.write(&bytes).await.is_err() {
                        self.host.borrow_mut().give_up();
                        return Err(Failure::NoModem);
                    }
                    written = now();
                }
                Step::Read(wait) => {
                    let end = match wait {
                        Wait::Answer(long) => written + milliseconds(long),
                        Wait::Quiet(long) => came + milliseconds(long),
                    };
                    match self.line.arrive(end - now()).await {
                        Arrived::Bytes(bytes) => {
                            came = now();
                            self.host.borrow_mut().read(&bytes);
                        }
                        Arrived::Nothing => self.host.borrow_mut().time_out(),
                        Arrived::Gone => {
                            self.host.borrow_mut().give_up();
                            return Err(Failure::NoModem);
                        }
                    }
                }
                Step::Done(result) => return result,
                Step::Rest => return Err(Failure::Garbled),
            }
        }
    }
}

/// The serial line: what comes is kept until it is looked at.
struct Line {
    port: SerialPort,
    reader: Rc<RefCell<ReadableStreamDefaultReader>>,
    writer: WritableStreamDefaultWriter,
    came: Rc<Came>,
}

#[derive(Default)]
struct Came {
    bytes: RefCell<VecDeque<u8>>,
    gone: Cell<bool>,
    /// The page closes it itself: nobody has to be told.
    closing: Cell<bool>,
    /// Who waits, and for which time.
    waits: RefCell<Option<(u32, once::Sender<()>)>>,
    turn: Cell<u32>,
}

enum Arrived {
    Bytes(Vec<u8>),
    Nothing,
    Gone,
}

impl Line {
    fn new(port: SerialPort, gone: impl Fn() + 'static) -> Result<Self, JsValue> {
        let (mut from, reader) = reader_of(&port)?;
        let reader = Rc::new(RefCell::new(reader));
        let writer = port.writable().get_writer()?;
        let came = Rc::new(Came::default());
        let (stream, kept) = (Rc::clone(&reader), Rc::clone(&came));
        let (readable, writable) = (port.clone(), writer.clone());
        spawn_local(async move {
            loop {
                let now = stream.borrow().clone();
                match JsFuture::from(now.read()).await {
                    Ok(chunk) => {
                        if Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy()) {
                            break;
                        }
                        if let Ok(bytes) =
                            Reflect::get(&chunk, &"value".into()).unwrap_or_default().dyn_into::<Uint8Array>()
                        {
                            kept.put(&bytes.to_vec());
                        }
                    }
                    // A line that was disturbed has another stream; one that is gone has none.
                    Err(_) => {
                        now.release_lock();
                        match reader_of(&readable) {
                            Ok((next, reader)) if !kept.closing.get() && !Object::is(&next, &from) => {
                                from = next;
                                *stream.borrow_mut() = reader;
                            }
                            _ => break,
                        }
                    }
                }
            }
            kept.gone.set(true);
            kept.wake();
            if !kept.closing.get() {
                gone();
                let _ = JsFuture::from(writable.abort()).await;
                stream.borrow().release_lock();
                writable.release_lock();
                let _ = JsFuture::from(readable.close()).await;
            }
        });
        Ok(Self { port, reader, writer, came })
    }

    async fn write(&self, bytes: &[u8]) -> Result<(), JsValue> {
        let late = wasm_bindgen_futures::future_to_promise(async {
            later::after(SENDING).await;
            Err(JsValue::from("the port takes nothing"))
        });
        let written = self.writer.write_with_chunk(&Uint8Array::from(bytes));
        JsFuture::from(Promise::race(&Array::of2(&written, &late))).await.map(drop)
    }

    /// What comes within so many milliseconds.
    async fn arrive(&self, long: f64) -> Arrived {
        let came = &self.came;
        if came.bytes.borrow().is_empty() && !came.gone.get() && long > 0.0 {
            let turn = came.turn.get().wrapping_add(1);
            came.turn.set(turn);
            let (sender, receiver) = once::channel();
            *came.waits.borrow_mut() = Some((turn, sender));
            let kept = Rc::clone(came);
            spawn_local(async move {
                later::after(long.ceil() as u32).await;
                // Only who still waits for this end.
                if kept.waits.borrow().as_ref().is_some_and(|(waits, _)| *waits == turn) {
                    kept.wake();
                }
            });
            receiver.await;
        }
        let bytes = came.take();
        match (bytes.is_empty(), came.gone.get()) {
            (false, _) => Arrived::Bytes(bytes),
            (true, true) => Arrived::Gone,
            (true, false) => Arrived::Nothing,
        }
    }

    async fn close(&self) {
        self.came.closing.set(true);
        // A port that was pulled out is closed already.
        let reader = self.reader.borrow().clone();
        let _ = JsFuture::from(reader.cancel()).await;
        let _ = JsFuture::from(self.writer.abort()).await;
        reader.release_lock();
        self.writer.release_lock();
        let _ = JsFuture::from(self.port.close()).await;
    }
}

impl Came {
    fn put(&self, bytes: &[u8]) {
        let mut waiting = self.bytes.borrow_mut();
        waiting.extend(bytes);
        let over = waiting.len().saturating_sub(MOST);
        waiting.drain(..over);
        drop(waiting);
        self.wake();
    }

    fn take(&self) -> Vec<u8> {
        self.bytes.borrow_mut().drain(..).collect()
    }

    fn wake(&self) {
        let waits = self.waits.borrow_mut().take();
        drop(waits);
    }
}

/// The stream of what comes, and who reads it.
fn reader_of(port: &SerialPort) -> Result<(ReadableStream, ReadableStreamDefaultReader), JsValue> {
    let stream = port.readable().ok_or("the port is gone")?;
    let reader = stream.get_reader().dyn_into().map_err(JsValue::from)?;
    Ok((stream, reader))
}

/// Whether this browser has serial ports for pages.
pub(crate) fn is_there() -> bool {
    serial().is_some()
}

fn serial() -> Option<Serial> {
    let navigator = web_sys::window()?.navigator();
    let serial = Reflect::get(&navigator, &"serial".into()).ok()?;
    serial.is_object().then(|| serial.unchecked_into())
}

fn now() -> f64 {
    crate::model::now()
}

fn milliseconds(long: Duration) -> f64 {
    long.as_secs_f64() * 1000.0
}

fn nothing_chosen() -> Trouble {
    Trouble::new(
        Text::new("No port was chosen.", "ポートが選択されませんでした。"),
        Text::new(
            "Plug the modem in, press the button again and choose its AT port; modems often have several.",
            "モデムを接続してもう一度ボタンを押し、AT コマンド用のポートを選んでください。モデムには複数のポートがあることが多いです。",
        ),
    )
}

fn not_opened(error: &JsValue) -> Trouble {
    let said = words(error);
    Trouble::new(
        text!("The port can’t be opened: {said}", "ポートを開けません: {said}"),
        Text::new(
            "Close the program that uses it (on Linux often ModemManager), then try again.",
            "このポートを使っているプログラム (Linux では多くの場合 ModemManager) を終了してから、もう一度試してください。",
        ),
    )
}

/// What the driver of modems says. The modem's own words stay as they are.
fn in_words(failure: &Failure) -> Text<String> {
    let en = failure.to_string();
    let ja = match failure {
        Failure::NoModem => "このポートに AT コマンドに応答するものがありません".to_owned(),
        Failure::NoWay => "モデムが開始されていないか、カードにコマンドを渡しません".to_owned(),
        Failure::Refused(cme) => format!("モデムが拒否しました: {cme}"),
        Failure::Silent => "モデムが時間内に応答しません".to_owned(),
        Failure::Garbled => "モデムの応答を解釈できません".to_owned(),
        Failure::Command => "短いコマンド APDU ではありません".to_owned(),
    };
    Text::new(en, ja)
}

fn no_card(failure: &Failure) -> Trouble {
    match failure {
        Failure::NoWay => Trouble::new(
            Text::new(
                "The modem passes no commands on to its card.",
                "このモデムはカードにコマンドを渡しません。",
            ),
            Text::new(
                "It knows neither AT+CCHO nor AT+CSIM, or both are locked. Use a reader or another modem.",
                "AT+CCHO も AT+CSIM も使えないか、ロックされています。リーダーか別のモデムを使ってください。",
            ),
        ),
        failure => Trouble::new(
            said::with(
                Text::new("No modem answers at this port: {}.", "このポートのモデムが応答しません: {}。"),
                &in_words(failure),
            ),
            Text::new("Choose another of the modem’s ports.", "モデムの別のポートを選んでください。"),
        ),
    }
}

impl RealCard for ModemCard {
    fn transmit<'a>(&'a self, apdu: &'a [u8]) -> Later<'a, Result<Vec<u8>, CardLost>> {
        Box::pin(self.exchange(apdu))
    }

    fn reset(&self) -> Later<'_, Result<Vec<u8>, CardLost>> {
        // The modem has no command that resets its card: the channels that are open are closed, which
        // is what the LPA wants of it.
        Box::pin(async move {
            self.close_channels().await;
            Ok(Vec::new())
        })
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async move {
            self.close_channels().await;
            self.line.close().await;
        })
    }
}
