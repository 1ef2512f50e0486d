//! Loads a .safetensors file, prints the names and shapes of its arrays, changes one of them, and saves .npz and .gguf
//! with metadata.
//!
//!     cargo run --example convert [MODEL.safetensors]
//!
//! Without an argument it creates a small file.

use std::path::{Path, PathBuf};

use tensorfile::{Array, Arrays, Dict, Result, Value};

fn make_model(path: &Path) -> Result<()> {
    let mut arrays = Arrays::new();
    arrays.insert("layers.0.weight", Array::from_slice([2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    arrays.insert("layers.0.bias", [0.5f32, -0.5]);
    tensorfile::save(path, &arrays)
}

fn main() -> Result<()> {
    let argument = std::env::args_os().nth(1);
    let model = PathBuf::from(argument.as_deref().unwrap_or("model.safetensors".as_ref()));
    if argument.is_none() {
        make_model(&model)?;
    }

    let mut loaded = tensorfile::load(&model)?;
    for (name, array) in &loaded.arrays {
        println!("{name}: {array}");
    }

    // Halves the elements of the first float32 array.
    for (name, array) in &mut loaded.arrays {
        if let Ok(elements) = array.as_slice_mut::<f32>() {
            for x in elements {
                *x /= 2.0;
            }
            println!("halved {name}");
            break;
        }
    }

    tensorfile::save(model.with_extension("npz"), &loaded.arrays)?;

    let metadata = Dict::from([
        ("general.architecture", Value::from("example")),
        ("general.name", "halved".into()),
        ("example.block_count", 1u32.into()),
        ("tokenizer.ggml.tokens", ["<s>", "</s>"].into()),
    ]);
    tensorfile::save(model.with_extension("gguf"), (&loaded.arrays, &metadata))?;

    let gguf = tensorfile::load(model.with_extension("gguf"))?;
    let name: &str = gguf.metadata.try_get("general.name")?;
    println!("{name} has {} arrays and the metadata {}", gguf.arrays.len(), gguf.metadata);
    Ok(())
}
