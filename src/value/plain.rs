//! Plain data of the standard library: which names mean it.

/// Types whose values are plain data. Making one has no effect but the value.
const PLAIN: &[&str] = &[
    "array._array_reconstructor",
    "array.array",
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.dict",
    "builtins.frozenset",
    "builtins.list",
    "builtins.object",
    "builtins.range",
    "builtins.set",
    "builtins.slice",
    "builtins.tuple",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "fractions.Fraction",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib.WindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.PurePosixPath",
    "pathlib._local.PureWindowsPath",
    "pathlib._local.WindowsPath",
    "types.SimpleNamespace",
    "uuid.UUID",
];

/// Built-in classes that are not plain data themselves but are harmless by name, as a defaultdict's factory.
const CLASSES: &[&str] = &["bool", "float", "int", "str", "type"];

/// Whether a name means plain data of the standard library.
pub(crate) fn is_plain(name: &str) -> bool {
    PLAIN.contains(&name) || is_exception(name)
}

/// Whether a name is known to be a class.
pub(crate) fn is_class(name: &str) -> bool {
    (is_plain(name) && name != "array._array_reconstructor")
        || name.strip_prefix("builtins.").is_some_and(|name| CLASSES.contains(&name))
}

/// The built-in constants that pickles name.
pub(crate) fn constant(name: &str) -> Option<&'static str> {
    match name {
        "builtins.Ellipsis" => Some("Ellipsis"),
        "builtins.NotImplemented" => Some("NotImplemented"),
        _ => None,
    }
}

/// Functions that only spell plain data in a pickle.
pub(crate) fn is_helper(name: &str) -> bool {
    matches!(
        name,
        "_codecs.encode" | "array._array_reconstructor" | "copyreg.__newobj_ex__" | "copyreg._reconstructor"
    )
}

/// A class's name as CPython prints it: without `builtins.`.
pub(crate) fn shown_class(name: &str) -> &str {
    if is_class(name) { name.strip_prefix("builtins.").unwrap_or(name) } else { name }
}

/// Whether CPython refuses instances of the class as dict keys. Of classes it cannot know lab2sh assumes that they can be.
pub(crate) fn is_unhashable(class: &str) -> bool {
    matches!(
        class,
        "array._array_reconstructor"
            | "array.array"
            | "collections.Counter"
            | "collections.OrderedDict"
            | "collections.defaultdict"
            | "collections.deque"
            | "types.SimpleNamespace"
    )
}

/// Built-in exceptions, all of which print as their name and arguments.
pub(crate) fn is_exception(name: &str) -> bool {
    // A peer can send any name: one of letters only is safe on a screen.
    let name =
        name.strip_prefix("builtins.").filter(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    name.is_some_and(|name| {
        name.ends_with("Error")
            || name.ends_with("Warning")
            || matches!(
                name,
                "BaseException"
                    | "BaseExceptionGroup"
                    | "ExceptionGroup"
                    | "Exception"
                    | "GeneratorExit"
                    | "KeyboardInterrupt"
                    | "StopAsyncIteration"
                    | "StopIteration"
                    | "SystemExit"
            )
    })
}
