package tensorfile

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// succeeds ends the test if a call failed.
func succeeds(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPresets(t *testing.T) {
	for _, preset := range Presets() {
		parsed, err := ParsePreset(strings.ToLower(preset.String()))
		if err != nil || parsed != preset {
			t.Errorf("ParsePreset(%v) = %v, %v", preset, parsed, err)
		}
		if preset.Dtype() == Unsupported {
			t.Errorf("%v has no dtype", preset)
		}
	}
	if got := len(Presets()); got != 20 {
		t.Errorf("there are %d presets", got)
	}
	for _, name := range []string{"Q9", "Q4_0\x00"} {
		if _, err := ParsePreset(name); !errors.Is(err, ErrInvalidArgument) {
			t.Errorf("ParsePreset(%q): %v", name, err)
		}
	}
	if PresetNone.String() != "unknown" || PresetNone.Dtype() != Unsupported || PresetMXFP4_MOE.Dtype() != MXFP4 {
		t.Error("wrong name or dtype")
	}
}

func TestQuantPlan(t *testing.T) {
	metadata := NewDict()
	defer metadata.Close()
	if _, err := NewQuantPlan(PresetQ4_K_M, metadata); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("without metadata: %v", err)
	}
	succeeds(t, metadata.Set("general.architecture", "llama"))
	succeeds(t, metadata.Set("llama.block_count", uint32(2)))
	plan := must[*QuantPlan](t)(NewQuantPlan(PresetQ4_K_M, metadata))
	defer plan.Close()
	succeeds(t, plan.Declare("output.weight", Float16, 8, 256))
	succeeds(t, plan.Declare("blk.0.attn_q.weight", Float16, 8, 256))
	succeeds(t, plan.Declare("blk.1.attn_q.weight", Float16, 8, 256))
	succeeds(t, plan.Declare("output_norm.weight", Float32, 256))
	if err := plan.Declare("output.weight", Float16, 8, 256); !errors.Is(err, ErrDuplicate) {
		t.Errorf("a second output.weight: %v", err)
	}
	succeeds(t, plan.SetDtype(2, Q8_0))
	succeeds(t, plan.SetWeighted(true))
	dtypes := must[[]Dtype](t)(plan.Finish())
	if want := []Dtype{Q6_K, Q4_K, Q8_0, Float32}; !slices.Equal(dtypes, want) {
		t.Errorf("got %v, want %v", dtypes, want)
	}
	if err := plan.SetDtype(0, Q8_0); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("SetDtype of a finished plan: %v", err)
	}
}

func TestCastWeighted(t *testing.T) {
	values, weights := make([]float32, 512), make([]float32, 256)
	for i := range values {
		values[i], weights[i%256] = float32(i%37)-11, float32(i%7)
	}
	array := must[*Array](t)(FromSlice(values, 2, 256))
	defer array.Close()
	importance := must[*Array](t)(FromSlice(weights, 256))
	defer importance.Close()
	encoded := must[*Array](t)(array.CastWeighted(Q4_K, importance))
	defer encoded.Close()
	plain := must[*Array](t)(array.Cast(Q4_K))
	defer plain.Close()
	if encoded.Dtype() != Q4_K || must[bool](t)(encoded.Equal(plain)) {
		t.Error("the weights were not used")
	}
	if _, err := array.CastWeighted(Q4_K, array); err != nil {
		t.Errorf("weights for each element: %v", err)
	}
	if _, err := importance.CastWeighted(Q4_K, array); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("weights of a wrong shape: %v", err)
	}
}
