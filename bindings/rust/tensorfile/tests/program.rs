//! A program as applications write it: a small network is made, changed, saved in three formats, shared between threads,
//! and served from bytes, readers and writers.
#![allow(missing_docs)]

mod support;

use std::error::Error as _;
use std::fs;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use support::Folder;
use tensorfile::{
    Array, Arrays, Dict, Dtype, Error, ErrorKind, File, Format, Options, ReadAt, Slice, Source, Value, Writer,
};

/// A dense layer.
#[derive(Debug, PartialEq)]
struct Layer {
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Layer {
    /// Reads one layer of a file, and no byte of the others.
    fn read(file: &File, name: &str) -> tensorfile::Result<Self> {
        let weight = file.entry(&format!("{name}.weight"))?;
        let &[_, inputs] = weight.shape() else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{weight:?} is no matrix")).into());
        };
        // A checkpoint may be stored in half precision: the conversion is asked for by name.
        Ok(Layer { weight: weight.read_as()?, bias: file.entry(&format!("{name}.bias"))?.read_as()?, inputs })
    }
}

/// Makes the network that all tests use.
fn network() -> tensorfile::Result<(Arrays, Dict)> {
    let mut arrays = Arrays::new();
    for (layer, inputs, outputs) in [(0, 4, 3), (1, 3, 2)] {
        let weight: Vec<f32> = (0u8..).take(inputs * outputs).map(|n| f32::from(n) / 8.0).collect();
        arrays.insert(format!("layers.{layer}.weight"), Array::from_vec([outputs, inputs], weight)?);
        arrays.insert(format!("layers.{layer}.bias"), vec![0.5f32; outputs]);
    }
    let mut metadata = Dict::from([("general.architecture", "mlp"), ("general.name", "a network")]);
    metadata.insert("mlp.layers", 2u32);
    metadata.insert("mlp.dropout", 0.1f32);
    metadata.insert("mlp.trained", false);
    metadata.insert("mlp.steps", 1_000_000_000_000u64);
    metadata.insert("mlp.classes", vec!["cat", "dog"]);
    metadata.insert("mlp.sizes", [4u32, 3, 2]);
    Ok((arrays, metadata))
}

#[test]
fn lazily_loaded_sliced_and_cast() -> tensorfile::Result<()> {
    let folder = Folder::new();
    let (arrays, metadata) = network()?;
    tensorfile::save(folder.path("model.gguf"), (&arrays, &metadata))?;

    let file = File::open(folder.path("model.gguf"))?;
    assert_eq!(file.iter().map(|entry| entry.len()).sum::<usize>(), 12 + 3 + 6 + 2);
    let layer = Layer::read(&file, "layers.1")?;
    assert_eq!(layer, Layer { weight: vec![0.0, 0.125, 0.25, 0.375, 0.5, 0.625], bias: vec![0.5; 2], inputs: 3 });

    let weight = file.entry("layers.0.weight")?;
    assert_eq!((weight.dtype(), weight.shape()), (Dtype::Float32, &[3, 4][..]));
    assert_eq!(weight.slice(1..2).read_vec::<f32>()?, [0.5, 0.625, 0.75, 0.875]);
    let corner = weight.slice((..2, Slice::ALL.step(-3))).read()?;
    assert_eq!((corner.shape(), corner.to_vec::<f32>()?), (&[2, 2][..], vec![0.375, 0.0, 0.875, 0.5]));
    assert_eq!(weight.slice(2..).read_as::<i32>()?, [1, 1, 1, 1]);
    assert_eq!(corner.cast(Dtype::Float16)?.item_as_f64([1, 0])?, 0.875);

    // Everything at once, into memory that is there already.
    let (mut weights, mut biases) = (vec![0.0f64; 12], vec![0.0f32; 2]);
    let mut plan = file.plan()?;
    plan.add_as(weight, &mut weights)?;
    plan.add(file.entry("layers.1.bias")?, &mut biases)?;
    plan.run()?;
    assert_eq!((weights[11], biases), (1.375, vec![0.5, 0.5]));
    Ok(())
}

