//! In place of the admin page, if the command is built without it.

use ferrodash_gateway::Gateway;

/// Refuses a configuration that asks for the page.
///
/// # Errors
/// If the configuration says who may see the page.
pub(crate) fn mount(gateway: &Gateway) -> Result<(), String> {
    match gateway.config().admin {
        None => Ok(()),
        Some(_) => Err(
            "this build of the command has no admin page; install one with: \
             cargo install ferrodash-cli, or remove [admin]"
                .to_owned(),
        ),
    }
}
