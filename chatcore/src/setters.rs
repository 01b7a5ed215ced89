//! How a value is made whose type may get more fields: from a smaller one, field by field.

/// Methods that set one field each. A type that has them is `#[non_exhaustive]`: a field more is no change to those who make
/// such values.
macro_rules! setters {
    ($type:ident { $($with:ident($field:ident: $value:ty),)+ }) => {
        impl $type {
            $(
                #[doc = concat!("The same with this [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub const fn $with(mut self, $field: $value) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}

pub(crate) use setters;
