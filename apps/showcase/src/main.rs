//! The program: reads the command line, opens the showcase and serves it until it is told to end.

use std::{
    env,
    error::Error,
    io::{self, IsTerminal, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
};

use hyperlane::ServerConfig;
use showcase::{
    app::{Showcase, app},
    args::{Args, Command, HELP},
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let args = match Args::parse(env::args_os().skip(1)) {
        Ok(Command::Serve(args)) => args.with_environment(),
        Ok(Command::Help) => return print(HELP),
        Ok(Command::Version) => return print(concat!("showcase ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(mistake) => {
            eprintln!("showcase: {mistake}");
            return ExitCode::from(2);
        }
    };
    log_to_stderr();
    match serve(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("showcase: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(args: &Args) -> Result<(), Box<dyn Error>> {
    let showcase = Showcase::open(args).await?;
    let server = app(showcase.clone());
    server.config(ServerConfig::new().host(&args.host).port(args.port));
    let handle = match server.run().await {
        Ok(handle) => handle,
        Err(error) if is_port_in_use(&error) => return Err(port_in_use(args).into()),
        Err(error) => return Err(error.into()),
    };

    print(&format!(
        "showcase: data in {}\nshowcase: open http://{}/ (Ctrl-C ends it)\n",
        args.data_dir.display(),
        browsable(handle.local_addr()),
    ));
    handle.wait().await;
    showcase.close().await;
    Ok(())
}

/// An unspecified address is where the server listens, not where a browser can go.
fn browsable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn is_port_in_use(error: &hyperlane::RunError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn port_in_use(args: &Args) -> String {
    let Args { host, port, .. } = args;
    format!(
        "port {port} of {host} is in use; end the program that listens there, or choose another port with --port (0 takes any free one)"
    )
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

/// Prints to stdout; a reader that has gone away is no reason to end.
fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
