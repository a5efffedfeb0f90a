//! The `Date` field's format (RFC 9110 §5.6.7).
//!
//! Step 9 of the walk: the engine formats the date once a second and hands the same 29 bytes to
//! [`encode_head`](crate::h1::encode_head) for every response.

/// The last second that four digits of year can name: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;
const SECONDS_PER_DAY: u64 = 86_400;

const WEEKDAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Formats a time as IMF-fixdate, always in GMT (RFC 9110 §5.6.7).
///
/// `unix_seconds` counts from 1970-01-01T00:00:00Z without leap seconds. Times past the year 9999, which
/// the format cannot express, become its last second.
///
/// ```
/// assert_eq!(&hyperlane_proto::format_http_date(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[must_use]
pub fn format_http_date(unix_seconds: u64) -> [u8; 29] {
    let seconds = unix_seconds.min(LAST_SECOND);
    let days = seconds / SECONDS_PER_DAY;
    let time = seconds % SECONDS_PER_DAY;
    let date = civil_from_days(days);

    let mut out = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    out[0..3].copy_from_slice(WEEKDAYS[(days % 7) as usize]);
    write_digits(&mut out[5..7], date.day);
    out[8..11].copy_from_slice(MONTHS[(date.month - 1) as usize]);
    write_digits(&mut out[12..16], date.year);
    write_digits(&mut out[17..19], time / 3600);
    write_digits(&mut out[20..22], time / 60 % 60);
    write_digits(&mut out[23..25], time % 60);
    out
}

struct CivilDate {
    year: u64,
    /// From 1.
    month: u64,
    /// From 1.
    day: u64,
}

/// The date in the proleptic Gregorian calendar, `days` after 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last day of a year and month lengths
/// follow a regular pattern: 153 days for each five months.
fn civil_from_days(days: u64) -> CivilDate {
    const DAYS_FROM_YEAR_0_MARCH: u64 = 719_468;
    const DAYS_PER_ERA: u64 = 146_097; // 400 years

    let days = days + DAYS_FROM_YEAR_0_MARCH;
    let era = days / DAYS_PER_ERA;
    let day_of_era = days % DAYS_PER_ERA;
    // Take out the leap days before this one: one each 4 years, not each 100, but each 400.
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;

    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    CivilDate {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
    }
}

fn write_digits(out: &mut [u8], mut value: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(unix_seconds: u64) -> String {
        String::from_utf8(format_http_date(unix_seconds).to_vec()).unwrap()
    }

    #[test]
    fn formats_known_dates_as_imf_fixdate_rfc9110_5_6_7() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (946_684_799, "Fri, 31 Dec 1999 23:59:59 GMT"),
            (946_684_800, "Sat, 01 Jan 2000 00:00:00 GMT"),
            (1_234_567_890, "Fri, 13 Feb 2009 23:31:30 GMT"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
        ] {
            assert_eq!(formatted(seconds), expected);
        }
    }

    #[test]
    fn knows_leap_years_of_the_gregorian_calendar() {
        for (seconds, expected) in [
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), // divisible by 400: leap
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_603_200, "Tue, 31 Dec 2024 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), // divisible by 100: not leap
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(formatted(seconds), expected);
        }
    }

    #[test]
    fn stays_at_the_last_second_of_9999() {
        for seconds in [LAST_SECOND, LAST_SECOND + 1, u64::MAX] {
            assert_eq!(formatted(seconds), "Fri, 31 Dec 9999 23:59:59 GMT");
        }
    }

    /// Walks day by day with a naive calendar over the whole range.
    #[test]
    fn agrees_with_counting_days_until_9999() {
        let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..=LAST_SECOND / SECONDS_PER_DAY {
            let date = civil_from_days(days);
            assert_eq!((date.year, date.month, date.day), (year, month, day));
            let length = match month {
                2 if leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(year, 10_000);
    }
}
