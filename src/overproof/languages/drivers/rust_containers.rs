// Plain data for sequences, tuples, maps, sets, Option, Result, and enums of the program's own.
//
// Those need `takes!` or `gives!`, after the program. Limits: no plain data stands for a struct of
// the program's own, an iterator or a closure.

use crate::json::{Tree, Writer};
use crate::values::{elements, pairs, refuse, refuse_size, FromPlainData, ToPlainData};
use crate::Raised;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash};

// Sequences.

macro_rules! sequences {
    ($($kind:ident)*) => {$(
        impl<T: FromPlainData> FromPlainData for $kind<T> {
            fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
                let tag = if exact { "iterator" } else { "tuple" };
                let items = elements(tree, true, tag, "list")?;
                let mut values = $kind::with_capacity(items.len());
                for item in items {
                    values.extend([T::from_plain(item, exact)?]);
                }
                Ok(values)
            }
        }
        impl<T: ToPlainData> ToPlainData for $kind<T> {
            fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
                out.put_each("[", &mut self.iter(), "]", &mut |out, item| item.to_plain(out))
            }
        }
    )*};
}
sequences!(Vec VecDeque);

impl<T: ToPlainData> ToPlainData for [T] {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        out.put_each("[", &mut self.iter(), "]", &mut |out, item| item.to_plain(out))
    }
}

impl<T: FromPlainData, const N: usize> FromPlainData for [T; N] {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
        let values = Vec::<T>::from_plain(tree, exact)?;
        let size = values.len();
        values.try_into().or_else(|_| refuse_size(size, N))
    }
}
impl<T: ToPlainData, const N: usize> ToPlainData for [T; N] {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        self[..].to_plain(out)
    }
}

impl FromPlainData for () {
    fn from_plain(tree: &Tree, _: bool) -> Result<Self, Raised> {
        match (tree, tree.field("tuple").and_then(Tree::items)) {
            (Tree::Null, _) | (_, Some([])) => Ok(()),
            _ => refuse(tree, "None"),
        }
    }
}
impl ToPlainData for () {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        out.put("null")
    }
}

macro_rules! tuples {
    ($($size:literal: $($name:ident)*,)*) => {$(
        #[allow(non_snake_case)]
        impl<$($name: FromPlainData),*> FromPlainData for ($($name,)*) {
            fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
                match elements(tree, !exact, "tuple", "tuple")? {
                    [$($name),*] => Ok(($($name::from_plain($name, exact)?,)*)),
                    other => refuse_size(other.len(), $size),
                }
            }
        }
        #[allow(non_snake_case)]
        impl<$($name: ToPlainData),*> ToPlainData for ($($name,)*) {
            fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
                let ($($name,)*) = self;
                let items: [&dyn ToPlainData; $size] = [$($name),*];
                let each = &mut |out: &mut Writer, item: &dyn ToPlainData| item.to_plain(out);
                out.put_each("{\"tuple\":[", &mut items.into_iter(), "]}", each)
            }
        }
    )*};
}
tuples! {
    1: A,
    2: A B,
    3: A B C,
    4: A B C D,
    5: A B C D E,
    6: A B C D E F,
    7: A B C D E F G,
    8: A B C D E F G H,
}

// What may be missing.

impl<T: FromPlainData> FromPlainData for Option<T> {
    fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
        match tree {
            Tree::Null => Ok(None),
            _ => T::from_plain(tree, exact).map(Some),
        }
    }
}
impl<T: ToPlainData> ToPlainData for Option<T> {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        match self {
            Some(value) => value.to_plain(out),
            None => out.put("null"),
        }
    }
}

impl<T: ToPlainData, E: Debug> ToPlainData for Result<T, E> {
    fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
        match self {
            Ok(value) => value.to_plain(out),
            Err(error) => Err(Raised::new("Err", &format!("{:?}", error))),
        }
    }
}

// Maps and sets.

