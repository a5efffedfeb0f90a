//! What the figures were measured on, and when. Nothing that names the machine or its owner.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Processor, cores and kernel, in one line.
pub(crate) fn description() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu_model(&info).unwrap_or("unknown processor");
    let cores = contract::cores();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{model}, {cores} cores shared by client and server, Linux {}",
        kernel_version(&kernel)
    )
}

fn cpu_model(info: &str) -> Option<&str> {
    let (_, model) = info
        .lines()
        .find(|line| line.starts_with("model name"))?
        .split_once(':')?;
    Some(model.trim())
}

/// Only the numbers: what a distributor appends may name more than the kernel.
fn kernel_version(release: &str) -> &str {
    let end = release
        .find(|c: char| c != '.' && !c.is_ascii_digit())
        .unwrap_or(release.len());
    release.get(..end).unwrap_or_default()
}

/// A message whose words that begin as absolute paths do are cut to the files' names: where this machine keeps its
/// files is nobody's business.
pub(crate) fn without_paths(message: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || "/._-+@~".contains(c);
    let mut short = String::new();
    let mut rest = message;
    while let Some(start) = rest.find('/') {
        let (before, path) = rest.split_at(start);
        let path = path
            .get(..path.find(|c| !is_part(c)).unwrap_or(path.len()))
            .unwrap_or_default();
        short.push_str(before);
        // `http://…`, `a/b` and a lone `/` are no absolute paths.
        let is_absolute = !before.ends_with([':', '/']) && !before.ends_with(is_part) && path.matches('/').count() > 1;
        short.push_str(if is_absolute {
            path.rsplit('/').next().unwrap_or_default()
        } else {
            path
        });
        rest = rest.get(start + path.len()..).unwrap_or_default();
    }
    short + rest
}

/// Today in UTC, as `2026-01-31`.
pub(crate) fn today() -> String {
    date(seconds() / SECONDS_PER_DAY)
}

/// The time in UTC, as `2026-01-31 23:59`.
pub(crate) fn now() -> String {
    let seconds = seconds();
    let minutes = seconds % SECONDS_PER_DAY / 60;
    format!(
        "{} {:02}:{:02}",
        date(seconds / SECONDS_PER_DAY),
        minutes / 60,
        minutes % 60
    )
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}

/// The date so many days after 1970-01-01.
fn date(mut days: u64) -> String {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_days_over_leap_years() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(59), "1970-03-01");
        assert_eq!(date(10_957), "2000-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(20_453), "2025-12-31");
    }

    #[test]
    fn cuts_absolute_paths_to_the_names_of_the_files() {
        assert_eq!(
            without_paths("can't open /home/me/a-b/c.rs:12: no"),
            "can't open c.rs:12: no"
        );
        assert_eq!(without_paths("in (/var/lib/x)"), "in (x)");
        assert_eq!(
            without_paths("GET / of http://127.0.0.1:1/a and net/http"),
            "GET / of http://127.0.0.1:1/a and net/http"
        );
    }

    #[test]
    fn tells_processor_and_kernel_and_nothing_else() {
        assert_eq!(cpu_model("processor\t: 0\nmodel name\t: A B-1\n"), Some("A B-1"));
        assert_eq!(kernel_version("6.1.0-17-amd64\n"), "6.1.0");
        assert_eq!(kernel_version("6.18\n"), "6.18");
    }
}
