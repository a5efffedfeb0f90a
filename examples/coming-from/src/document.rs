//! The document prints these files: its blocks are compared with them.

use std::fs;
use std::path::Path;

use super::PROGRAMS;

/// Stands in the document before each block that is one of our files.
const MARKER: &str = "<!-- examples/coming-from/src/";

/// Names of files and the blocks behind them.
fn blocks(document: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    for part in document.split(MARKER).skip(1) {
        let (name, rest) = part.split_once(" -->").expect("the marker is closed");
        let block = rest
            .trim_start()
            .strip_prefix("```rust\n")
            .expect("a block of rust follows");
        let (block, _) = block.split_once("```").expect("the block is closed");
        blocks.push((name, block));
    }
    blocks
}

#[test]
fn the_document_prints_each_program_as_it_is_tested() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(here.join("../../docs/coming-from.md")).expect("it is in the repository");
    let blocks = blocks(&document);
    let mut expected: Vec<_> = PROGRAMS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    expected.push("testing.rs".to_owned());
    let names: Vec<_> = blocks.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected);
    for (name, block) in blocks {
        let file = fs::read_to_string(here.join("src").join(name)).expect("the document names a file");
        assert_eq!(block, file, "docs/coming-from.md prints `{name}` otherwise than it is");
    }
}
