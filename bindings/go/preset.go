package tensorfile

import (
	"strings"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Preset is a mixture of types in which llama-quantize encodes a model. Its number is the general.file_type of a .gguf.
type Preset int32

// The presets. The values never change; later versions may add more.
const (
	// BEGIN tf_preset: generated from tensorfile.h by bindings/swig/generate.sh
	// No preset.
	PresetNone Preset = 0
	// The preset Q4_0.
	PresetQ4_0 Preset = 2
	// The preset Q4_1.
	PresetQ4_1 Preset = 3
	// The preset Q8_0.
	PresetQ8_0 Preset = 7
	// The preset Q5_0.
	PresetQ5_0 Preset = 8
	// The preset Q5_1.
	PresetQ5_1 Preset = 9
	// The preset Q2_K.
	PresetQ2_K Preset = 10
	// The preset Q3_K_S.
	PresetQ3_K_S Preset = 11
	// The preset Q3_K_M.
	PresetQ3_K_M Preset = 12
	// The preset Q3_K_L.
	PresetQ3_K_L Preset = 13
	// The preset Q4_K_S.
	PresetQ4_K_S Preset = 14
	// The preset Q4_K_M.
	PresetQ4_K_M Preset = 15
	// The preset Q5_K_S.
	PresetQ5_K_S Preset = 16
	// The preset Q5_K_M.
	PresetQ5_K_M Preset = 17
	// The preset Q6_K.
	PresetQ6_K Preset = 18
	// Needs an importance matrix.
	PresetQ2_K_S Preset = 21
	// The preset IQ4_NL.
	PresetIQ4_NL Preset = 25
	// The preset IQ4_XS.
	PresetIQ4_XS Preset = 30
	// The preset TQ1_0.
	PresetTQ1_0 Preset = 36
	// The preset TQ2_0.
	PresetTQ2_0 Preset = 37
	// The preset MXFP4_MOE.
	PresetMXFP4_MOE Preset = 38
	// END tf_preset
)

// ParsePreset returns the preset with a name such as "Q4_K_M", in any case.
func ParsePreset(name string) (Preset, error) {
	if !strings.Contains(name, "\x00") {
		if preset := Preset(capi.PresetFromName(name)); preset != PresetNone {
			return preset, nil
		}
	}
	return PresetNone, newError(ErrInvalidArgument, "no preset is named %q", name)
}

// Presets returns all presets in the order of their numbers.
func Presets() []Preset {
	var presets []Preset
	for preset := Preset(capi.PresetAt(0)); preset != PresetNone; preset = Preset(capi.PresetAt(len(presets))) {
		presets = append(presets, preset)
	}
	return presets
}

// String returns the name of the preset, or "unknown" if p is PresetNone or none of the constants.
func (p Preset) String() string { return capi.String(capi.PresetName(int32(p))) }

// Dtype returns the type of the arrays that get no special treatment, or Unsupported if there is no such preset.
func (p Preset) Dtype() Dtype { return Dtype(capi.PresetDtype(int32(p))) }

// QuantPlan chooses the type of each array of a model by the rules of llama-quantize. First declare all arrays, then
// call Finish.
type QuantPlan struct {
	handle   handle[capi.QuantPlan]
	declared int
}

// NewQuantPlan returns a plan without arrays. The metadata of the model must have general.architecture and the number of
// layers, with the keys of a .gguf.
func NewQuantPlan(preset Preset, metadata *Dict, opts ...Option) (*QuantPlan, error) {
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	dict, err := metadata.handle.lock()
	if err != nil {
		return nil, err
	}
	defer metadata.handle.unlock()
	var raw capi.QuantPlan
	if err := check(capi.QuantPlanNew(&raw, int32(preset), dict, options.raw)); err != nil {
		return nil, err
	}
	p := &QuantPlan{}
	return own(p, &p.handle, raw, capi.QuantPlanRelease), nil
}

// Close releases the plan. It always returns nil; closing twice is allowed.
func (p *QuantPlan) Close() error { return p.handle.close() }

// change runs a call that changes the plan.
func (p *QuantPlan) change(call func(raw capi.QuantPlan) error) error {
	raw, err := p.handle.lockAlone()
	if err != nil {
		return err
	}
	defer p.handle.unlockAlone()
	return check(call(raw))
}

// Declare declares the next array, as Writer.Declare does.
func (p *QuantPlan) Declare(name string, dtype Dtype, shape ...int) error {
	sizes := numbers(shape)
	return p.change(func(raw capi.QuantPlan) error {
		err := capi.QuantPlanDeclare(raw, name, int32(dtype), first(sizes), len(sizes))
		if err == nil {
			p.declared++
		}
		return err
	})
}

// SetDtype sets the type in which an array is encoded, by its index in the order of declarations. The plan ignores it for
// arrays that no preset encodes, and replaces it if its blocks do not divide the rows.
func (p *QuantPlan) SetDtype(index int, dtype Dtype) error {
	return p.change(func(raw capi.QuantPlan) error {
		return capi.QuantPlanSetDtype(raw, index, int32(dtype))
	})
}

// SetWeighted sets whether the arrays will be encoded with an importance matrix, which changes some types.
func (p *QuantPlan) SetWeighted(weighted bool) error {
	var number int32
	if weighted {
		number = 1
	}
	return p.change(func(raw capi.QuantPlan) error { return capi.QuantPlanSetWeighted(raw, number) })
}

// Finish chooses the types and returns them in the order of declarations. Arrays that are not encoded keep theirs.
func (p *QuantPlan) Finish() ([]Dtype, error) {
	var dtypes []Dtype
	err := p.change(func(raw capi.QuantPlan) error {
		if err := capi.QuantPlanFinish(raw); err != nil {
			return err
		}
		for i := range p.declared {
			var dtype int32
			if err := capi.QuantPlanDtype(&dtype, raw, i); err != nil {
				return err
			}
			dtypes = append(dtypes, Dtype(dtype))
		}
		return nil
	})
	return dtypes, err
}
