//! Arrays, dicts, files and options.
#![allow(missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use support::Folder;
use tensorfile::{
    Array, Contents, Decode, Dict, Dtype, Element, Error, File, Format, Options, Result, Slice, Source, Status, Value,
};

fn status<T: std::fmt::Debug>(result: Result<T>) -> Status {
    result.expect_err("an error").status()
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
        assert_eq!((copied.dtype(), copied.nbytes()), (T::DTYPE, size_of_val(&elements) as u64));
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
    assert_eq!((error.status(), error.message()), (Status::Type, "expected an array of float64, found float32"));
    assert_eq!(status(array.to_vec::<i32>()), Status::Type);
    assert_eq!(status(array.clone().as_slice_mut::<i32>()), Status::Type);
    assert_eq!(status(array.transpose().unwrap().as_slice::<f32>()), Status::InvalidArgument);
    assert_eq!(status(array.item_i64([0, 0])), Status::Type);
    assert_eq!(status(array.item_f64([0])), Status::InvalidArgument);
    assert_eq!(status(array.item_f64([0, 3])), Status::InvalidArgument);
    assert_eq!(status(Array::from_slice([4], &[0.0f32; 6])), Status::InvalidArgument);
    assert_eq!(status(Array::from_vec([4], vec![0.0f32; 6])), Status::InvalidArgument);
    assert_eq!(status(Array::from_vec([7], vec![0.0f32; 6])), Status::InvalidArgument);
    assert_eq!(status(Array::from_vec([u64::MAX], vec![0.0f32; 6])), Status::InvalidArgument);
    assert_eq!(status(Array::zeros(Dtype::Float32, [-1])), Status::InvalidArgument);
    assert_eq!(status(Array::zeros(Dtype::Unknown(12345), [1])), Status::InvalidArgument);
    assert_eq!(status("float31".parse::<Dtype>()), Status::InvalidArgument);
    assert_eq!(status("float32\0".parse::<Dtype>()), Status::InvalidArgument);
}

#[test]
fn bytes_that_are_no_bools_are_no_bool_slice() {
    let array = Array::from_bytes(Dtype::Bool, [3], &[0, 1, 1]).unwrap();
    assert_eq!(array.as_slice::<bool>().unwrap(), [false, true, true]);
    let mut array = array;
    array.as_bytes_mut().unwrap()[1] = 7;
    assert_eq!(status(array.as_slice::<bool>()), Status::Type);
    assert_eq!(status(array.as_slice_mut::<bool>()), Status::Type);
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
    let view = array.slice(&[(1..).into()]).unwrap();
    array.as_slice_mut::<f64>().unwrap()[1] = 0.0;
    drop(array);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    assert_eq!(view.as_slice::<f64>().unwrap(), [2.0, 3.0]);
    thread::spawn(move || drop(view)).join().unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    assert_eq!(status(Array::from_owner([4], Owner(vec![1.0], drops.clone()))), Status::InvalidArgument);
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
    assert_eq!(array.permute(&[2, 1, 0]).unwrap().to_vec::<i32>().unwrap(), [0, 1, 4, 5, 8, 9, 0, 1, 4, 5, 8, 9]);
    // SAFETY: the call fails before it accesses the memory.
    let wrong = unsafe { Array::from_raw_parts(Dtype::Int32, [2, 3], Some(&[4]), std::ptr::null_mut(), 0, false, ()) };
    assert_eq!(status(wrong), Status::InvalidArgument);
    let blocks = Array::zeros(Dtype::Q4_0, [2, 32]).unwrap();
    assert_eq!((blocks.strides(), blocks.nbytes()), (None, 36));
}

#[test]
fn slices_are_pythons() {
    let array = Array::from_vec([3, 4], (0..12).collect::<Vec<i64>>()).unwrap();
    let part = array.slice(&[Slice::from(..).step(-2), Slice::new(1, -1)]).unwrap();
    assert_eq!((part.shape(), part.to_vec::<i64>().unwrap()), (&[2, 2][..], vec![9, 10, 1, 2]));
    assert_eq!(array.slice(&[(2..100).into()]).unwrap().to_vec::<i64>().unwrap(), [8, 9, 10, 11]);
    assert_eq!(array.slice(&[]).unwrap(), array);
    assert_eq!(status(array.slice(&[Slice::ALL.step(0)])), Status::InvalidArgument);
    assert_eq!(status(array.slice(&[Slice::ALL; 3])), Status::InvalidArgument);
}

