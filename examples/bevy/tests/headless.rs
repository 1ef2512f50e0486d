//! Tests an app without a window: assets are loaded by Bevy's asset server, reloaded when their files change, and report
//! errors.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bevy_app::{App, TaskPoolPlugin};
use bevy_asset::{Asset, AssetEvent, AssetPlugin, AssetServer, Assets, Handle, LoadState};
use bevy_ecs::message::{MessageCursor, Messages};
use bevy_tensorfile::{HeightMap, HeightMapSettings, TensorfilePlugin, Weights};
use tensorfile::{Array, Arrays, Dict, Element, Options};

/// A temporary folder of assets, and an app that uses it.
struct Game {
    folder: PathBuf,
    app: App,
}

impl Drop for Game {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Game {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("bevy-tensorfile-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        let assets = AssetPlugin {
            file_path: folder.to_str().unwrap().into(),
            watch_for_changes_override: Some(cfg!(feature = "file_watcher")),
            ..AssetPlugin::default()
        };
        let mut app = App::new();
        app.add_plugins((TaskPoolPlugin::default(), assets, TensorfilePlugin));
        Game { folder, app }
    }

    fn save_map<T: Element>(&self, options: Options, heights: [[T; 3]; 2]) {
        let arrays = Arrays::from([("heights", Array::from_slice([2, 3], heights.as_flattened()).unwrap())]);
        options.save_npz_compressed(self.folder.join("terrain.npz"), &arrays).unwrap();
    }

    fn assets(&self) -> &AssetServer {
        self.app.world().resource::<AssetServer>()
    }

    /// Runs frames until a condition holds.
    fn frames_until<T>(&mut self, mut found: impl FnMut(&App) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            self.app.update();
            if let Some(it) = found(&self.app) {
                return it;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "timed out");
            std::thread::yield_now();
        }
    }

    /// Runs frames until an asset is loaded or has failed.
    fn wait_for<A: Asset>(&mut self, handle: &Handle<A>) -> Result<&A, String> {
        let id = handle.id();
        let state = self.frames_until(|app| {
            let state = app.world().resource::<AssetServer>().load_state(id);
            matches!(state, LoadState::Loaded | LoadState::Failed(_)).then_some(state)
        });
        match state {
            LoadState::Failed(error) => Err(error.to_string().trim_end().into()),
            _ => Ok(self.app.world().resource::<Assets<A>>().get(id).unwrap()),
        }
    }
}

#[test]
fn a_height_map() {
    let mut game = Game::new("map");
    game.save_map(Options::new(), [[0.0f64, 1.0, 2.0], [3.0, 4.0, 5.5]]);
    let terrain = game.assets().load::<HeightMap>("terrain.npz");
    let map = game.wait_for(&terrain).unwrap();
    assert_eq!((map.rows(), map.columns(), map.heights()), (2, 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.5][..]));
    assert_eq!((map.get(1, 2), map.get(0, 3), map.get(2, 0)), (Some(5.5), None, None));
}

#[test]
fn settings_of_a_height_map() {
    let mut game = Game::new("settings");
    game.save_map(Options::new(), [[0u16, 1, 2], [3, 4, 65535]]);
    let scaled = |settings: &mut HeightMapSettings| settings.scale = 0.5;
    let terrain: Handle<HeightMap> = game.assets().load_builder().with_settings(scaled).load("terrain.npz");
    assert_eq!(game.wait_for(&terrain).unwrap().heights(), [0.0, 0.5, 1.0, 1.5, 2.0, 32767.5]);
}

#[test]
fn settings_in_a_meta_file() {
    let mut game = Game::new("meta");
    game.save_map(Options::new(), [[0i8, 1, 2], [3, 4, -5]]);
    let meta = r#"(
        meta_format_version: "1.0",
        asset: Load(loader: "bevy_tensorfile::height_map::HeightMapLoader", settings: (scale: 10.0)),
    )"#;
    fs::write(game.folder.join("terrain.npz.meta"), meta).unwrap();
    let terrain = game.assets().load::<HeightMap>("terrain.npz");
    assert_eq!(game.wait_for(&terrain).unwrap().heights(), [0.0, 10.0, 20.0, 30.0, 40.0, -50.0]);
}

