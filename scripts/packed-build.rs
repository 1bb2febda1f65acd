//! Copies the generated builders and the compressed bundles, which are in this package, to where the
//! crate includes them from.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=generated");
    let out = env::var_os("OUT_DIR").expect("build scripts run under Cargo");
    for file in fs::read_dir("generated").expect("the package has a folder `generated`") {
        let file = file.expect("a folder of the package can be read");
        let target = Path::new(&out).join(file.file_name());
        fs::copy(file.path(), target).expect("OUT_DIR can be written");
    }
}
