//! Finds a program before anything is forked, so that an error can be explained.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::failure::ServiceError;

/// Where to look if the child has no `PATH`: systemd's default.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The absolute path of `program`: a bare name is looked up in `path` (the child's own `PATH`; only its absolute
/// directories count), a relative path is read from `directory`, as after `cd`.
///
/// # Errors
/// When no file is found, or none that can be executed.
pub fn resolve(program: &Path, directory: Option<&Path>, path: Option<&OsStr>) -> Result<PathBuf, ServiceError> {
    if program.as_os_str().as_encoded_bytes().contains(&b'/') {
        let base = directory.map_or_else(std::env::current_dir, std::path::absolute).unwrap_or_default();
        return judge(base.join(program));
    }
    let not_in_path = || ServiceError::NotInPath { name: program.display().to_string() };
    if program.as_os_str().is_empty() {
        return Err(not_in_path());
    }
    let mut failure = None;
    for folder in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))).filter(|folder| folder.is_absolute())
    {
        match judge(folder.join(program)) {
            Ok(found) => return Ok(found),
            Err(found @ ServiceError::NotExecutable { .. }) => failure = failure.or(Some(found)),
            Err(_) => {}
        }
    }
    Err(failure.unwrap_or_else(not_in_path))
}

fn judge(program: PathBuf) -> Result<PathBuf, ServiceError> {
    match program.metadata() {
        Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => Ok(program),
        Ok(_) => Err(ServiceError::NotExecutable { program }),
        // We may not search this directory: the kernel's error will say so.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(program),
        Err(_) => Err(ServiceError::Missing { program }),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use super::{ServiceError, resolve};

    fn folder_with(name: &str, mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        folder
    }

    #[test]
    fn a_bare_name_is_the_first_executable_in_path() {
        let (plain, first, second) =
            (folder_with("tool", 0o644), folder_with("tool", 0o755), folder_with("tool", 0o755));
        let path =
            format!("relative::{}:{}:{}", plain.path().display(), first.path().display(), second.path().display());
        let found = resolve(Path::new("tool"), None, Some(OsStr::new(&path))).unwrap();
        assert_eq!(found, first.path().join("tool"));
    }

    #[test]
    fn a_relative_path_starts_at_the_directory() {
        let folder = folder_with("tool", 0o755);
        assert_eq!(resolve(Path::new("./tool"), Some(folder.path()), None).unwrap(), folder.path().join("tool"));
    }

    #[test]
    fn the_default_path_serves_a_child_without_one() {
        assert!(resolve(Path::new("sh"), None, None).unwrap().is_absolute());
    }

    #[test]
    fn each_failure_says_which() {
        let folder = folder_with("tool", 0o644);
        let path = Some(folder.path().as_os_str());
        let file = folder.path().join("tool");
        assert!(matches!(resolve(Path::new("tool"), None, path), Err(ServiceError::NotExecutable { .. })));
        assert!(matches!(resolve(&file, None, None), Err(ServiceError::NotExecutable { .. })));
        assert!(matches!(resolve(folder.path(), None, None), Err(ServiceError::NotExecutable { .. })));
        assert!(matches!(resolve(&PathBuf::from("/none/such"), None, None), Err(ServiceError::Missing { .. })));
        for bare in ["", "no-such-tool"] {
            assert!(matches!(resolve(Path::new(bare), None, path), Err(ServiceError::NotInPath { .. })), "{bare}");
        }
    }
}
