//! The opcodes of pickle protocols 0 to 5, the shapes of their arguments and what they do, after CPython's
//! [`pickletools.py`](https://github.com/python/cpython/blob/3.13/Lib/pickletools.py), which a test compares them with.

macro_rules! opcodes {
    ($($name:ident = $code:literal: $shape:expr, $words:literal;)*) => {
        $(pub(super) const $name: u8 = $code;)*

        /// The shape of each opcode's argument, by opcode.
        pub(super) static SHAPES: [Shape; 256] = {
            let mut shapes = [Shape::Unknown; 256];
            $(shapes[$code as usize] = $shape;)*
            shapes
        };

        /// The protocol's name of an opcode.
        pub(super) fn name(opcode: u8) -> &'static str {
            match opcode {
                $($code => stringify!($name),)*
                _ => "no opcode",
            }
        }

        /// What an opcode does to the stack, for a beginner.
        pub(super) fn words(opcode: u8) -> &'static str {
            match opcode {
                $($code => $words,)*
                _ => "no pickle has this byte here",
            }
        }
    };
}

/// What follows an opcode byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// So many bytes.
    Fixed(u8),
    /// So many lines, each ending with a newline.
    Lines(u8),
    /// A little-endian unsigned length of so many bytes, then that many bytes.
    Counted(u8),
    /// A little-endian signed length of 4 bytes, then that many bytes.
    Signed,
    /// One byte: the protocol.
    Proto,
    /// An 8-byte length of the frame that starts here.
    Frame,
    /// The end of the pickle.
    Stop,
    /// No opcode.
    Unknown,
}

use Shape::{Counted, Fixed, Lines};