#[test]
fn casts_and_items() {
    let array = Array::from_slice([3], &[1.5f32, -2.5, f32::NAN]).unwrap();
    assert_eq!(array.cast(Dtype::Int8).unwrap().as_slice::<i8>().unwrap(), [1, -2, 0]);
    let bfloat16 = Options::new().threads(1).cast(&array, Dtype::BFloat16).unwrap();
    assert_eq!(bfloat16.as_bytes().unwrap()[..2], 0x3fc0u16.to_ne_bytes());
    assert_eq!(bfloat16.item_f64([-2]).unwrap(), -2.5);
    assert_eq!(Array::scalar(7u8).unwrap().item_i64(()).unwrap(), 7);
    assert_eq!(status(Array::scalar([1f32, 2.0]).unwrap().cast(Dtype::Float32)), Status::Type);
}

#[test]
fn dicts_keep_their_order_and_hold_all_kinds() {
    let mut inner = Dict::new().unwrap();
    inner.insert("n", 1.5).unwrap();
    let mut dict = Dict::new().unwrap();
    dict.insert("array", [1u16, 2]).unwrap();
    dict.insert("text", "a\0b").unwrap();
    dict.insert("list", vec!["x".to_string(), "é".to_string()]).unwrap();
    dict.insert("dict", inner).unwrap();
    dict.insert("number", -5).unwrap();
    dict.insert_bytes("bytes", b"\xff").unwrap();
    dict.insert("empty", "").unwrap();
    dict.push("list", b"\xff").unwrap();

    assert_eq!(dict.keys().collect::<Vec<_>>(), ["array", "text", "list", "dict", "number", "bytes", "empty"]);
    assert_eq!(dict.get_str("text").unwrap(), "a\0b");
    assert_eq!(dict.get_str("empty").unwrap(), "");
    assert_eq!(dict.get_i64("number").unwrap(), -5);
    assert_eq!(dict["number"].dtype(), Dtype::Int32);
    assert_eq!(dict.get_dict("dict").unwrap().get_f64("n").unwrap(), 1.5);
    assert_eq!(status(dict.get_str("bytes")), Status::Type);
    assert_eq!(dict.get_bytes("bytes").unwrap(), b"\xff");
    let list = dict.get_list("list").unwrap();
    assert_eq!((list.len(), list.get(1).unwrap(), list.get_bytes(2).unwrap()), (3, "é", &b"\xff"[..]));
    assert_eq!(status(list.get(2)), Status::Type);
    assert_eq!(status(list.get(3)), Status::InvalidArgument);
    assert_eq!(list.into_iter().count(), 3);
    assert!(matches!(dict.value("bytes"), Some(Value::Bytes(b"\xff"))));
    assert!(matches!(dict.value("dict"), Some(Value::Dict(_))));
    assert!(dict.value("missing").is_none() && dict.value_at(99).is_none());
    assert_eq!(dict.arrays().map(|(name, _)| name).collect::<Vec<_>>(), ["array", "number"]);
    let error = dict.get("missing").unwrap_err();
    assert!(matches!(error, Error::NotFound(_)));
    assert_eq!(error.name(), Some("missing"));
    assert_eq!(status(dict.get("text")), Status::Type);
    assert_eq!(status(dict.get_list("text")), Status::Type);
    assert_eq!(status(dict.get_dict("text")), Status::Type);
    assert_eq!(status(dict.push("text", "x")), Status::Type);

    dict.get_dict_mut("dict").unwrap().insert("n", 2.5).unwrap();
    let clone = dict.clone();
    dict.get_dict_mut("dict").unwrap().insert("n", 3.5).unwrap();
    assert_eq!(clone.get_dict("dict").unwrap().get_f64("n").unwrap(), 2.5);
    assert_eq!(format!("{:?}", clone.get_list("list").unwrap()), "[\"x\", \"é\", \"\u{fffd}\"]");
    assert_eq!(clone.len(), 7);
    dict.remove("text").unwrap();
    assert_eq!((dict.position("list"), dict.key_at(1).unwrap()), (Some(1), "list"));
    assert_eq!(status(dict.remove("text")), Status::NotFound);
    assert_eq!(status(dict.key_at(6)), Status::InvalidArgument);
    assert!(!format!("{dict:?}").is_empty());
}

