//! Arrays, dicts, files and options.
#![allow(missing_docs)]

mod support;

use std::error::Error as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use support::Folder;
use tensorfile::{
    Array, Arrays, CheckReport, Decode, Dict, Dtype, DtypeKind, Element, ErrorKind, File, Format, Metadata, Options,
    Result, Slice, Source, Value,
};

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("an error").kind()
}

#[test]
fn the_crate_has_the_librarys_version() {
    assert_eq!(tensorfile::version(), env!("CARGO_PKG_VERSION"));
    let parts: Vec<u32> = tensorfile::version().split('.').map(|part| part.parse().unwrap()).collect();
    assert_eq!(tensorfile::version_number(), parts[0] * 10000 + parts[1] * 100 + parts[2]);
}

#[test]
fn arrays_of_all_element_types() {
    fn there_and_back<T: Element + PartialEq + std::fmt::Debug>(elements: [T; 2]) {
        let copied = Array::from_slice([2], &elements).unwrap();
        assert_eq!(copied.as_slice::<T>().unwrap(), elements);
        assert_eq!((copied.dtype(), copied.nbytes()), (T::DTYPE, size_of_val(&elements)));
        let moved = Array::from_vec([1, 2], elements.to_vec()).unwrap();
        assert_eq!(moved.to_vec::<T>().unwrap(), elements);
        assert_eq!(moved.shape(), [1, 2]);
    }
    there_and_back([true, false]);
    there_and_back([-1i8, 2]);
    there_and_back([-1i16, 2]);
    there_and_back([-1i32, 2]);
    there_and_back([-1i64, 2]);
    there_and_back([1u8, 2]);
    there_and_back([1u16, 2]);
    there_and_back([1u32, 2]);
    there_and_back([1u64, 2]);
    there_and_back([1.5f32, -2.0]);
    there_and_back([1.5f64, -2.0]);
    there_and_back([[1.5f32, -2.0], [0.0, 1.0]]);
    there_and_back([[1.5f64, -2.0], [0.0, 1.0]]);
    #[cfg(feature = "half")]
    {
        there_and_back([half::f16::from_f32(1.5), half::f16::ZERO]);
        there_and_back([half::bf16::from_f32(1.5), half::bf16::ZERO]);
    }
}

#[test]
fn wrong_types_shapes_and_sizes_are_errors() {
    let array = Array::from_slice([2, 3], &[0.0f32; 6]).unwrap();
    let error = array.as_slice::<f64>().unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Type, "expected elements of float64, found float32"));
    assert_eq!(kind(array.to_vec::<i32>()), ErrorKind::Type);
    assert_eq!(kind(array.clone().as_slice_mut::<i32>()), ErrorKind::Type);
    assert_eq!(kind(array.transpose().unwrap().as_slice::<f32>()), ErrorKind::InvalidArgument);
    assert_eq!(kind(array.item_as_i64([0, 0])), ErrorKind::Type);
    assert_eq!(kind(array.item_as_f64([0])), ErrorKind::InvalidArgument);
    assert_eq!(kind(array.item_as_f64([0, 3])), ErrorKind::InvalidArgument);
    assert_eq!(kind(array.item::<f64>([0, 0])), ErrorKind::Type);
    let error = array.item::<f32>([0, 3]).unwrap_err();
    assert_eq!(error.message(), "there is no element [0, 3] in an array of shape [2, 3]");
    let error = Array::from_slice([2, 3], &[0.0f32; 5]).unwrap_err();
    assert_eq!(error.message(), "shape [2, 3] needs 6 elements, got 5");
    assert_eq!(kind(Array::from_slice([4], &[0.0f32; 6])), ErrorKind::InvalidArgument);
    assert_eq!(kind(Array::from_vec([4], vec![0.0f32; 6])), ErrorKind::InvalidArgument);
    assert_eq!(kind(Array::from_vec([7], vec![0.0f32; 6])), ErrorKind::InvalidArgument);
    assert_eq!(kind(Array::from_vec([usize::MAX], vec![0.0f32; 6])), ErrorKind::InvalidArgument);
    assert_eq!(kind(Array::zeros(Dtype::Float32, [usize::MAX])), ErrorKind::InvalidArgument);
    assert_eq!(kind(Array::zeros(Dtype::Unknown(12345), [1])), ErrorKind::InvalidArgument);
    assert_eq!(kind("float31".parse::<Dtype>()), ErrorKind::InvalidArgument);
    assert_eq!(kind("float32\0".parse::<Dtype>()), ErrorKind::InvalidArgument);
}

#[test]
fn bytes_that_are_no_bools_are_no_bool_slice() {
    let array = Array::from_bytes(Dtype::Bool, [3], &[0, 1, 1]).unwrap();
    assert_eq!(array.as_slice::<bool>().unwrap(), [false, true, true]);
    let mut array = array;
    array.as_bytes_mut().unwrap()[1] = 7;
    assert_eq!(kind(array.as_slice::<bool>()), ErrorKind::Type);
    assert_eq!(kind(array.as_slice_mut::<bool>()), ErrorKind::Type);
    assert_eq!(array.as_bytes().unwrap(), [0, 7, 1]);
}

#[test]
fn changes_are_seen_by_nobody_else() {
    let mut array = Array::from_vec([2, 2], vec![1, 2, 3, 4]).unwrap();
    let before = array.data();
    array.as_slice_mut::<i32>().unwrap()[0] = 10;
    assert_eq!(array.data(), before, "memory that is not shared is not copied");
    let clone = array.clone();
    let view = array.transpose().unwrap();
    array.as_slice_mut::<i32>().unwrap()[1] = 20;
    assert_eq!(array.as_slice::<i32>().unwrap(), [10, 20, 3, 4]);
    assert_eq!(clone.as_slice::<i32>().unwrap(), [10, 2, 3, 4]);
    assert_eq!(view.to_vec::<i32>().unwrap(), [10, 3, 2, 4]);
    assert_ne!(array.data(), before);
    assert!(array != clone && clone == clone.clone());
    // A view with strides is made contiguous first.
    drop(clone);
    let mut view = view;
    view.as_slice_mut::<i32>().unwrap()[1] = 30;
    assert_eq!(view.as_slice::<i32>().unwrap(), [10, 30, 2, 4]);
}

