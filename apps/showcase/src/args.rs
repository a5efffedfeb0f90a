//! The command line and the two environment variables, parsed once at the start.
//!
//! Every mistake is named with what would have been right; nothing falls back silently.
//!
//! # Example
//!
//! ```
//! use showcase::args::{Args, Command};
//!
//! let Ok(Command::Serve(args)) = Args::parse(["--port", "0", "--scale=0.5"]) else { unreachable!() };
//! assert_eq!(args.port, 0);
//! assert_eq!(args.scale, 0.5);
//! ```

use std::{env, ffi::OsString, fmt, path::PathBuf};

/// The text that `--help` prints.
pub const HELP: &str = "\
The showcase of hyperlane: three sources, waited for one after another and all at once.

Usage: showcase [OPTIONS]

Options:
  --host HOST       address to listen on [default: 127.0.0.1]
  --port PORT       port to listen on, 0 for any free one [default: 8080]
  --scale FACTOR    scales the service times of the sources (200, 300 and 100 ms);
                    0 turns them off, at most 100 [default: 1.0]
  --data-dir DIR    folder of the SQLite file and of config.txt
                    [default: hyperlane-showcase in the user's data folder]
  --writes-per-minute N
                    how often one visitor may write into the guest book [default: 60]
  --results FILE    results of the last benchmark
                    [default: bench/results.json, looked for upward from here]
  --help            print this text
  --version         print the version

Environment:
  DATABASE_URL      a PostgreSQL or SQLite database in place of the embedded file
  PARTNER_URL       a service to call in place of the partner that the showcase starts
  RUST_LOG          what is logged to stderr [default: info,sqlx=warn]
";

/// The largest `--scale`; with it the slowest source takes 30 s, inside every time-out on the way.
const MAX_SCALE: f64 = 100.0;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start the server.
    Serve(Args),
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
}

/// The settings of one showcase.
#[derive(Debug, Clone, PartialEq)]
pub struct Args {
    /// The address to listen on; `127.0.0.1` by default.
    pub host: String,
    /// The port to listen on; 8080 by default, 0 takes any free one.
    pub port: u16,
    /// The factor on the service times of the sources; 1.0 by default, 0 turns them off.
    pub scale: f64,
    /// The folder of the SQLite file and of `config.txt`.
    pub data_dir: PathBuf,
    /// How often in a minute one visitor may write into the guest book; 60 by default.
    pub writes_per_minute: u32,
    /// The benchmark's results; `None` looks for `bench/results.json` upward from the current folder.
    pub results: Option<PathBuf>,
    /// A database in place of the embedded SQLite file.
    pub database_url: Option<String>,
    /// A service to call in place of the showcase's own partner.
    pub partner_url: Option<String>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8080,
            scale: 1.0,
            data_dir: default_data_dir(),
            writes_per_minute: 60,
            results: None,
            database_url: None,
            partner_url: None,
        }
    }
}

impl Args {
    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// For an unknown option, a missing value, or a value out of its range; the message names both.
    pub fn parse<I>(arguments: I) -> Result<Command, ArgsError>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut args = Self::default();
        let mut rest = arguments.into_iter().map(Into::into);
        while let Some(argument) = rest.next() {
            let (name, inline) = split(argument)?;
            match name.as_str() {
                "--help" | "-h" => return Ok(Command::Help),
                "--version" | "-V" => return Ok(Command::Version),
                "--host" => args.host = text(&name, inline.or_else(|| rest.next()))?,
                "--port" => args.port = number(&name, inline.or_else(|| rest.next()), "a port, 0 to 65535")?,
                "--scale" => args.scale = scale(number(&name, inline.or_else(|| rest.next()), SCALE_RANGE)?)?,
                "--data-dir" => args.data_dir = value(&name, inline.or_else(|| rest.next()))?.into(),
                "--writes-per-minute" => {
                    args.writes_per_minute = writes(number(&name, inline.or_else(|| rest.next()), WRITES_RANGE)?)?;
                }
                "--results" => args.results = Some(value(&name, inline.or_else(|| rest.next()))?.into()),
                _ => return Err(ArgsError(format!("unknown option {name}; --help lists the options"))),
            }
        }
        Ok(Command::Serve(args))
    }

    /// Takes `DATABASE_URL` and `PARTNER_URL` from the environment; an empty variable counts as unset.
    #[must_use]
    pub fn with_environment(mut self) -> Self {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        self.database_url = variable("DATABASE_URL");
        self.partner_url = variable("PARTNER_URL");
        self
    }
}

