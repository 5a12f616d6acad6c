//! The built-in catalog as its sources have it, the arithmetic as laws, and files that are refused.

use proptest::prelude::*;

use super::*;
use crate::model::parse_date;

fn at(day: &str) -> Timestamp {
    parse_date(day, Timestamp(4_000_000_000_000)).unwrap()
}

fn usage(input_tokens: u64, cached_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, cached_tokens, output_tokens, ..Usage::default() }
}

#[test]
fn a_million_tokens_cost_what_the_sources_say() {
    // provider, model, day, input, cached, output; `None`: no price.
    for (provider, model, day, expected) in [
        ("gemini", "gemini-2.5-flash-lite", "2026-11-22", Some(["0.10", "0.01", "0.40"])),
        ("gemini", "models/gemini-2.5-flash-lite", "2026-11-22", Some(["0.10", "0.01", "0.40"])),
        ("gemini", "gemini-2.5-flash", "2026-11-30", Some(["0.30", "0.03", "2.50"])),
        // Answered by gemini-3.5-flash-lite and gemini-3.8-flash.
        ("gemini", "gemini-2.5-flash", "2026-12-01", Some(["0.30", "0.03", "2.50"])),
        ("gemini", "gemini-2.5-pro", "2026-12-01", Some(["0.75", "0.075", "3.75"])),
        ("gemini", "gemini-2.5-pro", "2027-01-01", Some(["1.50", "0.15", "7.50"])),
        ("gemini", "gemini-3.8-flash", "2026-12-31", Some(["0.75", "0.075", "3.75"])),
        ("gemini", "gemini-2.0-flash", "2026-05-31", Some(["0.10", "0.025", "0.40"])),
        ("gemini", "gemini-2.0-flash", "2026-06-01", None),
        ("gemini", "gemini-2.0-flash-lite", "2026-05-31", Some(["0.075", "0.075", "0.30"])),
        ("openai", "gpt-4.1-nano", "2026-11-22", Some(["0.10", "0.025", "0.40"])),
        ("openai", "gpt-4.1-nano-2025-04-14", "2026-11-22", Some(["0.10", "0.025", "0.40"])),
        ("openai", "gpt-4.1-mini", "2026-11-22", Some(["0.40", "0.10", "1.60"])),
        ("openai", "gpt-4.1", "2026-11-22", Some(["2", "0.50", "8"])),
        ("openai", "gpt-4o-mini", "2026-11-22", Some(["0.15", "0.075", "0.60"])),
        ("openai", "gpt-5-nano", "2026-11-22", Some(["0.05", "0.005", "0.40"])),
        ("openai", "gpt-5-mini", "2026-11-22", Some(["0.25", "0.025", "2"])),
        // Names are exact, and each provider has its own.
        ("openai", "gpt-4.1-nano-2026-01-01", "2026-11-22", None),
        ("openai", "gpt-4.1-nan", "2026-11-22", None),
        ("gemini", "gpt-4.1-nano", "2026-11-22", None),
        ("openai", "gpt-4.1-nano", "2025-04-13", None),
    ] {
        let price = Catalog::built_in().price(provider, model, at(day));
        let million = 1_000_000;
        let rates = price.map(|price| {
            // Half, as a million tokens are a long question for some.
            [usage(100_000, 0, 0), usage(100_000, 100_000, 0), usage(0, 0, million)]
                .map(|usage| price.cost(&usage).unwrap())
        });
        let expected = expected.map(|texts| {
            let [input, cached, output] = texts.map(|text| text.parse::<NanoUsd>().unwrap());
            [NanoUsd(input.0 / 10), NanoUsd(cached.0 / 10), output]
        });
        assert_eq!(rates, expected, "{provider} {model} {day}");
    }
}

#[test]
fn long_questions_cost_more_and_batches_half() {
    let catalog = Catalog::built_in();
    let standard = catalog.price("gemini", "gemini-2.5-pro", at("2026-11-22")).unwrap();
    let batch = catalog.batch_price("gemini", "gemini-2.5-pro", at("2026-11-22")).unwrap();
    for (price, input, dollars) in [
        (standard, 200_000, "0.26"),
        (standard, 200_001, "0.5150025"),
        (batch, 200_000, "0.13"),
        (batch, 200_001, "0.25750125"),
    ] {
        assert_eq!(price.cost(&usage(input, 0, 1000)), Some(dollars.parse().unwrap()), "{input}");
    }
    let nano = catalog.batch_price("openai", "gpt-5-nano", at("2026-11-22")).unwrap();
    assert_eq!(nano.cost(&usage(1_000_000, 1_000_000, 0)), Some("0.0025".parse().unwrap()));
}

#[test]
fn holds_and_bills_are_exact_to_the_nano_dollar() {
    let price = Catalog::built_in().price("gemini", "gemini-2.5-flash-lite", at("2026-11-22")).unwrap();
    // (1000 × 0.10 + (256 + 8) × 0.40) / 1,000,000 dollars.
    assert_eq!(price.worst(1000, 256), Some(NanoUsd(205_600)));
    assert_eq!(price.cost(&usage(1, 0, 0)), Some(NanoUsd(100)));
    let price = Catalog::parse(
        "[[price]]\nprovider = \"p\"\nmodel = \"m\"\neffective_from = \"2026-01-01\"\n\
         standard = { input = \"0.000001\", output = \"0.000001\" }\n",
    )
    .unwrap();
    let price = price.price("p", "m", at("2026-11-22")).unwrap();
    assert_eq!(price.cost(&usage(1, 0, 0)), Some(NanoUsd(1)), "rounded up");
    assert_eq!(price.cost(&usage(1000, 0, 1)), Some(NanoUsd(2)));
    // What the service says itself comes first; numbers that contradict each other and overflows are no cost at all.
    let charged = Usage { charged: Some(NanoUsd(7)), ..usage(1000, 0, 1000) };
    assert_eq!(price.cost(&charged), Some(NanoUsd(7)));
    assert_eq!(price.cost(&usage(1, 2, 0)), None);
    assert_eq!(price.worst(1, u64::MAX), None);
    let dear = Catalog::built_in().price("openai", "gpt-4.1", at("2026-11-22")).unwrap();
    assert_eq!(dear.worst(u64::MAX, 1), None);
}

