// Plain data for numbers, texts, and what is lent or boxed; `rust_containers.rs` has the rest.
//
// `FromPlainData` reads an argument, `ToPlainData` writes a result. `exact` refuses what is merely
// convertible; an enum tries its alternatives with it first. What an argument lends (`&str`,
// `&[T]`, `&mut Vec<T>`) is never freed.

use crate::json::{Tree, Writer};
use crate::Raised;
use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;

/// What can be a parameter of the entry point: numbers, bool, char, String, &str, Vec, slices,
/// arrays, tuples up to 8, Option, Box, maps and sets of the standard library, enums of those.
pub trait FromPlainData: Sized {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised>;
}

/// What the entry point can return: what can be a parameter, and Result.
pub trait ToPlainData {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised>;
}

pub fn refuse<T>(tree: &Tree, wanted: &str) -> Result<T, Raised> {
    Err(Raised::new("TypeError", &format!("{} where {} belongs", tree.kind(), wanted)))
}

pub fn refuse_size<T>(found: usize, wanted: usize) -> Result<T, Raised> {
    let detail = format!("{} elements where {} belong", found, wanted);
    Err(Raised::new("TypeError", &detail))
}

fn lend<T: ?Sized>(owned: Box<T>) -> &'static mut T {
    Box::leak(owned)
}

/// The elements of a list, or of an object with this tag.
pub fn elements<'t>(
    tree: &'t Tree,
    plain: bool,
    tag: &str,
    name: &str,
) -> Result<&'t [Tree], Raised> {
    let found = if plain { tree.items() } else { None };
    match found.or_else(|| tree.field(tag)?.items()) {
        Some(items) => Ok(items),
        None => refuse(tree, name),
    }
}

pub fn pairs<'t>(tree: &'t Tree) -> Result<Vec<(&'t Tree, &'t Tree)>, Raised> {
    let mut found = Vec::new();
    for pair in elements(tree, false, "dict", "dict")? {
        match pair.items() {
            Some([key, value]) => found.push((key, value)),
            _ => return refuse(pair, "a pair"),
        }
    }
    Ok(found)
}

// Numbers.

fn read_whole(tree: &Tree, exact: bool) -> Result<i128, Raised> {
    let digits = match (tree, tree.field("int")) {
        (Tree::Integer(digits), _) => digits.parse(),
        (_, Some(Tree::Text(hex))) => i128::from_str_radix(&hex.replacen("0x", "", 1), 16),
        (Tree::Bool(value), _) if !exact => Ok(*value as i128),
        _ => return refuse(tree, "int"),
    };
    digits.map_err(|_| Raised::new("OverflowError", "int too large for any integer of Rust"))
}

fn write_whole(out: &mut Writer, value: i128) -> Result<(), Raised> {
    let magnitude = value.unsigned_abs();
    let sign = if value < 0 { "-" } else { "" };
    if magnitude < 1 << 53 {
        out.put(&format!("{}{}", sign, magnitude))
    } else {
        out.put(&format!("{{\"int\":\"{}0x{:x}\"}}", sign, magnitude))
    }
}

macro_rules! whole_numbers {
    ($($kind:ty)*) => {$(
        impl FromPlainData for $kind {
            fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
                let detail = concat!("int too large for ", stringify!($kind));
                let whole = read_whole(tree, exact)?;
                <$kind>::try_from(whole).map_err(|_| Raised::new("OverflowError", detail))
            }
        }
        impl ToPlainData for $kind {
            fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
                match i128::try_from(*self) {
                    Ok(value) => write_whole(out, value),
                    Err(_) => out.put(&format!("{{\"int\":\"0x{:x}\"}}", self)),
                }
            }
        }
    )*};
}
whole_numbers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

fn read_real<T: FromStr>(tree: &Tree, exact: bool) -> Result<T, Raised> {
    let whole;
    let digits = match tree {
        Tree::Float(digits) => digits,
        Tree::Integer(digits) if !exact => digits,
        _ if exact => return refuse(tree, "float"),
        _ => {
            whole = read_whole(tree, exact)?.to_string();
            &whole
        }
    };
    digits.parse().or_else(|_| refuse(tree, "float"))
}

fn write_real(out: &mut Writer, digits: &str) -> Result<(), Raised> {
    out.put(match digits {
        "inf" => "Infinity",
        "-inf" => "-Infinity",
        other => other,
    })
}

// `{:?}` writes the fewest digits that give the number back, with a point or an exponent.
macro_rules! real_numbers {
    ($($kind:ty)*) => {$(
        impl FromPlainData for $kind {
            fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
                read_real(tree, exact)
            }
        }
        impl ToPlainData for $kind {
            fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
                write_real(out, &format!("{:?}", self))
            }
        }
    )*};
}
real_numbers!(f32 f64);

