//! Who can read a file that has a secret in it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Whether every user of this host can read it: the file itself, and through all of the folders above it.
pub(crate) fn include_everybody(file: &Path) -> bool {
    let Ok(file) = file.canonicalize() else { return false };
    let may = |path: &Path, bit| path.metadata().is_ok_and(|known| known.permissions().mode() & bit != 0);
    may(&file, 0o004) && file.ancestors().skip(1).all(|folder| may(folder, 0o001))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::include_everybody;

    #[test]
    fn the_file_and_the_way_to_it_have_to_be_open() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.hcl");
        write(&file, "").unwrap();
        for (of_folder, of_file, is_open) in
            [(0o700, 0o644, false), (0o755, 0o640, false), (0o755, 0o644, true), (0o711, 0o604, true)]
        {
            set_permissions(folder.path(), Permissions::from_mode(of_folder)).unwrap();
            set_permissions(&file, Permissions::from_mode(of_file)).unwrap();
            assert_eq!(include_everybody(&file), is_open, "{of_folder:o} {of_file:o}");
        }
        assert!(!include_everybody(&folder.path().join("missing")));
    }
}
