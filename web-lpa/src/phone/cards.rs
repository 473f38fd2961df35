//! Real cards: the roads that lead to them, and what happens when one is pulled out.
//!
//! A card that the person has chosen is the third device that the phone serves. Its LPA reaches
//! servers through the phone's bearer, as it does for the watch.

use std::rc::Rc;

use card_bridge::protocol::{Reader, State};
use leptos::prelude::*;
use lpa::Failure;
use rsp::profiles::ProfileState;
use rsp::{Eid, Iccid};
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use super::offer::{Asked, Over};
use super::{Again, Notice, Phone, called, isolated};
use crate::model::{Bridge as Standing, Slot, Task};
use crate::road::{Road, Trouble};
use crate::transport::bridge::{Bridge, News};
use crate::transport::card::{CardChannel, Gone, RealCard};
use crate::transport::chip::ChipState;
use crate::transport::later;
use crate::transport::serial::ModemCard;
use crate::transport::usb::{self, UsbCard, UsbDevice};

/// Where a real card is. What a place that is left still tells is not of the card that is there now.
pub(super) enum Source {
    /// The bridge lends it under this number.
    Bridge(u32),
    /// In the modem that was opened so manieth.
    Modem(u32),
    /// In this USB reader, which stays when its card is taken out.
    Usb(Rc<UsbCard>),
}

impl Source {
    const fn road(&self) -> Road {
        match self {
            Self::Bridge(_) => Road::Bridge,
            Self::Modem(_) => Road::Modem,
            Self::Usb(_) => Road::Usb,
        }
    }
}

/// A switch to a profile, or from it.
pub(super) struct Switch {
    /// The card's.
    pub(super) eid: Option<Eid>,
    pub(super) iccid: Iccid,
    pub(super) name: String,
    /// Whether the profile was to be switched on.
    pub(super) on: bool,
}

/// A switch of which the card's answer was lost with the card.
pub(super) struct Unsettled {
    pub(super) switch: Switch,
    /// How it was lost.
    pub(super) failure: Failure,
}

/// What came of reading a card.
enum Read {
    /// Nothing that has to be said.
    Nothing,
    /// This is to be said.
    Said(Notice),
    /// A switch was not done, which can be tried again.
    NotDone(Notice, Unsettled),
    /// It could not be read to the end; that it is another card, where it is.
    Failed(Option<Text<String>>, Failure),
}

/// What is waited before each try to take a card back, in milliseconds.
const PAUSES: [u32; 4] = [50, 300, 1_000, 3_000];

/// How often in a row a card is taken back that is lost each time before it was read to the end.
const MAX_COMINGS: u8 = 2;

/// Where the card of a modem is: ports have no names.
const MODEM: Text = Text::new("the modem", "モデム");

/// Closes what a card was reached by. A reader whose card is out is still open.
fn close(source: Option<Source>, channel: Option<CardChannel>) {
    spawn_local(async move {
        match (channel, source) {
            (Some(channel), _) => channel.close().await,
            (None, Some(Source::Usb(reader))) => reader.close().await,
            (None, _) => {}
        }
    });
}

impl Phone {
    /// Looks for the bridge to the desktop's readers. Comes in at once where this tab was paired
    /// before.
    pub(crate) fn find_bridge(&self, port: u16) {
        let phone = *self;
        if self.model.bridge.with_untracked(|bridge| *bridge != Standing::Off) {
            return;
        }
        self.model.bridge.set(Standing::Looking);
        self.model.trouble.set(None);
        spawn_local(async move {
            let opened = Bridge::open(port, move |news| phone.heard(news)).await;
            match opened {
                Ok(bridge) => {
                    let bridge = Rc::new(bridge);
                    *phone.inside().bridge.borrow_mut() = Some(Rc::clone(&bridge));
                    let paired = bridge.resume().await;
                    if !phone.has(&bridge) {
                        return;
                    }
                    if paired {
                        phone.look_at_readers(&bridge).await;
                    } else {
                        phone.model.bridge.set(Standing::WantsCode);
                    }
                }
                Err(trouble) => {
                    phone.model.bridge.set(Standing::Off);
                    phone.model.trouble.set(Some((Road::Bridge, trouble)));
                }
            }
        });
    }

