//! What people read, in every language that the programs speak.
//!
//! A [`Text`] has all of them: a language that is added here is missing nowhere, or it
//! does not compile. Texts stand where they are used, not in a catalogue.
//!
//! ```
//! use words::{Language, Text, text};
//!
//! const DELETE: Text = Text::new("Delete", "削除");
//! let name = "Travel";
//! let done = text!("{name} is deleted.", "{name} を削除しました。");
//! assert_eq!(DELETE.say(Language::Japanese), "削除");
//! assert_eq!(done.say(Language::English), "Travel is deleted.");
//! ```

#![no_std]

extern crate alloc;

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// For [`text!`], wherever it is used.
#[doc(hidden)]
pub use alloc::format;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// 日本語.
    Japanese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// Its tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// Its name in itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Japanese => "日本語",
        }
    }

    /// The language of a tag, whatever region or script it names: `ja-JP` is Japanese.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

/// The same in every language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text<S = &'static str> {
    /// In English.
    pub en: S,
    /// In Japanese.
    pub ja: S,
}

impl<S> Text<S> {
    /// In every language.
    pub const fn new(en: S, ja: S) -> Self {
        Self { en, ja }
    }

    /// In one language.
    pub fn say(self, language: Language) -> S {
        match language {
            Language::English => self.en,
            Language::Japanese => self.ja,
        }
    }

    /// Each of them changed.
    pub fn map<T>(self, change: impl Fn(S) -> T) -> Text<T> {
        Text { en: change(self.en), ja: change(self.ja) }
    }
}

impl Text {
    /// As texts of their own.
    #[must_use]
    pub fn owned(self) -> Text<String> {
        self.map(str::to_owned)
    }
}

impl Text<String> {
    /// The same in every language: a name, codes, what a program says that speaks one only.
    #[must_use]
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { en: text.clone(), ja: text }
    }

    /// A further sentence behind this one, as each language puts them together.
    #[must_use]
    pub fn with(self, next: Self) -> Self {
        let space = if self.en.is_empty() || next.en.is_empty() { "" } else { " " };
        Self { en: self.en + space + &next.en, ja: self.ja + &next.ja }
    }
}

impl From<Text> for Text<String> {
    fn from(text: Text) -> Self {
        text.owned()
    }
}

/// English, for logs and for programs without a language.
impl<S: fmt::Display> fmt::Display for Text<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.en.fmt(f)
    }
}

/// A [`Text`] with values in it, as `format!` puts them in: the languages in the order of
/// the fields, then the values that are not named in them.
#[macro_export]
macro_rules! text {
    ($en:literal, $ja:literal $(, $value:expr)* $(,)?) => {
        $crate::Text { en: $crate::format!($en $(, $value)*), ja: $crate::format!($ja $(, $value)*) }
    };
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn a_language_is_found_by_its_tag() {
        assert_eq!(Language::from_tag("ja-JP"), Some(Language::Japanese));
        assert_eq!(Language::from_tag("EN_gb"), Some(Language::English));
        assert_eq!(Language::from_tag("jam"), None);
        assert_eq!(Language::from_tag(""), None);
    }

    #[test]
    fn values_stand_where_each_language_wants_them() {
        let (done, all) = (2, 5);
        let both = text!("{done} of {all}", "{all} のうち {done}");
        assert_eq!(both.clone().say(Language::Japanese), "5 のうち 2");
        assert_eq!(both.to_string(), "2 of 5");
    }
}
