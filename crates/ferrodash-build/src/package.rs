//! The files that a suite ships, as far as the manifest leaves them to the package.
//!
//! Packages of Dash components are laid out alike: a directory with the package's name,
//! `metadata.json` or generated classes, a main script, and chunks that the main script loads. The
//! Python code that lists them is not run; the rules here find the same files, and [`crate::check`]
//! then compares the outcome with the files' content.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::archive::Archive;
use crate::classes::{exported, namespace_of};
use crate::{
    ComponentMeta, Error, Pin, Replacement, Result, SuiteManifest, read_class, read_metadata,
};

/// A suite whose every part is known.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    /// Name of the generated Rust file.
    pub(crate) module: String,
    /// The global JavaScript object that holds the components; empty for plain scripts.
    pub(crate) namespace: String,
    /// The namespace that the package's classes name, if they do.
    pub(crate) own_namespace: Option<String>,
    /// The first part of the URLs: the Python package that owns the files.
    pub(crate) package: String,
    /// Version in the URLs.
    pub(crate) version: String,
    /// The directory that the lists are relative to.
    pub(crate) root: String,
    /// The place where the components are described.
    pub(crate) description: Description,
    /// True if the manifest says that the components are described nowhere.
    pub(crate) is_undescribed: bool,
    /// Scripts of the index page in the order in which they are loaded, relative to `root`.
    pub(crate) scripts: Vec<String>,
    /// Style sheets of the index page in their order, relative to `root`.
    pub(crate) styles: Vec<String>,
    /// Files that scripts and style sheets load when they need them.
    pub(crate) on_demand: Vec<String>,
    /// Features of the crate, by the files that need them.
    pub(crate) features: BTreeMap<String, String>,
    /// True if the manifest lists what is loaded on demand.
    pub(crate) lists_on_demand: bool,
    /// Licence texts, as paths in the archive.
    pub(crate) licences: Vec<String>,
    pub(crate) replacements: Vec<Replacement>,
}

/// The place where a suite's components are described.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Description {
    /// A `metadata.json`.
    Metadata(String),
    /// A directory of generated classes.
    Classes(String),
    /// Nowhere: a suite without components.
    None,
}

impl Suite {
    /// Completes the manifest's description of a suite with what follows from the package. What the
    /// manifest says always wins.
    ///
    /// # Errors
    /// [`Error::NotInWheel`] if the directory of the suite cannot be found, and errors of reading
    /// files.
    pub(crate) fn resolve(archive: &mut Archive, pin: &Pin, suite: &SuiteManifest) -> Result<Self> {
        let root = match &suite.root {
            Some(root) => root.trim_end_matches('/').to_owned(),
            None => find_root(archive, pin)?,
        };
        let package = root.split('/').next().filter(|first| !first.is_empty());
        let package = package.map_or_else(|| pin.package.clone(), str::to_owned);
        let is_plain = suite.namespace.as_deref() == Some("");
        let description = match (&suite.metadata, &suite.classes) {
            (Some(none), None) | (None, Some(none)) if none.is_empty() => Description::None,
            (Some(path), _) => Description::Metadata(path.clone()),
            (_, Some(directory)) => {
                Description::Classes(directory.trim_end_matches('/').to_owned())
            }
            _ if is_plain => Description::None,
            _ => find_description(archive, &root)?,
        };
        let own_namespace = own_namespace(archive, &root, &description)?;
        let namespace = match (&suite.namespace, &own_namespace) {
            (Some(namespace), _) => namespace.clone(),
            (None, Some(own)) => own.clone(),
            (None, None) => package_name(archive, &root).unwrap_or_else(|| package.clone()),
        };
        let mut resolved = Self {
            module: suite.module.clone().unwrap_or_else(|| pin.module()),
            namespace,
            own_namespace,
            package,
            version: suite.version.clone().unwrap_or_else(|| pin.version.clone()),
            root,
            is_undescribed: description == Description::None
                && (suite.metadata.is_some() || suite.classes.is_some()),
            description,
            scripts: Vec::new(),
            styles: Vec::new(),
            on_demand: Vec::new(),
            features: suite.features.clone(),
            lists_on_demand: suite.on_demand.is_some(),
            licences: Vec::new(),
            replacements: suite.replacements.clone(),
        };
        resolved.find_files(archive, suite)?;
        Ok(resolved)
    }

