//! Errors and panics of readers, writers, progress callbacks, allocators and owners.
#![allow(missing_docs)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::{self, Cursor, Write};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use support::Folder;
use tensorfile::{Array, Arrays, Buffer, Commit, Dict, ErrorKind, Format, Options, ReadAt, Sink, Source};

fn sample(count: usize) -> (Arrays, Buffer) {
    let mut arrays = Arrays::new();
    arrays.insert("a", vec![1.5f32; count]);
    arrays.insert("b", vec![2u8; count]);
    let bytes = Options::new().to_bytes(Format::Safetensors, &arrays).unwrap();
    (arrays, bytes)
}

fn panic_of(body: impl FnOnce()) -> &'static str {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("a panic");
    panic.downcast_ref::<&'static str>().expect("its text")
}

/// Reads from a buffer. The first read at or after `at` calls `then` instead.
struct Faulty {
    bytes: Buffer,
    at: u64,
    then: fn() -> io::Result<()>,
    dropped: Arc<AtomicUsize>,
}

impl ReadAt for Faulty {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        assert!(bytes.iter().all(|&byte| byte == 0));
        if offset >= self.at {
            return (self.then)();
        }
        let start = usize::try_from(offset).unwrap();
        bytes.copy_from_slice(&self.bytes[start..start + bytes.len()]);
        Ok(())
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn faulty(bytes: &Buffer, at: u64, then: fn() -> io::Result<()>) -> (Source, Arc<AtomicUsize>) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let source = Source::new(Faulty { bytes: bytes.clone(), at, then, dropped: dropped.clone() }).unwrap();
    (source, dropped)
}

#[test]
fn sources_read_and_are_dropped_once() {
    let (arrays, bytes) = sample(10);
    let (source, dropped) = faulty(&bytes, u64::MAX, || Ok(()));
    let loaded = Options::new().load_source(&source).unwrap();
    assert_eq!(loaded["a"], arrays["a"]);
    let file = Options::new().open_source(&source).unwrap();
    drop(source);
    assert_eq!(file.read("b").unwrap().to_vec::<u8>().unwrap(), [2; 10]);
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    drop(file);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);

    let source = Source::from_seek(Cursor::new(bytes.to_vec())).unwrap();
    assert_eq!(Options::new().load_source(&source).unwrap()["b"], arrays["b"]);
    let source = Source::from_bytes(bytes).unwrap();
    assert_eq!(Options::new().load_source(&source).unwrap()["b"], arrays["b"]);
}

#[test]
fn errors_of_readers_are_the_cause() {
    let (_, bytes) = sample(10);
    for (then, expected) in [
        ((|| Err(io::Error::other("connection lost"))) as fn() -> io::Result<()>, ErrorKind::Io),
        (|| Err(io::ErrorKind::UnexpectedEof.into()), ErrorKind::Truncated),
        (|| Err(tensorfile::load("missing").unwrap_err().into()), ErrorKind::NotFound),
    ] {
        let (source, _) = faulty(&bytes, 0, then);
        let error = Options::new().format(Format::Safetensors).load_source(&source).unwrap_err();
        assert_eq!(error.kind(), expected, "{error:?}");
        // A program that looks for the cause finds it, and one that only prints the error shows it.
        let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap().to_string();
        assert_eq!(cause, then().unwrap_err().to_string());
        assert!(error.to_string().ends_with(&format!(": {cause}")), "{error}");
        assert!(format!("{error:?}").contains("cause"));
    }
    struct Sizeless;
    impl ReadAt for Sizeless {
        fn size(&self) -> io::Result<u64> {
            Err(io::Error::other("unknown"))
        }
        fn read_exact_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
            unreachable!()
        }
    }
    assert!(matches!(Source::new(Sizeless), Err(error) if error.kind() == ErrorKind::Io));
}

#[test]
fn panics_of_readers_go_on_in_the_caller() {
    let (_, bytes) = sample(10);
    let (source, dropped) = faulty(&bytes, 0, || panic!("reader"));
    assert_eq!(panic_of(|| drop(Options::new().load_source(&source))), "reader");
    assert_eq!(panic_of(|| drop(Options::new().open_source(&source))), "reader");
    drop(source);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    // Later calls on this thread succeed.
    assert_eq!(Options::new().load_bytes(&bytes).unwrap().arrays.len(), 2);
}

