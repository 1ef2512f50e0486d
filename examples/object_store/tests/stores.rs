//! Reads from the stores of `object_store` that need no server.

use std::io;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, PutPayload};
use tensorfile::Options;
use tensorfile_object_store::source;
use tokio::runtime::Handle;

/// A .safetensors file with one array of 32-bit integers, as the format's specification describes it.
fn safetensors(name: &str, values: &[i32]) -> Vec<u8> {
    let header =
        format!(r#"{{"{name}":{{"dtype":"I32","shape":[{}],"data_offsets":[0,{}]}}}}"#, values.len(), 4 * values.len());
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
}

async fn put(store: &Arc<dyn ObjectStore>, path: &str, bytes: Vec<u8>) {
    store.put(&Path::from(path), PutPayload::from(bytes)).await.unwrap();
}

/// Opens a file on a thread that may block, and returns its arrays, or the text of the error.
async fn read(store: &Arc<dyn ObjectStore>, path: &str) -> Result<Vec<(String, Vec<i32>)>, String> {
    let (store, path, runtime) = (Arc::clone(store), Path::from(path), Handle::current());
    tokio::task::spawn_blocking(move || {
        let source = source(&store, &path, &runtime).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "not found".to_string(),
            _ => error.to_string(),
        })?;
        let loaded = Options::new().load_source(&source).map_err(|error| error.to_string())?;
        loaded
            .arrays
            .iter()
            .map(|(name, array)| Ok((name.to_string(), array.to_vec::<i32>().map_err(|error| error.to_string())?)))
            .collect()
    })
    .await
    .unwrap()
}

async fn check(store: Arc<dyn ObjectStore>) {
    put(&store, "models/a.safetensors", safetensors("a", &[1, -2, 3])).await;
    assert_eq!(read(&store, "models/a.safetensors").await, Ok(vec![("a".to_string(), vec![1, -2, 3])]));

    put(&store, "m/w-00001-of-00002.safetensors", safetensors("a", &[1])).await;
    put(&store, "m/w-00002-of-00002.safetensors", safetensors("b", &[2, 3])).await;
    let index = r#"{"metadata": {}, "weight_map":
        {"a": "w-00001-of-00002.safetensors", "b": "w-00002-of-00002.safetensors"}}"#;
    put(&store, "m/w.safetensors.index.json", index.into()).await;
    let expected = vec![("a".to_string(), vec![1]), ("b".to_string(), vec![2, 3])];
    assert_eq!(read(&store, "m/w.safetensors.index.json").await, Ok(expected));

    assert_eq!(read(&store, "none.npz").await, Err("not found".to_string()));
    put(&store, "bad.safetensors", safetensors("a", &[1, 2])[..60].to_vec()).await;
    let error = read(&store, "bad.safetensors").await.unwrap_err();
    assert!(error.starts_with("bad.safetensors: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    check(Arc::new(InMemory::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folder() {
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap())).await;
}
