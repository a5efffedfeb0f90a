//! All parts of the crowd, as the measurement sees them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::CLIENT;
use crate::Failure;

/// Longer than anything that a part is told to do.
const PATIENCE: Duration = Duration::from_secs(130);

/// Processes with connections. They end with this value.
#[derive(Debug)]
pub(super) struct Crowd {
    parts: Vec<Part>,
    round: u32,
}

#[derive(Debug)]
struct Part {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
}

/// How messages to all have gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// From before the first was sent until the last was received, in milliseconds.
    pub(super) milliseconds: f64,
    pub(super) missing: u64,
}

/// What the parts have counted since they began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) pings: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
}

impl Crowd {
    /// As many processes, each with a loopback address of its own: one has ports for some 28,000 connections.
    pub(super) fn start(port: u16, parts: usize) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut crowd = Self {
            parts: Vec::new(),
            round: 0,
        };
        for number in 0..parts {
            let mut child = Command::new(&program)
                .args([CLIENT, &port.to_string(), &format!("127.0.0.{}", number + 2)])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| format!("a part of the crowd can't be started: {error}"))?;
            let (Some(orders), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
                return Err("a part of the crowd has no pipes".into());
            };
            let (sender, answers) = mpsc::channel();
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
            crowd.parts.push(Part { child, orders, answers });
        }
        Ok(crowd)
    }

    /// Has `connections` open, counted over all parts. How many are, and how many failed.
    pub(super) fn open(&mut self, connections: usize) -> Result<(u64, u64), Failure> {
        let count = self.parts.len();
        for (number, part) in self.parts.iter_mut().enumerate() {
            let share = connections / count + usize::from(number < connections % count);
            part.order(&format!("open {share}"))?;
        }
        let mut sums = (0, 0);
        for part in &self.parts {
            let numbers = part.numbers("opened")?;
            sums.0 += numbers.first().copied().unwrap_or_default();
            sums.1 += numbers.get(1).copied().unwrap_or_default();
        }
        Ok(sums)
    }

    /// Has messages sent to all, and waits until all have them.
    pub(super) fn broadcast(&mut self, messages: u32) -> Result<Heard, Failure> {
        self.round += 1;
        let round = self.round;
        for part in &mut self.parts {
            part.order(&format!("hear {round} {messages}"))?;
        }
        for part in &self.parts {
            part.numbers("ready")?;
        }
        let Some(first) = self.parts.first_mut() else {
            return Err("there is no crowd".into());
        };
        first.order(&format!("send {round} {messages}"))?;
        let sent = first.numbers("sent")?.first().copied().unwrap_or_default();
        let (mut last, mut missing) = (sent, 0);
        for part in &self.parts {
            let numbers = part.numbers("heard")?;
            last = last.max(numbers.first().copied().unwrap_or_default());
            missing += numbers.get(1).copied().unwrap_or_default();
        }
        Ok(Heard {
            milliseconds: (last - sent) as f64 / 1e6,
            missing,
        })
    }

    /// Microseconds until the answer to a message, in order.
    pub(super) fn echo(&mut self, samples: usize) -> Result<Vec<f64>, Failure> {
        let share = samples.div_ceil(self.parts.len().max(1));
        let mut times = Vec::with_capacity(samples);
        // One part after the other, so that no more than one message is on its way.
        for part in &mut self.parts {
            part.order(&format!("echo {share}"))?;
            times.extend(part.numbers("echoed")?.into_iter().map(|time| time as f64 / 1e3));
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }

    pub(super) fn tell(&mut self) -> Result<Told, Failure> {
        let mut told = Told::default();
        for part in &mut self.parts {
            part.order("tell")?;
            let numbers = part.numbers("told")?;
            let mut numbers = numbers.into_iter();
            told.pings += numbers.next().unwrap_or_default();
            told.lost += numbers.next().unwrap_or_default();
            told.doubled += numbers.next().unwrap_or_default();
        }
        Ok(told)
    }
}

impl Part {
    fn order(&mut self, order: &str) -> Result<(), Failure> {
        writeln!(self.orders, "{order}")
            .and_then(|()| self.orders.flush())
            .map_err(|error| format!("a part of the crowd is gone: {error}"))
    }

    /// The numbers behind the word that is awaited.
    fn numbers(&self, word: &str) -> Result<Vec<u64>, Failure> {
        let line = self
            .answers
            .recv_timeout(PATIENCE)
            .map_err(|_| format!("a part of the crowd does not say `{word}`"))?;
        let mut words = line.split_whitespace();
        if words.next() != Some(word) {
            return Err(format!("a part of the crowd says `{line}` and not `{word}`"));
        }
        Ok(words.filter_map(|word| word.parse().ok()).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // Both fail when it is over, which is what is wanted.
        for part in &mut self.parts {
            part.child.kill().ok();
        }
        for part in &mut self.parts {
            part.child.wait().ok();
        }
    }
}
