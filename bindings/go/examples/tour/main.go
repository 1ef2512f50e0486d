// Tour shows what the package does, from reading a part of an array to saving a model with typed metadata.
//
//	go run github.com/tensorfile/tensorfile/bindings/go/examples/tour
//
// It writes to a temporary folder, and its test checks what it prints.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

// A tour is a sequence of steps that print to out and share a folder.
type tour struct {
	out    io.Writer
	folder string
}

func (t *tour) path(name string) string        { return filepath.Join(t.folder, name) }
func (t *tour) println(values ...any)          { fmt.Fprintln(t.out, values...) }
func (t *tour) printf(format string, v ...any) { fmt.Fprintf(t.out, format, v...) }
func (t *tour) title(title string)             { t.printf("== %s\n", title) }
func (t *tour) relative(err error) string {
	return strings.ReplaceAll(err.Error(), t.folder+"/", "")
}

// save saves a model and its metadata, whose numbers keep their types.
func (t *tour) save() error {
	t.title("save")
	model, metadata := tensorfile.NewDict(), tensorfile.NewDict()
	defer model.Close()
	defer metadata.Close()
	err := errors.Join(
		model.Set("layers.0.weight", [][]float32{{1, 2, 3}, {4, 5, 6}}),
		model.Set("layers.0.bias", []float64{0.5, -0.5}),
		model.Set("layers.1.weight", []tensorfile.F16{tensorfile.F16FromFloat32(0.1), tensorfile.F16FromFloat32(70000)}),
		metadata.Set("general.architecture", "tour"),
		metadata.Set("tour.block_count", uint32(2)),
		metadata.Set("tour.scale", float32(0.25)),
		metadata.Set("tour.rope", true),
		metadata.Set("tour.heads", []int32{4, 8}),
		metadata.Set("tokenizer.ggml.tokens", []string{"<s>", "</s>"}),
	)
	if err != nil {
		return err
	}
	t.println(model)
	t.println(metadata)
	return tensorfile.Save(t.path("model.gguf"), model, metadata)
}

// open opens a file, which reads its header.
func (t *tour) open() error {
	t.title("open")
	file, err := tensorfile.Open(t.path("model.gguf"))
	if err != nil {
		return err
	}
	defer file.Close()
	return errors.Join(t.read(file), t.describe(file))
}

// read lists a file, and reads only what it needs.
func (t *tour) read(file *tensorfile.File) error {
	for name, entry := range file.Entries() {
		t.println(name, entry.Dtype(), entry.Shape(), entry.NBytes(), "bytes")
	}

	weight, shape, err := tensorfile.Read[float32](file, "layers.0.weight")
	if err != nil {
		return err
	}
	t.println("all:", shape, weight)
	column, shape, err := tensorfile.Read[float32](file, "layers.0.weight", tensorfile.All(), tensorfile.From(-1))
	if err != nil {
		return err
	}
	t.println("last column:", shape, column)
	converted, _, err := tensorfile.ReadCast[float32](file, "layers.0.bias")
	if err != nil {
		return err
	}
	t.printf("cast: %v %[1]T\n", converted)

	halves := make([]tensorfile.F16, 2) // memory of the caller
	entry, err := file.Entry("layers.1.weight")
	if err != nil {
		return err
	}
	err = tensorfile.ReadInto(tensorfile.Into(entry, halves))
	t.println("into:", halves)
	return err
}

// describe prints the metadata. Each number has the type of Go that corresponds to its type in the file.
func (t *tour) describe(file *tensorfile.File) error {
	metadata, err := file.Metadata()
	if err != nil {
		return err
	}
	defer metadata.Close()
	for name, value := range metadata.All() {
		t.printf("%s: %v (%[2]T)\n", name, value)
	}
	heads, err := tensorfile.Get[[]int32](metadata, "tour.heads")
	t.println("heads:", heads)
	return err
}

// change loads a file, changes an array, and saves the arrays in three formats.
func (t *tour) change() error {
	t.title("change")
	model, err := tensorfile.Load(t.path("model.gguf"))
	if err != nil {
		return err
	}
	defer model.Close()
	err = model.Arrays.Update("layers.0.weight", func(weight *tensorfile.Array) error {
		elements, err := tensorfile.MutableData[float32](weight)
		for i := range elements {
			elements[i] *= 10
		}
		return err
	})
	if err != nil {
		return err
	}
	texts := tensorfile.NewDict() // .safetensors and .npz hold no numbers in their metadata
	defer texts.Close()
	err = errors.Join(
		texts.Set("general.architecture", "tour"),
		model.Metadata.Set("tour.block_count", uint32(3)),
		tensorfile.Save(t.path("changed.gguf"), model.Arrays, model.Metadata),
		tensorfile.Save(t.path("changed.safetensors"), model.Arrays, texts),
		tensorfile.Save(t.path("changed.npz"), model.Arrays, texts, tensorfile.WithCompress(true)),
	)
	if err != nil {
		return err
	}
	for _, name := range []string{"changed.gguf", "changed.safetensors", "changed.npz"} {
		again, err := tensorfile.Load(t.path(name))
		if err != nil {
			return err
		}
		weight, err := again.Array("layers.0.weight")
		if err != nil {
			return err
		}
		t.println(name, weight, again.Metadata.Len(), "keys")
		weight.Close()
		again.Close()
	}
	return nil
}