    /// Finds the files of each kind that the manifest does not list. Plain scripts have no rules,
    /// so for them the manifest lists all.
    ///
    /// Licences are found last, because those beside scripts follow from the lists of scripts. For
    /// the same reason parts are found after scripts and style sheets.
    fn find_files(&mut self, archive: &mut Archive, suite: &SuiteManifest) -> Result<()> {
        let is_plain = self.namespace.is_empty();
        self.scripts = match &suite.scripts {
            Some(scripts) => scripts.clone(),
            None if is_plain => Vec::new(),
            None => self.main_script(archive)?.into_iter().collect(),
        };
        self.styles = match &suite.styles {
            Some(styles) => styles.clone(),
            None if is_plain => Vec::new(),
            None => self.style_sheets(archive)?,
        };
        self.on_demand = match &suite.on_demand {
            Some(on_demand) => on_demand.clone(),
            None if is_plain => Vec::new(),
            None => self.parts(archive)?,
        };
        self.licences = match &suite.licences {
            Some(licences) => licences.clone(),
            None => self.licence_texts(archive)?,
        };
        Ok(())
    }

    /// Reads the components, as the package describes them.
    ///
    /// Those that Python cannot import from the package are left out: packages keep files of
    /// components that they no longer have. If none of the names is exported, the list of exports
    /// says nothing, and all components are kept.
    ///
    /// # Errors
    /// [`Error::Metadata`] or [`Error::Class`] for a description that cannot be read, and a
    /// directory of classes without a component.
    pub(crate) fn components(&self, archive: &mut Archive) -> Result<Vec<ComponentMeta>> {
        let (directory, mut components) = match &self.description {
            Description::None => return Ok(Vec::new()),
            Description::Metadata(path) => {
                let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
                (
                    directory.to_owned(),
                    read_metadata(&archive.text(path)?, path)?,
                )
            }
            Description::Classes(directory) => {
                let mut components = Vec::new();
                for path in archive.list(directory, ".py") {
                    // The check of the namespace comes later, for both kinds of descriptions.
                    components.extend(read_class(&archive.text(&path)?, &path, "")?);
                }
                if components.is_empty() {
                    let detail = "no file there has a component".into();
                    return Err(Error::Class {
                        file: directory.clone(),
                        detail,
                    });
                }
                components.sort_by(|a, b| a.name.cmp(&b.name));
                (directory.clone(), components)
            }
        };
        for name in ["_imports_.py", "__init__.py"] {
            let path = join(&directory, name);
            if !archive.files().contains(&path) {
                continue;
            }
            let names = exported(&archive.text(&path)?);
            if components
                .iter()
                .any(|component| names.contains(&component.name))
            {
                components.retain(|component| names.contains(&component.name));
                break;
            }
        }
        Ok(components)
    }

    /// Returns the paths of all files of the suite's directory, relative to it, without what no
    /// page needs.
    pub(crate) fn files(&self, archive: &Archive) -> Vec<String> {
        let prefix = if self.root.is_empty() {
            String::new()
        } else {
            format!("{}/", self.root)
        };
        let below = |path: &String| path.strip_prefix(&prefix).map(str::to_owned);
        archive
            .files()
            .iter()
            .filter_map(below)
            .filter(|path| !is_aside(path))
            .collect()
    }

    /// Finds the main script: `<package>.min.js` or `<package>.js`, else `bundle.js`, else the only
    /// script that defines the namespace.
    ///
    /// Files near the root come first. If several scripts define the namespace, none is chosen: the
    /// check then reports that there is no script, and names them.
    ///
    /// The minified file is preferred. Chunks are not candidates for the script that defines the
    /// namespace.
    fn main_script(&self, archive: &mut Archive) -> Result<Option<String>> {
        let mut files = self.files(archive);
        files.retain(|path| path.ends_with(".js"));
        files.sort_by_key(|path| path.matches('/').count());
        for name in [self.namespace.as_str(), self.package.as_str()] {
            let wanted = [format!("{name}.min.js"), format!("{name}.js")];
            let find = |wanted: &String| files.iter().find(|path| file_name(path) == wanted);
            if let Some(path) = wanted.iter().find_map(find) {
                return Ok(Some(path.clone()));
            }
        }
        if let Some(path) = files
            .iter()
            .find(|path| matches!(file_name(path), "bundle.js" | "bundle.min.js"))
        {
            return Ok(Some(path.clone()));
        }
        let mut found = None;
        for path in files {
            let file = join(&self.root, &path);
            if !is_chunk(&archive.head(&file)?) && names(&archive.text(&file)?, &self.namespace) {
                if found.is_some() {
                    return Ok(None);
                }
                found = Some(path);
            }
        }
        Ok(found)
    }