#[test]
#[should_panic(expected = "missing")]
fn indexing_with_an_unknown_name_panics() {
    let _ = &Dict::new().unwrap()["missing"];
}

#[test]
fn arrays_in_dicts_are_changed_in_place() {
    let mut dict = Dict::new().unwrap();
    dict.insert("a", vec![1.0f32; 4]).unwrap();
    dict.insert("b", 1).unwrap();
    let before = dict["a"].data();
    dict.update("a", |a| a.as_slice_mut::<f32>().unwrap()[0] = 5.0).unwrap();
    assert_eq!(dict["a"].as_slice::<f32>().unwrap(), [5.0, 1.0, 1.0, 1.0]);
    assert_eq!(dict["a"].data(), before);
    assert_eq!(dict.position("a"), Some(0));
    // After a panic the array is still in the dict.
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dict.update("a", |_| panic!("stop"))));
    assert!(panic.is_err());
    assert_eq!(dict["a"].len(), 4);
    assert_eq!(status(dict.update("c", |_| ())), Status::NotFound);
}

#[test]
fn trees() {
    let folder = Folder::new();
    let mut flat = Dict::new().unwrap();
    flat.insert("layers.0.w", vec![1.0f32, 2.0]).unwrap();
    flat.insert("layers.1.w", vec![3.0f32]).unwrap();
    let tree = flat.unflatten().unwrap();
    let first = tree.get_dict("layers").unwrap().get_dict("0").unwrap();
    assert_eq!(first["w"].as_slice::<f32>().unwrap(), [1.0, 2.0]);
    assert_eq!(tree.flatten().unwrap().keys().collect::<Vec<_>>(), ["layers.0.w", "layers.1.w"]);

    let mut other = flat.clone();
    other.remove("layers.0.w").unwrap();
    other.insert("layers.1.w", [1i8, 2]).unwrap();
    other.insert("more", 1).unwrap();
    let compared = other.compare(&tree).unwrap();
    assert_eq!(compared.missing, ["layers.0.w"]);
    assert_eq!(compared.unexpected, ["more"]);
    assert_eq!(compared.shape, ["layers.1.w"]);

    let path = folder.path("w.safetensors");
    tensorfile::save_weights(&path, &tree).unwrap();
    let loaded = tensorfile::load_weights(&path).unwrap();
    assert_eq!(loaded.compare(&tree).unwrap(), Default::default());
    assert_eq!(status(Options::new().load_weights(&path, Some(&other))), Status::Mismatch);
    let lax = Options::new().strict(false).load_weights(&path, Some(&other)).unwrap();
    assert_eq!(lax["more"].item_i64(()).unwrap(), 1);
    flat.insert("layers", 1).unwrap();
    assert_eq!(status(flat.unflatten()), Status::Duplicate);
}

#[test]
fn checks_report_every_fault() {
    let folder = Folder::new();
    let path = folder.path("a.safetensors");
    let mut arrays = Dict::new().unwrap();
    arrays.insert("x", [1u8, 2]).unwrap();
    tensorfile::save_safetensors(&path, &arrays, None).unwrap();
    assert_eq!(tensorfile::check(&path).unwrap(), Default::default());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.push(0);
    std::fs::write(&path, bytes).unwrap();
    let found = tensorfile::check(&path).unwrap();
    assert_eq!((found.faults.len(), found.excused.len()), (1, 0));
    assert!(found.faults[0].starts_with("corrupt: "), "{}", found.faults[0]);
    let lenient = Options::new().lenient(true).check(&path).unwrap();
    assert_eq!((lenient.faults.len(), lenient.excused.len()), (0, 1));
    assert_eq!(status(tensorfile::check(folder.path("missing.npy"))), Status::NotFound);
}

