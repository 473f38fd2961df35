//! What the person looks at: the trace, the filter, the message that is opened.

use std::collections::HashMap;

use leptos::ev;
use leptos::prelude::*;
use trace::{Ending, Filter, Level, Masks, Message, Trace};

use crate::look::address;
use crate::look::row::Row;
use crate::look::scene::{self, Item};
use crate::look::sift::{Kept, Sift};
use crate::model::now;
use crate::record::Record;
use crate::ui::{context, document, preference};

/// How long values are learned for the masks between two frames, in milliseconds.
const BREATH: f64 = 5.0;

/// The same while a person waits for a message to be shown, or for what is searched.
const DEEP_BREATH: f64 = 25.0;

/// Where it is kept whether the diagram is shown.
const KEPT: &str = "trace-as";

/// A trace from a file.
#[derive(Clone, Copy)]
pub(super) struct Loaded {
    /// The name of the file.
    pub(super) name: StoredValue<String>,
    trace: StoredValue<Trace>,
}

/// A file that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// Tells it from the ones before.
    id: u32,
    /// The name of the file.
    pub(super) name: String,
    /// Its bytes, and how many of them were read.
    pub(super) size: usize,
    pub(super) taken: usize,
    /// How many messages were read.
    pub(super) messages: u64,
}

/// A message that somebody wants to look at.
pub(super) enum Looked {
    /// There is none of this number.
    Gone,
    /// It is shown as soon as it is known what is to be masked.
    Soon,
    /// It may be shown.
    Here(Box<Message>),
}

/// Masks, and which messages they were learned from.
struct Learned {
    masks: Masks,
    level: Level,
    /// Exchanges of each message when it was learned.
    parts: HashMap<u32, usize>,
    /// The next message that was not looked at.
    next: u32,
}

impl Learned {
    fn new(level: Level) -> Self {
        Self { masks: Masks::new(level), level, parts: HashMap::new(), next: 0 }
    }

    fn learn(&mut self, message: &Message) {
        let parts = message.parts.len() + message.lost as usize;
        let ended = usize::from(message.ending != Ending::Open);
        if self.parts.insert(message.id, 2 * parts + ended) != Some(2 * parts + ended) {
            self.masks.learn(message);
        }
    }
}

/// The handle: copies look at the same. It outlives the view, so that one comes back to what
/// one has left.
#[derive(Clone, Copy)]
pub(super) struct Looking {
    record: Record,
    hidden: RwSignal<bool>,
    /// The trace of a file, in the place of the live one.
    pub(super) loaded: RwSignal<Option<Loaded>>,
    /// The file that is being read.
    pub(super) opening: RwSignal<Option<Opening>>,
    openings: StoredValue<u32>,
    /// Which messages are shown.
    pub(super) filter: RwSignal<Filter>,
    /// As a diagram, not as a list.
    pub(super) as_diagram: RwSignal<bool>,
    /// The end of the list stays in sight.
    pub(super) follows: RwSignal<bool>,
    /// The message that is opened.
    pub(super) opened: RwSignal<Option<u32>>,
    /// Something went wrong with a file, in words.
    pub(super) trouble: RwSignal<Option<words::Text<String>>>,
    sift: StoredValue<Sift>,
    items: StoredValue<Vec<Item>>,
    learned: StoredValue<Learned>,
    /// Changes when what is shown may have changed: at most once in a frame.
    tick: RwSignal<u64>,
    waits: StoredValue<bool>,
    /// Whether a person waits until all is learned; changes when it is.
    asked: RwSignal<bool>,
}

/// Makes the state of the view; for the whole page.
pub(in crate::ui) fn provide() {
    let context = context();
    let opened = RwSignal::new(None);
    let listener = window_event_listener(ev::hashchange, move |_| {
        let hash = document().location().and_then(|location| location.hash().ok()).unwrap_or_default();
        // Another view leaves the message open, for when one comes back.
        if hash.starts_with("#trace") {
            let message = address::message(&hash);
            if opened.get_untracked() != message {
                opened.set(message);
            }
        }
    });
    on_cleanup(move || listener.remove());
    let hash = document().location().and_then(|location| location.hash().ok()).unwrap_or_default();
    opened.set(address::message(&hash));
    provide_context(Looking {
        record: context.model.record,
        hidden: context.hidden,
        loaded: RwSignal::new(None),
        opening: RwSignal::new(None),
        openings: StoredValue::new(0),
        filter: RwSignal::new(Filter::default()),
        as_diagram: RwSignal::new(preference::read(KEPT).as_deref() == Some("diagram")),
        follows: RwSignal::new(true),
        opened,
        trouble: RwSignal::new(None),
        sift: StoredValue::new(Sift::default()),
        items: StoredValue::new(Vec::new()),
        learned: StoredValue::new(Learned::new(Level::Identifiers)),
        tick: RwSignal::new(0),
        waits: StoredValue::new(false),
        asked: RwSignal::new(false),
    });
}