    /// Pairs this page with the bridge by the code on its terminal.
    pub(crate) fn pair(&self, code: String) {
        let phone = *self;
        let Some(bridge) = self.inside().bridge.borrow().clone() else { return };
        self.model.trouble.set(None);
        spawn_local(async move {
            match bridge.pair(&code).await {
                Ok(()) => phone.look_at_readers(&bridge).await,
                Err(_) if !phone.has(&bridge) => {}
                Err(trouble) => phone.model.trouble.set(Some((Road::Bridge, trouble))),
            }
        });
    }

    /// Closes the way to the desktop's readers.
    pub(crate) fn leave_bridge(&self) {
        let bridge = self.inside().bridge.borrow_mut().take();
        if let Some(bridge) = bridge {
            bridge.close();
        }
        self.offer_is_over(Over::ReaderGone);
        self.lost_if(Gone::Bridge, |source| matches!(source, Source::Bridge(_)));
        self.model.bridge.set(Standing::Off);
        self.model.trouble.set(None);
    }

    /// Whether this is the bridge that the page is at: not one that was left, or has ended.
    fn has(&self, bridge: &Rc<Bridge>) -> bool {
        self.inside().bridge.borrow().as_ref().is_some_and(|ours| Rc::ptr_eq(ours, bridge))
    }

    async fn look_at_readers(&self, bridge: &Rc<Bridge>) {
        let readers = bridge.readers().await;
        if !self.has(bridge) {
            return;
        }
        match readers {
            Ok(readers) => self.model.bridge.set(Standing::Open(readers)),
            Err(trouble) => {
                // It is open all the same; another look may do.
                self.model.bridge.set(Standing::Open(Vec::new()));
                self.model.trouble.set(Some((Road::Bridge, trouble)));
            }
        }
    }

    /// Looks for readers again.
    pub(crate) fn look_again(&self) {
        let phone = *self;
        let Some(bridge) = self.inside().bridge.borrow().clone() else { return };
        self.model.trouble.set(None);
        spawn_local(async move { phone.look_at_readers(&bridge).await });
    }

    /// Takes the card of a reader.
    pub(crate) fn take_card(&self, reader: String) {
        let phone = *self;
        let Some(bridge) = self.inside().bridge.borrow().clone() else { return };
        self.connecting(async move {
            if let Err(trouble) = phone.lend(&bridge, reader, true).await {
                phone.model.trouble.set(Some((Road::Bridge, trouble)));
            }
        });
    }

    async fn lend(&self, bridge: &Rc<Bridge>, reader: String, by_hand: bool) -> Result<(), Trouble> {
        let (card, _) = bridge.connect(&reader).await?;
        if self.has(bridge) {
            let source = Source::Bridge(card.number());
            self.put_in(source, CardChannel::Real(Rc::new(card)), same(reader), by_hand);
        }
        Ok(())
    }

    /// Leads to a card, if nothing else is done at the moment.
    fn connecting(&self, way: impl Future<Output = ()> + 'static) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        self.model.trouble.set(None);
        self.aside(Task::new(Text::new("Reaching the card", "カードに接続しています")), async move {
            way.await;
            || {}
        });
    }

