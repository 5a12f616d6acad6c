//! Tavily's interface, against what is written down of the real one.

use serde_json::json;

use super::*;

const PATH: &str = "/search";

fn search(till: &Till, change: &Value) -> Came {
    let mut body = json!({ "query": "Bitcoin ETF inflow", "topic": "news", "max_results": 5 });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    till.post(PATH, &body)
}

#[test]
fn results_follow_from_the_query() {
    let till = Till::open(Provider::Tavily, Knobs::default());
    let body = search(&till, &json!({})).json();
    let results = body["results"].as_array().unwrap();
    assert!((2..=5).contains(&results.len()));
    for result in results {
        let text = |name: &str| result[name].as_str().unwrap().to_owned();
        assert!(text("url").starts_with("https://example.org/bitcoin-etf-inflow/"), "{result}");
        assert!(text("content").contains("Bitcoin ETF inflow") && text("title").contains("Bitcoin ETF inflow"));
        let published = crate::model::parse_date(&text("published_date"), NOON).unwrap();
        assert!(published < NOON && NOON.since(published) < Duration::from_hours(24 * 8), "{result}");
        assert!((0.0..=1.0).contains(&result["score"].as_f64().unwrap()));
    }
    let other = Till::open(Provider::Tavily, Knobs::default());
    assert_eq!(search(&other, &json!({})).json(), body);
    let general = search(&till, &json!({ "topic": "general" })).json();
    assert_eq!(general["results"][0].get("published_date"), None);
    assert_eq!(search(&till, &json!({ "max_results": 0 })).json()["results"], json!([]));
}

#[test]
fn queries_differ_in_what_they_find() {
    let till = Till::open(Provider::Tavily, Knobs::default());
    let found = |number: u32| search(&till, &json!({ "query": format!("claim {number}") })).body;
    let all: Vec<String> = (0..100).map(found).collect();
    let having = |words: &[&str]| all.iter().filter(|body| words.iter().any(|word| body.contains(word))).count();
    let confirmed = having(&["confirm", "verified", "agree"]);
    let disputed = having(&["false", "no evidence", "contradict"]);
    assert!(confirmed > disputed && disputed > 20, "{confirmed} confirmed, {disputed} disputed");
}

#[test]
fn credits() {
    let till = Till::open(Provider::Tavily, Knobs::default());
    let usage = |change: Value| search(&till, &change).json().get("usage").cloned();
    assert_eq!(usage(json!({})), None);
    assert_eq!(usage(json!({ "include_usage": true })), Some(json!({ "credits": 1 })));
    assert_eq!(usage(json!({ "include_usage": true, "search_depth": "advanced" })), Some(json!({ "credits": 2 })));
    let keyless = [("x-tavily-access-mode", "keyless")];
    assert_eq!(came(till.decide(PATH, &keyless, &json!({ "query": "Bitcoin" }))).status, 200);
    let bill = till.bill();
    assert_eq!(bill.entries.iter().map(|entry| entry.sale.credits).collect::<Vec<_>>(), [1, 1, 2, 0]);
    assert_eq!(bill.total().to_string(), "0.032");
    let silent = Till::open(Provider::Tavily, Knobs { usage_missing: 1.0, ..Knobs::default() });
    assert_eq!(search(&silent, &json!({ "include_usage": true })).json().get("usage"), None);
}

#[test]
fn limits_and_refusals() {
    let calm = Knobs::default();
    for (knobs, statuses) in [
        (Knobs { plan_credits_max: Some(2), ..calm }, [200, 200, 432]),
        (Knobs { paygo_credits_max: Some(1), ..calm }, [200, 433, 433]),
        (Knobs { rate_limited: 1.0, ..calm }, [429, 429, 429]),
        (Knobs { out_of_quota: 1.0, ..calm }, [432, 432, 432]),
        (Knobs { broken: 1.0, ..calm }, [500, 500, 500]),
    ] {
        let till = Till::open(Provider::Tavily, knobs);
        let came = [1, 2, 3].map(|number| search(&till, &json!({ "query": format!("claim {number}") })));
        assert_eq!(came.each_ref().map(|came| came.status), statuses);
        let complaint = |came: &Came| came.status == 200 || came.json()["detail"]["error"].is_string();
        assert!(came.iter().all(complaint));
    }
    let till = Till::open(Provider::Tavily, calm);
    for change in [
        json!({ "query": "" }),
        json!({ "query": "x".repeat(401) }),
        json!({ "topic": "sports" }),
        json!({ "search_depth": "deep" }),
        json!({ "max_results": 21 }),
    ] {
        assert_eq!(search(&till, &change).status, 400, "{change}");
    }
    let wrong = till.decide(PATH, &[("authorization", "Bearer wrong")], &json!({ "query": "Bitcoin" }));
    assert_eq!(came(wrong).status, 401);
    assert_eq!(came(till.decide(PATH, &[], &json!({ "query": "Bitcoin" }))).status, 401);
    let torn = Till::open(Provider::Tavily, Knobs { malformed: 1.0, ..calm });
    assert!(serde_json::from_str::<Value>(&search(&torn, &json!({})).body).is_err());
}
