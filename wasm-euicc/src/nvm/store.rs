//! The map and its transactions.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{Error, Key, Medium, SlotId, journal};

/// What a value costs beside its own and its key's bytes: length fields and
/// the allocation table of a real memory.
const OVERHEAD: usize = 8;
/// Below this many bytes the journal is left as it is.
const COMPACT_FLOOR: usize = 64 * 1024;

type Value = Zeroizing<Vec<u8>>;

/// Reading access to the memory: as committed, or as a transaction sees it.
pub trait View {
    /// The value of a key.
    fn get(&self, key: Key) -> Option<&[u8]>;

    /// The keys of a slot that are there, in their order, from `from` on.
    fn keys_from(&self, from: Key, within: SlotId) -> Vec<Key>;

    /// Bytes that can still be taken.
    fn free(&self) -> usize;

    /// The slots that hold something, in their order.
    fn slots(&self) -> Vec<SlotId>;
}

/// The chip's memory.
pub struct Store {
    values: BTreeMap<Key, Value>,
    capacity: usize,
    used: usize,
    sequence: u64,
    /// Bytes on the medium.
    journal_len: usize,
    /// The end of the medium cannot be trusted: write all anew.
    rewrite: bool,
    /// While transactions are grouped: the values from before the group of the
    /// keys that it has changed.
    group: Option<BTreeMap<Key, Option<Value>>>,
}

impl Store {
    /// Replays what stands on the medium. `capacity` is the memory budget of
    /// the chip in bytes; what is there already stays even when it is larger.
    ///
    /// # Errors
    /// When the medium cannot be read or holds something else.
    pub fn open(medium: &mut dyn Medium, capacity: usize) -> Result<Self, Error> {
        let bytes = Zeroizing::new(medium.load()?);
        let mut store = Self {
            values: BTreeMap::new(),
            capacity,
            used: 0,
            sequence: 0,
            journal_len: bytes.len(),
            rewrite: false,
            group: None,
        };
        if bytes.is_empty() {
            store.rewrite = true;
            return Ok(store);
        }
        let values = &mut store.values;
        let replayed = journal::replay(&bytes, |(key, value)| {
            match value {
                Some(value) => values.insert(key, Zeroizing::new(value.to_vec())),
                None => values.remove(&key),
            };
        })?;
        store.sequence = replayed.sequence;
        // A head without a record is no place to append to either.
        store.rewrite = replayed.good_len != bytes.len() || replayed.sequence == 0;
        store.used = store.values.iter().map(|(key, value)| cost(*key, value.len())).sum();
        Ok(store)
    }

    /// Starts a transaction.
    pub fn begin(&mut self) -> Transaction<'_> {
        self.resume(Draft::default())
    }

    /// Goes on with a transaction that waited.
    pub fn resume(&mut self, draft: Draft) -> Transaction<'_> {
        let used = self.used_with(&draft.changes);
        Transaction { store: self, draft, used }
    }

    /// The memory budget in bytes.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes taken.
    #[must_use]
    pub const fn used(&self) -> usize {
        self.used
    }

    fn commit(&mut self, draft: Draft, medium: &mut dyn Medium) -> Result<(), Error> {
        let changes = draft.changes;
        let used = self.used_with(&changes);
        // Shrinking is always allowed: a chip that is over its budget must
        // still be able to delete.
        if used > self.capacity && used > self.used {
            return Err(Error::Full);
        }
        if changes.is_empty() {
            return Ok(());
        }
        if self.group.is_some() {
            for (key, value) in changes {
                let old = self.set(key, value);
                self.group.get_or_insert_default().entry(key).or_insert(old);
            }
            self.used = used;
            return Ok(());
        }
        let sequence = self.sequence + 1;
        let oversized = self.journal_len > COMPACT_FLOOR.max(4 * self.used.max(used));
        if self.rewrite || oversized {
            // Until the medium answers it is not known what stands on it.
            self.rewrite = true;
            let image = self.image(sequence, &changes);
            medium.replace(&image)?;
            self.rewrite = false;
            self.journal_len = image.len();
        } else {
            let record = journal::record(
                sequence,
                changes.iter().map(|(key, value)| (*key, value.as_ref().map(|value| &value[..]))),
            );
            if let Err(error) = medium.append(&record) {
                self.rewrite = true;
                return Err(error.into());
            }
            self.journal_len += record.len();
        }
        self.sequence = sequence;
        self.used = used;
        for (key, value) in changes {
            self.set(key, value);
        }
        Ok(())
    }

    /// Sets or removes a value; returns the one from before.
    fn set(&mut self, key: Key, value: Option<Value>) -> Option<Value> {
        match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        }
    }

    /// From now on transactions commit to the memory alone; [`Self::end_group`]
    /// makes them durable, all together.
    pub(crate) fn begin_group(&mut self) {
        self.group.get_or_insert_default();
    }

    /// Makes what was committed since [`Self::begin_group`] durable as one
    /// transaction.
    ///
    /// # Errors
    /// As [`Transaction::commit`]; none of the group has happened then.
    pub(crate) fn end_group(&mut self, medium: &mut dyn Medium) -> Result<(), Error> {
        let Some(before) = self.group.take() else { return Ok(()) };
        let mut draft = Draft::default();
        for (key, old) in before {
            let new = self.set(key, old);
            draft.changes.insert(key, new);
        }
        self.used = self.values.iter().map(|(key, value)| cost(*key, value.len())).sum();
        self.commit(draft, medium)
    }

    /// What a medium would hold after nothing but this state had been written: a
    /// copy of the whole chip, secrets included.
    #[must_use]
    pub fn expose_image(&self) -> Zeroizing<Vec<u8>> {
        self.image(self.sequence.max(1), &BTreeMap::new())
    }

    fn image(&self, sequence: u64, changes: &BTreeMap<Key, Option<Value>>) -> Zeroizing<Vec<u8>> {
        let kept = self.values.iter().filter(|(key, _)| !changes.contains_key(key));
        let kept = kept.map(|(key, value)| (*key, Some(&value[..])));
        let new = changes.iter().filter_map(|(key, value)| Some((*key, Some(&value.as_ref()?[..]))));
        let record = journal::record(sequence, kept.chain(new));
        Zeroizing::new([&journal::head()[..], &record].concat())
    }

    fn used_with(&self, changes: &BTreeMap<Key, Option<Value>>) -> usize {
        changes.iter().fold(self.used, |used, (key, value)| {
            let old = self.values.get(key).map_or(0, |old| cost(*key, old.len()));
            let new = value.as_ref().map_or(0, |new| cost(*key, new.len()));
            used.saturating_sub(old).saturating_add(new)
        })
    }
}

