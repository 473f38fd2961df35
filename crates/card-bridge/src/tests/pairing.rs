//! Codes and tokens.

use std::time::Duration;

use super::{NOW, PAGE, rng};
use crate::pairing::{LIFETIME, MAX_TOKENS, Pairing, TRIES};
use crate::protocol::{Secret, Why};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn said(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[test]
fn a_code_is_good_once_and_the_token_for_its_origin() {
    let (mut pairing, mut rng) = (Pairing::default(), rng());
    assert!(matches!(pairing.pair(&said("12345678"), PAGE, &mut rng, NOW), Err(Why::NoCode)));
    let code = pairing.show(&mut rng, NOW);
    let digits: Vec<char> = code.expose_text().chars().collect();
    assert_eq!((digits.len(), digits[4]), (9, ' '));
    assert!(digits.iter().all(|c| c.is_ascii_digit() || *c == ' '));
    let token = pairing.pair(&said(&code.expose_text().replace(' ', "-")), PAGE, &mut rng, NOW).ok().unwrap();
    assert_eq!(token.expose_text().len(), 64);
    assert!(!pairing.is_shown(NOW));
    assert!(matches!(pairing.pair(&code, PAGE, &mut rng, NOW), Err(Why::NoCode)));
    assert_eq!(pairing.resume(&token, PAGE), Ok(()));
    assert_eq!(pairing.resume(&token, "https://lpa.example"), Err(Why::UnknownToken));
    for no in ["", "00", &"00".repeat(32), &"zz".repeat(32), &token.expose_text()[2..]] {
        assert_eq!(pairing.resume(&said(no), PAGE), Err(Why::UnknownToken));
    }
}

#[test]
fn wrong_codes_use_the_code_up_and_time_does() {
    let (mut pairing, mut rng) = (Pairing::default(), rng());
    let code = pairing.show(&mut rng, NOW);
    let right = code.expose_text().replace(' ', "");
    let mut wrong =
        vec![String::new(), right[1..].to_owned(), format!("{right}0"), format!("{right}{right}")];
    // Only the last digit.
    let last = if right.ends_with('0') { '1' } else { '0' };
    wrong.push(format!("{}{last}", &right[..7]));
    assert_eq!(wrong.len(), usize::from(TRIES));
    for (index, wrong) in wrong.iter().enumerate() {
        let why = pairing.pair(&said(wrong), PAGE, &mut rng, NOW).err().unwrap();
        let last = index + 1 == usize::from(TRIES);
        assert_eq!(why, if last { Why::NoCode } else { Why::WrongCode }, "{index}");
    }
    assert!(matches!(pairing.pair(&code, PAGE, &mut rng, NOW), Err(Why::NoCode)), "right, but too late");
    // Another one, left lying.
    let code = pairing.show(&mut rng, NOW);
    assert!(pairing.is_shown(NOW + LIFETIME - Duration::from_millis(1)));
    assert!(matches!(pairing.pair(&code, PAGE, &mut rng, NOW + LIFETIME), Err(Why::NoCode)));
    // A new code takes the place of the one before.
    let (old, new) = (pairing.show(&mut rng, NOW), pairing.show(&mut rng, NOW));
    assert_ne!(old.expose_text(), new.expose_text());
    assert!(matches!(pairing.pair(&old, PAGE, &mut rng, NOW), Err(Why::WrongCode)));
    assert!(pairing.pair(&new, PAGE, &mut rng, NOW).is_ok());
}

#[test]
fn only_so_many_pages_are_remembered() {
    let (mut pairing, mut rng) = (Pairing::default(), rng());
    let tokens: Vec<Secret> = (0..=MAX_TOKENS)
        .map(|_| {
            let code = pairing.show(&mut rng, NOW);
            pairing.pair(&code, PAGE, &mut rng, NOW).ok().unwrap()
        })
        .collect();
    assert_eq!(pairing.resume(&tokens[0], PAGE), Err(Why::UnknownToken));
    assert!(tokens[1..].iter().all(|token| pairing.resume(token, PAGE).is_ok()));
}
