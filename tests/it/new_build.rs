//! A new build of the service, put in place under a running lictor.

use lictor::machine::board::{ConfigState, Phase};

use crate::harness::lictor::is_good;
use crate::harness::program::{self, NEW, OLD};
use crate::harness::{Consul, Setup};

#[test]
fn a_wish_that_only_the_next_build_can_bear_waits_for_it() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    let good = lictor.until_good();
    assert_eq!(lictor.status().1["version"], OLD);

    consul.put("billing/MIN_VERSION", NEW);
    let board = lictor.until_reverted_to(good.config.fingerprint);
    assert!(!board.config.quarantine.is_empty(), "{:#?}", board.config);
    assert_eq!(lictor.get(&format!("/status?version={NEW}")).code, 409);

    lictor.install(NEW);
    let board = lictor.until("the wish runs on the build that can bear it", is_good);
    assert_eq!(lictor.value("MIN_VERSION").as_deref(), Some(NEW));
    assert_eq!(board.build.running.version.as_deref(), Some(NEW));
    assert_eq!(lictor.get(&format!("/status?version={NEW}")).code, 200);
    assert_eq!(lictor.get(&format!("/status?version={OLD}")).code, 409);
}

#[test]
fn a_running_service_is_what_its_own_executable_says_not_what_lies_on_the_disk() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    let before = lictor.until_good();

    lictor.install(NEW);
    let board = lictor.until("the new file is seen", |board| board.build.installed.version.as_deref() == Some(NEW));
    assert_eq!(board.build.running.version.as_deref(), Some(OLD));
    assert_eq!(board.process, before.process, "a new file restarts nothing");
    assert_eq!(lictor.status().1["version"], OLD);
}

#[test]
fn a_new_build_that_fails_on_a_good_environment_blames_the_build() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let lictor = Setup::on_consul(consul.address()).checked().start();
    let before = lictor.until_good();

    // A program that ends at once, in the place of the service; the old run is ended so that it is started.
    let broken = lictor.setup().path("service.broken");
    std::fs::write(&broken, "#!/bin/sh\nexit 3\n").unwrap();
    std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::rename(&broken, lictor.setup().path("service")).unwrap();
    lictor.until("the new file is seen", |board| board.build.installed_build != before.build.installed_build);
    crate::harness::processes::signal(crate::harness::lictor::pid(&before), rustix::process::Signal::KILL);

    let board = lictor.until("the build is to blame", |board| board.config.state == ConfigState::BuildFailed);
    assert!(board.config.quarantine.is_empty(), "{:#?}", board.config);
    assert_eq!(lictor.status().0, 503, "CodeDeploy rolls back");

    lictor.install(OLD);
    lictor.until_good();
    assert_eq!(lictor.status().0, 200);
}

#[test]
fn a_bare_name_that_only_the_services_own_path_finds_has_a_build_as_soon_as_it_is_there() {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    let folder = setup.path("programs");
    setup.write("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    let (name, host) = ("service-of-this-test", setup.host());
    let command = format!("exec {{\n  command = [\"{name}\", \"-addr\", \"{host}:8080\"]\n}}\n");
    let lictor = setup.config(&command).start();
    lictor.until("it is not there yet", |board| board.phase == Phase::BackingOff);
    std::fs::create_dir(&folder).unwrap();
    program::install(OLD, &folder.join(name));
    lictor.until_good();
    lictor.until("the old one is known", |board| board.build.installed.version.as_deref() == Some(OLD));
    program::install(NEW, &folder.join(name));
    lictor.until("the new one is seen", |board| board.build.installed.version.as_deref() == Some(NEW));
}