// fail shows how errors look, and how programs tell them apart.
func (t *tour) fail() error {
	t.title("errors")
	_, missing := tensorfile.Load(t.path("missing.npz"))
	t.println(t.relative(missing))
	t.println("not found:", errors.Is(missing, fs.ErrNotExist))

	file, err := tensorfile.Open(t.path("changed.npz"))
	if err != nil {
		return err
	}
	defer file.Close()
	_, _, wrongType := tensorfile.Read[int32](file, "layers.0.weight")
	t.println(t.relative(wrongType))
	_, wrongShape := tensorfile.FromSlice([]float32{1, 2, 3, 4, 5}, 2, 3)
	t.println(wrongShape)
	_, tooLarge := tensorfile.Load(t.path("model.gguf"), tensorfile.WithMaxArrays(2))
	t.println(t.relative(tooLarge))

	_, truncated := tensorfile.LoadBytes([]byte("\x40\x00\x00\x00\x00\x00\x00\x00{"), tensorfile.Safetensors)
	var failure *tensorfile.Error
	if errors.As(truncated, &failure) {
		t.println(failure.Op, failure.Status.String(), "at byte", failure.Offset)
	}

	complex := tensorfile.NewDict()
	defer complex.Close()
	unsupported := errors.Join(complex.Set("z", []complex128{1i}), tensorfile.Save(t.path("z.gguf"), complex, nil))
	t.println(t.relative(unsupported))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, cancelled := tensorfile.Load(t.path("changed.npz"), tensorfile.WithContext(ctx))
	t.println("cancelled:", errors.Is(cancelled, context.Canceled))
	return file.Close()
}

// stream saves to memory and writers, and loads from memory and readers.
func (t *tour) stream() error {
	t.title("bytes, readers and writers")
	array, err := tensorfile.FromSlice([]int16{1, 2, 3})
	if err != nil {
		return err
	}
	defer array.Close()
	var npy bytes.Buffer
	if err := tensorfile.SaveArrayTo(&npy, array); err != nil {
		return err
	}
	reader := bytes.NewReader(npy.Bytes())
	file, err := tensorfile.OpenReader(reader, reader.Size(), tensorfile.Auto)
	if err != nil {
		return err
	}
	defer file.Close()
	t.println("from a reader:", file)
	loaded, err := tensorfile.LoadBytes(npy.Bytes(), tensorfile.NPY)
	if err != nil {
		return err
	}
	defer loaded.Close()
	t.println("from bytes:", loaded)
	_, pipe := io.Pipe()
	pipe.Close()
	t.println(tensorfile.SaveArrayTo(pipe, array))
	return nil
}

// share reads one file in several goroutines.
func (t *tour) share() error {
	t.title("goroutines")
	file, err := tensorfile.Open(t.path("changed.npz"), tensorfile.WithThreads(1)) // one thread for each call
	if err != nil {
		return err
	}
	defer file.Close()
	var group sync.WaitGroup
	sums, failures := make([]float64, 8), make([]error, 8)
	for i := range sums {
		group.Add(1)
		go func() {
			defer group.Done()
			elements, _, err := tensorfile.ReadCast[float64](file, "layers.0.weight")
			for _, element := range elements {
				sums[i] += element
			}
			failures[i] = err
		}()
	}
	group.Wait()
	t.println(slices.Compact(sums))
	return errors.Join(failures...)
}

// weights saves a tree of layers, and loads what a model expects.
func (t *tour) weights() error {
	t.title("weights")
	tree, err := tensorfile.LoadWeights(t.path("changed.safetensors"), nil)
	if err != nil {
		return err
	}
	defer tree.Close()
	t.println(tree)
	expected := tensorfile.NewDict()
	defer expected.Close()
	if err := expected.Set("layers.0.weight", [3][2]float32{}); err != nil {
		return err
	}
	_, mismatch := tensorfile.LoadWeights(t.path("changed.safetensors"), expected)
	t.println("mismatch:", errors.Is(mismatch, tensorfile.ErrMismatch))
	return tensorfile.SaveWeights(t.path("tree.safetensors"), tree)
}

func (t *tour) run() error {
	steps := []func() error{t.save, t.open, t.change, t.fail, t.stream, t.share, t.weights}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	folder, err := os.MkdirTemp("", "tour")
	if err != nil {
		log.Fatal(err)
	}
	err = (&tour{os.Stdout, folder}).run()
	os.RemoveAll(folder)
	if err != nil {
		log.Fatal(err)
	}
}
