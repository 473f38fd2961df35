//! The sequence diagram: lifelines beside each other, messages below each other under the
//! titles of their steps.

use trace::{Party, Step};

use super::sift::Sift;

/// Parties that always have a lifeline.
const ALWAYS: [Party; 4] = [Party::Chip, Party::Phone, Party::Network, Party::Smdp];

/// The lifelines: the four, and who else has spoken.
#[must_use]
pub fn lifelines(sift: &Sift) -> Vec<Party> {
    Party::ALL.into_iter().filter(|party| ALWAYS.contains(party) || sift.has(*party)).collect()
}

/// Where a party's lifeline stands, in hundredths of the width.
#[must_use]
pub fn place(lifelines: &[Party], party: Party) -> f64 {
    let index = lifelines.iter().position(|known| *known == party).unwrap_or(0);
    (index as f64 + 0.5) * 100.0 / lifelines.len().max(1) as f64
}

/// Something that takes a line of the diagram or of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// A message.
    Message(u32),
    /// The title of a step; with the message before which it stands.
    Title(Option<Step>, u32),
    /// The network is let go: the whole package is here, and the chip takes it without the network
    /// (SGP.22 §3.1.3.3); with the message before which it stands.
    LetGo(u32),
}

impl Item {
    /// The message that it is, or that follows it.
    #[must_use]
    pub const fn message(self) -> u32 {
        match self {
            Self::Message(id) | Self::Title(_, id) | Self::LetGo(id) => id,
        }
    }
}

/// The messages that are shown with a title wherever another step begins, and with what happens that is
/// no message.
#[must_use]
pub fn titled(sift: &Sift) -> Vec<Item> {
    let mut items = Vec::with_capacity(sift.len() + 8);
    let mut step = None;
    for shown in sift.iter() {
        if step != Some(shown.step) {
            step = Some(shown.step);
            items.push(Item::Title(shown.step, shown.id));
        }
        if shown.feeds {
            items.push(Item::LetGo(shown.id));
        }
        items.push(Item::Message(shown.id));
    }
    items
}

/// The part of a long list that is in sight and a little more: first and one behind the last.
#[must_use]
pub fn window(count: usize, line: f64, scrolled: f64, height: f64) -> (usize, usize) {
    const MORE: usize = 8;
    if line <= 0.0 {
        return (0, count.min(50));
    }
    let first = (scrolled / line).max(0.0) as usize;
    let lines = (height / line).ceil().max(0.0) as usize + 1;
    (first.saturating_sub(MORE).min(count), (first + lines + MORE).min(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace::Trace;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_title_stands_where_a_step_begins() {
        let mut trace = Trace::default();
        let mut send = |step, card| {
            trace.set_step(step);
            let _ = trace.command(card, &[0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00, 0x00], 0.0);
        };
        send(None, Party::Chip);
        send(Some(Step::Attach), Party::Chip);
        send(Some(Step::Attach), Party::Watch);
        send(Some(Step::Install), Party::Chip);
        let mut sift = Sift::default();
        sift.look(&trace, |_| true);
        assert_eq!(
            titled(&sift),
            [
                Item::Title(None, 0),
                Item::Message(0),
                Item::Title(Some(Step::Attach), 1),
                Item::Message(1),
                Item::Message(2),
                Item::Title(Some(Step::Install), 3),
                Item::Message(3)
            ]
        );
        let lifelines = lifelines(&sift);
        assert_eq!(lifelines, [Party::Chip, Party::Watch, Party::Phone, Party::Network, Party::Smdp]);
        assert_eq!(place(&lifelines, Party::Phone), 50.0);
    }

    /// A package is one message, however many segments it has; each package is fetched before it is fed.
    #[test]
    fn the_network_is_let_go_before_a_package_is_fed() {
        let mut trace = Trace::default();
        let mut send = |hex: &str| {
            let ticket = trace.command(Party::Chip, &hex::decode(hex).unwrap_or_default(), 0.0);
            trace.answer(ticket, &[0x90, 0x00], 0.0);
        };
        send("80E2910003BF2E00");
        for _ in 0..2 {
            // Of a bound profile package the first segment, and one of its next.
            send("80E2910006BF3681C0BF23");
            send("80E291000387010000");
            send("80E2910003BF2E00");
        }
        let mut sift = Sift::default();
        sift.look(&trace, |_| true);
        let fed: Vec<u32> = trace
            .messages()
            .filter(|message| message.name == trace::LOAD)
            .map(|message| message.id)
            .collect();
        assert_eq!(fed.len(), 2, "{:?}", trace.messages().map(|message| &message.name).collect::<Vec<_>>());
        let items = titled(&sift);
        let before: Vec<u32> = items
            .windows(2)
            .filter(|pair| matches!(pair, [Item::LetGo(id), Item::Message(next)] if id == next))
            .map(|pair| pair[0].message())
            .collect();
        assert_eq!(before, fed);
        assert_eq!(items.iter().filter(|item| matches!(item, Item::LetGo(_))).count(), 2);
    }

    #[test]
    fn only_what_is_in_sight_is_drawn() {
        assert_eq!(window(5000, 34.0, 0.0, 400.0), (0, 21));
        let (first, last) = window(5000, 34.0, 34.0 * 5000.0 - 400.0, 400.0);
        assert!(first > 4900 && last == 5000, "{first} {last}");
        assert_eq!(window(3, 34.0, 99999.0, 400.0), (3, 3));
        assert_eq!(window(0, 0.0, 0.0, 0.0), (0, 0));
    }
}
