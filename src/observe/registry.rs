//! The recorder of the process: makes the series of the table, and renders them.
//!
//! Looking a series up hashes its labels and may allocate, so it is done once, when a handle is made.

use std::sync::LazyLock;

use metrics::{Counter, Gauge, Histogram, Key, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::table::{BUILD_INFO, Metric, Shape, TABLE};

const METADATA: Metadata<'static> = Metadata::new("signalmill", metrics::Level::INFO, None);

static PROCESS: LazyLock<Registry> = LazyLock::new(Registry::new);

/// Series by metric and labels.
pub(super) struct Registry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Registry {
    /// The one of this process.
    pub(super) fn process() -> &'static Self {
        &PROCESS
    }

    #[expect(
        clippy::expect_used,
        reason = "fails only where the table has a histogram without buckets, which a test shows"
    )]
    pub(super) fn new() -> Self {
        let mut builder = PrometheusBuilder::new();
        for metric in TABLE {
            if let Shape::Histogram(bounds) = metric.shape {
                builder = builder
                    .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)
                    .expect("every histogram of the table has buckets");
            }
        }
        let recorder = builder.build_recorder();
        for metric in TABLE {
            let (name, help) = (metric.name.into(), metric.help.into());
            match metric.shape {
                Shape::Counter => recorder.describe_counter(name, None, help),
                Shape::Gauge => recorder.describe_gauge(name, None, help),
                Shape::Histogram(_) => recorder.describe_histogram(name, None, help),
            }
        }
        let handle = recorder.handle();
        let registry = Self { recorder, handle };
        registry.gauge(&BUILD_INFO, &[env!("CARGO_PKG_VERSION")]).set(1.0);
        registry
    }

    /// The counter of these values, in the order of the metric's labels.
    pub(super) fn counter(&self, metric: &Metric, values: &[&str]) -> Counter {
        self.recorder.register_counter(&key(metric, values), &METADATA)
    }

    /// The gauge of these values, in the order of the metric's labels.
    pub(super) fn gauge(&self, metric: &Metric, values: &[&str]) -> Gauge {
        self.recorder.register_gauge(&key(metric, values), &METADATA)
    }

    /// The histogram of these values, in the order of the metric's labels.
    pub(super) fn histogram(&self, metric: &Metric, values: &[&str]) -> Histogram {
        self.recorder.register_histogram(&key(metric, values), &METADATA)
    }

    /// The text format of Prometheus.
    pub(super) fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds what histograms recorded into their buckets. Without it they grow while nobody scrapes (metrics-rs #467).
    pub(super) fn fold(&self) {
        self.handle.run_upkeep();
    }
}

fn key(metric: &Metric, values: &[&str]) -> Key {
    assert_eq!(metric.labels.len(), values.len(), "a value for each label of {}", metric.name);
    let labels = metric.labels.iter().zip(values);
    Key::from_parts(
        metric.name,
        labels.map(|(label, value)| metrics::Label::new(label.name, (*value).to_owned())).collect::<Vec<_>>(),
    )
}
