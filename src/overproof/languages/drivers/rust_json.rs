// The messages of the driver: a tree of JSON, its parser, and the writer of one reply.
//
// Limits: a message has at most 512 levels; a reply has at most 8 MiB. A lone surrogate, which no
// text of Rust holds, is refused where it is to become one.

use crate::Raised;

const MAX_DEPTH: usize = 512;
const MAX_REPLY: usize = 8 << 20;

pub enum Tree {
    Null,
    Bool(bool),
    /// Digits, with their sign.
    Integer(String),
    /// As `f64::from_str` reads it.
    Float(String),
    Text(String),
    /// Of a text with lone surrogates.
    Broken,
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// The tag of an object that has one, or what Python calls the value.
    pub fn kind(&self) -> &str {
        match self {
            Tree::Null => "None",
            Tree::Bool(_) => "bool",
            Tree::Integer(_) => "int",
            Tree::Float(_) => "float",
            Tree::Text(_) | Tree::Broken => "str",
            Tree::List(_) => "list",
            Tree::Object(items) if items.len() == 1 => &items[0].0,
            Tree::Object(_) => "object",
        }
    }

    /// The value of a key; `None` if there is no such key.
    pub fn field(&self, key: &str) -> Option<&Tree> {
        match self {
            Tree::Object(items) => {
                items.iter().rev().find(|item| item.0 == key).map(|item| &item.1)
            }
            _ => None,
        }
    }

    pub fn items(&self) -> Option<&[Tree]> {
        match self {
            Tree::List(items) => Some(items),
            _ => None,
        }
    }
}

/// A message, or `None` if it is not of the protocol.
pub fn parse(message: &[u8]) -> Option<Tree> {
    let mut parser = Parser { rest: message };
    let tree = parser.value(0)?;
    parser.blanks();
    parser.rest.is_empty().then(|| tree)
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn blanks(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn skip(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word.as_bytes());
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn value(&mut self, depth: usize) -> Option<Tree> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        for (word, tree) in [
            ("null", Tree::Null),
            ("true", Tree::Bool(true)),
            ("false", Tree::Bool(false)),
            ("NaN", Tree::Float("nan".into())),
            ("Infinity", Tree::Float("inf".into())),
            ("-Infinity", Tree::Float("-inf".into())),
        ] {
            if self.skip(word) {
                return Some(tree);
            }
        }
        match self.rest.first()? {
            b'"' => self.text(),
            b'[' => {
                let mut items = Vec::new();
                self.each(b']', |parser| Some(items.push(parser.value(depth + 1)?)))?;
                Some(Tree::List(items))
            }
            b'{' => {
                let mut items = Vec::new();
                self.each(b'}', |parser| {
                    parser.blanks();
                    let key = match parser.text()? {
                        Tree::Text(key) => key,
                        _ => return None,
                    };
                    parser.blanks();
                    if !parser.skip(":") {
                        return None;
                    }
                    Some(items.push((key, parser.value(depth + 1)?)))
                })?;
                Some(Tree::Object(items))
            }
            _ => self.number(),
        }
    }

    fn each(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take()?;
        self.blanks();
        if self.rest.first() == Some(&end) {
            self.take()?;
            return Some(());
        }
        loop {
            item(self)?;
            self.blanks();
            match self.take()? {
                b',' => {}
                other => return (other == end).then(|| ()),
            }
        }
    }

    fn number(&mut self) -> Option<Tree> {
        let size = self.rest.iter().take_while(|c| b"+-.0123456789eE".contains(c)).count();
        let (digits, rest) = self.rest.split_at(size);
        self.rest = rest;
        let digits = String::from_utf8(digits.to_vec()).ok()?;
        digits.parse::<f64>().ok()?;
        let whole = !digits.contains(|c| matches!(c, '.' | 'e' | 'E'));
        Some(if whole { Tree::Integer(digits) } else { Tree::Float(digits) })
    }

    fn text(&mut self) -> Option<Tree> {
        let mut bytes = Vec::new();
        let mut broken = false;
        if self.take()? != b'"' {
            return None;
        }
        loop {
            match self.take()? {
                b'"' => break,
                b'\\' => {
                    let character = self.escape()?;
                    broken |= character.is_none();
                    let place = &mut [0; 4];
                    bytes.extend(character.unwrap_or('?').encode_utf8(place).as_bytes());
                }
                control if control < 0x20 => return None,
                byte => bytes.push(byte),
            }
        }
        let text = String::from_utf8(bytes).ok()?;
        Some(if broken { Tree::Broken } else { Tree::Text(text) })
    }

    /// The character of an escape; `Some(None)` for a lone surrogate.
    fn escape(&mut self) -> Option<Option<char>> {
        Some(Some(match self.take()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            same @ (b'"' | b'\\' | b'/') => same as char,
            b'u' => {
                let first = self.four_digits()?;
                let after = self.rest;
                if first >> 10 == 0xD800 >> 10 && self.skip("\\u") {
                    let second = self.four_digits()?;
                    if second >> 10 == 0xDC00 >> 10 {
                        let pair = (first & 0x3FF) << 10 | (second & 0x3FF);
                        return Some(char::from_u32(0x10000 + pair));
                    }
                    self.rest = after;
                }
                return Some(char::from_u32(first));
            }
            _ => return None,
        }))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = code << 4 | (self.take()? as char).to_digit(16)?;
        }
        Some(code)
    }
}

pub struct Writer {
    pub frame: String,
}

impl Writer {
    pub fn put(&mut self, part: &str) -> Result<(), Raised> {
        if self.frame.len() + part.len() > MAX_REPLY {
            return Err(Raised::new("CodecError", "the result is too large"));
        }
        self.frame.push_str(part);
        Ok(())
    }

    pub fn put_text(&mut self, text: &str) -> Result<(), Raised> {
        self.put("\"")?;
        let mut plain = 0;
        for (place, character) in text.char_indices() {
            if character >= ' ' && character != '"' && character != '\\' && character != '\x7f' {
                continue;
            }
            self.put(&text[plain..place])?;
            self.put(&format!("\\u{:04x}", character as u32))?;
            plain = place + 1;
        }
        self.put(&text[plain..])?;
        self.put("\"")
    }

    /// What is in brackets, separated; `item` writes one.
    pub fn put_each<T>(
        &mut self,
        opening: &str,
        items: &mut dyn Iterator<Item = T>,
        closing: &str,
        item: &mut dyn FnMut(&mut Writer, T) -> Result<(), Raised>,
    ) -> Result<(), Raised> {
        self.put(opening)?;
        let mut separator = "";
        for each in items {
            self.put(separator)?;
            item(self, each)?;
            separator = ",";
        }
        self.put(closing)
    }
}