opcodes! {
    MARK = b'(': Fixed(0), "a mark: what follows belongs together";
    STOP = b'.': Shape::Stop, "the end: the top is the value";
    POP = b'0': Fixed(0), "throw away the top";
    POP_MARK = b'1': Fixed(0), "throw away everything down to the mark";
    DUP = b'2': Fixed(0), "push the top once more";
    FLOAT = b'F': Lines(1), "push a float, spelled in a line of text";
    INT = b'I': Lines(1), "push an int, spelled in a line of text (01 is True, 00 is False)";
    BININT = b'J': Fixed(4), "push an int of 4 bytes, the lowest byte first";
    BININT1 = b'K': Fixed(1), "push an int of 1 byte";
    LONG = b'L': Lines(1), "push an int, spelled in a line of text";
    BININT2 = b'M': Fixed(2), "push an int of 2 bytes, the lowest byte first";
    NONE = b'N': Fixed(0), "push None";
    PERSID = b'P': Lines(1), "push an object that the program is to look up by this name";
    BINPERSID = b'Q': Fixed(0), "replace the name on top by the object that the program looks up for it";
    REDUCE = b'R': Fixed(0), "call the function below the top; its arguments are the tuple on top";
    STRING = b'S': Lines(1), "push a str of Python 2, spelled in quotes in a line of text";
    BINSTRING = b'T': Shape::Signed, "push a str of Python 2; the first 4 bytes are its length";
    SHORT_BINSTRING = b'U': Counted(1), "push a str of Python 2; the first byte is its length";
    UNICODE = b'V': Lines(1), "push a str, spelled in a line of text";
    BINUNICODE = b'X': Counted(4), "push a str; the first 4 bytes are its length";
    APPEND = b'a': Fixed(0), "append the top to the list below it";
    BUILD = b'b': Fixed(0), "give the object below the attributes that are on top";
    GLOBAL = b'c': Lines(2), "import a module and push a class or function of it";
    DICT = b'd': Fixed(0), "make a dict of the keys and values down to the mark";
    EMPTY_DICT = b'}': Fixed(0), "push a new, empty dict";
    APPENDS = b'e': Fixed(0), "append all down to the mark to the list below";
    GET = b'g': Lines(1), "push what the memo keeps under this number";
    BINGET = b'h': Fixed(1), "push what the memo keeps under this number";
    INST = b'i': Lines(2), "import a class and call it with everything down to the mark";
    LONG_BINGET = b'j': Fixed(4), "push what the memo keeps under this number (4 bytes)";
    LIST = b'l': Fixed(0), "make a list of everything down to the mark";
    EMPTY_LIST = b']': Fixed(0), "push a new, empty list";
    OBJ = b'o': Fixed(0), "call the class behind the mark with everything above it";
    PUT = b'p': Lines(1), "keep the top in the memo under this number";
    BINPUT = b'q': Fixed(1), "keep the top in the memo under this number";
    LONG_BINPUT = b'r': Fixed(4), "keep the top in the memo under this number (4 bytes)";
    SETITEM = b's': Fixed(0), "put key and value into the dict below";
    TUPLE = b't': Fixed(0), "make a tuple of everything down to the mark";
    EMPTY_TUPLE = b')': Fixed(0), "push the empty tuple";
    SETITEMS = b'u': Fixed(0), "put keys and values down to the mark into the dict below";
    BINFLOAT = b'G': Fixed(8), "push a float of 8 bytes, the highest byte first";
    PROTO = 0x80: Shape::Proto, "a pickle, written in this protocol";
    NEWOBJ = 0x81: Fixed(0), "make an object of the class below the top; its arguments are the tuple on top";
    EXT1 = 0x82: Fixed(1), "push what the program has registered under this code";
    EXT2 = 0x83: Fixed(2), "push what the program has registered under this code (2 bytes)";
    EXT4 = 0x84: Fixed(4), "push what the program has registered under this code (4 bytes)";
    TUPLE1 = 0x85: Fixed(0), "make a tuple of the one item on top";
    TUPLE2 = 0x86: Fixed(0), "make a tuple of the two items on top";
    TUPLE3 = 0x87: Fixed(0), "make a tuple of the three items on top";
    NEWTRUE = 0x88: Fixed(0), "push True";
    NEWFALSE = 0x89: Fixed(0), "push False";
    LONG1 = 0x8a: Counted(1), "push an int; the first byte is its length";
    LONG4 = 0x8b: Shape::Signed, "push an int; the first 4 bytes are its length";
    BINBYTES = b'B': Counted(4), "push bytes; the first 4 bytes are their length";
    SHORT_BINBYTES = b'C': Counted(1), "push bytes; the first byte is their length";
    SHORT_BINUNICODE = 0x8c: Counted(1), "push a str; the first byte is its length";
    BINUNICODE8 = 0x8d: Counted(8), "push a str; the first 8 bytes are its length";
    BINBYTES8 = 0x8e: Counted(8), "push bytes; the first 8 bytes are their length";
    EMPTY_SET = 0x8f: Fixed(0), "push a new, empty set";
    ADDITEMS = 0x90: Fixed(0), "add everything down to the mark to the set below it";
    FROZENSET = 0x91: Fixed(0), "make a frozenset of everything down to the mark";
    NEWOBJ_EX = 0x92: Fixed(0), "make an object of a class, with a tuple and a dict as its arguments";
    STACK_GLOBAL = 0x93: Fixed(0), "import a module and push a class or function of it: the two names on top";
    MEMOIZE = 0x94: Fixed(0), "keep the top in the memo";
    FRAME = 0x95: Shape::Frame, "one frame of so many bytes follows";
    BYTEARRAY8 = 0x96: Counted(8), "push a bytearray; the first 8 bytes are its length";
    NEXT_BUFFER = 0x97: Fixed(0), "push the next of the buffers that travel beside the pickle";
    READONLY_BUFFER = 0x98: Fixed(0), "make the buffer on top read-only";
}

/// Whether an opcode came with protocol 1, the first binary one.
pub(super) fn is_binary(opcode: u8) -> bool {
    matches!(
        opcode,
        BININT
            | BININT1
            | BININT2
            | BINSTRING
            | SHORT_BINSTRING
            | BINUNICODE
            | BINFLOAT
            | EMPTY_LIST
            | APPENDS
            | EMPTY_TUPLE
            | EMPTY_DICT
            | SETITEMS
            | POP_MARK
            | BINGET
            | LONG_BINGET
            | BINPUT
            | LONG_BINPUT
            | OBJ
            | BINPERSID
    )
}

/// What an opcode means for the places on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes some places and makes one.
    Make,
    /// Takes some places and puts what was there into the one below.
    Fill,
    /// Throws places away.
    Drop,
    /// Notes what is on top and takes nothing.
    Memo,
    /// Tells something of the pickle itself: `PROTO`, `FRAME`.
    Aside,
    /// The end.
    Stop,
}

/// What an opcode means for the places on the stack.
pub(super) fn role(opcode: u8) -> Role {
    match opcode {
        APPEND | APPENDS | SETITEM | SETITEMS | ADDITEMS | BUILD => Role::Fill,
        POP | POP_MARK => Role::Drop,
        PUT | BINPUT | LONG_BINPUT | MEMOIZE | READONLY_BUFFER => Role::Memo,
        PROTO | FRAME => Role::Aside,
        STOP => Role::Stop,
        _ => Role::Make,
    }
}

