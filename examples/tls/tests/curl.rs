//! The program itself, with certificates from files, asked by curl.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Stopped with its test, however that ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority");
        let key = KeyPair::generate().expect("random numbers");
        let pem = params.self_signed(&key).expect("valid").pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// Certificate and key.
    fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("random numbers");
        let certificate = params.signed_by(&key, &self.issuer).expect("valid");
        (certificate.pem(), key.serialize_pem())
    }
}

fn curl() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("curl"))
        .find(|file| file.is_file());
    if found.is_none() {
        let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "curl is missing, and nothing may be skipped");
        eprintln!("SKIPPED: curl is not installed");
    }
    found
}

#[test]
fn curl_is_led_to_https_trusts_it_and_is_known_by_its_certificate() {
    let Some(curl) = curl() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        path.to_str().expect("utf-8").to_owned()
    };
    let authority = Authority::new();
    let root = file("root.pem", &authority.pem);
    let (certificate, key) = authority.issue("localhost");
    let (own, own_key) = authority.issue("alice");
    let (own, own_key) = (file("own.pem", &own), file("own.key", &own_key));
    let mut program = Command::new(env!("CARGO_BIN_EXE_example-tls"))
        .envs([("PORT", "0"), ("TLS_PORT", "0")])
        .env("TLS_CERTIFICATE", file("site.pem", &certificate))
        .env("TLS_KEY", file("site.key", &key))
        .env("TLS_CLIENT_CA", &root)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(program.stdout.take().expect("piped")).lines();
    let _program = Program(program);
    let ports: Vec<String> = lines
        .take(2)
        .map(|line| line.expect("text").rsplit(':').next().expect("a port").to_owned())
        .collect();
    let run = |arguments: &[&str]| {
        let output = Command::new(&curl)
            .args([
                "--silent",
                "--show-error",
                "--ipv4",
                "--max-time",
                "20",
                "--cacert",
                &root,
            ])
            .args(arguments)
            .output()
            .expect("it starts");
        String::from_utf8(output.stdout).expect("text") + &String::from_utf8_lossy(&output.stderr)
    };
    let (tls, plain) = (&ports[0], &ports[1]);
    let told = run(&[&format!("https://localhost:{tls}/")]);
    assert!(told.contains("over TLSv1.3 with TLS13_"), "{told}");
    let head = run(&["--head", &format!("http://localhost:{plain}/?a=b")]);
    assert!(
        head.contains("308") && head.contains("location: https://localhost:"),
        "{head}"
    );
    let members = format!("https://localhost:{tls}/members");
    assert!(run(&[&members]).contains("a client certificate is needed"));
    assert_eq!(run(&["--cert", &own, "--key", &own_key, &members]), "welcome, alice\n");
}