pub(super) fn looking() -> Looking {
    expect_context()
}

impl Looking {
    /// Keeps up with the trace as long as the component lives that this is called in.
    pub(super) fn watch(self) {
        // Another filter, trace or way to look: everything is looked at again at once.
        Effect::new(move |_| {
            self.filter.track();
            self.loaded.track();
            self.as_diagram.track();
            self.sift.update_value(Sift::again);
            if !self.look() {
                self.soon();
            }
        });
        Effect::new(move |_| {
            let level = self.level();
            self.loaded.track();
            self.learned.set_value(Learned::new(level));
            self.soon();
        });
        // The live one grows: once in a frame is enough.
        Effect::new(move |_| {
            self.record.with(|_| ());
            self.soon();
        });
    }

    fn level(self) -> Level {
        if self.hidden.get() { Level::Identifiers } else { Level::KeysOnly }
    }

    fn soon(self) {
        if self.waits.get_value() {
            return;
        }
        self.waits.set_value(true);
        request_animation_frame(move || {
            // Without a page there is nothing to look at.
            if self.waits.try_set_value(false).is_some() {
                return;
            }
            let all = self.look();
            let asked = self.asked.get_untracked();
            let learned = self.learn(if asked { DEEP_BREATH } else { BREATH });
            if !all || !learned {
                self.soon();
            }
            if learned && asked {
                self.asked.set(false);
            }
        });
    }

    /// Keeps up with the trace, for some milliseconds. Says whether that is all.
    fn look(self) -> bool {
        let filter = self.filter.get_untracked();
        let end = now() + DEEP_BREATH;
        let kept = self.with_untracked(|trace| {
            self.sift.try_update_value(|sift| {
                sift.look_until(trace, |message| filter.passes(message), || now() > end)
            })
        });
        let kept = kept.unwrap_or(Kept::Same);
        if kept == Kept::Same {
            return true;
        }
        let diagram = self.as_diagram.get_untracked();
        let items = self.sift.with_value(|sift| {
            if diagram {
                scene::titled(sift)
            } else {
                sift.iter().map(|shown| Item::Message(shown.id)).collect()
            }
        });
        self.items.set_value(items);
        self.tick.update(|tick| *tick += 1);
        kept == Kept::Up
    }

    /// Learns what is to be masked; for so many milliseconds. Says whether that is all.
    fn learn(self, most: f64) -> bool {
        let end = now() + most;
        self.with_untracked(|trace| {
            let done = self.learned.try_update_value(|learned| {
                let newest = trace.messages().next_back().map_or(0, |message| message.id);
                // Answers come to the last ones.
                let from = learned.next.min(newest.saturating_sub(16));
                let new = trace.messages().rev().take_while(|message| message.id >= from).count();
                for message in trace.messages().skip(trace.len() - new) {
                    if message.ending != Ending::Open {
                        learned.learn(message);
                    }
                    learned.next = message.id.saturating_add(1);
                    if now() > end {
                        return message.id == newest;
                    }
                }
                true
            });
            done.unwrap_or(true)
        })
    }

    /// Looks at the trace.
    pub(super) fn with_untracked<T>(self, look: impl FnOnce(&Trace) -> T) -> T {
        match self.loaded.get_untracked() {
            Some(loaded) => loaded.trace.with_value(look),
            None => self.record.with_untracked(look),
        }
    }

    /// Looks at the trace; tracked, once in a frame.
    pub(super) fn with<T>(self, look: impl FnOnce(&Trace) -> T) -> T {
        self.tick.track();
        self.loaded.track();
        self.with_untracked(look)
    }

    /// Looks at what is shown of it; tracked, once in a frame.
    pub(super) fn with_sift<T>(self, look: impl FnOnce(&Sift) -> T) -> T {
        self.tick.track();
        self.sift.with_value(look)
    }

    /// Looks at the lines of the list; tracked, once in a frame.
    pub(super) fn with_items<T>(self, look: impl FnOnce(&[Item]) -> T) -> T {
        self.tick.track();
        self.items.with_value(|items| look(items))
    }

    /// A message's row as it may be shown; tracked.
    pub(super) fn row(self, id: u32) -> Option<Row> {
        self.hidden.track();
        self.with(|trace| {
            let message = trace.message(id)?;
            Some(
                self.learned
                    .with_value(|learned| Row::of(message, |text| learned.masks.text(text).into_owned())),
            )
        })
    }