/// Large enough that several threads read it.
#[test]
fn panics_on_other_threads_reach_the_caller() {
    let (arrays, bytes) = sample(8 << 20);
    type Readers = Arc<(Mutex<Vec<thread::ThreadId>>, Condvar)>;
    let threads = Readers::default();
    struct Watched(Buffer, Readers, bool);
    impl ReadAt for Watched {
        fn size(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }
        fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
            let (readers, came) = &*self.1;
            let here = thread::current().id();
            let mut readers = readers.lock().unwrap();
            readers.push(here);
            came.notify_all();
            if bytes.len() > 1 << 16 {
                // Waits for a read on another thread, however busy the machine is.
                drop(came.wait_timeout_while(readers, Duration::from_secs(60), |all| all.iter().all(|&id| id == here)));
            }
            assert!(!(self.2 && bytes.len() > 1 << 16), "on some thread");
            let start = usize::try_from(offset).unwrap();
            bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
            Ok(())
        }
    }
    // The test harness does not capture panics of other threads, and there are many.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&"on some thread") {
            hook(panic);
        }
    }));
    let options = Options::new().threads(4);
    let source = Source::new(Watched(bytes.clone(), threads.clone(), false)).unwrap();
    assert_eq!(options.load_source(&source).unwrap()["a"], arrays["a"]);
    assert!(threads.0.lock().unwrap().iter().any(|&id| id != thread::current().id()), "other threads read too");
    let source = Source::new(Watched(bytes, threads, true)).unwrap();
    for _ in 0..5 {
        assert_eq!(panic_of(|| drop(options.load_source(&source))), "on some thread");
        let file = options.open_source(&source).unwrap();
        assert_eq!(panic_of(|| drop(file.read("a"))), "on some thread");
    }
}

#[test]
fn sources_may_map() {
    struct Mapped(Buffer, Arc<AtomicUsize>);
    impl ReadAt for Mapped {
        fn size(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }
        fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
            let start = usize::try_from(offset).unwrap();
            bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
            Ok(())
        }
        fn map(&self, offset: u64, nbytes: u64) -> Option<&[u8]> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let start = usize::try_from(offset).ok()?;
            self.0.get(start..start + usize::try_from(nbytes).ok()?)
        }
    }
    let (arrays, bytes) = sample(100);
    let maps = Arc::new(AtomicUsize::new(0));
    let source = Source::new(Mapped(bytes.clone(), maps.clone())).unwrap();
    // SAFETY: the buffer never changes.
    let options = unsafe { Options::new().map(true) };
    let mut loaded = options.load_source(&source).unwrap();
    drop(source);
    assert!(maps.load(Ordering::Relaxed) > 0);
    assert_eq!(loaded["a"], arrays["a"]);
    let inside = bytes.as_ptr_range();
    assert!(inside.contains(&loaded["a"].data()), "no copy");
    loaded.arrays["a"].as_slice_mut::<f32>().unwrap()[0] = 0.0;
    assert_eq!(loaded["a"].item_as_f64([0]).unwrap(), 0.0);
    assert!(!inside.contains(&loaded["a"].data()), "changing the array copies it");
}

#[test]
fn writers_get_everything_and_may_fail() {
    struct Full(Vec<u8>, usize, fn() -> io::Error);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.1 - self.0.len());
            if count == 0 && !bytes.is_empty() {
                return Err((self.2)());
            }
            self.0.extend_from_slice(&bytes[..count]);
            Ok(count)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (arrays, bytes) = sample(1000);
    let mut writer = Full(Vec::new(), 4000, || io::Error::other("no space left"));
    let error = Options::new().save_to(&mut writer, Format::Safetensors, &arrays).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.source().unwrap().to_string(), "no space left");
    assert_eq!(writer.0, bytes[..4000]);
    let mut writer = Full(Vec::new(), 0, || panic!("writer"));
    let panic = panic_of(|| drop(Options::new().save_to(&mut writer, Format::Npy, &arrays["a"])));
    assert_eq!(panic, "writer");
}

