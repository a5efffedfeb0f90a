//! The date format of HTTP, read strictly (RFC 9110 §5.6.7), for checking the `Date` of responses.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Seconds since the Unix epoch of an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// `None` for the obsolete formats, for a date that does not exist and for a wrong day of the week.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let (weekday, rest) = text.split_once(", ")?;
    let rest = rest.strip_suffix(" GMT")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time] = parts[..] else {
        return None;
    };
    let clock: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = clock[..] else { return None };

    let month = MONTHS.iter().position(|&name| name == month)?;
    let year = number(year, 4).filter(|&year| year >= 1970)?;
    let day = number(day, 2).filter(|day| (1..=days_in(year, month)).contains(day))?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }

    let years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let months: u64 = (0..month).map(|month| days_in(year, month)).sum();
    let days = years + months + day - 1;
    // 1 January 1970 was a Thursday, the first of `DAYS`.
    let expected = DAYS.iter().cycle().nth((days % 7) as usize)?;
    (*expected == weekday).then_some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(digits: &str, width: usize) -> Option<u64> {
    (digits.len() == width && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

/// Days of a month counted from 0.
fn days_in(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn reads_the_example_of_the_rfc() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Tue, 29 Feb 2000 12:00:00 GMT"), Some(951_825_600));
    }

    #[test]
    fn refuses_other_formats_and_impossible_dates() {
        for text in [
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Wed, 29 Feb 2001 12:00:00 GMT",
            "",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
