//! Values of fields, and what a dialogue writes for them.

use std::collections::BTreeMap;
use std::fmt;

use super::schema::Type;

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Uint(u64),
    /// Text, bytes or a token.
    Bytes(Vec<u8>),
    Bool(bool),
    None,
    List(Vec<Value>),
    Struct(Vec<(&'static str, Value)>),
}

/// What is known while a dialogue is played: what was captured, and what stands for `{u}` and `{i}`.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings {
    pub(super) values: BTreeMap<String, Value>,
    /// Tells the names of this dialogue from those of all others.
    pub(super) unique: String,
    /// The turn of a step that is done several times.
    pub(super) turn: u64,
}

/// What a dialogue writes for a value.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    /// `_`
    Any,
    Uint(u64),
    /// `none`, `true`, `false`, or the name of a code.
    Word(String),
    /// `$name`, or `$name+1`.
    Var(String, i64),
    /// `>$name`: any higher number.
    Above(Box<Expr>),
    /// A text with its `{u}` and `{i}`, or bytes, and how often they follow each other.
    Bytes(Vec<u8>, Option<Box<Expr>>),
    /// Its elements, in any order if others may stand between them (`...`), and how often they follow each other.
    List {
        elements: Vec<Expr>,
        is_open: bool,
        times: Option<Box<Expr>>,
    },
    Struct(Vec<(String, Expr)>),
}

impl Expr {
    /// The value to send, which the dialogue has to name whole.
    pub(super) fn value(&self, of: &Type, known: &Bindings) -> Result<Value, String> {
        match (self, of) {
            (Self::Word(word), Type::Option(_)) if word == "none" => Ok(Value::None),
            (_, Type::Option(of)) => self.value(of, known),
            (Self::Word(word), Type::Code(names)) => code(word, names),
            (Self::Word(word), Type::Bool) if word == "true" || word == "false" => Ok(Value::Bool(word == "true")),
            (Self::Var(name, more), _) => known.var(name, *more),
            (Self::Uint(value), Type::Uint(_) | Type::Code(_)) => Ok(Value::Uint(*value)),
            (Self::Bytes(bytes, times), Type::Text | Type::Bytes | Type::Token) => {
                Ok(Value::Bytes(known.filled(bytes).repeat(known.times(times.as_deref())?)))
            }
            (Self::List { elements, is_open: false, times }, Type::List(of)) => {
                let once = elements.iter().map(|element| element.value(of, known)).collect::<Result<Vec<_>, _>>()?;
                let times = known.times(times.as_deref())?;
                Ok(Value::List(std::iter::repeat_n(once, times).flatten().collect()))
            }
            (Self::Struct(written), Type::Struct(fields)) => {
                let value = |name: &str, of| match written.iter().find(|(written, _)| written == name) {
                    Some((_, expr)) => expr.value(of, known),
                    None => Err(format!("{name} is missing")),
                };
                fields
                    .iter()
                    .map(|field| Ok((field.0, value(field.0, &field.1)?)))
                    .collect::<Result<_, _>>()
                    .map(Value::Struct)
            }
            _ => Err(format!("{self:?} is no value of {of:?}")),
        }
    }

    /// Whether a value that came is this. Variables that are not known yet become known by it.
    pub(super) fn matches(&self, of: &Type, came: &Value, known: &mut Bindings) -> Result<bool, String> {
        match (self, of, came) {
            (Self::Any, ..) => Ok(true),
            (Self::Above(least), _, Value::Uint(came)) => Ok(*came > least.count(known)?),
            (Self::Var(name, 0), ..) if !known.values.contains_key(name) => {
                known.values.insert(name.clone(), came.clone());
                Ok(true)
            }
            (Self::Word(word), Type::Option(_), _) if word == "none" => Ok(*came == Value::None),
            (_, Type::Option(_), Value::None) => Ok(false),
            (_, Type::Option(of), _) => self.matches(of, came, known),
            (Self::List { elements, is_open, times: None }, Type::List(of), Value::List(values)) => {
                if !is_open {
                    return Ok(elements.len() == values.len() && all(elements, values, of, known)?);
                }
                elements.iter().try_fold(true, |found, element| {
                    Ok(found
                        && values
                            .iter()
                            .try_fold(false, |is, value| Ok::<_, String>(is || element.matches(of, value, known)?))?)
                })
            }
            (Self::Struct(written), Type::Struct(fields), Value::Struct(values)) => {
                match_fields(written, fields, values, known)
            }
            _ => Ok(self.value(of, known)? == *came),
        }
    }

    /// A count.
    pub(super) fn count(&self, known: &Bindings) -> Result<u64, String> {
        match self.value(&Type::Uint(64), known)? {
            Value::Uint(count) => Ok(count),
            other => Err(format!("{other} is no count")),
        }
    }
}

fn all(elements: &[Expr], values: &[Value], of: &Type, known: &mut Bindings) -> Result<bool, String> {
    for (element, value) in elements.iter().zip(values) {
        if !element.matches(of, value, known)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the fields that a dialogue names are what it says; the others may be anything.
pub(super) fn match_fields(
    written: &[(String, Expr)],
    fields: &[super::schema::Field],
    values: &[(&'static str, Value)],
    known: &mut Bindings,
) -> Result<bool, String> {
    for (name, expr) in written {
        let Some(place) = fields.iter().position(|field| field.0 == name) else {
            return Err(format!("there is no field {name}"));
        };
        if !expr.matches(&fields[place].1, &values[place].1, known)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The number of a code.
fn code(word: &str, names: &[&str]) -> Result<Value, String> {
    let place = names.iter().position(|name| *name == word).ok_or_else(|| format!("there is no code {word}"))?;
    Ok(Value::Uint(place as u64 + 1))
}

impl Bindings {
    fn var(&self, name: &str, more: i64) -> Result<Value, String> {
        match self.values.get(name) {
            Some(Value::Uint(value)) => Ok(Value::Uint(value.wrapping_add_signed(more))),
            Some(value) if more == 0 => Ok(value.clone()),
            Some(value) => Err(format!("${name} is {value}, and no number")),
            None => Err(format!("${name} is not known")),
        }
    }

    fn times(&self, times: Option<&Expr>) -> Result<usize, String> {
        let times = times.map_or(Ok(1), |times| times.count(self))?;
        usize::try_from(times).map_err(|error| error.to_string())
    }

    /// Text with what stands for its marks.
    pub(super) fn filled(&self, text: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(text) {
            Ok(text) => text.replace("{u}", &self.unique).replace("{i}", &self.turn.to_string()).into_bytes(),
            Err(_) => text.to_vec(),
        }
    }
}

/// As a dialogue writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 64;
        match self {
            Self::Uint(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::None => f.write_str("none"),
            Self::Bytes(bytes) => {
                let shown = &bytes[..bytes.len().min(SHOWN_MAX)];
                if let Ok(text) = std::str::from_utf8(shown) {
                    write!(f, "{text:?}")?;
                } else {
                    f.write_str("x\"")?;
                    shown.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                    f.write_str("\"")?;
                }
                if shown.len() < bytes.len() { write!(f, "… ({} bytes)", bytes.len()) } else { Ok(()) }
            }
            Self::List(values) => {
                let shown: Vec<String> = values.iter().take(SHOWN_MAX).map(Self::to_string).collect();
                write!(f, "[{}{}]", shown.join(" "), if values.len() > SHOWN_MAX { " …" } else { "" })
            }
            Self::Struct(fields) => {
                let shown: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "{{{}}}", shown.join(" "))
            }
        }
    }
}
