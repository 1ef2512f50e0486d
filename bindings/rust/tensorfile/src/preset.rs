//! Presets: the mixtures of types in which llama-quantize encodes models.

use std::ffi::CString;
use std::fmt;
use std::ptr::NonNull;
use std::str;

use crate::call::{check, handle, make};
use crate::dtype::{Dtype, numbers};
use crate::error::{Error, ErrorKind, Result, static_text};
use crate::map::Dict;
use crate::options::Options;
use crate::raw::RawDict;
use crate::shape::dims;
use crate::sys;

numbers! {
    /// A mixture of types in which llama-quantize encodes a model. Its number is the `general.file_type` of a .gguf.
    Preset: tf_preset, PRESETS {
        // BEGIN tf_preset: generated from tensorfile.h by bindings/swig/generate.sh
        /// No preset.
        None = TF_PRESET_NONE,
        /// The preset Q4_0.
        Q4_0 = TF_PRESET_Q4_0,
        /// The preset Q4_1.
        Q4_1 = TF_PRESET_Q4_1,
        /// The preset Q8_0.
        Q8_0 = TF_PRESET_Q8_0,
        /// The preset Q5_0.
        Q5_0 = TF_PRESET_Q5_0,
        /// The preset Q5_1.
        Q5_1 = TF_PRESET_Q5_1,
        /// The preset Q2_K.
        Q2K = TF_PRESET_Q2_K,
        /// The preset Q3_K_S.
        Q3KS = TF_PRESET_Q3_K_S,
        /// The preset Q3_K_M.
        Q3KM = TF_PRESET_Q3_K_M,
        /// The preset Q3_K_L.
        Q3KL = TF_PRESET_Q3_K_L,
        /// The preset Q4_K_S.
        Q4KS = TF_PRESET_Q4_K_S,
        /// The preset Q4_K_M.
        Q4KM = TF_PRESET_Q4_K_M,
        /// The preset Q5_K_S.
        Q5KS = TF_PRESET_Q5_K_S,
        /// The preset Q5_K_M.
        Q5KM = TF_PRESET_Q5_K_M,
        /// The preset Q6_K.
        Q6K = TF_PRESET_Q6_K,
        /// Needs an importance matrix.
        Q2KS = TF_PRESET_Q2_K_S,
        /// The preset IQ4_NL.
        Iq4Nl = TF_PRESET_IQ4_NL,
        /// The preset IQ4_XS.
        Iq4Xs = TF_PRESET_IQ4_XS,
        /// The preset TQ1_0.
        Tq1_0 = TF_PRESET_TQ1_0,
        /// The preset TQ2_0.
        Tq2_0 = TF_PRESET_TQ2_0,
        /// The preset MXFP4_MOE.
        Mxfp4Moe = TF_PRESET_MXFP4_MOE,
        // END tf_preset
    }
}

impl Preset {
    /// Returns all presets in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Preset> {
        // SAFETY: the function accepts any index.
        let at = |index| Preset::from_raw(unsafe { sys::tf_preset_at(index) });
        (0..).map(at).take_while(|&preset| preset != Preset::None)
    }

    /// Returns the name, such as `"Q4_K_M"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        // SAFETY: the function accepts any number.
        unsafe { static_text(sys::tf_preset_name(self.to_raw())) }
    }

    /// Returns the number, which a .gguf has as `general.file_type`.
    #[must_use]
    pub fn file_type(self) -> u32 {
        self.to_raw().unsigned_abs()
    }

    /// Returns the type of the arrays that get no special treatment, or [`Dtype::Unsupported`] for [`Preset::None`].
    #[must_use]
    pub fn dtype(self) -> Dtype {
        // SAFETY: the function accepts any number.
        Dtype::from_raw(unsafe { sys::tf_preset_dtype(self.to_raw()) })
    }

    /// Creates a plan without arrays for a model with this metadata, which must have `general.architecture` and the
    /// number of layers, with the keys of a .gguf.
    pub fn plan(self, metadata: &Dict) -> Result<QuantPlan> {
        let (metadata, options) = (RawDict::from_map(metadata)?, Options::new().raw()?);
        // SAFETY: the handles are valid.
        let raw =
            make(|out| unsafe { sys::tf_quant_plan_new(out, self.to_raw(), metadata.as_ptr(), options.as_ptr()) })?;
        Ok(QuantPlan { raw, declared: 0 })
    }
}

impl str::FromStr for Preset {
    type Err = Error;

