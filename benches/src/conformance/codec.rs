//! Bytes to messages and back, by the tables of [`schema`](super::schema).

use std::fmt;

use super::schema::{Field, Schema, Type};
use super::value::Value;

/// What each direction begins with.
pub(super) const PREFACE: [u8; 16] = *b"\xc4chat\r\n\0\x01\0\0\0\0\0\0\0";

/// A frame that came.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// None of a kind that is not in the tables.
    pub(super) schema: Option<&'static Schema>,
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl Message {
    pub(super) fn name(&self) -> &'static str {
        self.schema.map_or("unknown", |schema| schema.name)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// A frame of bytes that are its kind and fields.
pub(super) fn frame(kind: u8, fields: &[u8]) -> Vec<u8> {
    let length = u32::try_from(fields.len() + 1).expect("it is no longer than memory");
    [&length.to_le_bytes()[..], &[kind], fields].concat()
}

/// A frame with these values.
pub(super) fn encode(schema: &Schema, values: &[Value]) -> Vec<u8> {
    let mut fields = Vec::new();
    for (Field(_, of), value) in schema.fields.iter().zip(values) {
        write(&mut fields, of, value);
    }
    frame(schema.kind, &fields)
}

fn write(out: &mut Vec<u8>, of: &Type, value: &Value) {
    match (of, value) {
        (Type::Option(_), Value::None) => out.push(0),
        (Type::Option(of), _) => {
            out.push(1);
            write(out, of, value);
        }
        (Type::Token, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        (_, Value::Uint(value)) => write_uint(out, *value),
        (_, Value::Bool(value)) => out.push(u8::from(*value)),
        (_, Value::Bytes(bytes)) => {
            write_uint(out, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        (Type::List(of), Value::List(values)) => {
            write_uint(out, values.len() as u64);
            for value in values {
                write(out, of, value);
            }
        }
        (Type::Struct(fields), Value::Struct(values)) => {
            for (field, (_, value)) in fields.iter().zip(values) {
                write(out, &field.1, value);
            }
        }
        _ => unreachable!("{value} is of the type {of:?}"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each form holds what is written in it")]
fn write_uint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..251 => out.push(value as u8),
        251..0x1_0000 => {
            out.push(0xfb);
            out.extend_from_slice(&(value as u16).to_le_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(0xfc);
            out.extend_from_slice(&(value as u32).to_le_bytes());
        }
        _ => {
            out.push(0xfd);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// Takes the first frame off what came. None if it is not whole yet.
pub(super) fn take(input: &mut Vec<u8>) -> Result<Option<Message>, String> {
    let Some(header) = input.first_chunk() else { return Ok(None) };
    let length = u32::from_le_bytes(*header) as usize;
    if length == 0 || length > 1 << 24 {
        return Err(format!("a frame of {length} bytes"));
    }
    let Some(content) = input.get(4..4 + length) else { return Ok(None) };
    let (kind, mut fields) = (content[0], &content[1..]);
    let schema = Schema::of_kind(kind);
    let message = match schema {
        Some(schema) => {
            let values = schema.fields.iter().map(|field| Ok((field.0, read(&mut fields, &field.1)?)));
            let values = values.collect::<Result<Vec<_>, String>>();
            let values = values.map_err(|error| format!("a {} in which {error}", schema.name))?;
            if !fields.is_empty() {
                return Err(format!("a {} with {} bytes too many", schema.name, fields.len()));
            }
            Message { schema: Some(schema), fields: values }
        }
        None => Message { schema: None, fields: Vec::new() },
    };
    input.drain(..4 + length);
    Ok(Some(message))
}

fn read(input: &mut &[u8], of: &Type) -> Result<Value, String> {
    match of {
        Type::Uint(bits) => read_uint(input, *bits).map(Value::Uint),
        Type::Code(_) => read_uint(input, 16).map(Value::Uint),
        Type::Text => {
            let text = read_bytes(input)?;
            std::str::from_utf8(&text).map_err(|_| "a text is not UTF-8")?;
            Ok(Value::Bytes(text))
        }
        Type::Bytes => read_bytes(input).map(Value::Bytes),
        Type::Token => chunk(input, 16).map(Value::Bytes),
        Type::Bool => match chunk(input, 1)?[0] {
            byte @ 0..2 => Ok(Value::Bool(byte == 1)),
            other => Err(format!("a bool is {other}")),
        },
        Type::Option(of) => match chunk(input, 1)?[0] {
            0 => Ok(Value::None),
            1 => read(input, of),
            other => Err(format!("an option begins with {other}")),
        },
        Type::List(of) => {
            let count = read_uint(input, 64)?;
            (0..count).map(|_| read(input, of)).collect::<Result<_, _>>().map(Value::List)
        }
        Type::Struct(fields) => {
            let fields = fields.iter().map(|field| Ok((field.0, read(input, &field.1)?)));
            fields.collect::<Result<_, String>>().map(Value::Struct)
        }
    }
}

fn chunk(input: &mut &[u8], bytes: usize) -> Result<Vec<u8>, String> {
    let (chunk, rest) = input.split_at_checked(bytes).ok_or("a field is missing or cut short")?;
    *input = rest;
    Ok(chunk.to_vec())
}

fn read_bytes(input: &mut &[u8]) -> Result<Vec<u8>, String> {
    let bytes = read_uint(input, 64)?;
    chunk(input, usize::try_from(bytes).map_err(|error| error.to_string())?)
}

fn read_uint(input: &mut &[u8], bits: u32) -> Result<u64, String> {
    let first = chunk(input, 1)?[0];
    let bytes = match first {
        0..0xfb => return Ok(first.into()),
        0xfb => 2,
        0xfc => 4,
        0xfd => 8,
        _ => return Err(format!("an integer begins with {first:02x}")),
    };
    let mut value = [0; 8];
    value[..bytes].copy_from_slice(&chunk(input, bytes)?);
    let value = u64::from_le_bytes(value);
    let least = [0, 0, 251, 0, 1 << 16, 0, 0, 0, 1 << 32][bytes];
    if value < least || bytes * 8 > bits as usize {
        return Err(format!("{value} is written in {bytes} bytes"));
    }
    Ok(value)
}
