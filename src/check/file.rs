//! Files that a check needs: read away from the loop, up to a limit.

use std::path::Path;

use tokio::fs::{self, File};
use tokio::io::AsyncReadExt;

use super::reason;

/// The bytes of a plain file. `what` is the word that named it; an error says what to mend.
pub(super) async fn read(what: &str, path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let failed =
        |error: std::io::Error| reason::brief(&format!("cannot read {what} {shown}: {}", reason::of_io(&error)));
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).await.map_err(failed)?.is_file() {
        return Err(reason::brief(&format!("{what} {shown} is no plain file")));
    }
    let mut bytes = Vec::new();
    File::open(path).await.map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(reason::brief(&format!("{what} {shown} is larger than {limit} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[tokio::test]
    async fn plain_files_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let Err(missing) = read("ca", &file, 4).await else { panic!("there is none") };
        assert_eq!(missing, format!("cannot read ca {}: no such file or directory", file.display()));
        std::fs::write(&file, "four").unwrap();
        assert_eq!(read("ca", &file, 4).await.as_deref(), Ok(&b"four"[..]));
        assert!(read("ca", &file, 3).await.unwrap_err().ends_with("is larger than 3 bytes"));
        assert!(read("ca", folder.path(), 3).await.unwrap_err().ends_with("is no plain file"));
    }
}
