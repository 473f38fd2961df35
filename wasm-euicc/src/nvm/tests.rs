use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const fn key(slot: u16, body: u16) -> Key {
    Key::Slot(SlotId(slot), SlotKey::Body(body))
}

fn image(store: &Store) -> BTreeMap<Key, Vec<u8>> {
    (0..4)
        .flat_map(|slot| store.keys_from(Key::first_of(SlotId(slot)), SlotId(slot)))
        .map(|key| (key, store.get(key).unwrap().to_vec()))
        .collect()
}

#[test]
fn keys_encode_and_decode() {
    let keys = [
        Key::Enabled,
        Key::Isdr(IsdrKey { kind: 7, number: 0xDEAD_BEEF }),
        Key::Slot(SlotId(1), SlotKey::Profile),
        Key::Slot(SlotId(0xFFFF), SlotKey::File { parent: 2, fid: 0x6F07 }),
        Key::Slot(SlotId(3), SlotKey::Body(0x1234)),
        Key::Slot(SlotId(3), SlotKey::Pin { context: 9, reference: 0x81 }),
        Key::Slot(SlotId(3), SlotKey::Puk { context: 9, reference: 0x81 }),
        Key::Slot(SlotId(3), SlotKey::PinShare(9)),
        Key::Slot(SlotId(3), SlotKey::Aka(9)),
        Key::Slot(SlotId(3), SlotKey::Sqn(9)),
        Key::Slot(SlotId(3), SlotKey::Opaque(9)),
        Key::Slot(SlotId(3), SlotKey::SecurityDomain(1)),
        Key::Slot(SlotId(3), SlotKey::DomainKey { domain: 1, version: 2, identifier: 3 }),
        Key::Slot(SlotId(3), SlotKey::DomainCounter { domain: 1, version: 2 }),
        Key::Slot(SlotId(3), SlotKey::Rfm(0x0102)),
        Key::Slot(SlotId(3), SlotKey::Isdp(9)),
    ];
    for key in keys {
        let mut bytes = Vec::new();
        key.encode(&mut bytes);
        assert_eq!(bytes.len(), key.encoded_len(), "{key:?}");

        assert_eq!(Key::decode(&bytes), Some(key));
    }
}

#[test]
fn a_transaction_reads_its_own_writes_and_dropped_leaves_nothing() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 1000).unwrap();
    let mut tx = store.begin();
    tx.put(key(1, 1), b"one".to_vec()).unwrap();
    tx.put(key(1, 2), b"two".to_vec()).unwrap();
    tx.delete(key(1, 1));
    assert_eq!(tx.get(key(1, 1)), None);
    assert_eq!(tx.get(key(1, 2)), Some(&b"two"[..]));
    assert_eq!(tx.keys_from(Key::first_of(SlotId(1)), SlotId(1)), [key(1, 2)]);
    drop(tx);
    assert_eq!(store.get(key(1, 2)), None);
    assert_eq!(store.free(), 1000);
    assert!(medium.expose_bytes().is_empty());
}

#[test]
fn a_draft_waits_and_goes_on_beside_other_transactions() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 1000).unwrap();
    let mut tx = store.begin();
    tx.put(key(1, 1), b"one".to_vec()).unwrap();
    let draft = tx.suspend();
    let mut other = store.begin();
    other.put(key(2, 1), b"other".to_vec()).unwrap();
    other.commit(&mut medium).unwrap();
    let mut tx = store.resume(draft);
    assert_eq!(tx.get(key(1, 1)), Some(&b"one"[..]));
    tx.put(key(1, 2), b"two".to_vec()).unwrap();
    tx.commit(&mut medium).unwrap();
    let again = Store::open(&mut medium, 1000).unwrap();
    assert_eq!(image(&again), image(&store));
    assert_eq!(image(&again).len(), 3);
}