#[test]
fn around_a_change_the_dearer_price_holds() {
    let worst = |day: &str| Catalog::built_in().worst("gemini", "gemini-3.8-flash", at(day), 1_000_000, 0).unwrap();
    let (before, after) = (worst("2026-12-30 23:59:59"), worst("2027-01-02"));
    assert_eq!(before, NanoUsd(750_030_000));
    assert_eq!(after, NanoUsd(1_500_060_000));
    assert_eq!([worst("2026-12-31 00:00:01"), worst("2027-01-01 12:00:00")], [after; 2]);
    // Before the first price and after the last there is none, however near.
    let retired = |day: &str| Catalog::built_in().worst("gemini", "gemini-2.0-flash", at(day), 1, 1);
    assert_eq!(retired("2026-06-01"), None);
    assert!(retired("2026-05-31 23:00:00").is_some());
}

#[test]
fn a_credit_costs_as_on_the_dearest_plan_unless_said() {
    let catalog = Catalog::built_in();
    let now = at("2026-11-22");
    for (plan, expected) in [
        (None, Some("0.008")),
        (Some("pay_as_you_go"), Some("0.008")),
        (Some("project"), Some("0.0075")),
        (Some("free"), Some("0")),
        (Some("keyless"), Some("0")),
        (Some("other"), None),
    ] {
        assert_eq!(catalog.credit("tavily", plan, now), expected.map(|text| text.parse().unwrap()), "{plan:?}");
    }
    assert_eq!(catalog.credit("other", None, now), None);
    assert_eq!(catalog.credit("tavily", None, at("2020-01-01")), None);
}

#[test]
fn a_catalog_that_leaves_a_doubt_is_refused() {
    let entry =
        |rest: &str| format!("[[price]]\nprovider = \"p\"\nmodel = \"m\"\neffective_from = \"2026-01-01\"\n{rest}\n");
    let standard = "standard = { input = \"1\", output = \"1\" }";
    assert!(Catalog::parse(&entry(standard)).is_ok());
    assert_eq!(Catalog::parse("").unwrap(), Catalog::default());
    for (text, complaint) in [
        (entry("standard = { input = \"-1\", output = \"1\" }"), "p m from 2026-01-01: standard.input: \"-1\" is not"),
        (entry("standard = { input = 0.1, output = \"1\" }"), "expected a string"),
        (entry("standard = { input = \"1\" }"), "missing field `output`"),
        (entry(&format!("{standard}\nnote = \"x\"")), "unknown field `note`"),
        (entry(""), "either routed_to, or standard"),
        (entry(&format!("{standard}\nrouted_to = \"n\"")), "either routed_to, or standard"),
        (entry("routed_to = \"n\""), "routed to n, which has no price then"),
        (entry("routed_to = \"m\""), "routed to m, which has no price then"),
        (entry(&format!("{standard}\neffective_to = \"2026-01-01\"")), "effective_to is not after"),
        (
            entry(&format!("{standard}\nbatch_long = {{ above = 1, input = \"1\", output = \"1\" }}")),
            "batch_long without",
        ),
        (entry(standard).repeat(2), "the entry of m has the same name at the same time"),
        (
            entry(standard)
                + &entry(&format!("aliases = [\"m\"]\n{standard}")).replace("model = \"m\"", "model = \"n\""),
            "the entry of m has the same name at the same time",
        ),
        (
            "[[credit]]\nprovider = \"t\"\neffective_from = \"2026-01-01\"\nplans = { free = \"no\" }".into(),
            "credits of t: plan free",
        ),
        ("#".repeat(5 << 20), "bytes, at most"),
    ] {
        let refused = Catalog::parse(&text).unwrap_err().to_string();
        assert!(refused.contains(complaint), "{refused}\nexpected: {complaint}");
    }
}

/// Every price of the catalog, standard and batch, at every time.
fn prices() -> Vec<Price> {
    let both = |listed: &Listed| match &listed.terms {
        Terms::Prices { standard, batch } => [Some(standard.clone()), batch.clone()],
        Terms::RoutedTo(_) => [None, None],
    };
    let prices: Vec<Price> = Catalog::built_in().listed.iter().flat_map(both).flatten().collect();
    assert!(prices.len() > 30, "{}", prices.len());
    prices
}

proptest! {
    #[test]
    fn a_hold_covers_every_call_within_its_bounds(
        price in prop::sample::select(prices()),
        input_max in 0..1_500_000_u64,
        output_max in 0..100_000_u64,
        parts in (0..=1000_u64, 0..=1000_u64, 0..=1000_u64),
    ) {
        let part = |of: u64, permille: u64| of * permille / 1000;
        let input = part(input_max, parts.0);
        let usage = usage(input, part(input, parts.1), part(output_max + OUTPUT_SLACK_TOKENS, parts.2));
        let hold = price.worst(input_max, output_max).unwrap();
        prop_assert!(price.cost(&usage).unwrap() <= hold);
        prop_assert!(hold <= price.worst(input_max + 1, output_max).unwrap());
        prop_assert!(hold <= price.worst(input_max, output_max + 1).unwrap());
    }
}
