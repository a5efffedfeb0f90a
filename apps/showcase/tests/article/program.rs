use hyperlane::*;
use tokio::time::{sleep, Duration};

#[tokio::main]
async fn main() {
    let server = Server::new().await;
let config = ServerConfig::new().await;
    config.host("0.0.0.0").await;
    config.port(8080).await;
    server.config(config).await;

    server.route("/async-data", async_data_handler).await;
    server.route("/concurrent-ops", concurrent_operations).await;
    server.run().await.unwrap().wait().await;
}

async fn async_data_handler(ctx: Context) {
    let start_time = std::time::Instant::now();

    // Execute multiple async operations concurrently
    let (db_result, api_result, file_result) = tokio::join!(
        async_database_query(),
        async_api_call(),
        async_file_read()
    );

    let total_time = start_time.elapsed();

    let response_data = AsyncResponse {
        database_data: db_result,
        api_data: api_result,
        file_data: file_result,
        total_time_ms: total_time.as_millis() as u64,
        execution_mode: "concurrent",
    };

    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_header("X-Execution-Time", format!("{}ms", total_time.as_millis()))
        .await
        .set_response_body(serde_json::to_string(&response_data).unwrap())
        .await;
}

async fn async_database_query() -> String {
    // Simulate async database query - 200ms
    sleep(Duration::from_millis(200)).await;
    "Database result".to_string()
}

async fn async_api_call() -> String {
    // Simulate async API call - 300ms
    sleep(Duration::from_millis(300)).await;
    "API result".to_string()
}

async fn async_file_read() -> String {
    // Simulate async file read - 100ms
    sleep(Duration::from_millis(100)).await;
    "File content".to_string()
}

#[derive(serde::Serialize)]
struct AsyncResponse {
    database_data: String,
    api_data: String,
    file_data: String,
    total_time_ms: u64,
    execution_mode: &'static str,
}

async fn performance_comparison(ctx: Context) {
    let benchmark_results = BenchmarkResults {
        framework_name: "Hyperlane",
        qps: 324323.71,
        latency_avg_ms: 1.46,
        latency_max_ms: 230.59,
        requests_total: 19476349,
        transfer_rate_mb: 33.10,
        test_duration_seconds: 60,
        concurrency_level: 360,
    };

    // Compare performance with other frameworks
    let comparison_data = vec![
        FrameworkPerformance { name: "Tokio", qps: 340130.92 },
        FrameworkPerformance { name: "Hyperlane", qps: 324323.71 },
        FrameworkPerformance { name: "Rocket", qps: 298945.31 },
        FrameworkPerformance { name: "Rust Std", qps: 291218.96 },
        FrameworkPerformance { name: "Gin", qps: 242570.16 },
        FrameworkPerformance { name: "Go Std", qps: 234178.93 },
        FrameworkPerformance { name: "Node.js", qps: 139412.13 },
    ];

    let response = PerformanceReport {
        current_framework: benchmark_results,
        comparison: comparison_data,
        performance_advantage: calculate_advantage(324323.71),
    };

    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_body(serde_json::to_string(&response).unwrap())
        .await;
}

fn calculate_advantage(hyperlane_qps: f64) -> Vec<PerformanceAdvantage> {
    vec![
        PerformanceAdvantage {
            vs_framework: "Node.js",
            improvement_percent: ((hyperlane_qps / 139412.13 - 1.0) * 100.0) as u32,
        },
        PerformanceAdvantage {
            vs_framework: "Go Std",
            improvement_percent: ((hyperlane_qps / 234178.93 - 1.0) * 100.0) as u32,
        },
        PerformanceAdvantage {
            vs_framework: "Gin",
            improvement_percent: ((hyperlane_qps / 242570.16 - 1.0) * 100.0) as u32,
        },
    ]
}

#[derive(serde::Serialize)]
struct BenchmarkResults {
    framework_name: &'static str,
    qps: f64,
    latency_avg_ms: f64,
    latency_max_ms: f64,
    requests_total: u64,
    transfer_rate_mb: f64,
    test_duration_seconds: u32,
    concurrency_level: u32,
}