#[test]
fn changed_and_saved_in_three_formats() -> tensorfile::Result<()> {
    let folder = Folder::new();
    let (arrays, metadata) = network()?;
    tensorfile::save(folder.path("model.gguf"), (&arrays, &metadata))?;

    let mut model = tensorfile::load(folder.path("model.gguf"))?;
    assert_eq!(model.metadata["mlp.layers"], Value::U32(2));
    assert_eq!(model.metadata["mlp.steps"].to_string(), "1000000000000");
    assert_eq!(model.metadata.try_get::<f32>("mlp.dropout")?, 0.1);

    // A step of training: arrays in the model are changed in place, others keep their elements.
    let before = model.arrays.clone();
    for (name, array) in &mut model.arrays {
        if name.contains("bias") {
            array.as_slice_mut::<f32>()?.iter_mut().for_each(|bias| *bias -= 0.25);
        }
    }
    model.arrays["layers.1.weight"].set_item([1, 2], -1.0f32)?;
    assert_eq!(before["layers.0.bias"].as_slice::<f32>()?, [0.5; 3]);
    assert_eq!(model["layers.0.bias"].as_slice::<f32>()?, [0.25; 3]);
    assert_eq!(model.metadata.insert("mlp.trained", true), Some(Value::Bool(false)));
    let classes = model.metadata.remove("mlp.classes").and_then(|classes| Vec::<String>::try_from(classes).ok());
    assert_eq!(classes.unwrap_or_default(), ["cat", "dog"]);

    // .gguf keeps the types of the metadata, .safetensors has strings, and .npz needs none.
    let texts: Dict = model.metadata.iter().map(|(name, value)| (name, value.to_string())).collect();
    tensorfile::save(folder.path("trained.gguf"), &model)?;
    tensorfile::save(folder.path("trained.safetensors"), (&model.arrays, &texts))?;
    tensorfile::save_npz_compressed(folder.path("trained.npz"), &model.arrays)?;
    assert_eq!(tensorfile::load(folder.path("trained.gguf"))?, model);
    let loaded = tensorfile::load(folder.path("trained.safetensors"))?;
    assert_eq!((&loaded.arrays, loaded.metadata["mlp.layers"].as_str()), (&model.arrays, Some("2")));
    assert_eq!(tensorfile::load(folder.path("trained.npz"))?.arrays, model.arrays);
    Ok(())
}

/// Returns the error of a call that must fail.
fn failure<T>(result: tensorfile::Result<T>) -> Error {
    result.err().expect("an error")
}

fn cause(error: &Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

#[test]
fn every_kind_of_error() -> tensorfile::Result<()> {
    let folder = Folder::new();
    let (arrays, _) = network()?;
    let path = folder.path("model.npz");
    tensorfile::save(&path, &arrays)?;
    let bytes = fs::read(&path).expect("the file");
    let mut damaged = bytes.clone();
    damaged[128] ^= 1;
    let twice = Dict::from([("a", Value::from([1u8])), ("a.b", [1u8].into())]);
    let stop = Options::new().progress(|_, _| ControlFlow::Break(()));

    let kinds = [
        (failure(tensorfile::load(folder.path("missing.npz"))), ErrorKind::NotFound),
        (failure(tensorfile::save(path.join("x.npz"), &arrays)), ErrorKind::Io),
        (failure(tensorfile::load_bytes(b"no such format")), ErrorKind::Format),
        (failure(tensorfile::load_bytes(&damaged)), ErrorKind::Corrupt),
        (failure(tensorfile::load_bytes(&bytes[..bytes.len() - 1])), ErrorKind::Truncated),
        (failure(tensorfile::to_bytes(Format::Gguf, &Arrays::from([("n", [1u8])]))), ErrorKind::Unsupported),
        (failure(Options::new().max_arrays(2).load_bytes(&bytes)), ErrorKind::Limit),
        (failure(tensorfile::load_array(&path)), ErrorKind::Type),
        (failure(twice.unflatten()), ErrorKind::Duplicate),
        (failure(Options::new().load_weights_like(&path, &twice)), ErrorKind::Mismatch),
        (failure(stop.load_bytes(&bytes)), ErrorKind::Cancelled),
        (failure(Options::new().max_rank(100).load(&path)), ErrorKind::InvalidArgument),
        (failure(Array::zeros(Dtype::Float64, [1 << 59])), ErrorKind::OutOfMemory),
    ];
    for (error, kind) in &kinds {
        assert_eq!(error.kind(), *kind, "{error}");
        assert!(!error.message().contains('\n'), "{error}");
    }

    // The system's reason is the source, and decides the kind of an io::Error.
    let (denied, _) = &kinds[1];
    assert_eq!(cause(denied).map(io::Error::kind), Some(io::ErrorKind::NotADirectory));
    assert_eq!(io::Error::from(denied.clone()).kind(), io::ErrorKind::NotADirectory);

    // Messages speak of shapes and options as the program does.
    assert_eq!(kinds[11].0.message(), "max_rank takes 1 to 64, not 100");
    assert_eq!(failure(Array::from_vec([2, 3], vec![0.0f32; 5])).message(), "shape [2, 3] needs 6 elements, got 5");
    Ok(())
}

/// An object store that serves ranges of a file until the connection is lost.
struct Store(Vec<u8>, Arc<AtomicBool>);

impl ReadAt for Store {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        if self.1.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the store closed the connection"));
        }
        let mut reader = Cursor::new(&self.0);
        reader.seek(SeekFrom::Start(offset))?;
        reader.read_exact(bytes)
    }
}

