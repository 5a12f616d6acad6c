//! `topology`: hops and topics, drawn from the same table that runs them.

use std::io::{self, Write};

use crate::cli::args::{Drawing, Topology};
use crate::pipeline::HOPS;

pub(super) fn print(args: &Topology, out: &mut impl Write) -> io::Result<()> {
    match args.format {
        Drawing::Mermaid => mermaid(out),
        Drawing::Dot => dot(out),
    }
}

fn mermaid(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "flowchart LR")?;
    for hop in HOPS {
        writeln!(out, "  {}([\"{}<br/>{}\"])", id(hop.name), hop.name, hop.does)?;
        for topic in hop.inputs {
            writeln!(out, "  {}[(\"{topic}\")] --> {}", id(topic), id(hop.name))?;
        }
        for topic in hop.outputs {
            writeln!(out, "  {} --> {}[(\"{topic}\")]", id(hop.name), id(topic))?;
        }
        for topic in hop.remembers {
            writeln!(out, "  {} <-- remembers --> {}[(\"{topic}\")]", id(hop.name), id(topic))?;
        }
        for topic in hop.inputs {
            writeln!(out, "  {} -. rejects .-> {}_dlq[(\"{topic}.dlq\")]", id(hop.name), id(topic))?;
        }
    }
    Ok(())
}

fn dot(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "digraph signalmill {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];")?;
    for hop in HOPS {
        writeln!(out, "  \"hop {0}\" [shape=box, style=rounded, label=\"{0}\\n{1}\"];", hop.name, hop.does)?;
        for topic in hop.inputs {
            writeln!(out, "  \"{topic}\" [shape=cylinder];\n  \"{topic}\" -> \"hop {}\";", hop.name)?;
            writeln!(out, "  \"hop {}\" -> \"{topic}.dlq\" [style=dashed, label=\"rejects\"];", hop.name)?;
        }
        for topic in hop.outputs {
            writeln!(out, "  \"{topic}\" [shape=cylinder];\n  \"hop {}\" -> \"{topic}\";", hop.name)?;
        }
        for topic in hop.remembers {
            writeln!(out, "  \"{topic}\" [shape=cylinder];")?;
            writeln!(out, "  \"hop {}\" -> \"{topic}\" [dir=both, label=\"remembers\"];", hop.name)?;
        }
    }
    writeln!(out, "}}")
}

fn id(name: &str) -> String {
    name.replace(['/', '.'], "_")
}
