//! A disk that hangs when a test says so: a small file system of its own, frozen by the kernel. It needs root.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Mounted until this is dropped; whoever writes to it while it is frozen hangs in the kernel, where no signal reaches it.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Makes and mounts one.
    pub(crate) fn mounted() -> Self {
        let folder = tempfile::Builder::new().prefix("lictor-disk-").tempdir().unwrap();
        let (image, place) = (folder.path().join("image"), folder.path().join("disk"));
        std::fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
        std::fs::create_dir(&place).unwrap();
        done(Command::new("mkfs.ext4").arg("-q").arg(&image));
        done(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&place));
        Self { folder }
    }

    /// Where its files are.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// From now on every write hangs.
    pub(crate) fn freeze(&self) {
        done(Command::new("fsfreeze").arg("--freeze").arg(self.path()));
    }

    /// What hangs goes on.
    pub(crate) fn thaw(&self) {
        done(Command::new("fsfreeze").arg("--unfreeze").arg(self.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let path = self.path();
        let quietly = |program: &str, arguments: &[&str], path: &Path| {
            Command::new(program).args(arguments).arg(path).stderr(std::process::Stdio::null()).status()
        };
        // It may not be frozen; and who still has a file open there keeps only what is not reachable any more.
        let _ = quietly("fsfreeze", &["--unfreeze"], &path);
        let _ = quietly("umount", &["--lazy"], &path);
    }
}

fn done(command: &mut Command) {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; install util-linux and e2fsprogs"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether this user may mount anything.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
