//! How many tasks of a job run at once, and how fast each sends.

use job::{JobRequest, Task};
use std::time::{Duration, Instant};

/// The longest single sleep, so that a pump notices a stop.
const NAP: Duration = Duration::from_millis(50);

/// Whether tasks begin only as earlier ones end: under a limit of alerts, each needs to know how many the earlier ones
/// sent; under a budget, only so many may run.
pub(crate) fn is_in_order(request: &JobRequest) -> bool {
    at_once(request).is_some()
}

/// The most tasks that run at once, if the request bounds them.
pub(crate) fn at_once(request: &JobRequest) -> Option<usize> {
    if request.alert_limit().is_some() {
        return Some(1);
    }
    let pace = &request.pace;
    let paced = pace.alerts_per_second.is_some() || pace.bytes_per_second.is_some();
    let asked = pace.nights_at_once.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    asked.or(paced.then_some(1))
}

/// The tasks that may run now: the first that have not ended, as many as the request allows.
pub(crate) fn window<'a>(
    request: &JobRequest,
    tasks: impl Iterator<Item = &'a Task>,
) -> impl Iterator<Item = &'a Task> {
    tasks.filter(|task| !task.state.is_final()).take(at_once(request).unwrap_or(usize::MAX))
}

/// Holds a task to its part of the job's rates.
#[derive(Clone, Debug)]
pub(crate) struct Pacer {
    seconds_per_alert: f64,
    seconds_per_byte: f64,
    /// When the next message is due.
    due: Option<Instant>,
}

impl Pacer {
    /// The pacer of a task, if its job has a rate: each of the tasks that run at once gets an equal part.
    pub(crate) fn of(request: &JobRequest) -> Option<Self> {
        let tasks = at_once(request).unwrap_or(1).max(1) as f64;
        let seconds = |rate: Option<u64>| rate.map_or(0.0, |rate| tasks / rate.max(1) as f64);
        let pace = &request.pace;
        let is_paced = pace.alerts_per_second.is_some() || pace.bytes_per_second.is_some();
        is_paced.then(|| Self {
            seconds_per_alert: seconds(pace.alerts_per_second),
            seconds_per_byte: seconds(pace.bytes_per_second),
            due: None,
        })
    }

    /// Waits until a message of so many bytes is due, or until told to stop.
    pub(crate) fn wait(&mut self, bytes: usize, stop: &dyn Fn() -> bool) {
        let now = Instant::now();
        let due = self.due.unwrap_or(now);
        while Instant::now() < due && !stop() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()).min(NAP));
        }
        let cost = self.seconds_per_alert.max(bytes as f64 * self.seconds_per_byte);
        // Time that was not used is not made up for.
        self.due = Some(due.max(now) + Duration::from_secs_f64(cost.min(3600.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use job::{JobId, TaskId, TaskState};

    fn request(text: &str) -> JobRequest {
        JobRequest::parse(&format!("nights: [2026-03-22]\n{text}")).unwrap()
    }

    #[test]
    fn a_window_moves_on_as_tasks_end() {
        let id = |index| TaskId { job: JobId::random(), index };
        let mut tasks: Vec<Task> =
            (0..5).map(|index| Task::new(id(index), "2026-03-22".parse().unwrap(), 0, vec![])).collect();
        let open = |text: &str, tasks: &[Task]| -> Vec<u32> {
            window(&request(text), tasks.iter()).map(|task| task.id.index).collect()
        };
        assert_eq!(open("", &tasks), [0, 1, 2, 3, 4]);
        assert_eq!(open("limit: 7", &tasks), [0]);
        assert_eq!(open("pace: {nights_at_once: 2}", &tasks), [0, 1]);
        assert_eq!(open("pace: {alerts_per_second: 2}", &tasks), [0]);
        tasks[0].state = TaskState::Failed;
        tasks[2].state = TaskState::Done;
        assert_eq!(open("pace: {nights_at_once: 2}", &tasks), [1, 3]);
    }

    #[test]
    fn a_rate_is_shared_by_the_tasks_that_run_at_once() {
        assert!(Pacer::of(&request("limit: 3")).is_none());
        let mut pacer = Pacer::of(&request("pace: {alerts_per_second: 1000, nights_at_once: 2}")).unwrap();
        let begun = Instant::now();
        for _ in 0..51 {
            pacer.wait(100, &|| false);
        }
        assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
    }
}
