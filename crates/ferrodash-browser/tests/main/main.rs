//! The settings as JSON, and the script that they need.

use ferrodash_browser::{
    ClientCallback, Script, ScriptBatch, ScriptConfig, ScriptGate, ScriptOverlap,
};
use serde_json::{Value, json, to_value};

/// The tests of the script use this file.
const SETTINGS: &str = include_str!("../script/settings.json");

fn full() -> ScriptConfig<'static> {
    let chart = ClientCallback {
        token: "t1",
        arguments: vec!["i0".into(), "s0".into()],
        trigger: true,
        pattern: true,
        scope: Some(0),
        rename: vec![["first", "figure", "chart", "figure"].map(String::from)],
    };
    let table = ClientCallback {
        token: "t2",
        arguments: vec!["i0".into()],
        trigger: false,
        pattern: false,
        scope: None,
        rename: Vec::new(),
    };
    ScriptConfig {
        prefix: "/app/",
        build: "b1",
        client: [("chart.figure", chart), ("table.data", table)].into(),
        gates: gates(),
        namespaces: vec!["dash_core_components"],
        overlap: [("newest.children", ScriptOverlap("latest", 1))].into(),
        pure: vec!["chart.figure"],
        batch: Some(ScriptBatch {
            outputs: vec!["row.children"],
            characters: 1000,
        }),
        push: true,
        ticks: true,
        reload: true,
        guest: false,
        most: 5000,
        cloud: true,
    }
}

fn gates() -> Vec<ScriptGate> {
    let usual = ScriptGate {
        name: "gate_0".into(),
        property: "value".into(),
        carrier: "data-fd-value-500".into(),
        wait: 500,
        longest: None,
        leading: false,
        skip_trailing: false,
        flush: "bes".into(),
        hold_callbacks: false,
        own: false,
    };
    let throttle = ScriptGate {
        name: "gate_1".into(),
        carrier: "data-fd-value-200-200-l-own".into(),
        wait: 200,
        longest: Some(200),
        leading: true,
        flush: String::new(),
        own: true,
        ..usual.clone()
    };
    vec![usual, throttle]
}

#[test]
fn settings_are_those_that_the_tests_of_the_script_use() {
    let expected: Value = serde_json::from_str(SETTINGS).unwrap();
    assert_eq!(to_value(full()).unwrap(), expected);
}

#[test]
fn settings_that_are_off_are_left_out() {
    let config = ScriptConfig {
        client: Default::default(),
        gates: Vec::new(),
        namespaces: Vec::new(),
        overlap: Default::default(),
        pure: Vec::new(),
        batch: None,
        push: false,
        ticks: false,
        reload: false,
        cloud: false,
        ..full()
    };
    let expected = json!({
        "prefix": "/app/", "build": "b1", "client": {}, "gates": [], "most": 5000, "cloud": false
    });
    assert_eq!(to_value(config).unwrap(), expected);
}

#[test]
fn a_page_of_another_app_says_so() {
    let config = ScriptConfig {
        guest: true,
        ..full()
    };
    assert_eq!(to_value(config).unwrap()["guest"], json!(true));
}

#[test]
fn each_set_of_parts_has_a_script_of_its_own() {
    for (index, script) in Script::EACH.into_iter().enumerate() {
        assert_eq!(script.index(), index);
        assert_eq!(Script::by_digest(script.digest()), Some(script));
    }
    assert_eq!(Script::by_digest("another"), None);
}

#[test]
fn a_page_gets_the_script_with_the_parts_that_it_uses() {
    let all = Script::of(&full());
    let expected = Script {
        waits: true,
        cache: true,
        guest: false,
    };
    assert_eq!(all, expected);
    let config = ScriptConfig {
        gates: Vec::new(),
        client: Default::default(),
        guest: true,
        ..full()
    };
    let expected = Script {
        guest: true,
        ..Script::default()
    };
    assert_eq!(Script::of(&config), expected);
    assert!(expected.text().len() < all.text().len());
}
