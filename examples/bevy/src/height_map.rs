use bevy_asset::io::Reader;
use bevy_asset::{Asset, AssetLoader, LoadContext};
use bevy_reflect::TypePath;
use serde::{Deserialize, Serialize};
use tensorfile::{Format, Options, Source};

/// A grid of heights.
#[derive(Asset, TypePath, Debug, Clone, PartialEq)]
pub struct HeightMap {
    rows: usize,
    columns: usize,
    heights: Vec<f32>,
}

impl HeightMap {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of heights in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns all heights, row by row.
    pub fn heights(&self) -> &[f32] {
        &self.heights
    }

    /// Returns the height at a position, or `None` outside of the map.
    pub fn get(&self, row: usize, column: usize) -> Option<f32> {
        let row = self.heights.chunks_exact(self.columns.max(1)).nth(row)?;
        row.get(column).copied()
    }
}

/// Settings of a map, from its `.meta` file or `load_builder().with_settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeightMapSettings {
    /// The name of the array, which has two dimensions and a numeric dtype.
    pub array: String,
    /// The factor that its elements are multiplied by.
    pub scale: f32,
}

impl Default for HeightMapSettings {
    fn default() -> Self {
        HeightMapSettings { array: "heights".into(), scale: 1.0 }
    }
}

/// The reason why a map could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeightMapError {
    #[error("cannot read the map: {0}")]
    Read(#[from] std::io::Error),
    /// The message contains the array, the byte, what was expected and what was found.
    #[error(transparent)]
    Tensorfile(#[from] tensorfile::Error),
    #[error("expected the array '{name}' to have 2 dimensions, found {ndim}")]
    Dimensions { name: String, ndim: usize },
}

/// Loads a [`HeightMap`] from an `.npz`.
#[derive(TypePath)]
pub struct HeightMapLoader;

impl AssetLoader for HeightMapLoader {
    type Asset = HeightMap;
    type Settings = HeightMapSettings;
    type Error = HeightMapError;

    async fn load(
        &self,
        reader: &mut dyn Reader,
        settings: &HeightMapSettings,
        _: &mut LoadContext<'_>,
    ) -> Result<HeightMap, HeightMapError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await?;
        // One thread, since Bevy's task pools already use all cores.
        let options = Options::new().threads(1).format(Format::Npz);
        let file = options.open_source(&Source::from_bytes(bytes)?)?;
        let entry = file.entry(&settings.array)?;
        let &[rows, columns] = entry.shape() else {
            return Err(HeightMapError::Dimensions { name: settings.array.clone(), ndim: entry.ndim() });
        };
        // Reads only this array, and converts it to float32.
        let mut heights = entry.read_as::<f32>()?;
        heights.iter_mut().for_each(|height| *height *= settings.scale);
        Ok(HeightMap { rows, columns, heights })
    }

    fn extensions(&self) -> &[&str] {
        &["npz"]
    }
}