#[derive(serde::Serialize)]
struct FrameworkPerformance {
    name: &'static str,
    qps: f64,
}

#[derive(serde::Serialize)]
struct PerformanceAdvantage {
    vs_framework: &'static str,
    improvement_percent: u32,
}

#[derive(serde::Serialize)]
struct PerformanceReport {
    current_framework: BenchmarkResults,
    comparison: Vec<FrameworkPerformance>,
    performance_advantage: Vec<PerformanceAdvantage>,
}

async fn stream_processing(ctx: Context) {
    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_header("Content-Type", "text/plain")
        .await
        .set_response_header("Transfer-Encoding", "chunked")
        .await;

    // Async stream processing
    for i in 0..1000 {
        let chunk_data = process_data_chunk(i).await;
        let chunk = format!("Chunk {}: {}\n", i, chunk_data);

        let _ = ctx.set_response_body(chunk).await.send_body().await;

        // Simulate data processing interval
        sleep(Duration::from_millis(1)).await;
    }

    let _ = ctx.closed().await;
}

async fn process_data_chunk(index: usize) -> String {
    // Simulate async data processing
    sleep(Duration::from_micros(100)).await;
    format!("processed_data_{}", index)
}

async fn concurrent_operations(ctx: Context) {
    let start_time = std::time::Instant::now();

    // Create multiple concurrent tasks
    let mut tasks = Vec::new();
    for i in 0..100 {
        let task = tokio::spawn(async move {
            async_computation(i).await
        });
        tasks.push(task);
    }

    // Wait for all tasks to complete
    let results: Vec<_> = futures::future::join_all(tasks).await;
    let successful_results: Vec<_> = results.into_iter()
        .filter_map(|r| r.ok())
        .collect();

    let total_time = start_time.elapsed();

    let concurrent_report = ConcurrentReport {
        tasks_created: 100,
        successful_tasks: successful_results.len(),
        total_time_ms: total_time.as_millis() as u64,
        average_time_per_task_ms: total_time.as_millis() as f64 / 100.0,
        concurrency_efficiency: (successful_results.len() as f64 / 100.0) * 100.0,
    };

    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_body(serde_json::to_string(&concurrent_report).unwrap())
        .await;
}