#[test]
fn all_formats_there_and_back() {
    let folder = Folder::new();
    let mut arrays = Dict::new().unwrap();
    arrays.insert("x", Array::from_vec([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap()).unwrap();
    arrays.insert("y", Array::from_slice([2], &[-1i8, 1]).unwrap().cast(Dtype::Float16).unwrap()).unwrap();
    let mut metadata = Dict::new().unwrap();
    metadata.insert("general.architecture", "test").unwrap();

    tensorfile::save(folder.path("one.npy"), &arrays["x"]).unwrap();
    assert_eq!(*tensorfile::load_array(folder.path("one.npy")).unwrap(), arrays["x"]);
    assert_eq!(*tensorfile::load(folder.path("one.npy")).unwrap().into_array().unwrap(), arrays["x"]);

    tensorfile::savez(folder.path("stored.npz"), &arrays).unwrap();
    tensorfile::savez_compressed(folder.path("deflated"), &arrays).unwrap();
    tensorfile::save_safetensors(folder.path("a.safetensors"), &arrays, Some(&metadata)).unwrap();
    tensorfile::save_gguf(folder.path("a.gguf"), &arrays, Some(&metadata)).unwrap();
    for name in ["stored.npz", "deflated.npz", "a.safetensors", "a.gguf"] {
        let path = folder.path(name);
        let loaded = tensorfile::load(&path).unwrap();
        assert_eq!(loaded["x"], arrays["x"], "{name}");
        assert_eq!(loaded["y"], arrays["y"], "{name}");
        assert_eq!(loaded.metadata.contains_key("general.architecture"), name.starts_with("a."), "{name}");
        assert_eq!(status(tensorfile::load_array(&path)), Status::Type, "{name}");
        assert_eq!(status(loaded.into_array()), Status::Type, "{name}");

        let format = Format::from_path(&path);
        assert_eq!(Format::probe(&std::fs::read(&path).unwrap()[..16]), format);
        let metadata = name.starts_with("a.").then_some(&*metadata);
        let bytes = Options::new().to_bytes(format, &arrays, metadata).unwrap();
        assert_eq!(Options::new().load_bytes(&bytes, Format::Auto).unwrap()["y"], arrays["y"]);
        let mut written = Vec::new();
        Options::new().save_to(&mut written, format, &arrays, metadata).unwrap();
        assert_eq!(written, *bytes, "{name}");
        assert_eq!(Format::probe(&bytes.clone()), format);
    }
    Options::new().savez_with(folder.path("args.npz"), &[&arrays["x"], &arrays["y"]], None, true).unwrap();
    assert_eq!(tensorfile::load(folder.path("args.npz")).unwrap()["arr_1"], arrays["y"]);
    assert!(matches!(Contents::from(&arrays["x"]), Contents::Array(_)));
    assert_eq!(status(Options::new().to_bytes(Format::Auto, &arrays, None)), Status::InvalidArgument);
    assert_eq!(status(tensorfile::load("a\0b.npy")), Status::InvalidArgument);
}

#[test]
fn files_are_read_in_parts() {
    let folder = Folder::new();
    let path = folder.path("f.safetensors");
    let mut arrays = Dict::new().unwrap();
    arrays.insert("n", Array::from_vec([3, 4], (0..12).collect::<Vec<i32>>()).unwrap()).unwrap();
    arrays.insert("flags", [true, false]).unwrap();
    tensorfile::save_safetensors(&path, &arrays, None).unwrap();

    let file = File::open(&path).unwrap();
    assert_eq!((file.len(), file.format()), (2, Format::Safetensors));
    assert!(file.metadata().unwrap().is_empty());
    let entry = file.entry("n").unwrap();
    assert_eq!((entry.dtype(), entry.shape(), entry.ndim(), entry.nbytes()), (Dtype::Int32, &[3, 4][..], 2, 48));
    let mut floats = [0.0f64; 12];
    entry.read_into(&mut floats).unwrap();
    assert_eq!(floats[11], 11.0);
    assert_eq!(status(entry.read_into(&mut floats[1..])), Status::InvalidArgument);
    let part = [Slice::from(1..), Slice::from(..2)];
    assert_eq!(entry.read_slice(&part).unwrap().as_slice::<i32>().unwrap(), [4, 5, 8, 9]);
    let mut few = [0u8; 4];
    entry.read_slice_into(&part, &mut few).unwrap();
    assert_eq!(few, [4, 5, 8, 9]);
    let mut bits = [false; 12];
    entry.read_into(&mut bits).unwrap();
    assert_eq!(bits.iter().filter(|bit| **bit).count(), 11);
    let location = entry.location().unwrap();
    assert_eq!(location.path, Some(path.as_path()));
    let bytes = std::fs::read(&path).unwrap();
    let at = usize::try_from(location.offset).unwrap();
    assert_eq!(bytes[at..at + 8], [0i32.to_le_bytes(), 1i32.to_le_bytes()].concat());
    assert_eq!((location.stored_bytes, location.deflated), (48, false));
    assert_eq!(entry.type_name().unwrap(), "int32");
    assert_eq!(entry.read_raw().unwrap().as_slice::<u8>().unwrap(), &bytes[at..at + 48]);
    assert!(file.others().unwrap().is_empty() && file.notes().unwrap().is_empty());
    assert_eq!(status(file.read("missing")), Status::NotFound);
    assert_eq!(file.entries().len(), 2);

    let clone = file.clone();
    drop(file);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(clone.read("flags").unwrap().as_slice::<bool>().unwrap(), [true, false]));
        }
    });
    let opened = Options::new().open_bytes(&bytes, Format::Auto).unwrap();
    assert_eq!(opened.read("n").unwrap(), clone.read("n").unwrap());
    assert_eq!(opened.entry("n").unwrap().location().unwrap().path, None);
    let source = Source::open(&path).unwrap();
    let opened = Options::new().open_source(&source.clone(), Format::Auto).unwrap();
    assert_eq!(opened.read("n").unwrap(), clone.read("n").unwrap());
}

