//! Orders as pages show them.