impl FromPlainData for bool {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        match tree {
            Tree::Bool(value) => Ok(*value),
            _ => refuse(tree, "bool"),
        }
    }
}
impl ToPlainData for bool {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        out.put(if *self { "true" } else { "false" })
    }
}

// Texts.

fn read_text(tree: &Tree) -> Result<&str, Raised> {
    match tree {
        Tree::Text(text) => Ok(text),
        Tree::Broken => Err(Raised::new("UnicodeError", "no text of Rust has a lone surrogate")),
        _ => refuse(tree, "str"),
    }
}

impl FromPlainData for char {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        let mut characters = read_text(tree)?.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(Raised::new("TypeError", "a text of one character is wanted")),
        }
    }
}
impl ToPlainData for char {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        out.put_text(self.encode_utf8(&mut [0; 4]))
    }
}

impl FromPlainData for String {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        Ok(read_text(tree)?.to_owned())
    }
}
impl ToPlainData for String {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        out.put_text(self)
    }
}
impl ToPlainData for str {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        out.put_text(self)
    }
}
impl FromPlainData for &'static str {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        Ok(lend(read_text(tree)?.into()))
    }
}
impl FromPlainData for Box<str> {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        Ok(read_text(tree)?.into())
    }
}
impl FromPlainData for Cow<'static, str> {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        Ok(Cow::Owned(read_text(tree)?.into()))
    }
}
impl ToPlainData for Cow<'_, str> {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        out.put_text(self)
    }
}

// What is lent, or boxed.

impl<T: FromPlainData> FromPlainData for &'static T {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
        Ok(lend(Box::new(T::from_plain(tree, exact)?)))
    }
}
impl<T: FromPlainData> FromPlainData for &'static mut T {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
        Ok(lend(Box::new(T::from_plain(tree, exact)?)))
    }
}
impl<T: FromPlainData> FromPlainData for &'static [T] {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
        Ok(lend(Box::from_plain(tree, exact)?))
    }
}
impl<T: FromPlainData> FromPlainData for &'static mut [T] {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
        Ok(lend(Box::from_plain(tree, exact)?))
    }
}
impl<T: FromPlainData> FromPlainData for Box<[T]> {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
        Ok(Vec::from_plain(tree, exact)?.into_boxed_slice())
    }
}

macro_rules! pointers {
    ($($kind:ident)*) => {$(
        impl<T: FromPlainData> FromPlainData for $kind<T> {
            fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
                T::from_plain(tree, exact).map($kind::new)
            }
        }
        impl<T: ToPlainData + ?Sized> ToPlainData for $kind<T> {
            fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
                T::to_plain(self, out)
            }
        }
    )*};
}
pointers!(Box Rc Arc);

impl<T: ToPlainData + ?Sized> ToPlainData for &T {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        T::to_plain(self, out)
    }
}
impl<T: ToPlainData + ?Sized> ToPlainData for &mut T {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        T::to_plain(self, out)
    }
}

/// What a literal would be: i32 (or i64, if it must), f64, bool, a text, or a vector of such.
fn boxed(tree: &Tree, text: fn(&str) -> Box<dyn Any>) -> Result<Box<dyn Any>, Raised> {
    Ok(match tree {
        Tree::Null => Box::new(()),
        Tree::Bool(value) => Box::new(*value),
        Tree::Float(_) => Box::new(f64::from_plain(tree, true)?),
        Tree::Text(content) => text(content),
        Tree::Integer(_) => match i32::from_plain(tree, true) {
            Ok(value) => Box::new(value),
            Err(_) => Box::new(i64::from_plain(tree, true)?),
        },
        _ if tree.field("dict").is_some() => {
            let mut values = HashMap::<String, Box<dyn Any>>::new();
            for (key, value) in pairs(tree)? {
                values.insert(String::from_plain(key, true)?, boxed(value, text)?);
            }
            Box::new(values)
        }
        _ => {
            let items = elements(tree, true, "tuple", "a value for dyn Any")?.iter();
            Box::new(items.map(|item| boxed(item, text)).collect::<Result<Vec<_>, _>>()?)
        }
    })
}

impl FromPlainData for Box<dyn Any> {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        boxed(tree, |text| Box::new(text.to_owned()))
    }
}
impl FromPlainData for &'static dyn Any {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        let value = boxed(tree, |text| Box::new(&*lend::<str>(text.into())))?;
        Ok(Box::leak(value))
    }
}
