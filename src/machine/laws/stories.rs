//! The rules of the road, one by one, as stories.