#[test]
fn a_group_of_transactions_becomes_durable_together() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 1000).unwrap();
    let put = |store: &mut Store, number, value: &[u8], medium: &mut dyn Medium| {
        let mut tx = store.begin();
        tx.put(key(1, number), value.to_vec()).unwrap();
        tx.commit(medium)
    };
    put(&mut store, 1, b"before", &mut medium).unwrap();
    let before = image(&store);
    let free = store.free();
    store.begin_group();
    put(&mut store, 1, b"one", &mut medium).unwrap();
    put(&mut store, 1, b"one again", &mut medium).unwrap();
    put(&mut store, 2, b"two", &mut medium).unwrap();
    // Seen at once, durable not yet.
    assert_eq!(store.get(key(1, 1)), Some(&b"one again"[..]));
    let mut power_failed = medium.clone();
    assert_eq!(image(&Store::open(&mut power_failed, 1000).unwrap()), before);
    store.end_group(&mut medium).unwrap();
    let after = image(&store);
    assert_eq!(image(&Store::open(&mut medium, 1000).unwrap()), after);
    assert_eq!(after.len(), before.len() + 1);
    // A medium that fails leaves what was before the group.
    let mut torn = TornMedium::new(medium.clone(), 0, 0);
    let mut store = Store::open(&mut torn, 1000).unwrap();
    store.begin_group();
    put(&mut store, 1, b"lost", &mut torn).unwrap();
    assert_eq!(store.end_group(&mut torn), Err(Error::Medium));
    assert_eq!(image(&store), after);
    // And the memory is counted.
    let mut store = Store::open(&mut medium, 1000).unwrap();
    store.begin_group();
    let mut tx = store.begin();
    tx.delete(key(1, 2));
    tx.put(key(1, 1), b"before".to_vec()).unwrap();
    tx.commit(&mut medium).unwrap();
    assert_eq!(store.free(), free);
    store.end_group(&mut medium).unwrap();
    assert_eq!(store.free(), free);
}

#[test]
fn memory_taken_comes_back_exactly() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 100).unwrap();
    let before = store.free();
    let mut tx = store.begin();
    tx.put(key(1, 1), vec![0; 40]).unwrap();
    assert_eq!(tx.put(key(1, 2), vec![0; 40]), Err(Error::Full));
    tx.put(key(1, 1), vec![0; 20]).unwrap();
    tx.put(key(1, 2), vec![0; 40]).unwrap();
    let free = tx.free();
    tx.commit(&mut medium).unwrap();
    assert_eq!(store.free(), free);
    assert_eq!(Store::open(&mut medium, 100).unwrap().free(), free);
    let mut tx = store.begin();
    tx.delete_slot(SlotId(1));
    tx.commit(&mut medium).unwrap();
    assert_eq!(store.free(), before);
    assert_eq!(Store::open(&mut medium, 100).unwrap().free(), before);
}

#[test]
fn a_chip_over_its_budget_can_still_delete_but_not_grow() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 1000).unwrap();
    let mut tx = store.begin();
    tx.put(key(1, 1), vec![0; 400]).unwrap();
    tx.put(key(1, 2), vec![0; 400]).unwrap();
    tx.commit(&mut medium).unwrap();
    let mut store = Store::open(&mut medium, 500).unwrap();
    assert_eq!(store.free(), 0);
    let mut tx = store.begin();
    assert_eq!(tx.put(key(1, 3), vec![0; 1]), Err(Error::Full));
    tx.put(key(1, 1), vec![1; 400]).unwrap();
    tx.delete(key(1, 2));
    tx.commit(&mut medium).unwrap();
    assert!(store.free() > 0);
}

#[test]
fn two_drafts_that_fit_alone_do_not_both_fit() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 100).unwrap();
    let mut tx = store.begin();
    tx.put(key(1, 1), vec![0; 60]).unwrap();
    let draft = tx.suspend();
    let mut tx = store.begin();
    tx.put(key(2, 1), vec![0; 60]).unwrap();
    tx.commit(&mut medium).unwrap();
    assert_eq!(store.resume(draft).commit(&mut medium), Err(Error::Full));
    assert_eq!(store.get(key(1, 1)), None);
}

#[test]
fn foreign_and_newer_media_are_refused_and_left_alone() {
    for (bytes, expected) in [
        (&b"PNG and so on and on"[..], Error::Foreign),
        (b"PNG", Error::Foreign),
        (b"eUICC-NV\x00\x02", Error::Version(2)),
    ] {
        let mut medium = MemoryMedium::holding(bytes.to_vec());
        assert_eq!(Store::open(&mut medium, 100).err(), Some(expected));
        assert_eq!(medium.expose_bytes(), bytes);
    }
}