macro_rules! maps {
    ($($map:ident $set:ident ($($state:ident)?) ($($bound:ident)*) ($($other:ident)*),)*) => {$(
        impl<K, V, $($state)?> FromPlainData for $map<K, V, $($state)?>
        where
            K: FromPlainData $(+ $bound)*,
            V: FromPlainData,
            $($state: BuildHasher + $other,)*
        {
            fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
                let mut values = Self::default();
                for (key, value) in pairs(tree)? {
                    values.insert(K::from_plain(key, exact)?, V::from_plain(value, exact)?);
                }
                Ok(values)
            }
        }
        impl<K: ToPlainData, V: ToPlainData, $($state)?> ToPlainData for $map<K, V, $($state)?> {
            fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
                let items = &mut self.iter();
                out.put_each("{\"dict\":[", items, "]}", &mut |out, (key, value)| {
                    out.put("[")?;
                    key.to_plain(out)?;
                    out.put(",")?;
                    value.to_plain(out)?;
                    out.put("]")
                })
            }
        }
        impl<T, $($state)?> FromPlainData for $set<T, $($state)?>
        where
            T: FromPlainData $(+ $bound)*,
            $($state: BuildHasher + $other,)*
        {
            fn from_plain(tree: &Tree, exact: bool) -> Result<Self, Raised> {
                let tag = if tree.kind() == "frozenset" { "frozenset" } else { "set" };
                let mut values = Self::default();
                for item in elements(tree, false, tag, "set")? {
                    values.insert(T::from_plain(item, exact)?);
                }
                Ok(values)
            }
        }
        impl<T: ToPlainData, $($state)?> ToPlainData for $set<T, $($state)?> {
            fn to_plain(&self, out: &mut Writer) -> Result<(), Raised> {
                let items = &mut self.iter();
                out.put_each("{\"set\":[", items, "]}", &mut |out, item| item.to_plain(out))
            }
        }
    )*};
}
maps! {
    HashMap HashSet (S) (Eq Hash) (Default),
    BTreeMap BTreeSet () (Ord) (),
}

/// Makes an enum of the program's own a parameter: the first alternative that takes a value.
#[macro_export]
macro_rules! takes {
    ($name:ident <$($generic:ident),*> $($variant:ident $holds:tt)*) => {
        impl<$($generic: $crate::FromPlainData),*> $crate::FromPlainData for $name<$($generic),*> {
            fn from_plain(
                tree: &$crate::Tree,
                exact: bool,
            ) -> ::core::result::Result<Self, $crate::Raised> {
                for exact in [true, exact] {
                    $($crate::alternative!(tree exact $name $variant $holds);)*
                }
                $crate::refuse(tree, ::core::stringify!($name))
            }
        }
    };
}

#[macro_export]
macro_rules! alternative {
    ($tree:ident $exact:ident $name:ident $variant:ident ()) => {
        if $crate::is_null($tree) {
            return ::core::result::Result::Ok($name::$variant {});
        }
    };
    ($tree:ident $exact:ident $name:ident $variant:ident (_)) => {
        if let ::core::result::Result::Ok(value) = $crate::FromPlainData::from_plain($tree, $exact)
        {
            return ::core::result::Result::Ok($name::$variant(value));
        }
    };
}

/// Makes an enum of the program's own a result.
#[macro_export]
macro_rules! gives {
    ($name:ident <$($generic:ident),*> $($variant:ident $holds:tt)*) => {
        impl<$($generic: $crate::ToPlainData),*> $crate::ToPlainData for $name<$($generic),*> {
            fn to_plain(
                &self,
                out: &mut $crate::Writer,
            ) -> ::core::result::Result<(), $crate::Raised> {
                match self {
                    $($crate::pattern!($name $variant $holds value) =>
                        $crate::held!($holds value out),)*
                }
            }
        }
    };
}

#[macro_export]
macro_rules! pattern {
    ($name:ident $variant:ident () $value:ident) => {
        $name::$variant { .. }
    };
    ($name:ident $variant:ident (_) $value:ident) => {
        $name::$variant($value)
    };
}

#[macro_export]
macro_rules! held {
    (() $value:ident $out:ident) => {
        $crate::ToPlainData::to_plain(&(), $out)
    };
    ((_) $value:ident $out:ident) => {
        $crate::ToPlainData::to_plain($value, $out)
    };
}

pub fn is_null(tree: &Tree) -> bool {
    matches!(tree, Tree::Null)
}