    /// Takes a card that was pulled out and is in again: its contacts bounce, and who else looks at
    /// it may be first. Why the last try failed is said, and what to do. A task that runs ends first:
    /// nothing could be done with the card before.
    fn take_back<F: Future<Output = Result<(), Trouble>>>(
        &self,
        road: Road,
        attempt: impl Fn() -> F + 'static,
    ) {
        let phone = *self;
        let begin = move || {
            phone.connecting(async move {
                let mut trouble = None;
                for pause in PAUSES {
                    later::after(pause).await;
                    if !phone.is_out() {
                        return;
                    }
                    match attempt().await {
                        Ok(()) => return,
                        Err(failed) => trouble = Some(failed),
                    }
                }
                if phone.is_out() {
                    phone.model.unusable.set(trouble.clone());
                    phone.model.trouble.set(trouble.map(|trouble| (road, trouble)));
                }
            });
        };
        // Of several that wait for the same task the last one knows best where the card is.
        if self.inside().back.borrow_mut().replace(Box::new(begin)).is_none() {
            self.soon(move || {
                let begin = phone.inside().back.borrow_mut().take();
                if let Some(begin) = begin.filter(|_| phone.is_out()) {
                    begin();
                }
            });
        }
    }

    fn is_out(&self) -> bool {
        self.model.chip(Slot::Card).state.with_untracked(|state| matches!(state, ChipState::Out(_)))
    }

    /// Lets the person choose the serial port of a modem, and takes the card in it. To be called
    /// while a press of a button is being handled: browsers want that.
    pub(crate) fn take_modem(&self) {
        let phone = *self;
        let number = self.inside().modems.get().wrapping_add(1);
        self.inside().modems.set(number);
        self.connecting(async move {
            let gone = move |how| {
                phone.lost_if(how, |source| matches!(source, Source::Modem(ours) if *ours == number));
            };
            match ModemCard::open(gone).await {
                Ok(card) => {
                    let channel = CardChannel::Real(Rc::new(card));
                    phone.put_in(Source::Modem(number), channel, MODEM.owned(), true);
                }
                Err(trouble) => phone.model.trouble.set(Some((Road::Modem, trouble))),
            }
        });
    }

    /// Lets the person choose a USB reader, and takes the card in it. To be called while a press of
    /// a button is being handled.
    pub(crate) fn take_usb(&self) {
        let phone = *self;
        self.follow_usb();
        self.connecting(async move {
            let taken = match usb::choose().await {
                Ok(device) => {
                    let name = usb::name(&device);
                    let taken = phone.open_usb(device, true).await;
                    phone.tried(name, taken.as_ref().err());
                    taken
                }
                Err(trouble) => Err(trouble),
            };
            if let Err(trouble) = taken {
                phone.model.trouble.set(Some((Road::Usb, trouble)));
            }
        });
    }

    /// A reader that can't be used stays in the list with the reason, until it can.
    pub(crate) fn tried(&self, name: String, trouble: Option<&Trouble>) {
        self.model.unfit.update(|unfit| {
            unfit.retain(|(known, _)| *known != name);
            if let Some(trouble) = trouble.filter(|trouble| trouble.is_lasting) {
                unfit.push((name, trouble.clone()));
            }
        });
    }

    async fn open_usb(&self, device: UsbDevice, by_hand: bool) -> Result<(), Trouble> {
        let phone = *self;
        // A device that is open already is not opened a second time: to close one would close both.
        let open = match &*self.inside().source.borrow() {
            Some(Source::Usb(card)) if card.is_in(&device) => Some(Rc::clone(card)),
            _ => None,
        };
        let was_open = open.is_some();
        if let Some(card) = open {
            match card.power().await {
                Ok(_) => {
                    let name = same(card.name().to_owned());
                    self.put_in(Source::Usb(Rc::clone(&card)), CardChannel::Real(card), name, by_hand);
                    return Ok(());
                }
                // It stays, and tells when one is put in.
                Err(error @ (ccid::Error::NoCard | ccid::Error::Mute)) => {
                    self.usb_told(&card, usb::News::Out);
                    return Err(usb::told(error));
                }
                Err(error) => {
                    let ours =
                        |source: &Source| matches!(source, Source::Usb(ours) if Rc::ptr_eq(ours, &card));
                    self.lost_if(gone(&error), ours);
                    self.unusable(usb::told(error));
                    card.close().await;
                }
            }
        }
        let identity = usb::identity(&device);
        let card = match UsbCard::open(device).await {
            Ok(card) => Rc::new(card),
            Err(trouble) => {
                if was_open {
                    self.unusable(trouble.clone());
                }
                return Err(trouble);
            }
        };
        *self.inside().usb_reader.borrow_mut() = Some(identity);
        let reader = Rc::downgrade(&card);
        card.follow(move |news| {
            if let Some(reader) = reader.upgrade() {
                phone.usb_told(&reader, news);
            }
        });
        let name = same(card.name().to_owned());
        self.put_in(Source::Usb(Rc::clone(&card)), CardChannel::Real(card), name, by_hand);
        Ok(())
    }

