//! Reads files out of an archive, still compressed: a browser unpacks them.

/// Of the central directory: where an entry begins, and how long its parts are (APPNOTE.TXT §4.3.12).
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const ENTRY_LEN: usize = 46;
/// Of what stands before a file's bytes (§4.3.7).
const LOCAL_LEN: usize = 30;
/// The end of the archive (§4.3.16).
const END: [u8; 4] = *b"PK\x05\x06";
const END_LEN: usize = 22;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The head of a gzip member: deflate, no flags, no time, unknown system (RFC 1952 §2.3).
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A file as it is sent.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) bytes: Vec<u8>,
    /// Whether it is a gzip member, and not the file itself.
    pub(super) gzip: bool,
}

/// The file whose path ends with `suffix`.
pub(super) fn file(archive: &[u8], suffix: &str) -> Option<Packed> {
    let end = (0..=archive.len().checked_sub(END_LEN)?).rev();
    let end = end.into_iter().find(|&at| archive[at..].starts_with(&END))?;
    let mut at = usize::try_from(u32_at(archive, end + 16)?).ok()?;
    while archive.get(at..)?.starts_with(&ENTRY) {
        let name_len = usize::from(u16_at(archive, at + 28)?);
        let name = archive.get(at + ENTRY_LEN..)?.get(..name_len)?;
        if name.ends_with(suffix.as_bytes()) {
            return unpack(archive, at);
        }
        let extra = usize::from(u16_at(archive, at + 30)?) + usize::from(u16_at(archive, at + 32)?);
        at += ENTRY_LEN + name_len + extra;
    }
    None
}

/// The file of the entry at this place. Its deflated bytes are what gzip holds too, between a head and a tail.
fn unpack(archive: &[u8], entry: usize) -> Option<Packed> {
    let method = u16_at(archive, entry + 10)?;
    let checksum = archive.get(entry + 16..entry + 20)?;
    let packed_len = usize::try_from(u32_at(archive, entry + 20)?).ok()?;
    let len = archive.get(entry + 24..entry + 28)?;
    let local = usize::try_from(u32_at(archive, entry + 42)?).ok()?;
    let names = usize::from(u16_at(archive, local + 26)?) + usize::from(u16_at(archive, local + 28)?);
    let data = archive.get(local + LOCAL_LEN + names..)?.get(..packed_len)?;
    match method {
        STORED => Some(Packed {
            bytes: data.to_vec(),
            gzip: false,
        }),
        DEFLATED => Some(Packed {
            bytes: [&GZIP_HEAD, data, checksum, len].concat(),
            gzip: true,
        }),
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

    use super::*;

    #[test]
    fn finds_what_the_page_needs_in_the_archive() {
        for suffix in ["/dist/swagger-ui-bundle.js", "/dist/swagger-ui.css"] {
            let packed = file(SWAGGER_UI_VENDORED, suffix).expect("it is there");
            assert!(packed.gzip && packed.bytes.starts_with(&GZIP_HEAD), "{suffix}");
        }
        assert!(
            !file(SWAGGER_UI_VENDORED, "/dist/favicon-32x32.png")
                .expect("it is there")
                .gzip
        );
        assert!(file(SWAGGER_UI_VENDORED, "/dist/no-such-file").is_none());
    }

    #[test]
    fn what_is_no_archive_has_no_files() {
        let cut = &SWAGGER_UI_VENDORED[..1000];
        for archive in [
            &b""[..],
            b"PK",
            cut,
            b"PK\x05\x06PK\x05\x06PK\x05\x06PK\x05\x06PK\x05\x06",
        ] {
            assert!(file(archive, "a").is_none());
        }
    }
}
