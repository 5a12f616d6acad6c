//! Tests of the strategies: laws that hold for every chart, and charts made by hand with what is to be said of them.

mod charts;
mod golden;
mod laws;
mod weights;
