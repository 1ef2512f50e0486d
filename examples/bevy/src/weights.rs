use bevy_asset::io::Reader;
use bevy_asset::{Asset, AssetLoader, LoadContext};
use bevy_reflect::TypePath;
use tensorfile::{Arrays, Dict, Format, Options};

/// The weights of a network by name, and the metadata of their file.
#[derive(Asset, TypePath, Debug)]
pub struct Weights {
    pub arrays: Arrays,
    pub metadata: Dict,
}

#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("cannot read the weights: {0}")]
    Read(#[from] std::io::Error),
    #[error(transparent)]
    Tensorfile(#[from] tensorfile::Error),
}

#[derive(TypePath)]
pub struct WeightsLoader;

impl AssetLoader for WeightsLoader {
    type Asset = Weights;
    type Settings = ();
    type Error = WeightsError;

    async fn load(&self, reader: &mut dyn Reader, _: &(), _: &mut LoadContext<'_>) -> Result<Weights, WeightsError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await?;
        // One thread, since Bevy's task pools already use all cores.
        let loaded = Options::new().threads(1).format(Format::Safetensors).load_bytes(&bytes)?;
        Ok(Weights { arrays: loaded.arrays, metadata: loaded.metadata })
    }

    fn extensions(&self) -> &[&str] {
        &["safetensors"]
    }
}