/// A chip's memory in format 1, put together by hand from the description at
/// the head of this module: three values, then one deleted and one changed. It
/// must load for ever.
#[test]
fn format_1_loads_for_ever() {
    let bytes = vectors::bytes(
        "65554943432D4E56 0001
         4A52 00000021 CAE64FAC 0000000000000007
              01 01 00000003 0001
              06 030001030001 00000004 AABBCC
              06 020700000009 00000001
         4A52 00000012 209A111A 0000000000000008
              01 01 00000000
              06 030001030001 00000002 DD",
    );
    let mut medium = MemoryMedium::holding(bytes.clone());
    let mut store = Store::open(&mut medium, 1000).unwrap();
    assert_eq!(store.get(Key::Enabled), None);
    assert_eq!(store.get(key(1, 1)), Some(&[0xDD][..]));
    assert_eq!(store.get(Key::Isdr(IsdrKey { kind: 7, number: 9 })), Some(&[][..]));
    // Nothing was wrong with it: the next record is appended.
    let mut tx = store.begin();
    tx.put(Key::Enabled, vec![0, 1]).unwrap();
    tx.commit(&mut medium).unwrap();
    assert!(medium.expose_bytes().starts_with(&bytes));
    // Counting may begin anywhere. What was there before is not taken a second time.
    let mut gap = bytes;
    gap.drain(10..61);
    let alone = Store::open(&mut MemoryMedium::holding(gap.clone()), 1000).unwrap();
    assert_eq!(alone.get(key(1, 1)), Some(&[0xDD][..]));
    gap.extend(gap[10..].to_vec());
    let twice = Store::open(&mut MemoryMedium::holding(gap), 1000).unwrap();
    assert_eq!(image(&twice), image(&alone));
}

/// Loss of power takes the end of the last record and nothing else. Whatever else
/// is wrong with a medium, the chip on it is not replaced by an older or an empty one.
#[test]
fn a_damaged_medium_is_refused_and_left_alone() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 1000).unwrap();
    let mut ends = Vec::new();
    for number in 0..3 {
        let mut tx = store.begin();
        tx.put(key(1, number), vec![number as u8; 20]).unwrap();
        tx.commit(&mut medium).unwrap();
        ends.push(medium.expose_bytes().len());
    }
    let whole = medium.expose_bytes().to_vec();
    let open = |bytes: &[u8]| {
        let mut medium = MemoryMedium::holding(bytes.to_vec());
        let opened = Store::open(&mut medium, 1000).map(|store| image(&store).len());
        assert_eq!(medium.expose_bytes(), bytes);
        opened
    };
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0..8 => Err(Error::Foreign),
            8..10 => Err(Error::Version(1 ^ 1 << (bit % 8 + if bit / 8 == 8 { 8 } else { 0 }))),
            at if at < ends[1] => Err(Error::Damaged),
            // As if power had failed while it was written.
            _ => Ok(2),
        };
        assert_eq!(open(&flipped), expected, "bit {bit}");
    }
    for len in ends[0]..whole.len() {
        assert_eq!(open(&whole[..len]), Ok(ends.iter().filter(|end| **end <= len).count()), "{len}");
    }
    for len in 11..ends[0] {
        assert_eq!(open(&whole[..len]), Err(Error::Damaged), "{len}");
    }
    // What is cut off may look like a record.
    let record = &whole[ends[0]..ends[1]];
    let mut tx = store.begin();
    tx.put(key(1, 4), record.repeat(3)).unwrap();
    tx.commit(&mut medium).unwrap();
    let bytes = medium.expose_bytes();
    assert_eq!(open(&bytes[..bytes.len() - 1]), Ok(3));
    assert_eq!(open(&bytes[..bytes.len() - record.len()]), Ok(3));
    // A record in the middle is missing.
    let gap = [&whole[..ends[0]], &whole[ends[1]..]].concat();
    assert_eq!(open(&gap), Err(Error::Damaged));
    // A head alone is no place to append to.
    let mut torn = TornMedium::new(MemoryMedium::holding(whole[..10].to_vec()), 0, 5);
    let mut store = Store::open(&mut torn, 1000).unwrap();
    let mut tx = store.begin();
    tx.put(key(1, 1), vec![1]).unwrap();
    assert_eq!(tx.commit(&mut torn), Err(Error::Medium));
    assert!(Store::open(&mut torn.inner, 1000).is_ok());
}

