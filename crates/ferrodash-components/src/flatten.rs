//! Values of the property `children`, as callbacks return them: lists within lists become one list,
//! as in layouts.

use crate::{Child, Children, Prop};

impl Prop {
    /// Returns the value as the property `children` can have it: one list instead of lists within
    /// lists, which the renderer cannot show, and nothing for `None` in a list.
    ///
    /// [`IntoChildren`](crate::IntoChildren) does the same for layouts. A value that is JSON
    /// already is taken as it is.
    #[must_use]
    pub fn flatten_children(self) -> Self {
        match self {
            Self::List(values) => {
                let mut list = Vec::with_capacity(values.len());
                values
                    .into_iter()
                    .for_each(|value| append(value, &mut list));
                Self::List(list)
            }
            Self::NotFinite(number) => Self::Text(number.to_string().into()),
            other => other,
        }
    }
}

/// Adds the items of a value to a list, those of lists inside it one by one.
fn append(value: Prop, list: &mut Vec<Prop>) {
    let one = |child: Child| Prop::Children(Children::One(child));
    match value {
        Prop::List(values) => values.into_iter().for_each(|value| append(value, list)),
        Prop::Children(Children::None) | Prop::Nothing => {}
        Prop::Children(Children::Many(children)) => list.extend(children.into_iter().map(one)),
        other => list.push(other.flatten_children()),
    }
}