    /// Finds the style sheets that the package's Python code names. Others are shipped only if a
    /// script names them.
    ///
    /// Only the `__init__.py` of the suite's directory is searched. Without that file there are no
    /// style sheets.
    fn style_sheets(&self, archive: &mut Archive) -> Result<Vec<String>> {
        let mut files = self.files(archive);
        files.retain(|path| path.ends_with(".css"));
        if files.is_empty() {
            return Ok(files);
        }
        let init = join(&self.root, "__init__.py");
        let code = if archive.files().contains(&init) {
            archive.text(&init)?
        } else {
            String::new()
        };
        files.retain(|path| code.contains(file_name(path)));
        Ok(files)
    }

    /// Finds the files that are loaded on demand: chunks that scripts load, and other files whose
    /// names are in a script or a style sheet.
    ///
    /// Only heads of scripts are read to find chunks, as scripts can be large. Files that nothing
    /// names are not shipped.
    pub(crate) fn parts(&self, archive: &mut Archive) -> Result<Vec<String>> {
        let (mut parts, mut others) = (Vec::new(), Vec::new());
        for path in self.files(archive) {
            if self.scripts.contains(&path) || self.styles.contains(&path) {
                continue;
            }
            let file = join(&self.root, &path);
            if path.ends_with(".js") && is_chunk(&archive.head(&file)?) {
                parts.push(path);
            } else if is_asset(&path) {
                others.push(path);
            }
        }
        for path in self
            .scripts
            .iter()
            .chain(&self.styles)
            .chain(&parts.clone())
        {
            if others.is_empty() {
                break;
            }
            let text = archive.text(&join(&self.root, path))?;
            let (named, unnamed) = others
                .into_iter()
                .partition(|other: &String| text.contains(file_name(other)));
            others = unnamed;
            parts.extend::<Vec<String>>(named);
        }
        parts.sort();
        Ok(parts)
    }

    /// Finds the licence of the package, and those that bundlers leave beside scripts. Empty files
    /// are left out.
    ///
    /// A wheel has its licence in `.dist-info`, a source archive at its top. Names begin with
    /// `LICENSE`, `LICENCE`, `COPYING` or `NOTICE`, in upper or lower case; a licence beside a
    /// script has the form `<script>.LICENSE.txt`.
    fn licence_texts(&self, archive: &mut Archive) -> Result<Vec<String>> {
        let shipped: Vec<String> = self
            .scripts
            .iter()
            .chain(&self.on_demand)
            .map(|path| join(&self.root, path))
            .collect();
        let is_beside = |path: &String| {
            shipped
                .iter()
                .any(|script| *path == format!("{script}.LICENSE.txt"))
        };
        let is_licence = |path: &String| {
            let is_place = if archive.is_wheel() {
                path.split('/')
                    .next()
                    .is_some_and(|first| first.ends_with(".dist-info"))
            } else {
                !path.contains('/')
            };
            let name = file_name(path).to_ascii_uppercase();
            is_place
                && ["LICENSE", "LICENCE", "COPYING", "NOTICE"]
                    .iter()
                    .any(|start| name.starts_with(start))
        };
        let mut texts = archive.files();
        texts.retain(|path| is_licence(path) || is_beside(path));
        let mut found = Vec::new();
        for path in texts {
            // Some packages ship an empty one.
            if !archive.text(&path)?.trim().is_empty() {
                found.push(path);
            }
        }
        Ok(found)
    }
}

/// Finds the suite's directory: the one with the package's name, else the only one that Python
/// could import.
///
/// Names are compared in their normal form, so the directory `Dash_DAQ` belongs to `dash-daq`. A
/// directory that Python could import has an `__init__.py`.
///
/// # Errors
/// [`Error::NotInWheel`], which names the directories that there are.
fn find_root(archive: &Archive, pin: &Pin) -> Result<String> {
    let mut packages = archive.files();
    packages.retain(|path| path.ends_with("/__init__.py") && path.matches('/').count() == 1);
    let mut packages: Vec<&str> = packages
        .iter()
        .filter_map(|path| Some(path.split_once('/')?.0))
        .collect();
    packages.dedup();
    let named = packages
        .iter()
        .find(|name| crate::manifest::normal(name) == pin.module());
    match (named, packages.as_slice()) {
        (Some(name), _) | (None, [name]) => Ok((*name).to_owned()),
        _ => Err(archive.missing(&format!("{}/__init__.py", pin.module()))),
    }
}

