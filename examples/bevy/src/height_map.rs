use bevy_asset::io::Reader;
use bevy_asset::{Asset, AssetLoader, LoadContext};
use bevy_reflect::TypePath;
use serde::{Deserialize, Serialize};
use tensorfile::{Format, Options, Source};

/// Heights in rows.
#[derive(Asset, TypePath, Debug, Clone, PartialEq)]
pub struct HeightMap {
    rows: usize,
    columns: usize,
    heights: Vec<f32>,
}

impl HeightMap {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many heights there are in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All heights, row after row.
    pub fn heights(&self) -> &[f32] {
        &self.heights
    }

    /// The height of a place; `None` off the map.
    pub fn get(&self, row: usize, column: usize) -> Option<f32> {
        let row = self.heights.chunks_exact(self.columns.max(1)).nth(row)?;
        row.get(column).copied()
    }
}

/// What a `.meta` file, or `load_builder().with_settings`, says of a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeightMapSettings {
    /// The array's name: two dimensions, of any dtype that numbers have.
    pub array: String,
    /// What its elements are multiplied by.
    pub scale: f32,
}

impl Default for HeightMapSettings {
    fn default() -> Self {
        HeightMapSettings { array: "heights".into(), scale: 1.0 }
    }
}

/// Why there is no map.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeightMapError {
    #[error("could not read the map: {0}")]
    Read(#[from] std::io::Error),
    /// Which array, which byte, what was expected and what was found.
    #[error(transparent)]
    Tensorfile(#[from] tensorfile::Error),
    #[error("the array '{name}' has {ndim} dimensions, and a map has 2")]
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
        // Bevy's task pools have the cores already.
        let file = Options::new().threads(1).open_source(&Source::from_bytes(bytes)?, Format::Npz)?;
        let entry = file.entry(&settings.array)?;
        let &[rows, columns] = entry.shape() else {
            return Err(HeightMapError::Dimensions { name: settings.array.clone(), ndim: entry.ndim() });
        };
        let (rows, columns) = (rows as usize, columns as usize);
        let mut heights = vec![0.0; rows * columns];
        // Only this array of the file is read, and cast on the way.
        entry.read_into::<f32>(&mut heights)?;
        heights.iter_mut().for_each(|height| *height *= settings.scale);
        Ok(HeightMap { rows, columns, heights })
    }

    fn extensions(&self) -> &[&str] {
        &["npz"]
    }
}
