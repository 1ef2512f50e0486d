//! Creating and dropping thousands of objects must not make memory grow.
#![allow(missing_docs)]

use std::ops::ControlFlow;

use tensorfile::{Array, Arrays, Dict, Dtype, Format, Options, Source};

/// Returns the resident memory of the process in bytes.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number") * 1024
}

fn one_round(bytes: &[u8]) {
    for count in 0..50 {
        let mut array = Array::from_vec([count, 16], vec![1.0f32; count * 16]).unwrap();
        let view = array.transpose().unwrap().slice(1..3).unwrap();
        array.as_bytes_mut().unwrap().fill(0);
        let mut dict = Dict::new();
        dict.insert("view", view);
        dict.insert("cast", array.cast(Dtype::BFloat16).unwrap());

        let mut tree = Dict::new();
        tree.insert("dict", dict.clone());
        tree.insert("other", dict);
        tree.flatten().unwrap();
        tree.insert("strings", ["a", "b", "c"]);
        assert!(tree.flatten().is_err());
        tree["dict"].as_dict_mut().and_then(|dict| dict["cast"].as_array_mut()).unwrap().make_mut().unwrap();
        assert!(tree.try_get::<&Array>("missing").is_err());
    }
    let loaded = Options::new().load_bytes(bytes).unwrap();
    let source = Source::from_bytes(bytes.to_vec()).unwrap();
    let options = Options::new().progress(|_, _| ControlFlow::Continue(()));
    let file = options.open_source(&source).unwrap();
    assert_eq!(file.read("a").unwrap(), loaded["a"]);
    assert!(Options::new().load_bytes(&bytes[..bytes.len() / 2]).is_err());
    drop(Options::new().to_bytes(Format::Npz, &loaded.arrays).unwrap());
}

#[test]
fn memory_stays_flat() {
    let mut arrays = Arrays::new();
    arrays.insert("a", vec![7i64; 4096]);
    let bytes = Options::new().to_bytes(Format::Gguf, &arrays).unwrap();
    for _ in 0..20 {
        one_round(&bytes);
    }
    #[cfg(target_os = "linux")]
    let before = resident();
    for _ in 0..200 {
        one_round(&bytes);
    }
    #[cfg(target_os = "linux")]
    {
        // Leaking even one small array in each of the 10,000 rounds would exceed this.
        let grown = resident().saturating_sub(before);
        assert!(grown < 1 << 20, "memory grew by {grown} bytes");
    }
}
