//! The example service, which takes its socket from whoever holds it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::go;
use crate::harness::Setup;

/// A directory source and the example service with these flags, which gets the socket `http` and is checked.
pub fn setup(flags: &[&str]) -> Setup {
    let setup = alone(flags);
    let host = setup.host();
    setup.config(&format!("listen \"http\" {{\n  address = \"{host}:8080\"\n}}\n"))
}

/// The same service, which opens its socket itself.
pub fn alone(flags: &[&str]) -> Setup {
    unheld(flags).checked()
}

/// The same without a check.
pub fn unheld(flags: &[&str]) -> Setup {
    let setup = Setup::on_directory();
    let program = setup.path("service");
    std::fs::copy(built(), setup.path("new")).unwrap();
    std::fs::rename(setup.path("new"), &program).unwrap();
    setup.write("GREETING", "hello 0");
    let (host, program) = (setup.host(), program.display().to_string());
    let flags = flags.iter().fold(String::new(), |all, flag| all + ", \"" + flag + "\"");
    setup.config(&format!("exec {{\n  command = [\"{program}\", \"-addr\", \"{host}:8080\"{flags}]\n}}\n"))
}

fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| go::build("examples/billing", "billing"))
}
