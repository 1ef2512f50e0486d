//! Reads files of arrays from S3, Google Cloud Storage, Azure, HTTP, memory and folders, through the crate
//! [`object_store`].

use std::io;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tensorfile::{Hints, ReadAt, Source};
use tokio::runtime::Handle;

/// An object, of which every read is a request. Reads block the thread that the library calls them on, and run on a
/// runtime of Tokio.
struct Object {
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    runtime: Handle,
}

impl ReadAt for Object {
    fn size(&self) -> io::Result<u64> {
        Ok(self.meta.size)
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let range = offset..offset + bytes.len() as u64;
        let read = self.runtime.block_on(self.store.get_range(&self.meta.location, range))?;
        if read.len() != bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.copy_from_slice(&read);
        Ok(())
    }
}

/// Returns a source over an object, which finds the other files of its set next to it.
///
/// Call it, and everything that reads from the source, on a thread that may block: from asynchronous code through
/// [`tokio::task::spawn_blocking`].
///
/// # Errors
/// Fails if there is no such object, or the store cannot be reached.
pub fn source(store: &Arc<dyn ObjectStore>, path: &Path, runtime: &Handle) -> io::Result<Source> {
    let meta = runtime.block_on(store.head(path))?;
    let object = Object { store: Arc::clone(store), meta, runtime: runtime.clone() };
    let (store, runtime) = (Arc::clone(store), runtime.clone());
    let folder = path.as_ref().rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"));
    let find = move |name: &str| source(&store, &Path::from(format!("{folder}{name}")), &runtime);
    Source::new(object)
        .and_then(|made| made.with_name(path.as_ref()))
        .and_then(|made| made.with_hints(Hints::NETWORK))
        .and_then(|made| made.with_resolver(find))
        .map_err(io::Error::other)
}
