//! Arrays as assets of Bevy: a [`HeightMap`] from an `.npz`, and [`Weights`] from a `.safetensors`. They are read by
//! the asset reader of the app. With the feature `file_watcher` they are reloaded when their files change.
//!
//! Bevy notices a file that is written in place, and a file that is replaced by another one within 300 ms. A tool that
//! saves large files while the game runs should save them in place: `Options::new().atomic(false)`.
//!
//! ```no_run
//! use bevy_app::{App, Startup, TaskPoolPlugin};
//! use bevy_asset::{AssetPlugin, AssetServer, Handle};
//! use bevy_ecs::prelude::{Commands, Res, Resource};
//! use bevy_tensorfile::{HeightMap, TensorfilePlugin};
//!
//! #[derive(Resource)]
//! struct Terrain(Handle<HeightMap>);
//!
//! fn load(mut commands: Commands, assets: Res<AssetServer>) {
//!     commands.insert_resource(Terrain(assets.load("terrain.npz")));
//! }
//!
//! App::new()
//!     .add_plugins((TaskPoolPlugin::default(), AssetPlugin::default(), TensorfilePlugin))
//!     .add_systems(Startup, load)
//!     .run();
//! ```

mod height_map;
mod weights;

use bevy_app::{App, Plugin};
use bevy_asset::AssetApp;

pub use height_map::{HeightMap, HeightMapError, HeightMapLoader, HeightMapSettings};
pub use weights::{Weights, WeightsError, WeightsLoader};

/// Adds both assets and their loaders. Must be added after `AssetPlugin`, which is part of `DefaultPlugins`.
pub struct TensorfilePlugin;

impl Plugin for TensorfilePlugin {
    fn build(&self, app: &mut App) {
        app.init_asset::<HeightMap>()
            .init_asset::<Weights>()
            .register_asset_loader(HeightMapLoader)
            .register_asset_loader(WeightsLoader);
    }
}
