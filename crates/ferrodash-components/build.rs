//! Builds the suites of `wheels.toml`, with the changes that `ferrodash-browser` has for the
//! renderer.

fn main() {
    ferrodash_build::generate_with("wheels.toml", |path, content| {
        if path != "dash-renderer/build/dash_renderer.min.js" {
            return Ok(None);
        }
        match ferrodash_browser::repair_renderer(content) {
            Some(renderer) => Ok(Some(renderer.into_bytes())),
            None => Err(
                "ferrodash-browser has no changes for this renderer; add a file to its folder `renderer`"
                    .to_owned(),
            ),
        }
    });
}