#[test]
fn mapped_files() {
    let folder = Folder::new();
    let path = folder.path("m.npy");
    tensorfile::save(&path, &Array::from_vec([1000], vec![1.5f64; 1000]).unwrap()).unwrap();
    // SAFETY: nothing changes the file.
    let file = unsafe { File::open_mapped(&path) }.unwrap();
    let mut array = file.read("").unwrap();
    drop(file);
    array.as_slice_mut::<f64>().unwrap()[0] = 0.0;
    assert_eq!(array.as_slice::<f64>().unwrap()[..2], [0.0, 1.5]);
    assert_eq!(tensorfile::load_array(&path).unwrap().item_f64([0]).unwrap(), 1.5);
}

#[test]
fn options_have_ranges() {
    let path = Folder::new().path("missing.npy");
    assert_eq!(status(Options::new().max_rank(65).load(&path)), Status::InvalidArgument);
    // The error of the first wrong setting is reported, even if later settings are valid.
    let options = Options::new().alignment(3).threads(1);
    assert_eq!(options.load(&path).unwrap_err().message(), "alignment takes 0 or a power of two up to 1048576, not 3");
    assert_eq!(status(Options::new().format_name("zip").load(&path)), Status::InvalidArgument);
    assert_eq!(status(Options::new().max_bytes(u64::MAX).load(&path)), Status::NotFound);
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
    // Every option of the library in the order of their numbers, except map(), which has its own test.
    let values: Vec<i64> = (1..1000).filter_map(|option| options.get(option).ok()).collect();
    assert_eq!(values, [3, 4, 1, 0, 1, 0, 1, 1 << 30, 1 << 40, 1000, 10, 10, 10, 4, 4, 1, 0, 4096, 1, 9, 1, 13, 1, 1]);
    assert_eq!(Options::new().get(tensorfile::sys::TF_OPTION_MAX_RANK).unwrap(), 64);
    assert_eq!(status(Options::new().get(7777)), Status::Unsupported);
    // SAFETY: the number of threads does not affect soundness.
    assert_eq!(unsafe { Options::new().set_raw(1, 5) }.format(Format::Npy).get(1).unwrap(), 5);
}