async fn async_computation(id: usize) -> String {
    // Simulate CPU-intensive async computation
    let mut result = 0u64;
    for i in 0..10000 {
        result = result.wrapping_add(i);
        // Periodically yield control
        if i % 1000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    format!("Task {} result: {}", id, result)
}

#[derive(serde::Serialize)]
struct ConcurrentReport {
    tasks_created: usize,
    successful_tasks: usize,
    total_time_ms: u64,
    average_time_per_task_ms: f64,
    concurrency_efficiency: f64,
}

async fn error_handling_demo(ctx: Context) {
    let operation_results = handle_multiple_async_operations().await;

    let error_report = ErrorHandlingReport {
        total_operations: operation_results.len(),
        successful_operations: operation_results.iter().filter(|r| r.success).count(),
        failed_operations: operation_results.iter().filter(|r| !r.success).count(),
        error_types: get_error_types(&operation_results),
    };

    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_body(serde_json::to_string(&error_report).unwrap())
        .await;
}

async fn handle_multiple_async_operations() -> Vec<OperationResult> {
    let mut results = Vec::new();

    for i in 0..10 {
        let result = match risky_async_operation(i).await {
            Ok(data) => OperationResult {
                operation_id: i,
                success: true,
                data: Some(data),
                error_message: None,
            },
            Err(e) => OperationResult {
                operation_id: i,
                success: false,
                data: None,
                error_message: Some(e.to_string()),
            },
        };
        results.push(result);
    }

    results
}

async fn risky_async_operation(id: usize) -> Result<String, Box<dyn std::error::Error>> {
    sleep(Duration::from_millis(10)).await;

    if id % 3 == 0 {
        Err("Simulated error".into())
    } else {
        Ok(format!("Success result for operation {}", id))
    }
}

fn get_error_types(results: &[OperationResult]) -> Vec<String> {
    results.iter()
        .filter_map(|r| r.error_message.as_ref())
        .map(|e| e.clone())
        .collect::<std::collections::HashSet<_>>()
        .into_iter()
        .collect()
}

#[derive(serde::Serialize)]
struct OperationResult {
    operation_id: usize,
    success: bool,
    data: Option<String>,
    error_message: Option<String>,
}

#[derive(serde::Serialize)]
struct ErrorHandlingReport {
    total_operations: usize,
    successful_operations: usize,
    failed_operations: usize,
    error_types: Vec<String>,
}

async fn best_practices_demo(ctx: Context) {
    let practices = AsyncBestPractices {
        avoid_blocking: "Use async versions of IO operations, avoid blocking calls",
        proper_error_handling: "Use Result types and ? operator for error propagation",
        resource_management: "Release resources promptly, avoid memory leaks",
        task_spawning: "Use tokio::spawn judiciously for concurrent tasks",
        yield_control: "Periodically yield control in CPU-intensive tasks",
        timeout_handling: "Set reasonable timeouts for async operations",
    };

    // Demonstrate timeout handling
    let timeout_result = tokio::time::timeout(
        Duration::from_millis(100),
        long_running_operation()
    ).await;

    let timeout_demo = match timeout_result {
        Ok(result) => format!("Operation completed: {}", result),
        Err(_) => "Operation timed out".to_string(),
    };

    let response = BestPracticesResponse {
        practices,
        timeout_demo,
        performance_tips: get_performance_tips(),
    };

    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_body(serde_json::to_string(&response).unwrap())
        .await;
}

async fn long_running_operation() -> String {
    sleep(Duration::from_millis(200)).await;
    "Long operation result".to_string()
}

fn get_performance_tips() -> Vec<&'static str> {
    vec![
        "Use tokio::join! to execute independent async operations concurrently",
        "Avoid blocking synchronous code in async functions",
        "Set appropriate buffer sizes to optimize memory usage",
        "Use stream processing for handling large amounts of data",
        "Monitor execution time and resource usage of async tasks",
    ]
}

#[derive(serde::Serialize)]
struct AsyncBestPractices {
    avoid_blocking: &'static str,
    proper_error_handling: &'static str,
    resource_management: &'static str,
    task_spawning: &'static str,
    yield_control: &'static str,
    timeout_handling: &'static str,
}

#[derive(serde::Serialize)]
struct BestPracticesResponse {
    practices: AsyncBestPractices,
    timeout_demo: String,
    performance_tips: Vec<&'static str>,
}

async fn real_world_scenarios(ctx: Context) {
    let scenarios = vec![
        AsyncScenario {
            name: "Data Aggregation Service",
            description: "Concurrently fetch and aggregate data from multiple sources",
            performance_gain: "60% reduction in response time",
            use_case: "Dashboard data display",
        },
        AsyncScenario {
            name: "File Upload Processing",
            description: "Async processing of large file uploads and conversions",
            performance_gain: "200% increase in throughput",
            use_case: "Image and video processing services",
        },
        AsyncScenario {
            name: "Real-time Communication",
            description: "Async message processing for WebSocket connections",
            performance_gain: "Support for 100k concurrent connections",
            use_case: "Online chat and collaboration tools",
        },
        AsyncScenario {
            name: "Batch Data Processing",
            description: "Async processing of large data records",
            performance_gain: "150% increase in processing speed",
            use_case: "Data import and ETL tasks",
        },
    ];

    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_body(serde_json::to_string(&scenarios).unwrap())
        .await;
}

#[derive(serde::Serialize)]
struct AsyncScenario {
    name: &'static str,
    description: &'static str,
    performance_gain: &'static str,
    use_case: &'static str,
}