    /// Parses the name of a preset, in any letter case.
    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::new(ErrorKind::InvalidArgument, format!("no preset is named {name:?}"));
        let text = CString::new(name).map_err(|_| unknown())?;
        // SAFETY: the name is NUL-terminated.
        match Preset::from_raw(unsafe { sys::tf_preset_from_name(text.as_ptr()) }) {
            Preset::None => Err(unknown()),
            preset => Ok(preset),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Chooses the type of each array of a model by the rules of llama-quantize. [`Preset::plan`] returns it.
///
/// ```
/// use tensorfile::{Dict, Dtype, Preset};
///
/// let mut metadata = Dict::new();
/// metadata.insert("general.architecture", "llama");
/// metadata.insert("llama.block_count", 2u32);
/// let mut plan = Preset::Q4KM.plan(&metadata)?;
/// plan.declare("blk.0.attn_q.weight", Dtype::Float16, [256, 256])?;
/// plan.declare("output.weight", Dtype::Float16, [1000, 256])?;
/// plan.declare("output_norm.weight", Dtype::Float32, [256])?;
/// assert_eq!(plan.finish()?, [Dtype::Q4K, Dtype::Q6K, Dtype::Float32]);
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub struct QuantPlan {
    raw: RawPlan,
    declared: usize,
}

struct RawPlan(NonNull<sys::tf_quant_plan>);

handle!(RawPlan, tf_quant_plan, tf_quant_plan_release);

// SAFETY: calls that change the plan need `&mut`.
unsafe impl Send for RawPlan {}
// SAFETY: Sync holds for the same reason as Send.
unsafe impl Sync for RawPlan {}

impl QuantPlan {
    fn as_ptr(&self) -> *mut sys::tf_quant_plan {
        self.raw.0.as_ptr()
    }

    /// Declares the next array.
    pub fn declare(&mut self, name: &str, dtype: Dtype, shape: impl AsRef<[usize]>) -> Result<()> {
        let sizes = dims(shape.as_ref())?;
        let (text, length, shape, ndim) = (name.as_ptr().cast(), name.len(), sizes.as_ptr(), sizes.len());
        // SAFETY: no other code uses the plan; each pointer has its length.
        check(|| unsafe { sys::tf_quant_plan_declare(self.as_ptr(), text, length, dtype.to_raw(), shape, ndim) })?;
        self.declared += 1;
        Ok(())
    }

    /// Sets the type in which an array is encoded, by its index in the order of declarations. The plan ignores it for
    /// arrays that no preset encodes, and replaces it if its blocks do not divide the rows.
    pub fn set_dtype(&mut self, index: usize, dtype: Dtype) -> Result<()> {
        // SAFETY: no other code uses the plan.
        check(|| unsafe { sys::tf_quant_plan_set_dtype(self.as_ptr(), index, dtype.to_raw()) })
    }

    /// Sets whether the arrays will be encoded with an importance matrix, which changes some types.
    pub fn set_weighted(&mut self, weighted: bool) -> Result<()> {
        // SAFETY: no other code uses the plan.
        check(|| unsafe { sys::tf_quant_plan_set_weighted(self.as_ptr(), weighted.into()) })
    }

    /// Chooses the types and returns them in the order of declarations. Arrays that are not encoded keep theirs.
    pub fn finish(self) -> Result<Vec<Dtype>> {
        // SAFETY: no other code uses the plan.
        check(|| unsafe { sys::tf_quant_plan_finish(self.as_ptr()) })?;
        let mut dtypes = Vec::with_capacity(self.declared);
        for index in 0..self.declared {
            let mut dtype = sys::TF_DTYPE_UNSUPPORTED;
            // SAFETY: the handle and the output are valid.
            check(|| unsafe { sys::tf_quant_plan_dtype(&raw mut dtype, self.as_ptr(), index) })?;
            dtypes.push(Dtype::from_raw(dtype));
        }
        Ok(dtypes)
    }
}

impl fmt::Debug for QuantPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuantPlan of {} arrays", self.declared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "calls the library")]
    fn every_preset_of_the_library_is_here() {
        let all: Vec<Preset> = PRESETS.iter().copied().filter(|&preset| preset != Preset::None).collect();
        assert_eq!(Preset::all().collect::<Vec<_>>(), all);
        for preset in all {
            assert_eq!(preset.name().to_lowercase().parse::<Preset>().unwrap(), preset);
            assert_ne!(preset.dtype(), Dtype::Unsupported);
        }
        assert_eq!(Preset::Q4KM.file_type(), 15);
        assert_eq!("MXFP4".parse::<Preset>().unwrap(), Preset::Mxfp4Moe);
        assert_eq!("Q4\0".parse::<Preset>().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