    /// What a reader tells by itself.
    fn usb_told(&self, reader: &Rc<UsbCard>, news: usb::News) {
        let ours = |source: &Source| matches!(source, Source::Usb(card) if Rc::ptr_eq(card, reader));
        if !self.inside().source.borrow().as_ref().is_some_and(ours) {
            return;
        }
        match news {
            usb::News::Out => {
                self.inside().comings.set(0);
                self.out(Gone::Card);
            }
            // Many readers tell at first of the card that was there before. One that was changed for
            // another is found out by the driver.
            usb::News::In if !self.is_out() => {}
            // Some tell it after every power-up: one that is left out was not put in anew.
            usb::News::In if self.inside().comings.get() >= MAX_COMINGS => {}
            usb::News::In => self.power_again(reader),
            usb::News::Lost(error @ (ccid::Error::CardRemoved | ccid::Error::NoCard)) => {
                self.inside().comings.set(0);
                self.out(gone(&error));
            }
            usb::News::Lost(error @ ccid::Error::Unplugged) => self.out(gone(&error)),
            usb::News::Lost(error) => {
                self.lost_at_work(Road::Usb, usb::told(error), || self.power_again(reader));
            }
        }
    }

    /// A card was lost though nobody has taken it out: it is taken back, but not for ever. What fails
    /// each time waits for somebody to do something about it.
    fn lost_at_work(&self, road: Road, why: Trouble, take_back: impl FnOnce()) {
        self.out(Gone::Card);
        if self.inside().comings.get() < MAX_COMINGS {
            return take_back();
        }
        let what = Text::new(
            "It is in the reader, and was lost again each time it was read.",
            "リーダーに入っていますが、読み取るたびに通信が途切れました。",
        );
        let trouble = Trouble { what: what.owned().with(why.what), ..why };
        self.unusable(trouble.clone());
        self.model.trouble.set(Some((road, trouble)));
    }

    /// Why the card that is out can't be used, though it may be there.
    fn unusable(&self, trouble: Trouble) {
        if self.is_out() {
            self.model.unusable.set(Some(trouble));
        }
    }

    fn power_again(&self, reader: &Rc<UsbCard>) {
        let (phone, card) = (*self, Rc::clone(reader));
        self.take_back(Road::Usb, move || {
            let card = Rc::clone(&card);
            async move {
                let powered = card.power().await.map_err(usb::told);
                phone.tried(card.name().to_owned(), powered.as_ref().err());
                powered?;
                let name = same(card.name().to_owned());
                let channel = CardChannel::Real(Rc::clone(&card) as Rc<dyn RealCard>);
                phone.put_in(Source::Usb(card), channel, name, false);
                Ok(())
            }
        });
    }

