//! The twins of `python/patches.py` and `python/side_updates.py`.

use ferrodash::prelude::*;
use ferrodash::{CallbackBuilder, IntoProp, Patch, id};
use serde_json::json;

use super::app_of;

pub(super) fn app(name: &str) -> Option<App> {
    Some(match name {
        "patches" => {
            let ids = ["a", "o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7"];
            app_of(ids)
                .callbacks([lists(), dictionaries(), numbers(), components(), whole()])
                .callbacks(places())
        }
        "side_updates" => {
            let ids = ["a", "b", "c", "d", "x", "y", "o", "p", "q"];
            app_of(ids)
                .callbacks(beside_outputs())
                .callbacks(without_outputs())
        }
        _ => return None,
    })
}

fn to(id: impl Into<Id>, property: &'static str) -> CallbackBuilder {
    Callback::builder()
        .output(Output::new(id, property))
        .input(("a", "value"))
}

fn lists() -> Callback {
    to("o0", "data").handler(async |value: i64| {
        let mut patch = Patch::new();
        patch["a"]["b"].append(value);
        patch["a"]["b"].prepend(0);
        patch["a"]["b"].insert(1, 9);
        patch["a"]["b"].insert(-1, ());
        patch["a"]["b"].extend([5, 6]);
        patch["a"]["b"].remove_value(9);
        patch["a"]["b"].reverse();
        patch["l"].clear();
        patch["a"]["b"][-1].set("neg");
        patch["a"]["b"][0].remove();
        patch
    })
}

fn dictionaries() -> Callback {
    to("o1", "data").handler(async |value: i64| {
        let mut patch = Patch::new();
        patch["a"]["c"].set(json!({"z": [value]}));
        patch["größe"]["雪"].set(());
        patch["a"].merge(json!({"k": 1}));
        patch["a"].merge(json!({"q": 2}));
        patch["a"]["k"].remove();
        patch["layout"]["title"]["text"].set("t");
        patch["data"][0]["x"][2].set(1.5);
        patch
    })
}

fn numbers() -> Callback {
    to("o2", "data").handler(async |value: i64| {
        let mut patch = Patch::new();
        patch["n"] += value;
        patch["n"] -= 2;
        patch["n"] *= 3;
        patch["n"] /= 4.5;
        patch["text"] += " more";
        patch["list"].extend([1]);
        patch
    })
}

fn components() -> Callback {
    to("o3", "children").handler(async |value: i64| {
        let mut patch = Patch::new();
        patch.append(html::B::new(value));
        patch.insert(0, html::Div::new((html::I::new("i"), "text")).id("new"));
        patch.extend([html::Br::new().into_prop(), "end".into_prop()]);
        patch[0]["props"]["title"].set("t");
        patch
    })
}

fn whole() -> Callback {
    to("o4", "data").handler(async |value: i64| {
        let mut patch = Patch::new();
        patch.extend([value]);
        patch.reverse();
        patch.clear();
        patch += 1;
        patch
    })
}

fn places() -> [Callback; 3] {
    [
        to("o5", "data")
            .output(Output::new("o5", "style"))
            .output(Output::new("o5", "title"))
            .handler(async |value: i64| {
                let mut patch = Patch::new();
                patch["color"].set("red");
                (value, patch, no_update())
            }),
        to("o6", "data").handler(async |_: i64| Patch::new()),
        to("o7", "children").handler(async |value: i64, context: Context| {
            let mut patch = Patch::new();
            patch["n"] += value;
            context.set_props("o7", "data", patch);
            context.set_props("o7", "title", "t");
            value
        }),
    ]
}

fn beside_outputs() -> [Callback; 4] {
    [
        to("o", "children").handler(async |value: String, context: Context| {
            context.set_props("x", "children", html::B::new(value.clone()));
            context.set_props("x", "title", "t");
            context.set_props(
                id! { type: "row", index: 1 },
                "style",
                Style::from([("color", "red")]),
            );
            context.set_props("y", "data", ());
            value
        }),
        to("p", "children").handler(async |_: String, context: Context| {
            context.set_props("x", "title", "first");
            context.set_props("x", "data", 1);
            context.set_props("y", "data", [1, 2]);
            context.set_props("x", "title", "second");
            context.set_props("x", "lang", "de");
            no_update()
        }),
        to("q", "children").handler(async |value: String, context: Context| {
            context.set_props("q", "children", "side");
            context.set_props("q", "title", "t");
            value
        }),
        Callback::builder()
            .output(Output::new(id! { type: "out", index: "a" }, "children"))
            .input(("d", "value"))
            .handler(async |value: i64, context: Context| {
                context.set_props("ghost", "children", "nobody");
                value
            }),
    ]
}

fn without_outputs() -> [Callback; 3] {
    [
        Callback::builder().input(("a", "value")).handler(
            async |value: String, context: Context| {
                context.set_props(
                    "x",
                    "children",
                    (html::I::new(value), "text").into_children(),
                );
            },
        ),
        Callback::builder()
            .input(("b", "value"))
            .handler(async |_: i64| ()),
        Callback::builder().input(("c", "value")).handler(
            async |value: String, context: Context| {
                let mut patch = Patch::new();
                patch["color"].set(value);
                context.set_props(id! { type: "größe", index: true }, "style", patch);
            },
        ),
    ]
}