/// What an opcode makes, in one word; `item` where the opcode alone does not tell.
pub(super) fn makes(opcode: u8) -> &'static str {
    match opcode {
        INT | BININT | BININT1 | BININT2 | LONG | LONG1 | LONG4 => "int",
        FLOAT | BINFLOAT => "float",
        STRING | BINSTRING | SHORT_BINSTRING | UNICODE | BINUNICODE | SHORT_BINUNICODE | BINUNICODE8 => "str",
        BINBYTES | SHORT_BINBYTES | BINBYTES8 => "bytes",
        BYTEARRAY8 => "bytearray",
        NEWTRUE | NEWFALSE => "bool",
        NONE => "None",
        EMPTY_LIST | LIST => "list",
        EMPTY_TUPLE | TUPLE | TUPLE1 | TUPLE2 | TUPLE3 => "tuple",
        EMPTY_DICT | DICT => "dict",
        EMPTY_SET => "set",
        FROZENSET => "frozenset",
        GLOBAL | STACK_GLOBAL => "class or function",
        REDUCE => "call",
        NEWOBJ | NEWOBJ_EX | INST | OBJ => "object",
        MARK => "mark",
        _ => "item",
    }
}

/// The highest protocol there is.
pub(super) const HIGHEST_PROTOCOL: u8 = 5;

/// Up to 8 bytes as a little-endian unsigned number.
pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a test that cannot go on has failed")]

    use super::*;

    /// Code, name, argument, stack before and after, protocol: recorded from CPython 3.11's `pickletools.opcodes`.
    const PICKLETOOLS: &str = include_str!("../../tests/fixtures/pickles/opcodes.tsv");

    fn shape_of(opcode: u8, argument: &str) -> Shape {
        match argument {
            _ if opcode == STOP => Shape::Stop,
            _ if opcode == PROTO => Shape::Proto,
            "" => Fixed(0),
            "uint1" => Fixed(1),
            "uint2" => Fixed(2),
            "uint4" | "int4" => Fixed(4),
            "float8" => Fixed(8),
            "uint8" => Shape::Frame,
            "string1" | "bytes1" | "unicodestring1" | "long1" => Counted(1),
            "bytes4" | "unicodestring4" => Counted(4),
            "bytes8" | "unicodestring8" | "bytearray8" => Counted(8),
            "string4" | "long4" => Shape::Signed,
            "stringnl_noescape_pair" => Lines(2),
            line if line.contains("nl") => Lines(1),
            other => panic!("pickletools has an argument `{other}`"),
        }
    }

    fn role_of(name: &str, before: &str, after: &str) -> Role {
        let container = before.split(',').next().filter(|first| matches!(*first, "list" | "dict" | "set"));
        match (name, before, after) {
            ("STOP", ..) => Role::Stop,
            ("POP" | "POP_MARK", ..) => Role::Drop,
            ("PROTO" | "FRAME", "", "") => Role::Aside,
            (_, "", "") | ("MEMOIZE" | "READONLY_BUFFER", ..) => Role::Memo,
            ("BUILD", "any,any", "any") => Role::Fill,
            _ if container == Some(after) => Role::Fill,
            _ => Role::Make,
        }
    }

    #[test]
    fn the_table_is_that_of_pickletools() {
        let mut known = 0;
        for line in PICKLETOOLS.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [code, opcode_name, argument, before, after, protocol] = fields[..] else {
                panic!("six fields: {line}")
            };
            let Ok(opcode) = u8::from_str_radix(code, 16) else { panic!("no code: {line}") };
            assert_eq!(name(opcode), opcode_name);
            assert_eq!(SHAPES[usize::from(opcode)], shape_of(opcode, argument), "{opcode_name}");
            assert_eq!(role(opcode), role_of(opcode_name, before, after), "{opcode_name}");
            assert_eq!(is_binary(opcode), protocol == "1", "{opcode_name}");
            match after {
                "any" | "any,any" | "" | "buffer" => {}
                _ if role(opcode) == Role::Fill => {}
                "bytes_or_str" => assert_eq!(makes(opcode), "str", "{opcode_name}"),
                "int_or_bool" => assert_eq!(makes(opcode), "int", "{opcode_name}"),
                _ => assert_eq!(makes(opcode), after, "{opcode_name}"),
            }
            assert!(!words(opcode).is_empty());
            known += 1;
        }
        let ours = (0..=255_u8).filter(|&opcode| SHAPES[usize::from(opcode)] != Shape::Unknown).count();
        assert_eq!((known, ours), (68, 68));
    }
}