    /// A granted reader that is plugged in again is used again.
    fn follow_usb(&self) {
        let phone = *self;
        if self.inside().follows_usb.replace(true) {
            return;
        }
        let plugged = move |device: UsbDevice| {
            let waits = phone.model.chip(Slot::Card).state.with_untracked(
                |state| matches!(state, ChipState::Out(place) if place.en == usb::name(&device)),
            );
            // Another one of the same name has another card in it.
            let is_known = *phone.inside().usb_reader.borrow() == Some(usb::identity(&device));
            if waits && is_known && phone.inside().road.get() == Some(Road::Usb) {
                phone.inside().comings.set(0);
                phone.take_back(Road::Usb, move || {
                    let device = device.clone();
                    async move { phone.open_usb(device, false).await }
                });
            }
        };
        let pulled = move |device: UsbDevice| {
            let there = |source: &Source| matches!(source, Source::Usb(card) if card.is_in(&device));
            phone.lost_if(Gone::Reader, there);
        };
        usb::follow(plugged, pulled);
    }

    /// Gives the card back; what is done with it fails.
    pub(crate) fn give_back(&self) {
        let channel = self.inside().links[Slot::Card as usize].borrow_mut().take();
        let source = self.inside().source.borrow_mut().take();
        self.model.slot.set(Slot::Phone);
        let chip = self.model.chip(Slot::Card);
        chip.forget();
        chip.state.set(ChipState::Absent);
        self.begins_by_hand();
        self.inside().road.set(None);
        self.moved();
        close(source, channel);
    }

    /// A card is there: the phone manages it, and goes on with what was interrupted. One that came
    /// back by itself does not take the person from what is on the screen.
    fn put_in(&self, source: Source, channel: CardChannel, place: Text<String>, by_hand: bool) {
        let phone = *self;
        if !by_hand && !self.is_out() {
            // Meanwhile the person has done without it.
            return close(None, Some(channel));
        }
        if by_hand {
            self.begins_by_hand();
        } else {
            let comings = &self.inside().comings;
            comings.set(comings.get().saturating_add(1));
        }
        self.inside().road.set(Some(source.road()));
        let left = self.inside().source.borrow_mut().replace(source);
        let same = match (&left, &*self.inside().source.borrow()) {
            (Some(Source::Usb(left)), Some(Source::Usb(now))) => Rc::ptr_eq(left, now),
            _ => false,
        };
        let before = self.inside().links[Slot::Card as usize].borrow_mut().replace(channel);
        if !same {
            close(left, before);
        }
        let chip = self.model.chip(Slot::Card);
        chip.forget();
        self.moved();
        chip.state.set(ChipState::Real(place));
        if by_hand {
            self.model.slot.set(Slot::Card);
        }
        self.soon(move || {
            // It may be out again by now.
            if !phone.model.chip(Slot::Card).state.with_untracked(ChipState::answers) {
                return;
            }
            phone.read(by_hand);
        });
    }

    /// Whatever card is there from now on, nobody expects another one.
    fn begins_by_hand(&self) {
        self.inside().comings.set(0);
        self.inside().expected.set(None);
    }

