//! Times saving, listing and loading with the crates safetensors, candle-core (gguf) and ndarray-npy, in a fresh process.
//!
//!     crates_bench save FORMAT PATH DATA COUNT BYTES    seconds of saving COUNT float32 arrays of BYTES in total
//!     crates_bench list FORMAT PATH                     seconds of opening, and of getting all names, dtypes and shapes
//!     crates_bench load FORMAT PATH                     seconds of reading all arrays into memory
//!
//! FORMAT is safetensors, gguf, npz or deflated (a compressed .npz). DATA is a file whose contents the arrays repeat.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::time::Instant;

use candle_core::quantized::{gguf_file, GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use ndarray::{Array1, Ix1, OwnedRepr};
use ndarray_npy::{NpzReader, NpzWriter};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::SafeTensors;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn arrays(data: &str, count: usize, nbytes: usize) -> Outcome<Vec<(String, Vec<f32>)>> {
    let bytes = fs::read(data)?;
    let values: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    let each = nbytes / count / 4;
    Ok((0..count)
        .map(|i| {
            (
                format!("layers.{i}.weight"),
                values.iter().copied().cycle().take(each).collect(),
            )
        })
        .collect())
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn save_safetensors(path: &str, arrays: Vec<(String, Vec<f32>)>) -> Outcome<f64> {
    let data: Vec<(String, Vec<u8>)> = arrays
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

fn save_gguf(path: &str, arrays: Vec<(String, Vec<f32>)>) -> Outcome<f64> {
    let mut tensors = Vec::with_capacity(arrays.len());
    for (name, values) in arrays {
        let shape = values.len();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
        tensors.push((name, QTensor::quantize(&tensor, GgmlDType::F32)?));
    }
    let begin = Instant::now();
    let list: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = BufWriter::new(File::create(path)?);
    gguf_file::write(&mut file, &[], &list)?;
    file.flush()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn save_npz(path: &str, arrays: Vec<(String, Vec<f32>)>, deflated: bool) -> Outcome<f64> {
    let arrays: Vec<(String, Array1<f32>)> = arrays
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

fn save(format: &str, path: &str, data: &str, count: usize, nbytes: usize) -> Outcome<f64> {
    let arrays = arrays(data, count, nbytes)?;
    let _ = fs::remove_file(path);
    match format {
        "safetensors" => save_safetensors(path, arrays),
        "gguf" => save_gguf(path, arrays),
        _ => save_npz(path, arrays, format == "deflated"),
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
        _ => sum += NpzReader::new(BufReader::new(File::open(path)?))?.names()?.len(),
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert_ne!(sum, 0);
    Ok(seconds)
}

fn load(format: &str, path: &str) -> Outcome<f64> {
    let begin = Instant::now();
    let mut count = 0;
    match format {
        "safetensors" => {
            let bytes = fs::read(path)?;
            let loaded: Vec<(String, Vec<u8>)> = SafeTensors::deserialize(&bytes)?
                .iter()
                .map(|(name, view)| (name.to_string(), view.data().to_vec()))
                .collect();
            count += loaded.len();
        }
        "gguf" => {
            let mut file = BufReader::new(File::open(path)?);
            let content = gguf_file::Content::read(&mut file)?;
            let mut loaded = Vec::new();
            for name in content.tensor_infos.keys() {
                loaded.push(content.tensor(&mut file, name, &Device::Cpu)?);
            }
            count += loaded.len();
        }
        _ => {
            let mut npz = NpzReader::new(BufReader::new(File::open(path)?))?;
            let mut loaded = Vec::new();
            for name in npz.names()? {
                loaded.push(npz.by_name::<OwnedRepr<f32>, Ix1>(&name)?);
            }
            count += loaded.len();
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert_ne!(count, 0);
    Ok(seconds)
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let seconds = match words[1..] {
        ["save", format, path, data, count, nbytes] => save(format, path, data, count.parse()?, nbytes.parse()?)?,
        ["list", format, path] => list(format, path)?,
        ["load", format, path] => load(format, path)?,
        _ => return Err("usage: crates_bench save|list|load FORMAT PATH [DATA COUNT BYTES]".into()),
    };
    println!("{seconds:.9}");
    Ok(())
}
