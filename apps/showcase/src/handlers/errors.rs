//! `GET /errors`: ten operations of which six fail, and the report on them.

use std::collections::BTreeSet;

use hyperlane::{Json, State};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::Showcase,
    failures::{self, OperationResult},
};

/// Runs the operations and answers 200 with the report: their failures are data, not an error here.
pub(crate) async fn errors(State(showcase): State<Showcase>) -> Json<ErrorHandlingReport> {
    let operations = failures::run_all(&showcase.sources).await;
    let successful_operations = operations.iter().filter(|operation| operation.success).count();
    let error_types: BTreeSet<_> = operations.iter().filter_map(|operation| operation.error_type).collect();
    Json(ErrorHandlingReport {
        total_operations: operations.len(),
        successful_operations,
        failed_operations: operations.len() - successful_operations,
        error_types: error_types.into_iter().collect(),
        operations,
    })
}

/// The article's report, with each operation's result.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorHandlingReport {
    total_operations: usize,
    successful_operations: usize,
    failed_operations: usize,
    error_types: Vec<&'static str>,
    operations: Vec<OperationResult>,
}
