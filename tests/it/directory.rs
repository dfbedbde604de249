//! A watched directory as the source: one file a key.

use std::fs;
use std::os::unix::fs::symlink;

use crate::harness::Setup;
use crate::harness::lictor::pid;

fn on_directory() -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello\n");
    setup
}

#[test]
fn each_file_is_a_key_and_a_change_is_seen() {
    let setup = on_directory();
    setup.write(".hidden", "x");
    setup.write("TWO_LINES", "a\nb\n\n");
    fs::create_dir(setup.path("conf.d/folder")).unwrap();
    let lictor = setup.start();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"), "one trailing newline is removed");
    assert_eq!(lictor.value("TWO_LINES").as_deref(), Some("a\nb\n"), "and only one");
    assert_eq!(lictor.value(".hidden"), None);
    assert_eq!(lictor.value("folder"), None);

    lictor.until_applied(|| lictor.setup().write("GREETING", "good day\n"));
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
    lictor.until_applied(|| fs::write(lictor.setup().path("conf.d/GREETING"), "in place").unwrap());
    assert_eq!(lictor.value("GREETING").as_deref(), Some("in place"));
    lictor.until_applied(|| fs::remove_file(lictor.setup().path("conf.d/TWO_LINES")).unwrap());
    assert_eq!(lictor.value("TWO_LINES"), None);
}

#[test]
fn a_mounted_config_map_is_followed_when_its_link_moves() {
    // As the kubelet writes it: files are links through `..data`, which is moved to another folder in one step.
    let setup = Setup::on_directory().checked();
    let folder = setup.path("conf.d");
    for (name, value) in [("..first", "hello"), ("..second", "good day")] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("GREETING"), value).unwrap();
    }
    symlink("..first", folder.join("..data")).unwrap();
    symlink("..data/GREETING", folder.join("GREETING")).unwrap();
    let lictor = setup.start();
    lictor.until_good();
    assert_eq!(lictor.value("GREETING").as_deref(), Some("hello"));
    lictor.until_applied(|| {
        symlink("..second", folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    });
    assert_eq!(lictor.value("GREETING").as_deref(), Some("good day"));
}

#[test]
fn a_directory_that_is_away_for_a_while_leaves_the_service_alone() {
    let lictor = on_directory().start();
    let before = lictor.until_good();
    let (here, away) = (lictor.setup().path("conf.d"), lictor.setup().path("away"));
    fs::rename(&here, &away).unwrap();
    let board = lictor.until("it is missed", |board| board.sources[0].freshness.error.is_some());
    assert_eq!(pid(&board), pid(&before));
    fs::rename(&away, &here).unwrap();
    let board = lictor.until("it is there again", |board| board.sources[0].freshness.error.is_none());
    assert_eq!(pid(&board), pid(&before));
    lictor.until_applied(|| lictor.setup().write("GREETING", "good day"));
}
