//! Reads a value from the parameters of a path, with `serde`.

use std::fmt;

use http::StatusCode;
use hyperlane_router::{Params, ParamsIter};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::rejection::{Rejection, RejectionKind, shorten};
use crate::response::{FieldError, FieldLocation};

/// All parameters of a match.
#[derive(Clone, Copy)]
pub(super) struct ParamsDeserializer<'de> {
    params: &'de Params,
}

/// Why parameters do not fit.
#[derive(Debug)]
pub(super) enum ParamsError {
    /// The client's value, of the parameter with this name once that is known.
    Value { name: Option<String>, message: String },
    /// The pattern and the type do not belong together.
    Shape(String),
}

impl<'de> ParamsDeserializer<'de> {
    pub(super) fn new(params: &'de Params) -> Self {
        Self { params }
    }

    /// The one value, where a type wants one.
    fn single(self) -> Result<Value<'de>, ParamsError> {
        let mut params = self.params.iter();
        match (params.next(), params.next()) {
            (Some((name, text)), None) => Ok(Value { name, text }),
            _ => Err(self.wrong_count(1)),
        }
    }

    fn wrong_count(self, wanted: usize) -> ParamsError {
        let has = self.params.len();
        ParamsError::Shape(format!(
            "the pattern has {has} parameters where the handler's `Path` takes {wanted}"
        ))
    }

    fn sequence(self) -> Sequence<'de> {
        Sequence {
            params: self.params.iter(),
        }
    }
}

macro_rules! single_values {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
            let value = self.single()?;
            value.$method(visitor).map_err(|error| error.of(value.name))
        }
    )*};
}

impl<'de> Deserializer<'de> for ParamsDeserializer<'de> {
    type Error = ParamsError;

    single_values! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        if self.params.len() == 1 {
            self.deserialize_str(visitor)
        } else {
            self.deserialize_map(visitor)
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        if self.params.is_empty() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_seq(self.sequence())
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ParamsError> {
        if self.params.len() != len {
            return Err(self.wrong_count(len));
        }
        visitor.visit_seq(self.sequence())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ParamsError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_map(Map {
            params: self.params.iter(),
            value: None,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamsError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamsError> {
        let value = self.single()?;
        value
            .deserialize_enum(name, variants, visitor)
            .map_err(|error| error.of(value.name))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_unit()
    }
}

/// One parameter.
#[derive(Clone, Copy)]
struct Value<'de> {
    name: &'de str,
    text: &'de str,
}

macro_rules! parsed_values {
    ($($method:ident $visit:ident $parsed:ty: $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
            match self.text.parse::<$parsed>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(de::Error::custom(format!("{:?} is not {}", self.text, $what))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = ParamsError;

    parsed_values! {
        deserialize_bool visit_bool bool: "`true` or `false`";
        deserialize_i8 visit_i8 i8: "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16: "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32: "a whole number of 32 bits";
        deserialize_i64 visit_i64 i64: "a whole number of 64 bits";
        deserialize_i128 visit_i128 i128: "a whole number of 128 bits";
        deserialize_u8 visit_u8 u8: "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16: "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32: "a whole number from 0, of 32 bits";
        deserialize_u64 visit_u64 u64: "a whole number from 0, of 64 bits";
        deserialize_u128 visit_u128 u128: "a whole number from 0, of 128 bits";
        deserialize_f32 visit_f32 f32: "a number";
        deserialize_f64 visit_f64 f64: "a number";
        deserialize_char visit_char char: "a single character";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_borrowed_bytes(self.text.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamsError> {
        let variant: StrDeserializer<'de, ParamsError> = self.text.into_deserializer();
        visitor.visit_enum(variant)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        str string unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// The values in the order of the pattern.
struct Sequence<'de> {
    params: ParamsIter<'de>,
}

impl<'de> de::SeqAccess<'de> for Sequence<'de> {
    type Error = ParamsError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ParamsError> {
        let Some((name, text)) = self.params.next() else {
            return Ok(None);
        };
        seed.deserialize(Value { name, text })
            .map(Some)
            .map_err(|error| error.of(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.params.len())
    }
}

/// The values by their names.
struct Map<'de> {
    params: ParamsIter<'de>,
    value: Option<Value<'de>>,
}

impl<'de> de::MapAccess<'de> for Map<'de> {
    type Error = ParamsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ParamsError> {
        let Some((name, text)) = self.params.next() else {
            return Ok(None);
        };
        self.value = Some(Value { name, text });
        let name: StrDeserializer<'de, ParamsError> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ParamsError> {
        let value = self
            .value
            .take()
            .ok_or_else(|| ParamsError::Shape("a value was asked for before its name".into()))?;
        seed.deserialize(value).map_err(|error| error.of(value.name))
    }
}

impl ParamsError {
    /// The same, of the parameter `name`.
    fn of(self, name: &str) -> Self {
        match self {
            Self::Value { name: None, message } => Self::Value {
                name: Some(name.to_owned()),
                message,
            },
            named => named,
        }
    }
}

impl de::Error for ParamsError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Value {
            name: None,
            message: message.to_string(),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Shape(format!(
            "the pattern has no parameter `{field}`, which the handler's `Path` takes"
        ))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Shape(format!(
            "the handler's `Path` takes no parameter `{field}`, which the pattern has"
        ))
    }

    fn invalid_length(len: usize, expected: &dyn de::Expected) -> Self {
        Self::Shape(format!(
            "the pattern has {len} parameters where the handler's `Path` takes {expected}"
        ))
    }
}

impl fmt::Display for ParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value {
                name: Some(name),
                message,
            } => write!(f, "path parameter `{name}` does not fit: {message}"),
            Self::Value { name: None, message } => write!(f, "path does not fit: {message}"),
            Self::Shape(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ParamsError {}

impl From<ParamsError> for Rejection {
    fn from(error: ParamsError) -> Self {
        let message = shorten(error.to_string());
        match error {
            ParamsError::Value { name, message: reason } => {
                let rejection = Self::new(StatusCode::BAD_REQUEST, message).with_kind(RejectionKind::Invalid);
                match name {
                    Some(name) => rejection.with_field(FieldError::new(FieldLocation::Path, name, shorten(reason))),
                    None => rejection,
                }
            }
            // The client can do nothing about it, so that it gets no details; they are logged.
            ParamsError::Shape(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).with_kind(RejectionKind::Internal)
            }
        }
    }
}
