// Answers calls to one function of a Rust program, in plain data over descriptor 3.
//
// A library, compiled once; the program is compiled on its own and linked to it. At the end of the
// program stands
//
//     use crate::entry_point as overproof_entry;
//     #[export_name = "main"]
//     pub extern "C" fn overproof_main() {
//         ::overproof_driver::serve(
//             |args, out| ::overproof_driver::call(overproof_entry, args, out))
//     }
//
// so that its own `main` and every name of its own are left alone. Rust 1.56 or newer, Linux.
//
// Limits: the entry point is a function of at most 8 parameters, not generic, async or unsafe.

#[path = "rust_containers.rs"]
mod containers;
#[path = "rust_json.rs"]
mod json;
#[path = "rust_values.rs"]
mod values;

pub use containers::is_null;
pub use json::{Tree, Writer};
pub use values::{refuse, FromPlainData, ToPlainData};

use std::any::Any;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::io::FromRawFd;
use std::panic::{catch_unwind, AssertUnwindSafe};

const CHANNEL: i32 = 3;
const PROTOCOL_ERROR: i32 = 2;
const MAX_MESSAGE: usize = 64 << 20;
const MAX_DETAIL: usize = 200;
const STACK_BYTES: usize = 256 << 20;

/// What a call raised, as Python would name it.
pub struct Raised {
    kind: &'static str,
    detail: String,
}

impl Raised {
    pub fn new(kind: &'static str, detail: &str) -> Raised {
        Raised { kind, detail: detail.to_owned() }
    }

    fn from_panic(payload: &(dyn Any + Send)) -> Raised {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let detail = text.unwrap_or("a panic without a text");
        let kinds = [
            ("attempt to divide by zero", "ZeroDivisionError"),
            ("attempt to calculate the remainder with a divisor of zero", "ZeroDivisionError"),
            ("attempt to", "OverflowError"),
            ("index out of bounds", "IndexError"),
            ("range end index", "IndexError"),
        ];
        let kind = kinds.iter().find(|known| detail.starts_with(known.0));
        Raised::new(kind.map_or("RuntimeError", |known| known.1), detail)
    }

    fn message(&self) -> String {
        let line = self.detail.lines().next().unwrap_or("");
        let line: String = line.chars().take(MAX_DETAIL).collect();
        let mut out = Writer { frame: String::new() };
        let _ = out.put(&format!("{{\"raised\":\"{}\",\"detail\":", self.kind));
        let _ = out.put_text(&line);
        let _ = out.put("}");
        out.frame
    }
}

/// A function of these parameters, or what can be called like one.
pub trait Callable<Args> {
    type Output;
    fn call(&self, args: Args) -> Self::Output;
}

/// The parameters of a function, each of which plain data can stand for.
pub trait PlainArguments: Sized {
    fn from_trees(trees: &[Tree]) -> Result<Self, Raised>;
}

macro_rules! arities {
    ($($size:literal: ($($name:ident)*),)*) => {$(
        #[allow(non_snake_case)]
        impl<Function: Fn($($name),*) -> R, R, $($name),*> Callable<($($name,)*)> for Function {
            type Output = R;
            fn call(&self, ($($name,)*): ($($name,)*)) -> R {
                self($($name),*)
            }
        }
        #[allow(non_snake_case)]
        impl<$($name: FromPlainData),*> PlainArguments for ($($name,)*) {
            fn from_trees(trees: &[Tree]) -> Result<Self, Raised> {
                match trees {
                    [$($name),*] => Ok(($($name::from_plain($name, false)?,)*)),
                    _ => {
                        let detail = format!("{} arguments where {} belong", trees.len(), $size);
                        Err(Raised::new("TypeError", &detail))
                    }
                }
            }
        }
    )*};
}
arities! {
    0: (),
    1: (A),
    2: (A B),
    3: (A B C),
    4: (A B C D),
    5: (A B C D E),
    6: (A B C D E F),
    7: (A B C D E F G),
    8: (A B C D E F G H),
}

/// One call; the result is in the writer.
pub fn call<Args, Function>(
    function: Function,
    trees: &[Tree],
    out: &mut Writer,
) -> Result<(), Raised>
where
    Function: Callable<Args>,
    Args: PlainArguments,
    Function::Output: ToPlainData,
{
    function.call(Args::from_trees(trees)?).to_plain(out)
}

type Target = fn(&[Tree], &mut Writer) -> Result<(), Raised>;

/// Answers calls until there are no more, then ends the process.
pub fn serve(target: Target) -> ! {
    std::panic::set_hook(Box::new(|_| ()));
    let serving = std::thread::Builder::new().stack_size(STACK_BYTES);
    let ended = serving.spawn(move || serve_all(target)).ok().and_then(|thread| thread.join().ok());
    std::process::exit(if ended.flatten().is_some() { 0 } else { PROTOCOL_ERROR })
}

/// `None` if the other side broke the protocol.
fn serve_all(target: Target) -> Option<()> {
    // The descriptor is ours until the process ends.
    let mut channel = unsafe { File::from_raw_fd(CHANNEL) };
    send(&mut channel, "{\"loaded\":true}")?;
    loop {
        let mut size = [0; 4];
        if channel.read_exact(&mut size).is_err() {
            return Some(());
        }
        let size = u32::from_le_bytes(size) as usize;
        if size > MAX_MESSAGE {
            return None;
        }
        let mut message = vec![0; size];
        channel.read_exact(&mut message).ok()?;
        let batch = json::parse(&message)?;
        for each in batch.field("calls")?.items()? {
            let args = each.field("args")?.items()?;
            send(&mut channel, &answer(target, args))?;
        }
    }
}

fn answer(target: Target, args: &[Tree]) -> String {
    let mut out = Writer { frame: "{\"value\":".to_owned() };
    let done = catch_unwind(AssertUnwindSafe(|| target(args, &mut out)));
    match done.unwrap_or_else(|payload| Err(Raised::from_panic(&*payload))) {
        Ok(()) => out.frame + "}",
        Err(raised) => raised.message(),
    }
}

fn send(channel: &mut File, content: &str) -> Option<()> {
    let mut frame = (content.len() as u32).to_le_bytes().to_vec();
    frame.extend(content.as_bytes());
    channel.write_all(&frame).ok()
}