#[test]
fn large_models_are_saved_in_parts() {
    let folder = Folder::new();
    let mut arrays = Dict::new().unwrap();
    arrays.insert("a", vec![1.0f32; 1000]).unwrap();
    arrays.insert("b", vec![2.0f32; 1000]).unwrap();
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
    let mut arrays = Dict::new().unwrap();
    arrays.insert("w.weight", Array::from_bytes(Dtype::Q8_0, [1, 32], &block).unwrap()).unwrap();
    let bytes = Options::new().to_bytes(Format::Gguf, &arrays, None).unwrap();
    let load = |decode| Options::new().decode(decode).load_bytes(&bytes, Format::Gguf);
    assert_eq!(load(Decode::Keep).unwrap()["w.weight"].as_bytes().unwrap(), block);
    let floats = load(Decode::To(Dtype::Float32)).unwrap();
    assert_eq!(floats["w.weight"].as_slice::<f32>().unwrap()[..3], [-8.0, -7.5, -7.0]);
    let mlx = load(Decode::Mlx).unwrap();
    assert_eq!((mlx["w.weight"].dtype(), mlx["w.scales"].dtype()), (Dtype::UInt32, Dtype::Float16));
    assert_eq!(status(load(Decode::To(Dtype::Int8))), Status::InvalidArgument);
}

#[test]
fn limits_are_kept() {
    let mut arrays = Dict::new().unwrap();
    arrays.insert("a", vec![0u8; 1000]).unwrap();
    arrays.insert("b", vec![0u8; 1000]).unwrap();
    let bytes = Options::new().to_bytes(Format::Npz, &arrays, None).unwrap();
    assert_eq!(status(Options::new().max_arrays(1).load_bytes(&bytes, Format::Npz)), Status::Limit);
    assert_eq!(status(Options::new().max_bytes(1500).load_bytes(&bytes, Format::Npz)), Status::Limit);
    assert_eq!(status(Options::new().load_bytes(&bytes[..500], Format::Npz)), Status::Truncated);
    let mut corrupt = bytes.to_vec();
    corrupt[1010] ^= 1;
    let error = Options::new().load_bytes(&corrupt, Format::Npz).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
    assert!(error.name().is_some() && error.to_string() == error.message());
}

#[cfg(feature = "ndarray")]
#[test]
fn ndarrays() {
    let array = Array::from_vec([2, 3], (0..6).collect::<Vec<i32>>()).unwrap();
    let view = array.view::<i32>().unwrap();
    assert_eq!(view[[1, 0]], 3);
    assert_eq!(view.as_ptr(), array.as_slice::<i32>().unwrap().as_ptr());
    let turned = array.slice(&[Slice::ALL.step(-1), Slice::ALL.step(-2)]).unwrap();
    assert_eq!(turned.view::<i32>().unwrap().iter().copied().collect::<Vec<_>>(), [5, 3, 2, 0]);
    assert_eq!(turned.view::<i32>().unwrap().shape(), [2, 2]);
    assert_eq!(array.transpose().unwrap().view::<i32>().unwrap(), view.t());
    assert_eq!(status(array.view::<f32>()), Status::Type);
    let empty = Array::zeros(Dtype::Float64, [0, 3]).unwrap();
    assert_eq!(empty.transpose().unwrap().view::<f64>().unwrap().shape(), [3, 0]);

    let mut changed = array.clone();
    changed.view_mut::<i32>().unwrap()[[0, 0]] = 9;
    assert_eq!((changed.item_i64([0, 0]).unwrap(), array.item_i64([0, 0]).unwrap()), (9, 0));

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
    assert_eq!(status(blocks.view::<i8>()), Status::Type);
    let repeated = [7u8];
    // SAFETY: all elements are at the address of one byte, which the array owns.
    let repeated = unsafe {
        let data = Box::leak(Box::new(repeated)).as_mut_ptr();
        Array::from_raw_parts(Dtype::UInt8, [i64::MAX / 2, 4], Some(&[0, 0]), data, 1, false, Box::from_raw(data))
    };
    assert_eq!(status(repeated.and_then(|array| array.view::<u8>().map(|_| ()))), Status::InvalidArgument);
}