    /// Reads the card that is there if no task runs, and says what came of it. Beside one that came back
    /// by itself what was said stays, and can be tried again, unless there is something to say.
    fn read(self, by_hand: bool) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        self.inside().is_untold.set(false);
        if by_hand {
            *self.inside().again.borrow_mut() = None;
            self.model.notice.set(None);
            self.model.failure.set(None);
        }
        let begun = self.card_moves(Slot::Card);
        let task = Task::new(Text::new("Reading the card", "カードを読み取っています"));
        self.aside(task, async move {
            let read = self.read_card().await;
            if self.stays_since(Slot::Card, begun).is_ok() {
                self.inside().comings.set(0);
            }
            self.model.question.set(None);
            move || self.say_of_card(read)
        });
    }

    /// Says what came of reading a card. What is offered to be tried again is what this tells of, on the
    /// card that is there.
    fn say_of_card(self, read: Read) {
        let inside = self.inside();
        let (notice, failure) = match read {
            Read::Nothing => return,
            Read::Said(notice) => {
                *inside.again.borrow_mut() = None;
                (notice, None)
            }
            Read::NotDone(notice, Unsettled { switch, failure }) => {
                let Switch { iccid, name, on, .. } = switch;
                self.set_again(Slot::Card, move || match on {
                    true => self.enable(Slot::Card, iccid, name.clone()),
                    false => self.disable(Slot::Card, iccid, name.clone()),
                });
                (notice, Some(failure))
            }
            Read::Failed(other, failure) => {
                let is_of_it = |again: &mut Again| again.slot == Slot::Card && self.is_for_now(again);
                let stays = inside.again.borrow_mut().as_mut().is_some_and(is_of_it);
                if !stays {
                    inside.again.borrow_mut().take();
                    if self.model.chip(Slot::Card).state.with_untracked(ChipState::answers) {
                        self.set_again(Slot::Card, move || self.read(true));
                    }
                }
                let notice = self.say_untold(self.notice_of(&failure));
                let what = match other {
                    Some(other) => other.with(notice.what),
                    None => notice.what,
                };
                (Notice { what, ..notice }, Some(failure))
            }
        };
        self.model.failure.set(failure);
        self.model.notice.set(Some(notice));
    }

    /// A card comes back by itself, in a place of a test.
    #[cfg(test)]
    pub(crate) fn come_back(&self, channel: CardChannel) {
        self.put_in(Source::Modem(0), channel, same("a place".to_owned()), false);
    }

    /// A card is taken back where it was, once what runs has ended, in a place of a test.
    #[cfg(test)]
    pub(crate) fn replug(&self, channel: CardChannel) {
        let phone = *self;
        self.take_back(Road::Modem, move || {
            let channel = channel.clone();
            async move {
                phone.come_back(channel);
                Ok(())
            }
        });
    }

    /// A road that takes as long as this, in a place of a test.
    #[cfg(test)]
    pub(crate) fn connect_by(&self, way: impl Future<Output = ()> + 'static) {
        self.connecting(way);
    }

    /// A card is put in by hand, in a place of a test.
    #[cfg(test)]
    pub(crate) fn insert(&self, channel: CardChannel) {
        self.put_in(Source::Modem(0), channel, same("a place".to_owned()), true);
    }

    /// The bridge tells of its readers.
    #[cfg(test)]
    pub(crate) fn hear_readers(&self, readers: Vec<Reader>) {
        self.heard(News::Readers(readers));
    }

    /// A card that is in a place of a test is lost at work, and can be taken back by this.
    #[cfg(test)]
    pub(crate) fn stumble(&self, why: Trouble, channel: CardChannel) {
        self.lost_at_work(Road::Usb, why, || self.replug(channel));
    }

    /// It is pulled out.
    #[cfg(test)]
    pub(crate) fn pull(&self) {
        self.inside().comings.set(0);
        self.lost_if(Gone::Card, |source| matches!(source, Source::Modem(0)));
    }

    /// Reads the card that is there.
    async fn read_card(&self) -> Read {
        let begun = self.card_moves(Slot::Card);
        match self.drive(Slot::Card, lpa::chip_info(self.options())).await {
            Ok(info) => self.learn(Slot::Card, &info),
            Err(failure) => return Read::Failed(None, failure),
        }
        let found = self.eid(Slot::Card);
        // What was to be tried again was meant for the card that was expected.
        let other = match (self.inside().expected.take(), found) {
            (Some(expected), Some(found)) if expected != found => Some((expected, found)),
            _ => None,
        };
        let is_other =
            other.map(|(_, found)| text!("This is another card: {found}.", "別のカードです: {found}。"));
        // It waits for the card that it is of, and is not told of what was begun after it.
        let unsettled =
            self.inside().unsettled.borrow_mut().take_if(|unsettled| unsettled.switch.eid == found);
        let anew = self.begin_anew(Slot::Card, true).await;
        let told = unsettled.as_ref().and_then(|unsettled| self.after_loss(&unsettled.switch));
        let is_there = self.stays_since(Slot::Card, begun).is_ok();
        match (anew, told) {
            (Err(failure), _) => {
                self.wait_on(unsettled);
                Read::Failed(is_other, failure)
            }
            (Ok(Some(notice)), _) => Read::Said(notice),
            (Ok(None), _) if let (Some((expected, _)), Some(what)) = (other, is_other) => {
                self.wait_on(unsettled);
                let advice = text!(
                    "The one before was {expected}. What was begun on that one waits for it.",
                    "前のカードは {expected} です。そのカードで始めた処理は、そのカードが戻るまで保留されます。"
                );
                Read::Said(Notice { good: false, what, advice, codes: Text::default(), switch_to: None })
            }
            (Ok(None), Some(notice)) if is_there => match unsettled.filter(|_| !notice.good) {
                Some(unsettled) => Read::NotDone(notice, unsettled),
                None => Read::Said(notice),
            },
            // Its profiles could not be read.
            (Ok(None), _) => {
                self.wait_on(unsettled);
                Read::Nothing
            }
        }
    }

    /// How a switch ended is told another time.
    fn wait_on(&self, unsettled: Option<Unsettled>) {
        if let Some(unsettled) = unsettled {
            self.inside().unsettled.borrow_mut().get_or_insert(unsettled);
        }
    }

    /// What became of a change of state during which the card went away; `None` when its profiles are
    /// not known.
    fn after_loss(&self, Switch { iccid, name, on, .. }: &Switch) -> Option<Notice> {
        let profiles = self.model.chip(Slot::Card).profiles.get_untracked()?;
        let enabled = profiles.iter().find(|info| info.state == Some(ProfileState::Enabled));
        let is_on = enabled.is_some_and(|info| info.iccid == Some(*iccid));
        let name = isolated(name);
        let what = match (on, is_on) {
            (true, true) => text!("{name} is on.", "{name} はオンです。"),
            (true, false) => text!("{name} is not on.", "{name} はオンになっていません。"),
            (false, false) => text!("{name} is off.", "{name} はオフです。"),
            (false, true) => text!("{name} is still on.", "{name} はまだオンです。"),
        };
        let done = *on == is_on;
        let why = if done {
            Text::new(
                "The card had done it before it went away.",
                "カードが切り離される前に処理は完了していました。",
            )
        } else {
            Text::new(
                "The card went away before it was done. Try again.",
                "処理が終わる前にカードが切り離されました。もう一度試してください。",
            )
        };
        let now = match enabled {
            Some(info) => {
                let enabled = isolated(&called(info));
                text!("On the card {enabled} is enabled.", "カードで有効なプロファイルは {enabled} です。")
            }
            None => {
                Text::new("On the card no profile is enabled.", "カードで有効なプロファイルはありません。")
                    .owned()
            }
        };
        let advice = why.owned().with(now);
        Some(Notice { good: done, what, advice, codes: Text::default(), switch_to: None })
    }

    /// The card is out, or the way to it is lost, if it is where `there` says: what is going on
    /// fails, and can go on when the card is back.
    fn lost_if(&self, how: Gone, there: impl Fn(&Source) -> bool) {
        if self.inside().source.borrow().as_ref().is_some_and(there) {
            let source = self.inside().source.borrow_mut().take();
            drop(source);
            self.out(how);
        }
    }

    /// A card came or went.
    fn moved(&self) {
        let moves = &self.inside().card_moves;
        moves.set(moves.get().wrapping_add(1));
        self.model.unusable.set(None);
    }

    fn out(&self, how: Gone) {
        self.model.gone.set(how);
        // One that could not be read is not the one that is expected back.
        if let Some(eid) = self.eid(Slot::Card) {
            self.inside().expected.set(Some(eid));
        }
        let channel = self.inside().links[Slot::Card as usize].borrow_mut().take();
        drop(channel);
        self.moved();
        self.model.chip(Slot::Card).state.update(|state| {
            if let ChipState::Real(place) = state {
                *state = ChipState::Out(std::mem::take(place));
            }
        });
    }

    /// What the bridge tells by itself.
    fn heard(&self, news: News) {
        match news {
            News::Removed(number) => {
                let ours = |source: &Source| matches!(source, Source::Bridge(card) if *card == number);
                self.lost_if(Gone::Card, ours);
            }
            News::Readers(readers) => {
                self.look_for_reader(&readers);
                let back = self.back_in(&readers);
                self.model.bridge.set(Standing::Open(readers));
                if back.is_some() && self.inside().comings.get() >= MAX_COMINGS {
                    // It is left out, as one in a reader of the page's own is.
                    return self.lost_at_work(Road::Bridge, Trouble::default(), || {});
                }
                if let (Some(reader), Some(bridge)) = (back, self.inside().bridge.borrow().clone()) {
                    let phone = *self;
                    self.take_back(Road::Bridge, move || {
                        let (bridge, reader) = (Rc::clone(&bridge), reader.clone());
                        async move { phone.lend(&bridge, reader, false).await }
                    });
                }
            }
            News::Power(number) => self.asked_of_chip(number, Asked::Power),
            News::Command(number, command) => self.asked_of_chip(number, Asked::Command(command)),
            News::Withdrawn => self.offer_is_over(Over::ReaderGone),
            News::Closed => {
                self.offer_is_over(Over::ReaderGone);
                self.lost_if(Gone::Bridge, |source| matches!(source, Source::Bridge(_)));
                let bridge = self.inside().bridge.borrow_mut().take();
                if bridge.is_some() {
                    self.model.bridge.set(Standing::Off);
                    let trouble = Trouble::new(
                        Text::new("The bridge has ended.", "ブリッジが終了しました。"),
                        Text::new(
                            "Start card-bridge again, then connect again. A download that had got as far as its package goes on then; anything else is to be begun again.",
                            "card-bridge を起動し直して、もう一度接続してください。パッケージの取得まで進んでいたダウンロードは再開します。それ以外の処理はやり直してください。",
                        ),
                    );
                    self.model.trouble.set(Some((Road::Bridge, trouble)));
                }
            }
        }
    }

    /// Whether the reader of the card that is out is still plugged in, and whether the card was taken out
    /// of it. Of readers that are reached by another road the bridge knows nothing.
    fn look_for_reader(&self, readers: &[Reader]) {
        let Some(place) = self.out_of_bridge() else { return };
        let there = readers.iter().find(|reader| reader.name == place);
        if there.is_none_or(|reader| reader.state == State::Empty) {
            self.inside().comings.set(0);
            // Why it could not be used was said of one that was in the reader.
            self.model.unusable.set(None);
        }
        match (self.model.gone.get_untracked(), there) {
            (Gone::Card, None) => self.model.gone.set(Gone::ReaderOfBridge),
            (Gone::ReaderOfBridge, Some(_)) => self.model.gone.set(Gone::Card),
            _ => {}
        }
    }

    /// The reader whose card was pulled out and is in again.
    fn back_in(&self, readers: &[Reader]) -> Option<String> {
        let place = self.out_of_bridge()?;
        let back = readers.iter().find(|reader| reader.name == place && reader.state == State::Card);
        back.map(|reader| reader.name.clone())
    }

    /// The reader of the bridge's that the card is out of.
    fn out_of_bridge(&self) -> Option<String> {
        let place = self.model.chip(Slot::Card).state.with_untracked(|state| match state {
            ChipState::Out(place) => Some(place.en.clone()),
            _ => None,
        })?;
        (self.inside().road.get() == Some(Road::Bridge)).then_some(place)
    }
}

/// How a card in a reader of the page's own was lost, where it can't be used any more.
const fn gone(error: &ccid::Error) -> Gone {
    match error {
        ccid::Error::Unplugged => Gone::Reader,
        _ => Gone::Card,
    }
}

/// A name that is the same in every language.
fn same(name: String) -> Text<String> {
    Text::new(name.clone(), name)
}
