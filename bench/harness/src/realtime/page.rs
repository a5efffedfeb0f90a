//! The results as a table: what is written to `REALTIME.md`.

use super::data::{Point, Realtime};
use crate::markdown::{line, row};
use crate::number::grouped;

pub(super) fn render(realtime: &Realtime) -> String {
    let mut page = String::from("# Very many WebSockets\n\n");
    line(
        &mut page,
        &format!(
            "Measured on {}, on {} UTC. Made by `cargo xtask bench realtime`; [README.md](README.md) says how to read it. \
             One hub over {} processes that serve one port, and {} processes of clients on the same machine. Each \
             connection is a member of one room; a message to all comes from one of them, and its time runs until the last \
             of all has it.",
            realtime.machine, realtime.measured, realtime.server_processes, realtime.client_processes
        ),
    );
    if realtime.quick {
        line(
            &mut page,
            "**These are few connections (`--quick`): they show that everything works, not what it costs.**",
        );
    }
    line(&mut page, "![cost by connections](realtime.svg)");
    let heads = [
        "connections",
        "opened a second",
        "bytes each, servers",
        "bytes each, whole machine",
        "of these TCP buffers",
        "message to all, ms",
        "ten to all, ms",
        "CPU µs a delivery",
        "echo, µs (99 %)",
        "missing, doubled, closed",
    ];
    row(&mut page, heads.map(str::to_owned));
    row(&mut page, heads.map(|_| "--:".to_owned()));
    for point in &realtime.points {
        row(&mut page, cells(point));
    }
    page.push('\n');
    line(
        &mut page,
        "*Servers* is the memory of their processes (PSS). *Whole machine* is what became unavailable: both ends of each \
         socket in the kernel, and the clients.",
    );
    if let Some(million) = realtime.million() {
        line(
            &mut page,
            &format!(
                "**A million**, if each costs what it costs at the last step: {} GiB in the servers, {} GiB on a \
                 machine that has both ends, {} s for a message to all, {} minutes to open. This is an extrapolation.",
                grouped(million.user_gibibytes, 1),
                grouped(million.machine_gibibytes, 1),
                grouped(million.broadcast_seconds, 1),
                grouped(million.minutes_to_open, 1),
            ),
        );
    }
    if let Some(reason) = &realtime.ended_early {
        line(&mut page, &format!("It ended early: {}.", reason.replace('<', "&lt;")));
    }
    page
}

fn cells(point: &Point) -> [String; 10] {
    let failed = match point.failed {
        0 => String::new(),
        failed => format!(" ({failed} failed)"),
    };
    [
        grouped(point.connections as f64, 0) + &failed,
        grouped(point.opened_per_second, 0),
        grouped(point.user_bytes, 0),
        grouped(point.machine_bytes, 0),
        grouped(point.tcp_bytes, 0),
        grouped(point.broadcast_milliseconds, 0),
        grouped(point.ten_milliseconds, 0),
        grouped(point.delivery_cpu, 1),
        format!("{} ({})", grouped(point.echo_median, 0), grouped(point.echo_99, 0)),
        format!("{}, {}, {}", point.missing, point.doubled, point.lost),
    ]
}

/// A line for the person who waits.
pub(super) fn summary(point: &Point) -> String {
    format!(
        "{:>9} connections, {} failed: {:.0} opened/s, {:.0} bytes each in the servers, {:.0} ms to all, {:.0} ms for ten, \
         echo {:.0} µs; {} missing, {} doubled, {} closed, {} pings",
        point.connections,
        point.failed,
        point.opened_per_second,
        point.user_bytes,
        point.broadcast_milliseconds,
        point.ten_milliseconds,
        point.echo_median,
        point.missing,
        point.doubled,
        point.lost,
        point.pings
    )
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::realtime;
    use super::*;

    #[test]
    fn shows_each_step_and_what_a_million_would_cost() {
        let page = render(&realtime());
        assert!(page.contains("| 10,000 | 10,000 | 2,048 | 8,192 |"), "{page}");
        assert!(page.contains("1.9 GiB in the servers"), "{page}");
        assert!(page.contains("--quick"), "{page}");
    }

    #[test]
    fn every_row_has_as_many_cells_as_the_head() {
        let page = render(&realtime());
        let cells: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert!(
            cells.len() == 4 && cells.windows(2).all(|pair| pair[0] == pair[1]),
            "{page}"
        );
    }
}
