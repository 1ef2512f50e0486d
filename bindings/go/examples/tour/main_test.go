package main

import (
	"strings"
	"testing"
)

const want = `== save
{layers.0.weight: float32[2 3] [[1 2 3] [4 5 6]], layers.0.bias: float64[2] [0.5 -0.5], layers.1.weight: float16[2] [0.099975586 +Inf]}
{general.architecture: "tour", tour.block_count: 2, tour.scale: 0.25, tour.rope: true, tour.heads: int32[2] [4 8], tokenizer.ggml.tokens: ["<s>" "</s>"]}
== open
layers.0.weight float32 [2 3] 24 bytes
layers.0.bias float64 [2] 16 bytes
layers.1.weight float16 [2] 4 bytes
all: [2 3] [1 2 3 4 5 6]
last column: [2 1] [3 6]
cast: [0.5 -0.5] []float32
into: [0.099975586 +Inf]
general.architecture: tour (string)
tour.block_count: 2 (uint32)
tour.scale: 0.25 (float32)
tour.rope: true (bool)
tour.heads: [4 8] ([]int32)
tokenizer.ggml.tokens: [<s> </s>] ([]string)
heads: [4 8]
== change
changed.gguf float32[2 3] [[10 20 30] [40 50 60]] 6 keys
changed.safetensors float32[2 3] [[10 20 30] [40 50 60]] 1 keys
changed.npz float32[2 3] [[10 20 30] [40 50 60]] 1 keys
== errors
tensorfile: load missing.npz: no such file
not found: true
tensorfile: read changed.npz: array 'layers.0.weight' is float32[2 3], not int32: ReadCast and CastInto convert it
tensorfile: shape [2 3] needs 6 elements, got 5
tensorfile: load model.gguf: 3 arrays are more than the limit (WithMaxArrays) of 2 (byte 8)
load truncated at byte 0
tensorfile: save z.gguf: gguf cannot hold: 'z' (dtype complex128)
cancelled: true
== bytes, readers and writers
from a reader: npy {"": int16[3]}
from bytes: {"": int16[3] [1 2 3]}
tensorfile: save: could not write 134 bytes: io: read/write on closed pipe
== goroutines
[210]
== weights
{layers: {0: {bias: float64[2] [0.5 -0.5], weight: float32[2 3] [[10 20 30] [40 50 60]]}, 1: {weight: float16[2] [0.099975586 +Inf]}}}
mismatch: true
`

func TestTour(t *testing.T) {
	var out strings.Builder
	if err := (&tour{&out, t.TempDir()}).run(); err != nil {
		t.Fatal(err)
	}
	lines, wanted := strings.Split(out.String(), "\n"), strings.Split(want, "\n")
	for i := range max(len(lines), len(wanted)) {
		if i >= len(lines) || i >= len(wanted) || lines[i] != wanted[i] {
			t.Fatalf("line %d differs from what is wanted:\n%s", i+1, out.String())
		}
	}
}
