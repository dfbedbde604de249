//! `lictor buildinfo FILE [--json]`: what a Go program's file tells of its build, and lictor's verdict on its version.
