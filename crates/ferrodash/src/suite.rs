//! The macro `suite!`, for a component suite that the app's own build script generates.

/// Declares a module with the builders and bundles of a component suite that the app's build script
/// generated.
///
/// The app pins the suite in `wheels.toml` (package, version, SHA-256) and has a `build.rs` with
/// one line, `ferrodash_build::generate("wheels.toml")`; it needs no other crate.
/// `suite!(dash_daq)` is a private module of that name, `suite!(pub dash_daq)` a public one,
/// `suite!(dash_daq as daq)` has another name. The app adds `dash_daq::SUITE` with
/// [`App::suite`](crate::App::suite). The guide, under "Third-party suites", has all files of such
/// an app.
#[macro_export]
macro_rules! suite {
    ($visibility:vis $name:ident) => {
        $crate::suite!($visibility $name as $name);
    };
    ($visibility:vis $name:ident as $module:ident) => {
        #[doc = concat!("Builders and bundles of `", stringify!($name), "`.")]
        #[allow(
            unused,
            nonstandard_style,
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::nursery,
            reason = "generated code, of which an app uses what it needs"
        )]
        $visibility mod $module {
            // The name by which generated code knows the crate.
            use $crate::__private::ferrodash_components;

            include!(concat!(
                env!(
                    "OUT_DIR",
                    "ferrodash::suite! needs a build script: a build.rs that calls \
                     `ferrodash_build::generate(\"wheels.toml\")`, \
                     and ferrodash-build in [build-dependencies]"
                ),
                "/",
                stringify!($name),
                ".rs"
            ));
        }
    };
}
