//! Times saving, listing and loading with the crates safetensors, candle-core (gguf) and ndarray-npy, in a fresh process.
//!
//!     crates_bench save FORMAT PATH DATA COUNT BYTES [DTYPE]    seconds of saving COUNT arrays of BYTES in total
//!     crates_bench list FORMAT PATH                             seconds of opening, and of getting all names, dtypes
//!                                                               and shapes
//!     crates_bench load FORMAT PATH [DTYPE]                     seconds of reading all arrays into memory
//!
//! FORMAT is safetensors, gguf, npz or deflated (a compressed .npz). DATA is a file whose contents the arrays repeat.
//! DTYPE, for npz and deflated, is one of element_types!; without it, the arrays are float32, as in the other formats.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::time::Instant;

use candle_core::quantized::{gguf_file, GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use ndarray::{Array1, Ix1, OwnedRepr};
use ndarray_npy::{NpzReader, NpzWriter, ReadableElement, WritableElement};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::SafeTensors;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// An element type of ndarray-npy, which has none of the 16-bit floats.
trait Element: ReadableElement + WritableElement + Copy {
    fn all_from(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Element for $number {
            fn all_from(bytes: &[u8]) -> Vec<Self> {
                let items = bytes.chunks_exact(size_of::<Self>());
                items.map(|item| Self::from_le_bytes(item.try_into().unwrap())).collect()
            }
        })*
    };
}
numbers!(u8, u16, i32, i64, f32, f64);

impl Element for bool {
    fn all_from(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|byte| *byte != 0).collect()
    }
}

/// Calls a function for the element type of a name.
macro_rules! element_types {
    ($dtype:expr, $function:ident($($argument:expr),*)) => {
        match $dtype {
            "bool" => $function::<bool>($($argument),*),
            "uint8" => $function::<u8>($($argument),*),
            "uint16" => $function::<u16>($($argument),*),
            "int32" => $function::<i32>($($argument),*),
            "int64" => $function::<i64>($($argument),*),
            "float32" => $function::<f32>($($argument),*),
            "float64" => $function::<f64>($($argument),*),
            other => Err(format!("ndarray-npy has no {other}").into()),
        }
    };
}

/// The arrays that are saved.
struct Input<'a> {
    data: &'a str,
    count: usize,
    nbytes: usize,
}

impl Input<'_> {
    fn arrays<T: Element>(&self) -> Outcome<Vec<(String, Vec<T>)>> {
        let values = T::all_from(&fs::read(self.data)?);
        let each = self.nbytes / self.count / size_of::<T>();
        let name = |i: usize| format!("layers.{i}.weight");
        Ok((0..self.count)
            .map(|i| (name(i), values.iter().copied().cycle().take(each).collect()))
            .collect())
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn save_safetensors(path: &str, input: &Input) -> Outcome<f64> {
    let data: Vec<(String, Vec<u8>)> = input
        .arrays::<f32>()?
        .iter()
        .map(|(name, values)| (name.clone(), bytes_of(values)))
        .collect();
    let begin = Instant::now();
    let mut views = HashMap::with_capacity(data.len());
    for (name, bytes) in &data {
        views.insert(
            name.as_str(),
            TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes)?,
        );
    }
    safetensors::serialize_to_file(views, None, path.as_ref())?;
    Ok(begin.elapsed().as_secs_f64())
}

