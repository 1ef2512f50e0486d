//! All files of tests/golden: those that must be refused, and those of other libraries, whose arrays must match.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use tensorfile::{Error, ErrorKind, File, Format, Loaded, Options, Result, Source};

#[derive(Debug, Default)]
struct Golden {
    path: String,
    open: String,
    load: String,
    /// Dtype, shape and checksum by name.
    arrays: BTreeMap<String, (String, String, String)>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden")
}

/// Decodes a JSON string of verdicts.tsv, which escapes only quotes, backslashes and newlines.
fn unquote(text: &str) -> String {
    text[1..text.len() - 1].replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Reads verdicts.tsv, whose columns make_verdicts.py documents.
fn golden_files() -> Vec<Golden> {
    let text = std::fs::read_to_string(folder().join("verdicts.tsv")).expect("the verdicts");
    let mut files: Vec<Golden> = Vec::new();
    for line in text.lines() {
        let parts: Vec<String> = line.split('\t').map(str::to_owned).collect();
        match &parts[..] {
            [path, open, load] => {
                files.push(Golden { path: path.clone(), open: open.clone(), load: load.clone(), ..Golden::default() });
            }
            [_, name, dtype, shape, crc] => {
                let array = (dtype.clone(), shape.clone(), crc.clone());
                files.last_mut().expect("a file before its arrays").arrays.insert(unquote(name), array);
            }
            other => panic!("not understood: {other:?}"),
        }
    }
    assert!(files.len() > 150, "only {} files", files.len());
    files
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn status<T>(result: &Result<T>) -> &'static str {
    result.as_ref().map_or_else(|error| error.kind().name(), |_| "ok")
}

fn expect_arrays(loaded: Result<Loaded>, golden: &Golden) {
    assert_eq!(status(&loaded), golden.load, "{}: {loaded:?}", golden.path);
    let Ok(loaded) = loaded else { return };
    assert_eq!(loaded.arrays.len(), golden.arrays.len(), "{}", golden.path);
    for (name, expected) in &golden.arrays {
        let array = loaded.get(name).unwrap_or_else(|| panic!("{}: no {name}", golden.path));
        let shape: Vec<String> = array.shape().iter().map(usize::to_string).collect();
        let crc = crc32(array.contiguous().unwrap().as_bytes().unwrap());
        let found = (array.dtype().to_string(), shape.join(","), format!("{crc:08x}"));
        assert_eq!(&found, expected, "{}: {name}", golden.path);
    }
}

#[test]
fn opening_and_loading_have_the_verdicts_of_c() {
    for golden in golden_files() {
        let path = folder().join(&golden.path);
        let opened = File::open(&path);
        assert_eq!(status(&opened), golden.open, "{}: {opened:?}", golden.path);
        let loaded = tensorfile::load(&path);
        if let Err(error) = &loaded {
            let start = format!("{}: ", path.display());
            assert!(error.message().starts_with(&start), "{}", error.message());
        }
        expect_arrays(loaded, &golden);
    }
}

#[test]
fn locations_say_the_order_of_bytes_and_elements() {
    for (name, big_endian, fortran_order) in [
        ("np_fortran_be", true, true),
        ("np_float32_be", true, false),
        ("np_float32_fortran_2d", false, true),
        ("np_float32_c", false, false),
    ] {
        let file = File::open(folder().join(format!("npy/{name}.npy"))).unwrap();
        let location = file.entry("").unwrap().location().unwrap();
        assert_eq!((location.big_endian, location.fortran_order), (big_endian, fortran_order), "{name}");
    }
}

#[test]
fn memory_sources_and_mapping_give_the_same() {
    // SAFETY: nothing changes the golden files.
    let map = unsafe { Options::new().map(true) };
    for golden in golden_files() {
        let path = folder().join(&golden.path);
        let bytes = std::fs::read(&path).unwrap();
        let options = Options::new().format(Format::from_path(&path));
        expect_arrays(options.load_bytes(&bytes), &golden);
        let reader = Source::new(std::fs::File::open(&path).unwrap()).unwrap();
        expect_arrays(options.load_source(&reader), &golden);
        let memory = Source::from_bytes(bytes).unwrap();
        expect_arrays(options.load_source(&memory), &golden);
        // The checksum of a stored member is not verified if it is mapped, since its data are not read.
        if golden.path != "npz/reject_bad_crc.npz" {
            expect_arrays(map.load(&path), &golden);
            expect_arrays(map.clone().format(Format::from_path(&path)).load_source(&memory), &golden);
        }
    }
}

#[test]
fn arrays_read_one_by_one_are_the_same() {
    for golden in golden_files() {
        let Ok(file) = File::open(folder().join(&golden.path)) else { continue };
        for entry in &file {
            let read = entry.read();
            let Some((dtype, _, crc)) = golden.arrays.get(entry.name()) else {
                assert!(golden.load != "ok", "{}: {entry:?} is unexpected", golden.path);
                assert!(
                    !matches!(
                        read.as_ref().map_err(Error::kind),
                        Err(ErrorKind::Internal | ErrorKind::InvalidArgument)
                    ),
                    "{read:?}"
                );
                continue;
            };
            let read = read.unwrap_or_else(|error| panic!("{}: {error}", golden.path));
            assert_eq!(read.dtype().name(), dtype, "{}", golden.path);
            assert_eq!(read.shape(), entry.shape(), "{}", golden.path);
            let mut bytes = vec![0; usize::try_from(entry.nbytes()).unwrap()];
            entry.read_bytes_into(&mut bytes).unwrap();
            assert_eq!(format!("{:08x}", crc32(&bytes)), *crc, "{}: {entry:?}", golden.path);
        }
    }
}
