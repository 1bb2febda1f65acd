//! The version of an app, from its sources: a change of any of them is another version.

use std::fs;
use std::io;
use std::path::Path;

/// Folders that have no sources of the app.
const OTHERS: [&str; 6] = [
    "__pycache__",
    "node_modules",
    "site-packages",
    "target",
    "venv",
    "build",
];

/// The files that are read at most. A folder with more is not that of an app alone.
const MOST: usize = 20_000;

/// Returns a digest of all Python files below a folder, with their names.
///
/// # Errors
/// If the folder or one of the files cannot be read, or if there are too many.
pub(crate) fn digest(folder: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut left = MOST;
    add(folder, &mut hasher, &mut left)?;
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

fn add(folder: &Path, hasher: &mut blake3::Hasher, left: &mut usize) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    // The system has them in any order.
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let is_other = name.starts_with('.')
                || OTHERS.contains(&&*name)
                || path.join("pyvenv.cfg").exists();
            if !is_other {
                add(&path, hasher, left)?;
            }
        } else if kind.is_file() && name.ends_with(".py") {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| io::Error::other(format!("it has more than {MOST} files")))?;
            let text = fs::read(&path)?;
            hasher.update(path.to_string_lossy().as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(&text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g16_each_change_of_a_source_is_another_version() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("app.py", "a = 1");
        let first = digest(folder.path()).unwrap();
        assert_eq!(digest(folder.path()).unwrap(), first);
        write("data.csv", "1");
        write("__pycache__/app.py", "");
        write("env/pyvenv.cfg", "");
        write("env/lib.py", "");
        write(".git/hook.py", "");
        assert_eq!(digest(folder.path()).unwrap(), first);
        write("pages/home.py", "b = 1");
        let second = digest(folder.path()).unwrap();
        assert_ne!(second, first);
        write("pages/home.py", "b = 2");
        assert_ne!(digest(folder.path()).unwrap(), second);
    }
}