/// A mistake in the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgsError(String);

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ArgsError {}

const SCALE_RANGE: &str = "a number from 0 to 100";
const WRITES_RANGE: &str = "a number from 1 to 1000000";

/// Takes `--name=value` apart; a bare `--name` has no value yet.
fn split(argument: OsString) -> Result<(String, Option<OsString>), ArgsError> {
    match argument.into_string() {
        Ok(text) => Ok(match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.into())),
            None => (text, None),
        }),
        Err(raw) => Err(ArgsError(format!(
            "{} is not valid unicode; give such a path as a separate argument",
            raw.to_string_lossy()
        ))),
    }
}

fn value(name: &str, value: Option<OsString>) -> Result<OsString, ArgsError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ArgsError(format!("{name} needs a value; --help shows which")))
}

fn text(name: &str, given: Option<OsString>) -> Result<String, ArgsError> {
    value(name, given)?
        .into_string()
        .map_err(|_| ArgsError(format!("the value of {name} is not valid unicode")))
}

fn number<T: std::str::FromStr>(name: &str, given: Option<OsString>, range: &str) -> Result<T, ArgsError> {
    let text = text(name, given)?;
    text.parse()
        .map_err(|_| ArgsError(format!("{name} takes {range}, not {text:?}")))
}

fn scale(scale: f64) -> Result<f64, ArgsError> {
    if (0.0..=MAX_SCALE).contains(&scale) {
        Ok(scale)
    } else {
        Err(ArgsError(format!("--scale takes {SCALE_RANGE}, not {scale}")))
    }
}

fn writes(writes: u32) -> Result<u32, ArgsError> {
    if (1..=1_000_000).contains(&writes) {
        Ok(writes)
    } else {
        Err(ArgsError(format!(
            "--writes-per-minute takes {WRITES_RANGE}, not {writes}"
        )))
    }
}

/// The user's own data folder, so that the database outlives a restart and is shared with nobody.
fn default_data_dir() -> PathBuf {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("XDG_DATA_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| folder("HOME").map(|home| home.join(".local").join("share")))
        .unwrap_or_else(env::temp_dir)
        .join("hyperlane-showcase")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(arguments: &[&str]) -> Args {
        match Args::parse(arguments.iter().copied()) {
            Ok(Command::Serve(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    fn mistake(arguments: &[&str]) -> String {
        Args::parse(arguments.iter().copied()).unwrap_err().to_string()
    }

    #[test]
    fn listens_on_loopback_8080_by_default() {
        let args = serve(&[]);
        assert_eq!((args.host.as_str(), args.port, args.scale), ("127.0.0.1", 8080, 1.0));
    }

    #[test]
    fn takes_values_behind_a_space_or_an_equals_sign() {
        let args = serve(&[
            "--host",
            "::1",
            "--port=0",
            "--scale",
            "0",
            "--data-dir=/a",
            "--results",
            "r.json",
            "--writes-per-minute=7",
        ]);
        assert_eq!((args.host.as_str(), args.port, args.scale), ("::1", 0, 0.0));
        assert_eq!(args.data_dir, PathBuf::from("/a"));
        assert_eq!(args.results, Some(PathBuf::from("r.json")));
        assert_eq!(args.writes_per_minute, 7);
    }

    #[test]
    fn names_the_option_and_its_range_in_a_mistake() {
        assert_eq!(
            mistake(&["--port", "65536"]),
            "--port takes a port, 0 to 65535, not \"65536\""
        );
        assert_eq!(
            mistake(&["--scale", "-1"]),
            "--scale takes a number from 0 to 100, not -1"
        );
        assert_eq!(
            mistake(&["--scale", "NaN"]),
            "--scale takes a number from 0 to 100, not NaN"
        );
        assert_eq!(
            mistake(&["--writes-per-minute=0"]),
            "--writes-per-minute takes a number from 1 to 1000000, not 0"
        );
        assert_eq!(mistake(&["--host"]), "--host needs a value; --help shows which");
        assert_eq!(mistake(&["--results="]), "--results needs a value; --help shows which");
        assert_eq!(
            mistake(&["--bogus"]),
            "unknown option --bogus; --help lists the options"
        );
    }

    #[test]
    fn help_and_version_win_over_what_follows() {
        assert_eq!(Args::parse(["--help", "--bogus"]), Ok(Command::Help));
        assert_eq!(Args::parse(["-V"]), Ok(Command::Version));
    }
}