#[test]
fn weights() {
    let mut game = Game::new("weights");
    let weight = Array::from_slice([2, 2], &[1.0f32, 2.0, 3.0, 4.0]).unwrap();
    let (arrays, metadata) = (Arrays::from([("dense.weight", weight)]), Dict::from([("author", "tester")]));
    tensorfile::save(game.folder.join("network.safetensors"), (&arrays, &metadata)).unwrap();

    let network = game.assets().load::<Weights>("network.safetensors");
    let weights = game.wait_for(&network).unwrap();
    assert_eq!(weights.arrays["dense.weight"].shape(), [2, 2]);
    assert_eq!(weights.arrays["dense.weight"].as_slice::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(weights.metadata["author"].as_str(), Some("tester"));
}

/// Bevy notices files that are replaced or written in place.
#[cfg(feature = "file_watcher")]
#[test]
fn a_changed_file_is_loaded_anew() {
    let mut game = Game::new("reload");
    game.save_map(Options::new(), [[0.0f32; 3]; 2]);
    let terrain = game.assets().load::<HeightMap>("terrain.npz");
    assert_eq!(game.wait_for(&terrain).unwrap().heights(), [0.0; 6]);

    for (atomic, height) in [(true, 7.0f32), (false, 8.0)] {
        let mut seen = MessageCursor::default();
        let events = game.app.world().resource::<Messages<AssetEvent<HeightMap>>>();
        seen.clear(events);
        game.save_map(Options::new().atomic(atomic), [[height; 3]; 2]);
        game.frames_until(|app| {
            let events = app.world().resource::<Messages<AssetEvent<HeightMap>>>();
            let modified = seen.read(events).any(|event| event.is_modified(&terrain));
            let map = app.world().resource::<Assets<HeightMap>>().get(&terrain);
            (modified && map.is_some_and(|map| map.heights() == [height; 6])).then_some(())
        });
    }
}

#[test]
fn a_broken_file_says_what_is_wrong() {
    let mut game = Game::new("broken");
    let path = game.folder.join("network.safetensors");
    fs::write(&path, b"\x08\0\0\0\0\0\0\0{\"a\": 1}").unwrap();
    let network = game.assets().load::<Weights>("network.safetensors");
    let said = game.wait_for(&network).unwrap_err();
    assert!(said.contains("network.safetensors") && said.contains("WeightsLoader"), "{said}");
    let own = Options::new().format(tensorfile::Format::Safetensors);
    let own = own.load_bytes(&fs::read(&path).unwrap()).unwrap_err();
    assert!(own.message().contains("'a'") && said.ends_with(&own.to_string()), "{said}");
}

#[test]
fn a_file_without_the_array_says_so() {
    let mut game = Game::new("absent");
    game.save_map(Options::new(), [[0.0f32; 3]; 2]);
    let named = |settings: &mut HeightMapSettings| settings.array = "depths".into();
    let terrain: Handle<HeightMap> = game.assets().load_builder().with_settings(named).load("terrain.npz");
    let said = game.wait_for(&terrain).unwrap_err();
    assert!(said.contains("'depths'"), "{said}");
}

#[test]
fn an_array_that_is_no_map() {
    let mut game = Game::new("line");
    tensorfile::save(game.folder.join("terrain.npz"), &Arrays::from([("heights", [1.0f32, 2.0, 3.0])])).unwrap();
    let terrain = game.assets().load::<HeightMap>("terrain.npz");
    let said = game.wait_for(&terrain).unwrap_err();
    assert!(said.ends_with("expected the array 'heights' to have 2 dimensions, found 1"), "{said}");
}