/// Finds the description: the nearest `metadata.json` below the root, else the directory with most
/// classes.
///
/// A file counts as a class if it derives one from `Component`.
///
/// If two directories have as many classes, the one nearer to the root is used. A package with
/// neither has the description `None`, which [`crate::check`] reports unless the manifest asks for
/// it.
fn find_description(archive: &mut Archive, root: &str) -> Result<Description> {
    let mut files = archive.files();
    files.retain(|path| path.starts_with(&format!("{root}/")));
    files.sort_by_key(|path| path.matches('/').count());
    if let Some(path) = files.iter().find(|path| file_name(path) == "metadata.json") {
        return Ok(Description::Metadata(path.clone()));
    }
    let mut counts: Vec<(usize, String)> = Vec::new();
    for path in files.iter().filter(|path| path.ends_with(".py")) {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        if archive.text(path)?.contains("(Component):") {
            match counts.iter_mut().find(|(_, known)| known == directory) {
                Some((count, _)) => *count += 1,
                None => counts.push((1, directory.to_owned())),
            }
        }
    }
    let most = counts.into_iter().rev().max_by_key(|(count, _)| *count);
    Ok(most.map_or(Description::None, |(_, directory)| {
        Description::Classes(directory)
    }))
}

/// Returns the namespace that the classes beside the description name.
///
/// The directory of the description is searched first and `root` after it, and the first class that
/// names one decides. Returns `None` for a suite without a description.
fn own_namespace(
    archive: &mut Archive,
    root: &str,
    description: &Description,
) -> Result<Option<String>> {
    let beside = match description {
        Description::None => return Ok(None),
        Description::Metadata(path) => path
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory)
            .to_owned(),
        Description::Classes(directory) => directory.clone(),
    };
    for directory in [beside.as_str(), root] {
        for path in archive.list(directory, ".py") {
            if let Some(namespace) = namespace_of(&archive.text(&path)?) {
                return Ok(Some(namespace));
            }
        }
    }
    Ok(None)
}

/// Returns the name in `package-info.json`, as Dash turns it into a namespace.
///
/// A file that is missing, is not JSON or has no name is skipped: `package.json` is read next, and
/// without a name there the caller uses the name of the package.
fn package_name(archive: &mut Archive, root: &str) -> Option<String> {
    ["package-info.json", "package.json"]
        .iter()
        .find_map(|name| {
            let package: Value =
                serde_json::from_slice(&archive.bytes(&join(root, name)).ok()?).ok()?;
            Some(package.get("name")?.as_str()?.replace([' ', '-'], "_"))
        })
}

/// Returns whether a script, by its head, is a part that webpack made to be loaded by another one,
/// in its form for production. Such a script adds itself to a global list whose name has
/// `webpackChunk` or `webpackJsonp`.
fn is_chunk(text: &str) -> bool {
    text.contains("||[]).push([[")
        && ["webpackChunk", "webpackJsonp"]
            .iter()
            .any(|mark| text.contains(mark))
}

/// Returns whether a file of a package is for development or for Python.
///
/// These are source maps, bundles for debugging, and directories of tests and sources. No rule for
/// scripts, style sheets or parts chooses them; a manifest can still list them.
fn is_aside(path: &str) -> bool {
    let name = file_name(path);
    let folder = |part: &str| {
        matches!(
            part,
            "node_modules" | "tests" | "test" | "src" | "__pycache__"
        )
    };
    path.split('/').any(folder)
        || name.contains(".dev.")
        || name == "proptypes.js"
        || name.ends_with(".map")
}

/// Returns whether scripts and style sheets can ask for a file.
///
/// Only the ending decides, in lower case. Other files of a package, such as Python code, are not
/// offered to browsers even if a script has their name.
fn is_asset(path: &str) -> bool {
    let endings = [
        ".js", ".mjs", ".css", ".wasm", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".png", ".jpg",
        ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico", ".mp3", ".mp4",
    ];
    endings.iter().any(|ending| path.ends_with(ending))
}

/// Returns the part of a path after its last slash, or all of it if there is none.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Joins a directory, which may be empty, and a path below it.
pub(crate) fn join(root: &str, path: &str) -> String {
    if root.is_empty() {
        path.to_owned()
    } else {
        format!("{root}/{path}")
    }
}

/// Returns whether a script has a name as a word of its own.
///
/// Letters, digits, `_`, `$` and `-` are parts of words, so `dash_core` is not found in
/// `dash_core_components`. Comments and strings are searched like code.
pub(crate) fn names(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-');
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_part);
        let after = text[at + name.len()..].chars().next().is_some_and(is_part);
        !before && !after
    })
}
