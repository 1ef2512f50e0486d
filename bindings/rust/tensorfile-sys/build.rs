//! Builds the core or finds the installed library, and compares the declarations with its header.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=abi_check.c");
    println!("cargo::rerun-if-env-changed=TENSORFILE_USE_SYSTEM");
    println!("cargo::rerun-if-env-changed=DOCS_RS");
    if env::var_os("DOCS_RS").is_some() {
        // Documentation links no code.
        return;
    }
    let system = env::var_os("TENSORFILE_USE_SYSTEM").is_some_and(|value| !value.is_empty() && value != "0");
    let includes = if system { find() } else { build() };
    if let Some(folder) = includes.first() {
        // DEP_TENSORFILE_INCLUDE for the build scripts of crates that depend on this one.
        println!("cargo::metadata=include={}", folder.display());
    }
    check(&includes);
}

/// Returns the folder of the core, which is one source file, and its header. A published crate contains it; in the
/// source tree it is written from the sources.
fn sources() -> PathBuf {
    let this = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let vendor = this.join("vendor");
    if vendor.exists() {
        println!("cargo::rerun-if-changed={}", vendor.display());
        return vendor;
    }
    let root = this.join("../../..");
    for changed in ["include", "src", "tools/amalgamate.py"] {
        println!("cargo::rerun-if-changed={}", root.join(changed).display());
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("core");
    match Command::new("python3").arg(root.join("tools/amalgamate.py")).arg(&folder).status() {
        Ok(status) if status.success() => folder,
        Ok(status) => fail(&format!("tools/amalgamate.py, which writes the core as one file, failed: {status}")),
        Err(error) => {
            fail(&format!("the build from the source tree needs python3, to write the core as one file: {error}"))
        }
    }
}

fn fail(problem: &str) -> ! {
    eprintln!("{problem}");
    std::process::exit(1);
}

/// Compiles the core, as two files at the same time. Returns the folder of its header.
fn build() -> Vec<PathBuf> {
    let folder = sources();
    let objects = thread::scope(|scope| {
        let second = scope.spawn(|| compile(&folder, 2));
        [compile(&folder, 1), second.join().expect("cc reports its errors itself")].concat()
    });
    cc::Build::new().cpp_link_stdlib(None).objects(objects).compile("tensorfile");
    vec![folder]
}

/// Compiles one of the two parts that tensorfile.cpp can be compiled in. Returns its object files.
fn compile(folder: &Path, part: u32) -> Vec<PathBuf> {
    // Each part has a folder, since cc also writes files there to find out which options the compiler has.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join(format!("part{part}"));
    if let Err(error) = fs::create_dir_all(&out) {
        fail(&format!("cannot create {}: {error}", out.display()));
    }
    let mut core = cc::Build::new();
    core.cpp(true)
        .std("c++20")
        .file(folder.join("tensorfile.cpp"))
        .include(folder)
        .out_dir(out)
        .define("TENSORFILE_PART", part.to_string().as_str())
        // The core needs no C++ run-time library, and must not export symbols from the program that it is linked into.
        .cpp_link_stdlib(None)
        .flag_if_supported("-fno-exceptions")
        .flag_if_supported("-fno-rtti")
        .flag_if_supported("-fno-threadsafe-statics")
        .flag_if_supported("-ffp-contract=off")
        .flag_if_supported("-fvisibility=hidden")
        .define("TENSORFILE_API", "")
        .define("NDEBUG", None);
    if env::var("OPT_LEVEL").is_ok_and(|level| level == "0") {
        // Always optimized: conversions and checksums are too slow otherwise, even for `cargo test`.
        core.opt_level(2);
        // A backtrace needs only the lines. The rest of the debug information takes a fifth of the compile time.
        if env::var("DEBUG").is_ok_and(|debug| debug != "false") {
            core.debug(false).flag_if_supported("-g1");
        }
    }
    if env::var_os("CARGO_FEATURE_ZLIB").is_none() {
        core.define("TENSORFILE_NO_ZLIB", None);
    } else if let Some(paths) = env::var_os("DEP_Z_INCLUDE") {
        core.includes(env::split_paths(&paths));
    }
    core.compile_intermediates()
}

/// Finds the installed library. Returns the folders of its header.
fn find() -> Vec<PathBuf> {
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    let found = pkg_config::Config::new()
        .atleast_version(&version)
        .statik(env::var_os("CARGO_FEATURE_STATIC").is_some())
        .probe("tensorfile");
    match found {
        Ok(library) => library.include_paths,
        Err(error) => {
            eprintln!("TENSORFILE_USE_SYSTEM is set, but tensorfile {version} or later is not installed: {error}");
            eprintln!(
                "Install it, set PKG_CONFIG_PATH to the folder of tensorfile.pc, or unset TENSORFILE_USE_SYSTEM."
            );
            std::process::exit(1);
        }
    }
}

/// Makes the C compiler compare every declaration and constant with the header.
fn check(includes: &[PathBuf]) {
    let checked = cc::Build::new()
        .std("c11")
        .file("abi_check.c")
        .includes(includes)
        .cargo_metadata(false)
        .try_compile("tensorfile_abi_check");
    if let Err(error) = checked {
        fail(&format!("tensorfile.h differs from the one that this crate was generated from: {error}"));
    }
}
