//! Which language the page speaks, and texts in it.

use leptos::prelude::*;
use words::{Language, Text};

use super::{document, preference};

/// Speaks the person's language. A handle: copies speak the same.
#[derive(Clone, Copy)]
pub(crate) struct Say(RwSignal<Language>);

/// Where the choice is kept.
const KEPT: &str = "language";

impl Say {
    /// The language that was chosen here before, else the browser's first that is known.
    pub(super) fn new() -> Self {
        let chosen = preference::read(KEPT).and_then(|tag| Language::from_tag(&tag));
        let language = chosen.or_else(of_browser).unwrap_or_default();
        let say = Self(RwSignal::new(language));
        Effect::new(move |_| {
            let language = say.language();
            let page = document();
            page.set_title(TITLE.say(language));
            if let Some(root) = page.document_element() {
                let _ = root.set_attribute("lang", language.tag());
            }
        });
        say
    }

    /// The language; tracked.
    pub(crate) fn language(self) -> Language {
        self.0.get()
    }

    /// Speaks another one from now on, here and after a reload.
    pub(super) fn choose(self, language: Language) {
        preference::write(KEPT, language.tag());
        self.0.set(language);
    }

    /// A text for views: it follows the language.
    pub(crate) fn of<S: Clone + Send + 'static>(self, text: Text<S>) -> impl Fn() -> S + Clone + Send {
        move || text.clone().say(self.language())
    }

    /// A text as it is now; tracked.
    pub(crate) fn now<S>(self, text: Text<S>) -> S {
        text.say(self.language())
    }
}

/// The page's name.
const TITLE: Text = Text::new("eSIM laboratory", "eSIM ラボラトリー");

fn of_browser() -> Option<Language> {
    let languages = web_sys::window()?.navigator().languages();
    languages.iter().filter_map(|tag| tag.as_string()).find_map(|tag| Language::from_tag(&tag))
}
