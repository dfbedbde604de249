//! Hand-made ELF files: the formats that the Go at hand does not write any more, and damage at chosen places.

use std::fs::File;
use std::io::Write;

use proptest::prelude::*;

use super::{BuildInfo, Error, identity_of_file, read_file, version_of};
use image::{Form, Headers, Image, Pointer};

mod image;

const MODULES: &str = "path\texample.com/billing\nmod\texample.com/billing\tv1.214.0\t\nbuild\t-trimpath=true\n";

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(content).expect("room for it");
    file
}

const USUAL: Form = Form::ALL[0];

fn check(info: &BuildInfo, release: &str) {
    assert_eq!(info.go, release);
    assert_eq!(info.path, "example.com/billing");
    assert_eq!(info.module.as_ref().map(|module| module.version.as_str()), Some("v1.214.0"));
    assert_eq!(info.setting("-trimpath"), Some("true"));
}

#[test]
fn both_formats_in_every_form_with_and_without_section_headers() {
    for form in Form::ALL {
        for headers in [Headers::Sections, Headers::SegmentsOnly] {
            let pointers = Image::new(form, headers).pointer_format("go1.15.6", MODULES).build();
            check(&read_file(&file(&pointers)).expect("the format of 1.13"), "go1.15.6");
            let inline = Image::new(form, headers).inline_format("go1.26.8", MODULES).build();
            check(&read_file(&file(&inline)).expect("the format of 1.18"), "go1.26.8");
        }
    }
}

#[test]
fn a_program_without_modules_still_names_its_go() {
    let image = Image::new(USUAL, Headers::Sections).pointer_format("go1.13", "").build();
    let info = read_file(&file(&image)).expect("a program built with GOPATH");
    assert_eq!(info, BuildInfo { go: "go1.13".to_owned(), ..BuildInfo::default() });
}

#[test]
fn the_symbol_is_read_through_its_string_header() {
    for form in Form::ALL {
        for pointer in [Pointer::Written, Pointer::Relocated] {
            let image = Image::new(form, Headers::Sections)
                .inline_format("go1.26.8", MODULES)
                .variable("main.version", "1.214", pointer)
                .build();
            let version = version_of(&file(&image), "main.version");
            assert_eq!(version.version.as_deref(), Some("1.214"), "{form:?} {pointer:?}");
            assert_eq!(version.source.as_deref(), Some("symbol"));
            // The names of others: the end of ours, and ours as an end.
            for other in ["version", "xmain.version", "main.versio"] {
                assert_eq!(version_of(&file(&image), other).source.as_deref(), Some("module"), "{other}");
            }
        }
    }
}

#[test]
fn a_symbol_that_is_no_version_is_passed_over() {
    for text in ["", "a\u{1b}[31m", &"9".repeat(201)] {
        let image = Image::new(USUAL, Headers::Sections)
            .inline_format("go1.26.8", MODULES)
            .variable("main.version", text, Pointer::Written)
            .build();
        assert_eq!(version_of(&file(&image), "main.version").source.as_deref(), Some("module"), "{text:?}");
    }
}

#[test]
fn each_refusal_is_its_own() {
    let image = Image::new(USUAL, Headers::Sections).inline_format("go1.26.8", MODULES).build();
    assert!(matches!(read_file(&file(b"")), Err(Error::NotElf)));
    assert!(matches!(read_file(&file(b"#!/bin/sh\n")), Err(Error::NotElf)));
    assert!(matches!(read_file(&file(&image[..20])), Err(Error::Damaged(_))));
    assert!(matches!(read_file(&File::open("/").expect("the root")), Err(Error::NotAFile)));
    let c_program = Image::new(USUAL, Headers::Sections).build();
    assert!(matches!(read_file(&file(&c_program)), Err(Error::NotGo)));
    let wrong = Image::new(USUAL, Headers::Sections).inline_format("go1.26.8", "path\tx\nmod\ty\n").build();
    assert!(matches!(read_file(&file(&wrong)), Err(Error::Garbled { line: 2 })));
}

#[test]
fn a_length_that_lies_is_no_information() {
    for length in [u64::MAX, 1 << 40, 1 << 21] {
        let image = Image::new(USUAL, Headers::Sections).inline_format_of_length(length).build();
        assert!(matches!(read_file(&file(&image)), Err(Error::NotGo)), "{length}");
    }
}

proptest! {
    /// Whatever is changed and wherever the file ends: an answer or an error, never a panic.
    #[test]
    fn damage_never_panics(
        form in prop::sample::select(&Form::ALL),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        end in any::<Option<prop::sample::Index>>(),
    ) {
        let mut image = Image::new(form, Headers::Sections)
            .pointer_format("go1.15.6", MODULES)
            .variable("main.version", "1.214", Pointer::Relocated)
            .build();
        // Most of the file is padding; the damage goes where something stands.
        let used: Vec<usize> = (0..image.len()).filter(|at| image[*at] != 0).collect();
        for (place, value) in damage {
            let place = used[place.index(used.len())];
            image[place] = value;
        }
        if let Some(end) = end {
            image.truncate(end.index(image.len()));
        }
        let file = file(&image);
        let _ = read_file(&file);
        let _ = version_of(&file, "main.version");
        let _ = identity_of_file(&file);
    }
}
