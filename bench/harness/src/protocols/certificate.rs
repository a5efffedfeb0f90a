//! The certificate that all servers present, made once for each run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::Failure;

/// A self-signed certificate for `localhost` and its key, as files that end with this value.
#[derive(Debug)]
pub(super) struct Certificate {
    folder: PathBuf,
}

impl Certificate {
    /// By `openssl`: a P-256 key, as most sites have it.
    pub(super) fn make() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("hyperlane-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
        let certificate = Self { folder };
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"]);
        command.args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"]);
        command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"]);
        command.arg(certificate.folder.join("key.pem")).arg("-out");
        command.arg(certificate.folder.join("cert.pem"));
        let output = command
            .output()
            .map_err(|error| format!("openssl can't be run, which makes the certificate: {error}"))?;
        if output.status.success() {
            Ok(certificate)
        } else {
            Err(format!(
                "openssl made no certificate: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ))
        }
    }

    /// What a server is told: two files, and the port for TLS.
    pub(super) fn variables(&self, port: u16) -> [(&'static str, String); 3] {
        let file = |name: &str| self.folder.join(name).display().to_string();
        [
            ("CERTIFICATE", file("cert.pem")),
            ("KEY", file("key.pem")),
            ("TLS_PORT", port.to_string()),
        ]
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        // What is left in the folder for temporary files is cleaned up by the system.
        fs::remove_dir_all(&self.folder).ok();
    }
}
