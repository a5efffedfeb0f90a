//! How many processes serve.

use hyperlane_server::processes::Processes;

use super::ServerConfig;
use crate::error::{Kind, Mistake};

impl ServerConfig {
    /// Serves with so many processes: the first one binds the addresses and starts the program again, as many times; these
    /// workers serve, and one that dies is started again. Default: this process alone. Takes a number, or [`Processes`]
    /// with options.
    ///
    /// All that stands before [`run`](crate::Server::run) in `main` is done in each process, the first included;
    /// [`worker`](crate::processes::worker) tells which one it is. Memory is not shared, and limits such as
    /// [`max_connections`](Self::max_connections) hold for each.
    ///
    /// ```
    /// use hyperlane::{Server, ServerConfig};
    ///
    /// let server = Server::new();
    /// server.config(ServerConfig::new().port(8080).processes(4));
    /// ```
    pub fn processes(&self, processes: impl Into<Processes>) -> &Self {
        let processes = processes.into();
        self.set(|settings| settings.engine.processes = Some(processes))
    }
}

/// The guide's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/guide/processes.md")]
struct Guide;

/// The settings that are out of their range.
pub(super) fn mistakes(processes: Option<&Processes>) -> impl Iterator<Item = Mistake> {
    let mistakes = processes.map(Processes::mistakes).unwrap_or_default();
    mistakes
        .into_iter()
        .map(|(name, why)| Mistake::new(Kind::Config, format!("setting `{name}` is {why}: change it")))
}

#[cfg(test)]
mod tests {
    use crate::{Server, ServerConfig};

    #[test]
    fn no_process_at_all_is_an_error_of_the_settings() {
        let server = Server::new();
        server.config(ServerConfig::new().processes(0));
        let error = server.build().expect_err("nobody would serve");
        assert!(
            error.is_config() && error.to_string().contains("`processes` is 0"),
            "{error}"
        );
    }
}
