//! What a server has used, read from `/proc`: its own process and those that it started.

use std::fs;

/// What the link of such a descriptor says.
const IO_URING: &str = "anon_inode:[io_uring]";

/// Seconds of CPU time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CpuTime {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl CpuTime {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user - earlier.user,
            system: self.system - earlier.system,
        }
    }
}

/// The process and its descendants.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let processes: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parent(&read(pid, "stat")?)?)))
        .collect();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&member) = family.get(next) {
        family.extend(
            processes
                .iter()
                .filter(|(_, parent)| *parent == member)
                .map(|(pid, _)| pid),
        );
        next += 1;
    }
    family
}

/// When the process began, in clock ticks: with its id, what tells it from any other.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    fields(&read(pid, "stat")?).nth(19)?.parse().ok()
}

/// CPU time so far, of all threads.
pub(crate) fn cpu_time(family: &[u32]) -> CpuTime {
    // 100 a second wherever Linux runs; asked for all the same.
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    let mut sum = CpuTime::default();
    for (user, system) in family.iter().filter_map(|pid| ticks(&read(*pid, "stat")?)) {
        sum.user += user as f64 / ticks_per_second;
        sum.system += system as f64 / ticks_per_second;
    }
    sum
}

/// The most memory that was resident at once, in bytes; of several processes the sum of their peaks.
pub(crate) fn peak_memory(family: &[u32]) -> u64 {
    family
        .iter()
        .filter_map(|pid| kibibytes(&read(*pid, "status")?, "VmHWM:"))
        .sum::<u64>()
        * 1024
}

/// The memory that belongs to the processes alone, in bytes: what they allocated, not their programs.
pub(crate) fn anonymous_memory(family: &[u32]) -> u64 {
    family
        .iter()
        .filter_map(|pid| kibibytes(&read(*pid, "smaps_rollup")?, "Anonymous:"))
        .sum::<u64>()
        * 1024
}

/// The memory of the processes, with their shares of what several have (PSS), in bytes.
pub(crate) fn proportional_memory(family: &[u32]) -> u64 {
    family
        .iter()
        .filter_map(|pid| kibibytes(&read(*pid, "smaps_rollup")?, "Pss:"))
        .sum::<u64>()
        * 1024
}

/// Whether one of the processes has an io_uring open.
pub(crate) fn has_io_uring(family: &[u32]) -> bool {
    let descriptors = family
        .iter()
        .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok())
        .flatten();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.into_iter().any(|target| target.as_os_str() == IO_URING)
}

/// A process that ended in the meantime has no file.
fn read(pid: u32, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}")).ok()
}

/// The fields of `stat` behind the name, which may contain anything but is the last with a parenthesis (proc(5)).
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')')
        .map_or("", |(_, fields)| fields)
        .split_whitespace()
}

fn parent(stat: &str) -> Option<u32> {
    fields(stat).nth(1)?.parse().ok()
}

/// User and system time in clock ticks.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let mut times = fields(stat).skip(11);
    Some((times.next()?.parse().ok()?, times.next()?.parse().ok()?))
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_parent_and_times_behind_any_name() {
        let stat = "17 (a) b (c) S 4 17 17 0 -1 4194560 100 200 0 0 1234 567 8 9 20 0 3 0 100 200 300";
        assert_eq!(parent(stat), Some(4));
        assert_eq!(ticks(stat), Some((1234, 567)));
        assert_eq!(ticks("17 (a"), None);
    }

    #[test]
    fn reads_sizes_by_their_names() {
        let status = "Name:\ta\nVmHWM:\t    5120 kB\nVmRSS:\t 12 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(5120));
        assert_eq!(kibibytes(status, "VmPin:"), None);
    }

    #[test]
    fn a_process_keeps_its_start_time() {
        let own = start_time(std::process::id());
        assert!(own.is_some_and(|ticks| ticks > 0));
        assert_eq!(start_time(std::process::id()), own);
    }

    #[test]
    fn knows_this_process() {
        let family = family(std::process::id());
        assert_eq!(family.first(), Some(&std::process::id()));
        assert!(peak_memory(&family) > 0 && anonymous_memory(&family) > 0);
        assert!(!has_io_uring(&family));
        let earlier = cpu_time(&family);
        assert!(cpu_time(&family).since(earlier).user >= 0.0);
    }
}