#[test]
fn progress_is_reported_and_can_cancel() {
    let (arrays, bytes) = sample(1 << 20);
    let reports = Arc::new(Mutex::new(Vec::new()));
    let list = reports.clone();
    let options = Options::new().progress(move |done, total| {
        list.lock().unwrap().push((done, total, thread::current().id()));
        ControlFlow::Continue(())
    });
    drop(options.load_bytes(&bytes).unwrap());
    let last = *reports.lock().unwrap().last().expect("some progress");
    assert_eq!(last, (5 << 20, 5 << 20, thread::current().id()));
    assert!(reports.lock().unwrap().is_sorted_by_key(|(done, ..)| *done));
    drop(options);
    assert_eq!(Arc::strong_count(&reports), 1, "the callback is dropped with the options");

    let stop = Options::new().progress(|_, _| ControlFlow::Break(()));
    assert_eq!(stop.load_bytes(&bytes).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(matches!(stop.to_bytes(Format::Npz, &arrays), Err(error) if error.kind() == ErrorKind::Cancelled));
    let loud = Options::new().progress(|_, _| panic!("progress"));
    assert_eq!(panic_of(|| drop(loud.load_bytes(&bytes))), "progress");
    // A callback may call the library itself and ignore its failures.
    let nested = Options::new().progress(|_, _| {
        assert!(tensorfile::load("missing").is_err());
        ControlFlow::Continue(())
    });
    assert!(nested.load_bytes(&bytes).is_ok());
    // Threads may share options.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(nested.load_bytes(&bytes).is_ok()));
        }
    });
}

#[test]
fn panics_in_drop_go_on_too() {
    struct Loud(Vec<u8>);
    impl AsRef<[u8]> for Loud {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("owner");
        }
    }
    let array = Array::from_owner([2], Loud(vec![1, 2])).unwrap();
    assert_eq!(panic_of(move || drop(array)), "owner");
    let mut array = Array::from_owner([2], Loud(vec![1, 2])).unwrap();
    assert_eq!(panic_of(|| drop(array.as_slice_mut::<u8>())), "owner");
    assert_eq!(array.as_slice::<u8>().unwrap(), [1, 2], "the array has the copy");
    assert_eq!(panic_of(|| drop(Array::from_owner([3], Loud(vec![1, 2])))), "owner");
}

#[test]
fn allocators_give_and_take_everything() {
    #[derive(Default)]
    struct Counts {
        live: AtomicUsize,
        calls: AtomicUsize,
        dropped: AtomicUsize,
    }
    struct Counting(Arc<Counts>);
    // SAFETY: forwards to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            self.0.live.fetch_add(layout.size(), Ordering::Relaxed);
            self.0.calls.fetch_add(1, Ordering::Relaxed);
            // SAFETY: guaranteed by the caller.
            unsafe { System.alloc(layout) }
        }
        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            self.0.live.fetch_sub(layout.size(), Ordering::Relaxed);
            // SAFETY: guaranteed by the caller.
            unsafe { System.dealloc(pointer, layout) }
        }
    }
    impl Drop for Counting {
        fn drop(&mut self) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (arrays, bytes) = sample(1 << 16);
    let counts = Arc::new(Counts::default());
    let options = Options::new().allocator(Counting(counts.clone())).threads(2);
    let loaded = options.load_bytes(&bytes).unwrap();
    assert_eq!(loaded["a"], arrays["a"]);
    let live = counts.live.load(Ordering::Relaxed);
    let array = options.zeros(tensorfile::Dtype::Int8, [1000]).unwrap();
    assert!(counts.live.load(Ordering::Relaxed) >= live + 1000);
    drop(array);
    assert_eq!(counts.live.load(Ordering::Relaxed), live);
    drop(options);
    assert!(counts.live.load(Ordering::Relaxed) >= 5 << 16);
    assert_eq!(counts.dropped.load(Ordering::Relaxed), 0);
    drop(loaded);
    assert_eq!(counts.live.load(Ordering::Relaxed), 0);
    assert_eq!(counts.dropped.load(Ordering::Relaxed), 1);
    assert!(counts.calls.load(Ordering::Relaxed) > 0);

    struct Empty;
    // SAFETY: allocates nothing, so nothing is deallocated.
    unsafe impl GlobalAlloc for Empty {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            std::ptr::null_mut()
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
            unreachable!()
        }
    }
    let options = Options::new().allocator(Empty);
    assert!(matches!(options.load_bytes(&bytes), Err(error) if error.kind() == ErrorKind::OutOfMemory));
}

