//! Real cards that go away and come back: what is said of it, what goes on and what does not.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use lpa::CardLost;
use rsp::DataObject;
use rsp::metadata::ProfileClass;
use rsp::profiles::{ProfileInfo, ProfileInfoListResponse, ProfileState};
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::{Language, Text};

use super::super::ChipBanner;
use super::super::phone::Phone;
use super::super::phone::roads::Roads;
use super::Page;
use super::samples::{ICCID, profile};
use crate::model::{Bridge as Standing, Slot};
use crate::road::{Road, Trouble};
use crate::transport::card::{CardChannel, Gone, Later, RealCard};
use crate::transport::chip::ChipState;
use crate::transport::{later, once, usb};

/// GSMA's example of an EID, and another one.
const EIDS: [&str; 2] = ["89049032123451234512345678901235", "89049032000001000000000000000074"];

/// Functions of the ISD-R, by their tags.
const GET_EID: [u8; 2] = [0xBF, 0x3E];
const PROFILES: [u8; 2] = [0xBF, 0x2D];
const ENABLE: [u8; 2] = [0xBF, 0x31];
const EUICC_INFO1: [u8; 2] = [0xBF, 0x20];
const SET_NICKNAME: [u8; 2] = [0xBF, 0x29];

/// A card with an EID and profiles, which tells nothing else of itself: no `EUICCInfo2`, no addresses.
struct Card {
    eid: &'static str,
    /// The profile that is on.
    on: Cell<bool>,
    /// Switches are done, and then the card is gone.
    is_pulled: Cell<bool>,
    /// Nothing is answered.
    is_mute: Cell<bool>,
    /// This function is not answered.
    without: Cell<Option<[u8; 2]>>,
    /// How often it was lost at work.
    losses: Cell<usize>,
    /// Who is told of that.
    stumbles: RefCell<Option<Box<dyn Fn()>>>,
    asked: RefCell<Vec<[u8; 2]>>,
}

impl Card {
    fn new(eid: &'static str) -> Rc<Self> {
        Rc::new(Self {
            eid,
            on: Cell::default(),
            is_pulled: Cell::default(),
            is_mute: Cell::default(),
            without: Cell::default(),
            losses: Cell::default(),
            stumbles: RefCell::default(),
            asked: RefCell::default(),
        })
    }

    fn was_asked(&self, function: [u8; 2]) -> bool {
        self.asked.borrow().contains(&function)
    }

    fn answer(&self, apdu: &[u8]) -> Option<Vec<u8>> {
        if self.is_mute.get() {
            return None;
        }
        let function = match (apdu[1], apdu[2]) {
            (0x70, 0x00) => return Some(vec![0x01, 0x90, 0x00]),
            (0xE2, _) => [apdu[5], apdu[6]],
            _ => return Some(vec![0x90, 0x00]),
        };
        self.asked.borrow_mut().push(function);
        if self.without.get() == Some(function) {
            return None;
        }
        let mut answer = match function {
            GET_EID => [&[0xBF, 0x3E, 0x12, 0x5A, 0x10][..], &hex::decode(self.eid).unwrap()].concat(),
            PROFILES => {
                let state = if self.on.get() { ProfileState::Enabled } else { ProfileState::Disabled };
                let travel = profile(ICCID, "Travel", ProfileClass::Operational);
                ProfileInfoListResponse::Ok(vec![ProfileInfo { state: Some(state), ..travel }]).encode()
            }
            ENABLE => return None,
            _ => return Some(vec![0x6A, 0x88]),
        };
        answer.extend([0x90, 0x00]);
        Some(answer)
    }
}

/// The contact to a card.
struct Contact(Rc<Card>);

impl RealCard for Contact {
    fn transmit<'a>(&'a self, apdu: &'a [u8]) -> Later<'a, Result<Vec<u8>, CardLost>> {
        Box::pin(async move {
            self.0.answer(apdu).ok_or_else(|| {
                self.0.is_pulled.set(true);
                self.0.losses.set(self.0.losses.get() + 1);
                if let Some(stumbles) = &*self.0.stumbles.borrow() {
                    stumbles();
                }
                CardLost(Text::new("the card is away", "カードがありません").owned())
            })
        })
    }

