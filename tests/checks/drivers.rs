//! `tests/peers/drivers/answers.json`, by which lictor's own reading is tested, is what Go's libraries say today.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

#[test]
fn the_answers_are_those_of_go_s_own_libraries() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (program, folder) = (root.join("target/peers/drivers"), root.join("tests/peers/drivers"));
    assert!(program.exists(), "the drivers are not built: run `make peers`");
    let corpus = File::open(folder.join("corpus.json")).unwrap();
    let run = Command::new(program).stdin(corpus).stderr(Stdio::inherit()).output().unwrap();
    assert!(run.status.success(), "{:?}", run.status);
    let said: Value = serde_json::from_slice(&run.stdout).unwrap();
    let kept: Value = serde_json::from_str(&fs::read_to_string(folder.join("answers.json")).unwrap()).unwrap();
    for (part, said) in said.as_object().unwrap() {
        assert_eq!(
            &kept[part], said,
            "{part}: after a change to the corpus or the libraries: target/peers/drivers \
             <tests/peers/drivers/corpus.json >tests/peers/drivers/answers.json"
        );
    }
}
