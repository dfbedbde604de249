//! The numbers of runs, generations and questions. They only grow, and none is used twice, so a late fact is
//! recognised.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// One process of one generation; a crash loop has many runs.
    RunId
}
number! {
    /// One environment with one build, in the order in which they were wanted.
    GenerationId
}
number! {
    /// One run of the check command.
    CheckId
}
number! {
    /// One right to restart, asked of the fleet.
    TurnId
}
number! {
    /// One thing that an operator asked for.
    RequestId
}
