//! The Python that runs the app.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the Python beside this command, which `pip install` puts into one folder, or else the
/// one that a shell would find.
pub(crate) fn interpreter() -> PathBuf {
    let beside = env::current_exe()
        .ok()
        .and_then(|command| command.parent().map(Path::to_owned))
        .map(|folder| folder.join("python"))
        .filter(|python| python.exists());
    beside.unwrap_or_else(|| {
        let active = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
        let active = active.map(|folder| folder.join("bin").join("python"));
        active
            .filter(|python| python.exists())
            .unwrap_or_else(|| PathBuf::from("python3"))
    })
}

/// Returns an error unless a module can be imported.
pub(crate) fn needs(python: &Path, module: &str) -> Result<(), String> {
    let code = format!("import {module}");
    let tried = Command::new(python).args(["-c", &code]).output();
    let python = python.display();
    match tried {
        Ok(tried) if tried.status.success() => Ok(()),
        Ok(_) => Err(format!(
            "{module} is not installed for {python}; install it with: \
             {python} -m pip install {module}"
        )),
        Err(error) => Err(format!("{python} cannot be started: {error}")),
    }
}