    /// A message as it may be shown: with masks.
    pub(super) fn message(self, id: u32) -> Looked {
        // First everything that was not learned yet: a value may be known from elsewhere.
        let level = self.level();
        if self.learned.with_value(|learned| learned.level != level) {
            self.learned.set_value(Learned::new(level));
        }
        if !self.learn(DEEP_BREATH) {
            // A trace that was just opened may be large: the page does other things meanwhile.
            self.asked.set(true);
            self.asked.track();
            self.soon();
            return Looked::Soon;
        }
        let masked = self.with_untracked(|trace| {
            let message = trace.message(id)?;
            self.learned.try_update_value(|learned| {
                learned.learn(message);
                learned.masks.message(message)
            })
        });
        masked.map_or(Looked::Gone, |message| Looked::Here(Box::new(message)))
    }

    /// Looks at a message of the file, with masks for what is shown of it.
    pub(super) fn saved(
        self,
        id: u32,
        look: impl Fn(&Message) -> (String, String),
    ) -> Option<(String, String)> {
        let loaded = self.loaded.get_untracked()?;
        loaded.trace.with_value(|trace| trace.message(id).map(|message| self.masked(look(message))))
    }

    /// The same of the live trace.
    pub(super) fn live(
        self,
        id: u32,
        look: impl Fn(&Message) -> (String, String),
    ) -> Option<(String, String)> {
        self.record.with_untracked(|trace| trace.message(id).map(|message| self.masked(look(message))))
    }

    fn masked(self, (one, other): (String, String)) -> (String, String) {
        let text = |text: &str| self.learned.with_value(|learned| learned.masks.text(text).into_owned());
        (text(&one), text(&other))
    }

    /// Looks at the trace of the file and the live one; `None` when there is no file.
    pub(super) fn with_both<T>(self, look: impl FnOnce(&Trace, &Trace) -> T) -> Option<T> {
        let loaded = self.loaded.get_untracked()?;
        Some(loaded.trace.with_value(|saved| self.record.with_untracked(|live| look(saved, live))))
    }

    /// The trace as it is, for a file; only what is shown if so wished.
    pub(super) fn trace(self, only_shown: bool) -> Trace {
        self.with_untracked(|trace| {
            if !only_shown {
                return trace.clone();
            }
            let shown = self.sift.with_value(|sift| {
                sift.iter().filter_map(|shown| trace.message(shown.id).cloned()).collect::<Vec<_>>()
            });
            Trace::from_messages(trace.limits(), shown, 0)
        })
    }

    /// Opens a message, or closes it: by the address, so that the browser's keys go back.
    pub(super) fn open(self, message: Option<u32>) {
        if let Some(location) = document().location() {
            let _ = location.set_hash(&address::fragment(message));
        }
    }

    /// A file begins to be read, in the place of another one that was. Returns its number.
    pub(super) fn begin(self, name: String, size: usize) -> u32 {
        self.trouble.set(None);
        self.openings.update_value(|openings| *openings = openings.wrapping_add(1));
        let id = self.openings.get_value();
        self.opening.set(Some(Opening { id, name, size, taken: 0, messages: 0 }));
        id
    }

    /// So much of it was read. Says whether it is still wanted.
    pub(super) fn go_on(self, id: u32, taken: usize, messages: u64) -> bool {
        // Without a page nobody wants it.
        let is_wanted =
            self.opening.try_with_untracked(|opening| opening.as_ref().is_some_and(|one| one.id == id));
        if is_wanted == Some(true) {
            self.opening.update(|opening| {
                if let Some(opening) = opening {
                    (opening.taken, opening.messages) = (taken, messages);
                }
            });
        }
        is_wanted == Some(true)
    }

    /// It is no longer read: it is complete, broken, or not wanted.
    pub(super) fn end(self) {
        self.opening.set(None);
    }

    /// Looks at the trace of a file.
    pub(super) fn load(self, name: String, trace: Trace) {
        self.leave();
        let loaded = Loaded { name: StoredValue::new(name), trace: StoredValue::new(trace) };
        self.loaded.set(Some(loaded));
        self.follows.set(false);
    }

    /// Goes back to the live trace.
    pub(super) fn unload(self) {
        self.leave();
        let old = self.loaded.get_untracked();
        self.loaded.set(None);
        self.follows.set(true);
        if let Some(old) = old {
            old.trace.dispose();
            old.name.dispose();
        }
    }

    fn leave(self) {
        self.trouble.set(None);
        if self.opened.get_untracked().is_some() {
            self.open(None);
            self.opened.set(None);
        }
    }

    /// Forgets the live messages.
    pub(super) fn clear(self) {
        self.record.clear();
        self.follows.set(true);
        if self.opened.get_untracked().is_some() {
            self.open(None);
        }
    }

    /// Shows a diagram or a list, also after a reload.
    pub(super) fn show_as(self, diagram: bool) {
        preference::write(KEPT, if diagram { "diagram" } else { "list" });
        self.as_diagram.set(diagram);
    }
}