/// A disk with little space.
struct Disk(Vec<u8>);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > 1000 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn bytes_readers_and_writers() -> tensorfile::Result<()> {
    let (arrays, metadata) = network()?;
    let bytes = tensorfile::to_bytes(Format::Gguf, (&arrays, &metadata))?;

    // Borrowed bytes: the arrays are in them.
    let view = tensorfile::view(&bytes)?;
    assert_eq!(view["layers.1.bias"].as_slice::<f32>()?, [0.5, 0.5]);
    assert_eq!((view.arrays.len(), &view.metadata), (4, &metadata));

    // A reader, and one that fails: its error is what is shown.
    let source = Source::from_seek(Cursor::new(bytes.to_vec()))?;
    assert_eq!(Options::new().load_source(&source)?.arrays, arrays);
    let lost = Arc::new(AtomicBool::new(false));
    let file = Options::new().open_source(&Source::new(Store(bytes.to_vec(), lost.clone()))?)?;
    assert_eq!(file.read("layers.0.bias")?, arrays["layers.0.bias"]);
    lost.store(true, Ordering::Relaxed);
    let error = failure(file.read("layers.0.bias"));
    assert!(error.to_string().ends_with("the store closed the connection"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionReset);

    // A writer, one that fails, and one that takes pieces.
    let mut out = Vec::new();
    Options::new().save_to(&mut out, Format::Gguf, (&arrays, &metadata))?;
    assert_eq!(out, *bytes);
    let large = Arrays::from([("zeros", vec![0u8; 100_000])]);
    let error = failure(Options::new().save_to(&mut Disk(Vec::new()), Format::Npz, &large));
    assert!(error.to_string().ends_with("the disk is full"), "{error}");
    assert_eq!(cause(&error).map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    let folder = Folder::new();
    let mut writer = Writer::create(folder.path("rows.npz"))?;
    writer.declare("rows", Dtype::Float32, [100, 8])?;
    for _ in 0..100 {
        writer.write_elements(&[1.5f32; 8])?;
    }
    writer.finish()?;
    assert_eq!(tensorfile::load(folder.path("rows.npz"))?["rows"].to_vec_as::<u16>()?, vec![1; 800]);
    Ok(())
}

#[test]
fn shared_between_threads() -> tensorfile::Result<()> {
    let folder = Folder::new();
    let (arrays, _) = network()?;
    tensorfile::save_safetensors(folder.path("model"), &arrays, None)?;
    let file = File::open(folder.path("model.safetensors"))?;
    let names: Vec<&str> = file.iter().map(|entry| entry.name()).collect();
    let read: Arrays = thread::scope(|scope| {
        let readers: Vec<_> = names.iter().map(|&name| (name, scope.spawn(|| file.read(name)))).collect();
        readers
            .into_iter()
            .map(|(name, reader)| Ok((name, reader.join().expect("no panic")?)))
            .collect::<Result<_, Error>>()
    })?;
    assert_eq!(read, arrays);
    // Arrays move to other threads, and share their memory with those that stay.
    let shared = read.clone();
    let sum = thread::spawn(move || {
        shared.values().map(|array| array.to_vec::<f32>().map(|elements| elements.iter().sum::<f32>())).sum()
    });
    let sum: tensorfile::Result<f32> = sum.join().expect("no panic");
    assert_eq!(sum?, 12.625);
    Ok(())
}

#[test]
fn weights_as_a_tree() -> tensorfile::Result<()> {
    let folder = Folder::new();
    let (arrays, _) = network()?;
    let path = folder.path("weights.safetensors");
    tensorfile::save_weights(&path, &arrays.unflatten()?)?;
    let mut tree = Options::new().load_weights_like(&path, &arrays)?;
    let layers: &Dict = tree.try_get("layers")?;
    for (number, layer) in layers {
        let layer: &Dict = layer.try_into()?;
        let bias: &Array = layer.try_get("bias")?;
        assert_eq!(bias.len(), 3 - usize::from(number == "1"));
    }
    assert_eq!(tree.flatten()?, arrays);

    // Other names are reported before anything is read.
    let layers = tree.get_mut("layers").and_then(Value::as_dict_mut).expect("the layers");
    let first = layers.remove("0").expect("the first layer");
    layers.insert("2", first);
    tensorfile::save_weights(&path, &tree)?;
    let error = failure(Options::new().load_weights_like(&path, &arrays));
    assert!(error.message().contains("layers.0.bias") && error.message().contains("layers.2.bias"), "{error}");
    assert_eq!(tree.compare(&arrays)?.missing, ["layers.0.bias", "layers.0.weight"]);
    Ok(())
}
