//! The `format` templates of a prefix. (Skeleton.)

/// A parsed template: text, `{{ key }}`, `{{ key | replaceKey "old" "new" }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format(());
