//! Has the program built again when a file of the page comes or goes: the compiler sees only changes of those it knows.

fn main() {
    println!("cargo::rerun-if-changed=src/api/page");
}
