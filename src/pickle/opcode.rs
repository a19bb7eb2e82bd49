//! The opcodes of pickle protocols 0 to 5 and the shapes of their arguments, after CPython's `pickletools.py`.

macro_rules! opcodes {
    ($($name:ident = $code:literal: $shape:expr;)*) => {
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
                _ => "unknown",
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
    MARK = b'(': Fixed(0);
    STOP = b'.': Shape::Stop;
    POP = b'0': Fixed(0);
    POP_MARK = b'1': Fixed(0);
    DUP = b'2': Fixed(0);
    FLOAT = b'F': Lines(1);
    INT = b'I': Lines(1);
    BININT = b'J': Fixed(4);
    BININT1 = b'K': Fixed(1);
    LONG = b'L': Lines(1);
    BININT2 = b'M': Fixed(2);
    NONE = b'N': Fixed(0);
    PERSID = b'P': Lines(1);
    BINPERSID = b'Q': Fixed(0);
    REDUCE = b'R': Fixed(0);
    STRING = b'S': Lines(1);
    BINSTRING = b'T': Shape::Signed;
    SHORT_BINSTRING = b'U': Counted(1);
    UNICODE = b'V': Lines(1);
    BINUNICODE = b'X': Counted(4);
    APPEND = b'a': Fixed(0);
    BUILD = b'b': Fixed(0);
    GLOBAL = b'c': Lines(2);
    DICT = b'd': Fixed(0);
    EMPTY_DICT = b'}': Fixed(0);
    APPENDS = b'e': Fixed(0);
    GET = b'g': Lines(1);
    BINGET = b'h': Fixed(1);
    INST = b'i': Lines(2);
    LONG_BINGET = b'j': Fixed(4);
    LIST = b'l': Fixed(0);
    EMPTY_LIST = b']': Fixed(0);
    OBJ = b'o': Fixed(0);
    PUT = b'p': Lines(1);
    BINPUT = b'q': Fixed(1);
    LONG_BINPUT = b'r': Fixed(4);
    SETITEM = b's': Fixed(0);
    TUPLE = b't': Fixed(0);
    EMPTY_TUPLE = b')': Fixed(0);
    SETITEMS = b'u': Fixed(0);
    BINFLOAT = b'G': Fixed(8);
    PROTO = 0x80: Shape::Proto;
    NEWOBJ = 0x81: Fixed(0);
    EXT1 = 0x82: Fixed(1);
    EXT2 = 0x83: Fixed(2);
    EXT4 = 0x84: Fixed(4);
    TUPLE1 = 0x85: Fixed(0);
    TUPLE2 = 0x86: Fixed(0);
    TUPLE3 = 0x87: Fixed(0);
    NEWTRUE = 0x88: Fixed(0);
    NEWFALSE = 0x89: Fixed(0);
    LONG1 = 0x8a: Counted(1);
    LONG4 = 0x8b: Shape::Signed;
    BINBYTES = b'B': Counted(4);
    SHORT_BINBYTES = b'C': Counted(1);
    SHORT_BINUNICODE = 0x8c: Counted(1);
    BINUNICODE8 = 0x8d: Counted(8);
    BINBYTES8 = 0x8e: Counted(8);
    EMPTY_SET = 0x8f: Fixed(0);
    ADDITEMS = 0x90: Fixed(0);
    FROZENSET = 0x91: Fixed(0);
    NEWOBJ_EX = 0x92: Fixed(0);
    STACK_GLOBAL = 0x93: Fixed(0);
    MEMOIZE = 0x94: Fixed(0);
    FRAME = 0x95: Shape::Frame;
    BYTEARRAY8 = 0x96: Counted(8);
    NEXT_BUFFER = 0x97: Fixed(0);
    READONLY_BUFFER = 0x98: Fixed(0);
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

/// The highest protocol there is.
pub(super) const HIGHEST_PROTOCOL: u8 = 5;

/// Up to 8 bytes as a little-endian unsigned number.
pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
