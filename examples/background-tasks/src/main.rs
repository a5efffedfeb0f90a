//! Work that goes on behind its response: a job is started, answered with `202 Accepted`, and asked after later. It runs in
//! a task of its own, so that it does not end with the request.
//!
//! Run it: `cargo run -p example-background-tasks`, or on another port: `PORT=3000 cargo run -p example-background-tasks`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyperlane::{Error, Json, OrError, Path, Server, ServerConfig, State, StatusCode};
use serde::Serialize;
use tokio::time::sleep;

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum Job {
    Running { percent: u8 },
    Done { result: u64 },
}

#[derive(Clone, Default)]
struct Jobs {
    next: Arc<AtomicU64>,
    all: Arc<Mutex<HashMap<u64, Job>>>,
}

impl Jobs {
    fn set(&self, id: u64, job: Job) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).insert(id, job);
    }

    fn get(&self, id: u64) -> Option<Job> {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server
        .state(Jobs::default())
        .post("/jobs", start)
        .get("/jobs/{id}", status);
    server
}

async fn start(State(jobs): State<Jobs>) -> (StatusCode, [(&'static str, String); 1], Json<Job>) {
    let id = jobs.next.fetch_add(1, Ordering::Relaxed);
    let job = Job::Running { percent: 0 };
    jobs.set(id, job.clone());
    tokio::spawn(work(id, jobs));
    (StatusCode::ACCEPTED, [("location", format!("/jobs/{id}"))], Json(job))
}

async fn status(State(jobs): State<Jobs>, Path(id): Path<u64>) -> Result<Json<Job>, Error> {
    Ok(Json(jobs.get(id).or_not_found()?))
}

async fn work(id: u64, jobs: Jobs) {
    let mut result = 0;
    for percent in (0..100).step_by(10) {
        jobs.set(id, Job::Running { percent });
        sleep(Duration::from_secs(1)).await;
        result += u64::from(percent);
    }
    jobs.set(id, Job::Done { result });
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_job_goes_on_behind_its_response() {
        let client = TestClient::new(app());
        let started = client.post("/jobs").await;
        started.assert_status(202).assert_header("location", "/jobs/0");
        sleep(Duration::from_millis(2500)).await;
        client
            .get("/jobs/0")
            .await
            .assert_json(json!({ "state": "running", "percent": 20 }))
            .await;
        sleep(Duration::from_secs(10)).await;
        client
            .get("/jobs/0")
            .await
            .assert_json(json!({ "state": "done", "result": 450 }))
            .await;
        client.get("/jobs/1").await.assert_status(404);
    }
}
