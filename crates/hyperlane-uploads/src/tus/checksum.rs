//! `Upload-Checksum`: what a client says of the bytes of one request (tus 1.0.0, "Checksum").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyperlane::{Problem, StatusCode};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// The value of `Tus-Checksum-Algorithm`.
pub(super) const ALGORITHMS: &str = "sha1,sha256,sha512";

/// A sum in the making.
#[derive(Clone, Debug)]
pub(crate) enum Sum {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Sum {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
            Self::Sha512(sum) => sum.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(sum) => sum.finalize().to_vec(),
            Self::Sha256(sum) => sum.finalize().to_vec(),
            Self::Sha512(sum) => sum.finalize().to_vec(),
        }
    }
}

/// What the bytes shall add up to.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) sum: Sum,
    wanted: Vec<u8>,
}

impl Promise {
    /// Reads the header: an algorithm, a space, and the sum in Base64.
    pub(super) fn read(value: &str) -> Result<Self, Problem> {
        let refuse = |detail: &'static str| Problem::new(StatusCode::BAD_REQUEST).with_detail(detail);
        let (algorithm, wanted) = value
            .split_once(' ')
            .ok_or_else(|| refuse("`upload-checksum` must be an algorithm, a space and a base64 sum"))?;
        let (sum, length) = match algorithm {
            "sha1" => (Sum::Sha1(Sha1::new()), 20),
            "sha256" => (Sum::Sha256(Sha256::new()), 32),
            "sha512" => (Sum::Sha512(Sha512::new()), 64),
            _ => {
                return Err(refuse(
                    "algorithm of `upload-checksum` is not one of sha1, sha256, sha512",
                ));
            }
        };
        let wanted = STANDARD
            .decode(wanted)
            .map_err(|_| refuse("sum in `upload-checksum` is not base64"))?;
        if wanted.len() != length {
            return Err(refuse(
                "sum in `upload-checksum` has another length than its algorithm gives",
            ));
        }
        Ok(Self { sum, wanted })
    }

    pub(super) fn is_kept_by(&self, sum: Option<Sum>) -> bool {
        sum.is_some_and(|sum| sum.finish() == self.wanted)
    }
}