#[test]
fn an_image_is_the_chip() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 1000).unwrap();
    for number in 0..5 {
        let mut tx = store.begin();
        tx.put(key(number % 3, 1), vec![number as u8; 9]).unwrap();
        tx.commit(&mut medium).unwrap();
    }
    let copy = Store::open(&mut MemoryMedium::holding(store.expose_image().to_vec()), 1000).unwrap();
    assert_eq!(image(&copy), image(&store));
    assert_eq!(copy.free(), store.free());
    assert!(store.expose_image().len() < medium.expose_bytes().len());
}

#[test]
fn compaction_keeps_everything_and_bounds_the_medium() {
    let mut medium = MemoryMedium::new();
    let mut store = Store::open(&mut medium, 100_000).unwrap();
    for round in 0..2000u32 {
        let mut tx = store.begin();
        tx.put(key(1, (round % 7) as u16), [&round.to_be_bytes()[..], &[0xAA; 200]].concat()).unwrap();
        tx.commit(&mut medium).unwrap();
    }
    assert!(medium.expose_bytes().len() < 70_000, "{}", medium.expose_bytes().len());
    let again = Store::open(&mut medium, 100_000).unwrap();
    assert_eq!(image(&again), image(&store));
    assert_eq!(again.get(key(1, 1999 % 7)).unwrap()[..4], 1999u32.to_be_bytes());
}

#[test]
fn a_failed_append_is_as_if_it_had_not_been() {
    // The platform fails once but lives on: what was half written must not
    // hide what comes after it.
    for at in 0..60 {
        let mut medium = TornMedium::new(MemoryMedium::new(), 1, at);
        let mut store = Store::open(&mut medium, 1000).unwrap();
        for number in 0..3 {
            let mut tx = store.begin();
            tx.put(key(1, number), vec![number as u8; 20]).unwrap();
            let result = tx.commit(&mut medium);
            assert_eq!(result.is_err(), number == 1);
            if number == 1 {
                let inner = medium.inner.clone();
                medium = TornMedium::new(inner, usize::MAX, 0);
            }
        }
        let again = Store::open(&mut medium, 1000).unwrap();
        assert_eq!(image(&again), image(&store));
        assert_eq!(image(&again).keys().copied().collect::<Vec<_>>(), [key(1, 0), key(1, 2)]);
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_file_keeps_the_memory() {
    let path = std::env::temp_dir().join(format!("euicc-nvm-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let expected = {
        let mut medium = FileMedium::new(&path);
        let mut store = Store::open(&mut medium, 1000).unwrap();
        for number in 0..3 {
            let mut tx = store.begin();
            tx.put(key(1, number), vec![number as u8; 20]).unwrap();
            tx.commit(&mut medium).unwrap();
        }
        image(&store)
    };
    let mut medium = FileMedium::new(&path);
    let store = Store::open(&mut medium, 1000).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(image(&store), expected);
}

/// One step of a story about the memory.
#[derive(Clone, Debug)]
enum Step {
    Put(u16, u16, u8),
    Delete(u16, u16),
    DeleteSlot(u16),
    Commit,
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4u16, 0..6u16, any::<u8>()).prop_map(|(slot, body, len)| Step::Put(slot, body, len)),
        2 => (0..4u16, 0..6u16).prop_map(|(slot, body)| Step::Delete(slot, body)),
        1 => (0..4u16).prop_map(Step::DeleteSlot),
        3 => Just(Step::Commit),
        1 => Just(Step::Drop),
    ]
}

/// Runs the steps against the store and against a plain map. Returns the maps
/// before and after the commit that failed, or the last one twice.
fn run(steps: &[Step], medium: &mut TornMedium) -> [BTreeMap<Key, Vec<u8>>; 2] {
    let mut store = match Store::open(medium, 2000) {
        Ok(store) => store,
        Err(error) => panic!("{error}"),
    };
    let mut model = image(&store);
    let mut draft = Draft::default();
    let mut drafted = model.clone();
    for step in steps {
        let mut tx = store.resume(core::mem::take(&mut draft));
        match *step {
            Step::Put(slot, body, len) => {
                if tx.put(key(slot, body), vec![len; usize::from(len)]).is_ok() {
                    drafted.insert(key(slot, body), vec![len; usize::from(len)]);
                }
                draft = tx.suspend();
            }
            Step::Delete(slot, body) => {
                tx.delete(key(slot, body));
                drafted.remove(&key(slot, body));
                draft = tx.suspend();
            }
            Step::DeleteSlot(slot) => {
                tx.delete_slot(SlotId(slot));
                drafted.retain(|key, _| !key.is_of(SlotId(slot)));
                draft = tx.suspend();
            }
            Step::Commit => {
                if tx.commit(medium).is_err() {
                    assert_eq!(image(&store), model);
                    return [model, drafted];
                }
                model = drafted.clone();
                assert_eq!(image(&store), model);
                let used: usize = model.iter().map(|(key, value)| key.encoded_len() + value.len() + 8).sum();
                assert_eq!(store.free(), 2000 - used);
            }
            Step::Drop => drafted = model.clone(),
        }
    }
    [model.clone(), model]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn power_may_fail_at_every_byte_of_every_write(steps in proptest::collection::vec(step(), 1..40), cut in any::<prop::sample::Index>()) {
        let mut whole = TornMedium::new(MemoryMedium::new(), usize::MAX, 0);
        let [_, end] = run(&steps, &mut whole);
        let again = Store::open(&mut whole, 2000).unwrap();
        prop_assert_eq!(image(&again), end);
        for write in 0..whole.writes() {
            // Some places of every write, the two ends always.
            for at in [0, 1, 17, 18, cut.index(400), usize::MAX] {
                let mut torn = TornMedium::new(MemoryMedium::new(), write, at);
                let [before, after] = run(&steps, &mut torn);
                prop_assert!(torn.is_dead());
                let again = image(&Store::open(&mut torn.inner, 2000).unwrap());
                prop_assert!(again == before || again == after);
                if at == 0 {
                    prop_assert!(again == before);
                }
                if at == usize::MAX {
                    prop_assert!(again == after);
                }
            }
        }
    }

    #[test]
    fn any_bytes_open_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), flip in any::<prop::sample::Index>()) {
        let _ = Store::open(&mut MemoryMedium::holding(bytes.clone()), 100);
        let mut medium = MemoryMedium::new();
        let mut store = Store::open(&mut medium, 1000).unwrap();
        for number in 0..3 {
            let mut tx = store.begin();
            tx.put(key(1, number), bytes.clone()).unwrap();
            tx.commit(&mut medium).unwrap();
        }
        // A flipped bit is never taken for data.
        let mut bent = medium.expose_bytes().to_vec();
        let at = flip.index(bent.len());
        bent[at] ^= 1;
        if let Ok(store) = Store::open(&mut MemoryMedium::holding(bent), 1000) {
            for (_, value) in image(&store) {
                prop_assert_eq!(&value, &bytes);
            }
        }
    }
}

