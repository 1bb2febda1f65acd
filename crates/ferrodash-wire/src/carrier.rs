//! The names of carriers.

use std::time::Duration;

/// The name of the property that carries the changes of a debounced input.
///
/// The renderer shows a callback as loading from the moment its request starts, so a wait must come
/// before that. On the wire a debounced input is therefore a property that no component has, the
/// *carrier*, and the real property is sent along as state. A clientside callback on the real
/// property, the *gate*, sets the carrier when the property has not changed for `wait`.
///
/// The name has the wait in milliseconds, so inputs with different waits have different carriers.
/// It begins with `data-`, a prefix that Dash's components accept for any property.
///
/// ```
/// use std::time::Duration;
/// use ferrodash_wire::carrier;
///
/// assert_eq!(carrier("value", Duration::from_millis(500)), "data-fd-value-500");
/// ```
pub fn carrier(property: &str, wait: Duration) -> String {
    format!("data-fd-{property}-{}", wait.as_millis())
}
