//! Real cards: the roads that lead to them, and what happens when one is pulled out.
//!
//! A card that the person has chosen is the third device that the phone serves. Its LPA reaches
//! servers through the phone's bearer, as it does for the watch.

use std::rc::Rc;

use card_bridge::protocol::{Reader, State};
use leptos::prelude::*;
use lpa::Failure;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::{Notice, Phone};
use crate::model::{Bridge as Standing, Slot, Task};
use crate::road::{Road, Trouble};
use crate::transport::bridge::{Bridge, News};
use crate::transport::card::CardChannel;
use crate::transport::chip::ChipState;
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
                    if bridge.resume().await {
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
        self.lost_if(|source| matches!(source, Source::Bridge(_)));
        self.model.bridge.set(Standing::Off);
        self.model.trouble.set(None);
    }

    async fn look_at_readers(&self, bridge: &Bridge) {
        match bridge.readers().await {
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
        self.model.trouble.set(None);
        spawn_local(async move {
            match bridge.connect(&reader).await {
                Ok((card, _)) => {
                    let source = Source::Bridge(card.number());
                    phone.put_in(source, CardChannel::Real(Rc::new(card)), reader);
                }
                Err(trouble) => phone.model.trouble.set(Some((Road::Bridge, trouble))),
            }
        });
    }

    /// Lets the person choose the serial port of a modem, and takes the card in it. To be called
    /// while a press of a button is being handled: browsers want that.
    pub(crate) fn take_modem(&self) {
        let phone = *self;
        self.model.trouble.set(None);
        let number = self.inside().modems.get().wrapping_add(1);
        self.inside().modems.set(number);
        spawn_local(async move {
            let gone =
                move || phone.lost_if(|source| matches!(source, Source::Modem(ours) if *ours == number));
            match ModemCard::open(gone).await {
                Ok(card) => {
                    let channel = CardChannel::Real(Rc::new(card));
                    phone.put_in(Source::Modem(number), channel, "modem".to_owned());
                }
                Err(trouble) => phone.model.trouble.set(Some((Road::Modem, trouble))),
            }
        });
    }

    /// Lets the person choose a USB reader, and takes the card in it. To be called while a press of
    /// a button is being handled.
    pub(crate) fn take_usb(&self) {
        let phone = *self;
        self.model.trouble.set(None);
        self.follow_usb();
        spawn_local(async move {
            match usb::choose().await {
                Ok(device) => phone.open_usb(device).await,
                Err(trouble) => phone.model.trouble.set(Some((Road::Usb, trouble))),
            }
        });
    }

    async fn open_usb(&self, device: UsbDevice) {
        let phone = *self;
        match UsbCard::open(device).await {
            Ok(card) => {
                let card = Rc::new(card);
                let reader = Rc::downgrade(&card);
                card.follow(move |news| {
                    if let Some(reader) = reader.upgrade() {
                        phone.usb_told(&reader, news);
                    }
                });
                let name = card.name().to_owned();
                self.put_in(Source::Usb(Rc::clone(&card)), CardChannel::Real(card), name);
            }
            Err(trouble) => self.model.trouble.set(Some((Road::Usb, trouble))),
        }
    }

    /// What a reader tells by itself.
    fn usb_told(&self, reader: &Rc<UsbCard>, news: usb::News) {
        let phone = *self;
        let ours = |source: &Source| matches!(source, Source::Usb(card) if Rc::ptr_eq(card, reader));
        if !self.inside().source.borrow().as_ref().is_some_and(ours) {
            return;
        }
        let is_out =
            self.model.chip(Slot::Card).state.with_untracked(|state| matches!(state, ChipState::Out(_)));
        match news {
            usb::News::Out => self.out(),
            usb::News::In if is_out => {
                let card = Rc::clone(reader);
                spawn_local(async move {
                    if card.power().await.is_ok() {
                        let name = card.name().to_owned();
                        phone.put_in(Source::Usb(Rc::clone(&card)), CardChannel::Real(card), name);
                    }
                });
            }
            usb::News::In => {}
        }
    }

    /// A granted reader that is plugged in again is used again.
    fn follow_usb(&self) {
        let phone = *self;
        if self.inside().follows_usb.replace(true) {
            return;
        }
        let plugged = move |device: UsbDevice| {
            let waits = phone.model.chip(Slot::Card).state.with_untracked(
                |state| matches!(state, ChipState::Out(place) if *place == usb::name(&device)),
            );
            if waits {
                spawn_local(async move { phone.open_usb(device).await });
            }
        };
        let pulled = move |device: UsbDevice| {
            phone.lost_if(|source| matches!(source, Source::Usb(card) if card.is_in(&device)));
        };
        usb::follow(plugged, pulled);
    }

    /// Gives the card back; what it was lent for is over.
    pub(crate) fn give_back(&self) {
        let phone = *self;
        let title = Text::new("Giving the card back", "カードを返却しています");
        self.task(Task::new(title), async move {
            let channel = phone.inside().links[Slot::Card as usize].borrow_mut().take();
            let source = phone.inside().source.borrow_mut().take();
            drop(source);
            phone.model.slot.set(Slot::Phone);
            let chip = phone.model.chip(Slot::Card);
            chip.forget();
            chip.state.set(ChipState::Absent);
            if let Some(channel) = channel {
                channel.close().await;
            }
            Ok(None)
        });
    }

    /// A card is there: the phone manages it, and goes on with what was interrupted.
    fn put_in(&self, source: Source, channel: CardChannel, place: String) {
        let phone = *self;
        let left = self.inside().source.borrow_mut().replace(source);
        drop(left);
        let before = self.inside().links[Slot::Card as usize].borrow_mut().replace(channel);
        if let Some(before) = before {
            spawn_local(async move { before.close().await });
        }
        let chip = self.model.chip(Slot::Card);
        chip.forget();
        chip.state.set(ChipState::Real(place));
        self.model.slot.set(Slot::Card);
        self.soon(move || {
            let title = Text::new("Reading the card", "カードを読み取っています");
            phone.task(Task::new(title), async move { phone.read_card().await });
        });
    }

    async fn read_card(&self) -> Result<Option<Notice>, Failure> {
        let info = self.drive(Slot::Card, lpa::chip_info(self.options())).await?;
        self.learn(Slot::Card, &info);
        self.begin_anew(Slot::Card, true).await
    }

    /// The card is out, or the way to it is lost, if it is where `there` says: what is going on
    /// fails, and can go on when the card is back.
    fn lost_if(&self, there: impl Fn(&Source) -> bool) {
        if self.inside().source.borrow().as_ref().is_some_and(there) {
            let source = self.inside().source.borrow_mut().take();
            drop(source);
            self.out();
        }
    }

    fn out(&self) {
        let channel = self.inside().links[Slot::Card as usize].borrow_mut().take();
        drop(channel);
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
                self.lost_if(|source| matches!(source, Source::Bridge(card) if *card == number));
            }
            News::Readers(readers) => {
                let back = self.back_in(&readers);
                self.model.bridge.set(Standing::Open(readers));
                if let Some(reader) = back {
                    self.take_card(reader);
                }
            }
            News::Closed => {
                self.lost_if(|source| matches!(source, Source::Bridge(_)));
                let bridge = self.inside().bridge.borrow_mut().take();
                if bridge.is_some() {
                    self.model.bridge.set(Standing::Off);
                    let trouble = Trouble::new(
                        Text::new("The bridge has ended.", "ブリッジが終了しました。"),
                        Text::new(
                            "Start card-bridge again, then connect again. What was interrupted goes on from where it was.",
                            "card-bridge を起動し直して、もう一度接続してください。中断した処理は続きから再開します。",
                        ),
                    );
                    self.model.trouble.set(Some((Road::Bridge, trouble)));
                }
            }
        }
    }

    /// The reader whose card was pulled out and is in again.
    fn back_in(&self, readers: &[Reader]) -> Option<String> {
        let place = self.model.chip(Slot::Card).state.with_untracked(|state| match state {
            ChipState::Out(place) => Some(place.clone()),
            _ => None,
        })?;
        let back = readers.iter().find(|reader| reader.name == place && reader.state == State::Card);
        back.map(|reader| reader.name.clone())
    }
}
