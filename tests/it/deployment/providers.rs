//! The component that gives their keys to the hops that ask providers.

use std::collections::BTreeSet;

use serde_json::Value;
use signalmill::config::Config;

use super::{config_of, container, list, objects, of_kind, read, text, variables, yaml};

const FOLDER: &str = "deploy/kubernetes/providers";
/// Who asks a model, research, or Coinalyze.
const ASKING: [&str; 3] = ["analyze", "enrich-articles", "enrich-market"];

/// Every object that `kubectl apply -k` makes of the files where the component is switched on.
pub(super) fn objects_with_keys() -> Vec<Value> {
    let component = yaml(&format!("{FOLDER}/kustomization.yaml"));
    assert_eq!(component["kind"], "Component");
    let mut objects = objects();
    for patch in list(&component["patches"]) {
        let patch = yaml(&format!("{FOLDER}/{}", text(&patch["path"])));
        let (kind, name) = (&patch["kind"], &patch["metadata"]["name"]);
        let patched = objects.iter_mut().find(|object| object["kind"] == *kind && object["metadata"]["name"] == *name);
        merge(patched.unwrap_or_else(|| panic!("there is no {kind} {name}")), &patch);
    }
    objects
}

/// Lays a patch over an object as kustomize does: what a list holds is known by its name.
fn merge(onto: &mut Value, patch: &Value) {
    match (onto, patch) {
        (Value::Object(onto), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(onto.entry(key.as_str()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(onto), Value::Array(patch)) => {
            for item in patch {
                match onto.iter().position(|known| known["name"] == item["name"]) {
                    Some(at) => merge(&mut onto[at], item),
                    None => onto.push(item.clone()),
                }
            }
        }
        (onto, patch) => *onto = patch.clone(),
    }
}

#[test]
fn keys_are_given_to_the_hops_that_ask() {
    let objects = objects_with_keys();
    // The command in the file makes the secret that these pods mount.
    let makes = read(&format!("{FOLDER}/kustomization.yaml"));
    let mut asking = BTreeSet::new();
    for (name, deployment) in of_kind(&objects, "Deployment") {
        let Config { llm, tavily, coinalyze, .. } = config_of(name, deployment);
        let has_model = [llm.gemini_api_key.is_some(), llm.openai_api_key.is_some()];
        let has = (has_model, tavily.api_key.is_some(), !coinalyze.api_keys.is_empty());
        let expected = match name {
            "enrich-articles" => ([true; 2], true, false),
            "enrich-market" => ([false; 2], false, true),
            "analyze" => ([true; 2], false, false),
            _ => ([false; 2], false, false),
        };
        assert_eq!(has, expected, "{name}");
        let keys =
            list(&container(name, deployment)["env"]).iter().filter(|key| text(&key["value"]).contains("/providers/"));
        for key in keys {
            let file = text(&key["name"]).trim_end_matches("_FILE");
            assert!(makes.contains(&format!("--from-file={file}=")), "{name}: {file}");
            asking.insert(name);
        }
    }
    assert_eq!(asking, BTreeSet::from(ASKING));
    let (_, policy) = of_kind(&objects, "NetworkPolicy").find(|(name, _)| *name == "providers").unwrap();
    let reach = list(&policy["spec"]["podSelector"]["matchExpressions"][0]["values"]).iter().map(text);
    assert_eq!(reach.collect::<BTreeSet<_>>(), asking, "who has keys reaches the internet, and nobody else");
}

#[test]
fn the_component_is_off_and_said_to_be_there() {
    let base = yaml("deploy/kubernetes/kustomization.yaml");
    assert!(base["components"].is_null());
    assert!(read("deploy/kubernetes/kustomization.yaml").contains("\n# components:\n#   - providers\n"));
    let without = objects();
    let with = objects_with_keys();
    for ((name, deployment), (_, keyed)) in of_kind(&without, "Deployment").zip(of_kind(&with, "Deployment")) {
        let (before, after) = (variables(container(name, deployment)), variables(container(name, keyed)));
        assert!(before.is_subset(&after), "{name} keeps what it had");
    }
}