    fn reset(&self) -> Later<'_, Result<Vec<u8>, CardLost>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

fn contact(card: &Rc<Card>) -> CardChannel {
    card.is_pulled.set(false);
    CardChannel::Real(Rc::new(Contact(Rc::clone(card))))
}

async fn idle(page: &Page) {
    page.until("rest", |page| page.context.model.task.with_untracked(Option::is_none)).await;
}

/// A phone with a card that was read.
async fn with(card: &Rc<Card>) -> Page {
    let page = Page::show(|_| view! { <ChipBanner/><Phone/> }).await;
    page.context.phone.insert(contact(card));
    idle(&page).await;
    page
}

/// The same, whose card has gone away while it was switching to a profile.
async fn switching(card: &Rc<Card>) -> Page {
    let page = with(card).await;
    page.context.phone.enable(Slot::Card, ICCID.parse().unwrap(), "Travel".to_owned());
    page.until("the switch", |_| card.is_pulled.get()).await;
    page.context.phone.pull();
    idle(&page).await;
    page
}

/// From now on it answers nothing, as the driver of a reader finds it: it is taken back where it is.
fn falls_silent(page: &Page, card: &Rc<Card>) {
    let (phone, again) = (page.context.phone, Rc::downgrade(card));
    let words = ccid::Error::Mute.words();
    *card.stumbles.borrow_mut() = Some(Box::new(move || {
        phone.stumble(
            Trouble::new(words.clone(), Text::<String>::default()),
            contact(&again.upgrade().unwrap()),
        );
    }));
    card.is_mute.set(true);
    card.losses.set(0);
}

fn rename(page: &Page) {
    page.context.phone.rename(Slot::Card, ICCID.parse().unwrap(), "Work".to_owned());
}

/// What can be pressed where it is said how the last task ended.
fn buttons(page: &Page) -> Vec<String> {
    page.say("[data-testid=notice] .actions button")
}

fn notice(page: &Page) -> Option<(bool, String)> {
    let notice = page.context.model.notice.get_untracked()?;
    Some((notice.good, format!("{} {}", notice.what.en, notice.advice.en)))
}

// SGP.22 v2.0 cards, and those without an SM-DS: what they do not tell is no reason to show nothing.
#[test]
async fn a_card_that_tells_its_profiles_only_is_shown_with_them() {
    let page = with(&Card::new(EIDS[0])).await;
    let chip = page.context.model.chip(Slot::Card);
    assert_eq!(chip.profiles.with_untracked(|list| list.as_ref().map(Vec::len)), Some(1));
    let info = chip.info.get_untracked().unwrap();
    assert_eq!((info.eid.to_string().as_str(), info.info), (EIDS[0], None));
    assert_eq!(page.context.model.failure.get_untracked(), None);
    assert!(page.text().contains("Travel"));
    page.close().await;
}

#[test]
async fn a_download_for_one_card_is_not_begun_with_another() {
    let page = with(&Card::new(EIDS[0])).await;
    let second = Card::new(EIDS[1]);
    let code = "LPA:1$smdp.example.com$MATCHING-ID".parse().unwrap();
    page.context.phone.download(Slot::Card, code);
    page.context.phone.pull();
    page.context.phone.insert(contact(&second));
    page.until("the second card is read", |_| second.was_asked(PROFILES)).await;
    idle(&page).await;
    assert!(!second.was_asked(EUICC_INFO1), "{:02X?}", second.asked.borrow());
    page.close().await;
}

#[test]
async fn a_card_that_is_back_while_another_way_is_tried_is_taken_then() {
    let card = Card::new(EIDS[0]);
    let page = with(&card).await;
    page.context.phone.pull();
    card.asked.take();
    let (end, waits) = once::channel::<()>();
    page.context.phone.connect_by(async move {
        let _ = waits.await;
    });
    page.context.phone.replug(contact(&card));
    page.settle().await;
    assert!(!card.was_asked(GET_EID), "one thing at a time");
    end.send(());
    page.until("the card is read", |_| card.was_asked(PROFILES)).await;
    idle(&page).await;
    assert!(page.context.model.chip(Slot::Card).state.with_untracked(ChipState::answers));
    page.close().await;
}

#[test]
async fn a_failure_outlives_the_coming_back_of_the_card() {
    let card = Card::new(EIDS[0]);
    let page = with(&card).await;
    // Its answer is lost: it has not been done.
    rename(&page);
    page.context.phone.pull();
    idle(&page).await;
    let (good, said) = notice(&page).unwrap();
    assert!(!good);
    page.context.phone.come_back(contact(&card));
    page.until("the card is read", |page| page.context.model.chip(Slot::Card).profiles.get().is_some()).await;
    idle(&page).await;
    assert_eq!(notice(&page), Some((false, said)));
    page.settle().await;
    assert_eq!(buttons(&page), ["Try again", "Close"]);
    page.press("Try again").await;
    page.until("it is done again", |_| card.was_asked(SET_NICKNAME)).await;
    idle(&page).await;
    page.close().await;
}

// A reader's driver has a card that fails powered anew, for it may be another one.
#[test]
async fn a_card_that_is_lost_each_time_it_is_read_is_left_out_until_it_is_put_in() {
    let card = Card::new(EIDS[0]);
    let page = with(&card).await;
    let left_out = |page: &Page| page.text().contains("The card can’t be used.");
    falls_silent(&page, &card);
    rename(&page);
    page.until("it is left out", left_out).await;
    idle(&page).await;
    assert!(page.text().contains("was lost again each time"), "{}", page.text());
    assert!(page.text().contains("Clean the contacts"), "{}", page.text());
    let losses = card.losses.get();
    assert!((2..=4).contains(&losses), "{losses}");
    later::after(1_000).await;
    assert_eq!((card.losses.get(), left_out(&page)), (losses, true));
    // Taken out and put in, it counts anew, also where it fails again.
    page.context.phone.pull();
    page.settle().await;
    assert!(page.text().contains("The card is out.") && !left_out(&page), "{}", page.text());
    page.context.phone.replug(contact(&card));
    page.until("it is left out again", left_out).await;
    idle(&page).await;
    assert_eq!(card.losses.get(), 2 * losses - 1);
    // So it does by hand.
    page.context.phone.insert(contact(&card));
    page.until("it is left out a third time", left_out).await;
    idle(&page).await;
    assert_eq!(card.losses.get(), 3 * losses - 1);
    page.context.phone.pull();
    card.asked.take();
    card.is_mute.set(false);
    page.context.phone.replug(contact(&card));
    page.until("it is read", |_| card.was_asked(PROFILES)).await;
    idle(&page).await;
    // And after it was read: as often as the first time.
    falls_silent(&page, &card);
    rename(&page);
    page.until("it is left out a fourth time", left_out).await;
    idle(&page).await;
    assert_eq!(card.losses.get(), losses);
    page.close().await;
}

#[test]
async fn what_failed_on_one_card_is_not_tried_again_on_another_that_could_not_be_read() {
    let page = with(&Card::new(EIDS[0])).await;
    rename(&page);
    page.context.phone.pull();
    idle(&page).await;
    page.settle().await;
    assert_eq!(buttons(&page), ["Try again", "Close"]);
    // The second one is not known before it was read.
    let second = Card::new(EIDS[1]);
    second.is_mute.set(true);
    page.context.phone.come_back(contact(&second));
    page.until("it can’t be read", |_| second.losses.get() > 0).await;
    idle(&page).await;
    second.is_mute.set(false);
    page.settle().await;
    // What can be tried again is to read it; it is still known that another one was expected.
    page.press("Try again").await;
    page.until("it is named", |page| notice(page).is_some_and(|(_, said)| said.contains(EIDS[1]))).await;
    idle(&page).await;
    assert!(notice(&page).unwrap().1.contains("another card"), "{:?}", notice(&page));
    assert!(second.was_asked(PROFILES) && !second.was_asked(SET_NICKNAME));
    page.settle().await;
    assert_eq!(buttons(&page), ["Close"]);
    page.context.phone.try_again();
    page.settle().await;
    idle(&page).await;
    assert!(!second.was_asked(SET_NICKNAME));
    page.close().await;
}

#[test]
async fn how_a_switch_ended_is_told_when_the_profiles_can_be_read() {
    for begins_another in [false, true] {
        let card = Card::new(EIDS[0]);
        let page = switching(&card).await;
        card.on.set(true);
        card.without.set(Some(PROFILES));
        page.context.phone.come_back(contact(&card));
        page.until("it is read", |_| card.was_asked(PROFILES)).await;
        idle(&page).await;
        assert!(!notice(&page).is_some_and(|(_, said)| said.contains("Travel is")));
        card.without.set(None);
        if begins_another {
            // Who does something else with the card has seen how it stands.
            rename(&page);
            idle(&page).await;
        }
        page.context.phone.pull();
        page.context.phone.come_back(contact(&card));
        let chip = page.context.model.chip(Slot::Card);
        page.until("the profiles", |_| chip.profiles.with_untracked(Option::is_some)).await;
        idle(&page).await;
        let is_told = notice(&page).is_some_and(|(_, said)| said.contains("Travel is on."));
        assert_eq!(is_told, !begins_another, "{:?}", notice(&page));
        page.close().await;
    }
}

#[test]
async fn how_a_switch_ended_is_told_of_a_card_that_was_chosen_again_too() {
    let card = Card::new(EIDS[0]);
    let page = switching(&card).await;
    page.context.phone.insert(contact(&card));
    page.until("the end", |page| notice(page).is_some_and(|(_, said)| said.contains("Travel is not on.")))
        .await;
    idle(&page).await;
    page.settle().await;
    assert_eq!(buttons(&page), ["Try again", "Close"]);
    page.close().await;
}

// The list of the bridge's readers has none of the page's own.
#[test]
async fn of_a_card_on_another_road_the_bridge_knows_nothing() {
    let page = with(&Card::new(EIDS[0])).await;
    page.context.phone.pull();
    page.context.phone.hear_readers(Vec::new());
    page.settle().await;
    assert!(page.text().contains("The card is out."), "{}", page.text());
    page.close().await;
}

#[test]
async fn how_a_switch_ended_is_told_when_the_card_is_back() {
    for (done, says) in [
        (true, ["Travel is on.", "Travel is enabled"]),
        (false, ["Travel is not on.", "no profile is enabled"]),
    ] {
        let card = Card::new(EIDS[0]);
        let page = switching(&card).await;
        card.on.set(done);
        page.context.phone.come_back(contact(&card));
        page.until("the end is told", |page| notice(page).is_some_and(|(_, said)| said.contains(says[0])))
            .await;
        idle(&page).await;
        let (good, said) = notice(&page).unwrap();
        assert_eq!(good, done, "{said}");
        assert!(said.contains(says[1]), "{said}");
        page.settle().await;
        // Who is told to try again can.
        let can_try_again = buttons(&page).contains(&"Try again".to_owned());
        assert_eq!((can_try_again, said.contains("Try again.")), (!done, !done), "{said}");
        if !done {
            card.asked.take();
            page.press("Try again").await;
            page.until("the switch", |_| card.was_asked(ENABLE)).await;
            page.context.phone.pull();
            idle(&page).await;
        }
        page.close().await;
    }
}

#[test]
async fn another_card_is_not_asked_how_a_switch_ended() {
    let page = switching(&Card::new(EIDS[0])).await;
    let second = Card::new(EIDS[1]);
    second.on.set(true);
    page.context.phone.come_back(contact(&second));
    page.until("it is named", |page| notice(page).is_some_and(|(_, said)| said.contains(EIDS[1]))).await;
    idle(&page).await;
    assert!(!page.context.phone.can_try_again());
    page.close().await;
}

#[test]
async fn how_a_card_was_lost_and_what_brings_it_back_stands_in_the_banner() {
    let page = with(&Card::new(EIDS[0])).await;
    page.context.phone.pull();
    page.settle().await;
    for (gone, en, ja) in [
        (Gone::Card, ["The card is out.", "Put it back into a place"], "カードが抜かれています。"),
        (
            Gone::Reader,
            ["The reader is unplugged.", "Plug a place in again"],
            "リーダーが取り外されています。",
        ),
        (
            Gone::ReaderOfBridge,
            ["Plug a place in again, with the card in it", "start the smart card service again"],
            "リーダーがなくなりました。",
        ),
        (
            Gone::Bridge,
            ["The bridge to the reader is gone.", "Start card-bridge again"],
            "ブリッジが切れています。",
        ),
        (Gone::Modem, ["The modem is gone.", "choose its port"], "モデムが取り外されています。"),
        (
            Gone::CardOfModem,
            ["There is no card in the modem.", "choose the modem’s port again"],
            "カードが入っていません。",
        ),
    ] {
        page.context.model.gone.set(gone);
        page.settle().await;
        for words in en {
            assert!(page.text().contains(words), "{gone:?}: {}", page.text());
        }
        page.speak(Language::Japanese).await;
        assert!(page.text().contains(ja), "{gone:?}: {}", page.text());
        page.speak(Language::English).await;
    }
    page.close().await;
}

#[test]
async fn readers_that_cannot_be_used_stay_in_the_dialog_with_the_reason() {
    let page = Page::show(|_| view! { <Roads open=RwSignal::new(true)/> }).await;
    let phone = page.context.phone;
    let unfit = Trouble::new(ccid::Unfit::Contactless.words(), Text::<String>::default()).lasting();
    let level = Trouble::new(ccid::Error::CharacterLevel.words(), Text::<String>::default()).lasting();
    phone.tried("Antenna".to_owned(), Some(&unfit));
    phone.tried("Old reader".to_owned(), Some(&level));
    phone.tried("Empty reader".to_owned(), Some(&usb::told(ccid::Error::NoCard)));
    let odd = usb::told(ccid::Error::NoProtocol);
    for name in ["Odd reader", "Odder reader"] {
        phone.tried(name.to_owned(), Some(&odd));
    }
    page.settle().await;
    let listed = page.say(".unfit li");
    assert_eq!(listed.len(), 4, "{listed:?}");
    assert!(listed[2].starts_with("Odd reader") && listed[2].contains("no protocol in common"), "{listed:?}");
    // The last one’s reason is said where it was tried; that another one has the same stays.
    page.context.model.trouble.set(Some((Road::Usb, odd)));
    page.settle().await;
    let listed = page.say(".unfit li");
    assert_eq!(listed.len(), 3, "{listed:?}");
    for name in ["Odd reader", "Odder reader"] {
        phone.tried(name.to_owned(), None);
    }
    page.settle().await;
    let listed = page.say(".unfit li");
    assert!(listed[0].starts_with("Antenna") && listed[0].contains("contactless"), "{listed:?}");
    assert!(listed[1].starts_with("Old reader") && listed[1].contains("character level"), "{listed:?}");
    // One that works after all is no more of them.
    phone.tried("Old reader".to_owned(), None);
    page.settle().await;
    assert_eq!(page.all(".unfit li").len(), 1);
    page.close().await;
}

/// A modem at a serial port that passes commands on, to a card that is not there.
const MODEM: &str = r"
let out;
const port = {
  open: async () => {
    port.readable = new ReadableStream({ start(controller) { out = controller; } });
    port.writable = new WritableStream({ write(bytes) {
      for (const line of new TextDecoder().decode(bytes).split('\r').filter(line => line)) {
        const answer = /^AT.C(CHO|SIM)=[^?]/.test(line) ? '+CME ERROR: 10' : 'OK';
        out.enqueue(new TextEncoder().encode('\r\n' + answer + '\r\n'));
      }
    } });
  },
  close: async () => { globalThis.portWasClosed = true; },
};
Object.defineProperty(navigator, 'serial', { configurable: true, value: { requestPort: async () => port } });
";

#[test]
async fn a_modem_without_a_card_shows_the_card_as_out_and_frees_the_port() {
    js_sys::eval(MODEM).unwrap();
    let page = Page::show(|_| view! { <ChipBanner/><Phone/> }).await;
    page.context.phone.take_modem();
    // One that is only being reset is waited for.
    later::after(5_000).await;
    assert!(!page.text().contains("There is no card in the modem."), "{}", page.text());
    page.until("it says so", |page| page.text().contains("There is no card in the modem.")).await;
    idle(&page).await;
    assert!(js_sys::Reflect::get(&js_sys::global(), &"portWasClosed".into()).unwrap().is_truthy());
    js_sys::eval("delete navigator.serial; delete globalThis.portWasClosed;").unwrap();
    page.close().await;
}

/// A bridge with one reader, whose card says nothing to any command: it is lost each time, and is there
/// again. `bridgeTells` says what the reader has.
const BRIDGE: &str = r#"
globalThis.realWebSocket = globalThis.WebSocket;
globalThis.bridgeConnects = 0;
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() {
    globalThis.bridgeTells = (state) => this.tell({ tell: 'readers', readers: [{ name: 'R', state }] });
    queueMicrotask(() => this.tell({ tell: 'welcome', protocol: 1, program: 'a bridge' }));
  }
  tell(what) { this.onmessage?.({ data: JSON.stringify(what) }); }
  send(text) {
    const { id, ask } = JSON.parse(text);
    queueMicrotask(() => {
      if (ask === 'pair') this.tell({ tell: 'paired', id, token: '00'.repeat(32) });
      else if (ask === 'readers') this.tell({ tell: 'readers', id, readers: [{ name: 'R', state: 'card' }] });
      else if (ask === 'disconnect') this.tell({ tell: 'disconnected', id });
      else if (ask === 'connect') {
        globalThis.bridgeConnects += 1;
        this.tell({ tell: 'connected', id, card: globalThis.bridgeConnects, atr: '3B00', protocol: 'T=0' });
      } else {
        this.tell({ tell: 'refused', id, why: 'removed', text: 'the card lost its power' });
        // A message of its own, as everything that is told.
        setTimeout(() => globalThis.bridgeTells('card'));
      }
    });
  }
  close() {}
};
"#;

