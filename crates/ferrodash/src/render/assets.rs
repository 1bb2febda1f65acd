//! The scripts and style sheets of the assets folder that go into the page.
//!
//! The folder is looked through once, when the app is built. Files are served by `crate::http`,
//! which reads them again for each request.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::config::{self, Config};
use crate::paths;

/// The files of the assets that go into the page, as addresses.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    /// Scripts, in the order in which they are loaded.
    pub(crate) scripts: Vec<String>,
    /// Style sheets, in their order.
    pub(crate) styles: Vec<String>,
    /// The last file called `favicon.ico`, if there is one.
    pub(crate) favicon: Option<String>,
}

impl Assets {
    /// Looks through the folder by Dash's rules.
    ///
    /// Files of each folder are in the order of their names, folders in the order of their whole
    /// paths. Names that end with `js` and `css` are scripts and style sheets, an icon is known by
    /// its whole name. A folder that cannot be read has no files.
    pub(crate) fn scan(config: &Config) -> Self {
        let mut assets = Self::default();
        let url = config.paths().get_asset_url("");
        let url = url.trim_end_matches('/');
        let mut folders = Vec::new();
        if let Ok(root) = config.assets.folder.canonicalize() {
            collect(&[root], String::new(), &config.assets, &mut folders);
        }
        // So `a-b` comes before `a/b`: a slash counts as a letter like others.
        folders.sort_by(|a, b| a.path.cmp(&b.path));
        for Found { path, files } in &folders {
            let segments: String = path
                .split_terminator('/')
                .map(|segment| format!("{}/", paths::encode(segment)))
                .collect();
            for (name, file) in files {
                assets.add(
                    name,
                    format!(
                        "{url}/{segments}{}?m={}",
                        paths::encode(name),
                        modified(file)
                    ),
                );
            }
        }
        assets
    }

    /// Adds a file by the end of its name; other files are only served.
    fn add(&mut self, name: &str, url: String) {
        if name == "favicon.ico" {
            self.favicon = Some(url);
        } else if name.ends_with("js") {
            self.scripts.push(url);
        } else if name.ends_with("css") {
            self.styles.push(url);
        }
    }
}

/// A folder of the assets with those of its files that may become tags, in the order of their
/// names.
struct Found {
    /// Below the assets folder.
    path: String,
    /// Names, and where links lead to.
    files: Vec<(String, PathBuf)>,
}

/// Looks through the last folder of a trail, which begins with the assets folder, and through those
/// in it.
///
/// Files that are not served have no place in the page: hidden ones, and those that a link leads to
/// outside of the folder. A link back to a folder of the trail is skipped, as it would have no end.
fn collect(trail: &[PathBuf], path: String, config: &config::Assets, found: &mut Vec<Found>) {
    let [root, ..] = trail else { return };
    let Some(Ok(entries)) = trail.last().map(std::fs::read_dir) else {
        return;
    };
    let is_served = |path: &PathBuf| path.starts_with(root) && !trail.contains(path);
    // A name that is not UTF-8 has no address.
    let entries = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    let entries = entries.filter(|(name, _)| !is_hidden(name));
    let mut entries: Vec<(String, PathBuf)> = entries
        .filter_map(|(name, path)| Some((name, path.canonicalize().ok().filter(is_served)?)))
        .collect();
    entries.sort();
    let mut files = Vec::new();
    for (name, entry) in entries {
        if entry.is_dir() {
            if !config
                .ignored_folders
                .iter()
                .any(|ignored| ignored.is_match(&name))
            {
                let below = if path.is_empty() {
                    name
                } else {
                    format!("{path}/{name}")
                };
                collect(&[trail, &[entry]].concat(), below, config, found);
            }
        } else if entry.is_file()
            && !config
                .ignore
                .as_ref()
                .is_some_and(|ignore| ignore.is_match(&name))
        {
            files.push((name, entry));
        }
    }
    found.push(Found { path, files });
}

/// Returns the time at which a file was changed, in seconds since 1970. It is part of the address,
/// so that browsers fetch a changed file again.
fn modified(path: &Path) -> u64 {
    let time = path
        .metadata()
        .and_then(|metadata| metadata.modified())
        .ok();
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_secs())
}

/// Returns whether a name is that of a file which editors, version control and systems leave in a
/// folder, or `..`.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}
