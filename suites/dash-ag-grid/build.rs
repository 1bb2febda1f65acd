//! Builds the suite of `wheels.toml`.

fn main() {
    ferrodash_build::generate("wheels.toml");
}
