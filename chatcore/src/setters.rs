//! How a value is made whose type may get more fields: from a smaller one, field by field.

/// Methods that set one field each. A type that has them is `#[non_exhaustive]`: a field more is no change to those who
/// make such values.
///
/// With `form`, the type also has the form of a configuration (`form.rs`), in which a field may have a form of its own.
macro_rules! setters {
    (form $type:ident { $($with:ident($field:ident: $value:ty $(as $form:literal)?),)+ }) => {
        setters! { $type { $($with($field: $value),)+ } }
        #[cfg(feature = "serde")]
        crate::form::form! { $type { $($field: $value $(as $form)?,)+ } }
    };
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