#[test]
fn owners_keep_their_memory_until_the_last_array_goes() {
    struct Owner(Vec<f64>, Arc<AtomicUsize>);
    impl AsRef<[f64]> for Owner {
        fn as_ref(&self) -> &[f64] {
            &self.0
        }
    }
    impl Drop for Owner {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let mut array = Array::from_owner([3], Owner(vec![1.0, 2.0, 3.0], drops.clone())).unwrap();
    let view = array.slice(1..).unwrap();
    array.as_slice_mut::<f64>().unwrap()[1] = 0.0;
    drop(array);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    assert_eq!(view.as_slice::<f64>().unwrap(), [2.0, 3.0]);
    thread::spawn(move || drop(view)).join().unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    assert_eq!(kind(Array::from_owner([4], Owner(vec![1.0], drops.clone()))), ErrorKind::InvalidArgument);
    assert_eq!(drops.load(Ordering::Relaxed), 2, "a failed call also drops the owner");
    // The slice may be inside the owner.
    let array = Array::from_owner([2], [1u8, 2]).unwrap();
    assert_eq!(array.as_slice::<u8>().unwrap(), [1, 2]);
}

#[test]
fn wrapped_memory_may_have_any_strides() {
    let numbers: Vec<i32> = (0..12).collect();
    let (data, nbytes) = (numbers.as_ptr().cast_mut().cast(), 48);
    // SAFETY: the array owns the vector, and nothing changes it.
    let array = unsafe {
        Array::from_raw_parts(Dtype::Int32, [2, 3, 2], Some(&[4, 16, 0]), data, nbytes, false, numbers).unwrap()
    };
    assert_eq!(array.strides(), Some(&[4, 16, 0][..]));
    assert_eq!(array.to_vec::<i32>().unwrap(), [0, 0, 4, 4, 8, 8, 1, 1, 5, 5, 9, 9]);
    assert_eq!(array.permute([2, 1, 0]).unwrap().to_vec::<i32>().unwrap(), [0, 1, 4, 5, 8, 9, 0, 1, 4, 5, 8, 9]);
    // SAFETY: the call fails before it accesses the memory.
    let wrong = unsafe { Array::from_raw_parts(Dtype::Int32, [2, 3], Some(&[4]), std::ptr::null_mut(), 0, false, ()) };
    assert_eq!(kind(wrong), ErrorKind::InvalidArgument);
    let blocks = Array::zeros(Dtype::Q4_0, [2, 32]).unwrap();
    assert_eq!((blocks.strides(), blocks.nbytes()), (None, 36));
}

#[test]
fn slices_are_pythons() {
    let array = Array::from_vec([3, 4], (0..12).collect::<Vec<i64>>()).unwrap();
    let part = array.slice((Slice::from(..).step(-2), Slice::new(1, -1))).unwrap();
    assert_eq!((part.shape(), part.to_vec::<i64>().unwrap()), (&[2, 2][..], vec![9, 10, 1, 2]));
    assert_eq!(array.slice((2..100,)).unwrap().to_vec::<i64>().unwrap(), [8, 9, 10, 11]);
    assert_eq!(array.slice([Slice::ALL; 0]).unwrap(), array);
    assert_eq!(kind(array.slice(Slice::ALL.step(0))), ErrorKind::InvalidArgument);
    assert_eq!(kind(array.slice([Slice::ALL; 3])), ErrorKind::InvalidArgument);
}

#[test]
fn casts_and_items() {
    let array = Array::from_slice([3], &[1.5f32, -2.5, f32::NAN]).unwrap();
    assert_eq!(array.cast(Dtype::Int8).unwrap().as_slice::<i8>().unwrap(), [1, -2, 0]);
    let bfloat16 = Options::new().threads(1).cast(&array, Dtype::BFloat16).unwrap();
    assert_eq!(bfloat16.as_bytes().unwrap()[..2], 0x3fc0u16.to_ne_bytes());
    assert_eq!(bfloat16.item_as_f64([1]).unwrap(), -2.5);
    assert_eq!(Array::scalar(7u8).item_as_i64([]).unwrap(), 7);
    assert_eq!(Array::scalar(7u8).item::<u8>([]).unwrap(), 7);
    assert_eq!(kind(Array::scalar([1f32, 2.0]).cast(Dtype::Float32)), ErrorKind::Type);
}

#[test]
fn maps_are_collections() {
    let mut arrays = Arrays::from([("b", Array::from([1u16, 2])), ("a", Array::scalar(1.5f32))]);
    assert!(arrays.insert("c", vec![1i8]).is_none());
    assert_eq!(arrays.insert("a", [2.5f64]).unwrap(), Array::scalar(1.5f32));
    assert_eq!(arrays.keys().collect::<Vec<_>>(), ["b", "a", "c"]);
    assert_eq!((arrays.position("a"), arrays.get_index(2).unwrap().0), (Some(1), "c"));
    assert!(arrays.get("d").is_none() && !arrays.contains_key("d") && arrays.get_index(3).is_none());
    arrays["a"].as_slice_mut::<f64>().unwrap()[0] = 3.5;
    arrays.get_mut("b").unwrap().as_slice_mut::<u16>().unwrap()[0] = 7;
    assert_eq!(arrays["a"].to_vec::<f64>().unwrap(), [3.5]);
    for (_, array) in &mut arrays {
        *array = array.cast(Dtype::Int64).unwrap();
    }
    arrays.values_mut().for_each(|array| *array = array.cast(Dtype::Int32).unwrap());
    assert_eq!(arrays.values().map(|array| array.to_vec::<i32>().unwrap()).collect::<Vec<_>>().concat(), [7, 2, 3, 1]);
    assert_eq!(arrays.remove("b").unwrap().into_vec::<i32>().unwrap(), [7, 2]);
    assert!(arrays.remove("b").is_none());

    let mut other = arrays.clone();
    other.extend([("x", [1u8]), ("y", [2u8])]);
    other.retain(|name, _| name != "x");
    assert_eq!(other.iter().rev().map(|(name, _)| name).collect::<Vec<_>>(), ["y", "c", "a"]);
    assert!(other != arrays && arrays == arrays.clone());
    let collected: Arrays = other.into_iter().filter(|(name, _)| name != "y").collect();
    assert_eq!(collected, arrays);
    assert_eq!(Arrays::default().len(), 0);
    arrays.clear();
    assert!(arrays.is_empty());
    let ones: Array = std::iter::repeat_n(1.0f32, 3).collect();
    assert_eq!((ones.shape(), ones.to_vec_as::<u8>().unwrap()), (&[3][..], vec![1, 1, 1]));
}

#[test]
fn values_are_rusts_own() {
    let (vector, strings) = (vec![1i16, 2], vec!["x".to_string(), "é".to_string()]);
    let mut dict = Dict::new();
    dict.insert("array", &vector);
    dict.insert("slice", &vector[1..]);
    dict.insert("text", "a\0b");
    dict.insert("list", &strings);
    dict.insert("texts", vec!["x", "y"]);
    dict.insert("dict", Dict::from([("n", 1.5)]));
    dict.insert("number", -5);
    dict.insert("size", vector.len());
    dict.insert("flag", true);
    dict.insert("bytes", Value::Bytes(vec![0xff]));

    assert_eq!(dict["array"].as_array().unwrap().as_slice::<i16>().unwrap(), [1, 2]);
    assert_eq!((&dict["number"], &dict["size"]), (&Value::I32(-5), &Value::U64(2)));
    assert_eq!(dict["text"].as_str(), Some("a\0b"));
    assert_eq!(dict["list"].as_strings().unwrap(), ["x", "é"]);
    assert_eq!(dict["dict"].as_dict().unwrap()["n"].as_f64(), Some(1.5));
    assert_eq!((dict["bytes"].as_str(), dict["bytes"].as_bytes()), (None, Some(&b"\xff"[..])));
    assert_eq!((dict["flag"].as_bool(), dict["flag"].as_i64(), dict["number"].as_u64()), (Some(true), None, None));

    assert_eq!(dict.try_get::<i8>("number").unwrap(), -5);
    assert_eq!(dict.try_get::<&[String]>("texts").unwrap(), ["x", "y"]);
    let error = dict.try_get::<u8>("number").unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Type, "value 'number': -5 does not fit into u8"));
    let error = dict.try_get::<f64>("number").unwrap_err();
    assert_eq!(error.message(), "value 'number': expected an f32 or f64, found an i32");
    assert_eq!(kind(dict.try_get::<&str>("bytes")), ErrorKind::Type);
    let error = dict.try_get::<&Dict>("missing").unwrap_err();
    assert_eq!((error.kind(), error.name()), (ErrorKind::NotFound, Some("missing")));

    let clone = dict.clone();
    dict.get_mut("dict").and_then(Value::as_dict_mut).unwrap().insert("n", 2.5f32);
    dict.get_mut("array").and_then(Value::as_array_mut).unwrap().as_slice_mut::<i16>().unwrap()[0] = 9;
    assert_eq!(clone["dict"].as_dict().unwrap()["n"], Value::F64(1.5));
    assert_eq!(clone["array"].as_array().unwrap().item::<i16>([0]).unwrap(), 1);
    assert_eq!(String::try_from(clone["text"].clone()).unwrap(), "a\0b");
    assert_eq!(kind(Array::try_from(clone["text"].clone())), ErrorKind::Type);
    assert_eq!(kind(Arrays::try_from(clone)), ErrorKind::Type);
}