/// Runs jobs on threads of a scope. With `fail` it returns an error before it runs any.
struct Scoped {
    jobs: Arc<AtomicUsize>,
    fail: bool,
}

impl tensorfile::Executor for Scoped {
    fn width(&self) -> usize {
        3
    }
    fn execute(&self, count: usize, run: &(dyn Fn(usize) + Sync)) -> io::Result<()> {
        if self.fail {
            return Err(tensorfile::load("missing").unwrap_err().into());
        }
        self.jobs.fetch_add(count, Ordering::Relaxed);
        thread::scope(|scope| {
            for index in 0..count {
                scope.spawn(move || run(index));
            }
        });
        Ok(())
    }
}

#[test]
fn executors_run_the_jobs() {
    let (arrays, bytes) = sample(8 << 20);
    let jobs = Arc::new(AtomicUsize::new(0));
    let options = Options::new().executor(Scoped { jobs: jobs.clone(), fail: false });
    let source = Source::from_bytes(bytes.clone()).unwrap();
    assert_eq!(options.load_source(&source).unwrap()["a"], arrays["a"]);
    assert!(jobs.load(Ordering::Relaxed) >= 2);

    let options = Options::new().executor(Scoped { jobs, fail: true });
    let error = options.load_source(&source).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}

#[test]
fn parts_of_sources_are_sources() {
    let (arrays, bytes) = sample(10);
    let mut archive = b"archive".to_vec();
    archive.extend_from_slice(&bytes);
    archive.extend_from_slice(b"more");
    let end = 7 + bytes.len() as u64;
    let path = std::env::temp_dir().join(format!("tensorfile-parts-{}", std::process::id()));
    std::fs::write(&path, &archive).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let whole = Source::from_bytes(archive).unwrap();
    let tail = whole.part(7..).unwrap();
    for source in [whole.part(7..end).unwrap(), whole.part(7..end).unwrap(), tail.part(..end - 7).unwrap()] {
        assert_eq!(Options::new().load_source(&source).unwrap()["b"], arrays["b"]);
    }
    #[cfg(unix)]
    {
        let source = Source::from_fd(&file, 7..end).unwrap();
        assert_eq!(Options::new().load_source(&source).unwrap()["b"], arrays["b"]);
        assert_eq!(Source::from_fd(&file, end + 5..).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    drop(file);
    std::fs::remove_file(path).unwrap();
    assert_eq!(whole.part(..end + 5).unwrap_err().kind(), ErrorKind::InvalidArgument);
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = whole.part(5..4);
    assert_eq!(reversed.unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(whole.part(..=u64::MAX).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn writers_write_what_saving_writes() {
    let (arrays, _) = sample(1000);
    let mut metadata = Dict::new();
    metadata.insert("general.architecture", "none");
    for (format, name) in [(Format::Npz, "w.npz"), (Format::Safetensors, "w.safetensors")] {
        let metadata = (format == Format::Safetensors).then_some(&metadata);
        let folder = std::env::temp_dir().join(format!("tensorfile-writer-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        let mut stream = Vec::new();
        let mut writer = Options::new().create(&path).unwrap();
        let mut streaming = Options::new().create_in(&mut stream, format).unwrap();
        for writer in [&mut writer, &mut streaming] {
            for (name, array) in &arrays {
                writer.declare(name, array.dtype(), array.shape()).unwrap();
            }
            if let Some(metadata) = metadata {
                writer.set_metadata(metadata).unwrap();
            }
            writer.write_elements(&[1.5f32; 999]).unwrap();
            let error = writer.write_elements(&[1u8]).unwrap_err();
            assert_eq!(error.message(), "array 'a': expected elements of float32, got uint8");
            writer.write_all(&1.5f32.to_ne_bytes()).unwrap();
            assert_eq!(writer.write_bytes(&[0; 1001]).unwrap_err().kind(), ErrorKind::InvalidArgument);
            writer.write_bytes(&[2; 1000]).unwrap();
        }
        assert!(!path.exists());
        writer.finish().unwrap();
        streaming.finish().unwrap();
        let saved = Options::new().to_bytes(format, (&arrays, metadata)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), *saved);
        assert_eq!(Options::new().load_bytes(&stream).unwrap()["b"], arrays["b"]);

        let mut lacking = tensorfile::Writer::create(&path).unwrap();
        lacking.declare("z", tensorfile::Dtype::Int8, [4]).unwrap();
        lacking.write_elements(&[1i8, 2]).unwrap();
        let error = lacking.finish().unwrap_err();
        assert_eq!((error.kind(), error.name()), (ErrorKind::InvalidArgument, Some("z")));
        assert_eq!(std::fs::read(&path).unwrap(), *saved);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn errors_and_panics_of_a_writers_target_reach_the_caller() {
    struct Bad(bool);
    impl Write for Bad {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            assert!(!self.0, "target");
            Err(io::Error::other("disk removed"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let write = |target: &mut Bad| {
        let mut writer = Options::new().create_in(target, Format::Npy)?;
        writer.declare("", tensorfile::Dtype::Int8, [1 << 20])?;
        writer.write_elements(&vec![0i8; 1 << 20])?;
        writer.finish()
    };
    let error = write(&mut Bad(false)).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "disk removed");
    assert_eq!(panic_of(|| drop(write(&mut Bad(true)))), "target");
}

/// Reads from a buffer on any thread, until the test makes it fail.
struct Shard(Buffer, Arc<AtomicUsize>);

impl ReadAt for Shard {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match self.1.load(Ordering::Relaxed) {
            1 => return Err(io::Error::new(io::ErrorKind::TimedOut, "shard timed out")),
            2 => panic!("shard"),
            _ => {}
        }
        let start = usize::try_from(offset).unwrap();
        bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
        Ok(())
    }
}

#[test]
fn sets_of_sources_are_found_by_resolvers() {
    let (arrays, _) = sample(1 << 20);
    let shard = |name| {
        let part = Arrays::from([(name, &arrays[name])]);
        Options::new().to_bytes(Format::Safetensors, &part).unwrap()
    };
    let shards = [shard("a"), shard("b")];
    let index = r#"{"weight_map": {"a": "m-00001-of-00002.safetensors", "b": "m-00002-of-00002.safetensors"}}"#;
    let state = Arc::new(AtomicUsize::new(0));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let open = |fail: fn() -> io::Error| {
        let (names, shards, state) = (asked.clone(), shards.clone(), state.clone());
        let find = move |name: &str| {
            names.lock().unwrap().push(name.to_owned());
            let number = match name {
                "m-00001-of-00002.safetensors" => 0,
                "m-00002-of-00002.safetensors" => 1,
                _ => return Err(io::ErrorKind::NotFound.into()),
            };
            if state.load(Ordering::Relaxed) == 3 {
                return Err(fail());
            }
            Ok(Source::new(Shard(shards[number].clone(), state.clone()))?.with_hints(tensorfile::Hints::NETWORK)?)
        };
        let source = Source::from_bytes(index.as_bytes()).unwrap();
        source.with_name("models/m.safetensors.index.json").unwrap().with_resolver(find).unwrap()
    };
    let full = || io::Error::new(io::ErrorKind::PermissionDenied, "the store refused");
    let source = open(full);
    let file = Options::new().threads(4).open_source(&source).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert_eq!((file.read("a").unwrap(), file.read("b").unwrap()), (arrays["a"].clone(), arrays["b"].clone()));
    assert_eq!(Options::new().load_weights_source(&source).unwrap().flatten().unwrap(), arrays);
    let other = Arrays::from([("c", [1u8])]);
    let error = Options::new().load_weights_source_like(&source, &other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);

    // Errors and panics of the sources that the resolver returned are those of the call.
    state.store(1, Ordering::Relaxed);
    let error = file.read("b").unwrap_err();
    assert!(error.message().starts_with("models/m-00002-of-00002.safetensors: "), "{error}");
    assert!(error.message().ends_with("shard timed out"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
    state.store(2, Ordering::Relaxed);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    assert_eq!(panic_of(|| drop(file.read("a"))), "shard");
    std::panic::set_hook(hook);
    state.store(3, Ordering::Relaxed);
    let error = Options::new().load_source(&source).unwrap_err();
    assert!(error.message().ends_with("the store refused"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "the store refused");
    state.store(0, Ordering::Relaxed);

    // Settings are made before a source is used.
    assert_eq!(source.clone().with_name("x").unwrap_err().kind(), ErrorKind::InvalidArgument);
    let missing = Source::from_bytes(index.as_bytes()).unwrap().with_name("m.safetensors.index.json").unwrap();
    let missing = missing.with_resolver(|_| Err(io::ErrorKind::NotFound.into())).unwrap();
    assert_eq!(Options::new().load_source(&missing).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Files of a store by name, and what became of each: "commit" or "abort".
type Uploads = Arc<Mutex<BTreeMap<String, (Vec<u8>, Vec<&'static str>)>>>;

struct Upload(String, Uploads, Option<io::ErrorKind>);

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.lock().unwrap().entry(self.0.clone()).or_default().0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Commit for Upload {
    fn commit(&mut self) -> io::Result<()> {
        self.1.lock().unwrap().entry(self.0.clone()).or_default().1.push("commit");
        self.2.map_or(Ok(()), |kind| Err(io::Error::new(kind, "commit refused")))
    }
    fn abort(&mut self) {
        self.1.lock().unwrap().entry(self.0.clone()).or_default().1.push("abort");
    }
}

#[test]
fn sinks_are_all_or_nothing() {
    let (arrays, bytes) = sample(1000);
    let uploads = Uploads::default();
    let sink = |name: &str, fail| Sink::all_or_nothing(Upload(name.into(), uploads.clone(), fail)).unwrap();
    let options = Options::new();
    options.save_sink(sink("whole", None), Format::Safetensors, &arrays).unwrap();
    let error = options.save_sink(sink("refused", Some(io::ErrorKind::Other)), Format::Npz, &arrays).unwrap_err();
    assert!(error.message().ends_with("commit refused"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "commit refused");
    let stop = Options::new().progress(|_, _| ControlFlow::Break(()));
    let error = stop.save_sink(sink("stopped", None), Format::Npz, &arrays).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let mut writer = options.create_sink(sink("unfinished", None), Format::Npy).unwrap();
    writer.declare("", tensorfile::Dtype::Int8, [2]).unwrap();
    writer.write_elements(&[1i8]).unwrap();
    drop(writer);
    drop(sink("unused", None));
    let mut plain = Vec::new();
    options.save_sink(Sink::new(&mut plain).unwrap(), Format::Safetensors, &arrays).unwrap();
    assert_eq!(plain, *bytes);

    let uploads = uploads.lock().unwrap();
    assert_eq!(uploads["whole"].0, *bytes);
    let ends: Vec<_> = uploads.iter().map(|(name, (_, ends))| (name.as_str(), ends.concat())).collect();
    let expected = [
        ("refused", "commit"),
        ("stopped", "abort"),
        ("unfinished", "abort"),
        ("unused", "abort"),
        ("whole", "commit"),
    ];
    assert_eq!(ends, expected.map(|(name, end)| (name, end.to_owned())));
}

#[test]
fn sets_are_written_to_sinks() {
    let (arrays, _) = sample(1000);
    let uploads = Uploads::default();
    let options = Options::new().part_bytes(4500);
    let save = |fail: &'static str| {
        let made = uploads.clone();
        let make = move |name: &str| {
            if name == fail {
                return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "no more objects"));
            }
            Ok(Sink::all_or_nothing(Upload(name.into(), made.clone(), None))?)
        };
        let sink = Sink::new(io::sink()).unwrap().with_resolver("m.safetensors", make).unwrap();
        options.save_sink(sink, Format::Safetensors, &arrays)
    };
    let error = save("m-00002-of-00002.safetensors").unwrap_err();
    assert!(error.message().ends_with("no more objects"), "{error}");
    assert_eq!(uploads.lock().unwrap().remove("m-00001-of-00002.safetensors").unwrap().1, ["abort"]);
    save("").unwrap();

    // The set is what the resolver of a source finds.
    let files = uploads.lock().unwrap().clone();
    assert!(files.values().all(|(_, ends)| ends == &["commit"]));
    let name = "m.safetensors.index.json";
    let index = Source::from_bytes(files[name].0.clone()).unwrap().with_name(name).unwrap();
    let find = move |name: &str| {
        let (bytes, _) = files.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Source::from_bytes(bytes.clone())?)
    };
    assert_eq!(Options::new().load_source(&index.with_resolver(find).unwrap()).unwrap().arrays, arrays);
}

#[test]
fn parts_are_written_separately() {
    let (arrays, _) = sample(1000);
    let folder = Folder::new();
    let metadata = Dict::from([("general.architecture", "x")]);
    let options = Options::new().part_bytes(4500);
    for name in ["m.safetensors", "m.gguf"] {
        let arrays =
            Arrays::from([("a", arrays["a"].clone()), ("b", arrays["b"].cast(tensorfile::Dtype::Int8).unwrap())]);
        let whole = folder.path(format!("whole-{name}"));
        options.save(&whole, (&arrays, &metadata)).unwrap();
        let mut plan = options.part_plan(folder.path(name)).unwrap();
        plan.declare("a", arrays["a"].dtype(), arrays["a"].shape()).unwrap();
        plan.declare_all(&Arrays::from([("b", &arrays["b"])])).unwrap();
        plan.set_metadata(&metadata).unwrap();
        let plan = plan.finish().unwrap();
        assert_eq!((plan.len(), plan.is_empty(), plan.get(2).is_none()), (2, false, true));
        let first = plan.get(0).unwrap();
        assert_eq!((first.number(), first.nbytes(), first.names().collect::<Vec<_>>()), (0, 4000, vec!["a"]));
        assert_eq!(first.metadata().unwrap()["general.architecture"].as_str(), Some("x"));
        let file_of = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut written = Vec::new();
        first.create_sink(Sink::new(&mut written).unwrap()).unwrap().write_elements(&[1u8]).unwrap_err();
        for part in plan.parts().rev() {
            let expected = folder.path(format!("whole-{}", file_of(&part.path())));
            let mut writer = part.create_at(folder.path("elsewhere")).unwrap();
            for name in part.names() {
                writer.write_bytes(arrays[name].as_bytes().unwrap()).unwrap();
            }
            writer.finish().unwrap();
            part.save(&arrays).unwrap();
            assert_eq!(std::fs::read(part.path()).unwrap(), std::fs::read(&expected).unwrap());
            assert_eq!(std::fs::read(folder.path("elsewhere")).unwrap(), std::fs::read(expected).unwrap());
        }
        let error = plan.get(1).unwrap().save(&Arrays::new()).unwrap_err();
        assert_eq!((error.kind(), error.name()), (ErrorKind::NotFound, Some("b")));
        let error = plan.get(1).unwrap().save(&Arrays::from([("b", [1i8])])).unwrap_err();
        assert_eq!(error.message(), "array 'b': expected 1000 bytes, got 1");
        if let Some(index) = plan.index().unwrap() {
            plan.save_index().unwrap();
            assert_eq!(std::fs::read_to_string(plan.index_path().unwrap()).unwrap(), index);
            plan.save_index_as(folder.path("index.json")).unwrap();
            assert_eq!(tensorfile::load(plan.index_path().unwrap()).unwrap().arrays, arrays);
        } else {
            assert_eq!((plan.index_path(), plan.save_index().unwrap_err().kind()), (None, ErrorKind::NotFound));
            let loaded = Options::new().parts(true).load(plan.get(0).unwrap().path()).unwrap();
            assert_eq!((loaded.arrays, loaded.metadata.contains_key("general.architecture")), (arrays, true));
        }
    }
}