fn save_gguf(path: &str, input: &Input) -> Outcome<f64> {
    let mut tensors = Vec::with_capacity(input.count);
    for (name, values) in input.arrays::<f32>()? {
        let shape = values.len();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
        tensors.push((name, QTensor::quantize(&tensor, GgmlDType::F32)?));
    }
    let begin = Instant::now();
    let list: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut file = BufWriter::new(File::create(path)?);
    gguf_file::write(&mut file, &[], &list)?;
    file.flush()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn save_npz<T: Element>(path: &str, input: &Input, deflated: bool) -> Outcome<f64> {
    let arrays: Vec<(String, Array1<T>)> = input
        .arrays()?
        .into_iter()
        .map(|(name, values)| (name, Array1::from_vec(values)))
        .collect();
    let begin = Instant::now();
    let file = BufWriter::new(File::create(path)?);
    let mut npz = if deflated {
        NpzWriter::new_compressed(file)
    } else {
        NpzWriter::new(file)
    };
    for (name, array) in &arrays {
        npz.add_array(name.as_str(), array)?;
    }
    npz.finish()?.flush()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn save(format: &str, path: &str, input: &Input, dtype: &str) -> Outcome<f64> {
    let _ = fs::remove_file(path);
    match format {
        "safetensors" => save_safetensors(path, input),
        "gguf" => save_gguf(path, input),
        _ => element_types!(dtype, save_npz(path, input, format == "deflated")),
    }
}

fn list(format: &str, path: &str) -> Outcome<f64> {
    let begin = Instant::now();
    let mut sum = 0;
    match format {
        "safetensors" => {
            let bytes = fs::read(path)?;
            for (name, view) in SafeTensors::deserialize(&bytes)?.iter() {
                sum += name.len() + view.dtype() as usize + view.shape().len();
            }
        }
        "gguf" => {
            let content = gguf_file::Content::read(&mut BufReader::new(File::open(path)?))?;
            for (name, info) in &content.tensor_infos {
                sum += name.len() + info.ggml_dtype.type_size() + info.shape.rank();
            }
        }
        _ => {
            sum += NpzReader::new(BufReader::new(File::open(path)?))?
                .names()?
                .len()
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert_ne!(sum, 0);
    Ok(seconds)
}

fn load_npz<T: Element>(path: &str) -> Outcome<usize> {
    let mut npz = NpzReader::new(BufReader::new(File::open(path)?))?;
    let mut loaded = Vec::new();
    for name in npz.names()? {
        loaded.push(npz.by_name::<OwnedRepr<T>, Ix1>(&name)?);
    }
    Ok(loaded.len())
}

fn load_safetensors(path: &str) -> Outcome<usize> {
    let bytes = fs::read(path)?;
    let loaded: Vec<(String, Vec<u8>)> = SafeTensors::deserialize(&bytes)?
        .iter()
        .map(|(name, view)| (name.to_string(), view.data().to_vec()))
        .collect();
    Ok(loaded.len())
}

fn load_gguf(path: &str) -> Outcome<usize> {
    let mut file = BufReader::new(File::open(path)?);
    let content = gguf_file::Content::read(&mut file)?;
    let mut loaded = Vec::new();
    for name in content.tensor_infos.keys() {
        loaded.push(content.tensor(&mut file, name, &Device::Cpu)?);
    }
    Ok(loaded.len())
}

fn load(format: &str, path: &str, dtype: &str) -> Outcome<f64> {
    let begin = Instant::now();
    let count = match format {
        "safetensors" => load_safetensors(path)?,
        "gguf" => load_gguf(path)?,
        _ => element_types!(dtype, load_npz(path))?,
    };
    let seconds = begin.elapsed().as_secs_f64();
    assert_ne!(count, 0);
    Ok(seconds)
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let seconds = match words[1..] {
        ["save", format, path, data, count, nbytes, ref dtype @ ..] if dtype.len() < 2 => {
            let (count, nbytes): (usize, usize) = (count.parse()?, nbytes.parse()?);
            let input = Input {
                data,
                count,
                nbytes,
            };
            save(format, path, &input, dtype.first().unwrap_or(&"float32"))?
        }
        ["list", format, path] => list(format, path)?,
        ["load", format, path, ref dtype @ ..] if dtype.len() < 2 => {
            load(format, path, dtype.first().unwrap_or(&"float32"))?
        }
        _ => {
            return Err(
                "usage: crates_bench save|list|load FORMAT PATH [DATA COUNT BYTES] [DTYPE]".into(),
            )
        }
    };
    println!("{seconds:.9}");
    Ok(())
}