#[test]
fn power_comes_back_to_the_same_medium() {
    let put = |store: &mut Store, number, value: &[u8], medium: &mut dyn Medium| {
        let mut tx = store.begin();
        tx.put(key(1, number), value.to_vec()).unwrap();
        tx.commit(medium)
    };
    let mut medium = TornMedium::lasting(MemoryMedium::new());
    let mut store = Store::open(&mut medium, 1000).unwrap();
    put(&mut store, 1, b"one", &mut medium).unwrap();
    let before = image(&store);
    for tear in [Tear::At(0), Tear::At(3), Tear::Half] {
        // Not in the first write from now, but in the second.
        medium.cut(1, tear);
        put(&mut store, 2, b"two", &mut medium).unwrap();
        assert!(!medium.is_dead());
        assert!(put(&mut store, 3, b"three", &mut medium).is_err());
        assert!(medium.is_dead());
        assert_eq!(medium.append(b"nothing"), Err(MediumError));
        medium.mend();
        store = Store::open(&mut medium, 1000).unwrap();
        assert_eq!(image(&store).len(), before.len() + 1, "{tear:?}");
        put(&mut store, 3, b"three", &mut medium).unwrap();
        let mut tx = store.begin();
        tx.delete(key(1, 2));
        tx.delete(key(1, 3));
        tx.commit(&mut medium).unwrap();
        assert_eq!(image(&store), before);
    }
    // What was planned and taken back does not happen.
    medium.cut(0, Tear::Half);
    medium.mend();
    put(&mut store, 2, b"two", &mut medium).unwrap();
}
