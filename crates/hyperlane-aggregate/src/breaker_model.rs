//! The breaker against a model that keeps every attempt and counts them anew each time.

use proptest::prelude::*;

use super::*;

/// What may happen, one after another.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Begin,
    /// Ends the oldest, or another, of those that run.
    End(usize, Outcome),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Success),
        3 => Just(Outcome::Failure),
        1 => Just(Outcome::Unknown),
    ];
    let step = prop_oneof![
        2 => (0_u64..700).prop_map(Step::Wait),
        1 => (0_u64..15_000).prop_map(Step::Wait),
        6 => Just(Step::Begin),
        6 => (0_usize..4, outcome).prop_map(|(which, outcome)| Step::End(which, outcome)),
    ];
    prop::collection::vec(step, 0..300)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Closed,
    Open(u64),
    Half,
}

/// Time is in milliseconds since the start.
struct Model {
    settings: Breaker,
    phase: Phase,
    phases: usize,
    since: u64,
    /// When an attempt of this phase ended, and whether it failed.
    ended: Vec<(u64, Outcome)>,
    begun: u32,
}

impl Model {
    fn change(&mut self, phase: Phase, now: u64) {
        self.phase = phase;
        self.phases += 1;
        self.since = now;
        self.ended.clear();
        self.begun = 0;
    }

    fn begin(&mut self, now: u64) -> Option<usize> {
        if let Phase::Open(until) = self.phase
            && until <= now
        {
            self.change(Phase::Half, now);
        }
        let unknown = self.ended.iter().filter(|(_, outcome)| *outcome == Outcome::Unknown);
        let admitted = match self.phase {
            Phase::Closed => true,
            Phase::Open(_) => false,
            Phase::Half => self.begun - (unknown.count() as u32) < self.settings.probes,
        };
        self.begun += u32::from(admitted);
        admitted.then_some(self.phases)
    }

    fn end(&mut self, phase: usize, outcome: Outcome, now: u64) {
        if phase != self.phases {
            return;
        }
        self.ended.push((now, outcome));
        let open = Phase::Open(now + self.settings.open_for.as_millis() as u64);
        match self.phase {
            Phase::Closed => {
                // The tenth of now, and the nine before it.
                let tenth = self.settings.window.as_millis() as u64 / 10;
                let first = ((now - self.since) / tenth).saturating_sub(9);
                let inside = |end: &&(u64, Outcome)| (end.0 - self.since) / tenth >= first && end.1 != Outcome::Unknown;
                let calls = self.ended.iter().filter(inside).count() as f64;
                let failures = self.ended.iter().filter(inside).filter(|end| end.1 == Outcome::Failure);
                let enough = calls >= f64::from(self.settings.min_calls);
                if outcome == Outcome::Failure
                    && enough
                    && failures.count() as f64 / calls >= self.settings.failure_rate
                {
                    self.change(open, now);
                }
            }
            Phase::Half if outcome == Outcome::Failure => self.change(open, now),
            Phase::Half => {
                let succeeded = self.ended.iter().filter(|end| end.1 == Outcome::Success);
                if succeeded.count() as u32 >= self.settings.probes {
                    self.change(Phase::Closed, now);
                }
            }
            Phase::Open(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn it_does_what_a_model_that_forgets_nothing_does(
        steps in steps(),
        rate in prop_oneof![Just(0.5), Just(1.0), 0.1..1.0_f64],
        min_calls in 1_u32..6,
        probes in 1_u32..4,
    ) {
        let settings = Breaker::new()
            .window(Duration::from_millis(4000))
            .open_for(Duration::from_millis(2500))
            .failure_rate(rate)
            .min_calls(min_calls)
            .probes(probes);
        let start = Instant::now();
        let mut circuit = Circuit::new(settings.clone(), start);
        let mut model = Model { settings, phase: Phase::Closed, phases: 0, since: 0, ended: Vec::new(), begun: 0 };
        let mut running: Vec<(Ticket, usize)> = Vec::new();
        let mut now = 0;
        for step in steps {
            let at = |now| start + Duration::from_millis(now);
            match step {
                Step::Wait(millis) => now += millis,
                Step::Begin => {
                    let looked = circuit.look(at(now));
                    let admitted = circuit.admit(at(now));
                    prop_assert_eq!(looked.is_ok(), admitted.is_ok());
                    let expected = model.begin(now);
                    prop_assert_eq!(admitted.is_ok(), expected.is_some());
                    if let (Ok(ticket), Some(phase)) = (admitted, expected) {
                        running.push((ticket, phase));
                    }
                }
                Step::End(which, outcome) if which < running.len() => {
                    let (ticket, phase) = running.remove(which);
                    circuit.report(ticket, outcome, at(now));
                    model.end(phase, outcome, now);
                }
                Step::End(..) => {}
            }
            let expected = match model.phase {
                Phase::Closed => CircuitState::Closed,
                Phase::Open(until) if now < until => CircuitState::Open,
                Phase::Open(_) | Phase::Half => CircuitState::HalfOpen,
            };
            prop_assert_eq!(circuit.state(at(now)), expected);
        }
    }
}

#[test]
fn an_outage_that_is_over_is_forgotten_after_the_window() {
    let start = Instant::now();
    let mut circuit = Circuit::new(Breaker::new(), start);
    for _ in 0..9 {
        let ticket = circuit.admit(start).expect("it is closed");
        circuit.report(ticket, Outcome::Failure, start);
    }
    let later = start + Duration::from_secs(10);
    let ticket = circuit.admit(later).expect("nine failures are too few");
    circuit.report(ticket, Outcome::Failure, later);
    assert_eq!(circuit.state(later), CircuitState::Closed);
}

#[test]
fn a_probe_that_nobody_waited_for_gives_its_place_back() {
    let start = Instant::now();
    let mut circuit = Circuit::new(Breaker::new().min_calls(1).probes(1), start);
    let ticket = circuit.admit(start).expect("it is closed");
    circuit.report(ticket, Outcome::Failure, start);
    let later = start + Duration::from_secs(5);
    let ticket = circuit.admit(later).expect("it is half open");
    assert!(circuit.admit(later).is_err(), "there is one place");
    circuit.report(ticket, Outcome::Unknown, later);
    assert!(circuit.admit(later).is_ok());
}

#[test]
fn it_may_stay_open_for_ever() {
    let start = Instant::now();
    let mut circuit = Circuit::new(Breaker::new().min_calls(1).open_for(Duration::MAX), start);
    let ticket = circuit.admit(start).expect("it is closed");
    circuit.report(ticket, Outcome::Failure, start);
    assert_eq!(
        circuit.state(start + Duration::from_secs(24 * 3600)),
        CircuitState::Open
    );
}
