//! How a configuration is made: from the default one, field by field.

/// Methods that set one field each; with `const`, of a type whose fields own nothing.
macro_rules! setters {
    (const $type:ident { $($with:ident($field:ident: $value:ty),)+ }) => {
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
    ($type:ident { $($with:ident($field:ident: $value:ty),)+ }) => {
        impl $type {
            $(
                #[doc = concat!("The same with this [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $with(mut self, $field: $value) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}

pub(crate) use setters;
