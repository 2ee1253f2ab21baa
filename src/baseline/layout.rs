//! How a snapshot's text is laid out: for people who read diffs.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Down to here a value has a line of its own: the file, its benchmarks and its
/// header, the fields of a benchmark and the elements of the header's lists.
const OPEN_LEVELS: usize = 3;

/// The value as text: open on the outer levels, closed on the inner ones.
pub(super) fn text(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, Layout::default()))?;
    text.push(b'\n');
    Ok(text)
}

#[derive(Default)]
struct Layout {
    level: usize,
    filled: bool,
}

impl Layout {
    fn open(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.level += 1;
        self.filled = false;
        writer.write_all(bracket)
    }

    fn close(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.level -= 1;
        if self.filled && self.level < OPEN_LEVELS {
            self.new_line(writer)?;
        }
        self.filled = true;
        writer.write_all(bracket)
    }

    fn next(&self, writer: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        if self.level <= OPEN_LEVELS { self.new_line(writer) } else { Ok(()) }
    }

    fn new_line(&self, writer: &mut (impl Write + ?Sized)) -> io::Result<()> {
        write!(writer, "\n{:width$}", "", width = 2 * self.level)
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.next(w, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.next(w, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.level <= OPEN_LEVELS { b": " } else { b":" })
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_levels_are_open_and_inner_ones_closed() {
        let value = serde_json::json!({
            "a": { "b": { "c": { "d": [1, 2], "e": {} } } }, "f": { "g": [], "h": [[1], 2] }
        });
        let expected = r#"{
  "a": {
    "b": {
      "c": {"d":[1,2],"e":{}}
    }
  },
  "f": {
    "g": [],
    "h": [
      [1],
      2
    ]
  }
}
"#;
        assert_eq!(String::from_utf8(text(&value).expect("text")).expect("UTF-8"), expected);
    }
}