// A reader whose card loses its power at each command would be read for ever.
#[test]
async fn a_card_of_the_bridge_that_is_lost_each_time_is_left_out_until_it_is_taken_out() {
    let connects = || {
        js_sys::Reflect::get(&js_sys::global(), &"bridgeConnects".into()).unwrap().as_f64().unwrap() as usize
    };
    let tells = |state: &str| js_sys::eval(&format!("bridgeTells('{state}')")).unwrap();
    js_sys::eval(BRIDGE).unwrap();
    let page = Page::show(|_| view! { <ChipBanner/><Phone/> }).await;
    let phone = page.context.phone;
    phone.find_bridge(7816);
    page.until("it wants a code", |page| {
        page.context.model.bridge.with_untracked(|bridge| *bridge == Standing::WantsCode)
    })
    .await;
    phone.pair("0000 0000".to_owned());
    page.until("its readers", |page| {
        page.context.model.bridge.with_untracked(|bridge| matches!(bridge, Standing::Open(_)))
    })
    .await;
    phone.take_card("R".to_owned());
    let left_out = |page: &Page| page.text().contains("was lost again each time");
    page.until("it is left out", left_out).await;
    idle(&page).await;
    // Once by hand, and twice by itself.
    assert_eq!(connects(), 3);
    // That it is there is nothing new.
    for _ in 0..3 {
        tells("card");
        later::after(500).await;
    }
    assert_eq!(connects(), 3);
    assert!(left_out(&page), "{}", page.text());
    // Put in again it is another matter.
    tells("empty");
    page.settle().await;
    assert!(!left_out(&page), "{}", page.text());
    tells("card");
    page.until("it is left out again", left_out).await;
    idle(&page).await;
    assert_eq!(connects(), 5);
    phone.leave_bridge();
    js_sys::eval("WebSocket = realWebSocket; sessionStorage.removeItem('card-bridge');").unwrap();
    page.close().await;
}
