//! Whole numbers that are not written as such: `3.0`, `30e-1`.
//!
//! JSON Schema counts them as integers (Validation 2020-12 §6.1.1), and some languages write all numbers like that;
//! `serde` takes them for floating point alone. Texts are rewritten only when a value did not fit, so that what is
//! written plainly costs nothing.

use std::borrow::Cow;

/// The digits of the widest integer, `u128`: what has more fits none.
const MAX_DIGITS: usize = 39;

/// The number in plain digits, if it is whole and not written so.
pub(super) fn plain(number: &str) -> Option<String> {
    let (sign, unsigned) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let written_plainly = mantissa.len() == unsigned.len() && fraction.is_empty();
    if written_plainly || whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let zeros = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    // How many digits stand before the point when the exponent has moved it.
    let before_point = i64::try_from(whole.len()).ok()? + i64::from(exponent) - i64::try_from(zeros).ok()?;
    let before_point = usize::try_from(before_point).ok()?;
    let is_whole = (significant.len()..=MAX_DIGITS).contains(&before_point);
    is_whole.then(|| format!("{sign}{significant:0<before_point$}"))
}

/// A JSON text with all whole numbers in plain digits; `None` if they are already.
#[cfg(feature = "json")]
pub(super) fn plain_json(text: &[u8]) -> Option<Vec<u8>> {
    let mut rewritten: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = string_end(text, at),
            b'-' | b'0'..=b'9' => {
                let rest = text.get(at..).unwrap_or_default();
                let len = rest.iter().take_while(|byte| is_of_number(**byte)).count();
                let number = rest.get(..len).and_then(|number| std::str::from_utf8(number).ok());
                if let Some(number) = number.and_then(plain) {
                    let all = rewritten.get_or_insert_with(|| Vec::with_capacity(text.len()));
                    all.extend_from_slice(text.get(copied..at).unwrap_or_default());
                    all.extend_from_slice(number.as_bytes());
                    copied = at + len;
                }
                at += len;
            }
            _ => at += 1,
        }
    }
    let mut all = rewritten?;
    all.extend_from_slice(text.get(copied..).unwrap_or_default());
    Some(all)
}

/// A text of a form with the whole numbers among the values that `belongs` admits, by their encoded names, in plain
/// digits; `None` if there are none.
pub(super) fn plain_form(text: &str, belongs: impl Fn(&str) -> bool, decode: fn(&str) -> String) -> Option<String> {
    let mut changed = false;
    let pairs = text.split('&').map(|pair| {
        let number = pair
            .split_once('=')
            .filter(|(name, _)| belongs(name))
            .and_then(|(name, value)| Some((name, plain(&decode(value))?)));
        match number {
            Some((name, number)) => {
                changed = true;
                Cow::Owned(format!("{name}={number}"))
            }
            None => Cow::Borrowed(pair),
        }
    });
    let pairs: Vec<_> = pairs.collect();
    changed.then(|| pairs.join("&"))
}

fn read_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !is_digits(digits) {
        return None;
    }
    text.parse().ok()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(feature = "json")]
fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

/// Behind the string that begins here.
#[cfg(feature = "json")]
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_written_plainly_and_no_others() {
        for (number, expected) in [
            ("3.0", Some("3")),
            ("-1783.000", Some("-1783")),
            ("30e-1", Some("3")),
            ("1.5e1", Some("15")),
            ("1E+3", Some("1000")),
            ("0.0", Some("0")),
            ("-0.0", Some("0")),
            ("0e999999", Some("0")),
            ("0.001e3", Some("1")),
            (
                "340282366920938463463374607431768211455.0",
                Some("340282366920938463463374607431768211455"),
            ),
            ("3", None),
            ("3.5", None),
            ("1e-1", None),
            ("1e39", None),
            ("1e99999999999", None),
            ("3.", None),
            (".0", None),
            ("1e", None),
            ("1e+-2", None),
            ("1.0x", None),
            ("+3.0", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(plain(number).as_deref(), expected, "{number}");
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn strings_of_a_json_text_stay_as_they_are() {
        let text = r#"{"1.0":"2.0\"3.0","a":[4.0,5.5,"é\\"],"b":-6e0}"#;
        let plain = plain_json(text.as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(plain).unwrap(),
            r#"{"1.0":"2.0\"3.0","a":[4,5.5,"é\\"],"b":-6}"#
        );
        assert_eq!(plain_json(br#"{"a":[1,2.5,"3.0"]}"#), None);
        for cut in ["\"1.0", "\"\\", "-", "1.0"] {
            let _ = plain_json(cut.as_bytes());
        }
    }
}