impl View for Store {
    fn get(&self, key: Key) -> Option<&[u8]> {
        self.values.get(&key).map(|value| &value[..])
    }

    fn keys_from(&self, from: Key, within: SlotId) -> Vec<Key> {
        self.values.range(from..).map(|(key, _)| *key).take_while(|key| key.is_of(within)).collect()
    }

    fn free(&self) -> usize {
        self.capacity.saturating_sub(self.used)
    }

    fn slots(&self) -> Vec<SlotId> {
        slots_of(self.values.keys())
    }
}

fn slots_of<'k>(keys: impl Iterator<Item = &'k Key>) -> Vec<SlotId> {
    let mut slots: Vec<SlotId> = keys
        .filter_map(|key| match key {
            Key::Slot(slot, _) => Some(*slot),
            _ => None,
        })
        .collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// The changes of a transaction that waits between two commands. Dropped,
/// nothing has happened.
#[derive(Default)]
pub struct Draft {
    changes: BTreeMap<Key, Option<Value>>,
}

/// Changes that become durable together, or not at all.
pub struct Transaction<'s> {
    store: &'s mut Store,
    draft: Draft,
    /// Bytes taken when the changes are made.
    used: usize,
}

impl Transaction<'_> {
    /// Sets the value of a key.
    ///
    /// # Errors
    /// [`Error::Full`] when it does not fit; it is not set then.
    pub fn put(&mut self, key: Key, value: Vec<u8>) -> Result<(), Error> {
        let value = Zeroizing::new(value);
        let (old, new) = (self.cost_now(key), cost(key, value.len()));
        let used = self.used - old + new;
        if new > old && used > self.store.capacity {
            return Err(Error::Full);
        }
        self.used = used;
        self.draft.changes.insert(key, Some(value));
        Ok(())
    }

    /// Removes a key; one that is not there is left not there.
    pub fn delete(&mut self, key: Key) {
        self.used -= self.cost_now(key);
        if self.store.values.contains_key(&key) {
            self.draft.changes.insert(key, None);
        } else {
            self.draft.changes.remove(&key);
        }
    }

    /// Removes everything of a slot.
    pub fn delete_slot(&mut self, slot: SlotId) {
        for key in self.keys_from(Key::first_of(slot), slot) {
            self.delete(key);
        }
    }

    /// Makes the changes durable. When this returns without error they will be
    /// there after any power failure; with one, none of them is there.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Medium`].
    pub fn commit(self, medium: &mut dyn Medium) -> Result<(), Error> {
        self.store.commit(self.draft, medium)
    }

    /// Lets the transaction wait until a later command resumes it.
    #[must_use]
    pub fn suspend(self) -> Draft {
        self.draft
    }

    fn cost_now(&self, key: Key) -> usize {
        self.get(key).map_or(0, |value| cost(key, value.len()))
    }
}

impl View for Transaction<'_> {
    fn get(&self, key: Key) -> Option<&[u8]> {
        match self.draft.changes.get(&key) {
            Some(change) => change.as_ref().map(|value| &value[..]),
            None => self.store.get(key),
        }
    }

    fn keys_from(&self, from: Key, within: SlotId) -> Vec<Key> {
        let mut keys = self.store.keys_from(from, within);
        keys.retain(|key| !self.draft.changes.contains_key(key));
        let own = self.draft.changes.range(from..).take_while(|(key, _)| key.is_of(within));
        keys.extend(own.filter(|(_, value)| value.is_some()).map(|(key, _)| *key));
        keys.sort_unstable();
        keys
    }

    fn free(&self) -> usize {
        self.store.capacity.saturating_sub(self.used)
    }

    fn slots(&self) -> Vec<SlotId> {
        let changes = &self.draft.changes;
        let kept = self.store.values.keys().filter(|key| !changes.contains_key(key));
        let own = changes.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key);
        slots_of(kept.chain(own))
    }
}

const fn cost(key: Key, value_len: usize) -> usize {
    key.encoded_len() + value_len + OVERHEAD
}
