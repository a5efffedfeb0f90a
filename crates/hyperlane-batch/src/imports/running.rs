//! Attempts at imports: as a job with a stored source, or with a body that is just arriving.

use std::{io, time::Duration};

use futures_util::TryStreamExt;
use hyperlane::Body;
use tokio::io::AsyncRead;
use tokio_util::{io::StreamReader, sync::CancellationToken};

use super::{
    ImportId, Imports, KIND, TableImporter,
    pipeline::{Ended, Pipeline},
    store::{self, Begun},
};
use crate::{
    error::Error,
    jobs::{Job, JobError, Worker},
};

impl Worker {
    /// Runs the imports whose sources are [stored](Imports::store).
    #[must_use]
    pub fn imports(self, imports: &Imports) -> Self {
        let imports = imports.clone();
        self.handle(KIND, move |job: Job, id: i64| {
            let imports = imports.clone();
            async move { imports.run_stored(&job, ImportId(id)).await }
        })
    }
}

impl Imports {
    async fn run_stored(&self, job: &Job, id: ImportId) -> Result<(), JobError> {
        let Some(begun) = store::begin(&mut self.database().acquire().await?.link(), id, self.now()).await? else {
            return Ok(());
        };
        self.tell();
        let ended = match (self.importer(&begun.importer), &begun.source) {
            (Err(error), _) => Ended::Failed(error.to_string()),
            (Ok(_), None) => Ended::Failed("its source is not stored".to_owned()),
            (Ok(importer), Some(source)) => match tokio::fs::File::open(self.path_of(source)).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ended::Failed("its source is gone".to_owned()),
                Err(error) => Ended::Broken(format!("opening the source failed: {error}")),
                Ok(file) => {
                    let running = Registered::new(self, id);
                    let pipeline = Pipeline {
                        imports: self,
                        importer,
                        begun: begun.clone(),
                    };
                    tokio::select! {
                        ended = pipeline.run(file) => ended,
                        () = running.token.cancelled() => Ended::Lost,
                        // What is committed stands; the next worker goes on there.
                        () = job.stopping() => {
                            self.end(&begun, "waiting", None).await?;
                            return Err(JobError::give_back());
                        }
                    }
                }
            },
        };
        match ended {
            Ended::Done => {
                let done = self.end(&begun, "done", None).await?;
                if let Some(source) = begun.source.filter(|_| done && begun.owned) {
                    self.discard(&source).await;
                }
                Ok(())
            }
            Ended::Failed(reason) => {
                self.end(&begun, "failed", Some(&reason)).await?;
                Ok(())
            }
            Ended::Broken(reason) => Err(JobError::retry(reason)),
            Ended::Lost => Ok(()),
        }
    }

    pub(super) async fn run_streamed(
        &self,
        id: ImportId,
        importer: &TableImporter,
        raw: impl AsyncRead + Send + 'static,
    ) -> Result<(), Error> {
        let begun = store::begin(&mut self.database().acquire().await?.link(), id, self.now()).await?;
        let Some(begun) = begun else {
            return Ok(());
        };
        let running = Registered::new(self, id);
        let mut left = Left(Some((self.clone(), begun.clone())));
        let pipeline = Pipeline {
            imports: self,
            importer,
            begun: begun.clone(),
        };
        let ended = tokio::select! {
            ended = pipeline.run(raw) => ended,
            () = running.token.cancelled() => Ended::Lost,
            never = self.beat(&begun) => never,
        };
        left.0 = None;
        match ended {
            Ended::Done => self.end(&begun, "done", None).await?,
            Ended::Failed(reason) | Ended::Broken(reason) => self.end(&begun, "failed", Some(&reason)).await?,
            Ended::Lost => false,
        };
        Ok(())
    }

    /// Tells that somebody is at it, also where no record arrives for a while.
    async fn beat(&self, begun: &Begun) -> Ended {
        loop {
            tokio::time::sleep(Duration::from_millis(store::BEAT)).await;
            let beaten = async { store::beat(&mut self.database().acquire().await?.link(), begun, self.now()).await };
            if let Err(error) = beaten.await {
                tracing::warn!(import = %begun.id, %error, "a sign of life was not written");
            }
        }
    }

    async fn end(&self, begun: &Begun, state: &str, reason: Option<&str>) -> Result<bool, Error> {
        let mut held = self.database().acquire().await?;
        let ended = store::end(&mut held.link(), begun, state, reason, self.now()).await?;
        self.tell();
        Ok(ended)
    }
}

/// An import that runs here, as long as this lives.
struct Registered<'a> {
    imports: &'a Imports,
    id: ImportId,
    token: CancellationToken,
}

impl<'a> Registered<'a> {
    fn new(imports: &'a Imports, id: ImportId) -> Self {
        let token = CancellationToken::new();
        imports.running().insert(id.0, token.clone());
        Self { imports, id, token }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.imports.running().remove(&self.id.0);
    }
}

/// Tells the table where the future of a streamed import is dropped, because its client has left.
struct Left(Option<(Imports, Begun)>);

impl Drop for Left {
    fn drop(&mut self) {
        let (Some((imports, begun)), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            if let Err(error) = imports.end(&begun, "failed", Some("its sender has left")).await {
                tracing::warn!(import = %begun.id, %error, "the end of an import was not written");
            }
        });
    }
}

/// A body as a reader; its errors are those of the connection.
pub(super) fn body_reader(body: Body) -> impl AsyncRead + Send + 'static {
    StreamReader::new(Box::pin(body.map_err(io::Error::other)))
}