#[test]
fn printing_shows_what_is_inside() {
    let array = Array::from_slice([2, 3], &[1.0f32, -2.5, 0.1, 1e30, f32::NAN, f32::INFINITY]).unwrap();
    assert_eq!(array.to_string(), "float32[2, 3] [[1.0, -2.5, 0.1], [1e30, NaN, inf]]");
    assert_eq!(format!("{:?}", array.transpose().unwrap()), "float32[3, 2] [[1.0, 1e30], [-2.5, NaN], [0.1, inf]]");
    assert_eq!(
        format!("{:?}", array.cast(Dtype::Float16).unwrap().slice(..1).unwrap()),
        "float16[1, 3] [[1.0, -2.5, 0.099975586]]"
    );
    let large: Array = (0..1000u64).map(|n| u64::MAX - n).collect();
    let (first, last) = (
        "18446744073709551615, 18446744073709551614, 18446744073709551613",
        "18446744073709550618, 18446744073709550617, 18446744073709550616",
    );
    assert_eq!(large.to_string(), format!("uint64[1000] [{first}, ..., {last}]"));
    assert_eq!(Array::from([true, false]).to_string(), "bool[2] [true, false]");
    assert_eq!(Array::scalar([1.0f32, -2.0]).to_string(), "complex64[] 1.0-2.0i");
    assert_eq!(Array::zeros(Dtype::Q4_0, [2, 32]).unwrap().to_string(), "q4_0[2, 32]");
    assert_eq!(Array::zeros(Dtype::Int8, [0, 1 << 40]).unwrap().to_string(), "int8[0, 1099511627776] []");

    let mut dict = Dict::from([("layers", Value::from(12u32)), ("name", "x".into())]);
    dict.insert("tokens", (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    dict.insert("scores", [1.5f32]);
    let tokens = (0..16).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
    assert_eq!(
        dict.to_string(),
        format!(r#"{{"layers": 12, "name": "x", "tokens": [{tokens}, ... 4 more], "scores": float32[1] [1.5]}}"#)
    );
    assert_eq!(format!("{} {:?}", dict["name"], dict["name"]), r#"x "x""#);

    let arrays = Arrays::from([("a", [1i8])]);
    let bytes = tensorfile::to_bytes(Format::Npz, &arrays).unwrap();
    let loaded = tensorfile::load_bytes(&bytes).unwrap();
    assert_eq!(loaded.to_string(), r#"Loaded { arrays: {"a": int8[1] [1]}, metadata: {} }"#);
    assert_eq!(Options::new().open_bytes(&bytes).unwrap().to_string(), r#"npz {"a": int8[1]}"#);
}

#[test]
#[should_panic(expected = "there is no 'missing' among 0 names")]
fn indexing_with_an_unknown_name_panics() {
    let _ = &Dict::new()["missing"];
}

#[test]
fn arrays_in_maps_are_changed_in_place() {
    let mut arrays = Arrays::from([("a", vec![1.0f32; 4])]);
    let before = arrays["a"].data();
    arrays["a"].as_slice_mut::<f32>().unwrap()[0] = 5.0;
    assert_eq!(arrays["a"].as_slice::<f32>().unwrap(), [5.0, 1.0, 1.0, 1.0]);
    assert_eq!(arrays["a"].data(), before);
}

#[test]
fn trees() {
    let folder = Folder::new();
    let mut flat = Arrays::new();
    flat.insert("layers.0.w", vec![1.0f32, 2.0]);
    flat.insert("layers.1.w", vec![3.0f32]);
    let tree = flat.unflatten().unwrap();
    let first: &Dict = tree.try_get::<&Dict>("layers").unwrap().try_get("0").unwrap();
    assert_eq!(first["w"].as_array().unwrap().as_slice::<f32>().unwrap(), [1.0, 2.0]);
    assert_eq!(tree.flatten().unwrap().keys().collect::<Vec<_>>(), ["layers.0.w", "layers.1.w"]);

    let mut other = flat.clone();
    assert!(other.remove("layers.0.w").is_some());
    other.insert("layers.1.w", [1i8, 2]);
    other.insert("more", Array::scalar(1));
    let compared = other.compare(&tree).unwrap();
    assert_eq!(compared.missing, ["layers.0.w"]);
    assert_eq!(compared.unexpected, ["more"]);
    assert_eq!(compared.shape, ["layers.1.w"]);
    assert!(!compared.is_match() && flat.compare(&tree).unwrap().is_match());

    let path = folder.path("w.safetensors");
    tensorfile::save_weights(&path, &tree).unwrap();
    let loaded = tensorfile::load_weights(&path).unwrap();
    assert!(loaded.compare(&tree).unwrap().is_match());
    assert_eq!(kind(Options::new().load_weights_like(&path, &other)), ErrorKind::Mismatch);
    let lax = Options::new().strict(false).load_weights_like(&path, &other).unwrap();
    assert_eq!(lax["more"].as_array().unwrap().item::<i32>([]).unwrap(), 1);
    flat.insert("layers", [1]);
    assert_eq!(kind(flat.unflatten()), ErrorKind::Duplicate);
}

#[test]
fn checks_report_every_fault() {
    let folder = Folder::new();
    let path = folder.path("a.safetensors");
    let mut arrays = Arrays::new();
    arrays.insert("x", [1u8, 2]);
    tensorfile::save_safetensors(&path, &arrays, None).unwrap();
    assert_eq!(tensorfile::check(&path).unwrap(), CheckReport::default());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.push(0);
    std::fs::write(&path, bytes).unwrap();
    let found = tensorfile::check(&path).unwrap();
    assert_eq!((found.faults.len(), found.excused.len()), (1, 0));
    assert!(found.faults[0].starts_with("corrupt: "), "{}", found.faults[0]);
    assert!(found.faults[0].ends_with("; Options::lenient accepts this"), "{}", found.faults[0]);
    let bytes = std::fs::read(&path).unwrap();
    let unnamed = found.faults[0].replacen(&format!("{}: ", path.display()), "", 1);
    assert_eq!(Options::new().check_bytes(&bytes).unwrap().faults, [unnamed]);
    let source = Source::open(&path).unwrap();
    assert_eq!(Options::new().check_source(&source).unwrap(), found);
    assert_eq!(Options::new().lenient(true).check_source(&source).unwrap().faults, Vec::<String>::new());
    let other = Options::new().format(Format::Gguf).check_bytes(&bytes).unwrap();
    assert!(other.faults[0].starts_with("format: "), "{other:?}");
    let lenient = Options::new().lenient(true).check(&path).unwrap();
    assert_eq!((lenient.faults.len(), lenient.excused.len()), (0, 1));
    assert_eq!(kind(tensorfile::check(folder.path("missing.npy"))), ErrorKind::NotFound);
}

#[test]
fn all_formats_there_and_back() {
    let folder = Folder::new();
    let arrays = Arrays::from([
        ("x", Array::from_vec([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap()),
        ("y", Array::from([-1i8, 1]).cast(Dtype::Float16).unwrap()),
    ]);
    let metadata = Dict::from([("general.architecture", "test")]);

    tensorfile::save_npy(folder.path("one.npy"), &arrays["x"]).unwrap();
    assert_eq!(tensorfile::load_array(folder.path("one.npy")).unwrap(), arrays["x"]);
    assert_eq!(tensorfile::load(folder.path("one.npy")).unwrap().into_array().unwrap(), arrays["x"]);

    tensorfile::save_npz(folder.path("stored.npz"), &arrays).unwrap();
    tensorfile::save_npz_compressed(folder.path("deflated"), &arrays).unwrap();
    tensorfile::save_safetensors(folder.path("a.safetensors"), &arrays, Some(&metadata)).unwrap();
    tensorfile::save_gguf(folder.path("a.gguf"), &arrays, Some(&metadata)).unwrap();
    for name in ["stored.npz", "deflated.npz", "a.safetensors", "a.gguf"] {
        let path = folder.path(name);
        let loaded = tensorfile::load(&path).unwrap();
        assert_eq!(loaded["x"], arrays["x"], "{name}");
        assert_eq!(loaded["y"], arrays["y"], "{name}");
        assert_eq!(loaded.metadata.contains_key("general.architecture"), name.starts_with("a."), "{name}");
        assert_eq!(kind(tensorfile::load_array(&path)), ErrorKind::Type, "{name}");
        assert_eq!(kind(loaded.clone().into_array()), ErrorKind::Type, "{name}");

        let format = Format::from_path(&path);
        assert_eq!(Format::probe(&std::fs::read(&path).unwrap()[..16]), format);
        let bytes = tensorfile::to_bytes(format, &loaded).unwrap();
        assert_eq!(tensorfile::load_bytes(&bytes).unwrap(), loaded);
        let mut written = Vec::new();
        let metadata = name.starts_with("a.").then_some(&metadata);
        Options::new().save_to(&mut written, format, (&arrays, metadata)).unwrap();
        assert_eq!(written, *bytes, "{name}");
        assert_eq!(Format::probe(&bytes.clone()), format);
        // By the extension, the same bytes.
        let again = folder.path("again").with_extension(format.name());
        tensorfile::save(&again, &loaded).unwrap();
        assert_eq!(std::fs::read(&again).unwrap(), written, "{name}");
    }
    tensorfile::save(folder.path("two.npy"), &arrays["x"]).unwrap();
    let loaded = tensorfile::load(folder.path("two.npy")).unwrap();
    tensorfile::save(folder.path("three.npy"), &loaded).unwrap();
    assert_eq!(tensorfile::load_array(folder.path("three.npy")).unwrap(), arrays["x"]);
    let error = tensorfile::save(folder.path("x.npz"), &arrays["x"]).unwrap_err();
    assert_eq!(error.message(), "npz holds arrays with names, got an array without one");
    assert_eq!(kind(tensorfile::to_bytes(Format::Auto, &arrays)), ErrorKind::InvalidArgument);
    assert_eq!(kind(tensorfile::load("a\0b.npy")), ErrorKind::InvalidArgument);
}

#[test]
fn numbers_in_metadata_keep_their_types() {
    let mut metadata = Dict::new();
    metadata.insert("i8", -1i8);
    metadata.insert("i16", -2i16);
    metadata.insert("i32", -3);
    metadata.insert("i64", i64::MIN);
    metadata.insert("u8", 1u8);
    metadata.insert("u16", 2u16);
    metadata.insert("u32", 3u32);
    metadata.insert("u64", u64::MAX);
    metadata.insert("f32", 0.1f32);
    metadata.insert("f64", 0.1);
    metadata.insert("bool", true);
    metadata.insert("text", "x");
    metadata.insert("texts", ["x", "y"]);
    metadata.insert("array", [1u16, 2]);
    let nested = Dict::from([("0", Value::from([1i8, 2])), ("1", [3i8].into())]);
    metadata.insert("nested", nested);
    let arrays = Arrays::from([("step", Array::scalar(5i64))]);
    let bytes = tensorfile::to_bytes(Format::Gguf, (&arrays, &metadata)).unwrap();
    let loaded = tensorfile::load_bytes(&bytes).unwrap();
    assert_eq!(loaded.metadata, metadata);
    assert_eq!(loaded["step"].item::<i64>([]).unwrap(), 5, "arrays stay arrays");
    assert_eq!(*Options::new().open_bytes(&bytes).unwrap().metadata(), metadata);
    assert_eq!(tensorfile::to_bytes(Format::Gguf, &loaded).unwrap()[..], bytes[..]);
}

#[test]
fn metadata_are_replaced_without_the_arrays() {
    let folder = Folder::new();
    let path = folder.path("a.safetensors");
    // A header of 120 bytes: the JSON text, and spaces up to a multiple of 64 bytes with its length.
    let header = r#"{"__metadata__":{"k":"v"},"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}}"#;
    std::fs::write(&path, [&120u64.to_le_bytes()[..], format!("{header:120}abc").as_bytes()].concat()).unwrap();
    let changed = |value: &str| format!("{:120}abc", header.replace(r#""v""#, &format!("{value:?}")));
    for (value, options) in [("a longer value", Options::new()), ("w", Options::new().atomic(false))] {
        options.save_metadata(&path, &Dict::from([("k", value)])).unwrap();
        assert_eq!(&std::fs::read(&path).unwrap()[8..], changed(value).as_bytes());
    }
    let long = Dict::from([("k", "x".repeat(100))]);
    assert_eq!(kind(Options::new().atomic(false).save_metadata(&path, &long)), ErrorKind::Unsupported);
    tensorfile::save_metadata(&path, &Dict::new()).unwrap();
    assert!(File::open(&path).unwrap().metadata().is_empty());
    assert_eq!(kind(tensorfile::save_metadata(folder.path("none.gguf"), &long)), ErrorKind::NotFound);
    assert!(Format::Safetensors.abilities().header_slack && !Format::Gguf.abilities().header_slack);
}

#[test]
fn lists_of_numbers_in_metadata_are_vectors() {
    let mut metadata = Dict::new();
    metadata.insert("u32", [1u32, u32::MAX]);
    metadata.insert("u8", [1u8]);
    metadata.insert("flags", [true, false]);
    metadata.insert("none", Vec::<f32>::new());
    metadata.insert("text", "x");
    metadata.insert("one", 1u32);
    let bytes = tensorfile::to_bytes(Format::Gguf, (&Arrays::new(), &metadata)).unwrap();
    let mut loaded = tensorfile::load_bytes(&bytes).unwrap();
    assert_eq!(loaded.metadata.try_get::<Vec<u32>>("u32").unwrap(), [1, u32::MAX]);
    assert_eq!(loaded.metadata.try_get::<Vec<u8>>("u8").unwrap(), [1]);
    assert_eq!(loaded.metadata.try_get::<Vec<bool>>("flags").unwrap(), [true, false]);
    assert_eq!(loaded.metadata.try_get::<Vec<f32>>("none").unwrap(), []);
    assert_eq!(loaded.metadata["u32"].as_slice(), Some(&[1, u32::MAX][..]));
    assert_eq!(loaded.metadata["u32"].as_slice::<i32>(), None);
    assert_eq!(Value::from([1u32]).as_slice::<u32>(), Some(&[1][..]));
    for (name, expected) in [
        ("u32", "value 'u32': expected a list of int32, found uint32[2]"),
        ("text", "value 'text': expected a list of int32, found a string"),
        ("one", "value 'one': expected a list of int32, found a u32"),
    ] {
        let error = loaded.metadata.try_get::<Vec<i32>>(name).unwrap_err();
        assert_eq!((error.kind(), error.message(), error.name()), (ErrorKind::Type, expected, Some(name)));
    }
    let matrix = Value::from(Array::from_slice([1, 2], &[1i32, 2]).unwrap());
    let error = Vec::<i32>::try_from(&matrix).unwrap_err();
    assert_eq!(error.message(), "expected a list of int32, found int32[1, 2]");
    let error = Vec::<i32>::try_from(matrix).unwrap_err();
    assert_eq!(error.message(), "expected a list of int32, found int32[1, 2]");
    // A list that was taken out, changed and put back is saved with its type.
    let mut list = Vec::<u32>::try_from(loaded.metadata.remove("u32").unwrap()).unwrap();
    list.push(7);
    loaded.metadata.insert("u32", &list);
    assert_eq!(loaded.metadata["u32"].as_array().unwrap().dtype(), Dtype::UInt32);
    let again = tensorfile::to_bytes(Format::Gguf, &loaded).unwrap();
    assert_eq!(tensorfile::load_bytes(&again).unwrap().metadata.try_get::<Vec<u32>>("u32").unwrap(), list);
}

#[test]
fn files_are_read_in_parts() {
    let folder = Folder::new();
    let path = folder.path("f.safetensors");
    let mut arrays = Arrays::new();
    arrays.insert("n", Array::from_vec([3, 4], (0..12).collect::<Vec<i32>>()).unwrap());
    arrays.insert("flags", [true, false]);
    tensorfile::save_safetensors(&path, &arrays, None).unwrap();

    let file = File::open(&path).unwrap();
    assert_eq!((file.len(), file.format()), (2, Format::Safetensors));
    assert!(file.metadata().is_empty());
    let entry = file.get("n").unwrap();
    assert_eq!((entry.dtype(), entry.shape(), entry.ndim(), entry.nbytes()), (Dtype::Int32, &[3, 4][..], 2, 48));
    assert_eq!((entry.len(), entry.is_empty()), (12, false));
    assert_eq!(entry.read_vec::<i32>().unwrap(), (0..12).collect::<Vec<_>>());
    assert_eq!(entry.read_as::<u8>().unwrap()[11], 11);
    // Conversions are asked for by name.
    let mut floats = [0.0f64; 12];
    let error = entry.read_into(&mut floats).unwrap_err();
    assert_eq!(error.message(), "array 'n': expected elements of float64, found int32");
    assert_eq!((error.kind(), kind(entry.read_vec::<f32>())), (ErrorKind::Type, ErrorKind::Type));
    entry.read_into_as(&mut floats).unwrap();
    assert_eq!(floats[11], 11.0);
    let error = entry.read_into_as(&mut floats[1..]).unwrap_err();
    assert_eq!(error.message(), "shape [3, 4] needs 12 elements, got 11");
    let part = entry.slice((1.., ..2));
    assert_eq!((part.shape(), part.len()), (vec![2, 2], 4));
    assert_eq!(part.read().unwrap().as_slice::<i32>().unwrap(), [4, 5, 8, 9]);
    assert_eq!(part.read_vec::<i32>().unwrap(), [4, 5, 8, 9]);
    assert_eq!(part.read_as::<f32>().unwrap(), [4.0, 5.0, 8.0, 9.0]);
    let mut few = [0i32; 4];
    part.read_into(&mut few).unwrap();
    assert_eq!(few, [4, 5, 8, 9]);
    assert_eq!(entry.slice(Slice::ALL.step(-2)).read_vec::<i32>().unwrap(), [8, 9, 10, 11, 0, 1, 2, 3]);
    assert_eq!(kind(entry.slice(Slice::ALL.step(0)).read()), ErrorKind::InvalidArgument);
    let mut bits = [false; 12];
    entry.read_into_as(&mut bits).unwrap();
    assert_eq!(bits.iter().filter(|bit| **bit).count(), 11);
    let location = entry.location().unwrap();
    assert_eq!(location.path, Some(path.as_path()));
    let bytes = std::fs::read(&path).unwrap();
    let at = usize::try_from(location.offset).unwrap();
    assert_eq!(bytes[at..at + 8], [0i32.to_le_bytes(), 1i32.to_le_bytes()].concat());
    assert_eq!((location.stored_bytes, location.deflated), (48, false));
    assert!(!location.big_endian && !location.fortran_order);
    assert_eq!(entry.type_name().unwrap(), "int32");
    assert_eq!(entry.read_raw().unwrap().as_slice::<u8>().unwrap(), &bytes[at..at + 48]);
    assert!(file.others().unwrap().is_empty() && file.notes().unwrap().is_empty());
    assert!(file.get("missing").is_none());
    assert_eq!(kind(file.read("missing")), ErrorKind::NotFound);
    assert_eq!(file.iter().rev().map(|entry| entry.name()).collect::<Vec<_>>(), ["flags", "n"]);
    assert_eq!(format!("{entry:?} {part:?}"), r#""n": int32[3, 4] "n": int32[2, 2]"#);

    let clone = file.clone();
    drop(file);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(clone.read("flags").unwrap().as_slice::<bool>().unwrap(), [true, false]));
        }
    });
    let opened = Options::new().open_bytes(&bytes).unwrap();
    assert_eq!(opened.read("n").unwrap(), clone.read("n").unwrap());
    assert_eq!(opened.entry("n").unwrap().location().unwrap().path, None);
    let source = Source::open(&path).unwrap();
    let opened = Options::new().open_source(&source.clone()).unwrap();
    assert_eq!(opened.read("n").unwrap(), clone.read("n").unwrap());
}

#[test]
fn plans_read_in_one_go() {
    let mut arrays = Arrays::new();
    arrays.insert("n", Array::from_vec([3, 4], (0..12).collect::<Vec<i32>>()).unwrap());
    arrays.insert("flags", [true, false]);
    let bytes = Options::new().compress(true).to_bytes(Format::Npz, &arrays).unwrap();
    let file = Options::new().open_bytes(&bytes).unwrap();
    let (n, flags) = (file.entry("n").unwrap(), file.entry("flags").unwrap());

    let (mut whole, mut part, mut bools, mut raw) = ([0i32; 12], [0.0f32; 4], [true; 2], [9u8; 2]);
    let mut turned = [0i64; 12];
    let mut plan = file.plan().unwrap();
    assert_eq!(plan.add(n, &mut whole).unwrap(), 0);
    assert_eq!(plan.add_as(n.slice((1.., ..2)), &mut part).unwrap(), 1);
    plan.add(flags, &mut bools).unwrap();
    plan.add_bytes(flags, &mut raw).unwrap();
    // SAFETY: the memory is not used until the plan has run, and the strides place every element inside of it.
    unsafe { plan.add_raw(n, Dtype::Int64, turned.as_mut_ptr().cast(), Some(&[8, 24]), 96) }.unwrap();
    assert_eq!(format!("{plan:?}"), "ReadPlan of 5 entries");
    let mut seen = Vec::new();
    plan.run_with(|number, bytes| {
        seen.push((number, bytes.len()));
        ControlFlow::Continue(())
    })
    .unwrap();
    seen.sort_unstable();
    assert_eq!(seen, [(0, 48), (1, 16), (2, 2), (3, 2), (4, 0)]);
    assert_eq!(whole, *arrays["n"].as_slice::<i32>().unwrap());
    assert_eq!((part, bools, raw), ([4.0, 5.0, 8.0, 9.0], [true, false], [1, 0]));
    assert_eq!(turned, [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);

    let mut plan = file.plan().unwrap();
    let error = plan.add(n, &mut part).unwrap_err();
    assert_eq!(error.message(), "array 'n': expected elements of float32, found int32");
    let error = plan.add_as(n, &mut turned[..3]).unwrap_err();
    assert_eq!(error.message(), "shape [3, 4] needs 12 elements, got 3");
    let other = Options::new().open_bytes(&bytes).unwrap();
    let error = plan.add_bytes(other.entry("flags").unwrap(), &mut raw).unwrap_err();
    assert_eq!(error.message(), "array 'flags' is in another file than that of the plan");
    plan.run().unwrap();
    let mut plan = file.plan().unwrap();
    plan.add(n, &mut whole).unwrap();
    assert_eq!(kind(plan.run_with(|_, _| ControlFlow::Break(()))), ErrorKind::Cancelled);
}

#[test]
fn saves_can_be_checked_first() {
    let arrays = Arrays::from([("x", Array::scalar([1.0f64, 2.0])), ("", Array::from([1u8]))]);
    let metadata = Dict::from([("n", 1u8)]);
    let found = Options::new().check_save(Format::Safetensors, (&arrays, &metadata)).unwrap();
    let found: Vec<_> = found.iter().map(|f| (f.subject.as_str(), f.name.as_str(), f.problem.as_str())).collect();
    assert_eq!(found, [("array", "x", "dtype"), ("metadata", "n", "kind")]);
    assert!(Options::new().check_save(Format::Npz, &arrays).unwrap().iter().all(|finding| finding.name != "x"));
    assert_eq!(kind(Options::new().check_save(Format::Auto, &arrays)), ErrorKind::InvalidArgument);
}

/// Returns a copy of bytes at an address that is a multiple of 64 plus `offset`, and the start in the copy.
fn placed(bytes: &[u8], offset: usize) -> (Vec<u8>, usize) {
    let mut copy = vec![0; bytes.len() + 128];
    let start = copy.as_ptr().align_offset(64) + offset;
    copy[start..start + bytes.len()].copy_from_slice(bytes);
    (copy, start)
}

#[test]
fn views_borrow_the_bytes() {
    let arrays = Arrays::from([("w", Array::from_slice([2, 2], &[1.0f32, 2.0, 3.0, 4.0]).unwrap())]);
    let metadata = Dict::from([("general.architecture", Value::from("x")), ("scores", [1.5f32; 100].into())]);
    for format in [Format::Npz, Format::Safetensors, Format::Gguf] {
        let metadata = (format == Format::Gguf).then_some(&metadata);
        let bytes = tensorfile::to_bytes(format, (&arrays, metadata)).unwrap();
        let (bytes, start) = placed(&bytes, 0);
        let bytes = &bytes[start..];
        let bytes = &bytes[..bytes.len() - (128 - start)];
        let view = tensorfile::view(bytes).unwrap();
        let w = &view["w"];
        assert!(w.is_borrowed(), "{format}");
        assert_eq!(*w, arrays["w"]);
        assert_eq!((w.dtype(), w.ndim(), w.shape(), w.len(), w.nbytes()), (Dtype::Float32, 2, &[2, 2][..], 4, 16));
        assert!(bytes.as_ptr_range().contains(&w.as_slice::<f32>().unwrap().as_ptr().cast()));
        let column = w.slice((.., 1..)).unwrap();
        assert!(column.is_borrowed() && !column.is_contiguous());
        assert_eq!(*column.to_cow::<f32>().unwrap(), [2.0, 4.0]);
        assert_eq!(w.transpose().unwrap().permute([1, 0]).unwrap(), *w);
        assert_eq!(w.to_vec_as::<u8>().unwrap(), [1, 2, 3, 4]);
        assert_eq!(kind(w.as_slice::<f64>()), ErrorKind::Type);
        // What is independent of the bytes is not in them.
        let inside = |array: &Array| bytes.as_ptr_range().contains(&array.data());
        assert!(!inside(&w.to_array().unwrap()));
        if metadata.is_some() {
            assert!(!inside(view.metadata["scores"].as_array().unwrap()));
        }
        // Elements outlive the view, but not the bytes.
        let elements = view["w"].to_cow::<f32>().unwrap();
        assert!(matches!(elements, std::borrow::Cow::Borrowed(_)));
        assert_eq!(tensorfile::to_bytes(format, &view).unwrap()[..], *bytes, "{format}");
        drop(view);
        assert_eq!(*elements, [1.0, 2.0, 3.0, 4.0]);
    }
}

#[test]
fn views_copy_what_cannot_be_borrowed() {
    let arrays = Arrays::from([("w", [1.0f64, 2.0])]);
    let bytes = Options::new().compress(true).to_bytes(Format::Npz, &arrays).unwrap();
    let view = tensorfile::view(&bytes).unwrap();
    assert!(!view["w"].is_borrowed());
    assert!(matches!(view["w"].to_cow::<f64>().unwrap(), std::borrow::Cow::Owned(_)));
    let bytes = tensorfile::to_bytes(Format::Npy, &arrays["w"]).unwrap();
    let (bytes, start) = placed(&bytes, 1);
    let view = Options::new().format(Format::Npy).view(&bytes[start..start + 144]).unwrap();
    assert!(!view[""].is_borrowed());
    assert_eq!(view[""].as_slice::<f64>().unwrap(), [1.0, 2.0]);
    assert_eq!(kind(tensorfile::view(b"nothing")), ErrorKind::Format);
}

#[test]
fn mapped_files() {
    let folder = Folder::new();
    let path = folder.path("m.npy");
    tensorfile::save(&path, &Array::from(vec![1.5f64; 1000])).unwrap();
    // SAFETY: nothing changes the file.
    let file = unsafe { File::open_mapped(&path) }.unwrap();
    let mut array = file.read("").unwrap();
    drop(file);
    array.as_slice_mut::<f64>().unwrap()[0] = 0.0;
    assert_eq!(array.as_slice::<f64>().unwrap()[..2], [0.0, 1.5]);
    assert_eq!(tensorfile::load_array(&path).unwrap().item_as_f64([0]).unwrap(), 1.5);
}

#[test]
fn options_have_ranges() {
    let path = Folder::new().path("missing.npy");
    assert_eq!(kind(Options::new().max_rank(65).load(&path)), ErrorKind::InvalidArgument);
    // The error of the first wrong setting is reported, even if later settings are valid.
    let options = Options::new().alignment(3).threads(1);
    assert_eq!(options.load(&path).unwrap_err().message(), "alignment takes 0 or a power of two up to 1048576, not 3");
    assert_eq!(kind(Options::new().format_name("zip").load(&path)), ErrorKind::InvalidArgument);
    assert_eq!(kind(Options::new().max_bytes(u64::MAX).load(&path)), ErrorKind::NotFound);
    assert_eq!(kind(Options::new().open_bytes(&[]).map(|_| ())), ErrorKind::Format);
    let options = Options::new()
        .threads(3)
        .format_name("gguf")
        .exact_path(true)
        .lenient(true)
        .strict(false)
        .parts(true)
        .part_bytes(1 << 30)
        .max_bytes(1 << 40)
        .max_header_bytes(1000)
        .max_arrays(10)
        .max_metadata(10)
        .max_name_bytes(10)
        .max_rank(4)
        .max_nesting(4)
        .durable(true)
        .atomic(false)
        .alignment(4096)
        .compress(true)
        .compression_level(9)
        .zlib(true)
        .decode(Decode::To(Dtype::Float64))
        .skip_unsupported(true)
        .gguf_extended(true);
    // Every option of the library in the order of their numbers.
    // SAFETY: the names are static texts.
    let name = |number| unsafe { std::ffi::CStr::from_ptr(tensorfile::sys::tf_option_name(number)) }.to_str().unwrap();
    let names: Vec<&str> = (1..1000).map(name).filter(|&name| name != "unknown").collect();
    let values: Vec<i64> = names.iter().map(|name| options.get(name).unwrap()).collect();
    assert_eq!(values, [3, 4, 1, 0, 1, 0, 1, 1 << 30, 1 << 40, 1000, 10, 10, 10, 4, 4, 1, 0, 4096, 1, 9, 1, 13, 1, 1]);
    assert_eq!(Options::new().get("max_rank").unwrap(), 64);
    assert_eq!(Options::range("max_rank").unwrap(), 1..=64);
    assert_eq!(Options::range("compression_level").unwrap(), -1..=9);
    assert_eq!(Options::new().set("max_rank", 5).format(Format::Npy).get("max_rank").unwrap(), 5);
    for name in ["nothing", "max_rank\0"] {
        assert_eq!(Options::new().get(name).unwrap_err().message(), format!("there is no option '{name}'"));
        assert_eq!(kind(Options::range(name)), ErrorKind::InvalidArgument);
        assert_eq!(kind(Options::new().set(name, 1).load(&path)), ErrorKind::InvalidArgument);
    }
    let error = Options::new().set("load_mode", 1).load(&path).unwrap_err();
    assert_eq!(error.message(), "load_mode cannot be set by name: call the unsafe method Options::map");
    assert_eq!(
        format!("{:?}", Options::new().threads(2).progress(|_, _| ControlFlow::Continue(()))),
        "Options {threads = 2, progress}"
    );
}

#[test]
fn formats_and_dtypes_say_what_they_can() {
    let formats: Vec<_> = Format::all().take(4).collect();
    assert_eq!(formats, [Format::Npy, Format::Npz, Format::Safetensors, Format::Gguf]);
    assert_eq!((Format::Npz.extension(), Format::Auto.extension()), (".npz", ""));
    assert_eq!("gguf".parse::<Format>().unwrap(), Format::Gguf);
    assert_eq!("zip".parse::<Format>().unwrap_err().message(), r#"no format is named "zip""#);
    let (npy, npz, gguf) = (Format::Npy.abilities(), Format::Npz.abilities(), Format::Gguf.abilities());
    assert!(npy.single_array && npz.compression && npz.text_members && gguf.model_keys && gguf.max_parts > 1);
    assert_eq!((npy.metadata, npz.metadata), (Metadata::None, Metadata::StringLists));
    assert_eq!((Format::Safetensors.abilities().metadata, gguf.metadata), (Metadata::Strings, Metadata::Typed));
    assert_eq!(Format::Unknown(77).abilities(), Format::Auto.abilities());
    assert_eq!((Dtype::BFloat16.kind(), Dtype::Q4K.kind()), (Some(DtypeKind::Float), Some(DtypeKind::Block)));
    assert_eq!((Dtype::Unsupported.kind(), Dtype::Unknown(9999).kind()), (None, None));
    assert!(Dtype::Q4_0.can_encode() && !Dtype::Iq2Xxs.can_encode());
}

#[test]
fn the_systems_reason_survives() {
    let folder = Folder::new();
    std::fs::write(folder.path("file"), b"").unwrap();
    let error = tensorfile::save(folder.path("file/x.npy"), &Array::from([1u8])).unwrap_err();
    let expected = std::fs::write(folder.path("file/x.npy"), b"").unwrap_err();
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::Io, expected.raw_os_error()));
    let cause = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!((cause.kind(), cause.to_string()), (expected.kind(), expected.to_string()));
    assert!(error.to_string().ends_with(": a part of the path is not a folder"), "{error}");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotADirectory);
    let missing = std::io::Error::from(tensorfile::load(folder.path("missing.npy")).unwrap_err());
    assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
    let corrupt = std::io::Error::from(tensorfile::load_bytes(b"\x93NUMPY\x01\0").unwrap_err());
    assert_eq!(corrupt.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn elements_are_set_and_copied() {
    let mut array = Array::from_slice([2, 3], &[1i16, 2, 3, 4, 5, 6]).unwrap();
    let shared = array.clone();
    array.set_item([1, 2], 60i16).unwrap();
    array.set_item_from_i64([0, 0], -10).unwrap();
    array.set_item_from_f64([0, 1], 20.0).unwrap();
    assert_eq!(array.to_vec::<i16>().unwrap(), [-10, 20, 3, 4, 5, 60]);
    assert_eq!(shared.to_vec::<i16>().unwrap(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(kind(array.set_item([1, 2], 1i32)), ErrorKind::Type);
    assert_eq!(kind(array.set_item([2, 0], 1i16)), ErrorKind::InvalidArgument);
    assert_eq!(kind(array.set_item_from_i64([0, 0], 1 << 20)), ErrorKind::InvalidArgument);
    assert_eq!(kind(array.set_item_from_f64([0, 0], 0.5)), ErrorKind::InvalidArgument);
    // An element of a view with strides.
    let mut turned = shared.transpose().unwrap();
    drop(shared);
    turned.set_item([2, 1], 7i16).unwrap();
    assert_eq!(turned.to_vec::<i16>().unwrap(), [1, 4, 2, 5, 3, 7]);

    let mut elements = [0i16; 6];
    turned.copy_to_slice(&mut elements).unwrap();
    assert_eq!(elements, [1, 4, 2, 5, 3, 7]);
    let mut floats = [0.0f32; 6];
    turned.copy_to_slice_as(&mut floats).unwrap();
    assert_eq!(floats, [1.0, 4.0, 2.0, 5.0, 3.0, 7.0]);
    assert_eq!(kind(turned.copy_to_slice(&mut floats)), ErrorKind::Type);
    assert_eq!(kind(turned.copy_to_slice_as(&mut floats[..5])), ErrorKind::InvalidArgument);
    let mut bools = [true; 2];
    Array::from_bytes(Dtype::Bool, [2], &[1, 0]).unwrap().copy_to_slice(&mut bools).unwrap();
    assert_eq!(bools, [true, false]);

    let flat = array.reshape([6]).unwrap();
    assert_eq!((flat.shape(), flat.data()), (&[6][..], array.data()));
    assert_eq!(turned.reshape([2, 3]).unwrap().to_vec::<i16>().unwrap(), elements);
    assert_eq!(array.reshape([4]).unwrap_err().message(), "shape [4] needs 4 elements, got 6");
}

#[test]
fn large_models_are_saved_in_parts() {
    let folder = Folder::new();
    let mut arrays = Arrays::new();
    arrays.insert("a", vec![1.0f32; 1000]);
    arrays.insert("b", vec![2.0f32; 1000]);
    let options = Options::new().part_bytes(5000).parts(true);
    options.save_gguf(folder.path("m.gguf"), &arrays, None).unwrap();
    let loaded = options.load(folder.path("m-00001-of-00002.gguf")).unwrap();
    assert_eq!((loaded.arrays.len(), &loaded["b"]), (2, &arrays["b"]));
    options.save_safetensors(folder.path("m.safetensors"), &arrays, None).unwrap();
    let loaded = tensorfile::load(folder.path("m.safetensors.index.json")).unwrap();
    assert_eq!((loaded.arrays.len(), &loaded["b"]), (2, &arrays["b"]));
}

#[test]
fn blocks_are_decoded_on_load() {
    // A block of q8_0: a float16 scale, here 0.5, and 32 int8.
    let mut block = vec![0x00, 0x38];
    block.extend((0..32u8).map(|i| i.wrapping_sub(16)));
    let mut arrays = Arrays::new();
    arrays.insert("w.weight", Array::from_bytes(Dtype::Q8_0, [1, 32], &block).unwrap());
    let bytes = Options::new().to_bytes(Format::Gguf, &arrays).unwrap();
    let load = |decode| Options::new().decode(decode).load_bytes(&bytes);
    assert_eq!(load(Decode::Keep).unwrap()["w.weight"].as_bytes().unwrap(), block);
    let floats = load(Decode::To(Dtype::Float32)).unwrap();
    assert_eq!(floats["w.weight"].as_slice::<f32>().unwrap()[..3], [-8.0, -7.5, -7.0]);
    let mlx = load(Decode::Mlx).unwrap();
    assert_eq!((mlx["w.weight"].dtype(), mlx["w.scales"].dtype()), (Dtype::UInt32, Dtype::Float16));
    assert_eq!(kind(load(Decode::To(Dtype::Int8))), ErrorKind::InvalidArgument);
}

#[test]
fn limits_are_kept() {
    let mut arrays = Arrays::new();
    arrays.insert("a", vec![0u8; 1000]);
    arrays.insert("b", vec![0u8; 1000]);
    let bytes = Options::new().to_bytes(Format::Npz, &arrays).unwrap();
    assert_eq!(kind(Options::new().max_arrays(1).load_bytes(&bytes)), ErrorKind::Limit);
    assert_eq!(kind(Options::new().max_bytes(1500).load_bytes(&bytes)), ErrorKind::Limit);
    assert_eq!(kind(Options::new().load_bytes(&bytes[..500])), ErrorKind::Truncated);
    let mut corrupt = bytes.to_vec();
    corrupt[1010] ^= 1;
    let error = Options::new().load_bytes(&corrupt).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(error.name().is_some() && error.to_string() == error.message());
}

#[cfg(feature = "ndarray")]
#[test]
fn ndarrays() {
    let array = Array::from_vec([2, 3], (0..6).collect::<Vec<i32>>()).unwrap();
    let view = array.view::<i32>().unwrap();
    assert_eq!(view[[1, 0]], 3);
    assert_eq!(view.as_ptr(), array.as_slice::<i32>().unwrap().as_ptr());
    let turned = array.slice((Slice::ALL.step(-1), Slice::ALL.step(-2))).unwrap();
    assert_eq!(turned.view::<i32>().unwrap().iter().copied().collect::<Vec<_>>(), [5, 3, 2, 0]);
    assert_eq!(turned.view::<i32>().unwrap().shape(), [2, 2]);
    assert_eq!(array.transpose().unwrap().view::<i32>().unwrap(), view.t());
    assert_eq!(kind(array.view::<f32>()), ErrorKind::Type);
    let empty = Array::zeros(Dtype::Float64, [0, 3]).unwrap();
    assert_eq!(empty.transpose().unwrap().view::<f64>().unwrap().shape(), [3, 0]);

    let mut changed = array.clone();
    changed.view_mut::<i32>().unwrap()[[0, 0]] = 9;
    assert_eq!((changed.item_as_i64([0, 0]).unwrap(), array.item_as_i64([0, 0]).unwrap()), (9, 0));

    let native = ndarray::arr2(&[[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    assert_eq!(Array::from_ndarray(&native.t()).unwrap().as_slice::<f32>().unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    let data = native.as_ptr().cast();
    let moved = Array::try_from(native.clone()).unwrap();
    assert_eq!(moved.shape(), [3, 2]);
    let moved_itself = Array::try_from(native).unwrap();
    assert_eq!(moved_itself.data(), data);
    let sliced = ndarray::Array1::from_vec(vec![1u8, 2, 3, 4]).slice_move(ndarray::s![1..3]);
    assert_eq!(Array::try_from(sliced).unwrap().as_slice::<u8>().unwrap(), [2, 3]);

    let blocks = Array::zeros(Dtype::Q8_0, [32]).unwrap();
    assert_eq!(kind(blocks.view::<i8>()), ErrorKind::Type);
    let repeated = [7u8];
    // SAFETY: all elements are at the address of one byte, which the array owns.
    let repeated = unsafe {
        let data = Box::leak(Box::new(repeated)).as_mut_ptr();
        Array::from_raw_parts(Dtype::UInt8, [usize::MAX / 4, 4], Some(&[0, 0]), data, 1, false, Box::from_raw(data))
    };
    assert_eq!(kind(repeated.and_then(|array| array.view::<u8>().map(|_| ()))), ErrorKind::InvalidArgument);
}
