//! Loads a .safetensors file, prints the names and shapes of its arrays, changes one of them, and saves .npz and .gguf
//! with metadata.
//!
//!     cargo run --example convert [MODEL.safetensors]
//!
//! Without an argument it creates a small file.

use std::path::PathBuf;

use tensorfile::{Array, Dict, Result};

fn make_model(path: &PathBuf) -> Result<()> {
    let mut arrays = Dict::new()?;
    arrays.insert("layers.0.weight", Array::from_slice([2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?)?;
    arrays.insert("layers.0.bias", [0.5f32, -0.5])?;
    tensorfile::save_safetensors(path, &arrays, None)
}

fn main() -> Result<()> {
    let model = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => {
            let path = PathBuf::from("model.safetensors");
            make_model(&path)?;
            path
        }
    };

    let mut loaded = tensorfile::load(&model)?;
    for (name, array) in loaded.arrays.arrays() {
        println!("{name}: {} {:?}", array.dtype(), array.shape());
    }

    // Halves the elements of the first float32 array.
    let floats = loaded.arrays.arrays().find(|(_, array)| array.as_slice::<f32>().is_ok());
    if let Some(name) = floats.map(|(name, _)| name.to_owned()) {
        loaded.arrays.update(&name, |array| {
            array.as_slice_mut::<f32>()?.iter_mut().for_each(|x| *x /= 2.0);
            Ok::<_, tensorfile::Error>(())
        })??;
        println!("halved {name}");
    }

    tensorfile::savez(model.with_extension("npz"), &loaded.arrays)?;

    let mut metadata = Dict::new()?;
    metadata.insert("general.architecture", "example")?;
    metadata.insert("general.name", "halved")?;
    metadata.insert("example.block_count", 1u32)?;
    metadata.insert("tokenizer.ggml.tokens", ["<s>", "</s>"])?;
    tensorfile::save_gguf(model.with_extension("gguf"), &loaded.arrays, Some(&metadata))?;

    let gguf = tensorfile::load(model.with_extension("gguf"))?;
    println!(
        "{} has {} arrays, made by {:?}",
        gguf.metadata.get_str("general.name")?,
        gguf.arrays.len(),
        gguf.metadata
    );
    Ok(())
}
