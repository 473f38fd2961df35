//! Times for people: seconds since 1970 in and words out.

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The latest time that is shown: the end of the year 9999.
const END: u64 = 253_402_300_799;

/// A moment as `2026-11-27 10:03:42`; `offset` is the local time's in minutes east of UTC.
#[must_use]
pub fn moment(seconds: u64, offset: i32) -> String {
    let local = i64::try_from(seconds.min(END)).unwrap_or_default() + i64::from(offset) * 60;
    let local = local.max(0).unsigned_abs();
    let (year, month, day) = date(local / DAY);
    let rest = local % DAY;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// A day as `2026-11-27`, in UTC.
#[must_use]
pub fn day(seconds: u64) -> String {
    let (year, month, day) = date(seconds.min(END) / DAY);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A moment for machines (RFC 3339, in UTC).
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let mut text = moment(seconds, 0);
    text.replace_range(10..11, "T");
    text.push('Z');
    text
}

/// How long ago, or how soon: `3 minutes ago`, `in 2 days`, `just now`.
#[must_use]
pub fn distance(then: u64, now: u64) -> String {
    let seconds = then.abs_diff(now);
    if seconds < 10 {
        return "just now".to_owned();
    }
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..DAY => (seconds / 3600, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    if then <= now { format!("{number} {unit}{plural} ago") } else { format!("in {number} {unit}{plural}") }
}

/// Whole days that are left until a moment; `None` when it has passed.
#[must_use]
pub const fn days_left(until: u64, now: u64) -> Option<u64> {
    match until.checked_sub(now) {
        None | Some(0) => None,
        Some(left) => Some(left / DAY),
    }
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar.
const fn date(days: u64) -> (u64, u64, u64) {
    // Counted in eras of 400 years that begin on the first of March, so that a leap day is
    // the last day of a year.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn moments_are_as_date_prints_them() {
        // Times from `date -u -d @N`.
        for (seconds, said) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_251_199, "2024-02-29 23:59:59"),
            (1_709_251_200, "2024-03-01 00:00:00"),
            (1_795_773_822, "2026-11-27 10:03:42"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (253_402_300_799, "9999-12-31 23:59:59"),
            (u64::MAX, "9999-12-31 23:59:59"),
        ] {
            assert_eq!(moment(seconds, 0), said);
        }
        assert_eq!(moment(1_795_773_822, -330), "2026-11-27 04:33:42");
        assert_eq!(moment(0, -60), "1970-01-01 00:00:00");
        assert_eq!(rfc3339(1_795_773_822), "2026-11-27T10:03:42Z");
        assert_eq!(day(1_795_773_822), "2026-11-27");
    }

    #[test]
    fn distances_are_whole_units() {
        let now = 1_000_000;
        for (then, said) in [
            (now, "just now"),
            (now + 5, "just now"),
            (now - 59, "59 seconds ago"),
            (now - 60, "1 minute ago"),
            (now - 7199, "1 hour ago"),
            (now + 2 * DAY, "in 2 days"),
            (now - 400 * DAY.min(now / 400), "11 days ago"),
        ] {
            assert_eq!(distance(then, now), said);
        }
        assert_eq!((days_left(now, now), days_left(now + DAY - 1, now)), (None, Some(0)));
        assert_eq!(days_left(now + 30 * DAY, now), Some(30));
    }
}
